"""The table for the terminal, the page for the documentation, and the failing ids read back from that page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from textwrap import TextWrapper

from tests.conformance.catalogue import BLOCKS, block_of
from tests.conformance.ids import read, spelled
from tests.conformance.standing import Standing, State

FAILING = re.compile(rf"^- {State.FAILING}: (.*(?:\n  .*)*)", re.MULTILINE)

OPENING = """\
# Conformance with OCPP 2.0.1

What of OCPP 2.0.1 edition 3, with the errata of 2025-09, has a passing test.  `make conformance` runs the tests that
claim something and writes this page.  The requirements are those that bind a charging station; the certification cases
are those of Part 6 for a station that a certification profile makes mandatory or conditional.  The parts are emulated
and the CSMS belongs to the tests: nothing of this was seen by a certification laboratory.

A test claims by its name, `test_E05_FR_02_...` or `test_TC_E_03_CS_...`; what a name cannot carry is claimed with
`@pytest.mark.proves("E04.FR.01")`.  An id is *passing* when every test that claims it passed with all of its
parameters, *failing* when one did not, *none* when no test claims it: it is not built, or not proved.  What cannot
apply to this station, or is optional and was decided against, *does not apply*, with the reason beside it.
"""


def figures(standing: Standing) -> list[tuple[str, list[int]]]:
    """A row for each block and one for all: requirements, then cases; all of them, then state by state."""
    rows = [(f"{letter} {title}", row(standing, letter)) for letter, title in BLOCKS.items()]
    return [*rows, ("all", [sum(column) for column in zip(*(each for _, each in rows), strict=True)])]


def row(standing: Standing, block: str) -> list[int]:
    return [*counts(within(standing.requirements, block)), *counts(within(standing.cases, block))]


def within(states: Mapping[str, State], block: str) -> dict[str, State]:
    return {name: state for name, state in states.items() if block_of(name) == block}


def counts(states: Mapping[str, State]) -> list[int]:
    found = list(states.values())
    return [len(found), *(found.count(state) for state in State)]


# ---- the terminal ----


def overview(standing: Standing) -> str:
    heading = ("", *("all", "pass", "fail", "none", "n/a") * 2)
    title = f"{'OCPP 2.0.1 edition 3':26}{'station requirements':>30}   {'certification cases':>30}"
    return "\n".join([title, line(heading), *(line((name, *map(str, row))) for name, row in figures(standing))])


def line(cells: Sequence[str]) -> str:
    columns = [f"{cell:>6}" for cell in cells[1:]]
    return f"{cells[0]:26}{''.join(columns[:5])}   {''.join(columns[5:])}"


# ---- the page ----


def page(standing: Standing) -> str:
    lines = [OPENING, *table(standing), *(line for block in BLOCKS for line in section(standing, block))]
    return "\n".join(lines) + "\n"


def table(standing: Standing) -> Iterator[str]:
    states = " | ".join(State)
    yield f"| block | station requirements | {states} | certification cases | {states} |"
    yield "| --- |" + " ---: |" * 10
    for name, row in figures(standing):
        yield f"| {name} | {' | '.join(map(str, row))} |"


def section(standing: Standing, block: str) -> Iterator[str]:
    states = within({**standing.requirements, **standing.cases}, block)
    yield f"\n## {block} {BLOCKS[block]}\n"
    for state in (State.PASSING, State.FAILING, State.NONE):
        yield item(f"- {state}: {listed(name for name in states if states[name] is state)}")
    yield from excuses([name for name in states if states[name] is State.NOT_APPLICABLE], standing.reasons)


def excuses(names: Sequence[str], reasons: Mapping[str, str]) -> Iterator[str]:
    yield f"- {State.NOT_APPLICABLE}:" + ("" if names else " nothing")
    for reason in dict.fromkeys(reasons[name] for name in names):
        yield item(f"  - {listed(name for name in names if reasons[name] == reason)}: {reason}")


def listed(names: Iterable[str]) -> str:
    return spelled(names) or "nothing"


def item(text: str) -> str:
    """An item of a list, over as many lines as it takes."""
    indent = " " * (text.index("-") + 2)
    return TextWrapper(120, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False).fill(text)


def failing_in(text: str) -> set[str]:
    """What a page says is failing: the one thing on it that only a run can tell."""
    return {name for found in FAILING.findall(text) for name in read(" ".join(found.split()))}
