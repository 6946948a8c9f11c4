"""Which variables OCPP 2.0.1 wants of a station that offers what this one offers.  Knows no value.

``required.csv`` has the names: what the appendix of Part 2 calls required, what may be done with it, and the message
that it comes with; nothing in that column is wanted of every station.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from agent.station import Station

NAMES = Path(__file__).with_name("required.csv")


class Required(NamedTuple):
    """One variable; ``mutability`` is ReadOnly, ReadWrite, or any where a station may choose."""

    component: str
    variable: str
    instance: str
    mutability: str
    comes_with: str

    @property
    def name(self) -> tuple[str, str, str | None]:
        """As a report tells it."""
        return self.component, self.variable, self.instance or None


def every_name() -> Iterator[Required]:
    """All that is required of anybody."""
    with NAMES.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        next(rows)
        yield from (Required(*row) for row in rows)


def required(station: Station) -> list[Required]:
    """What is required of a station that answers these messages and says those."""
    offered = {request.action for block in station.blocks for request in (*block.calls, *block.answers)}
    return [each for each in every_name() if not each.comes_with or each.comes_with in offered]
