"""The variables that OCPP 2.0.1 knows by name, and which of them a station must have.  Knows no value.

``referenced.csv`` has names and types out of Part 2 (referenced components and variables) and its appendix: what may be
done with a variable, the message that it comes with (nothing: it is there for every station), and under the component
``*`` what any component may have.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from agent.station import Station

NAMES = Path(__file__).with_name("referenced.csv")

ANY = "*"


class Referenced(NamedTuple):
    """One variable; ``mutability`` is ReadOnly, ReadWrite, WriteOnly, or any where a station may choose."""

    component: str
    variable: str
    instance: str
    required: str
    mutability: str
    type: str
    unit: str
    comes_with: str

    @property
    def name(self) -> tuple[str, str, str | None]:
        """As a report tells it."""
        return self.component, self.variable, self.instance or None


def referenced() -> Iterator[Referenced]:
    """All of them."""
    with NAMES.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        next(rows)
        yield from (Referenced(*row) for row in rows)


def applying(station: Station) -> list[Referenced]:
    """What there is for a station that answers these messages and says those, with a vehicle too where it can."""
    offered = {request.action for block in station.blocks for request in (*block.calls, *block.answers)}
    speaks = any(evse.layout.has_secc for evse in station.site.evses.values())
    return [
        each
        for each in referenced()
        if (not each.comes_with or each.comes_with in offered) and (speaks or each.component != "ISO15118Ctrlr")
    ]


def required(station: Station) -> list[Referenced]:
    """What it must have of that."""
    return [each for each in applying(station) if each.required]
