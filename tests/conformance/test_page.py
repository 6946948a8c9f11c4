"""States, figures, the page, and the command."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.__main__ import DOCUMENT, main
from tests.conformance.catalogue import Catalogue, Reason, read_catalogue
from tests.conformance.claims import TESTS, Claim, claims_in
from tests.conformance.outcomes import key_of
from tests.conformance.page import failing_in, figures, page
from tests.conformance.standing import Standing, State, standing

CATALOGUE = Catalogue(
    requirements=("E01.FR.01", "E01.FR.02", "E01.FR.03", "E01.FR.20", "F01.FR.01"),
    cases=("TC_E_01_CS", "TC_E_02_CS"),
    others=frozenset({"E01.FR.11"}),
    reasons=(Reason(("E01.FR.20",), "never here"),),
)


def claim(name: str, test: str = "test_it") -> Claim:
    return Claim(name, "tests/blocks/test_e.py", test)


@pytest.fixture
def found() -> Standing:
    good = [claim(name) for name in ("E01.FR.01", "E01.FR.02", "E01.FR.11", "TC_E_01_CS")]
    bad = claim("E01.FR.02", "test_it_too")
    return standing(CATALOGUE, [*good, bad], [bad])


def test_one_claim_that_failed_is_enough(found: Standing) -> None:
    assert found.requirements == {
        "E01.FR.01": State.PASSING,
        "E01.FR.02": State.FAILING,
        "E01.FR.03": State.NONE,
        "E01.FR.20": State.NOT_APPLICABLE,
        "F01.FR.01": State.NONE,
    }
    assert found.cases == {"TC_E_01_CS": State.PASSING, "TC_E_02_CS": State.NONE}


def test_missing_is_what_has_neither_a_passing_test_nor_a_reason(found: Standing) -> None:
    assert found.missing("E") == ["E01.FR.02", "E01.FR.03"]
    assert found.missing("EF") == ["E01.FR.02", "E01.FR.03", "F01.FR.01"]
    assert found.missing("") == []


def test_figures_add_up(found: Standing) -> None:
    rows = dict(figures(found))
    assert rows["E transactions"] == [4, 1, 1, 1, 1, 2, 1, 0, 1, 0]
    assert rows["all"] == [5, 1, 1, 2, 1, 2, 1, 0, 1, 0]


def test_the_page_lists_every_id_under_its_state(found: Standing) -> None:
    text = page(found)
    assert "| E transactions | 4 | 1 | 1 | 1 | 1 | 2 | 1 | 0 | 1 | 0 |\n" in text
    assert "- passing: E01.FR.01, TC_E_01_CS\n- failing: E01.FR.02\n- none: E01.FR.03, TC_E_02_CS\n" in text
    assert "- does not apply:\n  - E01.FR.20: never here\n" in text


def test_what_fails_is_read_back_from_the_page_over_line_ends() -> None:
    names = [f"{block}{use_case:02}.FR.{n:02}" for block in "EF" for use_case in range(1, 9) for n in range(1, 30)]
    catalogue = Catalogue(tuple(names), (), frozenset(), ())
    claims = [claim(name) for name in names]
    assert failing_in(page(standing(catalogue, claims, claims))) == set(names)
    assert failing_in(page(standing(catalogue, claims, []))) == set()


def test_the_page_of_the_documentation_is_that_of_these_tests() -> None:
    """All but what failed can be told without a run; that is taken from the page itself."""
    catalogue, text = read_catalogue(), DOCUMENT.read_text(encoding="utf-8")
    claims = list(claims_in(TESTS, catalogue.known))
    failed = [each for each in claims if each.name in failing_in(text)]
    assert page(standing(catalogue, claims, failed)) == text, (
        "docs/conformance.md is out of date: run `make conformance`"
    )


# ---- the command ----


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """As if every test that claims something had passed, but for those that claim G02.FR.01."""
    path = tmp_path / "results.xml"
    path.write_text(f"<testsuite>{''.join(map(element, claims_in(TESTS, read_catalogue().known)))}</testsuite>")
    return path


def element(claim: Claim) -> str:
    classname, _, name = key_of(claim).rpartition(".")
    inside = "<failure/>" if claim.name == "G02.FR.01" else ""
    return f'<testcase classname="{classname}" name="{name}">{inside}</testcase>'


def command(results: Path, *arguments: str) -> int:
    return main(["--results", str(results), "--document", str(results.with_name("page.md")), *arguments])


def test_the_report_is_no_verdict(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(results) == 0
    said = capsys.readouterr()
    assert "G availability" in said.out
    assert "G02.FR.01: tests/blocks/test_g_availability.py::test_G02_FR_01" in said.err
    assert failing_in(results.with_name("page.md").read_text(encoding="utf-8")) >= {"G02.FR.01"}


def test_strict_fails_for_what_is_missing_in_its_blocks_and_names_it(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(results, "--strict", "G") == 1
    assert "G02.FR.01" in capsys.readouterr().err.splitlines()[-1]


def test_strict_in_a_block_that_does_not_exist_is_told(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command(results, "--strict", "GZ")
    assert "no block Z; blocks: ABCDEFGHIJKLMNOP" in capsys.readouterr().err


def test_without_results_there_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(tmp_path / "none.xml") == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
