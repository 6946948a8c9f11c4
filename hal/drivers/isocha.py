"""Bender isoCHA425HV on a Modbus line: insulation of a DC output.  Knows no session; its relay is what switches off."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Annotated

from msgspec import Meta

from hal.bus.rtu import RtuBus
from hal.drivers.rtu_controller import RtuConfig, RtuController
from hal.events import HardwareFaulted, HardwareHealed, InsulationMeasured, InsulationTested
from hal.ports import Place, Post
from hal.wire import isocha as iso

BETWEEN_WRITES_S = 0.02
TEST_TAKES_S = 30.0
TEST_BEGINS_S = 3.0


class IsoCha425(RtuController):
    """One monitor.  Relay R2 belongs into the hardware's shutdown: what is read here is for the session only."""

    model = "Bender isoCHA425HV"

    class Config(RtuConfig, frozen=True, forbid_unknown_fields=True):
        """``pre_alarm_kohm`` and ``alarm_kohm`` are the response values R1 and R2, written when they differ."""

        unit: Annotated[int, Meta(ge=1, le=247)] = 3
        poll_s: Annotated[float, Meta(ge=0.1, le=10)] = 1.0
        pre_alarm_kohm: Annotated[int, Meta(ge=1, le=600)] = 250
        alarm_kohm: Annotated[int, Meta(ge=1, le=600)] = 100

    def __init__(self, config: Config, place: Place, bus: RtuBus, post: Post) -> None:
        super().__init__(config, place, bus, post)
        self._limits = ((iso.PRE_ALARM_KOHM, config.pre_alarm_kohm), (iso.ALARM_KOHM, config.alarm_kohm))
        self._test_asked = False
        self._test_since: float | None = None
        self._test_seen = False
        self._told: InsulationMeasured | None = None
        self._faulted = False

    def self_test(self) -> None:
        self._test_asked = True
        self._wake.set()

    async def greet(self) -> None:
        name = iso.read_name(await self._bus.read_holding(self._unit, iso.NAME, iso.NAME_WORDS))
        if name and not name.lower().startswith("iso"):
            self._presence.warn("name", f"calls itself {name!r}")
        for register, kohm in self._limits:
            await self._keep(register, kohm)
            await asyncio.sleep(BETWEEN_WRITES_S)

    async def turn(self) -> None:
        if self._test_asked:
            await self._bus.write_registers(self._unit, iso.START_SELF_TEST, [iso.SELF_TEST_KEY])
            self._test_asked, self._test_since, self._test_seen = False, monotonic(), False
            self._tell(None)
        words = await self._bus.read_holding(self._unit, iso.RESISTANCE, iso.VALUE_WORDS)
        value = iso.read_value(words)
        if value is None:
            self._presence.warn("senseless", f"a value that is none: {words}")
            self._tell(None)
            return
        self._look_for_fault(value.faulted)
        self._look_at_test(value)
        self._tell(value.number if value.usable and self._test_since is None else None)

    def forget(self) -> None:
        """A value that nobody confirms is none."""
        if self._told is not None:
            self._tell(None)
        self._told, self._test_since = None, None

    def _look_at_test(self, value: iso.Value) -> None:
        """Passed: the device says that it tests, then that it does not, and has no fault."""
        if self._test_since is None:
            return
        took_s = monotonic() - self._test_since
        self._test_seen = self._test_seen or value.testing
        begun = self._test_seen or took_s > TEST_BEGINS_S  # a fast one may be over between two readings
        if begun and not value.testing:
            self._tested(not value.faulted)
        elif took_s > TEST_TAKES_S:
            self._tested(False)

    def _tested(self, passed: bool) -> None:
        self._test_since = None
        if not passed:
            self._presence.warn("self test", "the self test of the insulation monitor failed")
        self._post(InsulationTested(self._place.evse, passed))

    def _look_for_fault(self, faulted: bool) -> None:
        if faulted is not self._faulted:
            self._faulted = faulted
            evse, text = self._place.evse, "the insulation monitor reports a fault of its own"
            self._post(HardwareFaulted(evse, "GroundFailure", None, "IMD", text) if faulted else _healed(evse))

    def _tell(self, ohm: float | None) -> None:
        event = InsulationMeasured(self._place.evse, None if ohm is None else round(ohm, -2))
        if event != self._told:
            self._told = event
            self._post(event)


def _healed(evse: int) -> HardwareHealed:
    return HardwareHealed(evse, "GroundFailure")
