"""What a run of pytest says about a test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.claims import Claim
from tests.conformance.outcomes import NoResults, key_of, passed, run

XML = """<testsuites><testsuite>
<testcase classname="tests.blocks.test_e" name="test_good"/>
<testcase classname="tests.blocks.test_e" name="test_mixed[1]"/>
<testcase classname="tests.blocks.test_e" name="test_mixed[2]"><failure>no</failure></testcase>
<testcase classname="tests.blocks.test_e" name="test_all[1]"/>
<testcase classname="tests.blocks.test_e" name="test_all[2]"/>
<testcase classname="tests.blocks.test_e.TestOf" name="test_left_out"><skipped/></testcase>
<testcase classname="tests.blocks.test_e" name="test_good_but"/>
<testcase classname="tests.blocks.test_e" name="test_good_but"><error>after it</error></testcase>
</testsuite></testsuites>"""


def test_a_test_passed_when_all_of_its_parameters_did(tmp_path: Path) -> None:
    results = tmp_path / "results.xml"
    results.write_text(XML, encoding="utf-8")
    assert passed(results) == {
        "tests.blocks.test_e.test_good": True,
        "tests.blocks.test_e.test_mixed": False,
        "tests.blocks.test_e.test_all": True,
        "tests.blocks.test_e.TestOf.test_left_out": False,
        "tests.blocks.test_e.test_good_but": False,
    }


TESTS = """
import pytest
class TestOf:
    @pytest.mark.parametrize("a", [1, 2])
    def test_good(self, a): ...
def test_bad(): assert False
"""


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """pytest alone, which starts in a fraction of the time."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")


@pytest.mark.usefixtures("plain")
def test_claims_find_their_tests_in_what_pytest_writes(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "test_some.py").write_text(TESTS, encoding="utf-8")
    (tmp_path / "deep" / "test_broken.py").write_text("import nothing_like_it", encoding="utf-8")
    results = tmp_path / "build" / "results.xml"
    run(["deep/test_some.py", "deep/test_broken.py", "deep/test_some.py"], results, tmp_path)
    outcomes = passed(results)
    assert outcomes[key_of(Claim("E01.FR.01", "deep/test_some.py", "TestOf::test_good"))] is True
    assert outcomes[key_of(Claim("E01.FR.01", "deep/test_some.py", "test_bad"))] is False


@pytest.mark.usefixtures("plain")
def test_a_run_that_cannot_begin_is_told(tmp_path: Path) -> None:
    with pytest.raises(NoResults, match=r"no_such_test\.py"):
        run(["no_such_test.py"], tmp_path / "results.xml", tmp_path)


@pytest.mark.parametrize("text", [None, "not XML"])
def test_a_file_that_is_no_result_is_told_with_its_name(tmp_path: Path, text: str | None) -> None:
    results = tmp_path / "results.xml"
    if text is not None:
        results.write_text(text, encoding="utf-8")
    with pytest.raises(NoResults, match=r"results\.xml"):
        passed(results)
