"""What every test may ask for. The one file that knows where the shared real data lies: SUBMETER_SITES.

On a user's machine a test whose server or data is absent is skipped with the reason; in CI (SUBMETER_CI=1) such a skip
is a failure unless tests/skips.toml lists it with the command that runs it by hand.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy: test processes share two cores already

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SKIPS = Path(__file__).with_name("skips.toml")


@pytest.fixture(scope="session")
def sites() -> Path:
    """The folder of real buildings' data."""
    folder = Path(os.environ.get("SUBMETER_SITES", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}; set SUBMETER_SITES to its folder")
    return folder


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report = yield
    skipped = report.skipped and not hasattr(report, "wasxfail")
    if os.environ.get("SUBMETER_CI") and skipped and not _listed(item.nodeid):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI without being listed in tests/skips.toml: {report.longrepr}"
    return report


def _listed(nodeid: str) -> bool:
    rows = tomllib.loads(SKIPS.read_text(encoding="utf-8"))["skip"]
    return any(row["test"] in nodeid for row in rows)
