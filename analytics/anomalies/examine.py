"""The examination of one building: every rule in its order, each on what the ones before left.

Strategy: silence and registers need no model; a first robust fit of every meter then shows gross errors and
standstills; the balances of parents show faults of gain; then every meter is held against the bank of faults, and its
relatives are asked whether that can be; what is left is fitted again and searched for faults of load, from the leaves
of the meter tree upwards, each parent without what its children have explained. A fault that several children of one
parent share is told once, of the parent. Models are fitted anew without the hours that an episode spoils, so they are
good for expectation and savings as well.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np

from analytics.anomalies.alone import verdicts
from analytics.anomalies.budget import Untold, chosen
from analytics.anomalies.episode import Bools, Episode
from analytics.anomalies.gains import Family, gain_faults
from analytics.anomalies.gross import gross_errors, gross_hours, near_gap
from analytics.anomalies.kin import Home, blamed_once, common, home_of, is_piece, named_for, one_at_a_time
from analytics.anomalies.levels import Load, load_faults
from analytics.anomalies.operation import with_operation
from analytics.anomalies.registers import Backwards, Glitch
from analytics.anomalies.scan import Project
from analytics.anomalies.silence import overruled_meters, silent_meters, stuck_meters
from analytics.anomalies.thermal import Against, against
from analytics.baseline import absorbed, describe, evaluate, linear, refusal, regress
from analytics.calendar import hour_type
from analytics.design import Design
from analytics.hours import Hours
from analytics.quality import Floats
from analytics.tree import blame
from submeter.settings.settings import AlarmSettings
from submeter.words import Baseline, Medium, Point, lineage

ROUNDS: Final = 3
"""Balances and levels are searched this often at most, each time with a fit that leaves out what was found before."""
MOST_LOSS: Final = 0.02
Fitter = Callable[[str, Design, Floats], tuple[Floats, int]]
"""(point, design, energy (n) kWh with NaN = leave out) → coefficients (24, columns), effective number of parameters"""


@dataclass(frozen=True, slots=True, eq=False)
class Excursions:
    """What a meter's raw readings told (see :mod:`analytics.anomalies.registers`), ``ratio`` to primary energy."""

    glitches: tuple[Glitch, ...] = ()
    backwards: tuple[Backwards, ...] = ()
    ratio: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Examination:
    """``episodes`` to be told, and what is ``untold`` for tolerances, quiet days and the budget · ``clean`` energy per
    point (n): measured and not spoilt by any verdict, told or not, else NaN · ``spoilt`` per point (n): hours in
    which the *meter* was at fault."""

    episodes: tuple[Episode, ...]
    models: dict[str, Baseline]
    clean: dict[str, Floats]
    spoilt: dict[str, Bools]
    untold: tuple[Untold, ...] = ()


def alone(_point: str, on: Design, energy_kwh: Floats) -> tuple[Floats, int]:
    """A meter's fit from its own hours only."""
    return regress(on, energy_kwh)


def examine(
    hours: Hours, designs: Callable[[str], Design], excursions: Mapping[str, Excursions], fitter: Fitter = alone,
    *, alarms: AlarmSettings | None = None, quiet: Mapping[str, Bools] | None = None,
) -> Examination:  # fmt: skip
    """Examine all meters of a building. ``designs`` gives each point its design, on the grid of ``hours``; ``fitter``
    fits it, perhaps with what the portfolio taught; ``quiet`` (n) hours per point tell no fault of operation."""
    examined = _Examiner(hours, designs, excursions, fitter).run()
    looked_at = sum(int(np.isfinite(hours.energy[p.id]).sum()) for p in hours.points)
    told, untold = chosen(examined.episodes, looked_at, alarms or AlarmSettings(), quiet or {})
    return replace(examined, episodes=told, untold=untold)


