"""A state that went to bytes and back goes on as if it had not."""

import zlib

import msgspec
import numpy as np

from analytics.anomalies.live import advance, packed, packed_feed, unpacked, unpacked_feed
from analytics.anomalies.live import keeping as kept_as
from tests.analytics.anomalies.live.three_meters import DAY, FAULT_D, begun, part_of, with_faults


def test_a_state_that_was_kept_tells_what_it_would_have_told() -> None:
    feed = with_faults()
    state = advance(begun(), part_of(feed, 0, FAULT_D * DAY + 5))[0]
    again = unpacked(packed(state))
    assert again is not None
    rest = part_of(feed, FAULT_D * DAY + 5, (FAULT_D + 5) * DAY)
    assert advance(again, rest)[1] == advance(state, rest)[1] != []
    assert packed(again) == packed(state)


def test_hours_that_were_kept_are_the_same_with_what_is_unknown() -> None:
    feed = part_of(with_faults(), 0, 30)
    feed.energy[1, 3] = np.nan
    for part, other in zip(unpacked_feed(packed_feed(feed)), feed, strict=True):
        np.testing.assert_array_equal(part, other)


def test_what_another_version_has_written_or_nobody_is_not_read() -> None:
    state = begun()
    other = zlib.compress(msgspec.msgpack.encode((kept_as.LAYOUT + 1, state), enc_hook=kept_as._plain))
    assert unpacked(other) is None
    assert unpacked(b"no state") is None
    assert unpacked(zlib.compress(msgspec.msgpack.encode((kept_as.LAYOUT, {"names": ["a"]})))) is None
