"""A service's loop: theirs is tried again, ours ends it loudly, stop ends it quietly."""

import threading

import pytest

from submeter.roof import running
from submeter.words import Bug, ConfigError, StoreAway


class Steps:
    """A service that raises what it is told to, then stops the loop."""

    def __init__(self, stop: threading.Event, *faults: Exception) -> None:
        self.stop, self.faults, self.count = stop, list(faults), 0

    def __call__(self) -> float:
        self.count += 1
        if self.faults:
            raise self.faults.pop(0)
        self.stop.set()
        return 0.0


def test_a_store_that_is_away_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "RETRY_S", 0.0)
    stop = threading.Event()
    steps = Steps(stop, StoreAway("away"), StoreAway("still away"))
    running.run(steps, stop)
    assert steps.count == 3


@pytest.mark.parametrize("fault", [Bug("ours"), ZeroDivisionError("ours"), ConfigError("broken file")])
def test_what_is_ours_ends_the_service(fault: Exception) -> None:
    stop = threading.Event()
    with pytest.raises(type(fault)):
        running.run(Steps(stop, fault), stop)
