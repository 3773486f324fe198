"""HTTP questions to a server that keeps connections, closes them, or talks nonsense."""

import socket
import threading
from collections.abc import Iterator

import pytest

from submeter.stores.exchange import Exchange
from submeter.words import StoreAway

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nkWh!"


class ScriptedServer:
    """Answers each request with the next of ``script``; ``None`` closes the connection instead of answering."""

    def __init__(self, script: list[bytes | None]) -> None:
        self._script = iter(script)
        self.connections = 0
        self.requests: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            with connection:
                self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        while request := connection.recv(65536):
            answer = next(self._script, None)
            if answer is None:
                return
            self.requests.append(request)
            connection.sendall(answer)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()


@pytest.fixture
def script() -> list[bytes | None]:
    return []


@pytest.fixture
def server(script: list[bytes | None]) -> Iterator[ScriptedServer]:
    started = ScriptedServer(script)
    yield started
    started.close()


@pytest.mark.parametrize("script", [[GOOD, GOOD]])
def test_a_connection_is_kept_and_headers_travel(server: ScriptedServer) -> None:
    exchange = Exchange("127.0.0.1", server.port, {"Authorization": "Token x"})

    answers = [exchange.ask("GET", "/query", {"q": "SELECT 'a b'"}) for _ in range(2)]
    exchange.close()

    assert answers == [(200, b"kWh!"), (200, b"kWh!")]
    assert server.connections == 1
    assert server.requests[0].startswith(b"GET /query?q=SELECT+%27a+b%27 HTTP/1.1\r\n")
    assert b"Authorization: Token x\r\n" in server.requests[1]


@pytest.mark.parametrize("script", [[GOOD, None, GOOD]])
def test_a_kept_connection_that_the_server_closed_is_replaced(server: ScriptedServer) -> None:
    exchange = Exchange("127.0.0.1", server.port, {})
    exchange.ask("GET", "/", {})

    assert exchange.ask("GET", "/", {}) == (200, b"kWh!")
    exchange.close()
    assert server.connections == 2


@pytest.mark.parametrize(
    "script", [[None], [b"what?\r\n\r\n"], [b"HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\nhalf", None]]
)
def test_no_answer_half_an_answer_and_nonsense_are_a_store_that_is_away(server: ScriptedServer) -> None:
    exchange = Exchange("127.0.0.1", server.port, {}, timeout_s=0.5)

    with pytest.raises(
        StoreAway, match=rf"http://127.0.0.1:{server.port}: no answer \(.+\); check that the server runs"
    ):
        exchange.ask("GET", "/", {})
