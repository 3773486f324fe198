"""docs/wire.md and docs/asyncapi.yaml say what the code does: tables, examples, and the commands, which are run."""

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from collector.intake import Intake, filters
from collector.intake.reasons import REASONS, Reason, table
from collector.intake.status import read_status
from submeter.clock import WallClock
from submeter.roof.broker import start_mosquitto
from submeter.settings.settings import IntakeSettings
from submeter.stores import ALWAYS_MS, open_store
from submeter.wire.mqtt import Broker, Link
from submeter.wire.receipt import decode_receipt
from submeter.wire.senml import BadRecord, decode
from submeter.wire.topic import parse_topic
from submeter.words import QUANTITIES
from tests.collector.intake.desk import MAIN, make_portfolio

DOCS = Path(__file__).resolve().parents[3] / "docs"
PAGE = (DOCS / "wire.md").read_text(encoding="utf-8")
ASYNC: dict[str, Any] = yaml.safe_load((DOCS / "asyncapi.yaml").read_text(encoding="utf-8"))
COMMANDS = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)


def part(name: str) -> str:
    """What stands between a marker and its end."""
    found = re.search(rf"<!-- {name}:.*?-->\n(.*?)\n<!-- end -->", PAGE, re.DOTALL)
    assert found
    return found[1]


def test_the_table_of_reasons_is_the_code_s() -> None:
    assert part("reasons") == table()


def test_the_table_of_quantities_is_the_code_s() -> None:
    head, rule, *rows = part("quantities").splitlines()
    assert (head, rule) == ("| quantity | unit | kind | range | meaning |", "| --- | --- | --- | --- | --- |")
    assert rows == [
        f"| `{q.name}` | `{q.unit}` | {q.kind} | {q.lowest:g} to {q.highest:g} | {q.meaning} |"
        for q in QUANTITIES.values()
    ]


def test_the_asyncapi_file_s_references_all_lead_somewhere() -> None:
    def walk(node: object) -> None:
        if isinstance(node, dict):
            if "$ref" in node:
                found: Any = ASYNC
                for step in node["$ref"].removeprefix("#/").split("/"):
                    found = found[step]
            for child in node.values():
                walk(child)
        elif isinstance(node, list):
            for child in node:
                walk(child)

    assert ASYNC["asyncapi"] == "3.0.0"
    walk(ASYNC)


def test_the_asyncapi_file_s_topics_and_reasons_are_the_code_s() -> None:
    for leaf, channel in ASYNC["channels"].items():
        topic = channel["address"].format(tenant="demo", building="HQ01", gateway="gw1")
        assert parse_topic(topic).leaf == leaf
    rejected = ASYNC["components"]["schemas"]["Receipt"]["properties"]["rejected"]["items"]["properties"]
    assert rejected["reason"]["enum"] == [reason.value for reason in Reason] == [reason.value for reason in REASONS]


def test_the_asyncapi_file_s_examples_are_taken_by_our_decoders() -> None:
    messages = ASYNC["components"]["messages"]
    for example in messages["pack"]["examples"]:
        assert not any(isinstance(r, BadRecord) for r in decode(json.dumps(example["payload"]).encode()))
    for example in messages["receipt"]["examples"]:
        assert decode_receipt(json.dumps(example["payload"]).encode()).total == 12
    topic = parse_topic("submeter/v1/demo/HQ01/gw1/status")
    last = None
    for example in messages["status"]["examples"]:
        last = read_status(topic, json.dumps(example["payload"]).encode(), last)
    assert last is not None
    assert (last.polls, last.online) == (12, False)


def until(done: Callable[[], object], step: Callable[[], float]) -> None:
    end = time.monotonic() + 20
    while not done():
        assert time.monotonic() < end, "nothing came within 20 s"
        time.sleep(min(step(), 0.05))


@pytest.mark.service
def test_the_commands_of_the_page_work_against_mosquitto_and_the_collector(tmp_path: Path) -> None:
    for program in ("mosquitto", "mosquitto_pub", "mosquitto_sub", "stdbuf"):
        if not shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin"):
            pytest.skip(f"{program} is not installed; apt install mosquitto mosquitto-clients")
    (tmp_path / "secrets").mkdir()
    for name in ("gw1", "collector"):
        (tmp_path / "secrets" / f"mqtt-{name}").write_text(f"secret of {name}", encoding="utf-8")
    broker = start_mosquitto(tmp_path / "broker", 0, tmp_path / "secrets")
    link = Link(
        Broker(port=broker.port, user="collector", password="secret of collector"), "collector", filters("demo")
    )
    store = open_store("memory:")
    intake = Intake(link, store, make_portfolio, IntakeSettings(), WallClock())
    here = f"-h 127.0.0.1 -p {broker.port}"
    listen, publish = (command.replace("-h broker.example", here) for command in COMMANDS)
    listen = f"exec stdbuf -oL {listen.strip()} -C 1"
    environment = {**os.environ, "PASSWORD": "secret of gw1"}
    link.start()
    listener = subprocess.Popen(["/bin/sh", "-c", listen], stdout=subprocess.PIPE, env=environment, text=True)
    try:
        until(lambda: link.connected and broker.log.read_text(encoding="utf-8").count("u'gw1'"), intake.step)
        time.sleep(0.3)  # both have connected; their subscriptions follow, and nobody tells us of them
        subprocess.run(["/bin/sh", "-c", publish], env=environment, check=True, timeout=20)
        until(lambda: listener.poll() is not None, intake.step)
        assert listener.stdout
        correlation, _, receipt = listener.stdout.read().partition(" ")
        assert f"{correlation} {receipt.strip()}\n" in PAGE
        assert store.read_readings(MAIN, *ALWAYS_MS).micro.tolist() == [317_760_000]
    finally:
        listener.kill()
        listener.wait()
        link.stop()
        broker.stop()
