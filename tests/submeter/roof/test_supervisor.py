"""Processes are started, started anew when they die, given up when they keep dying, and stopped within seconds."""

import signal
import time
from pathlib import Path

import pytest

from submeter.roof.supervisor import Service, ServiceFailed, Supervisor

pytestmark = pytest.mark.service


def until(condition: object, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def test_a_process_that_dies_is_started_anew_and_it_is_said(tmp_path: Path) -> None:
    said: list[str] = []
    service = Service("broker", ["broker", "--folder", str(tmp_path / "b")], tmp_path / "broker.log")
    supervisor = Supervisor([service], said.append)
    supervisor.start()
    try:
        first = service.process
        assert first is not None
        first.send_signal(signal.SIGKILL)
        until(lambda: service.code() is not None)
        supervisor.look()
        assert service.process is not first
        assert service.code() is None
        assert "is started anew" in said[0]
    finally:
        begun = time.monotonic()
        supervisor.stop()
    assert time.monotonic() - begun < 5


def test_a_process_that_keeps_dying_is_given_up_with_the_end_of_its_log(tmp_path: Path) -> None:
    service = Service("wrong", ["config", "chekc"], tmp_path / "wrong.log")
    supervisor = Supervisor([service], lambda _: None)
    supervisor.start()

    def look() -> None:
        for _ in range(10):
            until(lambda: service.code() is not None)
            supervisor.look()

    with pytest.raises(ServiceFailed, match="chekc"):
        look()


def test_a_broken_configuration_is_not_tried_again(tmp_path: Path) -> None:
    service = Service("web", ["web", "--settings", str(tmp_path / "none.toml")], tmp_path / "web.log")
    supervisor = Supervisor([service], lambda _: None)
    supervisor.start()
    until(lambda: service.code() is not None)
    with pytest.raises(ServiceFailed, match=r"none\.toml"):
        supervisor.look()
