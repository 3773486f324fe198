"""Boards as files: written, and compared with what the code makes now."""

import json
from pathlib import Path
from typing import Final

from dashboards.grafana.board import Board

FOLDER: Final = Path(__file__).with_name("boards")
"""the committed ones, of the demo's portfolio"""


def text_of(board: Board) -> str:
    """The JSON of a board as it is committed: sorted nowhere, Chinese readable, one end of line."""
    return json.dumps(board.json(), indent=1, ensure_ascii=False) + "\n"


def write_boards(boards: tuple[Board, ...], folder: Path) -> list[Path]:
    """One file each, named by its uid; a file of a board that is no more goes."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {folder / f"{board.uid}.json": text_of(board) for board in boards}
    for old in set(folder.glob("submeter-*.json")) - set(wanted):
        old.unlink()
    for path, text in wanted.items():
        path.write_text(text, encoding="utf-8")
    return list(wanted)


def differences(boards: tuple[Board, ...], folder: Path) -> list[str]:
    """A sentence for each file that is not what the code makes."""
    found = []
    for board in boards:
        path = folder / f"{board.uid}.json"
        if not path.is_file():
            found.append(f"{path}: is not there")
        elif path.read_text(encoding="utf-8") != text_of(board):
            found.append(f"{path}: is not what the code makes")
    extra = {p.stem for p in folder.glob("submeter-*.json")} - {board.uid for board in boards}
    return found + [f"{folder / name}.json: no such board is made any more" for name in sorted(extra)]
