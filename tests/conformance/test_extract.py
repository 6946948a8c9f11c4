"""Sides and errata, from a specification of a few lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.extract import case_rows, requirement_rows, side_of

REQUIREMENTS = """id,use_case,block,precondition,requirement,note
A00.FR.003,A00,A,,The Charging Station SHALL hang up,
E06.FR.05,E06,E,,The Charging Station SHALL stop,
E06.FR.06,E06,E,,The CSMS SHALL be told,
"""
ERRATA = """
| Old text | E06.FR.06 | | The CSMS SHALL be told |
| New text | E06.FR.06 | | The Charging Station SHALL tell |
| Delete | E06.FR.05 | | The Charging Station SHALL stop |
| New requirement | A02.FR.28 | A02.FR.08 | The Charging Station SHALL fall back |
| 001.FR.20 | with two | Charging Station SHOULD use the main one |
| B10.FR.10 (new) | B10.FR.03 | Charging Station SHALL say it |
# 3. Part 3
| X | E06.FR.07 | | The Charging Station SHALL not be here |
"""
CASES = """id,profile,group,scenario,station,csms,condition,feature_no,feature
TC_0_06,Advanced User Interface,,,M,M,,UI-1,
TC_K_24,Smart Charging,,,C,,,HFS-8 > 1,
TC_K_24,ISO 15118 Support,,,C,,,HFS-8 > 1,
TC_N_48,Advanced Device Management,,,M,,,,
TC_A_02,Core,,,,M,,,
TC_O_15,Advanced User Interface,,,M,,,,
"""
PART_6 = "| Test case Id | TC_K_24_CS |\n| Test case Id | TC_0_39_CS |\n| Test case Id | TC_O_15_CS |\n"


@pytest.fixture
def specification(tmp_path: Path) -> Path:
    (tmp_path / "part6").mkdir()
    (tmp_path / "requirements.csv").write_text(REQUIREMENTS, encoding="utf-8")
    (tmp_path / "errata-2025-09.md").write_text(ERRATA, encoding="utf-8")
    (tmp_path / "testcases.csv").write_text(CASES, encoding="utf-8")
    (tmp_path / "part6" / "o.md").write_text(PART_6, encoding="utf-8")
    return tmp_path


def test_errata_add_change_and_remove(specification: Path) -> None:
    assert set(requirement_rows(specification)) == {
        ("E06.FR.06", "E", "station"),
        ("A02.FR.28", "A", "station"),
        ("O01.FR.20", "O", "station"),
        ("B10.FR.10", "B", "station"),
        ("C16.FR.08", "C", "station"),
    }


def test_a_case_is_that_of_its_profiles_and_errata(specification: Path) -> None:
    assert set(case_rows(specification)) == {
        ("TC_O_06_CS", "O", "Advanced User Interface", "M", ""),
        ("TC_K_24_CS", "K", "Smart Charging; ISO 15118 Support", "C", "HFS-8 > 1"),
        ("TC_N_48_CS", "N", "Advanced Device Management", "C", "AQ-10"),
        ("TC_O_39_CS", "O", "", "", ""),
    }


@pytest.mark.parametrize(
    ("text", "side"),
    [
        ("The Charging Station SHALL respond", "station"),
        ("CSMS SHALL respond to the Charging Station", "csms"),
        ("The Charging Station and CSMS SHALL only use one", "both"),
        ("The CSMS MAY ask. The Charging Station SHALL answer", "both"),
        ("The Local Controller MAY limit", "other"),
        ("The timestamp SHALL apply to all", "station"),
    ],
)
def test_the_subject_has_the_requirement(text: str, side: str) -> None:
    assert side_of("Z99.FR.01", text) == side


def test_an_override_has_the_last_word() -> None:
    assert side_of("F01.FR.06", "The message MAY contain an evseId") == "csms"
