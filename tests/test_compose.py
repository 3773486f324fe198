"""docker-compose.yml: valid, nothing with a default password, nothing beyond loopback, and every name it uses exists.

No Docker engine is needed. The same mosquitto files start natively in tests/config, the same init of InfluxDB in
tests/submeter/roof, the same provisioning of Grafana in tests/dashboards/grafana.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from click.testing import CliRunner

from submeter.__main__ import roof
from submeter.roof.gateway import sources_of
from submeter.roof.secrets import NAMES
from submeter.roof.worlds import anchor_world
from submeter.settings import load_portfolio, load_settings
from submeter.settings.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if service["image"].startswith("submeter:")]
IN_IMAGE = {"/opt/submeter/": ROOT, "/etc/submeter/": ROOT / "config" / "compose"}


def settings_of(name: str) -> Settings:
    """The settings file that a service of ours reads."""
    option = next((w for w in SERVICES[name]["command"] if w.startswith("--settings=")), None)
    path = option.partition("=")[2] if option else SERVICES[name]["environment"]["SUBMETER_SETTINGS"]
    return load_settings(on_host(path))


def on_host(path: str) -> Path:
    """Where a file of the container lies in the checkout."""
    inside, outside = next((i, o) for i, o in IN_IMAGE.items() if path.startswith(i))
    return outside / path.removeprefix(inside)


def mounts(name: str) -> Iterator[tuple[str, str]]:
    for volume in SERVICES[name].get("volumes", []):
        source, target = volume.split(":")[:2]
        yield source, target


def test_docker_compose_takes_the_file() -> None:
    if not shutil.which("docker-compose"):
        pytest.skip("docker-compose is not installed (Debian: apt-get install docker-compose)")

    done = subprocess.run(["docker-compose", "config", "-q"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_every_port_is_published_on_loopback_only() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]

    assert len(ports) == 4
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_images_are_pinned() -> None:
    for service in SERVICES.values():
        assert re.search(r":\d+\.\d+\.\d+$", service["image"]), service["image"]


def test_no_password_and_no_token_stands_in_any_file_of_the_stack() -> None:
    secret = re.compile(r"(?i)(password|token|secret)[\w-]*[ ]*[=:][ ]*[\"']?(?!\[|\{)(?P<value>[^\s\"',}]+)")
    files = [ROOT / "docker-compose.yml", ROOT / "Dockerfile", *(ROOT / "config" / "compose").iterdir(),
             *(ROOT / "dashboards" / "grafana" / "provisioning").rglob("*.yaml")]  # fmt: skip
    for file in files:
        for found in secret.finditer(file.read_text(encoding="utf-8")):
            assert found["value"].startswith(("/run/", "./secrets/")), f"{file}: {found[0]}"


def test_the_secrets_it_names_are_those_that_the_command_makes(tmp_path: Path) -> None:
    done = CliRunner().invoke(roof, ["secrets", "create", "--dir", str(tmp_path / "secrets")])

    assert done.exit_code == 0
    assert set(COMPOSE["secrets"]) == set(NAMES) == {path.name for path in (tmp_path / "secrets").iterdir()}
    assert all(given == {"file": f"./secrets/{name}"} for name, given in COMPOSE["secrets"].items())
    assert all((path.stat().st_mode & 0o777) == 0o600 for path in (tmp_path / "secrets").iterdir())


def test_every_secret_that_a_service_reads_is_given_to_it_and_no_other() -> None:
    for name, service in SERVICES.items():
        text = str([service.get("command"), service.get("environment")])
        read = set(re.findall(r"/run/secrets/([\w-]+)", text))
        if name in OURS and service["command"][0] in ("gateway", "collector"):
            read.add(settings_of(name).broker.password_file.removeprefix("/run/secrets/"))
        if name == "mosquitto-users":
            read = {secret for secret in NAMES if secret.startswith("mqtt-")}
        assert set(service.get("secrets", [])) == read, name


def test_every_mounted_folder_is_there() -> None:
    for name in SERVICES:
        for source, _ in mounts(name):
            if source.startswith("."):
                assert (ROOT / source).is_dir(), f"{name}: {source}"
            else:
                assert source in COMPOSE["volumes"], f"{name}: {source}"


def test_mosquitto_finds_all_that_its_configuration_names() -> None:
    targets = [target for _, target in mounts("mosquitto")]
    text = (ROOT / "config" / "mosquitto" / "mosquitto.conf").read_text(encoding="utf-8")
    paths = re.findall(r"^(?:password_file|acl_file|persistence_location) (\S+)", text, re.MULTILINE)

    assert len(paths) == 3
    assert all(any(path.startswith(target) for target in targets) for path in paths)
    users = SERVICES["mosquitto-users"]
    assert users["entrypoint"][1:] == ["/mosquitto/config/make-users.sh", "/run/secrets", "/mosquitto/users"]
    assert ("mosquitto-users", "/mosquitto/users") in mounts("mosquitto-users")


def test_grafana_finds_boards_and_token_where_the_provisioning_says() -> None:
    targets = dict(mounts("grafana"))
    provisioning = ROOT / targets_to(targets, "/etc/grafana/provisioning")
    boards = yaml.safe_load((provisioning / "dashboards/submeter.yaml").read_text(encoding="utf-8"))
    source = yaml.safe_load((provisioning / "datasources/submeter.yaml").read_text(encoding="utf-8"))["datasources"][0]

    assert list((ROOT / targets_to(targets, boards["providers"][0]["options"]["path"])).glob("submeter-*.json"))
    assert targets_to(targets, "/run/tokens") == "tokens"
    assert "$__file{/run/tokens/influx-read-token}" in source["secureJsonData"]["httpHeaderValue1"]
    assert source["url"].removeprefix("$") in SERVICES["grafana"]["environment"]
    assert SERVICES["grafana"]["environment"]["GF_AUTH_ANONYMOUS_ENABLED"] == "false"


def targets_to(mounted: dict[str, str], target: str) -> str:
    return next(source for source, there in mounted.items() if there == target)


@pytest.mark.parametrize("name", OURS)
def test_a_command_of_ours_has_the_options_that_it_is_given(name: str) -> None:
    words = list(SERVICES[name]["command"])
    found: click.Command | None = roof
    while isinstance(found, click.Group):
        found = found.get_command(click.Context(found), words.pop(0))
    assert found is not None

    found.make_context(name, words, resilient_parsing=False)

    for word in words:
        value = word.partition("=")[2]
        if value.startswith(tuple(IN_IMAGE)):
            assert on_host(value).is_file(), word


@pytest.mark.parametrize("name", [name for name in OURS if name != "influxdb-init"])
def test_settings_are_right_and_speak_of_services_that_are_there(name: str) -> None:
    settings = settings_of(name)

    assert settings.broker.host in SERVICES
    assert load_portfolio(on_host(settings.portfolio)).buildings
    if SERVICES[name]["command"][0] != "gateway":
        assert settings.store.url == "influx2://influxdb:8086/submeter/submeter"
        assert settings.store.token_file == "/run/tokens/influx-write-token"


def test_the_gateways_are_those_of_the_portfolio_and_each_is_its_own_user() -> None:
    gateways = [name for name in OURS if SERVICES[name]["command"][0] == "gateway"]
    settings = [settings_of(name) for name in gateways]

    assert {s.gateway.id for s in settings} == set(load_portfolio(ROOT / "config" / "demo").gateways)
    assert all(s.broker.user == s.gateway.id for s in settings)
    assert all(s.broker.password_file == f"/run/secrets/mqtt-{s.gateway.id}" for s in settings)
    stores = [next(source for source, target in mounts(name) if target == "/var/lib/submeter") for name in gateways]
    assert len(set(stores)) == len(gateways)


def test_a_gateway_without_a_port_pretends_the_meters_of_its_bus(tmp_path: Path) -> None:
    portfolio = load_portfolio(ROOT / "config" / "demo")
    world = tmp_path / "world.json"
    anchor_world(world, ROOT / "config" / "scenarios" / "demo.toml", 1_795_300_000_000)

    sources = [
        source
        for gateway in portfolio.gateways
        for source in sources_of(lambda: portfolio, gateway, port="", world_file=world, period_s=60.0)
    ]

    assert {source.id for source in sources} == {*portfolio.buildings, *portfolio.stations}


def test_the_image_holds_all_that_the_stack_reads() -> None:
    copied = re.findall(r"^COPY (\S+)", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)

    assert {"config", "submeter", "collector", "firmware_sim", "analytics", "dashboards"} <= set(copied)
    assert all((ROOT / name).exists() for name in copied)
    assert "secrets" in (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
