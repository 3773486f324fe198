"""The gateway as a whole, on a clock that is handed in, over a broker in memory."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from collector.gateway import Gateway, Outbox, Rules, Uplink
from collector.gateway import gateway as gateway_module
from submeter.clock import HandClock
from submeter.wire import senml
from submeter.wire.memory import MemoryBroker
from submeter.wire.mqtt import Message
from submeter.wire.receipt import Receipt, encode_receipt
from submeter.wire.source import Source
from submeter.words import ConfigError, GatewayStatus, Portfolio, Reading
from submeter.words import Gateway as Listed
from tests.collector.gateway.meters import DAY_MS, QUARTER_MS, Live, Remembering, quarters, series_of, shown

T0 = 1_799_971_200_000  # a whole day, UTC
PORTFOLIO = Portfolio("demo", {}, {}, {}, {}, {"gw1": Listed(id="gw1", buildings=("HQ01", "HQ02"))}, {})


class Site:
    """A gateway on an outbox in ``folder``, and a stranger's collector that answers each pack honestly."""

    def __init__(self, folder: Path, now_ms: int = T0) -> None:
        self.folder = folder
        self.clock = HandClock(now_ms)
        self.broker = MemoryBroker(self.clock)
        self.peer = self.broker.link("peer", ("submeter/v1/demo/+/+/readings", "submeter/v1/demo/+/+/status"))
        self.peer.start()
        self.got: dict[str, dict[int, int]] = {}
        """name with building → time → micro"""
        self.rows: dict[bytes, bytes] = {}
        """payload of each pack by its correlation"""
        self.packs: list[Message] = []
        self.statuses: list[GatewayStatus] = []
        self.honest = True
        self.gateway: Gateway | None = None

    def open(self, *sources: Source, backfill_packs: int = 64, synced: bool = True) -> Gateway:
        self.synced = synced
        self.link = self.broker.link("gw1", ("submeter/v1/demo/+/gw1/receipt",), clean=True)
        self.link.start()
        self.outbox = Outbox(self.folder / "outbox.db")
        self.uplink = Uplink(
            self.link, self.outbox, tenant="demo", gateway="gw1", clock=self.clock, random=lambda: 0.5, rules=Rules()
        )
        self.gateway = Gateway(
            sources=sources, outbox=self.outbox, uplink=self.uplink, portfolio=lambda: PORTFOLIO, clock=self.clock,
            synced=lambda: self.synced, boot="b7", backfill_packs=backfill_packs,
        )  # fmt: skip
        return self.gateway

    def die(self) -> None:
        """As by kill -9: nothing is said, nothing is written any more."""
        self.link.die()
        self.outbox.close()
        self.gateway = None

    def step(self, times: int = 1, seconds: float = 0.0) -> None:
        assert self.gateway
        for _ in range(times):
            self.gateway.step()
            self.serve()
            self.clock.advance(seconds)

    def settle(self) -> None:
        """Steps until all that is known has arrived."""
        assert self.gateway
        for _ in range(10_000):
            self.step()
            if self.gateway.progress is None and not self.outbox.waiting:
                return
        raise AssertionError("it never settles")

    def issued(self, of: str) -> list[int]:
        """All times of a name, once for each row that has it: a row that was sent twice counts once."""
        building, _, rest = of.partition("/")
        rows = {p.correlation: p.payload for p in self.packs if p.topic.split("/")[3] == building}
        runs = [run for payload in rows.values() for run in senml.runs(senml.decode(payload))]
        return sorted(t for run in runs if run.name == rest for t in run.times_ms.tolist())

    def serve(self) -> None:
        while not self.peer.inbox.empty():
            message = self.peer.inbox.get()
            if message.topic.endswith("/status"):
                self.statuses.append(msgspec.json.decode(message.payload, type=GatewayStatus))
            elif self.honest:
                self.store(message)
            self.peer.acknowledge(message)

    def store(self, message: Message) -> None:
        self.packs.append(message)
        assert self.rows.setdefault(message.correlation, message.payload) == message.payload
        building = message.topic.split("/")[3]
        count = 0
        for run in senml.runs(senml.decode(message.payload)):
            found = self.got.setdefault(f"{building}/{run.name}", {})
            for t, m in zip(run.times_ms.tolist(), senml.to_micros(run.values)[0].tolist(), strict=True):
                found[t] = m
                count += 1
        self.peer.publish(
            message.response_topic, encode_receipt(Receipt(stored=count)), correlation=message.correlation
        )


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    yield site
    if site.gateway:
        site.gateway.close()


