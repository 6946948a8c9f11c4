"""Uploads under way, one at a time: collects what is wanted and brings it there in a thread.  Decides nothing."""

from __future__ import annotations

import logging
import sqlite3
import ssl
import threading
from collections.abc import Callable
from functools import partial

from agent.edge.job import Canceled, Job, TransferFailed
from agent.vocabulary.commands import UploadLog
from agent.vocabulary.incoming import UploadEnded

log = logging.getLogger(__name__)

Collect = Callable[[UploadLog], Callable[[], bytes]]
"""Takes down, in the loop, what is true now; returns what makes the file of it, in the thread."""


class Uploads:
    """``start`` and ``cancel`` from the loop; ``post`` is called there when an upload ended by itself."""

    def __init__(
        self,
        collect: Collect,
        tls: Callable[[], ssl.SSLContext],
        hand_over: Callable[[Callable[[], None]], None],
        post: Callable[[UploadEnded], None],
    ) -> None:
        self._collect = collect
        self._tls = tls
        self._hand_over = hand_over
        self._post = post
        self._job: Job | None = None
        self._wanted: UploadLog | None = None

    def start(self, wanted: UploadLog) -> None:
        """Begin; what was under way is not wanted any more."""
        self.cancel()
        job = Job()
        self._job, self._wanted = job, wanted
        try:
            make = self._collect(wanted)
            # A daemon: a server that does not answer must not hold up the end of the process.
            threading.Thread(target=self._run, args=(wanted, make, job), name="upload", daemon=True).start()
        except Exception as error:
            self._hand_over(partial(self._ended, job, _of_defect(wanted, error)))

    def cancel(self) -> None:
        """Nobody wants it any more; nothing is told."""
        if self._job is not None:
            self._job.cancel()
            self._job = self._wanted = None

    def status(self) -> dict[str, object] | None:
        """What is being uploaded, and how far it is."""
        if self._job is None or self._wanted is None:
            return None
        return {
            "request_id": self._wanted.request_id,
            "log_type": self._wanted.log_type,
            "filename": self._wanted.filename,
            "sent_bytes": self._job.done,
            "size_bytes": self._job.size,
        }

    # ---- in the thread ----

    def _run(self, wanted: UploadLog, make: Callable[[], bytes], job: Job) -> None:
        event = UploadEnded(wanted.request_id, "Uploaded")
        try:
            from agent.edge.upload import upload  # HTTP and FTP cost memory, once in a long while

            upload(make(), wanted.filename, wanted.url, self._tls, job)
        except Canceled:
            return
        except TransferFailed as error:
            event = UploadEnded(wanted.request_id, error.status, str(error))
        except (OSError, sqlite3.Error, MemoryError) as error:
            event = UploadEnded(wanted.request_id, "UploadFailure", f"cannot be collected: {error}")
        except Exception as error:
            event = _of_defect(wanted, error)
        self._hand_over(partial(self._ended, job, event))

    def _ended(self, job: Job, event: UploadEnded) -> None:
        if job is not self._job or self._wanted is None:
            return
        if event.reason:
            log.warning("! upload of %s: %s: %s", self._wanted.filename, event.status, event.reason)
        else:
            log.info("= %s uploaded, %d bytes", self._wanted.filename, job.size)
        self._job = self._wanted = None
        self._post(event)


def _of_defect(wanted: UploadLog, error: Exception) -> UploadEnded:
    """A defect of ours costs the upload, and the CSMS hears of it."""
    log.debug("traceback", exc_info=error)
    return UploadEnded(wanted.request_id, "UploadFailure", f"a defect of the agent: {type(error).__name__}: {error}")
