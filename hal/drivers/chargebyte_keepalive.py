"""The frame that keeps a safety controller awake, from a thread of its own.  Does not know what the frame says."""

from __future__ import annotations

import os
from contextlib import suppress
from threading import Event, Thread

from hal.liveness import Liveness

PERIOD_S = 0.1


class KeepAlive:
    """Sends the last frame every 100 ms, and a new one at once.

    A thread, because the agent's loop may be busy for longer than the controller waits (a TLS handshake, a database on
    slow flash), and a controller that has waited too long latches its safe state.  But only while the liveness token is
    fresh: a thread that feeds the controller of an agent that hangs would defeat the supervision.
    """

    def __init__(self, farewell: bytes) -> None:
        self._farewell = farewell
        self._frame: bytes | None = None
        self._liveness = Liveness()
        self._news = Event()
        self._ending = False
        self._thread: Thread | None = None
        self.counters = {"keepalives": 0, "withheld": 0, "unsent": 0}

    def say(self, frame: bytes, liveness: Liveness) -> None:
        """Send this from now on, as long as the token is fresh."""
        self._liveness = liveness
        if frame != self._frame:
            self._frame = frame
            self._news.set()

    def silence(self) -> None:
        """Say farewell, and nothing any more."""
        if self._frame is not None:
            self._frame = None
            self._news.set()

    def start(self, fd: int) -> None:
        """Send on this descriptor, and close it in the end."""
        self.stop()
        self._ending = False
        self._thread = Thread(target=self._run, args=(fd,), name="keepalive", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """The farewell is sent and the descriptor closed when this returns; the thread never waits for the wire."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._ending = True
            self._news.set()
            thread.join()

    def _run(self, fd: int) -> None:
        spoke = False
        try:
            while not self._ending:
                spoke = self._turn(fd, spoke)
                self._news.wait(PERIOD_S)
                self._news.clear()
            if spoke:
                self._write(fd, self._farewell)
        except OSError:
            pass  # the loop notices by itself that the line is gone
        finally:
            with suppress(OSError):
                os.close(fd)

    def _turn(self, fd: int, spoke: bool) -> bool:
        frame = self._frame
        if frame is None:
            if spoke:
                self._write(fd, self._farewell)
            return False
        if not self._liveness.fresh():
            self.counters["withheld"] += 1
            return spoke
        self._write(fd, frame)
        return True

    def _write(self, fd: int, frame: bytes) -> None:
        try:
            sent = os.write(fd, frame)
        except BlockingIOError:
            sent = 0
        self.counters["keepalives" if sent == len(frame) else "unsent"] += 1
