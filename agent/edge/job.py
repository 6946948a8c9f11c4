"""A transfer under way, as the loop and the thread that does it share it.  Moves nothing itself."""

from __future__ import annotations

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

    def cancel(self) -> None:
        """End it at the next piece."""
        self._canceled = True

    @property
    def canceled(self) -> bool:
        """Whether nobody wants it any more."""
        return self._canceled

    def moved(self, count: int) -> None:
        """So many bytes more.

        Raises:
            Canceled: it is not to go on.

        """
        self.done += count
        if self._canceled:
            raise Canceled
