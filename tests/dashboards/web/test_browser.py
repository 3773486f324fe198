"""Pages in a real Chromium: charts drawn, a silent console, no request to another host, no sideways scrolling."""

import json
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import uvicorn

from dashboards.web import create_app

pytestmark = [pytest.mark.page, pytest.mark.service]

FLAGS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-default-apps", "--disable-extensions",
]  # fmt: skip
CHARTS = {"/": 1, "/buildings/tower": 7, "/savings": 4, "/meters/tower/main": 1}
PAGES = [*CHARTS, "/findings", "/meters", "/meters?building=hotel", "/operations", "/api/docs"]
WAIT_S = 20.0


@pytest.fixture(scope="module")
def address(world) -> Iterator[str]:
    """A server of our own on a free port."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    app = create_app(world.store, lambda: world.portfolio, world.clock, world.settings)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


class Browser:
    """Chromium, and what it said and asked for since a page was opened."""

    def __init__(self, driver, address: str) -> None:
        self.driver = driver
        self._address = address

    def open(self, path: str, width: int = 1440, dark: bool = False) -> None:
        self.driver.get_log("performance")
        self.driver.get_log("browser")
        self.command(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 500
        )
        self.command(
            "Emulation.setEmulatedMedia",
            features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}],
        )
        self.driver.get(self._address + path)
        ready = (
            "document.querySelector('.swagger-ui .opblock')"
            if "docs" in path
            else "document.documentElement.dataset.drawn"
        )
        self.until(f"return !!{ready}")

    def command(self, name: str, **arguments: object) -> None:
        self.driver.execute_cdp_cmd(name, arguments)

    def ask(self, script: str) -> object:
        return self.driver.execute_script(script)

    def until(self, script: str) -> None:
        deadline = time.monotonic() + WAIT_S
        while not self.ask(script):
            assert time.monotonic() < deadline, f"never true: {script}"
            time.sleep(0.05)

    def errors(self) -> list[str]:
        return [e["message"] for e in self.driver.get_log("browser") if e["level"] in ("SEVERE", "WARNING")]

    def hosts(self) -> set[str]:
        sent = [json.loads(e["message"])["message"] for e in self.driver.get_log("performance")]
        urls = [m["params"]["request"]["url"] for m in sent if m["method"] == "Network.requestWillBeSent"]
        return {urlsplit(u).hostname or "" for u in urls if u.startswith("http")}


@pytest.fixture(scope="module")
def browser(address, tmp_path_factory) -> Iterator[Browser]:
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not driver:
        pytest.skip("no Chromium here; apt-get install chromium chromium-driver")
    from selenium import webdriver  # noqa: PLC0415  (only where there is a browser)

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in [*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    started = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield Browser(started, address)
    started.quit()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_draws_without_errors_and_asks_nobody_else(browser, path):
    browser.open(path)
    assert browser.errors() == []
    assert browser.hosts() == {"127.0.0.1"}
    assert browser.ask("return document.querySelectorAll('[data-chart]').length") == CHARTS.get(path, 0)
    assert browser.ask("return document.querySelectorAll('[data-chart]:not(:has(canvas))').length") == 0


@pytest.mark.parametrize("path", [p for p in PAGES if p != "/api/docs"])
def test_a_phone_never_scrolls_sideways(browser, path):
    browser.open(path, width=390)
    assert browser.ask("return document.documentElement.scrollWidth") <= 390
    assert browser.errors() == []


def test_charts_hold_ink(browser):
    """A canvas that was drawn has more than one colour."""
    browser.open("/buildings/tower")
    blank = browser.ask(
        "return [...document.querySelectorAll('canvas')].filter(c => {"
        " const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        " return new Set(new Uint32Array(d.buffer)).size < 8; }).length"
    )
    assert blank == 0


def test_dark_and_chinese_draw_as_well(browser):
    browser.open("/buildings/tower?lang=zh", dark=True)
    assert browser.errors() == []
    assert browser.ask("return getComputedStyle(document.body).backgroundColor") == "rgb(15, 20, 25)"
    assert browser.ask("return document.querySelector('h1').textContent") == "甲楼"
    browser.open("/?lang=en")


def test_the_first_three_answers_stand_on_the_first_screen(browser):
    browser.open("/?lang=en")
    tops = browser.ask(
        "return ['h-wrong', 'h-normal', 'h-where'].map(i => document.getElementById(i).getBoundingClientRect().bottom)"
    )
    assert max(tops) < 900


def test_a_page_refreshes_itself_and_says_when_the_server_is_gone(browser):
    browser.open("/findings?lang=en")
    browser.ask("document.querySelector('#current .count').textContent = 'stale'")
    browser.until("return document.querySelector('#current .count').textContent === '3'")
    browser.command("Network.enable")
    browser.command(
        "Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=0, uploadThroughput=0
    )
    browser.until("return !document.getElementById('away').hidden")
    browser.command(
        "Network.emulateNetworkConditions", offline=False, latency=0, downloadThroughput=-1, uploadThroughput=-1
    )
    browser.until("return document.getElementById('away').hidden")
