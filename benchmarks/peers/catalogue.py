"""The peers: which there are, what each is asked, and the package that holds it."""

from typing import Final, NamedTuple

NOT_INSTALLED: Final = 3
"""how a child ends whose interpreter does not have the peer"""


class Peer(NamedTuple):
    package: str
    """as a package index knows it; empty for what is written here"""
    needs: str
    """the module that has to be there"""
    module: str
    function: str


SAVINGS: Final[dict[str, Peer]] = {
    "last-year": Peer("", "numpy", "last_year", "expect"),
    "camber-hourly": Peer("camber-toolkit", "camber.mandv", "camber", "expect_hourly"),
    "camber-daily": Peer("camber-toolkit", "camber.mandv", "camber", "expect_daily"),
    "camber-towt": Peer("camber-toolkit", "camber.mandv", "camber", "expect_towt"),
    "opendsm": Peer("opendsm", "opendsm.eemeter", "opendsm", "expect"),
}
ANOMALIES: Final[dict[str, Peer]] = {
    "hour-of-week": Peer("", "numpy", "hour_of_week", "score"),
    "adtk": Peer("adtk", "adtk.transformer", "detectors", "adtk"),
    "stumpy": Peer("stumpy", "stumpy", "detectors", "stumpy"),
    "pyod": Peer("pyod", "pyod.models.iforest", "detectors", "pyod"),
    "stl": Peer("statsmodels", "statsmodels.tsa.seasonal", "detectors", "stl"),
}
