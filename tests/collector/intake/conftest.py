"""One fixture: a desk of its own for each test."""

import pytest

from tests.collector.intake.desk import Desk


@pytest.fixture
def desk() -> Desk:
    return Desk()
