"""The HTML pages: a view model, a language and a template. What a page polls is itself, with its ETag."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import Response

from dashboards.catalogue import LANGUAGES, figures, keys, known, text
from dashboards.colours import HEAT, ITEMS, item_of
from dashboards.queries.asof import as_of
from dashboards.queries.basis import basis
from dashboards.queries.district import district
from dashboards.queries.findings import findings
from dashboards.queries.meter import meter_day
from dashboards.queries.meters import VIRTUAL, meters, tree
from dashboards.queries.month import base_load, intensity, month
from dashboards.queries.operations import operations
from dashboards.queries.peers import LEAST_PEERS, peers
from dashboards.queries.reader import Reader
from dashboards.queries.savings import savings
from dashboards.queries.shape import shape
from dashboards.queries.today import today
from dashboards.web import shapes
from dashboards.web.answer import answer
from dashboards.web.security import Timings
from dashboards.web.telling import tell
from submeter.words import Building

COOKIE: Final = "submeter_lang"
ON_FIRST_SCREEN: Final = 5
"""findings shown before "all"""

WORDS_FOR_SCRIPTS: Final = ("chart.", "known.", "type.", "word.", "item.", "page.reconnect")


def language_of(request: Request, default: str) -> str:
    """``?lang=`` first, then the cookie, then the setting."""
    for wanted in (request.query_params.get("lang"), request.cookies.get(COOKIE), default):
        if wanted in LANGUAGES:
            return wanted
    return LANGUAGES[0]


class Pages:
    """Renders; holds nothing that changes."""

    def __init__(self, reader: Reader, timings: Timings) -> None:
        self.reader = reader
        self.timings = timings
        self._environment = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals.update(figures=figures, shapes=shapes, item_of=item_of)

    def render(self, request: Request, template: str, status: int = 200, **values: Any) -> Response:
        language = language_of(request, self.reader.settings.web.language)
        page = self._environment.get_template(template).render(**self._values(request, language), **values)
        response = answer(request, page.encode(), "text/html; charset=utf-8", status)
        if request.query_params.get("lang") in LANGUAGES:
            response.set_cookie(COOKIE, language, max_age=31_536_000, samesite="strict", httponly=True)
        return response

    def _values(self, request: Request, language: str) -> dict[str, Any]:
        def t(key: str, **values: object) -> str:
            return text(language, key, **values)

        def name(of: Any, field: str = "name") -> str:
            return str(getattr(of, f"{field}_zh" if language == "zh" else field) or getattr(of, field))

        def item_name(item: str) -> str:
            key = f"item.{item or 'none'}"
            return t(key) if known(key) else item

        return {
            "lang": language,
            "other": LANGUAGES[1 - LANGUAGES.index(language)],
            "path": request.url.path,
            "t": t,
            "name": name,
            "item_name": item_name,
            "tell": lambda finding, where: tell(finding, language, where),
            "names_of": lambda rows, ids: [name(r) for r in rows if r.id in ids],
            "client": {"words": script_words(language), "palette": {i or "none": c for i, c in ITEMS.items()},
                       "heat": HEAT, "lang": language},
            "district_name": self.reader.portfolio.tenant,
            "total_limit": self.reader.limit,
            "least_peers": LEAST_PEERS,
        }  # fmt: skip

    # pages
    def district(self, request: Request) -> Response:
        view = district(self.reader)
        zone = self._zone()
        buildings = self.reader.portfolio.buildings.values()
        set_up = {"priced": any(b.price for b in buildings), "factored": any(b.carbon for b in buildings)}
        return self.render(request, "district.html", d=view, zone=zone, shown=ON_FIRST_SCREEN, **set_up)

    def building(self, request: Request) -> Response:
        building = request.path_params["building"]
        at = self.reader.portfolio.buildings.get(building)
        if at is None:
            return self.missing(request)
        return self.render(request, "building.html", **self._building(at))

    def _building(self, at: Building) -> dict[str, Any]:
        reader = self.reader
        return {
            "b": at,
            "upto": as_of(reader, at.id),
            "filling": reader.backfill(),
            "today": today(reader, at.id),
            "basis": basis(reader, at.id),
            "month": month(reader, at.id),
            "intensity": intensity(reader, at.id),
            "base": base_load(reader, at.id),
            "findings": findings(reader, at.id),
            "savings": savings(reader, at.id),
            "shape": shape(reader, at.id),
            "peers": peers(reader, at.id),
            "has_main": reader.portfolio.main_of(at.id) is not None,
        }

    def findings(self, request: Request) -> Response:
        found = findings(self.reader, None, None)
        ended = sorted((f for f in found if f.state == "closed"), key=lambda f: -f.end_ms)
        withdrawn = sorted((f for f in found if f.state == "withdrawn"), key=lambda f: -(f.withdrawn_ms or 0))
        current = [f for f in found if f.state == "open"]
        return self.render(request, "findings.html", current=current, ended=ended, withdrawn=withdrawn)

    def savings(self, request: Request) -> Response:
        return self.render(request, "savings.html", savings=savings(self.reader), limit=self.reader.limit)

    def meters(self, request: Request) -> Response:
        wanted = request.query_params.get("building")
        buildings = self.reader.portfolio.buildings
        if wanted and wanted not in buildings:
            return self.missing(request)
        groups = [
            (at, meters(self.reader, at.id), tree(self.reader, at.id) if wanted else [])
            for at in buildings.values()
            if not wanted or wanted == at.id
        ]
        everything = [row for _, rows, _ in groups for row in rows if row.state != VIRTUAL]
        return self.render(request, "meters.html", groups=groups, wanted=wanted, everything=everything)

    def meter(self, request: Request) -> Response:
        point = f"{request.path_params['building']}/{request.path_params['local']}"
        if point not in self.reader.portfolio.points:
            return self.missing(request)
        try:
            view = meter_day(self.reader, point, request.query_params.get("day"))
        except ValueError:
            return self.missing(request)
        at = self.reader.building(view.health.building)
        return self.render(request, "meter.html", m=view, b=at)

    def operations(self, request: Request) -> Response:
        return self.render(
            request, "operations.html", o=operations(self.reader), zone=self._zone(), timings=self.timings.told()
        )

    def missing(self, request: Request) -> Response:
        return self.render(request, "missing.html", 404)

    def away(self, request: Request, why: str) -> Response:
        return self.render(request, "away.html", 503, why=why)

    def _zone(self) -> str:
        """The zone of the district's own times: its first building's."""
        return next((b.zone for b in self.reader.portfolio.buildings.values()), "UTC")

    def routes(self) -> list[tuple[str, Callable[[Request], Response]]]:
        return [
            ("/", self.district),
            ("/buildings/{building}", self.building),
            ("/findings", self.findings),
            ("/savings", self.savings),
            ("/meters", self.meters),
            ("/meters/{building}/{local}", self.meter),
            ("/operations", self.operations),
        ]


def script_words(language: str) -> dict[str, str]:
    """The texts that charts need, handed over in the page."""
    return {key: text(language, key) for key in keys() if key.startswith(WORDS_FOR_SCRIPTS)}
