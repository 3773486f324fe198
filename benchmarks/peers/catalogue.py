"""The peers: which there are, what each is asked, and the package that holds it."""

from typing import Final, NamedTuple

NOT_INSTALLED: Final = 3
"""how a child ends whose interpreter does not have the peer"""


class Peer(NamedTuple):
    package: str
    """as a package index knows it; empty for what is written here"""
    module: str
    function: str


SAVINGS: Final[dict[str, Peer]] = {
    "last-year": Peer("", "benchmarks.peers.last_year", "expect"),
    "camber-hourly": Peer("camber-toolkit", "benchmarks.peers.camber", "expect_hourly"),
    "camber-daily": Peer("camber-toolkit", "benchmarks.peers.camber", "expect_daily"),
    "camber-towt": Peer("camber-toolkit", "benchmarks.peers.camber", "expect_towt"),
    "opendsm": Peer("opendsm", "benchmarks.peers.opendsm", "expect"),
}
PEERS: Final[dict[str, Peer]] = SAVINGS
