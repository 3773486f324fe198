"""``submeter study``: baselines, savings and findings of buildings, now, on as many cores as there are."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from submeter.clock import WallClock
from submeter.roof.place import Place, with_place
from submeter.words import ConfigError, FindingState, Portfolio

if TYPE_CHECKING:
    from analytics.jobs.nightly import Done, Pool

REASONS = {"budget": "beyond the alarm budget", "tolerance": "too small", "quiet": "on quiet days"}
"""why a verdict is not told"""


@click.command()
@with_place
@click.argument("buildings", nargs=-1)
@click.option(
    "--cores", "workers", default="1", show_default=True, help="Processes on this machine: a number or 'all'."
)
@click.option("--dask", help="Address of a Dask scheduler, e.g. tcp://10.0.0.2:8786.")
@click.option("--at", "instant", help="Study as if it were then (ISO 8601 with offset; default: now).")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a building.")
def command(
    place: Place, buildings: tuple[str, ...], workers: str, dask: str | None, instant: str | None, as_json: bool
) -> None:
    """Study buildings: baselines, savings and findings from the ledger (all buildings, when none is named).

    The results are the same on one core, on all, and on a cluster.

    \b
    Example:
      submeter study --cores all
      submeter study PD01 PD02 --dask tcp://10.0.0.2:8786
    """
    from analytics.jobs.nightly import study_all

    portfolio = place.watch()()
    wanted = _wanted(portfolio, buildings)
    now_ms = _instant_ms(instant) if instant else WallClock().now_ms()
    store = place.store()
    try:
        with _pool(workers, dask) as pool, _progress() as progress:
            bar = progress.add_task("studying", total=len(wanted))
            for done in study_all(store, portfolio, wanted, now_ms, place.settings.analytics, pool):
                progress.advance(bar)
                click.echo(msgspec.json.encode(_plain(done)) if as_json else _line(done))
    finally:
        store.close()


def _wanted(portfolio: Portfolio, buildings: tuple[str, ...]) -> list[str]:
    unknown = [b for b in buildings if b not in portfolio.buildings]
    if unknown:
        raise ConfigError(f"{unknown[0]!r} is no building of the portfolio; it has {', '.join(portfolio.buildings)}")
    return sorted(buildings or portfolio.buildings)


def _instant_ms(text: str) -> int:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"--at {text!r} is no instant; write 2026-03-01T00:00+08:00") from None
    if at.tzinfo is None:
        raise ConfigError(f"--at {text!r} lacks its offset; write {text}+08:00 or {text}Z")
    return int(at.timestamp() * 1000)


@contextmanager
def _pool(workers: str, dask: str | None) -> "Iterator[Pool | None]":
    from analytics.jobs.nightly import cluster, cores

    if dask:
        with cluster(dask) as of_cluster:
            yield of_cluster
        return
    count = len(os.sched_getaffinity(0)) if workers == "all" else int(workers) if workers.isdigit() else 0
    if count < 1:
        raise ConfigError(f"--cores {workers!r}: say a number from 1 on, or 'all'")
    if count == 1:
        yield None
        return
    with cores(count) as of_cores:
        yield of_cores


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True))


def _plain(done: "Done") -> dict[str, object]:
    study = done.study
    if study is None:
        return {"building": done.building, "refused": done.refused}
    return {
        "building": done.building,
        "baselines": sum(not b.refused for b in study.baselines),
        "refused_baselines": sum(bool(b.refused) for b in study.baselines),
        "savings": sum(not s.refused for s in study.savings),
        "open_findings": sum(f.state is FindingState.OPEN for f in study.findings),
        "untold": study.untold,
    }


def _line(done: "Done") -> str:
    told = _plain(done)
    if done.study is None:
        return f"{done.building}: not studied, {done.refused}"
    models = f"{told['baselines']} baselines ({told['refused_baselines']} refused)"
    counted = f"{done.building}: {models}, {told['savings']} savings, {told['open_findings']} open findings"
    left = ", ".join(f"{count} {REASONS[why]}" for why, count in sorted(done.study.untold.items()))
    return f"{counted}; not told: {left}" if left else counted
