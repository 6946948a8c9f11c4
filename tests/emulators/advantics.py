"""An Advantics SECC with a vehicle on its cable, behind a CAN adapter.  Shares no code with our driver, nor its DBC.

It behaves as the public description of the Generic EVSE interface v3 says: it judges voltage and insulation by what
the host reports, and stops at once when the host falls silent within a session.
"""

from __future__ import annotations

import asyncio
from struct import pack, unpack

from tests.emulators.can import CanPart
from tests.emulators.dc_link import DcLink
from tests.emulators.emulator import serve_keyboard
from tests.emulators.load import Load
from tests.emulators.pty import QUIET, Noise

INIT, WAITING, NEGOTIATING, CONNECTED, INSULATION, PRECHARGE, WAITING_CHARGE, CHARGING = range(8)
ENDING, WELDING, CLOSING, AUTHORISATION, NOT_AVAILABLE, PAUSE = range(8, 14)
OFF, STANDBY, TEST, PRE, TRANSFER = 0, 1, 2, 4, 8

PERIOD_S = 0.1
MOST_SPEED = 5.0
"""Faster than this it would say more than a line of single bytes carries."""

HOST_SILENT_S = 1.0
STOOD_STILL_S = 0.1
"""A whole process that stood still has the host's frames waiting: they are heard before silence is."""
GOOD_MEASUREMENTS = 10
GOOD_KOHM = 100
SAFE_V, MATCH_V = 20.0, 20.0
CABLE_CHECK_FAILS_S = 60.0
OHM_PER_VOLT = 100


