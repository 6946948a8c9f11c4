"""What an older release stored of the device model, taken up by this one.  Does not know how it is stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from msgspec.structs import replace

from agent.model.device import DeviceModel, Slot, Spot


class Name(NamedTuple):
    """A variable wherever it is: of every EVSE, connector and instance of its component."""

    component: str
    variable: str
    instance: str | None = None


RENAMED: Mapping[Name, Name] = {}
"""What an older release called otherwise: its name then -> its name now.  No release has renamed any yet."""


def carried(spot: Spot, renamed: Mapping[Name, Name] | None = None) -> Spot:
    """Where a stored value belongs by now."""
    name = (RENAMED if renamed is None else renamed).get(Name(spot.component, spot.variable, spot.instance))
    if name is None:
        return spot
    return replace(spot, component=name.component, variable=name.variable, instance=name.instance)


def restore(model: DeviceModel, spot: Spot, text: str) -> str:
    """Give a stored value back to its variable; why not, where nothing can have it any more."""
    slot = model.find(spot)
    if slot is None:
        return f"{spot} is not there any more"
    if held_by_board(slot):
        return f"{spot} cannot be set any more"
    status, why = model.put(slot, text, by_csms=not slot.fixed)
    return why if status == "Rejected" else ""


def held_by_board(slot: Slot) -> bool:
    """Measured, or with one value only on this board."""
    return slot.live is not None or (slot.fixed and slot.variable.mutability != "ReadOnly")
