"""``python -m benchmarks [NAME] [--json]``; ``--table`` prints the table of docs/benchmarks.md."""

import importlib
import inspect
import json
import sys
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import click
from rich.console import Console
from rich.table import Table

from benchmarks.result import Result
from submeter.words import TheirsError


class Benchmark(NamedTuple):
    arguments: str
    """what may follow its name"""
    what: str
    against: str
    """the peer or the limit of the same run"""


BENCHMARKS: Final[dict[str, Benchmark]] = {
    "demo": Benchmark(
        "[WORLD [GRACE_S]]",
        "`submeter demo` started for real: seconds to the page, the first picture, the first finding and saving, the "
        "end of the back-fill, and from Ctrl-C to its end; readings/s; CPU; memory (PSS of all processes); store size",
        "60 s, 300 s and 5 s; two cores; two int64 a reading",
    ),
    "path": Benchmark(
        "[BUILDINGS DAYS [BROKER+STORE …]]",
        "readings/s from meter to store and to ledger, and CPU µs per reading by stage, through real brokers "
        "(mosquitto, iotcore) into each store (memory, embedded, influx1, influx2)",
        "InfluxDB: a raw write of the same batches (≥ 0.5); others: the same path into memory; a stage: all stages",
    ),
    "store": Benchmark(
        "[BUILDINGS DAYS [STORE …]]",
        "rows/s written and read into NumPy, readings and intervals; size per million",
        "plain SQLite tables of rows; InfluxDB: a raw write of the same batches",
    ),
    "ledger": Benchmark(
        "[METERS DAYS [LIVE [YEAR_DAYS]]]",
        "register readings/s settled in NumPy (15-minute, 1-minute, with zeros); CPU µs per reading of the whole job "
        "into the embedded store; a live poll of a district; one late reading in a year, from arrival until durable",
        "1,000,000 readings/s; a walk in Python, a reading at a time; the minute between two polls; 50 ms",
    ),
    "year": Benchmark(
        "[METERS DAYS [SAMPLE [PROCESSES]]]",
        "a year of a city (`year 12000 365 33`): settled in memory by processes, time and peak memory; a sample of it "
        "through the embedded store, per meter; an ordinary night's new day",
        "1,000,000 readings/s per core; two int64 a reading; an hour a night",
    ),
    "office": Benchmark(
        "[FOLDER [BROKER+STORE …]]",
        "a real office replayed through broker and store: ledger − file for each year; gross errors named by findings "
        "and marked suspect, and others",
        "0.01 kWh; the gross errors in the file",
    ),
    "score": Benchmark(
        "[SEED …]",
        "kinds of fault found, false findings a meter-month, savings in their band, over seeds not used in development",
        "the simulator's hidden truth; 0.5 false ones a meter-month",
    ),
    "analytics": Benchmark(
        "SITES --judge FILE [--judge-python PYTHON] [--peers [--peer-python PYTHON]] [--out DIR] [--draws N] "
        "[--cores N] [--into PAGE]",
        "all that follows about sites in one table: predictions, hidden savings, faults looking back and live, labels, "
        "trees, speeds; each with its spread over buildings",
        "the targets; the best peer",
    ),
    "savings": Benchmark(
        "SITE --out DIR [--judge FILE] [--python PYTHON] [--peers [--peer-meters N] [--all-meters]]",
        "baselines and savings of a site folder's test year from its train year: predictions.parquet and savings.csv, "
        "CPU per meter; the judge's verdict",
        "the targets; with `--peers` camber, opendsm and last year's level on the same hours",
    ),
    "anomalies": Benchmark(
        "SITE --out DIR [--judge FILE] [--python PYTHON] [--peers [--peer-meters N] [--all-meters]]",
        "looking back over a site folder's test year with faults in it: scores.parquet and episodes.csv, CPU per "
        "meter; the judge's verdict",
        "the targets; with `--peers` ADTK, STUMPY, PyOD, STL and an hour of the week's median on the same hours",
    ),
    "live": Benchmark(
        "SITE --out DIR [--judge FILE] [--python PYTHON]",
        "looking live, hour by hour, at a site folder's test year with faults in it: tellings.csv, CPU per meter and "
        "hour, size of the state; the judge's verdict",
        "the targets: hours from the start of a fault to the first telling",
    ),
    "cluster": Benchmark(
        "SITE [BUILDINGS]",
        "`submeter study` of a site's buildings on one core, two processes, two Dask workers started by hand, and two "
        "whose BLAS and NumPy reckon as on other machines: entries and rows that differ, and by how much",
        "one core; none on one machine; 1e-9 across machines",
    ),
    "balance": Benchmark(
        "SITE [CASES [SEED]]",
        "one fault at a time in a month of a real meter tree whose parts add up: cause and meter named",
        "whichever meter's energy is nearest to the difference; nobody blamed where nothing is wrong (≤ 0.05)",
    ),
    "operation": Benchmark(
        "SITE [CASES [SEED]]",
        "one fault of operation at a time in a real building: days off run as working days, a demand peak, heating "
        "against cooling: found, and of what is told anew the fault put in; told of the year as it is",
        "an hour of the week's z-score that tells one episode a meter-year; 0.1 episodes a meter-month; 5 ms",
    ),
    "tree": Benchmark(
        "SITE [CASES [SEED]]",
        "one fault at a time in a sub-meter of a real building: who it was, against its parent and its siblings",
        "the child furthest from its own expectation; 10 ms of CPU a fault",
    ),
    "gaps": Benchmark(
        "[SITES [HOLES [SEED [SITE …]]]]",
        "holes of 3 h to 7 days in the registers of real meters, settled: error of the estimated hours (WAPE, MAPE)",
        "linear interpolation and last week's hours in the same holes",
    ),
    "truth": Benchmark(
        "[SEED …]",
        "the ledger in pretend worlds with every kind of fault: quarters that say they are measured and are not what "
        "the meter counted; energy settled; error of estimated quarters",
        "the simulator's hidden truth; an even spread",
    ),
    "rollups": Benchmark(
        "[BUILDINGS]",
        "the first screen of a district and a year of each of its buildings, drawn from the ledger's totals in the "
        "embedded store: seconds and rows read; all totals of a year summed anew",
        "a warm page within 1 s; 366 rows a building; its meters' hours",
    ),
    "lines": Benchmark("", "lines of code per package", "the lines of its tests"),
}
WIDTH: Final = 150
"""characters of a table that goes into a file"""


