import pytest

from firmware_sim.tree import below, covers, shares
from submeter.words import Building, Point, lineage

OFFICE = Building(id="B1", name="B", type="office", zone="Asia/Shanghai", area_m2=10_000)


def point(local: str, item: str, parent: str = "") -> Point:
    return Point(id=f"B1/{local}", name=local, item=item, parent=f"B1/{parent}" if parent else "")


TREE = [
    point("main", "01000"),
    point("light", "01A00", "main"),
    point("low", "01A10", "light"),
    point("high", "01A10", "light"),
    point("plant", "01B10", "main"),
]
INDEX = {p.id: p for p in TREE}


@pytest.mark.parametrize(
    ("item", "code", "characters"),
    [("01B10", "01B1", 4), ("01B00", "01B1", 3), ("01000", "01B1", 2), ("01A00", "01B1", 0), ("02000", "02", 2)],
)
def test_an_item_holds_the_end_uses_below_its_code(item: str, code: str, characters: int) -> None:
    assert covers(item, code) == characters


def test_an_end_use_is_shared_by_the_meters_that_name_it_best() -> None:
    parts = {s.point: s.part for s in shares(OFFICE, TREE, 1) if s.use.code == "01A1"}
    assert set(parts) == {"B1/low", "B1/high"}
    assert sum(parts.values()) == pytest.approx(1)


def test_what_no_sub_meter_names_stays_with_the_meter_above() -> None:
    homes = {s.use.code: s.point for s in shares(OFFICE, TREE, 1)}
    assert homes["01A2"] == "B1/light"
    assert homes["01B1"] == "B1/plant"
    assert homes["01D1"] == "B1/main"


def test_every_end_use_is_shared_out_whole() -> None:
    whole: dict[str, float] = {}
    for share in shares(OFFICE, TREE, 1):
        whole[share.use.code] = whole.get(share.use.code, 0) + share.part
    assert all(part == pytest.approx(1) for part in whole.values())


def test_chain_goes_up_and_below_goes_down() -> None:
    assert lineage(INDEX, "B1/low") == ["B1/low", "B1/light", "B1/main"]
    assert below(INDEX, "B1/light") == {"B1/light", "B1/low", "B1/high"}
