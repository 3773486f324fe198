"""Topics, there and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from submeter.wire.topic import LEAVES, NAME, Topic, parse_topic
from submeter.words import PayloadError

NAMES = st.from_regex(NAME, fullmatch=True)


@given(NAMES, NAMES, NAMES, st.sampled_from(LEAVES))
def test_a_topic_comes_back(tenant: str, building: str, gateway: str, leaf: str) -> None:
    topic = Topic(tenant, building, gateway, leaf)

    assert parse_topic(str(topic)) == topic


@pytest.mark.parametrize(
    "text",
    [
        "",
        "submeter/v2/demo/HQ01/gw1/readings",
        "submeter/v1/demo/HQ01/gw1",
        "submeter/v1/demo/HQ01/gw1/readings/more",
        "submeter/v1/demo/HQ01/gw1/other",
        "submeter/v1/demo//gw1/readings",
        "submeter/v1/demo/+/gw1/readings",
        "submeter/v1/demo/../gw1/readings",
        "submeter/v1/demo/HQ01/gw1\n/readings",
    ],
)
def test_another_topic_is_refused(text: str) -> None:
    with pytest.raises(PayloadError, match="topic"):
        parse_topic(text)
