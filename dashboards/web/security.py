"""What every answer carries: a content policy that knows this server only, and how long it took.

Pages hold no inline script or style, so none is allowed. Loopback servers answer only to loopback names: a page
elsewhere cannot reach them by a name that it points at 127.0.0.1.
"""

from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from statistics import median
from time import perf_counter
from typing import Final, NamedTuple

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
KEPT_TIMINGS: Final = 200

Next = Callable[[Request], Awaitable[Response]]


class Timing(NamedTuple):
    """Server time of a route's last calls, in milliseconds."""

    route: str
    calls: int
    median_ms: float
    worst_ms: float


class Timings:
    """The last calls of each route."""

    def __init__(self) -> None:
        self._ms: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=KEPT_TIMINGS))
        self._calls: dict[str, int] = defaultdict(int)

    def add(self, route: str, ms: float) -> None:
        self._ms[route].append(ms)
        self._calls[route] += 1

    def told(self) -> list[Timing]:
        return [Timing(r, self._calls[r], median(ms), max(ms)) for r, ms in sorted(self._ms.items())]


def guard(timings: Timings, host: str) -> Callable[[Request, Next], Awaitable[Response]]:
    """The middleware: refuses foreign names on a loopback server and all methods but reading ones."""

    async def guarded(request: Request, call_next: Next) -> Response:
        begun = perf_counter()
        response = _refused(request, host) or await call_next(request)
        ms = (perf_counter() - begun) * 1000
        route = request.scope.get("route")
        if route is not None and response.status_code < 400:
            timings.add(getattr(route, "path", request.url.path), ms)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers["Server-Timing"] = f"app;dur={ms:.1f}"
        return response

    return guarded


def _refused(request: Request, host: str) -> Response | None:
    if request.method not in ("GET", "HEAD"):
        return PlainTextResponse("This server only reads; use GET.", 405, {"Allow": "GET, HEAD"})
    if host in LOOPBACK and request.url.hostname not in LOOPBACK:
        return PlainTextResponse("This server answers to localhost only; set [web] host to serve others.", 421)
    return None
