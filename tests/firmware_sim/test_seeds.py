import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim.seeds import CHUNK, normals, stream


def test_a_stream_belongs_to_its_names() -> None:
    """The value is fixed for ever: another process, machine or release must draw the same, or a demo that is resumed
    finds itself in another world."""
    assert stream(1, "a", 2).integers(1_000_000) == 470_644
    assert stream(2, "fault", "stuck", 0).integers(1_000_000) == 85_618
    assert stream(1, "a").integers(1_000_000) != stream(1, "b").integers(1_000_000)
    assert stream(1, "ab", "c").integers(1_000_000) != stream(1, "a", "bc").integers(1_000_000)


@given(st.integers(0, 3 * CHUNK), st.integers(0, 100))
def test_any_part_of_a_row_of_normals_is_the_same(first: int, count: int) -> None:
    whole = normals(1, "row", 0, 3 * CHUNK + 100)
    np.testing.assert_array_equal(normals(1, "row", first, count), whole[first : first + count])
