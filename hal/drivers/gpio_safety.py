"""Switches that watch over a station (emergency stop, door, tilt, water) and the contact of a contactor, on GPIO lines.

They tell.  What has to open the contactor in time does so in hardware, not here.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from hal.bus.gpio import Bias, GpioBus, LineName, Lines, Offset, Pin
from hal.drivers.gpio_part import GpioPart
from hal.events import FaultCode
from hal.ports import Place, Post

Kind = Literal["emergency_stop", "door", "tilt", "water"]

KINDS: dict[Kind, tuple[FaultCode, str]] = {
    "emergency_stop": ("EmergencyStop", "the emergency stop is pressed"),
    "door": ("DoorOpen", "the door is open"),
    "tilt": ("TiltDetected", "the station leans"),
    "water": ("WaterDetected", "there is water inside"),
}
"""What a switch that is active means."""


class Switch(Pin, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One switch; ``report = "warning"``: told to a technician, takes no power away."""

    kind: Kind = "emergency_stop"
    report: Literal["fault", "warning"] = "fault"
    line: Offset | LineName = "ESTOP"
    active_low: bool = False
    bias: Bias = "as_is"


class GpioSafety(GpioPart):
    """Any number of switches.  Two of one kind are one fault, which is gone when both are."""

    class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
        """``inputs``: each a pin with its ``kind``."""

        inputs: Annotated[tuple[Switch, ...], Meta(min_length=1)] = (Switch(),)

    def __init__(self, config: Config, place: Place, bus: GpioBus, post: Post) -> None:
        super().__init__(place, bus, post, {str(number): each for number, each in enumerate(config.inputs)})
        self._switches = {str(number): each for number, each in enumerate(config.inputs)}
        self.watches = tuple(dict.fromkeys(KINDS[each.kind][0] for each in config.inputs if each.report == "fault"))

    async def serve(self, lines: Lines) -> None:
        while True:
            active = [each for name, each in self._switches.items() if lines.active[name]]
            held = {each.kind for each in active if each.report == "fault"}
            for kind, (code, text) in KINDS.items():
                if kind in held:
                    self.fault(code, text)
                else:
                    self.heal(code)
            for each in active:
                if each.report == "warning":
                    self._presence.warn(f"{each.kind} {each.line}", f"{KINDS[each.kind][1]} (line {each.line})")
            await lines.wait(self._wake)


class GpioContactorFeedback(GpioPart):
    """Mirror contact and coil of a contactor, both looked at: closed without its coil, it is welded.

    Welded is said until the agent is started anew: a contact that has come loose again is not good again.
    """

    watches: tuple[FaultCode, ...] = ("WeldedContactor", "PowerSwitchFailure")

    class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
        """``coil``: active while the coil has voltage; ``closed``: active while the main contacts are closed."""

        coil: Pin = Pin("CONTACTOR_COIL")
        closed: Pin = Pin("CONTACTOR_CLOSED")
        settle_s: Annotated[float, Meta(ge=0.02, le=5)] = 0.3

    def __init__(self, config: Config, place: Place, bus: GpioBus, post: Post) -> None:
        super().__init__(place, bus, post, {"coil": config.coil, "closed": config.closed})
        self._settle_s = config.settle_s

    async def serve(self, lines: Lines) -> None:
        while True:
            agree = await lines.until(lambda: lines.active["coil"] is lines.active["closed"], self._settle_s)
            if agree:
                self.heal("PowerSwitchFailure")
            if "WeldedContactor" in self._faults or (not agree and lines.active["closed"]):
                self.fault("WeldedContactor", "closed without voltage on its coil")
            if not agree and lines.active["coil"]:
                self.fault("PowerSwitchFailure", "not closed with voltage on its coil")
            await lines.wait(self._wake)
