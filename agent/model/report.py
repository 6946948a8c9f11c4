"""Which variables belong into a report (B07, B08).  Does not know how a report is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Literal

from agent.model.device import DeviceModel, Slot, Spot

Criterion = Literal["Active", "Available", "Enabled", "Problem"]

ABNORMAL = frozenset({"problem", "tripped", "overload", "fallback"})
"""True means that something is wrong (B07.FR.09)."""

Wanted = Mapping[tuple[str, str | None], list[Spot]]
"""What a CSMS asks for, by component and variable (None: all of them); names are folded."""


def everything(slot: Slot) -> bool:
    """FullInventory (B07.FR.08)."""
    return True


def settable(slot: Slot) -> bool:
    """ConfigurationInventory: what the operator can set (B07.FR.07)."""
    return not slot.fixed


def telling(slot: Slot) -> bool:
    """SummaryInventory: what is available, and what is wrong (B07.FR.09)."""
    name = slot.folded.variable
    return name == "availabilitystate" or (name in ABNORMAL and slot.read() is True)


BASES: Mapping[str, Callable[[Slot], bool]] = {
    "FullInventory": everything,
    "ConfigurationInventory": settable,
    "SummaryInventory": telling,
}


def wanted(spots: Iterable[tuple[Spot, bool]]) -> Wanted:
    """What is asked for, with whether it is about one variable or every variable of the component (B08.FR.20)."""
    found: dict[tuple[str, str | None], list[Spot]] = {}
    for spot, named in spots:
        folded = spot.folded()
        found.setdefault((folded.component, folded.variable if named else None), []).append(folded)
    return found


def is_wanted(slot: Slot, asked: Wanted) -> bool:
    """Whether one of what is asked for is this variable."""
    spot = slot.folded
    of_name = asked.get((spot.component, spot.variable), ())
    of_component = asked.get((spot.component, None), ())
    return any(_covers(each, spot) and each.instance in (None, spot.instance) for each in of_name) or any(
        _covers(each, spot) for each in of_component
    )


def _covers(asked: Spot, spot: Spot) -> bool:
    """What the CSMS leaves open covers every EVSE, connector and instance (B08.FR.21 to B08.FR.25)."""
    return (
        asked.evse in (None, spot.evse)
        and asked.connector in (None, spot.connector)
        and asked.component_instance in (None, spot.component_instance)
    )


def meets(model: DeviceModel, slot: Slot, criteria: Iterable[Criterion]) -> bool:
    """Whether its component meets one of them; what has no such variable does, but for Problem (B08.FR.07 to 10)."""
    spot = slot.folded
    for criterion in criteria:
        state = model.at(
            Spot(spot.component, criterion.lower(), None, spot.evse, spot.connector, spot.component_instance)
        )
        if state.read() is True if state is not None else criterion != "Problem":
            return True
    return False


def based_on(model: DeviceModel, base: str) -> Iterator[Slot]:
    """The variables of a base report, each looked at when it is its turn."""
    belongs = BASES[base]
    return (slot for slot in tuple(model.slots()) if belongs(slot))


def selected(model: DeviceModel, criteria: tuple[Criterion, ...], asked: Wanted) -> Iterator[Slot]:
    """The variables of a custom report: nothing asked for, and no criteria, means all (B08.FR.05)."""
    return (
        slot
        for slot in tuple(model.slots())
        if (not asked or is_wanted(slot, asked)) and (not criteria or meets(model, slot, criteria))
    )
