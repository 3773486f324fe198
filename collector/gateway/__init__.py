"""From sources to the broker: polls meters, keeps what they show until the store has it, sends.

``Outbox`` is the durable queue, ``Uplink`` sends from it and takes receipts, ``Gateway`` drives both and its sources;
``gateway_link`` makes the connection that the uplink needs.
"""

from collector.gateway.clockwork import told_by_systemd
from collector.gateway.gateway import Gateway
from collector.gateway.outbox import Outbox
from collector.gateway.uplink import Rules, Uplink, gateway_link

__all__ = ["Gateway", "Outbox", "Rules", "Uplink", "gateway_link", "told_by_systemd"]
