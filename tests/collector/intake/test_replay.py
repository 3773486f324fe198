"""What an unknown meter, device or gateway sent comes back by itself when the portfolio knows it."""

from dataclasses import replace

import msgspec

from submeter.words import Gateway, Portfolio, Series
from tests.collector.intake.desk import Desk, counts, make_portfolio, record

CELLAR = Series("HQ01/cellar", "SN4", "energy_import")


def cellar(value: float, at: float, unit: str = "kWh") -> object:
    return record(value, at, "cellar/SN4/energy_import", unit)


def with_cellar(version: str = "2") -> Portfolio:
    return make_portfolio(version, ("main", "hvac", "light", "cellar"))


def test_an_unknown_meter_s_readings_are_stored_when_it_is_added(desk: Desk) -> None:
    assert counts(desk.receive([cellar(1.0, -60), cellar(2.0, -30), record()])) == (1, 0, 0, 2)
    desk.portfolio = with_cellar()
    desk.work()
    assert desk.rows(CELLAR) == [(-60, 1_000_000), (-30, 2_000_000)]
    assert desk.quarantined() == []
    assert desk.intake.health.returned == 2
    assert desk.store.changes(0)[-1].point == "HQ01/cellar"


def test_they_come_back_after_a_restart_with_the_new_portfolio_too(desk: Desk) -> None:
    desk.receive([cellar(1.0, -60)])
    desk.portfolio = with_cellar()
    desk.begin()
    desk.work()
    assert len(desk.rows(CELLAR)) == 1


def test_what_stays_unknown_stays_as_it_is(desk: Desk) -> None:
    desk.receive([record(name="attic/SN7/energy_import")])
    before = desk.quarantined()
    desk.portfolio = with_cellar()
    desk.work()
    assert desk.quarantined() == before


def test_what_comes_back_is_judged_by_every_rule(desk: Desk) -> None:
    """Of three records of a meter that was unknown, one is good, one impossible and one still to come."""
    desk.receive([cellar(1.0, -60), cellar(-5.0, -30), cellar(2.0, 600)])
    desk.portfolio = with_cellar()
    desk.work()
    assert desk.rows(CELLAR) == [(-60, 1_000_000)]
    assert [e.reason for e in desk.quarantined()] == ["out_of_range"]
    assert len(desk.held()) == 1
    desk.clock.advance(600)
    desk.work()
    assert [t for t, _ in desk.rows(CELLAR)] == [-60, 600]


def test_what_comes_back_and_contradicts_the_store_goes_back_as_a_conflict(desk: Desk) -> None:
    desk.receive([cellar(1.0, -60)])
    desk.portfolio = with_cellar()
    desk.send([cellar(3.0, -60)])
    desk.work()
    assert len(desk.rows(CELLAR)) == 1
    assert [e.reason for e in desk.quarantined()] == ["conflict"]


def test_a_corrected_exchange_date_brings_the_device_s_readings_back(desk: Desk) -> None:
    """SN1 hangs at main since local midnight; a reading of the evening before comes from it."""
    evening = -43_200 - 3600
    assert desk.receive([record(9.0, at=evening)]).rejected[0].reason == "unknown_device"
    old, new = desk.portfolio.devices["HQ01/main"]
    devices = {**desk.portfolio.devices, "HQ01/main": (old, msgspec.structs.replace(new, since="2025-12-31"))}
    desk.portfolio = replace(desk.portfolio, devices=devices, version="2")
    desk.work()
    assert desk.rows() == [(evening, 9_000_000)]


def test_a_gateway_that_is_allowed_later_loses_nothing(desk: Desk) -> None:
    desk.receive([record()], topic="submeter/v1/demo/HQ01/gw3/readings")
    assert desk.quarantined()[0].reason == "unknown_gateway"
    gateways = {**desk.portfolio.gateways, "gw3": Gateway(id="gw3", buildings=("HQ01",))}
    desk.portfolio = replace(desk.portfolio, gateways=gateways, version="2")
    desk.work()
    assert desk.rows() == [(-60, 1_500_000)]


def test_a_long_quarantine_comes_back_in_bounded_steps(desk: Desk) -> None:
    for i in range(60):
        desk.send([cellar(float(i), -600 + i)])
    desk.work()
    assert len(desk.quarantined()) == 60
    desk.portfolio = with_cellar()
    desk.intake.step()
    assert len(desk.rows(CELLAR)) == 25
    desk.work()
    assert len(desk.rows(CELLAR)) == 60
