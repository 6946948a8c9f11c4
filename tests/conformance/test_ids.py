"""Ids as they stand in names and lists."""

from __future__ import annotations

import pytest

from tests.conformance.ids import claimed, order, read, spelled

KNOWN = {"E14.FR.02", "E14.FR.03", "E14.FR.05", "B05.FR.05"}


@pytest.mark.parametrize(
    ("test", "names"),
    [
        ("test_E05_FR_02_it_stops", ["E05.FR.02"]),
        ("test_A00_FR_308_the_path_is_checked", ["A00.FR.308"]),
        ("test_E01_FR_09_E02_FR_09_registers", ["E01.FR.09", "E02.FR.09"]),
        ("test_B06_FR_06_unknown_component_and_B06_FR_07_unknown_variable", ["B06.FR.06", "B06.FR.07"]),
        ("test_G03_FR_01_02_03_in_and_out", ["G03.FR.01", "G03.FR.02", "G03.FR.03"]),
        ("test_E14_FR_02_to_05_ongoing", ["E14.FR.02", "E14.FR.03", "E14.FR.05"]),
        ("test_B05_FR_04_to_B05_FR_06_the_status", ["B05.FR.04", "B05.FR.05", "B05.FR.06"]),
        ("test_TC_E_03_CS_cable_first", ["TC_E_03_CS"]),
        ("test_D02_FR_01_TC_D_08_CS_the_version", ["D02.FR.01", "TC_D_08_CS"]),
        ("test_G03_FR_05", ["G03.FR.05"]),
    ],
)
def test_a_name_claims(test: str, names: list[str]) -> None:
    assert list(claimed(test, KNOWN)) == names


@pytest.mark.parametrize(
    "test",
    [
        "test_E06_each_stop_point_stops",
        "test_TC_E_17_a_part_of_the_case",
        "test_the_EVSE_of_FR_01",
        "test_E02_FR_x",
        "test_an_interval_of_0",
    ],
)
def test_a_name_without_a_whole_id_claims_nothing(test: str) -> None:
    assert list(claimed(test, KNOWN)) == []


def test_a_range_claims_its_ends_even_if_they_do_not_exist() -> None:
    """Else a slip of the pen would claim nothing, and nobody would be told."""
    assert list(claimed("test_E14_FR_05_to_77_too_far", KNOWN)) == ["E14.FR.05", "E14.FR.77"]


def test_a_list_is_read_back_as_it_was_spelled() -> None:
    names = ["C01.FR.01", "C01.FR.02", "C02.FR.01", "A00.FR.308", "TC_C_02_CS", "TC_C_04_CS"]
    assert spelled(names) == "A00.FR.308, C01.FR.01 02, C02.FR.01, TC_C_02_CS, TC_C_04_CS"
    assert list(read(spelled(names))) == sorted(names, key=order)
