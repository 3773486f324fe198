"""What the pipeline told, against the hidden truth of the pretend world."""

from pathlib import Path

import click
import msgspec
from rich.console import Console

from firmware_sim.score import Score, score, to_table
from firmware_sim.truth import Truth, read_truth
from submeter.stores import Store
from submeter.words import Finding, Portfolio, Saving

MONTH_MS = 365.25 * 86_400_000 / 12
YEAR_MS = 365 * 86_400_000


def score_store(store: Store, portfolio: Portfolio, truth: Path) -> Score:
    """Score all findings and savings in a store. Raises :class:`ConfigError` where the truth is not to be read."""
    return score_against(store, portfolio, read_truth(truth))


def score_against(store: Store, portfolio: Portfolio, truth: Truth) -> Score:
    """``meter_months`` counts every meter over the year that was looked at."""
    months = len(portfolio.points) * min(YEAR_MS, truth.now_ms - truth.start_ms) / MONTH_MS
    return score(store.entries(Finding), truth, months, portfolio.points, store.entries(Saving))


def print_score(result: Score, as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.encode(result))
        return
    console = Console()
    console.print(to_table(result))
    console.print(
        f"{result.kinds_found} of {result.kinds_there} kinds found; {result.false} false findings in "
        f"{result.meter_months:,.0f} meter-months ({result.false_per_meter_month:.3f} each)"
    )
    for saving in result.savings:
        told = "nothing told" if saving.told_kwh is None else f"{saving.told_kwh:,.0f} kWh told"
        console.print(f"{saving.measure}: truly saved {saving.true_kwh:,.0f} kWh, {told}, in its band: {saving.inside}")
