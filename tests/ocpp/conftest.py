"""Counts what the schema tests went through and says so at the end."""

from __future__ import annotations

from collections import Counter

import pytest

COUNTED = pytest.StashKey[Counter[str]]()


@pytest.fixture
def counted(request: pytest.FixtureRequest) -> Counter[str]:
    return request.config.stash.setdefault(COUNTED, Counter())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    counts = config.stash.get(COUNTED, None)
    if counts:
        terminalreporter.write_line("OCPP: " + ", ".join(f"{count:,} {what}" for what, count in counts.items()))
