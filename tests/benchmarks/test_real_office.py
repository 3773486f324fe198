"""The real office over the whole way, into each store: the ledger is the file's to a hundredth of a kWh, and the gross
errors are named though nobody said what is gross."""

import shutil
from pathlib import Path

import pytest

from benchmarks import office

PATHS = "/usr/sbin:/usr/bin:/usr/local/bin:/usr/local/sbin"


@pytest.mark.service
@pytest.mark.timeout(300)
@pytest.mark.parametrize("store", ["embedded", "influx1"])
def test_the_real_office_keeps_its_sums_and_its_99_gross_errors_are_named(store: str, sites: Path) -> None:
    for program in ("mosquitto", *(["influxd"] if store == "influx1" else [])):
        if not shutil.which(program, path=PATHS):
            pytest.skip(f"{program} is not installed")
    told = {f.name: f.value for f in office.run(str(sites), f"mosquitto+{store}").figures}
    way = f"mosquitto → {store}"
    for year in (2015, 2016, 2017):
        assert told[f"{way}: ledger − file, {year}, at most"] <= 0.01
    assert told[f"{way}: gross errors named by findings"] == 98 + 97
    assert told[f"{way}: gross errors marked suspect"] == 98 + 97
    assert told[f"{way}: hours named"] == 99
    assert told[f"{way}: others named by findings"] <= 10, "what is not gross is hardly ever called so"
