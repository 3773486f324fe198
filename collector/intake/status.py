"""What gateways say of themselves on their ``status`` topic: a JSON object, retained; the last will says ``online``.

Unknown fields are ignored; fields that are absent keep what was last said. A last will was written when its connection
began, so of what it says only that the gateway is gone is taken.
"""

import msgspec

from submeter.wire.topic import Topic
from submeter.words import GatewayStatus, PayloadError

NOTHING_SAID = {"told_ms": 0, "waiting": 0, "oldest_ms": 0, "polls": 0, "errors": 0}
LONGEST = 500
"""characters of a gateway's own text that are kept"""


def read_status(topic: Topic, payload: bytes, last: GatewayStatus | None) -> GatewayStatus:
    """The entry of the gateway that the topic names. Raises :class:`PayloadError` with the place of the fault."""
    try:
        said = msgspec.json.decode(payload, type=dict[str, object])
        before = msgspec.to_builtins(last) if last else NOTHING_SAID
        if last and said.get("online") is False:
            said = {"online": False}
        who = {"id": topic.gateway, "building": topic.building}
        status = msgspec.convert({**before, **said, **who}, GatewayStatus)
    except (msgspec.ValidationError, msgspec.DecodeError) as fault:
        raise PayloadError(f"status of {topic.gateway} is not the JSON object of docs/wire.md: {fault}") from None
    return msgspec.structs.replace(status, text=status.text[:LONGEST])
