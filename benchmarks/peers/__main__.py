"""``python -m benchmarks.peers PEER SITE ANSWERS METER …``: the child process in which a peer answers.

Leaves predictions.parquet and savings.csv (or scores.parquet and episodes.csv) and ``cost.json``: CPU seconds by
meter, and by meter why there is no answer. Ends with ``NOT_INSTALLED`` where the peer cannot be imported.
"""

import importlib
import json
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.peers.catalogue import NOT_INSTALLED, PEERS
from benchmarks.peers.folder import Floats, Folder, Hours, read_folder, write_hours, write_rows
from benchmarks.peers.told import Expected


def main(name: str, site: str, answers: str, *meters: str) -> None:
    warnings.simplefilter("ignore")  # peers warn for every meter; what they cannot do is in cost.json
    peer = PEERS[name]
    try:
        module = importlib.import_module(peer.module)
    except ImportError as fault:
        print(fault, file=sys.stderr)
        sys.exit(NOT_INSTALLED)
    out = Path(answers)
    out.mkdir(parents=True, exist_ok=True)
    expect(getattr(module, peer.function), read_folder(Path(site)), meters, out)


def expect(peer: Callable[[Hours, Hours, str], Expected], folder: Folder, meters: tuple[str, ...], out: Path) -> None:
    """Predictions and savings of meters, one after the other, each from its train year."""
    train, test = (folder.year(y) for y in (folder.train or 0, folder.test or 0))
    told: dict[str, Expected] = {}
    cpu_s, failed = {}, {}
    _warm_up(lambda m: peer(folder.hours(m, train), folder.hours(m, test), folder.zone), meters)
    for m in meters:
        began = time.process_time()
        try:
            told[m] = peer(folder.hours(m, train), folder.hours(m, test), folder.zone)
        except Exception as fault:  # noqa: BLE001  (whatever a peer raises, it has failed this meter)
            failed[m] = f"{type(fault).__name__}: {fault}"[:300]
        cpu_s[m] = time.process_time() - began
    peeks = [m for m in list(told)[:1] if _peeks(peer, folder, m, told[m].kwh)]
    write_hours(out / "predictions.parquet", folder.start[test], {m: t.kwh for m, t in told.items()})
    rows = [(m, t.avoided_kwh, t.low_kwh, t.high_kwh, t.refused) for m, t in told.items()]
    write_rows(out / "savings.csv", ("meter", "avoided_kwh", "low_kwh", "high_kwh", "refused"), rows)
    (out / "cost.json").write_text(json.dumps({"cpu_s": cpu_s, "failed": failed, "peeks": peeks}), encoding="utf-8")


def _warm_up(ask: Callable[[str], object], meters: tuple[str, ...]) -> None:
    """Imports and compilation that happen at the first call are nobody's CPU time per meter."""
    try:
        ask(meters[0])
    except Exception as fault:  # noqa: BLE001  (it is asked again, and then counted)
        print(f"{type(fault).__name__}: {fault}", file=sys.stderr)


def _peeks(peer: Callable[[Hours, Hours, str], Expected], folder: Folder, meter: str, told: Floats) -> bool:
    """Whether a prediction is another one when the test year's energy is."""
    train, test = (folder.hours(meter, folder.year(y)) for y in (folder.train or 0, folder.test or 0))
    again = peer(train, replace(test, kwh=test.kwh[::-1].copy()), folder.zone).kwh
    return not np.allclose(again, told, equal_nan=True, rtol=1e-9)


if __name__ == "__main__":
    main(*sys.argv[1:])
