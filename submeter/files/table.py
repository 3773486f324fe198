"""Tables of text, read and written in pieces: CSV always, Parquet where pyarrow is installed.

Cells are text on the way in, whatever the file's types: one reader of times and numbers serves both kinds. A piece
holds some ten thousand rows, so that a file of any length goes through in little memory.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from submeter.words import TheirsError

PIECE: Final = 50_000
"""rows in a piece"""
PARQUET: Final = (".parquet", ".pq")
NO_PYARROW: Final = "Parquet files need pyarrow: pip install 'submeter[parquet]'; CSV needs nothing"


class FileError(TheirsError):
    """A file that cannot be read as a table, or a format that is not installed."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Rows of a table as columns of stripped text, '' = empty. ``lines`` are numbered as a text editor and a
    spreadsheet show them, the header being line 1 (a Parquet file's first row is line 2, likewise)."""

    columns: Mapping[str, Sequence[str]]
    lines: NDArray[np.int64]
    torn: Mapping[int, str] = field(default_factory=dict)
    """lines that are no row under this header, and why; they are in no column"""


def read_table(path: Path) -> Iterator[Piece]:
    """A CSV or Parquet file piece by piece. Raises :class:`FileError` where it is no table in UTF-8."""
    return _read_parquet(path) if path.suffix.lower() in PARQUET else _read_csv(path)


def _read_csv(path: Path) -> Iterator[Piece]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            rows = csv.reader(stream)
            header = [name.strip() for name in next(rows, [])]
            _check_header(path, header)
            numbered = ((rows.line_num, row) for row in rows if any(row))
            while part := list(islice(numbered, PIECE)):
                yield _piece(header, part)
    except UnicodeDecodeError as fault:
        raise FileError(f"{path}: is not UTF-8 (byte {fault.start}); save it as 'CSV UTF-8'") from None
    except csv.Error as fault:
        raise FileError(f"{path}: {fault}; save it as plain CSV") from None


def _check_header(path: Path, header: Sequence[str]) -> None:
    if not any(header):
        raise FileError(f"{path}: is empty; its first line must name the columns")
    sign = next((sign for sign in ";\t" if len(header) == 1 and sign in header[0]), "")
    if sign:
        name = {";": "semicolons", "\t": "tabs"}[sign]
        raise FileError(
            f"{path}: its columns are divided by {name}; save it with commas between columns and a point in numbers"
        )
    twice = {name for name in header if name and header.count(name) > 1}
    if twice:
        raise FileError(f"{path}: column {min(twice)!r} is there twice; give each a name of its own")


def _piece(header: Sequence[str], part: Sequence[tuple[int, list[str]]]) -> Piece:
    """Rows with their lines; a cell with line breaks counts where it ends, a row that is short has empty cells."""
    width = len(header)
    torn = {
        line: f"has {len(row)} cells under {width} columns; put quotes around a cell that holds a comma"
        for line, row in part
        if len(row) > width
    }
    full = [row if len(row) == width else [*row, *[""] * (width - len(row))] for line, row in part if line not in torn]
    cells: Iterable[Sequence[str]] = zip(*full, strict=True) if full else [()] * width
    columns = {name: [cell.strip() for cell in column] for name, column in zip(header, cells, strict=True) if name}
    return Piece(columns, np.array([line for line, _ in part if line not in torn], np.int64), torn)


def _read_parquet(path: Path) -> Iterator[Piece]:
    """Each column cast to text by Arrow: a time with a zone ends in Z, one without has none."""
    pa, pq = _pyarrow()
    try:
        file = pq.ParquetFile(path)
        line = 2
        for batch in file.iter_batches(batch_size=PIECE):
            columns = {
                name: [("" if cell is None else cell.strip()) for cell in column.cast(pa.string()).to_pylist()]
                for name, column in zip(batch.schema.names, batch.columns, strict=True)
            }
            yield Piece(columns, np.arange(line, line + batch.num_rows))
            line += batch.num_rows
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as fault:
        raise FileError(f"{path}: is no Parquet file of plain columns ({str(fault).splitlines()[0]})") from None


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow as pa  # noqa: PLC0415  (an extra; only who asks for Parquet needs it)
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError:
        raise FileError(NO_PYARROW) from None
    return pa, parquet


class Writer(Protocol):
    """Takes pieces of a table, each column a sequence of one length; closed, the file is whole."""

    def write(self, columns: Mapping[str, Sequence[Any]]) -> None: ...
    def close(self) -> None: ...


def open_writer(path: Path, header: Sequence[str]) -> Writer:
    """A writer of CSV or, by the file's ending, of Parquet. Cells: text, numbers, None, and times as aware UTC
    ``datetime64[ms]`` arrays in Parquet, text in CSV (see :mod:`~submeter.files.times`)."""
    return ParquetWriter(path, header) if path.suffix.lower() in PARQUET else CsvWriter(path, header)


class CsvWriter:
    def __init__(self, path: Path, header: Sequence[str]) -> None:
        self._stream = path.open("w", newline="", encoding="utf-8")
        self._header = header
        self._rows = csv.writer(self._stream, lineterminator="\n")
        self._rows.writerow(header)

    def write(self, columns: Mapping[str, Sequence[Any]]) -> None:
        self._rows.writerows(zip(*(columns[name] for name in self._header), strict=True))

    def close(self) -> None:
        self._stream.close()


class ParquetWriter:
    """Numbers that may be None are doubles; everything else is of its own type."""

    def __init__(self, path: Path, header: Sequence[str]) -> None:
        self._pa, self._pq = _pyarrow()
        self._path, self._header = path, header
        self._file: Any = None

    def write(self, columns: Mapping[str, Sequence[Any]]) -> None:
        table = self._pa.table({name: self._column(columns[name]) for name in self._header})
        if self._file is None:
            self._file = self._pq.ParquetWriter(self._path, table.schema, compression="zstd")
        self._file.write_table(table)

    def _column(self, cells: Any) -> Any:
        if isinstance(cells, np.ndarray):
            times = cells.dtype.kind == "M"
            kind = self._pa.timestamp("ms", "UTC") if times else None
            return self._pa.array(cells.astype("datetime64[ms]").astype(np.int64) if times else cells, kind)
        numbers = any(cell is None or isinstance(cell, float) for cell in cells)
        return self._pa.array(cells, self._pa.float64() if numbers else None)

    def close(self) -> None:
        if self._file is None:
            self.write({name: [""][:0] for name in self._header})
        self._file.close()
