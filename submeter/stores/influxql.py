"""InfluxQL, the query language that InfluxDB 1 and 2 both speak: statements out of names, columns out of answers."""

from collections.abc import Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray

from submeter.words import StoreAway

_LOWEST_MS, _HIGHEST_MS = -9_223_372_036_000, 9_223_372_036_000
"""InfluxDB's times are int64 nanoseconds"""


class _Table(msgspec.Struct):
    name: str = ""
    tags: dict[str, str] = {}
    columns: list[str] = []
    values: list[list[str | float | None]] = []


class _Result(msgspec.Struct):
    series: list[_Table] = []
    error: str = ""


class _Answer(msgspec.Struct):
    results: list[_Result] = []
    error: str = ""


class _NumberTable(msgspec.Struct):
    values: list[list[float]] = []


class _NumberResult(msgspec.Struct):
    series: list[_NumberTable] = []


class _Numbers(msgspec.Struct):
    results: list[_NumberResult] = []


_NUMBERS = msgspec.json.Decoder(list[float])


def identifier(name: str) -> str:
    """In double quotes."""
    return '"' + _escaped(name).replace('"', '\\"') + '"'


def string(text: str) -> str:
    """In single quotes."""
    return "'" + _escaped(text).replace("'", "\\'") + "'"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def where(tags: Mapping[str, str]) -> str:
    """All of these tags; '' is a tag that is not there."""
    return " AND ".join(f"{identifier(name)} = {string(value)}" for name, value in tags.items())


def between_ms(start_ms: int, end_ms: int) -> str:
    """The half-open span, within what InfluxDB's clock can say."""
    start, end = (min(max(t, _LOWEST_MS), _HIGHEST_MS) for t in (start_ms, end_ms))
    return f"time >= {start}ms AND time < {end}ms"


def error_in(answer: bytes) -> str:
    """The message of an answer that is none, '' for a good one; as JSON and as CSV it hides inside a 200."""
    if answer.startswith(b"error\n"):
        return answer[6:].decode("utf-8", "replace").strip()
    if answer.startswith(b"{"):
        decoded = msgspec.json.decode(answer, type=_Answer)
        return decoded.error or next((r.error for r in decoded.results if r.error), "")
    return ""


def tables(answer: bytes) -> list[_Table]:
    """The series of a JSON answer."""
    try:
        decoded = msgspec.json.decode(answer, type=_Answer)
    except msgspec.DecodeError as fault:
        raise StoreAway(f"the server's answer is no InfluxQL result ({fault}); check that it is an InfluxDB") from None
    return [table for result in decoded.results for table in result.series]


def json_columns(answer: bytes, statements: int, count: int) -> list[list[NDArray[np.float64]]]:
    """``count`` columns of numbers for each statement, in their order, as :func:`csv_columns` has them."""
    try:
        results = msgspec.json.decode(answer, type=_Numbers).results
        every = [[row for table in result.series for row in table.values] for result in results]
        found = [list(np.array(rows, np.float64).reshape(len(rows), count).T) for rows in every]
    except (msgspec.DecodeError, ValueError):
        found = []
    if len(found) != statements:
        raise StoreAway("the server's JSON is not what was asked for; check that no other program writes there")
    return found


def csv_columns(answer: bytes, count: int) -> list[NDArray[np.float64]]:
    """``count`` columns of numbers out of a CSV answer without tags: time first, then the fields.

    Every column is float64, also the times: milliseconds until the year 287,000 are whole numbers in it.
    """
    _, _, body = answer.partition(b"\n")
    if not body.strip():
        return [np.empty(0)] * count
    name, _, _ = body.partition(b",")
    numbers = (b"\n" + body.rstrip()).replace(b"\n" + name + b",,", b",")[1:]
    try:  # as JSON, which is the fastest way to many numbers
        flat = _NUMBERS.decode(b"[" + numbers + b"]")
    except msgspec.DecodeError:
        flat = []
    if not flat or len(flat) % count:
        raise StoreAway("the server's CSV has other columns than asked for; check that no other program writes there")
    return list(np.array(flat).reshape(-1, count).T)
