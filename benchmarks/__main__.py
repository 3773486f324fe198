"""``python -m benchmarks [NAME] [--json]``."""

import importlib
import json
import sys
from typing import Final

import click
from rich.console import Console
from rich.table import Table

from benchmarks.result import Result

BENCHMARKS: Final[dict[str, str]] = {
    "demo": "time from `submeter demo` to the first picture and to the end of the back-fill; memory",
    "path": "readings/s and CPU µs per reading by stage, sim to store, with each broker and store",
    "store": "size per million readings, rows/s in and out, per store; InfluxDB against a raw write",
    "ledger": "settlement: µs per register reading, in bulk and for one live poll",
    "score": "findings and savings against the simulator's hidden truth, over seeds",
    "lines": "lines of code per package",
    "office": "the real office through the wire: yearly sums, gross errors found",
}

WIDTH: Final = 150
"""characters of a table that goes into a file"""


@click.command(context_settings={"help_option_names": ["-h", "--help"], "ignore_unknown_options": True})
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.argument("rest", nargs=-1, type=click.UNPROCESSED)
def main(name: str | None, as_json: bool, rest: tuple[str, ...]) -> None:
    """List the benchmarks, or run one.

    \b
    Example:
      python -m benchmarks store --json
    """
    if name is None:
        for each, text in BENCHMARKS.items():
            click.echo(f"{each:8} {text}")
        return
    if name not in BENCHMARKS:
        click.echo(f"no benchmark {name!r}; there are {', '.join(BENCHMARKS)}", err=True)
        sys.exit(2)
    result: Result = importlib.import_module(f"benchmarks.{name}").run(*rest)
    if as_json:
        click.echo(json.dumps(result.as_dict()))
        return
    print_result(result)


def print_result(result: Result) -> None:
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    table = Table("figure", "value", "unit", "ratio", "against", "target")
    for f in result.figures:
        ratio = "" if f.ratio is None else f"{f.ratio:.2f}"
        table.add_row(f.name, _number(f.value), f.unit, ratio, f.against, f.target)
    console.print(table)
    for note in result.notes:
        console.print(note)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.3g}"


if __name__ == "__main__":
    main()
