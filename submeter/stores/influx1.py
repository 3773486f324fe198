"""The way to InfluxDB 1.x: ``/write`` and ``/query``, user and password; its database is created when it may be."""

import base64

from submeter.stores import influxql
from submeter.stores.exchange import Answer, Exchange
from submeter.words import StoreAway

JSON = "application/json"
_SHARD = "26w"
"""the default of a week gives a back-filled year 52 shards, each with its files and its index"""


class Influx1:
    """Raises :class:`StoreAway` when the server does not answer or the database is neither there nor ours to create."""

    durable = "InfluxDB 1 answered 204 to every line: it is in its write-ahead log, by default synced to the disk"

    def __init__(self, host: str, port: int, database: str, user: str, password: str, tls: bool = False) -> None:
        login = base64.b64encode(f"{user}:{password}".encode()).decode()
        self._exchange = Exchange(host, port, {"Authorization": f"Basic {login}"} if user else {}, tls)
        self._database = database
        self._create()

    def _create(self) -> None:
        name = influxql.identifier(self._database)
        statement = f"CREATE DATABASE {name} WITH DURATION INF REPLICATION 1 SHARD DURATION {_SHARD} NAME autogen"
        answer = self._exchange.ask("POST", "/query", {"q": statement})
        if answer.status != 200 or influxql.error_in(answer.body):  # not ours to create; then it must be there
            self.query("SHOW MEASUREMENTS LIMIT 1", "ms", JSON)

    def write(self, body: bytes, precision: str) -> Answer:
        parameters = {"db": self._database, "precision": precision}
        return self._exchange.ask("POST", "/write", parameters, body, {"Content-Encoding": "gzip"})

    def query(self, statement: str, epoch: str, accept: str) -> bytes:
        return ask_influxql(self._exchange, self._database, statement, epoch, accept)

    def close(self) -> None:
        self._exchange.close()


def ask_influxql(exchange: Exchange, database: str, statement: str, epoch: str, accept: str) -> bytes:
    """An InfluxQL answer's body. Raises :class:`StoreAway` for every answer that is an error."""
    method = "GET" if statement.startswith(("SELECT", "SHOW")) else "POST"
    parameters = {"db": database, "epoch": epoch, "q": statement}
    answer = exchange.ask(method, "/query", parameters, headers={"Accept": accept})
    if answer.status != 200:
        raise StoreAway(f"{exchange.address}: answered {answer.status} to a query ({answer.text}); {_remedy(answer)}")
    error = influxql.error_in(answer.body)
    if error:
        raise StoreAway(
            f"{exchange.address}: cannot answer ({error}); check that {database!r} is there and may be read"
        )
    if accept != JSON and not answer.body.strip():  # as CSV an error looks like an empty answer
        ask_influxql(exchange, database, statement, epoch, JSON)
    return answer.body


def _remedy(answer: Answer) -> str:
    return "check user and password, or the token" if answer.status in (401, 403) else "look at the server's log"
