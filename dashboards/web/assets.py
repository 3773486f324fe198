"""Static files: our own, ECharts out of the installed ``nicegui`` package, Swagger UI out of ``swagger_ui_bundle``.

ECharts was chosen among the charting scripts that come inside Python wheels: 1.1 MB against Plotly's 4.8 MB, draws
8,760 heat map cells on a canvas at once, decals for grey print, and two themes by a few lines. The package directory is
found without importing NiceGUI, whose import starts a web framework. Nothing is copied.
"""

from importlib.util import find_spec
from pathlib import Path

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from dashboards.colours import ACT, ACT_DARK, BAND, ITEMS
from submeter.words import ConfigError

OWN = Path(__file__).parent / "static"


def package_folder(package: str) -> Path:
    """Where an installed package lies. Raises :class:`ConfigError` with what to install."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ConfigError(
            f"{package} is not installed; install submeter with its server extra: pip install 'submeter[server]'"
        )
    return Path(spec.submodule_search_locations[0])


def echarts_folder() -> Path:
    """The folder whose ``index.js`` exports ``echarts``. Raises :class:`ConfigError`."""
    folder = package_folder("nicegui") / "elements" / "echart" / "dist"
    if not (folder / "index.js").is_file():
        raise ConfigError(f"nicegui has no ECharts at {folder}; install a version that pyproject.toml allows")
    return folder


def swagger_folder() -> Path:
    """The folder with swagger-ui-bundle.js. Raises :class:`ConfigError`."""
    found = sorted(package_folder("swagger_ui_bundle").glob("vendor/swagger-ui-*/swagger-ui-bundle.js"))
    if not found:
        raise ConfigError(
            "swagger_ui_bundle holds no swagger-ui-bundle.js; install a version that pyproject.toml allows"
        )
    return found[-1].parent


class Unchanging(StaticFiles):
    """Files that change only with an installation: browsers ask again, and mostly hear 'not modified'."""

    def file_response(self, *args: object, **kwargs: object) -> Response:
        response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]  # handed on as they came
        response.headers["Cache-Control"] = "public, max-age=3600"
        return response


class Own(StaticFiles):
    """Our own files are asked for each time, so that an update shows at once."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        return response


def mount_assets(app: Starlette) -> None:
    app.mount("/assets/echarts", Unchanging(directory=echarts_folder()), name="echarts")
    app.mount("/assets/swagger", Unchanging(directory=swagger_folder()), name="swagger")
    app.mount("/assets", Own(directory=OWN), name="assets")


def colour_sheet() -> str:
    """The palette as CSS: ``fill`` and ``background`` classes ``i-<item>`` ('i-none' = not metered)."""
    rows = [f":root{{--act:{ACT};--band:{BAND}}}@media(prefers-color-scheme:dark){{:root{{--act:{ACT_DARK}}}}}"]
    rows += [f".i-{item or 'none'}{{fill:{c};background:{c}}}" for item, c in ITEMS.items()]
    return "\n".join(rows)
