"""A virtual meter on the pages: computed, with its formula, neither late nor in the tree when it is a view."""

import dataclasses
from types import MappingProxyType

import pytest

from analytics.tree.totals import rebuild_totals
from dashboards.queries.meter import meter_day
from dashboards.queries.meters import meters, tree
from submeter.words import Point


@pytest.fixture
def with_view(small_world):
    world = small_world(20)
    view = Point(id="tower/rest", name="Without servers", formula="tower/main - tower/01d")
    points = MappingProxyType({**world.portfolio.points, view.id: view})
    changed = dataclasses.replace(world, portfolio=dataclasses.replace(world.portfolio, points=points, version="2"))
    rebuild_totals(changed.store, changed.portfolio, 0.9)
    return changed


def test_a_virtual_meter_is_computed_and_not_late_and_a_view_is_not_in_the_tree(with_view):
    shown = {h.point: h for h in meters(with_view.reader, "tower")}
    assert (shown["tower/rest"].state, shown["tower/rest"].device) == ("virtual", "tower/main - tower/01d")
    assert shown["tower/rest"].completeness == shown["tower/main"].completeness
    assert "tower/rest" not in [node.point for node in tree(with_view.reader, "tower")]


def test_a_virtual_meters_day_is_shown_interval_by_interval(with_view):
    rest, main = (meter_day(with_view.reader, f"tower/{name}", "2026-11-19") for name in ("rest", "main"))
    assert rest.total == pytest.approx(0.95 * main.total)
    assert {view.method for view in rest.intervals} == {"sum"}
    page = with_view.client().get("/meters/tower/rest")
    assert page.status_code == 200
    assert with_view.client().get("/meters?building=tower").status_code == 200