def name(building: str, i: int) -> str:
    series = series_of(building, i)
    return f"{series.point}/{series.device}/{series.quantity}"


# the present


def test_each_source_is_polled_at_whole_multiples_of_its_period(site: Site) -> None:
    fast, slow = Live("HQ01", period_s=10), Live("HQ02", period_s=60)
    site.clock.set(T0 + 3_000)
    site.open(fast, slow)

    site.step(1200, seconds=0.1)

    assert [t - T0 for t in fast.asked] == [3_000, *range(10_000, 123_000, 10_000)]
    assert [t - T0 for t in slow.asked] == [3_000, 60_000, 120_000]


def test_one_poll_is_one_pack_of_one_building(site: Site) -> None:
    site.open(Live("HQ01", meters=3), Live("HQ02"))

    site.step()

    assert [p.topic.split("/")[3] for p in site.packs] == ["HQ02", "HQ01"]
    assert site.got[name("HQ01", 2)] == {T0: shown(T0)}


def test_a_source_that_is_away_backs_off_alone(site: Site) -> None:
    gone, there = Live("HQ01"), Live("HQ02")
    gone.away = True
    gateway = site.open(gone, there)

    site.step(20 * 60, seconds=1)

    assert [(t - T0) // 60_000 for t in gone.asked] == [0, 2, 6, 14]
    assert len(there.asked) == 20
    assert gateway.errors == 4
    assert "HQ01: HQ01 does not answer; is it plugged in?" in gateway.status().text

    gone.away = False
    site.step(20 * 60, seconds=1)
    assert len(site.got[name("HQ01", 0)]) == 40 - 29


def test_a_time_from_the_future_is_not_issued(site: Site) -> None:
    source = Live("HQ01")
    source.time = lambda now_ms: now_ms + 60_000
    gateway = site.open(source)

    site.step()
    source.time = lambda now_ms: now_ms
    site.step(1, seconds=60)
    site.step()

    assert list(site.got[name("HQ01", 0)]) == [T0 + 60_000]
    assert "2 readings dropped that were ahead of the clock" in gateway.status().text


def test_a_source_that_repeats_a_time_is_counted_and_told(site: Site) -> None:
    source = Live("HQ01")
    source.time = lambda now_ms: T0
    gateway = site.open(source)

    site.step(3, seconds=60)

    assert site.got[name("HQ01", 0)] == {T0: T0}
    assert "4 readings dropped whose times did not rise" in gateway.status().text


def test_a_clock_that_is_set_back_is_told_of_and_not_believed(site: Site) -> None:
    gateway = site.open(Live("HQ01"))
    site.step(2, seconds=60)
    site.clock.set(T0 - 7_200_000)

    site.step(2, seconds=60)

    assert sorted(site.got[name("HQ01", 0)]) == [T0, T0 + 60_000]
    assert "4 readings dropped whose times did not rise" in gateway.status().text


def test_readings_wait_until_the_clock_is_right(site: Site) -> None:
    gateway = site.open(Live("HQ01"), Remembering("HQ02", T0 - DAY_MS), synced=False)
    site.clock.set(5_000_000)
    site.step(121, seconds=1)
    assert site.packs == []
    assert gateway.status().clock == "unsynced"
    assert "6 readings wait" in gateway.status().text

    site.synced = True
    site.settle()

    assert sorted(site.got[name("HQ01", 0)]) == [5_040_000 - 40_000, 5_040_000, 5_100_000]
    assert {r.clock for p in site.packs for r in senml.decode(p.payload)[:1] if isinstance(r, senml.Record)} == {
        "restamped", "synced",
    }  # fmt: skip


# the past


def test_a_past_is_read_to_now_and_then_the_present(site: Site) -> None:
    source = Remembering("HQ01", T0 - 3 * DAY_MS)
    gateway = site.open(source)
    site.settle()

    expected = quarters(T0 - 3 * DAY_MS, T0)
    assert sorted(site.got[name("HQ01", 1)].items()) == [(t, shown(t)) for t in [*expected, T0]]
    assert gateway.progress is None
    site.step(3, seconds=60)
    assert source.asked == [T0, T0 + 60_000, T0 + 120_000]


def test_all_buildings_fill_evenly_from_the_oldest_day_on(site: Site) -> None:
    start = T0 - 400 * DAY_MS
    gateway = site.open(*[Remembering(f"HQ0{i}", start, meters=4) for i in range(3)])
    shares: list[float] = []
    while gateway.progress is None or not shares or shares[-1] < 0.9:
        site.step()
        if gateway.progress is not None:
            shares.append(gateway.progress)
            ends = [site.outbox.cursor(f"HQ0{i}") or start for i in range(3)]
            assert max(ends) - min(ends) <= 30 * DAY_MS

    assert shares == sorted(shares)
    assert 0 < shares[0] < 0.2
    assert gateway.status().backfill == gateway.progress


def test_a_backfill_waits_while_the_outbox_is_full_of_packs(site: Site) -> None:
    site.honest = False
    site.open(Remembering("HQ01", T0 - 1000 * DAY_MS, meters=10), backfill_packs=8)

    site.step(100)

    assert 8 <= site.outbox.waiting < 8 + 4
    site.honest = True


def test_a_killed_backfill_resumes_without_gap_or_double(site: Site) -> None:
    start = T0 - 200 * DAY_MS
    site.open(Remembering("HQ01", start, slice_ms=7 * DAY_MS), Remembering("HQ02", start))
    site.step(2)
    assert site.outbox.waiting or site.packs
    site.die()

    site.open(Remembering("HQ01", start, slice_ms=7 * DAY_MS), Remembering("HQ02", start))
    site.settle()

    for building in ("HQ01", "HQ02"):
        assert site.issued(name(building, 0)) == [*quarters(start, T0), T0]
    assert site.outbox.counts.not_rising == 0


def test_after_a_night_off_the_past_is_read_where_it_ended(site: Site) -> None:
    start = T0 - 2 * DAY_MS
    gateway = site.open(Remembering("HQ01", start))
    site.settle()
    gateway.close()
    site.clock.advance(8 * 3600)

    source = Remembering("HQ01", start)
    site.open(source)
    site.settle()

    assert source.spans[0] == (T0 + 1, T0 + 8 * 3_600_000)
    assert sorted(site.got[name("HQ01", 0)]) == [*quarters(start, T0), T0, *quarters(T0 + 1, T0 + 8 * 3_600_000 + 1)]
    assert site.outbox.counts.not_rising == 0


def test_a_source_that_was_away_gives_its_past_when_it_comes_back(site: Site) -> None:
    source = Remembering("HQ01", T0 - DAY_MS)
    site.open(source)
    site.settle()
    source.away, source.breaks_at_ms = True, T0
    site.step(120, seconds=60)
    source.away, source.breaks_at_ms = False, None
    site.step(60, seconds=60)
    site.settle()

    found = sorted(site.got[name("HQ01", 0)])
    assert set(quarters(T0, site.clock.now_ms() - QUARTER_MS)) <= {t // QUARTER_MS * QUARTER_MS for t in found}
    assert site.outbox.counts.not_rising == 0


def test_a_past_that_cannot_be_read_does_not_stop_the_others(site: Site) -> None:
    broken, fine = Remembering("HQ01", T0 - 30 * DAY_MS), Remembering("HQ02", T0 - 30 * DAY_MS)
    broken.breaks_at_ms = T0 - 10 * DAY_MS
    gateway = site.open(broken, fine)
    site.step(50)
    assert len(site.got[name("HQ02", 0)]) == 30 * 96 + 1
    assert "HQ01: its past cannot be read" in gateway.status().text

    broken.breaks_at_ms = None
    site.step(200, seconds=10)
    assert set(quarters(T0 - 30 * DAY_MS, T0)) <= set(site.got[name("HQ01", 0)])
    assert site.outbox.counts.not_rising == 0


def test_what_the_disk_refuses_is_read_again(site: Site) -> None:
    gateway = site.open(Remembering("HQ01", T0 - 30 * DAY_MS))
    pages = site.outbox._db.execute("PRAGMA page_count").fetchone()[0]
    site.outbox._db.execute(f"PRAGMA max_page_count = {pages}")
    site.step(3)
    assert "is the disk full" in gateway.status().text
    assert gateway.errors == 1, "a disk that refused is not asked again at once"
    assert site.packs == []

    site.outbox._db.execute("PRAGMA max_page_count = 1000000")
    site.clock.advance(5)
    site.settle()
    assert gateway.status().text == "", "what is well again is no more complained of"

    assert sorted(site.got[name("HQ01", 0)]) == [*quarters(T0 - 30 * DAY_MS, T0), T0 + 5_000]
    assert site.outbox.counts.not_rising == 0


def test_polls_that_the_disk_refuses_wait_in_memory_and_what_is_lost_of_them_is_said(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway_module, "UNWRITTEN", 30)
    gateway = site.open(Live("HQ01", meters=1, period_s=1.0))
    site.step()
    site.outbox._db.execute("PRAGMA query_only = 1")

    site.step(37, seconds=1)
    assert "is the disk full or read-only" in gateway.status().text

    site.outbox._db.execute("PRAGMA query_only = 0")
    site.clock.advance(5)
    site.step(10)
    sent = len(site.issued(name("HQ01", 0)))
    assert sent + gateway.lost == gateway.polls, "each is sent or counted"
    assert f"{gateway.lost} readings lost: the disk refused them for too long" in gateway.status().text
    assert 0 < gateway.lost < 10


def test_a_gateway_that_is_stopped_tries_the_disk_once_more(site: Site) -> None:
    gateway = site.open(Live("HQ01"))
    site.outbox._db.execute("PRAGMA query_only = 1")
    site.step()
    site.outbox._db.execute("PRAGMA query_only = 0")

    gateway.close()

    again = Outbox(site.folder / "outbox.db")
    assert again.waiting == 1
    again.close()
    site.gateway = None


def test_receipts_that_the_disk_refuses_are_asked_for_again(site: Site) -> None:
    gateway = site.open(Live("HQ01"))
    site.step()
    site.outbox._db.execute("PRAGMA query_only = 1")
    site.step()
    assert "is the disk full or read-only" in gateway.status().text
    assert site.outbox.waiting == 1

    site.outbox._db.execute("PRAGMA query_only = 0")
    site.step(15, seconds=1)
    assert site.outbox.waiting == 0


def test_receipts_that_come_during_a_long_poll_are_taken_at_its_end_and_nothing_goes_twice(site: Site) -> None:
    class Slow(Live):
        """A long line: its poll takes forty seconds, in which the collector answers."""

        def poll(self, now_ms: int) -> list[Reading]:
            site.serve()
            site.clock.advance(40)
            return super().poll(now_ms)

    site.open(Slow("HQ01"))
    site.step(120, seconds=1)

    assert len(site.issued(name("HQ01", 0))) > 3
    assert site.outbox.waiting <= 1
    assert (site.uplink.tally.again, site.uplink.tally.restarts) == (0, 0)


def test_two_sources_with_one_id_are_refused(site: Site) -> None:
    with pytest.raises(ConfigError, match="two sources are called HQ01; give each an id of its own"):
        site.open(Live("HQ01"), Live("HQ01"))
    site.outbox.close()


# what it says of itself


def test_a_gateway_says_each_minute_how_it_is(site: Site) -> None:
    site.open(Live("HQ01"))

    site.step(150, seconds=1)

    assert [s.told_ms - T0 for s in site.statuses] == [0, 60_000, 120_000]
    assert site.statuses[-1] == GatewayStatus(
        id="gw1", building="HQ01", told_ms=T0 + 120_000, waiting=1, oldest_ms=T0 + 120_000, polls=3, errors=0
    )


def test_a_past_that_the_store_has_confirmed_is_told_at_once_not_a_minute_later(site: Site) -> None:
    site.open(Remembering("HQ01", T0 - 30 * DAY_MS, 12, DAY_MS))

    site.settle()
    site.step(2)

    assert (site.statuses[-1].backfill, site.statuses[-1].waiting) == (None, 0), "no time has passed on its clock"


def test_a_gateway_that_is_stopped_says_so(site: Site) -> None:
    gateway = site.open(Live("HQ01"))
    site.step()
    gateway.close()
    site.gateway = None
    site.serve()

    assert [s.online for s in site.statuses] == [True, False]
