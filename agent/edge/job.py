"""A transfer under way, as the loop and the thread that does it share it.  Moves nothing itself."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Literal

UploadStatus = Literal["Uploaded", "UploadFailure", "BadMessage", "PermissionDenied", "NotSupportedOperation"]


class TransferFailed(Exception):
    """It did not work; ``status`` as a LogStatusNotification says it."""

    def __init__(self, status: UploadStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Canceled(Exception):
    """Nobody wants it any more."""


class Job:
    """How far a transfer is, and whether it is to go on."""

    def __init__(self) -> None:
        self.size = 0
        self.done = 0
        self._canceled = False
        self._lock = Lock()

    def cancel(self) -> None:
        """End it at the next piece."""
        with self._lock:
            self._canceled = True

    def unless_canceled(self, work: Callable[[], None]) -> None:
        """Do it, or, where nobody wants it any more, leave it; ``cancel`` waits meanwhile."""
        with self._lock:
            if not self._canceled:
                work()

    def moved(self, count: int) -> None:
        """So many bytes more.

        Raises:
            Canceled: it is not to go on.

        """
        self.done += count
        if self._canceled:
            raise Canceled
