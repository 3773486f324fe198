"""Times on a serial line, by hand."""

import pytest

from submeter.protocols.serial_format import SerialFormat, parse_format


def test_a_character_has_a_start_bit_and_its_stop_bits() -> None:
    assert SerialFormat(9600).character_s == pytest.approx(10 / 9600)
    assert SerialFormat(9600, "E").character_s == pytest.approx(11 / 9600)
    assert SerialFormat(9600, "N", 2).character_s == pytest.approx(11 / 9600)


def test_the_silence_is_three_and_a_half_characters_up_to_19200_baud_and_fixed_above() -> None:
    assert SerialFormat(9600).silence_s == pytest.approx(0.0036458, abs=1e-6)
    assert SerialFormat(19200, "E").silence_s == pytest.approx(0.0020052, abs=1e-6)
    assert SerialFormat(38400).silence_s == 0.00175


@pytest.mark.parametrize("text", ["9600 8N1", "2400 8E1", "19200 8O2"])
def test_a_format_reads_as_it_is_written(text: str) -> None:
    assert str(parse_format(text)) == text


@pytest.mark.parametrize("text", ["", "9600", "9600 7E1", "9600 8X1", "0 8N1", "9600 8N3"])
def test_what_no_port_has_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="serial format"):
        parse_format(text)
