"""A portfolio's studies: the same results on one core, on several, and on a cluster."""

import pytest

from analytics.jobs.nightly import Done, cluster, cores, study_all
from submeter.stores import Store
from submeter.words import Balance, Baseline, ConfigError, Entry, Finding, LoadShape, Saving
from tests.analytics.test_study import NOW, PORTFOLIO, SETTINGS, filled, loads

KINDS: tuple[type[Entry], ...] = (Baseline, Finding, LoadShape, Saving)


def entries(store: Store) -> list[Entry]:
    return [entry for kind in KINDS for entry in store.entries(kind)]


@pytest.fixture(scope="module")
def alone() -> Store:
    store = filled(loads())
    assert [done.building for done in study_all(store, PORTFOLIO, ["B"], NOW, SETTINGS)] == ["B"]
    return store


def test_the_balance_of_the_tree_is_drawn_anew_with_the_study(alone: Store) -> None:
    assert [balance.point for balance in alone.entries(Balance)] == ["B/main", "B/rest"]


def test_several_processes_reckon_the_same_bit_for_bit(alone: Store) -> None:
    store = filled(loads())
    with cores(2) as pool:
        (done,) = study_all(store, PORTFOLIO, ["B"], NOW, SETTINGS, pool)
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


def test_a_building_without_a_ledger_is_said_to_have_none(alone: Store) -> None:
    nothing = filled({})
    assert list(study_all(nothing, PORTFOLIO, ["B"], NOW, SETTINGS)) == [
        Done("B", None, "the ledger holds nothing of it")
    ]


def test_nobody_at_the_schedulers_address_is_told_in_a_sentence() -> None:
    pytest.importorskip("distributed")
    with pytest.raises(ConfigError, match="no Dask scheduler answers"), cluster("tcp://127.0.0.1:1"):
        pass
