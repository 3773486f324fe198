"""The reasons behind a number: readings at its boundaries, what happened in it, who said what."""

from analytics.ledger.explain import explained, told
from analytics.ledger.meter import meter_of
from submeter.stores.memory import MemoryStore
from submeter.words import Known, Resolution
from tests.analytics.ledger.small_cases import HOUR_MS, METER, analyst, device, ms, portfolio, write

BEGIN = ms("2026-03-01T16:00")


def test_a_rollover_a_glitch_and_a_gap_are_named_where_they_were() -> None:
    where = portfolio(device("s1", digits=6))
    shown = {h: round((9_990 + h) % 10_000, 2) for h in range(60) if not 40 <= h < 44}
    store = MemoryStore()
    write(store, [(BEGIN + h * HOUR_MS, 0.0 if h == 30 else kwh) for h, kwh in shown.items()])
    analyst(store, where).step()
    meter = meter_of(where, METER)
    assert meter is not None
    begin_s = BEGIN // 1000
    hours = explained(store, meter, Resolution.HOUR, begin_s, begin_s + 59 * 3600)
    assert [(h, event.kind) for h, row in enumerate(hours) for event in row.events] == [
        (9, "rollover"),
        (30, "left_out"),
    ]
    roll = hours[9].events[0]
    assert roll.after is not None
    assert (roll.before.micro, roll.after.micro) == (9_999_000_000, 0)
    gap = hours[41]
    assert (gap.known, gap.begin is not None and gap.begin.exact) == (Known.ESTIMATED, False)
    assert gap.begin is not None
    assert gap.begin.before is not None
    assert gap.begin.after is not None
    assert (gap.begin.before.time_ms, gap.begin.after.time_ms) == (BEGIN + 39 * HOUR_MS, BEGIN + 44 * HOUR_MS)
    plain = told(store, meter, Resolution.HOUR, begin_s, begin_s + 59 * 3600)
    assert [(row.start_s, row.micro) for row in plain] == [(row.start_s, row.micro) for row in hours]
