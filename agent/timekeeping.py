"""Whose time of day counts, and what follows when it is learned or moved.  Tells no time itself."""

from __future__ import annotations

import logging

from agent.edges import Clock, Socket
from agent.link.csms import CsmsLink
from agent.station import Station
from agent.vocabulary.commands import Command, SetClock
from agent.vocabulary.values import ClockShift
from agent.writing import Writing

log = logging.getLogger(__name__)


class Timekeeping:
    """The clock of the station, as the CSMS or a time server sets it."""

    def __init__(self, station: Station, link: CsmsLink, clock: Clock, writing: Writing, socket: Socket) -> None:
        self._station = station
        self._link = link
        self._clock = clock
        self._writing = writing
        self._socket = socket

    def power_on(self) -> None:
        """A time server that is not among the sources has set the system's clock for nobody."""
        if "NTP" not in self._station.time_sources:
            self._clock.doubt()
            self._station.desk.clock_known = False

    def ask_system(self) -> bool:
        """Before something is stamped with a time that is not known: a time server may have been heard meanwhile.

        Returns:
            Whether the station was told, and has something to say.

        """
        if self._clock.known or "NTP" not in self._station.time_sources:
            return False
        wall = self._clock.system()
        if wall is not None:
            self._station.tell_time(wall)
        return wall is not None

    def take(self, commands: list[Command]) -> ClockShift | None:
        """Before anything else: what was decided in the same moment was stamped with the old time."""
        shifts = [self._set_clock(command) for command in commands if isinstance(command, SetClock)]
        return next((shift for shift in shifts if shift is not None), None)

    def _set_clock(self, told: SetClock) -> ClockShift | None:
        """The first time that is told moves everything that was stamped without knowing it (see ``Clock.known``)."""
        told, knew = self._preferred(told), self._clock.known
        if told.source not in self._station.time_sources:  # B01.FR.06
            return None
        wall = told.wall
        moved_s = self._clock.set(wall, self._link.took_s if told.source == "Heartbeat" else 0.0)
        if moved_s:
            owner = "CSMS's" if told.source == "Heartbeat" else "time server's"
            log.info("= clock moved by %+.1f s to the %s", moved_s, owner)
            self._station.clock_moved(moved_s, self._clock.now())
        self._station.desk.clock_known = self._clock.known
        if knew:
            return None
        self._socket.check_certificate(wall)
        shift = self._writing.learned_time(moved_s, self._clock.since)
        if shift is not None:
            self._station.move_times(shift)
        return shift

    def _preferred(self, told: SetClock) -> SetClock:
        """What the CSMS says counts for less than a time server, where TimeSource names that first."""
        sources = self._station.time_sources
        if told.source == "NTP" or sources[0] != "NTP":
            return told
        system = self._clock.system()
        return told if system is None else SetClock(system, "NTP")
