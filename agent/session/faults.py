"""What is broken at one EVSE: faults that parts report, and parts that do not answer.  Knows no transaction."""

from __future__ import annotations

from collections.abc import Iterator

from agent.vocabulary.facts import EvseFaulted, EvseHealed, Fact
from hal.events import DeviceFound, DeviceLost, FaultCode, HardwareFaulted, HardwareHealed

HARMLESS_FAULTS: frozenset[FaultCode] = frozenset({"ReaderFailure"})
"""Faults that a technician should see but that take no power away."""

FaultEvent = HardwareFaulted | HardwareHealed | DeviceLost | DeviceFound


def concerns_all(event: object) -> bool:
    """Whether what is said of the whole station (``evse`` 0) takes the power of every EVSE away, or gives it back."""
    match event:
        case HardwareFaulted(evse=0) | HardwareHealed(evse=0):
            return True
        case DeviceLost(evse=0, part=part) | DeviceFound(evse=0, part=part):
            return kind_of(part) == "safety"
    return False


class Faults:
    """Each fault, and each part that is lost, from when it is first said until it is gone; told once each.

    A fault that several parts report is told for each, and gone when the last one has healed.
    """

    def __init__(self, evse_id: int) -> None:
        self._evse_id = evse_id
        self._reported: dict[tuple[FaultCode, int | None], set[str]] = {}
        self.lost_parts: dict[str, str] = {}

    def __iter__(self) -> Iterator[tuple[FaultCode, int | None]]:
        return iter(self._reported)

    def hold(self, connector: int | None = None) -> bool:
        """Whether one of the EVSE, or of this connector, takes its power away."""
        return any(_holds_power(part) for part in self.lost_parts) or any(
            code not in HARMLESS_FAULTS and (where is None or connector is None or where == connector)
            for code, where in self._reported
        )

    @property
    def meter_is_gone(self) -> bool:
        """Whether nothing can be read, signed or not."""
        return ("PowerMeterFailure", None) in self._reported or any(part.endswith("meter") for part in self.lost_parts)

    @property
    def pilot_is_gone(self) -> bool:
        """Whether nobody says what the vehicle and the contactor do; what they did last may not be so any more."""
        return any(part.endswith("pilot") for part in self.lost_parts)

    def receive(self, event: FaultEvent) -> list[Fact]:
        """Take what a part says of itself."""
        match event:
            case HardwareFaulted(code=code, connector=connector):
                return self.add(code, connector, event.vendor_code, event.text, event.part)
            case HardwareHealed(code=code, connector=connector, part=part):
                return self.heal(code, connector, part)
            case DeviceLost(part=part, reason=reason):
                return self._device_lost(part, reason)
            case DeviceFound(part=part):
                return self._device_found(part)

    def add(self, code: FaultCode, connector: int | None, vendor_code: str, text: str, part: str = "") -> list[Fact]:
        """Something is broken; ``part`` is empty where the session itself judges so."""
        parts = self._reported.setdefault((code, connector), set())
        if part in parts:
            return []
        parts.add(part)
        return [EvseFaulted(self._evse_id, code, connector, vendor_code, text)]

    def heal(self, code: FaultCode, connector: int | None, part: str = "") -> list[Fact]:
        """It works again, when no other part says the same."""
        parts = self._reported.get((code, connector), set())
        parts.discard(part)
        if parts or self._reported.pop((code, connector), None) is None:
            return []
        return [EvseHealed(self._evse_id, code, connector)]

    def _device_lost(self, part: str, reason: str) -> list[Fact]:
        if part in self.lost_parts:
            return []
        self.lost_parts[part] = reason
        return [EvseFaulted(self._evse_id, _lost_code(part), None, "DeviceLost", f"{part}: {reason}")]

    def _device_found(self, part: str) -> list[Fact]:
        if self.lost_parts.pop(part, None) is None:
            return []
        return [EvseHealed(self._evse_id, _lost_code(part))]


def kind_of(part: str) -> str:
    """``meter`` of ``evse[0].meter``."""
    return part.rpartition(".")[2].partition("[")[0]


def _holds_power(part: str) -> bool:
    return kind_of(part) in ("pilot", "meter", "lock", "rcd", "safety", "supply", "insulation")


def _lost_code(part: str) -> FaultCode:
    if part.endswith("meter"):
        return "PowerMeterFailure"
    if part.endswith("lock"):
        return "ConnectorLockFailure"
    internal = kind_of(part) in ("pilot", "thermometer", "rcd", "safety", "supply", "insulation")
    return "InternalError" if internal else "ReaderFailure"
