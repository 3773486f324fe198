"""A portfolio's studies: the same results on one core, on several, and on a cluster."""

from collections.abc import Iterator

import pytest

from analytics.jobs.nightly import Done, Pool, cluster, cores, study_all
from submeter.stores import Store
from submeter.stores.memory import MemoryStore
from submeter.words import Balance, Baseline, ConfigError, Entry, Finding, Lesson, LoadShape, Saving
from tests.analytics import small_portfolio
from tests.analytics.small_portfolio import fill
from tests.analytics.test_study import NOW, PORTFOLIO, SETTINGS, filled, loads

KINDS: tuple[type[Entry], ...] = (Baseline, Finding, Lesson, LoadShape, Saving)
TOWN, SOME = small_portfolio.town(), ["B0", "B1", "B2"]


def entries(store: Store) -> list[Entry]:
    return [entry for kind in KINDS for entry in store.entries(kind)]


@pytest.fixture(scope="module")
def alone() -> Store:
    store = filled(loads())
    assert [done.building for done in study_all(store, PORTFOLIO, ["B"], NOW, SETTINGS)] == ["B"]
    return store


def test_the_balance_of_the_tree_is_drawn_anew_with_the_study(alone: Store) -> None:
    assert [balance.point for balance in alone.entries(Balance)] == ["B/main", "B/rest"]


@pytest.fixture(scope="module")
def two_cores() -> Iterator[Pool]:
    with cores(2) as pool:
        yield pool


def test_several_processes_reckon_the_same_bit_for_bit(alone: Store, two_cores: Pool) -> None:
    store = filled(loads())
    (done,) = study_all(store, PORTFOLIO, ["B"], NOW, SETTINGS, two_cores)
    assert done.study is not None
    assert entries(store) == entries(alone)


@pytest.mark.service
def test_a_dask_cluster_reckons_the_same_bit_for_bit(alone: Store) -> None:
    distributed = pytest.importorskip("distributed")
    store = filled(loads())
    local = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None, worker_dashboard_address=None
    )
    with local, cluster(local.scheduler_address) as pool:
        assert pool.workers == 2
        (done,) = study_all(store, PORTFOLIO, ["B"], NOW, SETTINGS, pool)
    assert done.study is not None
    assert entries(store) == entries(alone)


@pytest.fixture(scope="module")
def townspeople() -> list[Entry]:
    """A town whose meters teach each other, studied here."""
    store = fill(MemoryStore(), small_portfolio.energies())
    done = list(study_all(store, TOWN, SOME, small_portfolio.NOW, SETTINGS))
    assert [each.building for each in done] == SOME
    assert len(store.entries(Lesson)) == 8
    return entries(store)


def test_a_town_is_studied_alike_by_several_processes_bit_for_bit(townspeople: list[Entry], two_cores: Pool) -> None:
    store = fill(MemoryStore(), small_portfolio.energies())
    done = list(study_all(store, TOWN, SOME, small_portfolio.NOW, SETTINGS, two_cores))
    assert len(done) == len(SOME)
    assert entries(store) == townspeople


@pytest.mark.service
def test_a_town_is_studied_alike_by_a_dask_cluster_bit_for_bit(townspeople: list[Entry]) -> None:
    distributed = pytest.importorskip("distributed")
    store = fill(MemoryStore(), small_portfolio.energies())
    local = distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0",
        worker_dashboard_address=None,
    )  # fmt: skip
    with local, cluster(local.scheduler_address) as pool:
        done = list(study_all(store, TOWN, SOME, small_portfolio.NOW, SETTINGS, pool))
    assert len(done) == len(SOME)
    assert entries(store) == townspeople


def test_a_night_that_was_cut_short_ends_as_a_whole_one(townspeople: list[Entry]) -> None:
    store = fill(MemoryStore(), small_portfolio.energies())
    night = study_all(store, TOWN, SOME, small_portfolio.NOW, SETTINGS)
    assert [next(night).building, next(night).building] == ["B0", "B1"]
    del night
    assert {each.building for each in store.entries(Baseline)} == {"B0", "B1"}
    list(study_all(store, TOWN, SOME, small_portfolio.NOW, SETTINGS))
    assert entries(store) == townspeople


def test_a_building_without_a_ledger_is_said_to_have_none(alone: Store) -> None:
    nothing = filled({})
    assert list(study_all(nothing, PORTFOLIO, ["B"], NOW, SETTINGS)) == [
        Done("B", None, "the ledger holds nothing of it")
    ]


def test_nobody_at_the_schedulers_address_is_told_in_a_sentence() -> None:
    pytest.importorskip("distributed")
    with pytest.raises(ConfigError, match="no Dask scheduler answers"), cluster("tcp://127.0.0.1:1", 0.5):
        pass
