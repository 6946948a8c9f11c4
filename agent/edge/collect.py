"""From the wish for a log to the bytes of its file: the loop's part now, the thread's part later.  Uploads nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from agent.edge.log_memory import LogMemory
from agent.vocabulary.commands import UploadLog

Pages = Callable[[], Mapping[str, bytes]]
"""What is true now, by file name."""


class Collector:
    """Called in the loop; returns what is called in the thread of the upload."""

    def __init__(self, database: Path, log_memory: LogMemory, pages: Pages) -> None:
        self._database = database
        self._log_memory = log_memory
        self._pages = pages

    def __call__(self, wanted: UploadLog) -> Callable[[], bytes]:
        window = wanted.oldest, wanted.latest
        database = self._database
        if wanted.log_type == "SecurityLog":

            def make_security_log() -> bytes:
                from agent.edge.diagnostics import security_log  # packing costs memory, once in a long while

                return security_log(database, window)

            return make_security_log
        pages = {"log.txt": self._log_memory.text(window), **self._pages()}

        def make_diagnostics() -> bytes:
            from agent.edge.diagnostics import diagnostics

            return diagnostics(database, window, pages)

        return make_diagnostics
