"""Advantics SECC on CAN: pilot, ISO 15118 and contactors of a DC EVSE are its own; the host has the power modules."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from importlib.resources import files
from time import monotonic
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from hal.bus.can import CanBus
from hal.drivers.advantics_seen import Seen
from hal.drivers.presence import Presence
from hal.errors import BusLost, HalError, NoAnswer
from hal.events import Event
from hal.ports import DcSupply, PilotIntent, PilotTraits, Place, Post, SeccIntent
from hal.wire.advantics import FILTERS, Codec, ModulesStatus, Parameters, Sequence, State, Status
from hal.wire.dbc import check_installed

PERIOD_S = 0.1
STOP_POWER_S = 0.2
"""Without the controller's heartbeat for this long nothing is given any more."""

LOST_S = 2.0
SEQUENCE_EVERY_S = 1.0
STOP_PULSE, STOP_AGAIN = 5, 30
"""Periods that the user's stop is held, and after which it is said again."""


class AdvanticsSecc:
    """One controller that is configured with ``use_sequence_flags = true``.

    A session begins when power is permitted, and ends by ``User_Stop`` when it no longer is.  Within a session the
    controller hears voltage, current and insulation every 100 ms; **when the agent is gone it stops the session** as an
    emergency.  The frames go out only while the agent works.
    """

    bus_type = CanBus
    wants_liveness = True
    cable_check: Literal["host", "secc"] = "secc"
    traits = PilotTraits(style="secc", on_host_loss="stops", keepalive_s=PERIOD_S)

    class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
        """``min_a`` is the least current that is worth a session."""

        min_a: Annotated[float, Meta(ge=0.5, le=50)] = 1.0

    def __init__(self, config: Config, place: Place, bus: CanBus, post: Post) -> None:
        check_installed()
        self._place = place
        self._post = post
        self.traits = PilotTraits(
            style="secc",
            on_host_loss="stops",
            min_a=config.min_a,
            max_a=place.limit_a,
            keepalive_s=PERIOD_S,
            shows_state_f=False,
        )
        self._presence = Presence(place, post)
        self._line = bus.line(self._hear, FILTERS)
        self._codec: Codec | None = None
        self._seen = Seen(place.evse)
        self._intent = PilotIntent()
        self._secc = SeccIntent()
        self._supply = DcSupply()
        self._hold = False
        self._stop_periods = 0
        self._said: tuple[Sequence, float] | None = None
        self._wake = asyncio.Event()
        self._counters = {"frames": 0, "senseless": 0}

    @property
    def counters(self) -> dict[str, int]:
        """What the controller said; the counters of the line are the bus's."""
        return dict(self._counters)

    # ---- wishes ----

    def apply(self, intent: PilotIntent) -> None:
        """A session that has ended is not begun anew before power is permitted anew, or the vehicle left."""
        if _permits(intent) and not _permits(self._intent):
            self._hold = False
        self._intent = intent

    def clear_fault(self) -> None:
        """No message does: an emergency stop ends with its cause, or with the controller's supply."""

    def tell_vehicle(self, intent: SeccIntent) -> None:
        self._secc = intent

    def tell_supply(self, supply: DcSupply) -> None:
        """What takes the readiness away is said at once, the rest within 100 ms."""
        at_once = self._supply.ready and not supply.ready
        self._supply = supply
        if at_once:
            self._wake.set()

    # ---- the line ----

    async def run(self) -> None:
        self._codec = Codec((files("board") / "advantics.dbc").read_text(encoding="utf-8"))
        try:
            while True:
                try:
                    self._line.open()
                    await self._serve()
                except HalError as error:
                    self._tell(self._seen.silent())
                    self._presence.lost(str(error))
                self._line.close()
                await self._line.wait_back()
        finally:
            self._last_word()
            self._line.close()

    def _last_word(self) -> None:
        """Not ready within a session ends it, sooner than silence would."""
        self._supply = DcSupply()
        with suppress(BusLost):
            self._say_supply()

    async def _serve(self) -> None:
        self._seen.forget()
        self._said = None
        opened_at = next_at = monotonic()
        turn = 0
        while True:
            await self._line.wait(self._wake, max(0.0, next_at - monotonic()))
            self._wake.clear()
            await asyncio.sleep(0)  # what has arrived meanwhile is read before silence is told
            now = monotonic()
            silent_s = now - max(self._seen.heard_mono, opened_at)
            if silent_s > LOST_S:
                raise NoAnswer(f"{self._line.device}: the controller is silent")
            if silent_s > STOP_POWER_S:
                self._tell(self._seen.silent())
            self._tell(self._seen.look(now))
            due = now >= next_at
            if self._seen.state not in (None, State.INIT) and self._alive():
                self._say(now, limits=due and turn % 2 == 0)  # limits not more often than every 100 ms
            if due:
                next_at, turn = max(next_at + PERIOD_S, now), turn + 1

    def _alive(self) -> bool:
        return self._place.liveness is None or self._place.liveness.fresh()

    def _say(self, now: float, *, limits: bool) -> None:
        self._say_sequence(now)
        if self._seen.session:
            self._say_supply()
            if limits:
                self._line.send(*self._codec_().parameters(Parameters(self._supply.max_v, self._supply.max_a)))

    def _say_supply(self) -> None:
        if not self._seen.session or self._codec is None:
            return
        told, kohm = self._supply, (self._supply.insulation_ohm or 0.0) / 1000
        self._line.send(*self._codec.modules_status(ModulesStatus(told.voltage_v, told.current_a, told.ready, kohm)))

    def _say_sequence(self, now: float) -> None:
        """What has changed, and everything once a second."""
        sequence = self._sequence()
        if self._said is None or self._said[0] != sequence or now - self._said[1] >= SEQUENCE_EVERY_S:
            self._said = sequence, now
            self._line.send(*self._codec_().sequence(sequence))

    def _sequence(self) -> Sequence:
        permitted, answer = _permits(self._intent), self._secc.authorization
        if self._seen.session and not permitted:
            self._stop_periods += 1
        else:
            self._stop_periods = 0
        return Sequence(
            start=permitted and not self._hold,
            authorisation_done=answer != "waiting",
            authorisation_valid=answer == "granted",
            parameters_done=self._seen.session and self._supply.max_v > 0,
            user_stop=0 < self._stop_periods % STOP_AGAIN <= STOP_PULSE,
        )

    def _codec_(self) -> Codec:
        assert self._codec is not None, "not running"
        return self._codec

    # ---- what is heard ----

    def _hear(self, id: int, data: bytes) -> None:
        said = self._codec_().read(id, data)
        if said is None:
            self._counters["senseless"] += 1
            return
        self._counters["frames"] += 1
        in_session = self._seen.session
        if isinstance(said, Status):
            self._presence.found("Advantics SECC, Generic EVSE v3")
        self._tell(self._seen.take(said, monotonic(), permitted=_permits(self._intent)))
        if in_session and (self._seen.state is State.ENDING or not self._seen.session) and not self._hold:
            self._hold = True  # said while it ends: the controller begins anew as soon as it may
            self._wake.set()
        elif not in_session and self._seen.session:
            self._wake.set()
        if self._seen.state is State.WAITING_FOR_EV and self._seen.unplugged:
            self._hold = False

    def _tell(self, events: Iterable[Event]) -> None:
        for event in events:
            self._post(event)


def _permits(intent: PilotIntent) -> bool:
    return intent.available and intent.permit_power and intent.limit_a is not None
