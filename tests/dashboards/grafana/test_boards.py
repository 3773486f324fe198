"""Boards as JSON: what is committed is what the code makes, and what a Grafana silently gets wrong is not in it."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dashboards.catalogue import table
from dashboards.colours import ACT, ACT_DARK, ITEMS
from dashboards.grafana import files
from dashboards.grafana.board import Board, choice
from dashboards.grafana.boards import boards
from dashboards.grafana.panels import DATA_SOURCE, Json, number
from dashboards.grafana.provisioning import compose_files
from dashboards.grafana.roster import any_of, condition, roster
from dashboards.grafana.words import both
from submeter.__main__ import roof
from submeter.settings import load_portfolio
from submeter.words import Point

ROOT = Path(__file__).resolve().parents[3]
TYPES = {"timeseries", "stat", "table", "bargauge", "piechart", "heatmap", "status-history", "text"}
"""known to 9.3 and to 12 alike"""


@pytest.fixture(scope="module")
def demo() -> tuple[Board, ...]:
    return boards(load_portfolio(ROOT / "config" / "demo"))


@pytest.fixture(scope="module")
def panels(demo: tuple[Board, ...]) -> list[Json]:
    return [panel for board in demo for panel in board.json()["panels"]]


def run(*words: str) -> Result:
    return CliRunner().invoke(roof, words)


def test_what_is_committed_is_what_the_code_makes(demo: tuple[Board, ...]) -> None:
    assert files.differences(demo, files.FOLDER) == []
    for name, text in compose_files().items():
        assert (files.FOLDER.parent / "provisioning" / name).read_text(encoding="utf-8") == text


def test_uids_are_those_that_bookmarks_name(demo: tuple[Board, ...]) -> None:
    assert [board.uid for board in demo] == [
        "submeter-district", "submeter-building", "submeter-savings", "submeter-meters", "submeter-operations",
    ]  # fmt: skip


def test_panels_have_types_that_grafana_9_and_12_know_and_ids_of_their_own(demo: tuple[Board, ...]) -> None:
    for board in demo:
        made = board.json()
        assert {p["type"] for p in made["panels"]} <= TYPES
        assert len({p["id"] for p in made["panels"]}) == len(made["panels"])
        assert made["schemaVersion"] == 37
        assert made["timezone"] == "Asia/Shanghai"


def test_panels_lie_beside_each_other_and_never_above(demo: tuple[Board, ...]) -> None:
    for board in demo:
        taken: set[tuple[int, int]] = set()
        for panel in board.json()["panels"]:
            at = panel["gridPos"]
            cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
            assert not cells & taken, panel["title"]
            assert max(x for x, _ in cells) < 24
            taken |= cells


def test_every_query_names_the_data_source_that_is_provisioned(panels: list[Json]) -> None:
    (source,) = json.loads(compose_files()["datasources/submeter.yaml"])["datasources"]

    assert source["uid"] == DATA_SOURCE["uid"]
    assert {t["datasource"]["uid"] for p in panels for t in p["targets"]} == {source["uid"]}


def test_queries_name_no_variable_that_their_board_has_not(demo: tuple[Board, ...]) -> None:
    for board in demo:
        there = {v["name"] for v in board.variables} | {"timeFilter", "__interval"}
        for panel in board.json()["panels"]:
            for target in panel["targets"]:
                assert set(re.findall(r"\$(\w+)", target["query"])) <= there, panel["title"]


def test_a_panel_has_a_title_in_both_languages_and_a_unit_or_columns(panels: list[Json]) -> None:
    for panel in panels:
        assert re.search(r"[a-zA-Z]", panel["title"])
        assert " · " in panel["title"]
        assert panel["type"] in ("table", "status-history") or panel["fieldConfig"]["defaults"]["unit"]


def test_every_text_of_the_boards_is_in_both_languages() -> None:
    for section in table("boards").values():
        for name, texts in section.items():
            assert texts["en"], name
            assert texts["zh"], name
    with pytest.raises(KeyError):
        both("board.nonsense")


def test_sub_items_have_the_colours_of_the_pages_and_red_means_act_alone(panels: list[Json]) -> None:
    text = json.dumps([p for p in panels if p["type"] != "stat"])

    assert ACT not in text
    assert ACT_DARK not in text
    assert all(ITEMS[code] in text for code in ("01A", "01B", "01C", "01D", ""))
    assert "palette-classic" not in text


def test_no_ring_has_more_than_five_slices(panels: list[Json]) -> None:
    assert all(len(p["targets"]) <= 5 for p in panels if p["type"] == "piechart")


def test_a_condition_holds_the_points_given_and_no_others() -> None:
    points = [Point(id=id_, name="") for id_ in ("b1/main", "b2/main", "b3/a.1", "b3/a/2")]

    assert condition(points) == (
        '(("building" =~ /^(b1|b2)$/ AND "point" =~ /^(main)$/)'
        r' OR ("building" =~ /^(b3)$/ AND "point" =~ /^(a\.1|a\/2)$/))'
    )
    assert condition([]) == "(\"building\" = '')"
    assert re.match(any_of(["a.1"]).strip("/"), "a.1")
    assert not re.match(any_of(["a.1"]).strip("/"), "ab1")


def test_a_roster_knows_totals_mains_sub_items_and_other_media() -> None:
    known = roster(load_portfolio(ROOT / "config" / "demo"))

    assert known.zone == "Asia/Shanghai"
    assert known.totals == '("building" !~ /^=/ AND "point" =~ /^(=electricity)$/)'
    assert known.whole == "\"building\" = '=' AND \"point\" = '=electricity'"
    assert "main" in known.mains
    assert known.items["01A"] == "\"point\" = '=01A00'"
    assert sorted(known.media) == ["gas", "water"]


def test_a_name_with_a_comma_stays_one_choice() -> None:
    variable = choice("building", "Building", [("b1", "Park, Block A"), ("b2", "Other")])

    assert variable["query"] == r"Park\, Block A : b1, Other : b2"


def test_a_number_turns_red_where_somebody_should_act() -> None:
    steps = number("n", [], "short", act_above=1).json(1, 0, 0)["fieldConfig"]["defaults"]["thresholds"]["steps"]

    assert steps[-1] == {"color": ACT, "value": 1}


def test_boards_of_ones_own_portfolio_are_written_to_a_folder(tmp_path: Path) -> None:
    result = run("dashboards", "build", "--out", str(tmp_path))

    assert result.exit_code == 0, result.output
    assert len(list(tmp_path.glob("submeter-*.json"))) == 5


def test_a_board_that_is_no_more_goes_and_one_that_differs_is_named(demo: tuple[Board, ...], tmp_path: Path) -> None:
    (tmp_path / "submeter-old.json").write_text("{}")
    assert len(files.differences(demo, tmp_path)) == 6

    files.write_boards(demo, tmp_path)
    assert files.differences(demo, tmp_path) == []

    (tmp_path / "submeter-district.json").write_text("{}")
    assert files.differences(demo, tmp_path) == [f"{tmp_path / 'submeter-district.json'}: is not what the code makes"]


def test_the_check_command_says_that_all_is_well() -> None:
    result = run("dashboards", "check")

    assert result.output == "5 boards are what the code makes\n"


def test_provisioning_holds_no_secret_and_both_places_of_the_database(tmp_path: Path) -> None:
    result = run(
        "dashboards", "provisioning", "--influx-url", "http://127.0.0.1:8086", "--token-file", "/run/token",
        "--boards", "/srv/boards", "--out", str(tmp_path),
    )  # fmt: skip
    assert result.exit_code == 0, result.output

    (source,) = json.loads((tmp_path / "datasources/submeter.yaml").read_text())["datasources"]

    assert source["database"] == source["jsonData"]["dbName"] == "submeter"
    assert source["secureJsonData"] == {"httpHeaderValue1": "Token $__file{/run/token}"}


def test_push_says_what_is_missing(tmp_path: Path) -> None:
    assert "say either --token-file" in run("dashboards", "push").output

    token = tmp_path / "token"
    token.write_text("x")
    nobody = CliRunner().invoke(roof, ["dashboards", "push", "--url", "http://127.0.0.1:9", "--token-file", str(token)])
    assert "Grafana does not answer" in str(nobody.exception)

    wrong = CliRunner().invoke(roof, ["dashboards", "push", "--url", "localhost", "--token-file", str(token)])
    assert "say it as http://HOST:PORT" in str(wrong.exception)


def test_money_and_carbon_that_are_not_known_are_no_zero(demo: tuple[Board, ...]) -> None:
    (board,) = (b.json() for b in demo if b.uid == "submeter-savings")
    overrides = {o["matcher"]["options"]: o["properties"] for o in board["panels"][0]["fieldConfig"]["overrides"]}
    for heading in (both("board.money"), both("savings.carbon")):
        mapped = [p["value"][0]["options"] for p in overrides[heading] if p["id"] == "mappings"]
        assert mapped[0]["0"]["text"] == "–"
