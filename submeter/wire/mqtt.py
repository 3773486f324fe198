"""The one file that speaks MQTT: MQTT 5 over paho, with manual acknowledgement.

paho's callbacks run in its network thread, where an exception kills the thread while ``is_connected()`` stays true. So
callbacks only put into queues, and :meth:`Link.alive` asks the thread itself.
"""

import queue
import ssl
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import msgspec
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from submeter.words import ConfigError

RECEIVE_MAXIMUM: Final = 40
"""Messages that a broker may send before the first is acknowledged."""
SESSION_S: Final = 86_400
PATIENCE_S: Final = 5.0
"""How long a full inbox may stop the network thread (its keep-alive is 30 s)."""


class Broker(msgspec.Struct, frozen=True, kw_only=True):
    """Where the broker is. ``ca_file`` turns TLS on."""

    host: str = "127.0.0.1"
    port: int = 1883
    user: str = ""
    password: str = ""
    ca_file: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """What arrived. ``mid`` is bound to the ``connection`` it came on: after a reconnect it means another message."""

    topic: str
    payload: bytes
    qos: int
    mid: int
    connection: int
    retain: bool = False
    response_topic: str = ""
    correlation: bytes = b""


@dataclass(frozen=True, slots=True)
class Will:
    topic: str
    payload: bytes


class Line(Protocol):
    """What gateway and collector ask of a connection; :class:`Link` is the real one, ``wire.memory`` has another."""

    @property
    def inbox(self) -> "queue.Queue[Message]": ...
    @property
    def connection(self) -> int: ...
    @property
    def connected(self) -> bool: ...
    @property
    def refusal(self) -> str: ...
    @property
    def acknowledged(self) -> int: ...
    @property
    def pending(self) -> int: ...

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def alive(self) -> bool: ...
    def acknowledge(self, message: Message) -> None: ...
    def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        response_topic: str = "",
        correlation: bytes = b"",
        expiry_s: int = 0,
        retain: bool = False,
    ) -> bool: ...


@dataclass(slots=True)
class Link:
    """A connection that paho keeps up by itself. Everything that arrives waits in ``inbox``, which is bounded: when it
    is full the socket is not read, for :data:`PATIENCE_S` at most; what does not fit then is left unacknowledged and
    counted in ``overflowed``, and comes again after a reconnect (:meth:`stop`, :meth:`start`)."""

    broker: Broker
    client_id: str
    filters: tuple[str, ...] = ()
    will: Will | None = None
    clean: bool = False
    """a clean link keeps no session at the broker (gateways: receipts are worth nothing after a restart)"""
    inbox_size: int = 4 * RECEIVE_MAXIMUM
    inbox: "queue.Queue[Message]" = field(init=False)
    connection: int = 0
    """counts connections; 0 = never connected"""
    connected: bool = False
    refusal: str = ""
    """the last reason a broker gave for refusing us, or for hanging up"""
    overflowed: int = 0
    acknowledged: int = 0
    """PUBACKs that came"""
    _client: Any = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.inbox = queue.Queue(self.inbox_size)

    def start(self) -> None:
        """Begin connecting in the background. Raises :class:`ConfigError` for a CA file that cannot be read."""
        client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=self.client_id, protocol=paho.MQTTv5, manual_ack=True
        )
        if self.broker.user:
            client.username_pw_set(self.broker.user, self.broker.password)
        if self.broker.ca_file:
            try:
                client.tls_set(ca_certs=self.broker.ca_file, tls_version=ssl.PROTOCOL_TLS_CLIENT)
            except OSError as fault:
                raise ConfigError(f"broker.ca_file {self.broker.ca_file}: {fault}; name a PEM file") from None
        if self.will:
            client.will_set(self.will.topic, self.will.payload, qos=1, retain=True)
        client.reconnect_delay_set(min_delay=1, max_delay=30)
        client.max_queued_messages_set(1000)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        client.on_subscribe = self._on_subscribe
        properties = _properties(PacketTypes.CONNECT)
        properties.ReceiveMaximum = RECEIVE_MAXIMUM
        properties.SessionExpiryInterval = 0 if self.clean else SESSION_S
        self._client = client
        client.connect_async(
            self.broker.host, self.broker.port, keepalive=30, clean_start=self.clean, properties=properties
        )
        client.loop_start()

    def stop(self) -> None:
        if self._client is not None:
            self._client.disconnect()
            self._client.loop_stop()
            self._client = None
        self.connected = False

    def alive(self) -> bool:
        """Whether the network thread still runs (connected or trying to)."""
        thread = getattr(self._client, "_thread", None)
        return thread is not None and thread.is_alive()

    @property
    def pending(self) -> int:
        """Messages handed over that the broker has not acknowledged."""
        return len(self._client._out_messages) if self._client is not None else 0

    def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        response_topic: str = "",
        correlation: bytes = b"",
        expiry_s: int = 0,
        retain: bool = False,
    ) -> bool:
        """Hand a QoS 1 message to the network thread; False when it did not take it. Promises nothing about arrival."""
        properties = _properties(PacketTypes.PUBLISH)
        if response_topic:
            properties.ResponseTopic = response_topic
        if correlation:
            properties.CorrelationData = correlation
        if expiry_s:
            properties.MessageExpiryInterval = expiry_s
        if not self.connected:
            return False
        info = self._client.publish(topic, payload, qos=1, retain=retain, properties=properties)
        return bool(info.rc == MQTTErrorCode.MQTT_ERR_SUCCESS)

    def acknowledge(self, message: Message) -> None:
        """PUBACK, if the message's connection is still the present one (else the broker sends it again anyway)."""
        if message.qos and message.connection == self.connection and self._client is not None:
            self._client.ack(message.mid, message.qos)

    # called in paho's thread: enqueue, count, nothing else

    def _on_connect(self, client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self.refusal = str(reason)
            return
        self.connection += 1
        self.refusal = ""
        if self.filters:
            client.subscribe([(f, SubscribeOptions(qos=1)) for f in self.filters])
        self.connected = True

    def _on_disconnect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        was, self.connected = self.connected, False
        if reason.is_failure and was:  # after a refused connect paho calls it a protocol error; the broker's word stays
            self.refusal = str(reason)

    def _on_publish(self, _client: Any, _data: Any, _mid: int, reason: Any, _properties: Any) -> None:
        self.acknowledged += 1
        if reason.is_failure:
            self.refusal = f"a message was refused: {reason}"

    def _on_subscribe(self, _client: Any, _data: Any, _mid: int, reasons: Any, _properties: Any) -> None:
        failures = [str(reason) for reason in reasons if reason.is_failure]
        if failures:
            self.refusal = f"a subscription was refused: {failures[0]}"

    def _on_message(self, _client: Any, _data: Any, m: Any) -> None:
        properties = m.properties
        message = Message(
            m.topic,
            m.payload,
            m.qos,
            m.mid,
            self.connection,
            bool(m.retain),
            getattr(properties, "ResponseTopic", "") or "",
            getattr(properties, "CorrelationData", b"") or b"",
        )
        try:
            self.inbox.put(message, timeout=PATIENCE_S)
        except queue.Full:
            self.overflowed += 1


def _properties(packet: int) -> Properties:
    return Properties(packet)  # type: ignore[no-untyped-call]  # paho's is not annotated
