"""What a pilot controller was last heard to say; gives what is new, causes first.  Knows no protocol."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import UNSET, UnsetType

from hal.events import (
    CableRated,
    CpState,
    Event,
    FaultCode,
    HardwareFaulted,
    HardwareHealed,
    PilotChanged,
    PowerChanged,
)

Fault = tuple[FaultCode, int | None]
"""What stands until it is healed: the code, and the connector where it is one's."""

Words = tuple[str, str]
"""The vendor's code, and a text."""


class PilotNews:
    """One EVSE's pilot, contactor, cable and faults."""

    def __init__(self, evse: int, connector: int) -> None:
        self._evse, self._connector = evse, connector
        self.faults: Mapping[Fault, Words] = {}
        self.forget()

    def forget(self) -> None:
        """Nothing of it is known to be true any more; a fault stays until it is seen to be gone."""
        self.closed: bool | None = None
        self._pilot: tuple[CpState, bool] | None = None
        self._cable_a: float | UnsetType | None = UNSET

    def look(
        self,
        pilot: tuple[CpState, bool] | None,
        closed: bool | None,
        faults: Mapping[Fault, Words],
        cable_a: float | UnsetType | None = UNSET,
    ) -> Iterator[Event]:
        """A fault before the contactor; the contactor opens before and closes after the pilot.  None: not told."""
        yield from self.look_at_faults(faults)
        if closed is False:
            yield from self._power_events(closed)
        if cable_a is not UNSET and cable_a != self._cable_a:
            self._cable_a = cable_a
            yield CableRated(self._evse, cable_a, self._connector)
        if pilot is not None and pilot != self._pilot:
            self._pilot = pilot
            yield PilotChanged(self._evse, pilot[0], self._connector, pwm=pilot[1])
        if closed:
            yield from self._power_events(closed)

    def look_at_faults(self, faults: Mapping[Fault, Words]) -> Iterator[Event]:
        """All that stand now."""
        before, self.faults = self.faults, faults
        for code, connector in before:
            if (code, connector) not in faults:
                yield HardwareHealed(self._evse, code, connector)
        for (code, connector), (vendor_code, text) in faults.items():
            known = before.get((code, connector))
            if known is None or known[0] != vendor_code:
                yield HardwareFaulted(self._evse, code, connector, vendor_code, text)

    def _power_events(self, closed: bool) -> Iterator[Event]:
        if closed != self.closed:
            self.closed = closed
            yield PowerChanged(self._evse, closed)