@click.command(context_settings={"help_option_names": ["-h", "--help"], "ignore_unknown_options": True})
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--table", "as_table", is_flag=True, help="Print the table of docs/benchmarks.md.")
@click.argument("rest", nargs=-1, type=click.UNPROCESSED)
def main(name: str | None, as_json: bool, as_table: bool, rest: tuple[str, ...]) -> None:
    """List the benchmarks, or run one.

    \b
    Example:
      python -m benchmarks store --json
      python -m benchmarks path 4 60 mosquitto+influx1
      python -m benchmarks savings ../shared/data/drammen --out answers
    """
    if as_table:
        click.echo(markdown())
        return
    if name is None:
        for each, told in BENCHMARKS.items():
            click.echo(f"{each} {told.arguments}\n    {told.what}\n    against: {told.against}")
        return
    if name not in BENCHMARKS:
        click.echo(f"no benchmark {name!r}; there are {', '.join(BENCHMARKS)}", err=True)
        sys.exit(2)
    run: Callable[..., Result] = importlib.import_module(f"benchmarks.{name}").run
    if not takes(run, rest):
        click.echo(f"say: python -m benchmarks {name} {BENCHMARKS[name].arguments}", err=True)
        sys.exit(2)
    try:
        result = run(*rest)
    except TheirsError as fault:
        click.echo(f"benchmarks {name}: {fault}", err=True)
        sys.exit(1)
    if as_json:
        click.echo(json.dumps(result.as_dict()))
    else:
        print_result(result)


def takes(run: Callable[..., Result], words: Sequence[str]) -> bool:
    """Whether a benchmark can be run with so many words."""
    try:
        inspect.signature(run).bind(*words)
    except TypeError:
        return False
    return True


def markdown() -> str:
    """What each measures, as the documentation has it."""
    rows = [
        f"| `{f'{name} {told.arguments}'.strip()}` | {told.what} | {told.against} |"
        for name, told in BENCHMARKS.items()
    ]
    return "\n".join(["| command | what it measures | against |", "| --- | --- | --- |", *rows])


def print_result(result: Result) -> None:
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    if result.board is not None:
        console.print(result.board.table(), *result.board.notes, sep="\n")
        return
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
