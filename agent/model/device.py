"""The device model: every variable with its value, by type for the agent and by name for the CSMS.  Stores nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal, TypeVar

import msgspec

from agent.model.catalogue import STATION_VARIABLES
from agent.model.variable import Mutability, Variable

T = TypeVar("T")

SetStatus = Literal[
    "Accepted", "Rejected", "UnknownComponent", "UnknownVariable", "NotSupportedAttributeType", "RebootRequired"
]
GetStatus = Literal["Accepted", "Rejected", "UnknownComponent", "UnknownVariable", "NotSupportedAttributeType"]


class Spot(msgspec.Struct, frozen=True):
    """Where a value is: names are folded, as identifierString is case-insensitive."""

    component: str
    variable: str
    instance: str | None = None
    evse: int | None = None
    connector: int | None = None
    component_instance: str | None = None

    def folded(self) -> Spot:
        """The key under which it is found."""
        return Spot(
            self.component.casefold(),
            self.variable.casefold(),
            self.instance.casefold() if self.instance else None,
            self.evse,
            self.connector,
            self.component_instance.casefold() if self.component_instance else None,
        )

    def __str__(self) -> str:
        """As a person reads it: EVSE(1).Power, OCPPCommCtrlr.MessageTimeout[Default]."""
        places = (self.evse, self.connector, self.component_instance)
        where = ", ".join(str(place) for place in places if place is not None)
        instance = f"[{self.instance}]" if self.instance else ""
        return f"{self.component}{f'({where})' if where else ''}.{self.variable}{instance}"

    def key(self) -> str:
        """The name of its record on disk."""
        places = (self.component, self.component_instance, self.evse, self.connector, self.variable, self.instance)
        return "variable/" + "/".join("" if place is None else str(place) for place in places)


class Slot:
    """One variable at one place: a stored value, or a live one that is asked for.

    ``initial`` is the value of a new station of this board; only what differs from it needs to be remembered.
    ``folded`` is the spot as names are compared.
    """

    __slots__ = ("fixed", "folded", "initial", "live", "objection", "spot", "value", "variable")

    def __init__(self, variable: Variable[Any], spot: Spot, folded: Spot, live: Callable[[], Any] | None) -> None:
        self.variable = variable
        self.spot = spot
        self.folded = folded
        self.live = live
        self.fixed = variable.mutability == "ReadOnly" or live is not None
        self.value = self.initial = variable.default
        self.objection: Callable[[Any], str] | None = None

    def read(self) -> Any:
        """The present value."""
        return self.value if self.live is None else self.live()

    @property
    def mutability(self) -> Mutability:
        """What the CSMS may do with it on this board."""
        return "ReadOnly" if self.fixed else self.variable.mutability

    def text(self) -> str | None:
        """The present value as the CSMS may read it; None: it may not."""
        return None if self.variable.mutability == "WriteOnly" else self.variable.to_text(self.read())


class DeviceModel:
    """All variables.  ``take_changes`` hands out what was set, for the disk and for those who act on it."""

    def __init__(self) -> None:
        self._slots: dict[Spot, Slot] = {}
        self._own: dict[Variable[Any], Slot] = {}  # what the agent reads itself, found without folding names
        self._components: set[tuple[str, int | None, int | None, str | None]] = set()
        self._changed: dict[Spot, Slot] = {}
        for variable in STATION_VARIABLES:
            self.declare(variable)

    def declare(
        self,
        variable: Variable[Any],
        *,
        evse: int | None = None,
        connector: int | None = None,
        live: Callable[[], Any] | None = None,
        component_instance: str | None = None,
    ) -> None:
        """Add a variable at a place; ``live`` is asked for the value at each reading."""
        spot = Spot(variable.component, variable.name, variable.instance, evse, connector, component_instance)
        folded = spot.folded()
        self._slots[folded] = self._own[variable] = Slot(variable, spot, folded, live)
        self._components.add((folded.component, evse, connector, folded.component_instance))

    def __getitem__(self, variable: Variable[T]) -> T:
        value: T = self._own[variable].read()
        return value

    def set(self, variable: Variable[T], value: T) -> bool:
        """Set a value of the right type; False where the variable does not allow it."""
        return self.write(self._own[variable].spot, variable.to_text(value), by_csms=False)[0] == "Accepted"

    def provide(self, spot: Spot, text: str) -> tuple[SetStatus, str]:
        """What a new station of this board has instead of the variable's own default."""
        told = self.write(spot, text, by_csms=False)
        slot = self._slots.get(spot.folded())
        if slot is not None:
            slot.initial = slot.value
            self._changed.pop(slot.spot, None)
        return told

    def fix(self, variable: Variable[T], value: T) -> None:
        """This board knows no other value: the CSMS can read it, not set it."""
        slot = self._own[variable]
        slot.value = slot.initial = value
        slot.fixed = True

    def withdraw(self, variable: Variable[T]) -> None:
        """This board has no part that it is about: the agent reads it, the CSMS does not know it."""
        slot = self._own[variable]
        del self._slots[slot.spot.folded()]
        places = {(spot.component, spot.evse, spot.connector, spot.component_instance) for spot in self._slots}
        self._components &= places

    def restrict(self, variable: Variable[T], objection: Callable[[T], str]) -> None:
        """The CSMS may set what the hardware can do: ``objection`` says what speaks against a value, or nothing."""
        self._own[variable].objection = objection

    def is_fixed(self, spot: Spot) -> bool:
        """Whether the CSMS may only read it."""
        slot = self._slots.get(spot.folded())
        return slot is not None and slot.fixed

    def find(self, spot: Spot) -> Slot | None:
        """The variable at this place."""
        return self._slots.get(spot.folded())

    def at(self, folded: Spot) -> Slot | None:
        """The variable at a place whose names are folded already."""
        return self._slots.get(folded)

    def read(self, spot: Spot) -> tuple[GetStatus, str]:
        """What the CSMS is told (B06)."""
        slot = self._slots.get(spot.folded())
        if slot is None:
            return self._unknown(spot), ""
        if slot.variable.mutability == "WriteOnly":
            return "Rejected", ""
        return "Accepted", slot.variable.to_text(slot.read())

    def write(self, spot: Spot, text: str, *, by_csms: bool = True) -> tuple[SetStatus, str]:
        """Set by name (B05): the status and, where it is refused, why."""
        slot = self._slots.get(spot.folded())
        return (self._unknown(spot), "") if slot is None else self.put(slot, text, by_csms=by_csms)

    def put(self, slot: Slot, text: str, *, by_csms: bool = True) -> tuple[SetStatus, str]:
        """Set where it is known already."""
        if by_csms and slot.fixed:
            return "Rejected", f"{slot.variable} is read-only"
        try:
            value = slot.variable.from_text(text)
        except ValueError as error:
            return "Rejected", str(error)
        why = slot.objection(value) if by_csms and slot.objection is not None else ""
        if why:
            return "Rejected", why
        if value != slot.value:
            slot.value = value
            self._changed[slot.spot] = slot
        return "RebootRequired" if slot.variable.reboot else "Accepted", ""

    def put_back(self, slot: Slot, value: Any) -> None:
        """What it was before it was set."""
        slot.value = value
        self._changed[slot.spot] = slot

    def reset(self, spot: Spot) -> bool:
        """Back to the value of a new station; False where there is no such variable."""
        slot = self._slots.get(spot.folded())
        if slot is None:
            return False
        slot.value = slot.initial
        self._changed[slot.spot] = slot
        return True

    def _unknown(self, spot: Spot) -> Literal["UnknownComponent", "UnknownVariable"]:
        folded = spot.folded()
        place = (folded.component, spot.evse, spot.connector, folded.component_instance)
        return "UnknownVariable" if place in self._components else "UnknownComponent"

    def take_changes(self) -> list[tuple[Slot, str | None]]:
        """What was set since the last call, with its text; None where it is as on a new station again."""
        changed, self._changed = self._changed, {}
        return [
            (slot, None if slot.value == slot.initial else slot.variable.to_text(slot.value))
            for slot in changed.values()
        ]

    def forget_changes(self) -> None:
        """What was set so far is on disk, or need not be."""
        self._changed = {}

    def slots(self) -> Iterable[Slot]:
        """Every variable at its place, for reports."""
        return self._slots.values()
