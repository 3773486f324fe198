"""It only reads, names no other host, and answers to loopback names alone when it listens on loopback."""

import re
from pathlib import Path

import msgspec
import pytest
from fastapi.testclient import TestClient

import dashboards.web
from dashboards.web import create_app
from dashboards.web.assets import echarts_folder, swagger_folder
from submeter.settings.settings import WebSettings

WEB = Path(dashboards.web.__file__).parent


def test_every_answer_forbids_all_that_is_not_from_here(world):
    client = world.client()
    for path in ("/", "/api/v1/pulse", "/assets/page.css", "/nope", "/api/docs", "/assets/echarts/index.js"):
        headers = client.get(path).headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Server-Timing"].startswith("app;dur=")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_nothing_can_be_written(world, method):
    assert world.client().request(method, "/api/v1/findings").status_code == 405


def test_a_loopback_server_does_not_answer_to_other_names(world):
    app = create_app(world.store, lambda: world.portfolio, world.clock, world.settings)
    assert TestClient(app, base_url="http://evil.example").get("/api/v1/pulse").status_code == 421
    assert TestClient(app, base_url="http://localhost:8080").get("/api/v1/pulse").status_code == 200


def test_a_server_that_is_opened_on_purpose_answers_to_all(world):
    opened = msgspec.structs.replace(world.settings, web=WebSettings(host="0.0.0.0"))
    app = create_app(world.store, lambda: world.portfolio, world.clock, opened)
    assert TestClient(app, base_url="http://energy.example").get("/api/v1/pulse").status_code == 200


def test_pages_and_scripts_name_no_other_host():
    for file in [*WEB.glob("templates/*"), *WEB.glob("static/*")]:
        found = re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}", file.read_text(encoding="utf-8"))
        assert [f for f in found if "www.w3.org" not in f] == [], file.name


def test_pages_hold_no_inline_style_or_handler():
    for file in WEB.glob("templates/*"):
        assert not re.search(r"\sstyle=|\son[a-z]+=|<style|javascript:", file.read_text(encoding="utf-8")), file.name


def test_the_charting_scripts_are_in_the_installed_packages():
    assert "echarts" in (echarts_folder() / "index.js").read_text(encoding="utf-8")
    assert (swagger_folder() / "swagger-ui.css").is_file()


def test_assets_are_served_from_there(world):
    client = world.client()
    index = client.get("/assets/echarts/index.js")
    part = re.search(r'from"\./([^"]+)"', index.text)
    assert part
    assert len(client.get(f"/assets/echarts/{part[1]}").content) > 500_000
    assert client.get("/assets/swagger/swagger-ui-bundle.js").status_code == 200
    assert client.get("/assets/../pages.py").status_code == 404
