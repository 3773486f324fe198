"""The way to InfluxDB 2.x: ``influxdb-client`` writes ready-made lines, InfluxQL reads through ``/query``.

``influxdb-client`` is the server's own client. Its batching mode drops data after its retries and its gzip is the
slowest level, so it is handed batches that are already packed, one at a time, and retries nothing. Its query side
speaks Flux, which is in maintenance; InfluxQL goes over :mod:`~submeter.stores.exchange`, as to InfluxDB 1.
"""

from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.rest import ApiException
from influxdb_client.service.write_service import WriteService
from urllib3.exceptions import HTTPError

from submeter.stores.exchange import Answer, Exchange
from submeter.stores.influx1 import ask_influxql
from submeter.words import StoreAway

_TIMEOUT_MS = 30_000


class Influx2:
    """``bucket`` must exist and ``token`` may read and write it: what is there already is read before it is written."""

    durable = "InfluxDB 2 answered 204 to every line: it is in its write-ahead log, by default synced to the disk"

    def __init__(self, host: str, port: int, org: str, bucket: str, token: str, tls: bool = False) -> None:
        self._exchange = Exchange(host, port, {"Authorization": f"Token {token}"}, tls)
        self._client = InfluxDBClient(
            self._exchange.address, token=token, org=org, timeout=_TIMEOUT_MS, enable_gzip=False, retries=False
        )
        self._writer = WriteService(self._client.api_client)
        self._org, self._bucket = org, bucket

    def check(self) -> None:
        """Raises :class:`StoreAway` when the bucket cannot be read."""
        try:
            # SHOW MEASUREMENTS answers nothing, and no error, for a bucket that is not there
            self.query("SELECT value FROM reading LIMIT 1", "ms", "application/json")
        except StoreAway as fault:
            if "database not found" not in str(fault):
                raise
            raise StoreAway(
                f"{self._exchange.address}: bucket {self._bucket!r} of {self._org!r} is not there, or the token may not"
                " read it; create the bucket, and a token that may read and write it"
            ) from None

    def write(self, body: bytes, precision: str) -> Answer:
        try:
            self._writer.post_write(
                self._org,
                self._bucket,
                body,
                precision=precision,
                content_encoding="gzip",
                content_type="text/plain; charset=utf-8",
            )
        except ApiException as fault:
            words = fault.body or b""
            return Answer(int(fault.status or 0), words if isinstance(words, bytes) else str(words).encode())
        except (OSError, HTTPError) as fault:
            raise StoreAway(f"{self._exchange.address}: no answer ({fault}); check that the server runs") from None
        return Answer(204, b"")

    def query(self, statement: str, epoch: str, accept: str) -> bytes:
        return ask_influxql(self._exchange, self._bucket, statement, epoch, accept)

    def close(self) -> None:
        self._client.close()
        self._exchange.close()
