"""Whatever arrives, intake goes on, and each record is counted once: stored, again, held or quarantined."""

import json
from collections import Counter

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.intake.roster import Roster
from collector.intake.rules import judge
from submeter.wire.receipt import decode_receipt
from submeter.wire.senml import BadRecord, Resolved, decode, resolve, runs
from submeter.wire.topic import Topic
from submeter.words import QUANTITIES, PayloadError, Quarantined
from tests.collector.intake.desk import NOON_MS, NOON_S, Desk, make_portfolio

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)
names = st.sampled_from(
    [
        "main/SN1/energy_import", "main/SN0/energy_import", "hvac/SN2/energy_import", "hvac/SN2/power_active",
        "HQ01/main/SN1/energy_import", "HQ02/main/SN5/energy_import", "cellar/SN1/volume", "main/SN1", "",
        "light/SN3/power_factor",
    ]
)  # fmt: skip
units = st.sampled_from(["kWh", "W", "/", "Wh", ""])
times = st.sampled_from([0, 1, 1e9, NOON_S - 43_201, NOON_S - 60, NOON_S - 60.5, NOON_S, NOON_S + 200, 1e15, -1, 9e99])
values = st.sampled_from([0, 1.5, 1.25, -1, 1e9, 2e9, 1e16, 1e300]) | st.floats(allow_nan=True)
records = st.fixed_dictionaries(
    {},
    optional={
        "n": names, "u": units, "t": times, "v": values, "bn": names, "bu": units, "bt": times, "bv": values,
        "vs": st.text(max_size=3), "vb": st.booleans(), "x": json_values,
    },
)  # fmt: skip
packs = st.lists(records | json_values, max_size=12)
payloads = packs.map(lambda pack: json.dumps(pack).encode()) | json_values.map(lambda v: json.dumps(v).encode())
topics = st.sampled_from(["HQ01/gw1", "HQ02/gw1", "HQ02/gw2", "HQ99/gw1", "CN01/gw1", "HQ01/gw9"])


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(topics, payloads | st.binary(max_size=60)), min_size=1, max_size=4))
def test_every_record_ends_in_exactly_one_of_four_and_the_service_goes_on(sent: list[tuple[str, bytes]]) -> None:
    desk = Desk()
    for place, payload in sent:
        desk.send(payload, f"submeter/v1/demo/{place}/readings")
    desk.work()
    receipts = [decode_receipt(payload) for _, payload, _ in desk.line.published]
    assert len(receipts) == len(desk.line.acknowledged) == len(sent)
    for (_, payload), receipt in zip(sent, receipts, strict=True):
        assert receipt.total == _records_in(payload)
        assert len(receipt.rejected) == min(receipt.quarantined, 100)
    in_store = sum(len(desk.store.read_readings(s, -(2**53), 2**53)) for s in desk.store.series())
    assert sum(r.stored for r in receipts) == in_store
    assert sum(r.quarantined for r in receipts) == desk.intake.health.quarantined.total()
    assert (sum(r.quarantined for r in receipts) > 0) == bool(desk.store.entries(Quarantined))


def _records_in(payload: bytes) -> int:
    """How many records a payload holds; one that cannot be read counts as one."""
    try:
        return len(decode(payload))
    except PayloadError:
        return 1


@settings(max_examples=100, deadline=None)
@given(topics, packs)
def test_columns_and_one_record_at_a_time_come_to_the_same(place: str, pack: list[object]) -> None:
    try:
        read = decode(json.dumps(pack).encode())
    except PayloadError:
        return
    building, gateway = place.split("/")
    topic = Topic("demo", building, gateway, "readings")
    roster = Roster(make_portfolio())
    judged = judge(topic, runs(read), roster, NOON_MS, 120_000)
    found: dict[int, str] = {}
    for rows in judged.accepted:
        found.update((i, "accepted") for i in rows.index.tolist())
    for rows in judged.held:
        found.update((i, "held") for i in rows.index.tolist())
    for refused in judged.refused:
        found.update((i, refused.reason.value) for i in refused.run.index.tolist())
    assert sum(len(r.index) for r in (*judged.accepted, *judged.held)) + sum(
        len(r.run.index) for r in judged.refused
    ) == len(found)
    assert found == {
        i: judge_one(topic, record) for i, record in enumerate(resolve(read)) if not isinstance(record, BadRecord)
    }


def judge_one(topic: Topic, record: Resolved) -> str:
    """The rules once more, one record, slow and obvious."""
    parts = record.n.split("/")
    if len(parts) == 4 and parts[0] != topic.building:
        return "other_building"
    parts = parts[-3:] if len(parts) == 4 else parts
    if len(parts) != 3:
        return "bad_name"
    point, device, quantity = parts
    if quantity not in QUANTITIES:
        return "unknown_quantity"
    if record.u != QUANTITIES[quantity].unit:
        return "wrong_unit"
    if topic.gateway not in ("gw1", "gw2"):
        return "unknown_gateway"
    if topic.building not in {"gw1": ("HQ01", "CN01"), "gw2": ("HQ02",)}[topic.gateway]:
        return "not_allowed"
    meters = {
        "HQ01/main": ("SN0", "SN1"), "HQ01/hvac": ("SN2",), "HQ01/light": ("SN3",), "HQ02/main": ("SN4",),
        "CN01/weather": ("CN01",),
    }  # fmt: skip
    full = f"{topic.building}/{point}"
    if full not in meters:
        return "unknown_meter"
    if device not in meters[full]:
        return "unknown_device"
    if record.v is None or record.v != record.v or abs(record.v) == float("inf"):
        return "no_value"
    if not QUANTITIES[quantity].lowest <= record.v <= QUANTITIES[quantity].highest:
        return "out_of_range"
    if not 946_684_800 <= record.t < 4_102_444_800:
        return "bad_time"
    midnight = NOON_S - 43_200
    if full == "HQ01/main" and (device == "SN0") != (record.t < midnight):
        return "unknown_device"
    return "held" if record.t > NOON_S + 120 else "accepted"


@given(st.binary(max_size=200))
def test_any_bytes_as_a_status_are_taken_or_quarantined(payload: bytes) -> None:
    desk = Desk()
    desk.send(payload, "submeter/v1/demo/HQ01/gw1/status")
    desk.work()
    assert desk.line.acknowledged == [1]


def test_counts_of_a_receipt_are_numbers_by_reason(desk: Desk) -> None:
    desk.receive([{"n": 1}, {"n": "a"}, {"n": "a/b/c"}])
    assert desk.intake.health.quarantined == Counter(bad_record=1, bad_name=1, unknown_quantity=1)
    assert msgspec.json.encode(desk.intake.health.status(NOON_MS, 0))
