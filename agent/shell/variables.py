"""Variables as a technician sees them: what the CSMS is told, and no secret.  Sets none, and knows no socket."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from agent.model.device import DeviceModel, Slot, Spot

Answer = dict[str, Any]

MOST_AT_ONCE = 2000
"""A small board is busy for so long with them that it would be late for other things with more."""


class VariablesAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``variables``: what is wanted of them; names without regard to case.

    ``text`` is a part of a name as a person writes it, ``EVSE(1).Power`` or ``timeout``.
    """

    text: str = ""
    component: str | None = None
    variable: str | None = None
    evse: int | None = None
    changed: bool = False
    skip: Annotated[int, Meta(ge=0)] = 0
    limit: Annotated[int, Meta(ge=1, le=MOST_AT_ONCE)] = 1000


def variables_status(model: DeviceModel, asked: VariablesAsked) -> Answer:
    """What ``variables`` says: those that fit, by name, and how many there are."""
    part = asked.text.replace(" ", "").casefold()
    found = [slot for slot in model.slots() if _fits(slot, asked) and (not part or part in name_of(slot).casefold())]
    found.sort(key=_order)
    shown = found[asked.skip : asked.skip + asked.limit]
    return {"total": len(found), "variables": [_variable_status(slot) for slot in shown]}


def name_of(slot: Slot) -> str:
    """As a person writes it, in one word."""
    return str(slot.spot).replace(" ", "")


def is_changed(slot: Slot) -> bool:
    """Whether it is another value than that of a new station of this board."""
    return slot.live is None and slot.value != slot.initial


def _fits(slot: Slot, asked: VariablesAsked) -> bool:
    spot = slot.folded
    return (
        _is_named(asked.component, spot.component)
        and _is_named(asked.variable, spot.variable)
        and asked.evse in (None, spot.evse)
        and (is_changed(slot) or not asked.changed)
    )


def _is_named(asked: str | None, folded: str) -> bool:
    return asked is None or asked.casefold() == folded


def _order(slot: Slot) -> tuple[str, int, int, str, str, str]:
    spot = slot.folded
    instances = spot.component_instance or "", spot.instance or ""
    return spot.component, spot.evse or 0, spot.connector or 0, instances[0], spot.variable, instances[1]


def place_status(spot: Spot) -> Answer:
    """Component, EVSE and variable, as whatever is told of a place of the device model begins."""
    return {
        "component": spot.component,
        "component_instance": spot.component_instance,
        "evse": spot.evse,
        "connector": spot.connector,
        "variable": spot.variable,
        "instance": spot.instance,
    }


def _variable_status(slot: Slot) -> Answer:
    spot, variable = slot.spot, slot.variable
    default = None if variable.mutability == "WriteOnly" or slot.live is not None else variable.to_text(slot.initial)
    return {
        "name": name_of(slot),
        **place_status(spot),
        "value": slot.text(),
        "unit": variable.unit or None,
        "type": variable.data_type,
        "mutability": slot.mutability,
        "default": default,
        "changed": is_changed(slot),
        "reboot": variable.reboot,
    }
