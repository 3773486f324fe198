"""Bad input: each case goes to quarantine with a reason that an engineer understands, the rest is stored."""

import json

import pytest

from submeter.words import Series
from tests.collector.intake.desk import MAIN, NOON_S, Desk, as_json, counts, record

GOOD = record(1.5, at=-60)

CASES = {
    "unknown_meter": (record(name="cellar/SN9/energy_import"), "point HQ01/cellar is not in the portfolio"),
    "unknown_device": (record(name="main/SN9/energy_import"), "device 'SN9' is not listed at HQ01/main"),
    "wrong_unit": (record(unit="Wh"), "unit 'Wh' where energy_import is in 'kWh'"),
    "unknown_quantity": (record(name="main/SN1/energy_imported"), "no quantity is named 'energy_imported'"),
    "other_building": (record(name="HQ02/main/SN1/energy_import"), "points to building 'HQ02'"),
    "bad_name": (record(name="main"), "name 'main' is not <point>/<device>/<quantity>"),
    "no_value": (record(None), "no finite number at 2026-01-01T03:59:00Z"),
    "out_of_range": (record(2e9), "2e+09 kWh at 2026-01-01T03:59:00Z is outside of 0 to 1e+09 kWh"),
    "bad_time": (record(at=-NOON_S), "time 0 s since 1970"),
    "bad_record": ({"n": "main/SN1/energy_import", "v": "much"}, "Expected `float | null`, got `str`"),
    "conflict": (
        record(1.6, at=-60),
        "1.6 kWh at 2026-01-01T03:59:00Z, but another value stands earlier in the same pack",
    ),
}


@pytest.mark.parametrize("reason", CASES)
def test_the_bad_record_goes_to_quarantine_and_the_rest_of_the_pack_is_stored(desk: Desk, reason: str) -> None:
    bad, text = CASES[reason]
    receipt = desk.receive([GOOD, bad, record(1.7, at=-30)])
    assert counts(receipt) == (2, 0, 0, 1)
    assert [(r.record, r.reason) for r in receipt.rejected] == [(1, reason)]
    assert text in receipt.rejected[0].text
    assert desk.rows() == [(-60, 1_500_000), (-30, 1_700_000)]
    (entry,) = desk.quarantined()
    assert (entry.reason, entry.gateway, entry.building) == (reason, "gw1", "HQ01")
    assert text in entry.text
    assert desk.intake.health.quarantined == {reason: 1}


@pytest.mark.parametrize("token", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_json_does_not_know_cost_only_their_record(desk: Desk, token: str) -> None:
    payload = json.dumps([GOOD, record(7.0, at=-30)]).replace("7.0", token).encode()
    receipt = desk.receive(payload)
    assert counts(receipt) == (1, 0, 0, 1)
    assert receipt.rejected[0].reason == "no_value"


@pytest.mark.parametrize("value", [1e400, -1e300, 9e18, -0.01])
def test_values_that_no_meter_shows_are_out_of_range_or_no_number(desk: Desk, value: float) -> None:
    assert counts(desk.receive([GOOD, record(value, at=-30)])) == (1, 0, 0, 1)


def test_what_is_kept_can_be_read_again_as_senml(desk: Desk) -> None:
    desk.receive([record(1.25, at=-60, unit="Wh")])
    (entry,) = desk.quarantined()
    assert as_json(entry) == {"n": "main/SN1/energy_import", "u": "Wh", "t": NOON_S - 60, "v": 1.25}
    assert entry.point == "HQ01/main"


def test_records_of_one_series_refused_for_one_reason_share_an_entry(desk: Desk) -> None:
    receipt = desk.receive([record(float(i), at=-600 + i, unit="Wh") for i in range(5)])
    assert (receipt.quarantined, len(receipt.rejected)) == (5, 5)
    (entry,) = desk.quarantined()
    assert "(and 4 more of this kind in the pack)" in entry.text
    kept = as_json(entry)
    assert isinstance(kept, list)
    assert [row["v"] for row in kept] == [0.0, 1.0, 2.0, 3.0, 4.0]


def test_a_receipt_lists_the_first_hundred_and_counts_all(desk: Desk) -> None:
    receipt = desk.receive([record(float(i), at=-600 + i, unit="Wh") for i in range(250)])
    assert receipt.quarantined == 250
    assert [r.record for r in receipt.rejected] == list(range(100))


def test_a_pack_that_comes_again_is_quarantined_once(desk: Desk) -> None:
    for _ in range(3):
        desk.receive([record(unit="Wh"), {"n": 5}])
    assert sorted(e.reason for e in desk.quarantined()) == ["bad_record", "wrong_unit"]


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        (b'[{"n":"main/SN1/ener', "payload is not JSON"),
        (b"\xff\xfe\x00rubbish", "payload is not JSON"),
        (b"", "payload is not JSON"),
        (b'{"n":"main"}', "a SenML pack is a list of records"),
        (b'[{"bver":11,"n":"a","v":1,"t":1}]', "SenML version 11"),
        (b"[" * 100_000, "payload is not JSON"),
    ],
)
def test_a_broken_payload_is_kept_by_its_beginning_answered_and_acknowledged(
    desk: Desk, payload: bytes, text: str
) -> None:
    receipt = desk.receive(payload)
    assert counts(receipt) == (0, 0, 0, 1)
    assert (receipt.rejected[0].record, receipt.rejected[0].reason) == (-1, "unreadable")
    assert text in receipt.rejected[0].text
    (entry,) = desk.quarantined()
    assert entry.record.startswith(payload[:20].decode("utf-8", "backslashreplace").replace("\0", "\\x00"))
    assert desk.line.acknowledged == [1]
    assert counts(desk.receive([GOOD])) == (1, 0, 0, 0)


