"""One catalogue of texts in English and Chinese: ``words.toml`` for pages, ``findings.toml`` for findings' sentences.

A text that is missing shows as ⟦key⟧ instead of breaking a page; a test holds that none is.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

LANGUAGES: Final = ("en", "zh")


@cache
def table(name: str) -> dict[str, Any]:
    """A file of this folder, read once."""
    return tomllib.loads(files(__name__).joinpath(f"{name}.toml").read_text(encoding="utf-8"))


@cache
def _words() -> dict[str, Mapping[str, str]]:
    return {f"{section}.{key}": texts for section, rows in table("words").items() for key, texts in rows.items()}


def keys() -> list[str]:
    return sorted(_words())


def text(language: str, key: str, **values: object) -> str:
    """The text of ``section.key`` with ``{name}`` places filled; ⟦key⟧ where the catalogue has none."""
    found = _words().get(key, {}).get(language)
    return fill(found, values) if found is not None else f"⟦{key}⟧"


def known(key: str) -> bool:
    return key in _words()


class _Open(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return "…"


def fill(template: str, values: Mapping[str, object]) -> str:
    """Fill the places of a template; a place without a value becomes '…', never an error on a page."""
    return template.format_map(_Open(values))
