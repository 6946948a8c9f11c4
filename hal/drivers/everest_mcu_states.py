"""What a board of the EVerest family tells, as events, and what a wish is in its terms.  Pure."""

from __future__ import annotations

from collections.abc import Iterator

from hal.drivers.pilot_news import Fault, PilotNews, Words
from hal.events import CableRated, CpState, Event, FaultCode, PilotChanged, PowerChanged
from hal.ports import PilotIntent
from hal.wire.duty import duty_for
from hal.wire.everest_mcu import FULL, STATE_F, Cable, Errors, Flag, Model, Pilot, Relay, Told

MEANINGS: dict[Flag, tuple[FaultCode, str]] = {
    "diode": ("PilotFailure", "no diode in the vehicle"),
    "pilot": ("PilotFailure", "control pilot"),
    "rcd self test": ("InternalError", "self test of the residual current device failed"),
    "rcd": ("GroundFailure", "residual current device tripped"),
    "ventilation": ("VentilationRequired", "the vehicle asks for ventilation"),
    "lock": ("ConnectorLockFailure", "connector lock"),
    "over current": ("OverCurrentFailure", "vehicle draws more than offered"),
    "host silent": ("InternalError", "it has heard nothing of the agent for too long"),
    "coil": ("PowerSwitchFailure", "contactor is not where it should be"),
    "cable": ("OtherError", "cable coding (PP)"),
}

CABLE_FAULT: Flag = "cable"


def duty_of(intent: PilotIntent, min_a: float, max_a: float, model: Model) -> int:
    """State F when not available, x1 when nothing can be offered, else the offer."""
    if not intent.available:
        return STATE_F
    limit_a = min(intent.limit_a or 0.0, max_a)
    return model.x1 if limit_a < min_a else duty_for(limit_a, FULL)


def offers(duty: int) -> bool:
    """Whether the vehicle may draw."""
    return 0 < duty < FULL


class Seen:
    """What was told last of one port; ``look`` gives what is new."""

    def __init__(self, evse: int, connector: int) -> None:
        self._evse, self._connector = evse, connector
        self._news = PilotNews(evse, connector)
        self._flags: frozenset[Flag] = frozenset()
        self._bad_cable = False
        self.forget()

    def forget(self) -> None:
        """Nothing of it is known to be true any more; a fault stays until it is seen to be gone."""
        self._pilot: str | None = None
        self._closed: bool | None = None
        self._cable: float | str | None = "not told"

    @property
    def is_faulted(self) -> bool:
        return bool(self._news.faults)

    @property
    def has_tripped(self) -> bool:
        """The residual current device is open until somebody resets it."""
        return "rcd" in self._flags

    @property
    def is_drawing(self) -> bool:
        """The contactor is closed and the vehicle has not opened its own switch."""
        return self._closed is True and self._pilot in ("C", "D")

    def look(self, told: Told) -> Iterator[Event]:
        match told:
            case Pilot(state=state) if state != self._pilot:
                self._pilot = state
                yield PilotChanged(self._evse, CpState(state), self._connector)
            case Relay(closed=closed) if closed != self._closed:
                self._closed = closed
                yield PowerChanged(self._evse, closed)
            case Cable(limit_a=limit_a, fault=fault):
                self._bad_cable = fault
                yield from self._news.look_at_faults(self._present())
                if not fault and limit_a != self._cable:
                    self._cable = limit_a
                    yield CableRated(self._evse, limit_a, self._connector)
            case Errors(flags=flags):
                self._flags = flags
                yield from self._news.look_at_faults(self._present())

    def _present(self) -> dict[Fault, Words]:
        """Several flags may mean the same code."""
        flags = {*self._flags, CABLE_FAULT} if self._bad_cable else self._flags
        found: dict[Fault, Words] = {}
        for flag in sorted(flags):
            code, text = MEANINGS[flag]
            names, texts = found.get((code, None), ("", ""))
            found[code, None] = (f"{names}, {flag}".lstrip(", "), f"{texts}; {text}".lstrip("; "))
        return found
