"""Where configuration lies: ``--config DIR``, else the ``config/`` that ships with the program."""

from pathlib import Path


def config_folder(given: str | Path | None = None) -> Path:
    """The folder to read: the given one, else the checkout's ``config/``, else the copy inside the wheel."""
    if given is not None:
        return Path(given)
    package = Path(__file__).resolve().parent.parent
    checkout = package.parent / "config"
    return checkout if checkout.is_dir() else package / "_config"