class _Examiner:
    """The working state of one examination."""

    def __init__(
        self, hours: Hours, designs: Callable[[str], Design], excursions: Mapping[str, Excursions], fitter: Fitter
    ) -> None:
        self.hours, self.designs, self.excursions, self.fitter = hours, designs, excursions, fitter
        self.points = {p.id: p for p in hours.points}
        self.clean = {p: e.copy() for p, e in hours.measured.items()}
        self.fits: dict[str, tuple[Floats, int]] = {}
        self.expected: dict[str, Floats] = {}
        self.found: list[Episode] = []
        self.hinted: list[Episode] = []
        self.backwards: list[tuple[Episode, float]] = []
        self.overruled: list[Episode] = []
        self.kind = hour_type(hours.building.zone, hours.start.astype(np.int64))
        self.day = designs(hours.points[0].id).day - int(designs(hours.points[0].id).day[0])

    def run(self) -> Examination:
        self._registers()
        self._overruled()
        self._fit(self.points)
        self._gross()
        self._silence()
        self._standstill(self._families())
        self._gains(self._families())  # anew: without its standstill a meter may be left without a model
        together = self._against()
        self._alone()
        meter_faults = list(self.found)
        loads = self._operation(self._loads(), together)
        self.found = meter_faults + common(loads, self.points)
        models = {p: self._model(p) for p in self.points}
        return Examination(tuple(self.found), models, self.clean, self._spoilt(meter_faults))

    # models
    def _fit(self, points: Mapping[str, Point] | list[str]) -> None:
        for point in points:
            if refusal(self.clean[point]):
                self.fits.pop(point, None)
                self.expected.pop(point, None)
                continue
            self.fits[point] = self.fitter(point, self.designs(point), self.clean[point])
            self.expected[point] = evaluate(self.designs(point), self.fits[point][0])

    def _model(self, point: str) -> Baseline:
        coefficients, p = self.fits.get(point, (None, 0))
        return describe(
            self.designs(point), self.clean[point], coefficients, p, point=point, building=self.hours.building.id
        )

    def _spoil(self, episodes: list[Episode]) -> list[str]:
        """Take the hours of episodes out of the clean energy; returns the points that changed."""
        for episode in episodes:
            self.clean[episode.point][episode.covers(len(self.hours))] = np.nan
        return sorted({e.point for e in episodes})

    def _spoilt(self, episodes: list[Episode]) -> dict[str, Bools]:
        out = {p: np.zeros(len(self.hours), bool) for p in self.points}
        for episode in episodes:
            if episode.kind not in ("missing", "spike"):
                out[episode.point] |= episode.covers(len(self.hours))
        return out

    # rules without a model
    def _registers(self) -> None:
        for point, told in self.excursions.items():
            for glitch in told.glitches:
                self.found.append(_spike(self.hours, point, glitch, told.ratio))
            for stretch in told.backwards:
                self.backwards.append((_backwards(self.hours, point, stretch), stretch.fall / 1e6 * told.ratio))
        self._spoil([episode for episode, _ in self.backwards])

    def _overruled(self) -> None:
        """Meters at zero above meters that count, before anything is learnt of them."""
        for point in self.points.values():
            children = [c for c in self.points.values() if c.parent == point.id and c.medium == point.medium]
            if children:
                below = np.nansum([self.hours.measured[c.id] for c in children], axis=0)
                self.overruled += overruled_meters(point.id, self.hours.measured[point.id], below)
        self._spoil(self.overruled)

    def _gross(self) -> None:
        for point in self.points:
            marked = np.isfinite(self.hours.suspect[point])
            counted = np.where(marked, self.hours.suspect[point], self.hours.measured[point])
            counted[near_gap(self._gap(point)) & marked] = np.nan
            bad = gross_hours(counted, self.expected.get(point), marked)
            if bad.any():
                self.clean[point][bad] = np.nan
                self._fit([point])
                self.found += gross_errors(point, counted, self.expected.get(point), bad)

    def _gap(self, point: str) -> Bools:
        """Hours in which a meter told nothing: not read, or standing still."""
        return np.asarray(self.hours.unread[point] | (self.hours.measured[point] == 0), bool)

    def _silence(self) -> None:
        main = next((p for p in self.points.values() if p.is_main and p.medium == Medium.ELECTRICITY), None)
        alive = max(self.hours.last.values(), default=0)
        self.found += silent_meters(
            self.hours.unread, alive, self.expected, main.id if main else next(iter(self.points))
        )
        covered = [_measured(e, fall, self.expected.get(e.point)) for e, fall in self.backwards]
        self.found += covered
        self.found = [e for e in self.found if not (e.kind in ("missing", "spike") and _inside(e, covered))]

    # the meter tree
    def _families(self) -> dict[str, list[str]]:
        """Parents with their children of one medium, all with a model."""
        out: dict[str, list[str]] = {}
        for point in self.points.values():
            parent = self.points.get(point.parent)
            if parent is not None and parent.medium == point.medium:
                out.setdefault(parent.id, []).append(point.id)
        return {p: c for p, c in out.items() if p in self.fits and all(k in self.fits for k in c)}

    def _balance(self, parent: str, children: list[str], holes: Bools) -> Family:
        below = np.sum([self.clean[c] for c in children], axis=0)
        whole = self.clean[parent] - below
        if np.isfinite(whole).any():
            whole = whole - _line_loss(whole, below) * below
        rest = np.where(holes, np.nan, whole)
        on = self.designs(parent)
        members = [parent, *children]
        energy = {p: self.clean[p] for p in members}
        if np.isfinite(rest).sum() < 24 * 21:
            residual = np.full(len(rest), np.nan)
        else:
            residual = whole - linear(on, regress(on, rest)[0])
        return Family(
            parent, residual, energy, {p: self.expected[p] for p in members}, self.day, self._project(parent),
            np.isfinite(rest), self.kind,
        )  # fmt: skip

    def _project(self, point: str) -> Project:
        return partial(absorbed, self.designs(point))

    def _standstill(self, families: dict[str, list[str]]) -> None:
        nothing = np.zeros(len(self.hours), bool)
        flowed: dict[str, Floats] = {}
        for parent, children in families.items():
            residual = self._balance(parent, children, nothing).residual
            flowed |= dict.fromkeys(children, residual)
        stuck: list[Episode] = []
        for point in self.fits:
            stuck += stuck_meters(
                point, self.hours.measured[point], self.hours.suspect[point], self.expected[point], flowed.get(point)
            )
        covered = [e for e in self.found if e.kind == "reversed_ct"] + self.overruled
        stuck = self.overruled + [e for e in stuck if not _inside(e, covered)]
        lumps = [e for e in stuck if e.evidence["caught_up"]]
        self.found = [e for e in self.found if not (e.kind == "gross_error" and _touches(e, lumps))] + stuck
        self._fit(self._spoil(stuck))

    def _gains(self, families: dict[str, list[str]]) -> None:
        found: list[Episode] = []
        for parent, children in families.items():
            mine: list[Episode] = []
            for _ in range(ROUNDS):
                holes = np.zeros(len(self.hours), bool)
                for episode in mine:
                    holes |= episode.covers(len(self.hours))
                again = gain_faults(self._balance(parent, children, holes))
                done = _same(again, mine)
                mine = again
                if done:
                    break
            found += one_at_a_time(mine)
        found = blamed_once(found)
        self._fit(self._spoil(found))
        self.found += found

    # one meter alone
    def _alone(self) -> None:
        """What each meter tells by itself, unless its relatives know better; loads wait for what their level tells."""
        energy = {p: self.clean[p] for p in self.fits}
        told = verdicts(energy, [self.designs(p) for p in energy])
        homes = [self._home(parent, children) for parent, children in self._families().items()]
        found = [e for e in told if not _inside(e, self.found) and not any(home.denies(e) for home in homes)]
        related = {p for home in homes for p in home.members}
        self.hinted = [named_for(self.points[e.point].item, e) for e in found if e.is_load and e.point in related]
        found = [e for e in found if not (e.is_load and e.point in related)]
        self._fit(self._spoil(found))
        self.found += found

    def _home(self, parent: str, children: list[str]) -> Home:
        nothing, members = np.zeros(len(self.hours), bool), [*children, parent]
        shown, expected = (np.column_stack([of[p] for p in members]) for of in (self.clean, self.expected))
        residual = self._balance(parent, children, nothing).residual
        return home_of(members, blame.Family(shown, expected, residual, self.kind, ~nothing, parent=True))

    # levels
    def _loads(self) -> list[Episode]:
        found: dict[str, list[Episode]] = {}
        excess: dict[str, Floats] = {}
        for point in sorted(self.fits, key=lambda p: -len(lineage(self.points, p))):
            children = [c for c in self.points if self.points[c].parent == point and c in excess]
            below = np.sum([excess[c] for c in children], axis=0) if children else np.zeros(len(self.hours))
            if below.any():
                self.clean[point] = self.clean[point] - below
                self._fit([point])
            if point not in self.fits:
                found[point], excess[point] = [], below
                continue
            found[point] = self._load_rounds(point)
            found[point] += self._hinted(point, [e for of_point in found.values() for e in of_point])
            mine = np.zeros(len(self.hours), bool)
            for episode in found[point]:
                mine |= episode.covers(len(self.hours))
            own = np.where(mine, np.nan_to_num(self.hours.measured[point] - self.expected[point]), 0.0)
            excess[point] = np.where(mine, own, below)
        return [e for of_point in found.values() for e in of_point]

    def _hinted(self, point: str, found: list[Episode]) -> list[Episode]:
        """What the meter told by itself, where neither its own level nor a meter below has told it."""
        known = [e for e in found if point in lineage(self.points, e.point)]
        mine = [e for e in self.hinted if e.point == point and not any(is_piece(e, o) for o in known)]
        if mine:
            self._fit(self._spoil(mine))
        return mine

    def _load_rounds(self, point: str) -> list[Episode]:
        """Search, fit without what was found, search again; nothing where too little would be left to know what is
        usual."""
        whole = self.clean[point].copy()
        mine: list[Episode] = []
        for _ in range(ROUNDS):
            # a year holds two long breaks at most: too few to know what is usual in one
            residual = np.where(self.designs(point).long_break, np.nan, whole - self.expected[point])
            fitted = np.isfinite(self.clean[point])
            item, project = self.points[point].item, self._project(point)
            again = load_faults(Load(point, item, whole, self.expected[point], residual, self.day, project, fitted))
            done = _same(again, mine)
            mine = again
            if done:
                break
            self.clean[point] = whole.copy()
            self._spoil(mine)
            self._fit([point])
            if point not in self.fits:
                self.clean[point] = whole
                self._fit([point])
                return []
        return [_measured_anew(episode, whole, self.expected[point]) for episode in mine]

    def _against(self) -> Against:
        """Heat against cold, whose hours are kept out of both."""
        told = against(self.points, self.clean, self.designs)
        spoilt = [replace(e, point=p) for e in told.told for p in told.meters]
        self._fit(self._spoil(spoilt))
        return told

    def _operation(self, loads: list[Episode], together: Against) -> list[Episode]:
        """Joined by what calendar, peaks, and heat beside cold tell; models are fitted anew without it."""
        energy = dict(self.clean)
        for episode in loads:
            held = episode.covers(len(self.hours))
            energy[episode.point] = np.where(held, self.hours.measured[episode.point], energy[episode.point])
        fits = {p: coefficients for p, (coefficients, _) in self.fits.items()}
        joined = with_operation(
            self.hours.building, self.points, energy, fits, self.expected, self.designs, loads, together
        )
        self._fit(self._spoil([e for e in joined if e not in loads]))
        return joined


