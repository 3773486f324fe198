"""Looking live: a state, and a pure step from it: new hours in, tellings out.

Strategy: the state holds a window of the past (at most a year), what was learnt from it, and running sums. A new hour
costs the same however long the history is; whether hours come one by one or many at once changes nothing. Sudden faults
(:mod:`analytics.anomalies.live.rules`) are judged every hour, long ones (:mod:`analytics.anomalies.live.days`) twice a
day; what is usual is learnt anew every week. One cause is told once: a meter of which something was told is left alone
until it has been itself again.

Thresholds were set on Drammen's 2018 with faults of its own injected, history being 2019 moved back by 104 weeks, and
then run once on the faults of 2019. Whether drifts could be told is in docs/anomalies.md.
"""

from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np

from analytics.anomalies.bank.record import BLOCK_H, Bools, Floats, Ints
from analytics.anomalies.bank.templates import BANK, UNLIKE
from analytics.anomalies.live.days import KINDS, Sums, a_day_on, blocks_of, no_sums, odds_of, undone_day
from analytics.anomalies.live.learn import MOST_SPREADS, Learnt, Window, common_of_day, learn, rows_of
from analytics.anomalies.live.rules import (
    RUNS,
    Peak,
    Running,
    expected_of,
    lowered,
    no_runs,
    nothing_new,
    peaks_of,
    run_on,
    signs_of,
)
from analytics.anomalies.live.verdicts import ALL, Lately, Limits, Telling, confidence, within
from analytics.calendar import Times
from analytics.design import design, grid
from analytics.weekdays import Place

WINDOW_H: Final = 365 * 24
LEARN_H: Final = 7 * 24
"""Hours between two fits."""
LEAD_H: Final = 30 * 24
"""Weather before the last fit that the building still remembers."""
LOOK_H: Final = 12
"""Long faults are looked for so often; what a day says of them counts when it is over."""
AHEAD_H: Final = 10 * 24
AROUND_D: Final = 7
YEAR_H: Final = 8766
CLIP: Final = 8.0

SUDDEN: Final = {"dropout": 11.0, "stuck": 11.0, "spike": 10.5, "scale10": 9.0}
"""Logarithm of the odds, less the meter's habits, at which a sudden fault is told."""
SPOILS: Final = 5.0
"""At these odds hours are left out of days and of fits."""
QUIET_H: Final = 36
"""After the last hour of a sudden fault nothing sudden is told of that meter for so long."""
LONG: Final = {"level_up": -1.2, "night_on": 1.5, "phase_loss": 1.5, "time_shift": 3.0}
"""Logarithm of the odds at which a long fault is told. Drifts are left to looking back: they are not seen in time."""
DOUBT: Final = {"level_up": 0.0, "night_on": 0.1, "phase_loss": 0.1, "time_shift": 0.1}
"""How much of the odds of *unlike* speak against it."""
LEAST_SWING: Final = 0.5
"""A clock that is off cannot be seen on a load that is as flat as its noise."""
RELEASE: Final = 4.0
"""A fault is over when its odds are lower than what it was told at by so much."""
LATELY_D: Final = 5
FAULTS: Final = [row for row, t in enumerate(BANK) if t.kind != UNLIKE]
HOLD_D: Final = (7, 40)
"""After a long fault was told: at least, and at most so many days until another one is."""


class Feed(NamedTuple):
    """New hours that follow on those seen: ``energy`` (meters, n) kWh, ``outdoor_c`` (weathers, n), NaN = unknown."""

    energy: Floats
    outdoor_c: Floats


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """``window`` up to the last fit, which was ``learnt``; since then ``energy``, ``spoilt``, ``usual`` (meters, k),
    ``outdoor_c`` (weathers, k). ``quiet`` (meters) hour until which nothing sudden is told; ``held`` (meters) days
    since a long fault was told, 0 = none, ``likely`` (meters) by how much the last look passed or missed the odds at
    which one is told; ``recent`` what was told lately, for the budget; ``left_out``
    how many verdicts budget and tolerances have kept back."""

    names: tuple[str, ...]
    place: Place
    window: Window
    learnt: Learnt
    energy: Floats
    spoilt: Bools
    usual: Floats
    outdoor_c: Floats
    running: Running
    peaks: tuple[Peak, ...]
    lower: Floats
    quiet: Ints
    sums: Sums
    held: Ints
    likely: Floats
    recent: tuple[Lately, ...] = ()
    left_out: int = 0

    @property
    def now(self) -> np.datetime64:
        """The end of the last hour seen."""
        start: np.datetime64 = self.window.start[-1] + np.timedelta64(3600 * (1 + self.energy.shape[1]), "s")
        return start


