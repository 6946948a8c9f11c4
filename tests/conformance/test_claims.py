"""What counts as a claim in the source of a test."""

from __future__ import annotations

from pathlib import Path

from tests.conformance.catalogue import read_catalogue
from tests.conformance.claims import TESTS, Claim, claims_in
from tests.conformance.ids import spelled

SOURCE = """
import pytest

async def test_E05_FR_02_it_stops(): ...

@pytest.mark.parametrize("a", [1])
@pytest.mark.proves("E04.FR.01", "TC_E_40_CS")
def test_the_dark(a): ...

class TestOfAll:
    def test_E06_FR_01_it_ends(self): ...

def helper_E07_FR_01(): ...
"""


def tree(folder: Path, *files: str) -> None:
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(SOURCE, encoding="utf-8")


def test_names_and_marks_claim_and_helpers_do_not(tmp_path: Path) -> None:
    tree(tmp_path, "tests/blocks/test_e.py")
    file = "tests/blocks/test_e.py"
    assert list(claims_in(tmp_path / "tests", set(), tmp_path)) == [
        Claim("E05.FR.02", file, "test_E05_FR_02_it_stops"),
        Claim("E04.FR.01", file, "test_the_dark"),
        Claim("TC_E_40_CS", file, "test_the_dark"),
        Claim("E06.FR.01", file, "TestOfAll::test_E06_FR_01_it_ends"),
    ]


def test_what_proves_something_of_the_csms_of_the_tests_proves_nothing_of_the_station(tmp_path: Path) -> None:
    tree(tmp_path, "tests/csms/test_judge.py", "tests/emulators/deep/test_x.py", "tests/blocks/no_test.py")
    assert list(claims_in(tmp_path / "tests", set(), tmp_path)) == []


def test_every_id_that_a_test_claims_exists() -> None:
    catalogue = read_catalogue()
    unknown = [claim for claim in claims_in(TESTS, catalogue.known) if claim.name not in catalogue.known]
    assert not unknown, "\n".join(f"{claim.node}: there is no {claim.name}" for claim in unknown)


def test_nothing_that_a_test_claims_is_said_not_to_apply() -> None:
    catalogue = read_catalogue()
    excused = [claim for claim in claims_in(TESTS, catalogue.known) if catalogue.reason(claim.name) is not None]
    assert not excused, f"not_applicable.toml names what has a test: {spelled(claim.name for claim in excused)}"
