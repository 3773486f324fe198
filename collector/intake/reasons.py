"""Why a record goes to quarantine: the codes, what each means, and what an engineer does about it.

The table in ``docs/wire.md`` is made from :data:`REASONS`, and a test compares the two.
"""

from enum import StrEnum
from typing import Final, NamedTuple


class Reason(StrEnum):
    TOPIC = "topic"
    FOREIGN_STATUS = "foreign_status"
    TOO_LARGE = "too_large"
    UNREADABLE = "unreadable"
    DEADLY = "deadly"
    BAD_RECORD = "bad_record"
    BAD_NAME = "bad_name"
    OTHER_BUILDING = "other_building"
    UNKNOWN_QUANTITY = "unknown_quantity"
    WRONG_UNIT = "wrong_unit"
    UNKNOWN_GATEWAY = "unknown_gateway"
    NOT_ALLOWED = "not_allowed"
    UNKNOWN_METER = "unknown_meter"
    UNKNOWN_DEVICE = "unknown_device"
    NO_VALUE = "no_value"
    OUT_OF_RANGE = "out_of_range"
    BAD_TIME = "bad_time"
    CONFLICT = "conflict"
    REFUSED = "refused"


class Meaning(NamedTuple):
    meaning: str
    remedy: str


REASONS: Final[dict[Reason, Meaning]] = {
    Reason.TOPIC: Meaning(
        "the topic is not `submeter/v1/<tenant>/<building>/<gateway>/<leaf>` of this tenant",
        "publish under the tenant's name; names are letters, digits, `_`, `.`, `-`",
    ),
    Reason.FOREIGN_STATUS: Meaning(
        "a gateway told its status under a building that gateways.csv does not give it",
        "correct the topic, or add the building to the gateway; the next status is taken",
    ),
    Reason.TOO_LARGE: Meaning("the payload is larger than 1,000,000 bytes", "send smaller packs"),
    Reason.UNREADABLE: Meaning("the payload is no SenML JSON list", "compare with the examples on this page"),
    Reason.DEADLY: Meaning(
        "the collector died twice while it was at this pack, so it is kept unread",
        "report it with the entry's record, which holds the payload's beginning and digest",
    ),
    Reason.BAD_RECORD: Meaning("the record is not of SenML's shape", "look at the place that the text names"),
    Reason.BAD_NAME: Meaning("the name is not `<point>/<device>/<quantity>`", "correct the name in the publisher"),
    Reason.OTHER_BUILDING: Meaning(
        "the name points to another building than the topic", "publish it under that building's topic"
    ),
    Reason.UNKNOWN_QUANTITY: Meaning("no quantity has this name", "use a name from the table of quantities"),
    Reason.WRONG_UNIT: Meaning("the unit is not exactly the quantity's", "convert in the publisher, and say the unit"),
    Reason.UNKNOWN_GATEWAY: Meaning(
        "the portfolio has no such gateway", "add it to `gateways.csv`; the record then comes back by itself"
    ),
    Reason.NOT_ALLOWED: Meaning(
        "the gateway may not speak for this building or station",
        "add the building to the gateway's row in `gateways.csv`; the record then comes back by itself",
    ),
    Reason.UNKNOWN_METER: Meaning(
        "the building has no such point", "add it to `meters.csv`; the record then comes back by itself"
    ),
    Reason.UNKNOWN_DEVICE: Meaning(
        "the point is known, but this device did not hang there at that time",
        "correct `serial`, `since` or `until` in `meters.csv`; the record then comes back by itself",
    ),
    Reason.NO_VALUE: Meaning("the value is absent, NaN or infinite", "send nothing where nothing was read"),
    Reason.OUT_OF_RANGE: Meaning(
        "no meter of this kind can show such a value", "check the profile: register address, scale, word order"
    ),
    Reason.BAD_TIME: Meaning(
        "the time is absent, relative, or not between the years 2000 and 2100",
        "send seconds since 1970 UTC; set the publisher's clock",
    ),
    Reason.CONFLICT: Meaning(
        "the same point, device, quantity and time is stored with another value; the stored one stays",
        "look for two publishers with one serial, or a clock that was set back; a correction is an entry of its own",
    ),
    Reason.REFUSED: Meaning("the store would not take this reading", "look at the text, which is the store's"),
}

REPLAYED: Final = frozenset({Reason.UNKNOWN_GATEWAY, Reason.NOT_ALLOWED, Reason.UNKNOWN_METER, Reason.UNKNOWN_DEVICE})
"""What a change of the portfolio can mend: such records are judged anew whenever it changes."""


def table() -> str:
    """The reasons as the Markdown table of ``docs/wire.md``."""
    rows = [f"| `{code}` | {m.meaning} | {m.remedy} |" for code, m in REASONS.items()]
    return "\n".join(["| reason | meaning | remedy |", "| --- | --- | --- |", *rows])
