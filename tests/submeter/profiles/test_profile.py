"""Every profile that ships is a case; what is wrong in one is told with the file and the remedy."""

from collections import Counter
from pathlib import Path

import pytest

from submeter.profiles import Profile, decode_value, encode_value, find_profile, load_profile, load_profiles, plan_reads
from submeter.protocols.modbus import Request, build_request
from submeter.protocols.serial_format import parse_format
from submeter.words import QUANTITIES, ConfigError, Kind

FOLDER = Path(__file__).parents[3] / "config" / "profiles"
FILES = sorted(FOLDER.glob("*.toml"))


@pytest.fixture(params=FILES, ids=[f.stem for f in FILES])
def profile(request: pytest.FixtureRequest) -> Profile:
    return load_profile(request.param)


def test_there_are_profiles() -> None:
    assert {"acrel-adl400", "eastron-sdm630"} <= set(load_profiles(FOLDER))


class TestEveryProfile:
    def test_reads_the_register_that_is_settled(self, profile: Profile) -> None:
        assert any(QUANTITIES[r.quantity].kind is Kind.REGISTER for r in profile.register)

    def test_states_its_source_and_a_serial_format_that_exists(self, profile: Profile) -> None:
        assert all((profile.source.manual, profile.source.revision, profile.source.table, profile.source.checked))
        parse_format(profile.line.format)

    def test_is_patient_for_longer_than_it_waits(self, profile: Profile) -> None:
        line = profile.line
        assert 0 < line.turnaround_ms < line.answer_ms < line.worst_answer_ms

    def test_has_reads_that_can_be_asked(self, profile: Profile) -> None:
        for read in plan_reads(profile):
            build_request(Request(1, read.function, read.address, read.count))
            assert read.count <= profile.line.max_registers

    def test_has_reads_of_different_length_so_that_answers_tell_themselves_apart(self, profile: Profile) -> None:
        counts = Counter(read.count for read in plan_reads(profile))
        assert max(counts.values()) == 1

    def test_shows_ten_counts_of_each_register_exactly(self, profile: Profile) -> None:
        for register in profile.register:
            micro = 10 * register.scale_micro
            assert decode_value(register, encode_value(register, micro)) == micro


def test_the_first_profiles_registers_are_those_of_the_manual() -> None:
    rows = {r.quantity: (r.address, r.type, str(r.scale)) for r in load_profile(FOLDER / "acrel-adl400.toml").register}
    assert rows["energy_import"] == (0x000A, "uint32", "0.01")
    assert rows["energy_export"] == (0x0014, "uint32", "0.01")
    assert rows["voltage_c"] == (0x0063, "uint16", "0.1")
    assert rows["current_a"] == (0x0064, "uint16", "0.01")
    assert rows["power_active"] == (0x016A, "int32", "1")


def test_an_answer_captured_from_a_sibling_gives_plausible_values() -> None:
    """The captured frame of tests/submeter/protocols, 0061H to 0066H."""
    words = (2392, 2388, 2395, 89, 155, 119)
    values = {
        r.quantity: decode_value(r, words[r.address - 0x61 :][: r.count])
        for r in load_profile(FOLDER / "acrel-adl400.toml").register
        if 0x61 <= r.address <= 0x66
    }
    assert values == {
        "voltage_a": 239_200_000, "voltage_b": 238_800_000, "voltage_c": 239_500_000,
        "current_a": 890_000, "current_b": 1_550_000, "current_c": 1_190_000,
    }  # fmt: skip


def test_a_model_is_found_by_any_of_its_names() -> None:
    profiles = load_profiles(FOLDER)
    for name in ("ADL400", "adl400-d", "acrel-adl400", " DTSD1352 "):
        assert find_profile(profiles, name).id == "acrel-adl400"


def test_an_unknown_model_is_told_with_those_that_are_known() -> None:
    with pytest.raises(ConfigError, match=r"'ADL9' has no profile; known are: .*ADL400.*Add a file to config/profiles"):
        find_profile(load_profiles(FOLDER), "ADL9")


GOOD = (FOLDER / "acrel-adl400.toml").read_text(encoding="utf-8")
FAULTS = [
    ("an unknown field", 'protocol = "modbus-rtu"', 'protocol = "modbus-rtu"\ncolour = "red"', "colour"),
    ("another unit", 'unit = "kWh"', 'unit = "Wh"', "unit is 'Wh', must be 'kWh'"),
    ("an unknown quantity", '"voltage_a"', '"voltage_x"', "voltage_x: no such quantity"),
    ("an unknown type", 'type = "int32"', 'type = "bcd"', "no type 'bcd'"),
    ("a scale below a micro-unit", 'scale = "0.01"', 'scale = "0.0000005"', "must be a positive multiple of 0.000001"),
    ("a negative scale", 'scale = "1"', 'scale = "-1"', "must be a positive multiple"),
    (
        "a shared address",
        "address = 0x0014",
        "address = 0x000B",
        "energy_import and energy_export share address 0x000b",
    ),
    ("an address off the map", "address = 0x0014", "address = 0xFFFF", "address 0xffff with 2 registers"),
    ("a quantity that stands twice", '"voltage_b"', '"voltage_a"', "quantity voltage_a stands twice"),
    ("another id than the file's", 'id = "acrel-adl400"', 'id = "other"', "must be the file's name 'meter'"),
    ("a function that writes", "function = 3", "function = 6", "function"),
    ("another protocol", '"modbus-rtu"', '"dlt645"', "protocol"),
    ("a broken file", "[line]", "[line", "compare with the other files"),
]


@pytest.mark.parametrize(("before", "after", "told"), [f[1:] for f in FAULTS], ids=[f[0] for f in FAULTS])
def test_what_is_wrong_is_told_with_the_file(tmp_path: Path, before: str, after: str, told: str) -> None:
    text = GOOD if before == 'id = "acrel-adl400"' else GOOD.replace('id = "acrel-adl400"', 'id = "meter"')
    assert before in text
    path = tmp_path / "meter.toml"
    path.write_text(text.replace(before, after), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_profile(path)
    assert told in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_folder_tells_the_faults_of_all_its_files(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.toml").write_text('id = "x"', encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_profiles(tmp_path)
    assert "a.toml" in str(caught.value)
    assert "b.toml" in str(caught.value)


def test_a_file_that_cannot_be_read_is_a_config_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_profile(tmp_path / "none.toml")