def begin(
    names: tuple[str, ...], place: Place, start: Times, energy: Floats, outdoor_c: tuple[Floats | None, ...],
    stations: tuple[int, ...],
) -> State:  # fmt: skip
    """A state from history (meters, n), of which the last :data:`WINDOW_H` are used; at least three weeks."""
    hour = grid(start, place.zone, place.country, place.subdivision).hour
    first = max(len(start) - WINDOW_H, 0)
    midnights = np.flatnonzero((hour == 0) & (np.arange(len(hour)) >= first))
    begins = int(midnights[0])
    take = slice(begins, begins + (len(start) - begins) // 24 * 24)
    past = tuple(None if t is None else _known(t)[take] for t in outdoor_c)
    shape = energy[:, take].shape
    window = Window(start[take], energy[:, take], np.zeros(shape, bool), past, stations)
    learnt, usual = learn(window, place)
    running, peaks, spoilt = _runs_of_past(window, learnt, usual)
    window = replace(window, spoilt=spoilt)
    learnt, usual = learn(window, place)
    running, peaks, _ = _runs_of_past(window, learnt, usual)
    state = State(
        names, place, window, learnt, *_nothing(len(names), len(outdoor_c)), running, peaks,
        lowered(peaks, len(names)), np.zeros(len(names), np.int64), no_sums(len(names)), np.zeros(len(names), np.int64),
        np.full(len(names), -np.inf),
    )  # fmt: skip
    rest = Feed(energy[:, take.stop :], np.array([_none(t, len(start))[take.stop :] for t in outdoor_c]))
    return advance(state, rest)[0] if rest.energy.shape[1] else state


def _none(outdoor_c: Floats | None, n: int) -> Floats:
    return np.full(n, np.nan) if outdoor_c is None else outdoor_c


def _known(outdoor_c: Floats) -> Floats:
    """Unknown hours of the past as the day before, which needs nothing that comes later."""
    out = outdoor_c.copy()
    if not np.isfinite(out).any():
        return np.zeros_like(out)
    out[0] = out[np.isfinite(out)][0] if not np.isfinite(out[0]) else out[0]
    for row in np.flatnonzero(~np.isfinite(out)):
        out[row] = out[row - 24] if row >= 24 else out[row - 1]
    return out


def _nothing(meters: int, weathers: int) -> tuple[Floats, Bools, Floats, Floats]:
    return np.empty((meters, 0)), np.empty((meters, 0), bool), np.empty((meters, 0)), np.empty((weathers, 0))


def _runs_of_past(window: Window, learnt: Learnt, usual: Floats) -> tuple[Running, tuple[Peak, ...], Bools]:
    running, peaks, spoilt = no_runs(len(usual)), [], np.zeros(usual.shape, bool)
    hour = _hours_since(window.start[0])
    signs = signs_of(learnt.rates, running, window.energy, usual, learnt.floor)
    for k in range(usual.shape[1]):
        if nothing_new(running, signs, k):
            continue
        running, ended, _ = run_on(learnt.rates, running, signs, k)
        peaks += peaks_of(ended, hour + k)
        _mark(spoilt, running, k)
    return running._replace(last=signs.last, usual=signs.usual), tuple(peaks), spoilt


def _mark(spoilt: Bools, running: Running, at: int) -> None:
    """Hours of runs that are odd, back to where they began."""
    for rule, meter in zip(*np.nonzero(running.peak > SPOILS), strict=True):
        spoilt[meter, max(at + 1 - int(running.hours[rule, meter]), 0) : at + 1] = True


def _hours_since(start: np.datetime64) -> int:
    return int(start.astype("datetime64[h]").astype(np.int64))


def advance(state: State, feed: Feed, limits: Limits = ALL) -> tuple[State, list[Telling]]:
    """Take new hours in; what is to be told because of them."""
    told: list[Telling] = []
    done = 0
    while done < feed.energy.shape[1]:
        step = min(feed.energy.shape[1] - done, LEARN_H - state.energy.shape[1])
        part = Feed(feed.energy[:, done : done + step], feed.outdoor_c[:, done : done + step])
        state, more = _stretch(state, part, limits)
        told += more
        done += step
        if state.energy.shape[1] == LEARN_H:
            state = _learn_anew(state)
    return state, told


def _stretch(state: State, feed: Feed, limits: Limits) -> tuple[State, list[Telling]]:
    """Hours of one fit."""
    seen, n = state.energy.shape[1], feed.energy.shape[1]
    outdoor = _with_weather(state, feed.outdoor_c)
    usual = _usual(state, outdoor, seen, n)
    state = replace(
        state, energy=np.concatenate([state.energy, feed.energy], axis=1), outdoor_c=outdoor,
        spoilt=np.concatenate([state.spoilt, np.zeros(feed.energy.shape, bool)], axis=1),
        usual=np.concatenate([state.usual, usual], axis=1),
    )  # fmt: skip
    told: list[Telling] = []
    signs = signs_of(state.learnt.rates, state.running, feed.energy, usual, state.learnt.floor)
    state = replace(state, running=state.running._replace(last=signs.last, usual=signs.usual))
    for k in range(seen, seen + n):
        verdicts: list[Telling] = []
        if not nothing_new(state.running, signs, k - seen):
            state, verdicts = _an_hour(state, k, run_on(state.learnt.rates, state.running, signs, k - seen), limits)
        if (k + 1) % LOOK_H == 0:
            state, more = _look(state, k, limits)
            verdicts += more
        if verdicts:
            few, recent = within(verdicts, state.recent, len(state.names), limits)
            left_out = state.left_out + len(verdicts) - len(few)
            state = replace(state, recent=recent, left_out=left_out)
            told += few
    return state, told


def _with_weather(state: State, outdoor_c: Floats) -> Floats:
    out = np.concatenate([state.outdoor_c, outdoor_c], axis=1)
    for station, past in enumerate(state.window.outdoor_c):
        if past is None:
            continue
        whole = np.concatenate([past[-24:], out[station]])
        for row in np.flatnonzero(~np.isfinite(whole)):
            whole[row] = whole[row - 24]
        out[station] = whole[24:]
    return out


def _usual(state: State, outdoor: Floats, seen: int, n: int) -> Floats:
    """Usual logarithm (meters, n) of hours after the fit, from ``seen`` on; reckoned by whole days, so that it is the
    same to the last bit however many hours come at once."""
    lead = min(LEAD_H, len(state.window.start))
    hours = np.arange(-lead, LEARN_H + AHEAD_H) * np.timedelta64(3600, "s")
    start = state.window.start[-1] + np.timedelta64(3600, "s") + hours
    usual = np.empty((len(state.names), n))
    place, first, last = state.place, lead + seen, lead + seen + n
    for station, past in enumerate(state.window.outdoor_c):
        weather = None
        if past is not None:
            weather = np.concatenate([past[-lead:], outdoor[station]])
            weather = np.concatenate([weather, np.full(len(start) - len(weather), weather[-1])])
        on = design(start, zone=place.zone, country=place.country, subdivision=place.subdivision, outdoor_c=weather)
        meters = rows_of(state.window.stations, station)
        for day in dict.fromkeys(on.day[first:last].tolist()):
            begin, end = np.searchsorted(on.day, [day, day + 1])
            told = on.rows(on.day == day).times(state.learnt.coefficients[station])
            a, b = max(begin, first), min(end, last)
            usual[meters, a - first : b - first] = told[:, a - begin : b - begin]
    return usual


def _an_hour(
    state: State, k: int, runs: tuple[Running, Running, Floats], limits: Limits
) -> tuple[State, list[Telling]]:
    """``runs`` as they go on in hour ``k`` since the fit, those that have ended, and the verdicts."""
    running, ended, found = runs
    at = _hours_since(state.window.start[-1]) + 1 + k
    spoilt = state.spoilt
    _mark(spoilt, running, k)  # of this stretch's own copy
    peaks = [*state.peaks, *peaks_of(ended, at)] if (ended.hours > 0).any() else state.peaks
    odds = np.where(running.hours > 0, found - state.lower, 0.0)
    sure = (odds > np.array(list(SUDDEN.values()))[:, None]) & (running.hours >= limits.hold_h)
    told: list[Telling] = []
    new = sure & ~running.told
    quiet = state.quiet
    if new.any():
        for meter in np.flatnonzero(new.any(axis=0)):
            if at < quiet[meter]:
                continue
            rule = int(np.where(new[:, meter], odds[:, meter], -np.inf).argmax())
            begin_ = at + 1 - int(running.hours[rule, meter]) - (RUNS[rule] == "stuck")  # the value's first hour is one
            told.append(_telling(state, k, int(meter), RUNS[rule], begin_, float(odds[rule, meter])))
    if sure.any():
        quiet = np.where(sure.any(axis=0), at + QUIET_H, quiet)
    running = running._replace(told=running.told | sure)
    return replace(state, running=running, peaks=tuple(peaks), quiet=quiet), told


def _telling(state: State, k: int, meter: int, kind: str, begin_: int, odds: float) -> Telling:
    """Of hour ``k`` since the fit; ``begin_`` is an hour since 1970."""
    hour, fit = np.datetime64(0, "s"), _hours_since(state.window.start[-1]) + 1
    hours, actual, usual = _since(state, k, meter, begin_ - fit)
    return Telling(
        hour + np.timedelta64(3600 * (fit + k + 1), "s"), state.names[meter], kind,
        hour + np.timedelta64(3600 * begin_, "s"), odds, confidence(odds, sudden=kind in SUDDEN), hours, actual, usual,
    )  # fmt: skip


def _since(state: State, k: int, meter: int, first: int) -> tuple[int, float, float]:
    """Known hours, kWh shown and kWh usual in hours ``first`` (before the fit: negative) to ``k``."""
    back = min(max(-first, 0), LEAD_H, len(state.window.start))
    before = _usual(state, state.outdoor_c, -back, back)[meter] if back else np.empty(0)
    rows = slice(max(first, 0), k + 1)
    shown = np.r_[state.window.energy[meter, state.window.energy.shape[1] - back :], state.energy[meter, rows]]
    usual = expected_of(np.r_[before, state.usual[meter, rows]], state.learnt.floor[meter : meter + 1])
    known = np.isfinite(shown)
    return int(known.sum()), float(shown[known].sum()), float(usual[known].sum())


def _look(state: State, k: int, limits: Limits) -> tuple[State, list[Telling]]:
    """Hour ``k`` since the fit is over, and with it a day, or half of one."""
    first = k // 24 * 24
    sums = _sums_of_day(state, slice(first, k + 1))
    held, likely, told = _judge(state, sums, (first, k), limits)
    if (k + 1) % 24:
        return replace(state, held=np.where(state.held == 0, held, state.held), likely=likely), told
    return replace(state, sums=sums, held=held, likely=likely), told


def _sums_of_day(state: State, rows: slice) -> Sums:
    """The sums with what there is of a day."""
    habits, floor = state.learnt.habits, state.learnt.floor
    missing = ((0, 0), (0, 24 - (rows.stop - rows.start)))
    energy = np.where(state.spoilt[:, rows], np.nan, state.energy[:, rows])
    energy, usual = (np.pad(part, missing, constant_values=np.nan) for part in (energy, state.usual[:, rows]))
    before = state.window.energy[:, -24:] if rows.start < 24 else state.energy[:, rows.start - 24 : rows.start]
    most = (MOST_SPREADS * habits.wide)[:, None]
    logs = np.log(np.maximum(energy, 0) + floor[:, None])
    common = common_of_day(habits, blocks_of(np.clip(logs - usual, -most, most)))
    usual = usual + np.repeat(common, BLOCK_H, axis=1)
    hour, working = _local_day(state, rows.start)
    own, undone = undone_day(habits, energy, usual, floor, hour, before, CLIP)
    return a_day_on(habits, state.sums, own, undone, working)


def _local_day(state: State, first: int) -> tuple[Ints, bool]:
    """Hours on the clock of the day that begins with hour ``first`` since the fit; whether it is a working day (at
    noon)."""
    start = state.window.start[-1] + np.timedelta64(3600, "s") * (first + 1 + np.arange(24 + AROUND_D * 24))
    on = grid(start, state.place.zone, state.place.country, state.place.subdivision)
    return on.hour[:24], bool(on.types.working[on.day[12] - on.days[0]])


def _judge(state: State, sums: Sums, rows: tuple[int, int], limits: Limits) -> tuple[Ints, Floats, list[Telling]]:
    """Days since a fault was told of each meter, how likely one is, and what is told after hours ``rows`` (first and
    last) of a day."""
    first, k = rows
    odds, days = odds_of(state.learnt.habits, sums)
    other = np.exp(odds[KINDS.index(UNLIKE)])
    score = np.stack([odds[KINDS.index(k)] - np.log1p(DOUBT[k] * other) - least for k, least in LONG.items()])
    score[list(LONG).index("time_shift"), state.learnt.habits.swing < LEAST_SWING] = -np.inf
    at = _hours_since(state.window.start[-1]) + 1 + k
    told, held = [], state.held.copy()
    best = score.max(axis=0)
    for meter in range(len(best)):
        if held[meter]:
            held[meter] += 1
            if held[meter] > HOLD_D[1] or (held[meter] > HOLD_D[0] and best[meter] < -RELEASE):
                held[meter] = 0
        elif best[meter] > 0 and at >= state.quiet[meter]:
            can = (KINDS.index(kind) for kind, s in zip(LONG, score[:, meter], strict=True) if s > -np.inf)
            row = max(can, key=lambda r: float(odds[r, meter]))
            begin_ = at - (k - first) - 24 * (int(days[row, meter]) - 1)
            if at + 1 - begin_ >= limits.hold_h:
                told.append(_telling(state, k, meter, KINDS[row], begin_, float(odds[row, meter])))
                held[meter] = 1
    return held, best, told


def still_seen(state: State) -> tuple[str, ...]:
    """Meters of which a long fault was told that goes on as far as can be seen: all days since it began speak for it,
    and so do the last ones by themselves."""
    lately = state.sums.since[:, FAULTS, LATELY_D - 1].max(axis=1)
    goes_on = (state.held > 0) & (state.likely > -RELEASE) & (lately > 0)
    return tuple(name for name, seen in zip(state.names, goes_on, strict=True) if seen)


def _learn_anew(state: State) -> State:
    """Move the window up to now and learn from it."""
    old = state.window
    start = np.concatenate([old.start, old.start[-1] + np.timedelta64(3600, "s") * (1 + np.arange(LEARN_H))])
    energy = np.concatenate([old.energy, state.energy], axis=1)
    spoilt = np.concatenate([old.spoilt, state.spoilt], axis=1)
    first = max(len(start) - WINDOW_H, 0) // 24 * 24
    outdoor = tuple(
        None if past is None else np.concatenate([past, new])[first:]
        for past, new in zip(old.outdoor_c, state.outdoor_c, strict=True)
    )
    window = Window(start[first:], energy[:, first:], spoilt[:, first:], outdoor, old.stations)
    learnt, _ = learn(window, state.place)
    oldest = _hours_since(start[-1]) - YEAR_H
    peaks = tuple(p for p in state.peaks if p.hour > oldest)
    nothing = _nothing(len(state.names), len(outdoor))
    return replace(
        state, window=window, learnt=learnt, peaks=peaks, lower=lowered(peaks, len(state.names)), energy=nothing[0],
        spoilt=nothing[1], usual=nothing[2], outdoor_c=nothing[3],
    )  # fmt: skip


def size_bytes(state: object) -> int:
    """Bytes of a state: its arrays, and 8 for anything else."""
    if isinstance(state, np.ndarray):
        return int(state.nbytes)
    if isinstance(state, tuple):
        return sum(size_bytes(each) for each in state)
    fields = getattr(state, "__dataclass_fields__", None)
    return sum(size_bytes(getattr(state, name)) for name in fields) if fields else 8
