"""Boards into a running Grafana, through ``grafana-client`` (the maintained continuation of grafana-api)."""

from typing import Any
from urllib.parse import urlsplit

from dashboards.grafana.board import FOLDER_TITLE, FOLDER_UID, Board
from dashboards.grafana.panels import DATA_SOURCE_UID
from submeter.words import ConfigError, TheirsError


class GrafanaAway(TheirsError):  # noqa: N818  (as StoreAway: the docstring is the message)
    """Grafana does not answer, or not as it should."""


def push(boards: tuple[Board, ...], url: str, credential: Any) -> list[str]:
    """Create or replace the boards in their folder; returns their addresses.

    ``credential`` is what ``grafana_client`` takes: a token's text or (user, password). Raises :class:`ConfigError` for
    an address that is none, :class:`GrafanaAway` with the reason and what to do.
    """
    from grafana_client.client import GrafanaClientError, GrafanaException  # noqa: PLC0415
    from niquests.exceptions import RequestException  # noqa: PLC0415

    try:
        return _push(boards, url, credential)
    except RequestException as fault:
        raise GrafanaAway(f"{url}: Grafana does not answer ({type(fault).__name__}); is it running there?") from None
    except GrafanaClientError as fault:
        if "provisioned" in str(fault):
            raise GrafanaAway(
                f"{url}: these boards are provisioned from files there; write them with `submeter dashboards build`"
            ) from None
        raise GrafanaAway(f"{url}: {fault}; give a token of a service account with the role Editor") from None
    except GrafanaException as fault:
        raise GrafanaAway(f"{url}: {fault}; look at Grafana's log") from None


def _push(boards: tuple[Board, ...], url: str, credential: Any) -> list[str]:
    api = _api(url, credential)
    _need_data_source(api, url)
    _need_folder(api)
    told = []
    for board in boards:
        answer = api.dashboard.update_dashboard(
            {"dashboard": board.json(), "folderUid": FOLDER_UID, "overwrite": True, "message": "submeter"}
        )
        told.append(f"{url.rstrip('/')}{answer['url']}")
    return told


def _api(url: str, credential: Any) -> Any:
    from grafana_client.api import GrafanaApi  # noqa: PLC0415
    from grafana_client.client import TokenAuth  # noqa: PLC0415

    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(f"--url {url!r}: say it as http://HOST:PORT")
    auth = TokenAuth(credential) if isinstance(credential, str) else credential  # type: ignore[no-untyped-call]  # no types
    return GrafanaApi(
        auth, host=parts.hostname, port=parts.port, protocol=parts.scheme, url_path_prefix=parts.path.strip("/")
    )


def _need_data_source(api: Any, url: str) -> None:
    """A board whose data source is not there is blank, without a word."""
    from grafana_client.client import GrafanaClientError  # noqa: PLC0415

    try:
        api.datasource.get_datasource_by_uid(DATA_SOURCE_UID)
    except GrafanaClientError as fault:
        if fault.status_code != 404:  # an Editor may not look at data sources; then the boards are tried
            return
        raise GrafanaAway(
            f"{url}: there is no data source with uid {DATA_SOURCE_UID!r}; provision the one that "
            "`submeter dashboards provisioning` writes"
        ) from None


def _need_folder(api: Any) -> None:
    from grafana_client.client import GrafanaClientError  # noqa: PLC0415

    try:
        api.folder.get_folder(FOLDER_UID)
    except GrafanaClientError as fault:
        if fault.status_code not in (403, 404):
            raise
        api.folder.create_folder(FOLDER_TITLE, uid=FOLDER_UID)