class EmulatedAdvantics(CanPart):
    """The controller, its contactors, and the vehicle that the stimuli move."""

    stimuli = frozenset(
        {
            "mute",
            "unmute",
            "plug_in",
            "unplug",
            "tear_out",
            "ready",
            "pause",
            "stop_vehicle",
            "emergency",
            "calm",
            "power_cycle",
        }
    )
    keys = {"p": "plug_in", "u": "unplug", "s": "stop_vehicle", "e": "emergency", "c": "calm"}

    def __init__(self, load: Load | None = None, noise: Noise = QUIET, speed: float = 1.0) -> None:
        super().__init__(load, noise, min(speed, MOST_SPEED))
        self.link = DcLink.of(self.load)
        self.state = WAITING
        self.story: list[int] = [WAITING]
        self.function = STANDBY
        self.target_v = 0.0
        self.max_a = 0.0
        self.session = False
        self.emergency_origin = 0
        # the host
        self.start_authorised = self.done = self.valid = self.parameters_done = False
        self.enabled = self._stop_before = self._stop_edge = False
        self.reported_v = self.reported_a = 0.0
        self.reported_kohm = 0
        self.limit_v = self.limit_a = 0.0
        # the vehicle
        self.plugged = self.wants = self._vehicle_stops = self._leaves = False
        self.vehicle_a = 0.0
        self.vehicle_max_v = 420.0
        self._good = 0
        self._in_state_s = 0.0

    def start(self) -> None:
        self.after("tick", PERIOD_S, self._tick)

    # ---- what a test may look at ----

    @property
    def offers_a(self) -> float | None:
        """The current that the vehicle may take; None: no session is allowed."""
        return self.limit_a if self.start_authorised else None

    @property
    def powered(self) -> bool:
        return self.link.closed

    # ---- stimuli ----

    def plug_in(self, current_a: float = 16.0, ready_after: float | None = 0.0) -> None:
        """``ready_after`` None: the vehicle waits for ``ready``."""
        self.plugged, self.vehicle_a = True, current_a
        if ready_after is not None:
            self.after("ready", ready_after, self.ready)

    def unplug(self) -> None:
        """The vehicle's latch holds the plug as long as the session lasts: it comes out when that is over."""
        self._leaves = self.session
        if not self.session:
            self._pull()

    def tear_out(self) -> None:
        """The latch was broken open: within a session that is an emergency."""
        if self.session:
            self._end_session(3, rushed=True)
        self._pull()

    def _pull(self) -> None:
        self.plugged = self.wants = self._leaves = False
        self.cancel("ready")
        self._enter(WAITING)

    def ready(self) -> None:
        self.wants = self.plugged

    def pause(self) -> None:
        """The vehicle has had enough."""
        self.wants = False
        self.stop_vehicle()

    def stop_vehicle(self) -> None:
        """The vehicle ends the session."""
        self._vehicle_stops = True

    def emergency(self, origin: int = 1) -> None:
        self._end_session(origin, rushed=True)

    def calm(self) -> None:
        """The cause of the emergency is gone."""
        self.emergency_origin = 0

    def power_cycle(self) -> None:
        """It starts anew and knows nothing of the host."""
        self._close_path(False)
        self.session = self.start_authorised = self.done = self.valid = self.parameters_done = self.enabled = False
        self.emergency_origin, self.function, self.target_v, self.max_a = 0, STANDBY, 0.0, 0.0
        self._enter(INIT)

    # ---- the host's frames ----

    def _listen_for_the_host(self) -> None:
        def still() -> None:
            self.after("host", STOOD_STILL_S, self._host_silent, real=True)

        self.after("host", HOST_SILENT_S - STOOD_STILL_S, still, real=True)

    def hear(self, id: int, data: bytes) -> None:
        match id:
            case 0x63000 if len(data) == 8:
                volts, amps, _, _, enable, insulation = unpack("<HhBBBB", data)
                self.reported_v, self.reported_a = volts / 10, amps / 10
                self.enabled, self.reported_kohm = enable == 1, 2 * insulation
                self._listen_for_the_host()
            case 0x63001 if len(data) == 8:
                volts, amps, _, _ = unpack("<HHHh", data)
                self.limit_v, self.limit_a = volts / 10, amps / 10
            case 0x63002 if len(data) >= 3:
                self.start_authorised = bool(data[0] & 1)
                self.done, self.valid = bool(data[1] & 1), bool(data[1] & 2)
                self.parameters_done = bool(data[1] & 4)
                stop = bool(data[2] & 1)
                self._stop_edge = self._stop_edge or (stop and not self._stop_before)
                self._stop_before = stop

    def _host_silent(self) -> None:
        if self.session:
            self._end_session(1, rushed=True)

    # ---- the controller ----

    def _tick(self) -> None:
        self.after("tick", PERIOD_S, self._tick)
        if self.muted:
            return
        self._in_state_s += PERIOD_S
        self._step()
        self._speak()

    def _step(self) -> None:
        stop, self._stop_edge = self._stop_edge, False
        if self.emergency_origin:
            return
        if self.session and self.state >= INSULATION and not self.enabled:
            self._end_session(1, rushed=True)
        elif self.session and self.state < ENDING and (stop or self._vehicle_stops):
            self._enter(ENDING)
        else:
            self.steps[self.state](self)

    def _waiting(self) -> None:
        if self.state == INIT:
            self._enter(WAITING)
        elif self.plugged and self.start_authorised and self.wants:
            self._enter(NEGOTIATING)

    def _negotiating(self) -> None:
        if self._in_state_s >= 3 * PERIOD_S:
            self._enter(AUTHORISATION)

    def _authorisation(self) -> None:
        if self.done:
            self._vehicle_stops = False
            self._enter(CONNECTED if self.valid else WAITING)

    def _connected(self) -> None:
        if not self.session:
            self.session = True
            self._listen_for_the_host()
        self._tell_vehicle()
        if self.enabled and self.parameters_done and self.limit_v > 0:
            self._enter(INSULATION)
            self._good = 0

    def _insulation(self) -> None:
        self._demand(TEST, min(500.0, self.vehicle_max_v + 50, self.limit_v), 2.0)
        if self.reported_v >= 0.9 * self.target_v:
            self._good = self._good + 1 if self.reported_kohm >= GOOD_KOHM else 0
        if self._good >= GOOD_MEASUREMENTS:
            self._demand(STANDBY, 0.0, 0.0)
            self._enter(PRECHARGE)
        elif self._in_state_s > CABLE_CHECK_FAILS_S:
            self._end_session(1, rushed=True)

    def _precharge(self) -> None:
        if self.function == STANDBY and self.reported_v > SAFE_V:
            return
        self._demand(PRE, self.link.battery_v, 2.0)
        if abs(self.reported_v - self.link.battery_v) <= MATCH_V:
            self._enter(WAITING_CHARGE)

    def _waiting_charge(self) -> None:
        self._close_path(True)
        self._enter(CHARGING)

    def _charging(self) -> None:
        amps = min(self.vehicle_a, self.limit_a)
        self._demand(TRANSFER, min(self.vehicle_max_v, self.limit_v), amps)
        self.link.wanted_a = amps
        self.link.settle()
        if self.reported_kohm * 1000 < OHM_PER_VOLT * self.reported_v:
            self._end_session(1, rushed=True)

    def _ending(self) -> None:
        self._vehicle_stops = False
        self.link.wanted_a = 0.0
        self.link.settle()
        self._demand(STANDBY, 0.0, 0.0)
        if abs(self.reported_a) < 1.0 and self._in_state_s >= 3 * PERIOD_S:
            self._close_path(False)
            self._enter(WELDING)

    def _welding(self) -> None:
        if self.reported_v < 60 or self._in_state_s > 3.0:
            self._enter(CLOSING)

    def _closing(self) -> None:
        if self._in_state_s >= 3 * PERIOD_S:
            self._finish(rushed=False)

    def _rest(self) -> None:
        """Nothing happens by itself."""

    steps = {
        INIT: _waiting,
        WAITING: _waiting,
        NEGOTIATING: _negotiating,
        AUTHORISATION: _authorisation,
        CONNECTED: _connected,
        INSULATION: _insulation,
        PRECHARGE: _precharge,
        WAITING_CHARGE: _waiting_charge,
        CHARGING: _charging,
        ENDING: _ending,
        WELDING: _welding,
        CLOSING: _closing,
        NOT_AVAILABLE: _rest,
        PAUSE: _rest,
    }

    def _enter(self, state: int) -> None:
        if state != self.state:
            self.state, self._in_state_s = state, 0.0
            self.story.append(state)

    def _demand(self, function: int, target_v: float, max_a: float) -> None:
        self.function, self.target_v, self.max_a = function, target_v, max_a

    def _close_path(self, closed: bool) -> None:
        self.link.closed = closed
        if not closed:
            self.link.wanted_a = 0.0
        self.link.settle()

    def _end_session(self, origin: int, *, rushed: bool) -> None:
        """An emergency: the contactors open at once."""
        self.emergency_origin = origin
        self._close_path(False)
        self._demand(OFF, 0.0, 0.0)
        if self.session:
            self._finish(rushed=rushed)
        else:
            self._enter(WAITING)

    def _finish(self, *, rushed: bool) -> None:
        self.session, self.wants = False, self.wants and not rushed
        self.enabled = False
        self.cancel("host")
        self._demand(OFF, 0.0, 0.0)
        self.say(0x6B004, bytes((int(rushed), *bytes(7))))
        self._enter(WAITING)
        if self._leaves:
            self._pull()

    # ---- what it says ----

    def _speak(self) -> None:
        self.say(0x6B000, bytes((self.state, *bytes(7))))
        volts, duty = self._pilot()
        self.say(0x6B203, pack("<BH", volts, duty * 10) + bytes(5))
        if self.emergency_origin:
            self.say(0x6B005, bytes((self.emergency_origin, *bytes(7))))
        if self.session and self.state == CONNECTED and not self.enabled:
            self.say(0x6B001, bytes((2, 0, *bytes(6))))
        if self.session:
            flags = self.function | (1 << 6 if self.link.closed else 0)
            self.say(0x6B003, pack("<Hhh", round(self.target_v * 10), round(self.max_a * 10), 0) + bytes((flags,)))

    def _pilot(self) -> tuple[int, int]:
        if not self.plugged:
            return 12, 100
        offered = self.start_authorised or self.session
        return (6 if self.state in range(INSULATION, ENDING) else 9), 5 if offered else 100

    def _tell_vehicle(self) -> None:
        self.say(0x6B100, pack("<HBBBB", 60, 42, 10, 80, 100) + bytes(2))
        self.say(
            0x6B101, pack("<HHH", 2000, round(self.vehicle_max_v * 10), round(self.link.battery_v * 10)) + bytes(2)
        )
        self.say(0x6B102, pack("<HHHH", 0, 2000, 0, 80))
        self.say(0x6B105, bytes((0xDE, 0xAD, 0xBE, 0xEF, 0x00, 0x01, 0, 0)))


if __name__ == "__main__":
    secc = EmulatedAdvantics()
    asyncio.run(serve_keyboard(secc, lambda: f"state {secc.state}, closed {secc.link.closed}, {secc.link.current_a} A"))
