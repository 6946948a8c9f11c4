"""chargebyte's safety controller (Charge SOM, Charge Control Y): the host sets the PWM.  Knows no session."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from hal.bus.gpio import GpioBus, Pin
from hal.bus.serial import SerialBus
from hal.drivers.chargebyte_keepalive import PERIOD_S
from hal.drivers.chargebyte_line import SafetyLine, line_of
from hal.drivers.chargebyte_states import HOST_SILENT, Seen, control_for
from hal.drivers.presence import Presence
from hal.errors import BusLost, PartRefused
from hal.liveness import Liveness
from hal.ports import PilotIntent, PilotTraits, Place, Post
from hal.wire.chargebyte import (
    CHARGE_STATE,
    ERROR,
    FULL_DUTY,
    PT1000,
    READERS,
    ChargeState,
    Control,
    ErrorMessage,
    Frame,
    Layout,
    Malformed,
    Version,
    layout_of,
    temperatures,
)
from hal.wire.duty import MOST_A

NO_RESET_LINE = "only switching its power off and on leads out of it: the board file names no reset line"
RESET_BY_HAND = "it is reset when a technician clears the fault"
RESET_PULSE_S = 0.005


class Chargebyte:
    """The safety controller of one EVSE: duty and permission go out every 100 ms, pilot and contactor come back.

    **When the agent is gone, or hangs, the controller stops charging by itself**: it shows state F, opens the
    contactors and stays so until it is reset, as it does after any fault.
    """

    bus_type = SerialBus
    line_type = SafetyLine
    wants_liveness = True
    traits = PilotTraits(style="direct", on_host_loss="stops", keepalive_s=PERIOD_S)

    class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
        """``contactors``: numbers of those that carry this EVSE's power.  ``layout``: of the state frame.

        ``stop_s``: how long a vehicle may go on drawing after the pilot has stopped offering, before the contactor
        opens under load.  ``reset``: the GPIO line on ``reset_chip`` that resets the controller, where there is one.
        """

        contactors: Annotated[tuple[Annotated[int, Meta(ge=1, le=3)], ...], Meta(min_length=1, max_length=3)] = (1,)
        layout: Literal["by_firmware", "two_contactors", "three_contactors"] = "by_firmware"
        stop_s: Annotated[float, Meta(ge=0, le=6)] = 6.0
        reset: Pin | None = None
        reset_chip: Annotated[str, Meta(min_length=1)] = "/dev/gpiochip0"

    def __init__(self, config: Config, place: Place, bus: SerialBus, post: Post) -> None:
        self._config = config
        self._place = place
        self._post = post
        self.traits = msgspec.structs.replace(self.traits, max_a=min(place.limit_a, MOST_A))
        self._line = line_of(bus, place.part)
        self._presence = Presence(place, post)
        way_out = NO_RESET_LINE if config.reset is None else RESET_BY_HAND
        self._seen = Seen(place.evse, place.connector, config.contactors, way_out)
        self._intent = PilotIntent()
        self._asked = frozenset[int]()
        self._stop_by: float | None = None
        self._layout: Layout = "three_contactors"
        self._begun = False
        # Where nobody feeds a token, the loop that hears the controller counts as alive.
        self._own = Liveness() if place.liveness is None else None
        self._liveness = place.liveness or self._own or Liveness()

    @property
    def counters(self) -> dict[str, int]:
        """What went wrong on this line since the start, and how many frames were good."""
        return self._line.counters

    def apply(self, intent: PilotIntent) -> None:
        self._intent = intent
        if self._begun:
            self._say()

    def clear_fault(self) -> None:
        """Reset a controller that is in its safe state, where there is a line for that."""
        if not self._seen.is_latched:
            return
        if self._config.reset is None:
            self._presence.warn("reset", f"cannot be reset: {NO_RESET_LINE}")
        else:
            self._line.reset(self._pulse)

    async def _pulse(self) -> None:
        """The line is held no longer than the pulse."""
        pin = self._config.reset
        assert pin is not None
        chip = GpioBus(GpioBus.Config(device=self._config.reset_chip))
        try:
            lines = await chip.take({"reset": pin}, outputs=("reset",))
            try:
                lines.write("reset", True)
                await asyncio.sleep(RESET_PULSE_S)
                lines.write("reset", False)
            finally:
                lines.close()
        except BusLost as error:
            self._presence.warn("reset", f"cannot be reset: {error}")

    async def run(self) -> None:
        if self._line.pilot is not None:
            self._presence.lost(f"{self._line.device}: used by another part of this board")
            await asyncio.Event().wait()
        self._line.pilot = self
        try:
            await self._line.attend(self)
        finally:
            self._line.pilot = None
            self._line.keepalive.silence()

    # ---- what the line tells ----

    def begin(self, version: Version) -> None:
        try:
            by_firmware = layout_of(version)
        except Malformed as error:
            raise PartRefused(str(error)) from None
        self._layout = by_firmware if self._config.layout == "by_firmware" else self._config.layout
        self._seen.forget()
        self._stop_by, self._begun = None, True
        self._presence.found(str(version))
        if self._own is not None:
            self._own.feed()
        self._say()

    def lost(self, reason: str) -> None:
        self._begun = False
        self._seen.forget()
        self._presence.lost(reason)

    def hear(self, frame: Frame) -> None:
        if frame.com == CHARGE_STATE:
            self._hear_state(READERS[self._layout](frame.word))
        elif frame.com == PT1000:
            for event in self._seen.look_at_heat(temperatures(frame.word)):
                self._post(event)
        elif frame.com == ERROR:
            told = ErrorMessage.from_word(frame.word)
            if told.active:
                text = f"the controller reports error {told.reason} of module {told.module}"
                self._presence.warn(f"error {told.module}.{told.reason}", text)

    def _hear_state(self, state: ChargeState) -> None:
        if self._own is not None:
            self._own.feed()
        was_latched = self._seen.is_latched
        for event in self._seen.look(state):
            self._post(event)
        for number in self._config.contactors:
            if number > len(state.contactors) or state.contactors[number - 1] == "unused":
                self._presence.warn("contactor", f"contactor {number} is not configured in the controller")
        # Its own silence is what an agent that starts has to clear; whatever else is latched is for somebody who looks.
        newly_latched = self._seen.is_latched and not was_latched
        if self._config.reset is not None and newly_latched and state.reason == HOST_SILENT:
            self._line.reset(self._pulse)
        if self._stop_by is not None:
            self._say()

    # ---- what it shall do ----

    def _say(self) -> None:
        wanted = control_for(self._intent, self.traits.max_a, frozenset(self._config.contactors))
        control = msgspec.structs.replace(wanted, contactors=self._contactors(wanted))
        self._asked = control.contactors
        self._line.keepalive.say(control.frame().to_bytes(), self._liveness)

    def _contactors(self, wanted: Control) -> frozenset[int]:
        """A vehicle that is told to stop opens its own switch first: a contactor that opens under load wears out."""
        if wanted.contactors or wanted.duty != FULL_DUTY or not self._seen.is_drawing:
            self._stop_by = None
            return wanted.contactors
        if self._stop_by is None:
            self._stop_by = monotonic() + self._config.stop_s
        return self._asked if monotonic() < self._stop_by else frozenset()
