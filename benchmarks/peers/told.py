"""What a peer says of one meter's year, and why it says nothing."""

from dataclasses import dataclass

from benchmarks.peers.folder import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Expected:
    """``kwh`` (n) predicted for the test year's hours · the saving with its nominal 90 % band, None where the peer
    gives none, and then ``refused`` says why."""

    kwh: Floats
    avoided_kwh: float | None = None
    low_kwh: float | None = None
    high_kwh: float | None = None
    refused: str = ""