def _measured_anew(episode: Episode, energy: Floats, expected: Floats) -> Episode:
    """Energy at stake against what is expected by the last fit, which has not seen the episode."""
    rows = slice(episode.begin, episode.end)
    known = np.isfinite(energy[rows])
    actual, usual = float(energy[rows][known].sum()), float(expected[rows][known].sum())
    if actual <= usual:
        return episode
    facts = episode.evidence | {"actual_kwh": actual, "expected_kwh": usual}
    return replace(episode, amount=actual - usual, evidence=facts)


def _line_loss(balance: Floats, below: Floats) -> float:
    """What cables take of the children's sum, at most :data:`MOST_LOSS`; more is somebody's load."""
    busy = np.isfinite(balance) & (below > 0)
    return float(np.clip(np.median(balance[busy] / below[busy]), 0.0, MOST_LOSS)) if busy.any() else 0.0


def _spike(hours: Hours, point: str, glitch: Glitch, ratio: float) -> Episode:
    begin = max(hours.row(glitch.start_ms + 1) - 1, 0)
    evidence = {"readings": float(glitch.readings), "jump_kwh": glitch.jump / 1e6 * ratio}
    return Episode(point, "spike", begin, max(hours.row(glitch.end_ms + 1), begin + 1), 0.99, 0.0, evidence, fact=True)


