"""HTTP to one server, over connections that are kept: a question, its status, its answer.

Whatever keeps an answer from coming is :class:`~submeter.words.StoreAway`. Nothing is asked twice here, except on a
kept connection that the server had closed in the meantime.
"""

import http.client
import ssl
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlencode

from submeter.words import StoreAway


class Answer(NamedTuple):
    status: int
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace").strip()[:300]


class Exchange:
    """``headers`` go with every question. Threads may share one."""

    def __init__(
        self, host: str, port: int, headers: Mapping[str, str], tls: bool = False, timeout_s: float = 30.0
    ) -> None:
        self.address = f"{'https' if tls else 'http'}://{host}:{port}"
        self._host, self._port, self._headers, self._timeout_s = host, port, dict(headers), timeout_s
        self._context = ssl.create_default_context() if tls else None
        self._idle: list[http.client.HTTPConnection] = []

    def ask(
        self,
        method: str,
        path: str,
        parameters: Mapping[str, str],
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One question. Raises :class:`StoreAway` when no answer comes."""
        target = f"{path}?{urlencode(parameters)}"
        every = {**self._headers, **(headers or {})}
        try:
            kept = self._kept()
            if kept:
                try:
                    return self._on(kept, method, target, body, every)
                except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                    self._idle.clear()  # the server closed it while it lay idle
            return self._on(self._connection(), method, target, body, every)
        except (OSError, http.client.HTTPException) as fault:
            self._idle.clear()
            what = " ".join(str(fault).split()) or type(fault).__name__
            raise StoreAway(
                f"{self.address}: no answer ({what}); check that the server runs and can be reached"
            ) from None

    def _kept(self) -> http.client.HTTPConnection | None:
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def _connection(self) -> http.client.HTTPConnection:
        if self._context:
            return http.client.HTTPSConnection(self._host, self._port, timeout=self._timeout_s, context=self._context)
        return http.client.HTTPConnection(self._host, self._port, timeout=self._timeout_s)

    def _on(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        target: str,
        body: bytes | None,
        headers: dict[str, str],
    ) -> Answer:
        try:
            connection.request(method, target, body, headers)
            response = connection.getresponse()
            answer = Answer(response.status, response.read())
        except BaseException:
            connection.close()
            raise
        if response.will_close:
            connection.close()
        else:
            self._idle.append(connection)
        return answer

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()
