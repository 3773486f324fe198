"""Grafana's provisioning files: the data source and where the boards lie. Written as JSON, which is YAML.

Three things that a server only tells at start: InfluxQL wants ``database`` at the top (9.3) and ``jsonData.dbName``
(10 and later); an InfluxDB 2 takes its token as a header; the token comes out of a file, so none stands in here.
"""

import json
from pathlib import Path
from typing import Any, Final

from dashboards.grafana.board import FOLDER_TITLE, FOLDER_UID
from dashboards.grafana.panels import DATA_SOURCE_UID

Json = dict[str, Any]

NAME: Final = "submeter"
FOLDER: Final = Path(__file__).with_name("provisioning")
"""the committed ones, for docker-compose.yml"""
COMPOSE_URL: Final = "$SUBMETER_INFLUX_URL"
COMPOSE_TOKEN_FILE: Final = "/run/tokens/influx-read-token"  # noqa: S105  (a file's name)
COMPOSE_BOARDS: Final = "/etc/submeter/boards"


def data_source(url: str, database: str, token_file: str = "") -> Json:
    """The InfluxDB that the boards read, by InfluxQL. Grafana itself reads ``token_file``; '' for an InfluxDB 1."""
    source: Json = {
        "name": NAME,
        "uid": DATA_SOURCE_UID,
        "type": "influxdb",
        "access": "proxy",
        "url": url,
        "database": database,
        "isDefault": True,
        "editable": False,
        "jsonData": {"dbName": database, "httpMode": "GET", "version": "InfluxQL", "timeInterval": "1m"},
    }
    if token_file:
        source["jsonData"]["httpHeaderName1"] = "Authorization"
        source["secureJsonData"] = {"httpHeaderValue1": f"Token $__file{{{token_file}}}"}
    return source


def data_sources(url: str, database: str, token_file: str = "") -> Json:
    return {"apiVersion": 1, "datasources": [data_source(url, database, token_file)]}


def providers(folder: str) -> Json:
    """Boards out of a folder, read again when a file changes; edits in the browser are not kept."""
    provider = {
        "name": NAME,
        "folder": FOLDER_TITLE,
        "folderUid": FOLDER_UID,
        "type": "file",
        "disableDeletion": True,
        "allowUiUpdates": False,
        "updateIntervalSeconds": 30,
        "options": {"path": folder},
    }
    return {"apiVersion": 1, "providers": [provider]}


def files(url: str, database: str, token_file: str, boards: str) -> dict[str, str]:
    """Path below the provisioning folder → text."""
    texts = {
        "datasources/submeter.yaml": data_sources(url, database, token_file),
        "dashboards/submeter.yaml": providers(boards),
    }
    return {path: json.dumps(content, indent=2) + "\n" for path, content in texts.items()}


def compose_files() -> dict[str, str]:
    """Those of docker-compose.yml."""
    return files(COMPOSE_URL, "submeter", COMPOSE_TOKEN_FILE, COMPOSE_BOARDS)


def write_provisioning(folder: Path, texts: dict[str, str]) -> list[Path]:
    """Write them; returns the paths."""
    written = []
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written
