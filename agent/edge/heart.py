"""The heart beat: while the loop turns, the liveness token is fed and the service manager is told.  Decides nothing.

Each beat runs in the loop and asks whether the station is able to work: a process that merely runs is not alive.
Source: sd_notify(3), systemd.service(5) WatchdogSec.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Mapping

from hal.liveness import FEED_EVERY_S, Liveness

log = logging.getLogger(__name__)

SHARE_OF_WATCHDOG = 3
"""A beat may come late, and one may be lost, before the service manager loses its patience."""


class ServiceManager:
    """Tells systemd what it wants to know; without one, nobody."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "")
        self.watchdog_s = _watchdog_s(environment)

    def tell(self, state: str) -> None:
        """``READY=1``, ``WATCHDOG=1``, ``STOPPING=1``, ``STATUS=...``; one that does not listen is no reason to end."""
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
                out.setblocking(False)
                out.sendto(state.encode(), address)
        except OSError as error:
            log.debug("the service manager does not listen: %s", error)


def _watchdog_s(environment: Mapping[str, str]) -> float | None:
    """How long the service manager waits for a sign of life; None: it waits for none of this process."""
    try:
        pid, usec = int(environment.get("WATCHDOG_PID", os.getpid())), int(environment.get("WATCHDOG_USEC", "0"))
    except ValueError:
        return None
    return usec / 1e6 if usec > 0 and pid == os.getpid() else None


class Heart:
    """Beats while ``able`` says that the station can work; costs nothing where nobody wants to know."""

    def __init__(self, liveness: Liveness, manager: ServiceManager, able: Callable[[], bool]) -> None:
        self._liveness = liveness
        self._manager = manager
        self._able = able
        self._timer: asyncio.TimerHandle | None = None
        self._period_s = 0.0
        self._complained = False

    def start(self, *, for_drivers: bool) -> None:
        """Begin, as fast as the one needs it who needs it most often."""
        periods = [FEED_EVERY_S] if for_drivers else []
        if self._manager.watchdog_s is not None:
            periods.append(self._manager.watchdog_s / SHARE_OF_WATCHDOG)
        if periods:
            self._period_s = min(periods)
            self._beat()

    def stop(self) -> None:
        """Beat no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _beat(self) -> None:
        if self._able():
            self._complained = False
            self._liveness.feed()
            if self._manager.watchdog_s is not None:
                self._manager.tell("WATCHDOG=1")
        elif not self._complained:
            self._complained = True
            log.error("! the station is not able to work: boards and service manager are not told that it is alive")
        self._timer = asyncio.get_running_loop().call_later(self._period_s, self._beat)
