"""Statements and answers of InfluxQL."""

import numpy as np
import pytest

from submeter.stores import influxql
from submeter.words import StoreAway


def test_quotes_and_backslashes_in_names_stay_inside_of_them() -> None:
    assert influxql.string("it's a \\") == r"'it\'s a \\'"
    assert influxql.identifier('say "x"') == r'"say \"x\""'
    assert influxql.where({"point": "'; DROP"}) == r""""point" = '\'; DROP'"""


def test_a_span_is_half_open_and_within_what_the_server_can_say() -> None:
    assert influxql.between_ms(5, 9) == "time >= 5ms AND time < 9ms"
    assert influxql.between_ms(-(2**53), 2**53) == "time >= -9223372036000ms AND time < 9223372036000ms"


def test_csv_becomes_columns() -> None:
    answer = b"name,tags,time,value,known\ninterval,,1000,1.5,2\ninterval,,2000,-1e-06,0\n"

    time, value, known = influxql.csv_columns(answer, 3)

    assert (time.tolist(), value.tolist(), known.tolist()) == ([1000.0, 2000.0], [1.5, -1e-06], [2.0, 0.0])


@pytest.mark.parametrize("answer", [b"", b"name,tags,time,value\n"])
def test_an_empty_answer_is_empty_columns(answer: bytes) -> None:
    assert [len(column) for column in influxql.csv_columns(answer, 2)] == [0, 0]


def test_columns_that_were_not_asked_for_are_not_guessed_at() -> None:
    with pytest.raises(StoreAway, match="other columns"):
        influxql.csv_columns(b"name,tags,time,value\nreading,,1000,1.5,7\n", 2)


def test_json_of_several_statements_becomes_columns_in_their_order() -> None:
    answer = b'{"results":[{"statement_id":0},{"series":[{"columns":["time","value"],"values":[[60,1.5],[120,2]]}]}]}'

    (none, no_value), (time, value) = influxql.json_columns(answer, 2, 2)

    assert (none.tolist(), no_value.tolist(), time.tolist(), value.tolist()) == ([], [], [60.0, 120.0], [1.5, 2.0])


@pytest.mark.parametrize(("statements", "count"), [(1, 2), (3, 2), (2, 3), (2, 4)])
def test_json_that_was_not_asked_for_is_not_guessed_at(statements: int, count: int) -> None:
    with pytest.raises(StoreAway, match="not what was asked"):
        influxql.json_columns(
            b'{"results":[{"statement_id":0},{"series":[{"values":[[60,1.5],[120,2]]}]}]}', statements, count
        )


@pytest.mark.parametrize(
    "answer", [b'{"results":[{"error":"no such thing"}]}', b'{"error":"no such thing"}', b"error\nno such thing\n"]
)
def test_an_error_inside_of_a_good_status_is_found(answer: bytes) -> None:
    assert influxql.error_in(answer) == "no such thing"


def test_good_answers_hold_no_error() -> None:
    assert influxql.error_in(b'{"results":[{"statement_id":0}]}') == ""
    assert influxql.error_in(b"name,tags,time,value\n") == ""


def test_every_micro_unit_comes_back_through_a_decimal() -> None:
    rng = np.random.default_rng(3)
    micro = np.concatenate((rng.integers(-(10**15), 10**15, 100_000), rng.integers(-(10**7), 10**7, 100_000)))
    read = np.array([float(repr(value)) for value in (micro / 1e6).tolist()])

    assert np.array_equal(np.rint(read * 1e6).astype(np.int64), micro)
