"""The web application: middleware, assets, JSON API, pages. It only reads; the command on the roof starts uvicorn."""

from collections.abc import Callable

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from dashboards.queries.reader import Reader
from dashboards.web.answer import answer
from dashboards.web.api import api_router
from dashboards.web.assets import OWN, colour_sheet, mount_assets
from dashboards.web.pages import Pages
from dashboards.web.security import Timing, Timings, guard
from submeter.clock import Clock
from submeter.settings import Settings
from submeter.stores.port import Store
from submeter.words import Portfolio, StoreAway

OPENAPI = "3.0.3"
"""what the Swagger UI inside swagger-ui-bundle (4.x) reads; it refuses 3.1"""


def create_app(store: Store, portfolio: Callable[[], Portfolio], clock: Clock, settings: Settings) -> FastAPI:
    """The whole view over ``store``. ``portfolio`` is asked on each request, so a renamed meter shows at once.

    Raises :class:`~submeter.words.ConfigError` when a charting package is not installed.
    """
    app = FastAPI(
        title="submeter",
        version="1",
        summary="Read-only: from the store to what people see",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.openapi_version = OPENAPI
    timings = Timings()
    reader = Reader(store, portfolio, clock, settings)
    pages = Pages(reader, timings)
    app.middleware("http")(guard(timings, settings.web.host))
    _files(app)
    mount_assets(app)
    app.include_router(api_router(reader))
    _timings(app, timings)
    for path, page in pages.routes():
        app.add_api_route(path, page, include_in_schema=False, methods=["GET"])
    _faults(app, pages)
    return app


def _files(app: FastAPI) -> None:
    sheet = colour_sheet().encode()

    @app.get("/assets/colours.css", include_in_schema=False)
    def colours(request: Request) -> Response:
        return answer(request, sheet, "text/css")

    @app.get("/api/docs", include_in_schema=False)
    def docs(request: Request) -> Response:
        return answer(request, (OWN / "docs.html").read_bytes(), "text/html; charset=utf-8")

    @app.get("/favicon.ico", include_in_schema=False)
    def favicon() -> Response:
        return RedirectResponse("/assets/icon.svg", 308)


def _timings(app: FastAPI, timings: Timings) -> None:
    @app.get("/api/v1/timings", response_model=list[Timing], tags=["state"], summary="Server time of pages and calls")
    def read_timings() -> list[Timing]:
        return timings.told()


def _faults(app: FastAPI, pages: Pages) -> None:
    """People get a page, programs get JSON; both are told what to do."""

    @app.exception_handler(StoreAway)
    def away(request: Request, fault: Exception) -> Response:
        if request.url.path.startswith("/api/"):
            return JSONResponse({"detail": f"the store does not answer: {fault}; try again"}, 503)
        return pages.away(request, str(fault))

    @app.exception_handler(StarletteHTTPException)
    def refused(request: Request, fault: Exception) -> Response:
        assert isinstance(fault, StarletteHTTPException)
        if request.url.path.startswith(("/api/", "/assets/")) or fault.status_code != 404:
            return JSONResponse({"detail": fault.detail}, fault.status_code)
        return pages.missing(request)

    @app.exception_handler(RequestValidationError)
    def unreadable(_: Request, fault: Exception) -> Response:
        assert isinstance(fault, RequestValidationError)
        said = "; ".join(f"{'.'.join(map(str, e['loc'][1:]))}: {e['msg']}" for e in fault.errors())
        return JSONResponse({"detail": said}, 422)
