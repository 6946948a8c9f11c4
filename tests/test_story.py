"""What stands in the log of a charge, and what never does."""

from __future__ import annotations

import logging

import pytest

from agent.story import csms_line, fact_line, tell
from agent.vocabulary.facts import TokenPresented, TokenRefused
from tests.bench import Bench

CODE = "730113"


def test_C04_FR_04_a_key_code_is_in_no_line_of_the_story(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()
    bench.accept()
    bench.plug_in()
    with caplog.at_level(logging.DEBUG):
        bench.swipe(CODE, kind="KeyCode")
        for fact in bench.facts:
            tell("facts", fact)
    assert any(isinstance(fact, TokenPresented) for fact in bench.facts)
    assert CODE not in caplog.text
    assert CODE[-4:] not in caplog.text


def test_a_card_is_told_by_its_end_only() -> None:
    bench = Bench()
    bench.accept()
    bench.swipe("04A2B3C4D5")
    lines = [fact_line(fact) or "" for fact in bench.facts if isinstance(fact, (TokenPresented, TokenRefused))]
    assert lines
    assert all("04A2B3" not in line and "C4D5" in line for line in lines)


def test_what_is_no_news_has_no_line() -> None:
    assert csms_line(object()) is None
