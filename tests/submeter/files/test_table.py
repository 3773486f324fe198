"""Tables there and back; what is wrong with a file is said with its name and line."""

import builtins
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from submeter.files.table import FileError, open_writer, read_table


def text(path: Path, content: str) -> Path:
    path.write_text(content, encoding="utf-8")
    return path


def test_cells_are_stripped_text_with_the_line_that_an_editor_shows(tmp_path: Path) -> None:
    (piece,) = read_table(text(tmp_path / "a.csv", '\ufeffpoint, value\n\nb/m,"1,5"\n b/n , 2\n'))
    assert piece.columns == {"point": ["b/m", "b/n"], "value": ["1,5", "2"]}
    assert piece.lines.tolist() == [3, 4]


def test_a_row_that_is_too_wide_is_torn_and_a_short_one_has_empty_cells(tmp_path: Path) -> None:
    (piece,) = read_table(text(tmp_path / "a.csv", "a,b\n1,2,3\n4\n"))
    assert piece.columns == {"a": ["4"], "b": [""]}
    assert piece.torn == {2: "has 3 cells under 2 columns; put quotes around a cell that holds a comma"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"a,a\n1,2\n", "'a' is there twice"),
        (b"\xff\xfea\n", "is not UTF-8"),
        (b"\xef\xbb\xbftime;b/w\n2026-01-01;1,5\n", "divided by semicolons; save it with commas"),
        (b"time\tb/w\n", "divided by tabs"),
    ],
)
def test_what_is_no_table_is_said(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(FileError, match=said):
        list(read_table(tmp_path / "a.csv"))


def test_parquet_comes_back_as_the_same_text_as_csv(tmp_path: Path) -> None:
    for name in ("a.parquet", "a.csv"):
        writer = open_writer(tmp_path / name, ("point", "time", "value"))
        times: Any = np.array(["2026-03-01T00:15"], "datetime64[ms]")
        writer.write({"point": ["b/m"], "time": times if name.endswith("t") else ["x"], "value": [1.5]})
        writer.write({"point": ["b/m"], "time": times if name.endswith("t") else ["x"], "value": [None]})
        writer.close()
    pieces = list(read_table(tmp_path / "a.parquet"))
    assert [piece.columns["value"] for piece in pieces] in ([["1.5", ""]], [["1.5"], [""]])
    assert {cell[:16] for piece in pieces for cell in piece.columns["time"]} == {"2026-03-01 00:15"}
    assert all(cell.endswith("Z") for piece in pieces for cell in piece.columns["time"])


def test_an_empty_parquet_file_has_its_columns(tmp_path: Path) -> None:
    open_writer(tmp_path / "a.parquet", ("point", "time")).close()
    assert list(read_table(tmp_path / "a.parquet")) == []


def test_a_broken_parquet_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="is no Parquet file"):
        list(read_table(text(tmp_path / "a.parquet", "point,time\n")))


def test_without_pyarrow_the_remedy_is_said_and_csv_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.split(".", maxsplit=1)[0] == "pyarrow":
            raise ModuleNotFoundError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(FileError, match=r"pip install 'submeter\[parquet\]'; CSV needs nothing"):
        open_writer(tmp_path / "a.parquet", ("a",))
    assert [p.columns for p in read_table(text(tmp_path / "a.csv", "a\n1\n"))] == [{"a": ["1"]}]
