"""Counts what the schema tests went through and says so at the end, whatever processes they ran in."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

COUNTED = pytest.StashKey[Counter[str]]()


def counts_of(config: pytest.Config) -> Counter[str]:
    return config.stash.setdefault(COUNTED, Counter())


@pytest.fixture
def counted(request: pytest.FixtureRequest) -> Counter[str]:
    return counts_of(request.config)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker of pytest-xdist hands in what it has."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["counted"] = dict(counts_of(session.config))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    counts_of(node.config).update(getattr(node, "workeroutput", {}).get("counted", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    counts = counts_of(config)
    if counts:
        terminalreporter.write_line("OCPP: " + ", ".join(f"{count:,} {what}" for what, count in counts.items()))
