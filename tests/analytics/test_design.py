import numpy as np

from analytics.design import design


def test_every_hour_of_the_day_finds_its_rows() -> None:
    start = np.arange("2026-03-27", "2026-04-01", dtype="datetime64[h]").astype("datetime64[s]")
    on = design(start, zone="Europe/Oslo", country="NO")
    rows = on.by_hour
    assert sorted(rows[rows >= 0].tolist()) == list(range(len(start)))
    assert all(on.hour[r] == h for h in range(24) for r in rows[h][rows[h] >= 0])
    assert not on.weather


def test_a_measure_has_a_level_of_its_own_from_its_instant_on() -> None:
    start = np.arange("2026-01-01", "2026-01-11", dtype="datetime64[h]").astype("datetime64[s]")
    change = int(np.datetime64("2026-01-06", "ms").astype(np.int64))
    plain = design(start, zone="UTC", country="CN")
    on = design(start, zone="UTC", country="CN", changes_ms=[change])
    assert on.x.shape[1] == plain.x.shape[1] + 4
    assert on.x[:, plain.x.shape[1]].tolist() == [0.0] * 120 + [1.0] * 120
