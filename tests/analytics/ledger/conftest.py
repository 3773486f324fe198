"""Prints how many cases the properties tried (from all workers), and has the profile that tries many."""

import os
from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import settings

from tests.analytics.ledger.cases import TRIED

settings.register_profile("wide", max_examples=1_000)
settings.register_profile("same", derandomize=True)
settings.register_profile("deep", max_examples=20_000)


if os.environ.get("SUBMETER_CI"):  # the same cases every time; `wide` and `deep` look for new ones
    settings.load_profile("same")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    report = yield
    if call.when == "call" and (name := getattr(item, "originalname", item.name)) in TRIED:
        report.user_properties.append(("ledger cases", TRIED.pop(name)))
    return report


def pytest_terminal_summary(terminalreporter: Any) -> None:
    reports = [r for of in ("passed", "failed") for r in terminalreporter.stats.get(of, [])]
    tried = {r.nodeid: n for r in reports for name, n in r.user_properties if name == "ledger cases"}
    failed = sum(r.failed for r in reports if r.nodeid in tried)
    if tried:
        terminalreporter.write_line(f"ledger properties: {sum(tried.values())} cases without violation, {failed} with")
        for nodeid, n in sorted(tried.items()):
            terminalreporter.write_line(f"  {n:>7} {nodeid.rpartition('::')[2]}")
