"""A pack that kills the collector twice is quarantined unread: with a real process that really dies."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from collector.intake.quarantine import digest
from collector.intake.suspects import FORGOTTEN_MS, Suspect, Suspects
from submeter.stores import open_store
from submeter.words import Quarantined
from tests.collector.intake.desk import NOON_MS, Desk, record

COLLECTOR = """
import os, sys
from tests.collector.intake import desk as d
import collector.intake.intake as room
from submeter.stores import open_store

honest = room.decode
def decode(payload):
    if b"poison" in payload:
        os.kill(os.getpid(), 9)
    return honest(payload)
room.decode = decode

desk = d.Desk(open_store("embedded:" + sys.argv[1]))
if sys.argv[3:] == ["dies before it answers"]:
    desk.line.publish = lambda *_, **__: os.kill(os.getpid(), 9)
for i, value in enumerate(sys.argv[2].split(",")):
    desk.send([d.record(None if value == "poison" else float(value), at=-60 + i), {"n": value}])
desk.work()
print([p[1].decode() for p in desk.line.published])
"""


def run(store: Path, values: str, *how: str) -> "subprocess.CompletedProcess[str]":
    """A collector's life: the values arrive in one batch, and it works until it is done or dead."""
    call = [sys.executable, "-c", COLLECTOR, str(store), values, *how]
    return subprocess.run(call, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.service
def test_a_collector_that_dies_between_store_and_receipt_answers_in_its_next_life(tmp_path: Path) -> None:
    store = tmp_path / "store.db"
    assert run(store, "1,2", "dies before it answers").returncode == -9
    told = Desk(open_store(f"embedded:{store}"))
    assert told.rows() == [(-60, 1_000_000), (-59, 2_000_000)]
    assert [(c.point, c.end_ms - c.start_ms) for c in told.store.changes(0)] == [("HQ01/main", 1001)]
    again = run(store, "1,2")
    assert again.returncode == 0, again.stderr
    assert again.stdout.count('"stored":0,"again":1,"held":0,"quarantined":1') == 2
    assert told.rows() == [(-60, 1_000_000), (-59, 2_000_000)]


@pytest.mark.service
def test_the_second_death_blames_just_the_pack_that_was_being_read(tmp_path: Path) -> None:
    store = tmp_path / "store.db"
    assert run(store, "1,poison,2").returncode == -9
    assert run(store, "1,poison,2").returncode == -9
    third = run(store, "1,poison,2")
    assert third.returncode == 0, third.stderr
    assert third.stdout.count("deadly") == 1
    desk = Desk(open_store(f"embedded:{store}"))
    assert desk.rows() == [(-60, 1_000_000), (-58, 2_000_000)]
    deadly = [e for e in desk.store.entries(Quarantined) if e.reason == "deadly"]
    assert [json.loads(e.record)[1] for e in deadly] == [{"n": "poison"}]
    fourth = run(store, "3,poison")
    assert (fourth.returncode, fourth.stdout.count("deadly")) == (0, 1)


def test_a_batch_that_was_cut_off_is_read_one_by_one(desk: Desk) -> None:
    """Three packs were under way when the collector died: each step now takes one."""
    digests = []
    for i in range(3):
        desk.send([record(at=-60 + i)])
    for message in list(desk.line.inbox.queue):
        digests.append(digest(message.topic.encode() + b"\0" + message.payload))
    desk.store.put(*(Suspect(id=d, since_ms=NOON_MS) for d in digests))
    for done in (1, 2, 3):
        desk.intake.step()
        assert len(desk.rows()) == done
        assert len(desk.store.entries(Suspect)) == 3 - done


def test_marks_are_gone_when_the_packs_are_dealt_with(desk: Desk) -> None:
    desk.receive([record()])
    desk.receive(b"broken")
    assert desk.store.entries(Suspect) == []


def test_one_death_is_forgiven_two_are_not() -> None:
    store = open_store("memory:")
    Suspects(store, NOON_MS).mark(["a", "b"], NOON_MS)
    second = Suspects(store, NOON_MS)
    assert (second.suspected("a"), second.condemned("a")) == (True, False)
    second.mark(["a"], NOON_MS)
    third = Suspects(store, NOON_MS)
    assert (third.condemned("a"), third.condemned("b"), third.suspected("b")) == (True, False, True)


def test_suspects_that_do_not_come_again_are_forgotten() -> None:
    store = open_store("memory:")
    Suspects(store, NOON_MS).mark(["a"], NOON_MS)
    assert not Suspects(store, NOON_MS + FORGOTTEN_MS).suspected("a")
    assert store.entries(Suspect) == []
