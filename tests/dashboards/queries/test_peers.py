"""A building among its own kind: rank, quarter, and the reason where there is none."""

import dataclasses

import msgspec
import pytest

from dashboards.queries.peers import LEAST_PEERS, Peer, peers, places, standing
from dashboards.web.shapes import strip
from submeter.words import LoadShape


def others(*values: float) -> list[Peer]:
    return [Peer(f"b{n}", f"B{n}", f"B{n}", value) for n, value in enumerate(values)]


@pytest.mark.parametrize(
    ("value", "word", "rank"),
    [(80.0, "low", 1), (105.0, "below", 2), (151.0, "alike", 3), (180.0, "above", 4), (300.0, "high", 5)],
)
def test_a_quarter_and_a_rank_among_four_others(value, word, rank):
    told = standing("intensity", value, others(100, 140, 160, 200))
    assert (told.word, told.rank, told.n, told.median) == (word, rank, 5, 150.0)


def test_among_few_others_there_is_no_rank():
    told = standing("intensity", 120.0, others(100, 140, 160))
    assert (told.word, told.rank, told.median) == ("few", None, 140.0)
    assert standing("intensity", 120.0, []).word == "alone"
    assert standing("intensity", None, others(100, 140, 160, 200)).word == "unknown"


def test_dots_stand_on_a_line_from_zero():
    drawn = strip(standing("intensity", 50.0, others(25, 100)))
    assert drawn.others == [54.0, 192.0]
    assert drawn.ours == 100.0
    assert strip(standing("intensity", None, [])).ours is None


@pytest.fixture
def offices(small_world):
    """Five offices that differ in area alone; the base load of each is 20 kW of a mean of 31.8."""
    world = small_world(20)
    tower = world.portfolio.buildings["tower"]
    main = world.portfolio.points["tower/main"]
    buildings, points = dict(world.portfolio.buildings), dict(world.portfolio.points)
    for n in range(1, LEAST_PEERS + 1):
        buildings[f"o{n}"] = msgspec.structs.replace(tower, id=f"o{n}", name=f"Office {n}", area_m2=10_000.0 * (n + 1))
        points[f"o{n}/main"] = msgspec.structs.replace(main, id=f"o{n}/main")
    world.store.put(
        *[LoadShape(id=f"{b}/main", building=b, point=f"{b}/main", start_ms=0, end_ms=1, days=300, base_kw=20.0,
                    peak_kw=60.0, load_factor=0.53, cooling=42.0)
          for b in buildings if f"{b}/main" in points]
    )  # fmt: skip
    portfolio = dataclasses.replace(world.portfolio, buildings=buildings, points=points, version="2")
    return dataclasses.replace(world, portfolio=portfolio)


def test_figures_come_from_the_store_and_only_of_the_same_type(offices):
    told = {s.figure: s for s in peers(offices.reader, "tower").standings}
    assert told["base_share"].value == pytest.approx(20 / (60 * 0.53))
    assert (told["base_share"].word, told["base_share"].rank) == ("alike", 1)
    assert told["cooling_area"].value == pytest.approx(4.2)
    assert (told["cooling_area"].word, told["cooling_area"].rank) == ("high", 5)
    assert [p.id for p in told["cooling_area"].peers] == ["o4", "o3", "o2", "o1"]
    assert told["intensity"].word == "unknown", "twenty days are no year"
    assert told["night_share"].word == "unknown"
    assert {s.word for s in peers(offices.reader, "hotel").standings} <= {"alone", "unknown"}


def test_without_an_area_nothing_is_compared_by_area(offices):
    bare = msgspec.structs.replace(offices.portfolio.buildings["tower"], area_m2=0.0)
    portfolio = dataclasses.replace(
        offices.portfolio, buildings={**offices.portfolio.buildings, "tower": bare}, version="3"
    )
    reader = dataclasses.replace(offices, portfolio=portfolio).reader
    assert [s.figure for s in peers(reader, "tower").standings] == ["base_share", "night_share", "off_share"]
    assert places(reader, "tower")["intensity"].rank is None


def test_the_overview_ranks_as_the_buildings_own_page_does(offices):
    for building in offices.portfolio.buildings:
        own = {s.figure: (s.value, s.rank) for s in peers(offices.reader, building).standings}
        for figure, place in places(offices.reader, building).items():
            assert (place.value, place.rank) == own[figure]


def test_both_pages_tell_the_rank_and_why_there_is_none(offices):
    client = offices.client()
    office = client.get("/buildings/tower?lang=en").text
    assert "5 of 5 from the least · highest quarter" in office
    assert "much like the others" in office
    assert "not known here yet" in office
    assert "由低到高第5（共5栋） · 最高四分之一" in client.get("/buildings/tower?lang=zh").text
    assert '63 %<span class="place" title="rank among' in client.get("/?lang=en").text
    assert client.get("/api/v1/buildings/tower/peers").json()["standings"][-1]["rank"] == 5
