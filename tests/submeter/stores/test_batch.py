"""A bad line costs only itself, whatever way the server has of refusing it."""

import gzip

import pytest

from submeter.stores.batch import CANARY, write_lines
from submeter.stores.exchange import Answer
from submeter.words import StoreAway


class PickyServer:
    """Takes lines unless they hold 'bad'; then it answers ``status`` and keeps the good ones, or none if ``strict``."""

    def __init__(self, status: int, strict: bool = False, says: str = "partial write") -> None:
        self._status, self._strict, self._says = status, strict, says
        self.kept: set[str] = set()
        self.requests = 0

    def write(self, body: bytes, precision: str) -> Answer:
        self.requests += 1
        lines = gzip.decompress(body).decode().split("\n")
        good = [line for line in lines if "bad" not in line]
        if len(good) == len(lines) or not self._strict:
            self.kept.update(good)
        return Answer(204, b"") if len(good) == len(lines) else Answer(self._status, self._says.encode())


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("status", [400, 413, 422, 500])
def test_bad_lines_are_found_and_all_others_kept(status: int, strict: bool) -> None:
    server = PickyServer(status, strict)
    lines = [f"line {n}" if n not in (0, 777, 778) else f"bad {n}" for n in range(1000)]

    refused = write_lines(server.write, lines, "ms")

    assert [position for position, _ in refused] == [0, 777, 778]
    assert server.kept - {CANARY} == {line for line in lines if "bad" not in line}
    assert refused[0][1] == "partial write"


def test_positions_count_over_all_batches() -> None:
    lines = ["good"] * 12_000
    lines[11_000] = "bad"

    assert [position for position, _ in write_lines(PickyServer(400).write, lines, "ms")] == [11_000]


def test_a_batch_of_which_the_server_says_that_it_dropped_all_is_not_halved() -> None:
    server = PickyServer(400, says="partial write: points beyond retention policy dropped=3")

    assert len(write_lines(server.write, ["bad 1", "bad 2", "bad 3"], "ms")) == 3
    assert server.requests == 1


@pytest.mark.parametrize(
    ("status", "remedy"),
    [(401, "check user and password"), (404, "create it"), (503, "busy"), (302, "look at the server's log")],
)
def test_what_is_not_the_lines_fault_is_a_store_that_is_away(status: int, remedy: str) -> None:
    with pytest.raises(StoreAway, match=remedy):
        write_lines(PickyServer(status).write, ["bad", "good"], "ms")


def test_a_server_that_answers_500_to_everything_is_away_and_its_lines_are_not_blamed() -> None:
    requests = []

    def ill(body: bytes, precision: str) -> Answer:
        requests.append(gzip.decompress(body).decode())
        return Answer(500, b"no space left on device")

    with pytest.raises(StoreAway, match="look at the server's log and at its disk"):
        write_lines(ill, [f"line {n}" for n in range(1000)], "ms")
    assert requests[1:] == [CANARY]


def test_a_500_that_does_not_repeat_is_forgotten() -> None:
    answers = iter([Answer(500, b"timeout"), Answer(204, b""), Answer(204, b"")])

    assert write_lines(lambda body, precision: next(answers), ["line"], "ms") == []