def _backwards(hours: Hours, point: str, stretch: Backwards) -> Episode:
    begin, end = hours.row(stretch.start_ms), hours.row(stretch.end_ms)
    return Episode(point, "reversed_ct", begin, max(end, begin + 1), 0.98, None, fact=True)


def _measured(episode: Episode, fall: float, expected: Floats | None) -> Episode:
    """Energy of a register that ran backwards by ``fall``, where it is known what would be usual."""
    facts = {"actual_kwh": -fall}
    if expected is None:
        return replace(episode, evidence=facts)
    usual = float(expected[episode.begin : episode.end].sum())
    facts |= {"expected_kwh": usual, "share": -fall / usual if usual > 0 else 0.0}
    return replace(episode, amount=-fall - usual, evidence=facts)


def _inside(episode: Episode, others: list[Episode]) -> bool:
    return any(o.point == episode.point and o.begin - 24 <= episode.begin and episode.end <= o.end + 24 for o in others)


def _touches(episode: Episode, others: list[Episode]) -> bool:
    return any(o.point == episode.point and o.end - 1 <= episode.begin <= o.end + 2 for o in others)


def _same(one: list[Episode], other: list[Episode]) -> bool:
    key = sorted((e.point, e.kind, e.begin, e.end) for e in one)
    return key == sorted((e.point, e.kind, e.begin, e.end) for e in other)
