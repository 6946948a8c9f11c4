"""OpenEVSE over RAPI: the controller charges by itself, the driver tells it whether and how much.  Knows no session."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from hal.bus.serial import SerialBus
from hal.drivers.openevse_line import Question, RapiLine, line_of
from hal.drivers.openevse_states import (
    AUTH_LOCKED,
    BOOT_LOCKED,
    DISABLED,
    FAULTS,
    PILOT,
    SLEEPING,
    Seen,
    checks_switched_off,
    own_mind,
    trips_since,
)
from hal.drivers.presence import Presence
from hal.errors import HalError, PartRefused
from hal.ports import PilotIntent, PilotTraits, Place, Post
from hal.wire.rapi import (
    Booted,
    CurrentRange,
    Frame,
    Heartbeat,
    Nothing,
    Settings,
    StateChanged,
    Status,
    TripCounts,
    Versions,
)

ACKNOWLEDGE_MISS = 165
PULSES_PER_INTERVAL = 3
RELAY_POLL_S, RELAY_POLL_FOR_S = 0.25, 5.0
RESTART_S = 5.0
FLOOD_PER_S = 20
LAST_WORD_S = 0.2
TRIPS_EVERY_S = 60.0

Mode = Literal["enabled", "sleeping", "disabled"]
Owed = tuple[str, int]

COMMANDS: dict[Mode, str] = {"enabled": "FE", "sleeping": "FS", "disabled": "FD"}
MODES: dict[str, Mode] = {command: mode for mode, command in COMMANDS.items()}


class OpenEvse:
    """One OpenEVSE on one serial line.

    Power that is not permitted is *sleep* (steady +12 V, the vehicle is still seen); power that is permitted is a
    volatile current and *enable*.  The contactor is the controller's.

    **When the agent is gone the vehicle goes on charging**, at ``fallback_a`` after ``heartbeat_s`` at the latest, and
    at full current with the heartbeat off: the controller cannot be made to stop by silence.  On a clean end the driver
    sends it to sleep; for the other ends put a supervisor of the system beside the agent that sends ``$FS``.
    """

    bus_type = SerialBus
    line_type = RapiLine
    traits = PilotTraits(style="autonomous", on_host_loss="falls_back", fallback_a=6.0, keepalive_s=30.0)

    class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
        """``heartbeat_s`` 0: off.  Above 65 s the controller's timer wraps around and fires far too early."""

        poll_s: Annotated[float, Meta(ge=0.5, le=60)] = 5.0
        heartbeat_s: Annotated[int, Meta(ge=0, le=60)] = 30
        fallback_a: Annotated[int, Meta(ge=6, le=80)] = 6

    def __init__(self, config: Config, place: Place, bus: SerialBus, post: Post) -> None:
        self._config = config
        self._place = place
        self._post = post
        self.traits = _traits(config, place)
        self._line = line_of(bus)
        self._line.listen(self._hear)
        self._presence = Presence(place, post)
        self._seen = Seen(place.evse)
        self._intent = PilotIntent()
        self._clear_asked = False
        self._wake = asyncio.Event()
        self._counters = {"lost": 0, "flooded": 0}
        self._trips: TripCounts | None = None
        self._noise_told = 0
        self._second, self._frames_in_second = 0.0, 0
        self._start_anew()

    def _start_anew(self) -> None:
        """Forget what the controller had: it is new, or has restarted."""
        self._seen.forget()
        self._greeted = self._ready = False
        self._begun: tuple[Owed, Question] | None = None
        self._booted: Booted | None = None
        self._mode: Mode | None = None
        self._offered_a: int | None = None
        self._max_a = int(self._place.limit_a)
        self._refused: set[Owed] = set()
        self._supervised = False
        self._poll_at = self._pulse_at = self._relay_until = 0.0
        self._trips_at = 0.0

    @property
    def counters(self) -> dict[str, int]:
        """What went wrong on this line since the start, and how many frames were good."""
        return self._line.counters | self._counters

    def apply(self, intent: PilotIntent) -> None:
        """The first command goes at once; the task sees what becomes of it, and to the rest."""
        self._intent = intent
        self._refused.clear()
        if self._ready:
            self._begin_owed()
        self._wake.set()

    def clear_fault(self) -> None:
        """Restart the controller if it holds a fault; nothing less clears a stuck relay."""
        self._clear_asked = True
        self._wake.set()

    async def run(self) -> None:
        try:
            while True:
                try:
                    await self._line.open(self)
                    await self._serve()
                except HalError as error:
                    self._counters["lost"] += 1
                    self._presence.lost(str(error))
                self._line.close(self)
                await self._line.wait_back()
        finally:
            await self._last_word()
            self._line.close(self)

    async def _last_word(self) -> None:
        """Nobody is left to withdraw the permission: withdraw it now."""
        if self._mode != "enabled" or self._seen.is_faulted:
            return
        try:
            async with asyncio.timeout(LAST_WORD_S):
                await self._line.ask(Nothing, "FS")
        except (HalError, TimeoutError):
            pass  # gone or silent: it goes on at the fallback

    async def _serve(self) -> None:
        await self._shake_hands()
        while True:
            if self._booted is not None:
                await self._start_over(self._booted)
            await self._clear()
            await self._fulfil()
            await self._pulse()
            await self._poll()
            await self._line.wait(self._wake, max(0.0, self._next_deadline() - monotonic()))
            self._wake.clear()

    async def _start_over(self, booted: Booted) -> None:
        complaint = f"; its self test says {booted.postcode:02X}" if booted.postcode else ""
        self._presence.warn("boot", f"the controller has restarted{complaint}")
        await self._shake_hands()

    # ---- what it is ----

    async def _shake_hands(self) -> None:
        self._start_anew()
        versions = await self._line.ask(Versions, "GV")
        status = await self._ask_status()
        self._presence.found(f"OpenEVSE firmware {versions.firmware}, RAPI {versions.rapi}")
        self._greeted = True
        self._take(status)
        await self._learn_range()
        self._ready = True
        await self._fulfil()  # before the rest: a controller that has started by itself is enabled at full current
        await self._unlock(status.vflags)
        await self._check_settings()
        await self._arm_heartbeat()
        await self._count_trips()

    async def _unlock(self, vflags: int) -> None:
        """Locks of its own keep it from charging, and the agent is the one that authorizes."""
        if vflags & BOOT_LOCKED:
            await self._line.ask(Nothing, "SB")
        if vflags & AUTH_LOCKED:
            try:
                await self._line.ask(Nothing, "S4", 0)
            except PartRefused:
                self._presence.warn("auth lock", "the controller keeps its authorization lock: it will not charge")

    async def _count_trips(self) -> None:
        """Faults that it has healed by itself between two looks leave a trace here."""
        self._trips_at = monotonic() + TRIPS_EVERY_S
        try:
            counts = await self._line.ask(TripCounts, "GF")
        except PartRefused:
            return  # a firmware without counters
        tripped, first = trips_since(self._trips, counts), self._trips is None
        self._trips = counts
        if tripped:
            when = "since it was made" if first else "again"
            self._presence.warn(f"trips {counts}", f"the controller has tripped {when}, counts: {', '.join(tripped)}")

    async def _check_settings(self) -> None:
        off = checks_switched_off((await self._line.ask(Settings, "GE")).flags)
        if off:
            self._presence.warn("checks", f"safety checks switched off in the controller: {', '.join(off)}")

    async def _learn_range(self) -> None:
        known = await self._line.ask(CurrentRange, "GC")
        self._offered_a = known.offered_a
        self._max_a = min(known.max_a, int(self._place.limit_a))
        if known.max_a < self._place.limit_a:
            text = f"offers at most {known.max_a} A, the board file says {self._place.limit_a:g} A"
            self._presence.warn("range", text)

    async def _arm_heartbeat(self) -> None:
        """Compare before writing: the controller keeps the interval in its EEPROM."""
        wanted = (self._config.heartbeat_s, self._config.fallback_a)
        try:
            known = await self._line.ask(Heartbeat, "GY")
            if known.trigger == 2:
                await self._acknowledge_miss()
            if (known.interval_s, known.fallback_a) != wanted and any((wanted[0], known.interval_s)):
                await self._line.ask(Heartbeat, "SY", *wanted)
        except PartRefused:
            self._presence.warn("heartbeat", "no heartbeat supervision in the controller: it goes on when we do not")
            return
        self._supervised = wanted[0] > 0
        self._pulse_at = monotonic() + wanted[0] / PULSES_PER_INTERVAL

    async def _acknowledge_miss(self) -> None:
        """Without this the controller stays at the fallback current for ever."""
        await self._line.ask(Heartbeat, "SY", ACKNOWLEDGE_MISS)
        await self._learn_range()  # what it has restored is not what was wished for

    # ---- what it shall do ----

    async def _fulfil(self) -> None:
        """Send what the wish differs in; the wish may change between two commands."""
        while (begun := self._begin_owed()) is not None:
            (name, amps), question = begun
            try:
                await self._line.ask(Nothing, *_words(name, amps), begun=question)
            except PartRefused:
                self._refused.add((name, amps))
                self._presence.warn(name, f"the controller refused {name} {amps or ''}".rstrip())
                await self._learn_range()
            else:
                self._note(name, amps)
            finally:
                self._begun = None

    def _begin_owed(self) -> tuple[Owed, Question] | None:
        """Send the next command; while one is not answered, that one."""
        if self._begun is None and (owed := self._owed()) is not None:
            self._begun = owed, self._line.begin(*_words(*owed))
        return self._begun

    def _owed(self) -> Owed | None:
        """The next command that the wish needs; the current first, so that nothing is enabled unbounded."""
        wanted_a = self._wanted_a()
        target: Mode = "enabled" if wanted_a else "sleeping" if self._intent.available else "disabled"
        if wanted_a is not None:
            if self._offered_a != wanted_a and ("SC", wanted_a) not in self._refused:
                return "SC", wanted_a
            if self._offered_a is None or self._offered_a > wanted_a:
                target = "sleeping"  # it does not go down: offer nothing rather than too much
        owed = (COMMANDS[target], 0)
        if self._mode == target or owed in self._refused or self._seen.is_faulted:
            return None  # a faulted controller that is sent to sleep hides its fault
        return owed

    def _wanted_a(self) -> int | None:
        """Whole amps to offer; None: no power."""
        intent = self._intent
        if not intent.available or not intent.permit_power or intent.limit_a is None:
            return None
        whole_a = int(min(intent.limit_a, self._max_a) + 1e-6)
        return whole_a if whole_a >= self.traits.min_a else None

    def _note(self, name: str, amps: int) -> None:
        if amps:
            self._offered_a = amps
        else:
            self._mode = MODES[name]
            self._relay_until = monotonic() + RELAY_POLL_FOR_S

    async def _clear(self) -> None:
        asked, self._clear_asked = self._clear_asked, False
        if not asked or not self._seen.is_faulted:
            return
        await self._line.tell("FR")  # it restarts instead of answering
        until = monotonic() + RESTART_S
        while self._booted is None and monotonic() < until:
            self._wake.clear()
            await self._line.wait(self._wake, until - monotonic())

    async def _pulse(self) -> None:
        if not self._supervised or monotonic() < self._pulse_at:
            return
        self._pulse_at = monotonic() + self._config.heartbeat_s / PULSES_PER_INTERVAL
        try:
            await self._line.ask(Nothing, "SY")
        except PartRefused:
            self._presence.warn("heartbeat", "a heartbeat came too late, the controller had fallen back")
            await self._acknowledge_miss()
            self._wake.set()

    # ---- what it tells ----

    async def _poll(self) -> None:
        if monotonic() < self._poll_at:
            return
        self._tell_noise()
        self._refused.clear()
        status = await self._ask_status()
        self._take(status)
        if monotonic() >= self._trips_at:
            await self._count_trips()
        if own := own_mind(status.vflags):
            self._presence.warn("own mind", f"set at the controller itself: {', '.join(own)}; it may stop by itself")
        self._wake.set()  # once more around: it may have shown that something is owed

    async def _ask_status(self) -> Status:
        """What it says by itself behind the reply is newer than that: then it is asked again."""
        while True:
            question = self._line.begin("GS")
            status = await self._line.ask(Status, "GS", begun=question)
            if not question.overtaken:
                self._poll_at = monotonic() + self._config.poll_s
                return status

    def _next_deadline(self) -> float:
        now, due = monotonic(), self._poll_at
        if self._seen.relay_lags and now < self._relay_until:  # after a sleep it opens within 3 s, and tells nobody
            due = self._poll_at = min(due, now + RELAY_POLL_S)
        return min(due, self._pulse_at) if self._supervised else due

    def _hear(self, frame: Frame) -> None:
        match frame:
            case StateChanged() if self._greeted and not self._is_flood():
                self._offered_a = frame.offered_a
                self._take(frame)
                self._wake.set()
            case Booted():
                self._booted = frame
                self._wake.set()

    def _take(self, told: Status | StateChanged) -> None:
        """Post what is new at once, from the loop's reader: no task stands between a frame and its event."""
        if told.state != self._seen.state:
            self._relay_until = monotonic() + RELAY_POLL_FOR_S
            if told.state in FAULTS:
                self._trips_at = 0.0
        for event in self._seen.look(told.state, told.pilot_state, told.vflags):
            self._post(event)
        # Enabled by another hand (the front button): undone at once.  Put to sleep by one: at the next poll.
        if told.state in PILOT:
            self._mode = "enabled"
        elif isinstance(told, Status) and told.state in (SLEEPING, DISABLED):
            self._mode = "sleeping" if told.state == SLEEPING else "disabled"

    def _is_flood(self) -> bool:
        """A controller that flaps is looked at once a second."""
        now = monotonic()
        if now - self._second >= 1:
            self._second, self._frames_in_second = now, 0
        self._frames_in_second += 1
        if self._frames_in_second <= FLOOD_PER_S:
            return False
        self._counters["flooded"] += 1
        self._poll_at = min(self._poll_at, now + 1)
        self._presence.warn("flood", f"more than {FLOOD_PER_S} state changes a second")
        return True

    def _tell_noise(self) -> None:
        if self._line.noise > self._noise_told:
            self._noise_told = self._line.noise
            counts = ", ".join(f"{name} {count}" for name, count in self.counters.items() if count)
            self._presence.warn("noise", f"noise on {self._line.device}: {counts}")


def _words(name: str, amps: int) -> tuple[str, ...]:
    """A command as RAPI has it: a current that is not kept over a restart, or a mode."""
    return (name, str(amps), "V") if amps else (name,)


def _traits(config: OpenEvse.Config, place: Place) -> PilotTraits:
    if config.heartbeat_s == 0:
        return PilotTraits(style="autonomous", on_host_loss="continues", max_a=place.limit_a)
    return PilotTraits(
        style="autonomous",
        on_host_loss="falls_back",
        max_a=place.limit_a,
        fallback_a=float(config.fallback_a),
        keepalive_s=float(config.heartbeat_s),
    )
