"""What depends on what: a changed portfolio, price table or weather does anew just what stands on it, once."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from analytics.jobs import Analyst
from analytics.jobs.dependence import WHOLE, changed_rates, changed_span, differences, grounds_of
from analytics.ledger import settle_point
from analytics.ledger.corrections import correct
from submeter.clock import HandClock
from submeter.settings.settings import AnalyticsSettings
from submeter.stores import Store, open_store
from submeter.stores.memory import MemoryStore
from submeter.words import (
    MICRO,
    Block,
    Building,
    CarbonFactor,
    Correction,
    Measure,
    Portfolio,
    Price,
    Readings,
    Resolution,
    Series,
    Station,
)
from submeter.words.entry import Ground, Grounds
from tests.analytics.ledger.small_cases import (
    DAY_MS,
    HOUR_MS,
    METER,
    analyst,
    content,
    device,
    ms,
    portfolio,
    rows,
    write,
)

START = ms("2025-03-02T16:00")
T5 = "2025-03-08"
"""local midnight, five days after START"""


def hourly(days: int, start: int = START) -> list[tuple[int, float]]:
    return [(start + i * HOUR_MS, 1000.0 + i) for i in range(days * 24 + 1)]


@pytest.fixture(params=["memory", "embedded"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return open_store("memory:" if request.param == "memory" else f"embedded:{tmp_path / 'store.db'}")


class Desk:
    """A feed job whose portfolio may be exchanged, and which counts what it studies."""

    def __init__(self, store: Store, where: Portfolio, now_ms: int = START + 40 * DAY_MS) -> None:
        self.where, self.clock = where, HandClock(now_ms)
        self.studied: list[tuple[str, int]] = []
        self.job = Analyst(store, lambda: self.where, AnalyticsSettings(), self.clock, study=self._study)

    def _study(self, store: Store, where: Portfolio, building: str, now_ms: int, how: AnalyticsSettings) -> None:
        self.studied.append((building, now_ms))

    def change(self, where: Portfolio) -> None:
        self.where = where
        self.clock.advance(301)
        for _ in range(4):
            self.job.step()


def replayed(readings: dict[str, list[tuple[int, float]]], where: Portfolio) -> Store:
    """The ledger of a portfolio that was so from the beginning."""
    store = MemoryStore()
    for serial, of_device in readings.items():
        write(store, of_device, serial)
    analyst(store, where).step()
    return store


def known(store: Store) -> dict[object, list[tuple[int, ...]]]:
    """Every row that says anything: a row that was struck is as good as none."""
    return {column: [row for row in of if row[2]] for column, of in content(store).items() if any(row[2] for row in of)}


CHANGES: dict[str, Callable[[], Portfolio]] = {
    "another transformer from the beginning": lambda: portfolio(device(ct="200/5")),
    "another resolution": lambda: portfolio(device(resolution=0.1)),
    "fewer digits": lambda: portfolio(device(digits=5)),
    "a transformer exchanged": lambda: portfolio(device(until=T5), device(since=T5, ct="100/5")),
    "a meter exchanged": lambda: portfolio(device(until=T5, closing=1125.0), device("s2", since=T5, opening=0.0)),
    "a later beginning": lambda: portfolio(device(since=T5)),
    "an earlier end": lambda: portfolio(device(until=T5)),
    "another rating": lambda: portfolio(rating=0.9),
    "no rating": lambda: portfolio(rating=0.0),
    "another zone": lambda: portfolio(zone="Asia/Kathmandu"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_portfolio_gives_the_ledger_of_one_that_was_always_so_and_back(store: Store, name: str) -> None:
    readings = {"s1": hourly(20), "s2": [(t, kwh - 1000.0) for t, kwh in hourly(20) if t > START + 5 * DAY_MS]}
    for serial, of_device in readings.items():
        write(store, of_device, serial)
    desk = Desk(store, portfolio())
    desk.job.step()
    before = known(store)
    assert before == known(replayed(readings, portfolio()))
    desk.change(CHANGES[name]())
    assert known(store) == known(replayed(readings, CHANGES[name]()))
    desk.change(portfolio())
    assert known(store) == before


def test_another_countrys_holidays_estimate_a_gap_anew(store: Store) -> None:
    """Qingming of 2025 was a Friday; on ordinary Fridays there is more by day."""
    shown, readings, gap = 1000.0, [], range(ms("2025-04-03T16:00") + 1, ms("2025-04-05T16:00"))
    for i in range(40 * 24 + 1):
        when = START + i * HOUR_MS
        readings += [(when, shown)] if when not in gap else []
        shown += 9 if i // 24 % 7 < 5 and 8 <= i % 24 < 18 else 1
    write(store, readings)
    here = portfolio()
    desk = Desk(store, here)
    desk.job.step()
    before = known(store)
    abroad = msgspec.structs.replace(here.buildings["b"], country="NO")
    there = dataclasses.replace(here, buildings={"b": abroad})
    desk.change(there)
    assert known(store) == known(replayed({"s1": readings}, there)) != before
    desk.change(here)
    assert known(store) == before


def test_a_start_without_a_change_settles_nothing_again(store: Store) -> None:
    write(store, hourly(20))
    Desk(store, portfolio()).job.step()
    told = len(store.changes(0))
    Desk(store, portfolio()).job.step()
    assert len(store.changes(0)) == told
    assert list(differences(store, portfolio())) == []


def test_a_change_made_while_nobody_looked_is_found_at_the_next_start(store: Store) -> None:
    write(store, hourly(20))
    Desk(store, portfolio()).job.step()
    Desk(store, portfolio(device(ct="200/5"))).job.step()
    assert rows(store, Resolution.DAY).micro[0] == 24 * 40 * MICRO


def test_a_ledger_of_before_there_were_grounds_is_taken_as_it_stands(store: Store) -> None:
    write(store, hourly(20))
    settle_point(store, portfolio(), METER)
    store.set_cursor("ledger", store.changes(0)[-1].seq)
    told = len(store.changes(0))
    Desk(store, portfolio()).job.step()
    assert len(store.changes(0)) == told
    assert {each.id for each in store.entries(Grounds)} == {METER, "b"}


def test_what_arrived_while_a_meter_was_out_of_the_portfolio_is_settled_when_it_is_back(store: Store) -> None:
    write(store, hourly(2))
    desk = Desk(store, portfolio())
    desk.job.step()
    gone = portfolio()
    desk.change(Portfolio(gone.tenant, gone.buildings, {}, {}, {}, {}, {}))
    write(store, hourly(20))
    desk.change(desk.where)
    assert len(rows(store, Resolution.DAY)) < 5
    desk.change(portfolio())
    assert known(store) == known(replayed({"s1": hourly(20)}, portfolio()))


def test_names_and_classes_settle_nothing(store: Store) -> None:
    write(store, hourly(3))
    desk = Desk(store, portfolio())
    desk.job.step()
    told = len(store.changes(0))
    desk.change(portfolio(device(accuracy_class="0.5", model="another", address="modbus:9")))
    assert len(store.changes(0)) == told


GROUND = Ground(serial="s", modulus=10, ratio="1", resolution=1, since_ms=0, until_ms=100)


def grounds(*devices: Ground, **other: Any) -> Grounds:
    return Grounds(id=METER, building="b", zone="UTC", devices=list(devices), **other)


def but(**other: Any) -> Ground:
    return msgspec.structs.replace(GROUND, **other)


@pytest.mark.parametrize(
    ("old", "new", "span"),
    [
        (grounds(GROUND), grounds(GROUND), None),
        (grounds(GROUND), grounds(but(ratio="2")), (0, 100)),
        (grounds(GROUND), grounds(but(ratio="2", until_ms=50)), (0, 100)),
        (grounds(GROUND), grounds(but(until_ms=50)), (49, 100)),
        (grounds(GROUND), grounds(but(closing=3)), (99, 100)),
        (grounds(GROUND), grounds(but(since_ms=20)), (0, 21)),
        (grounds(GROUND), grounds(but(opening=3)), (0, 1)),
        (grounds(GROUND), grounds(but(until_ms=50), but(serial="t", since_ms=50)), (49, 100)),
        (grounds(GROUND), grounds(), None),
        (grounds(), grounds(GROUND), (0, 100)),
        (grounds(GROUND), grounds(GROUND, rating=5.0), WHOLE),
        (grounds(GROUND), grounds(GROUND, quantity="energy_export"), WHOLE),
    ],
)
def test_the_span_of_a_change_is_that_of_its_dates(old: Grounds, new: Grounds, span: object) -> None:
    got = changed_span(old, new)
    assert got == span


@pytest.mark.parametrize(
    ("old", "new", "since"),
    [
        ([("2025-01-01", 1.0)], [("2025-01-01", 1.0)], None),
        ([("2025-01-01", 1.0)], [("2025-01-01", 1.0), ("2026-01-01", 2.0)], "2026-01-01"),
        ([("2025-01-01", 1.0)], [("2025-01-01", 1.5)], "2025-01-01"),
        ([("2025-01-01", 1.0)], [("2024-01-01", 1.0)], "2024-01-01"),
        ([("", 1.0)], [], ""),
    ],
)
def test_a_price_table_parts_from_another_at_the_first_row_that_differs(old: Any, new: Any, since: object) -> None:
    assert changed_rates(grounds(GROUND, price=old), grounds(GROUND, price=new)) == since
    assert changed_rates(grounds(GROUND, carbon=old), grounds(GROUND, carbon=new)) == since


def priced_at(*prices: tuple[str, float]) -> Portfolio:
    where = portfolio()
    table = tuple(Price(name="city", medium="electricity", since=day, yuan_per_unit=yuan) for day, yuan in prices)
    return Portfolio(where.tenant, where.buildings, where.points, where.devices, {}, {}, {}, table, where.carbon)


def test_a_changed_price_prices_settled_days_anew_from_its_date_and_no_energy(store: Store) -> None:
    write(store, hourly(10))
    desk = Desk(store, priced_at(("2025-03-01", 1.0)))
    desk.job.step()
    energy = [rows(store, each).revision.tolist() for each in Resolution]
    desk.change(priced_at(("2025-03-01", 1.0), ("2025-03-08", 2.0)))
    cost = rows(store, Resolution.DAY, "cost")
    assert (cost.micro[:10] // MICRO).tolist() == [24] * 5 + [48] * 5
    assert cost.revision[:10].tolist() == [0] * 5 + [1] * 5
    assert [rows(store, each).revision.tolist() for each in Resolution] == energy
    assert rows(store, Resolution.DAY, "carbon").revision.tolist() == [0] * 11
    desk.change(priced_at(("2025-03-01", 1.0), ("2025-03-08", 2.0)))
    assert rows(store, Resolution.DAY, "cost").revision[:10].tolist() == [0] * 5 + [1] * 5


def test_a_price_that_is_gone_leaves_no_cost_behind_and_comes_back(store: Store) -> None:
    write(store, hourly(3))
    desk = Desk(store, priced_at(("2025-03-01", 1.0)))
    desk.job.step()
    desk.change(priced_at(("2025-03-05", 1.0)))
    assert rows(store, Resolution.DAY, "cost").known[:3].tolist() == [0, 0, 2]
    desk.change(priced_at(("2025-03-01", 1.0)))
    assert (rows(store, Resolution.DAY, "cost").micro[:3] // MICRO).tolist() == [24] * 3


def test_a_day_whose_energy_changes_raises_its_cost_s_own_revision(store: Store) -> None:
    write(store, hourly(3))
    desk = Desk(store, priced_at(("2025-03-01", 1.0)))
    desk.job.step()
    desk.change(priced_at(("2025-03-01", 2.0)))
    write(store, [(START + DAY_MS - HOUR_MS // 2, 1023.9)])
    desk.job.step()
    assert rows(store, Resolution.DAY, "cost").revision[:2].tolist() == [1, 1], "the day's energy is the same"
    write(store, [(START + 3 * DAY_MS + HOUR_MS, 1080.0)])
    desk.job.step()
    assert rows(store, Resolution.DAY, "cost").revision[:3].tolist() == [1, 1, 1]


def test_carbon_factors_count_from_their_date_as_prices_do(store: Store) -> None:
    write(store, hourly(3))
    where = portfolio()
    desk = Desk(store, where)
    desk.job.step()
    factors = (*where.carbon, CarbonFactor(name="city", medium="electricity", since="2025-03-04", kg_per_unit=0.5))
    desk.change(Portfolio("t", where.buildings, where.points, where.devices, {}, {}, {}, where.prices, factors))
    assert (rows(store, Resolution.DAY, "carbon").micro[:3] // MICRO).tolist() == [6, 12, 12]


# ── studies ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def studied_desk(store: Store, where: Portfolio | None = None) -> Desk:
    """A desk that has studied a building of forty days, and has nothing left to do."""
    write(store, hourly(39))
    desk = Desk(store, where or portfolio())
    desk.change(desk.where)
    assert desk.studied
    desk.studied.clear()
    desk.change(desk.where)
    assert not desk.studied
    return desk


def test_a_revised_past_is_studied_again_also_where_hours_became_missing(store: Store) -> None:
    desk = studied_desk(store, portfolio(device(since="2025-03-01")))
    desk.change(portfolio(device(since="2025-03-20")))
    assert len(desk.studied) == 1


def test_a_measure_or_a_price_is_a_reason_for_a_study_and_energy_is_left_alone(store: Store) -> None:
    desk = studied_desk(store)
    where, told = portfolio(), len(store.changes(0))
    measure = Measure(id="m1", building="b", name="LED", points=(METER,), start="2025-03-20")
    desk.change(Portfolio(where.tenant, where.buildings, where.points, where.devices, {}, {}, {"m1": measure},
                          where.prices, where.carbon))  # fmt: skip
    assert len(desk.studied) == 1
    desk.change(priced_at(("2025-03-01", 9.0)))
    assert len(desk.studied) == 2
    assert len(store.changes(0)) == told


def with_station() -> Portfolio:
    where = portfolio()
    building = msgspec.structs.replace(where.buildings["b"], station="air")
    assert isinstance(building, Building)
    station = Station(id="air", name="roof", zone="Asia/Shanghai")
    return Portfolio(where.tenant, {"b": building}, where.points, where.devices, {"air": station}, {}, {},
                     where.prices, where.carbon)  # fmt: skip


def blow(store: Store, time_ms: int) -> None:
    store.write_readings([Block(Series("air/weather", "air", "outdoor_temperature"), Readings.of([time_ms], [20]))])
    store.touch([("air/weather", time_ms, time_ms + 1)])


def test_late_weather_is_a_reason_for_a_study_and_that_of_this_hour_waits_for_the_next(store: Store) -> None:
    desk = studied_desk(store, with_station())
    blow(store, desk.clock.now_ms() - 1000)
    desk.change(desk.where)
    assert not desk.studied
    blow(store, START + 10 * DAY_MS)
    desk.change(desk.where)
    assert len(desk.studied) == 1


def test_a_study_that_a_kill_prevented_is_made_up_for(store: Store) -> None:
    desk = studied_desk(store)
    desk.clock.advance(-300)
    at = START + 5 * DAY_MS
    who: dict[str, Any] = {"author": "Li Wei", "reason": "test", "told_ms": START + 39 * DAY_MS}
    correct(store, portfolio(), Correction(id="", building="b", point=METER, kind="reject", start_ms=at,
                                           end_ms=at + 1, **who))  # fmt: skip
    desk.job.step()
    assert not desk.studied, "five minutes have not passed"
    again = Desk(store, portfolio())
    again.job.step()
    again.job.step()
    assert [building for building, _ in again.studied] == ["b"]
    assert store.cursor("unstudied b") == 0


def test_an_old_reading_of_a_long_record_is_studied_at_the_years_after_it_also_over_a_kill(store: Store) -> None:
    write(store, [(ms("2020-01-01T00:00"), 0.0), (ms("2022-12-31T23:00"), 3000.0)])
    desk = Desk(store, portfolio(), ms("2026-11-22T00:00"))
    desk.job.run_once()
    years = [now_ms for _, now_ms in desk.studied]
    assert len(years) == 4
    write(store, [(ms("2022-06-01T00:00"), 2000.0)])
    desk.job.step()
    again = Desk(store, portfolio(), ms("2026-11-22T00:00"))
    again.job.step()
    assert [now_ms for _, now_ms in again.studied] == years


def test_grounds_hold_nothing_that_energy_does_not_depend_on() -> None:
    where = portfolio(device(accuracy_class="1"))
    other = portfolio(device(accuracy_class="2", model="m"))
    assert grounds_of(where, where.points[METER]) == grounds_of(other, other.points[METER])
    assert np.isfinite(grounds_of(where, where.points[METER]).rating)