def test_five_megabytes_are_quarantined_unread_and_the_service_goes_on(desk: Desk) -> None:
    receipt = desk.receive(b'[{"n":"' + b"x" * 5_000_000 + b'"}]')
    assert receipt.rejected[0].reason == "too_large"
    assert "5,000,010 bytes is over the limit of 1,000,000" in receipt.rejected[0].text
    assert len(desk.quarantined()[0].record) < 1200
    assert counts(desk.receive([GOOD])) == (1, 0, 0, 0)


def test_the_topic_of_another_building_is_refused_to_a_gateway_that_may_not_speak_for_it(desk: Desk) -> None:
    receipt = desk.receive([GOOD], topic="submeter/v1/demo/HQ02/gw1/readings")
    assert receipt.rejected[0].reason == "not_allowed"
    assert "gateway 'gw1' may not speak for 'HQ02'; add HQ02 to its row in gateways.csv" in receipt.rejected[0].text
    assert desk.store.series() == []


def test_an_unknown_gateway_is_refused_and_answered(desk: Desk) -> None:
    receipt = desk.receive([GOOD], topic="submeter/v1/demo/HQ01/gw9/readings")
    assert receipt.rejected[0].reason == "unknown_gateway"
    assert desk.line.published[-1][0] == "submeter/v1/demo/HQ01/gw9/receipt"


@pytest.mark.parametrize("topic", ["submeter/v1/other/HQ01/gw1/readings", "submeter/v1/demo/北京/gw1/readings"])
def test_a_topic_that_is_not_ours_costs_the_whole_pack(desk: Desk, topic: str) -> None:
    receipt = desk.receive([GOOD], topic)
    assert [(r.record, r.reason) for r in receipt.rejected] == [(-1, "topic")]


def test_the_same_identity_with_another_value_keeps_the_stored_one(desk: Desk) -> None:
    desk.receive([record(1.5, at=-60)])
    receipt = desk.receive([record(1.4, at=-90), record(1.6, at=-60), record(1.7, at=-30)])
    assert counts(receipt) == (2, 0, 0, 1)
    assert [(r.record, r.reason) for r in receipt.rejected] == [(1, "conflict")]
    assert "1.6 kWh at 2026-01-01T03:59:00Z, but another value stands in the store" in receipt.rejected[0].text
    assert desk.rows() == [(-90, 1_400_000), (-60, 1_500_000), (-30, 1_700_000)]


def test_a_reading_that_runs_backwards_or_jumps_is_stored_as_read(desk: Desk) -> None:
    receipt = desk.receive([record(500.0, at=-90), record(3.0, at=-60), record(9e8, at=-30)])
    assert counts(receipt) == (3, 0, 0, 0)


def test_a_pack_may_go_back_in_time_and_say_things_twice(desk: Desk) -> None:
    receipt = desk.receive([record(1.7, at=-30), record(1.5, at=-60), record(1.7, at=-30)])
    assert counts(receipt) == (2, 1, 0, 0)
    assert desk.rows() == [(-60, 1_500_000), (-30, 1_700_000)]


def test_a_name_that_repeats_its_own_building_is_taken_as_the_topic_says(desk: Desk) -> None:
    receipt = desk.receive([record(name="HQ01/main/SN1/energy_import"), record(at=-30)])
    assert counts(receipt) == (2, 0, 0, 0)
    assert desk.rows() == [(-60, 1_500_000), (-30, 1_500_000)]


def test_a_device_is_known_only_while_it_hung_there(desk: Desk) -> None:
    """Local midnight of the exchange is 12 hours before noon: SN0 until then, SN1 from then on."""
    half_day = 43_200
    receipt = desk.receive(
        [
            record(at=-half_day - 60, name="main/SN0/energy_import"),
            record(at=-half_day, name="main/SN0/energy_import"),
            record(at=-half_day - 60, name="main/SN1/energy_import"),
            record(at=-half_day, name="main/SN1/energy_import"),
        ]
    )
    assert counts(receipt) == (2, 0, 0, 2)
    assert [(r.record, r.reason) for r in receipt.rejected] == [(1, "unknown_device"), (2, "unknown_device")]
    assert "hung here from 2025-12-31T16:00:00Z until now on" in receipt.rejected[1].text


def test_weather_travels_as_readings_of_its_station(desk: Desk) -> None:
    series = Series("CN01/weather", "CN01", "outdoor_temperature")
    topic = "submeter/v1/demo/CN01/gw1/readings"
    receipt = desk.receive([record(-3.25, name="weather/CN01/outdoor_temperature", unit="Cel")], topic)
    assert counts(receipt) == (1, 0, 0, 0)
    assert desk.rows(series) == [(-60, -3_250_000)]


def test_an_empty_pack_is_answered_with_nothing(desk: Desk) -> None:
    assert counts(desk.receive([])) == (0, 0, 0, 0)
    assert MAIN not in desk.store.series()
