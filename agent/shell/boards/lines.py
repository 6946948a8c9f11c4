"""The lines of a board file: what is wrong with them, and who shares one or an address on it.  Opens none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from board.walk import faults_in, mended
from hal.errors import UnknownDriver
from hal.registry import bus_class, driver_class, make_bus

AnyPart = Any
"""A table of the board file that names a driver, a bus and options."""

Taken = dict[tuple[str | None, object], list[tuple[str, str, object]]]
"""Who has an address, a unit or a line, of a bus: the place, the driver, and the device that it is a part of."""


class Lines:
    """The buses of a file: their faults, and those that can be made."""

    def __init__(self, table: dict[str, Any]) -> None:
        found = table.get("bus")
        self.named: dict[str, Any] = found if isinstance(found, dict) else {}
        self.made: dict[str, Any] = {}
        self.faults: list[str] = []
        self._owners: dict[str, str] = {}
        for name, bus in self.named.items():
            if isinstance(bus, dict):
                self.faults += self._look(name, bus)

    def _look(self, name: str, bus: dict[str, Any]) -> Iterator[str]:
        where = f"$.bus.{name}"
        options = {key: value for key, value in bus.items() if key != "kind"}
        if "kind" not in bus:
            yield f"{where}: missing key 'kind'"
            return
        try:
            kind = bus_class(str(bus["kind"]))
        except UnknownDriver as error:
            yield f"{where}.kind: {error}"
            return
        faults = list(faults_in(options, kind.Config, where))
        yield from faults
        sound = _stand_in(options, kind) if faults else options
        if sound is not None:
            self.made[name] = make_bus(str(bus["kind"]), sound, where)
        yield from self._shared_device(name, bus, where)

    def _shared_device(self, name: str, options: dict[str, Any], where: str) -> Iterator[str]:
        """A device is opened by one bus."""
        for key in ("device", "match"):
            if key in options:
                owner = self._owners.setdefault(f"{key} {options[key]}", name)
                if owner != name:
                    yield f"{where}.{key}: {options[key]!r} is what bus {owner!r} opens"


def _stand_in(options: dict[str, Any], kind: Any) -> dict[str, Any] | None:
    """What is right of a bus's options, or any device: its parts are looked at all the same."""
    for stand_in in (mended(options, kind.Config), {"device": "-"}):
        if stand_in is not None and not list(faults_in(stand_in, kind.Config, "")):
            return dict(stand_in)
    return None


def sharing_faults(name: str, parts: list[tuple[str, AnyPart]]) -> Iterator[str]:
    """A line of one part may be shared by different parts of one device."""
    (first, first_part), *others = parts
    seen = [(first_part.driver, first_part.options)]
    for where, part in others:
        line = _line_type(part)
        if line is None or line is not _line_type(first_part):
            yield f"{where}.bus: bus {name!r} belongs to one part, and {first} is on it"
        elif (part.driver, part.options) in seen:
            yield f"{where}: {part.driver!r} with these options is on bus {name!r} already"
        seen.append((part.driver, part.options))


def _line_type(part: AnyPart) -> object:
    """What the drivers of one device with several parts share a line through; None: they have it for themselves."""
    try:
        return getattr(driver_class(part.driver), "line_type", None)
    except UnknownDriver:
        return None


def taken_by(where: str, part: AnyPart, address: object, taken: Taken) -> str:
    """Who has this unit or line already, unless both are parts of one device."""
    others = taken.setdefault((part.bus, address), [])
    device = _line_type(part)
    clashes = (place for place, driver, its in others if device is None or its is not device or driver == part.driver)
    first = next(clashes, "")
    others.append((where, part.driver, device))
    return first
