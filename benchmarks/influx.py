"""The peer of an InfluxDB store: the same ready-made batches, byte by byte, written by nothing but HTTP.

:class:`Recorder` keeps each batch that a store sends; :func:`write_raw` sends them again to an empty server of the same
kind, each answered with 204 before the connection's next one, over one connection or two at once, whichever is faster.
"""

import gzip
import http.client
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from benchmarks.servers import BUCKET, HOST, ORG, StorePlace
from submeter.stores import Store
from submeter.stores.batch import CANARY
from submeter.stores.embedded import EmbeddedStore
from submeter.stores.exchange import Answer
from submeter.stores.influx import InfluxStore, Transport
from submeter.stores.influx1 import Influx1
from submeter.stores.influx2 import Influx2
from submeter.words import TheirsError

READINGS = "ms"
"""the precision that readings are written with; intervals have seconds"""


@dataclass
class Recorder:
    """A transport that keeps the batches of readings that it sends."""

    transport: Transport
    bodies: list[bytes] = field(default_factory=list)

    @property
    def durable(self) -> str:
        return self.transport.durable

    @durable.setter
    def durable(self, text: str) -> None:
        raise AttributeError(text)

    def write(self, body: bytes, precision: str) -> Answer:
        if precision == READINGS:
            self.bodies.append(body)
        return self.transport.write(body, precision)

    def query(self, statement: str, epoch: str, accept: str) -> bytes:
        return self.transport.query(statement, epoch, accept)

    def close(self) -> None:
        self.transport.close()


def recorded_store(place: StorePlace) -> tuple[Store, Recorder]:
    """A place's InfluxDB store, and what it will have sent."""
    port = _port(place)
    transport: Transport = (
        Influx1(HOST, port, BUCKET, "", "")
        if place.kind == "influx1"
        else Influx2(HOST, port, ORG, BUCKET, place.token)
    )
    recorder = Recorder(transport)
    return InfluxStore(recorder, EmbeddedStore(place.state)), recorder


def prepare_raw(place: StorePlace) -> None:
    """Make the database, with the same shards as the store's, and write once, so that the server is up and warm."""
    if place.kind == "influx1":
        Influx1(HOST, _port(place), BUCKET, "", "").close()
    write_raw(place, [gzip.compress(CANARY.encode())], 1)


def write_raw(place: StorePlace, bodies: Sequence[bytes], connections: int) -> float:
    """Wall seconds until each batch was answered with 204. Raises :class:`TheirsError` for another answer."""
    faults: list[str] = []
    threads = [
        threading.Thread(target=_send, args=(place, bodies[first::connections], faults)) for first in range(connections)
    ]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - begun
    if faults:
        raise TheirsError(f"the raw write was refused: {faults[0]}")
    return took


def _send(place: StorePlace, bodies: Sequence[bytes], faults: list[str]) -> None:
    where = {"db": BUCKET} if place.kind == "influx1" else {"org": ORG, "bucket": BUCKET}
    path = "/write" if place.kind == "influx1" else "/api/v2/write"
    target = f"{path}?{urlencode({**where, 'precision': READINGS})}"
    headers = {"Content-Encoding": "gzip", **({"Authorization": f"Token {place.token}"} if place.token else {})}
    connection = http.client.HTTPConnection(HOST, _port(place), timeout=60)
    try:
        for body in bodies:
            connection.request("POST", target, body, headers)
            answer = connection.getresponse()
            said = answer.read()
            if answer.status != 204:
                faults.append(f"{answer.status} {said.decode(errors='replace')[:200]}")
                return
    except OSError as fault:
        faults.append(str(fault))
    finally:
        connection.close()


def _port(place: StorePlace) -> int:
    return urlsplit(place.url).port or 0
