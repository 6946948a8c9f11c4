"""One upload: whatever goes wrong with it is told as the outcome of this upload, and the next one begins anew."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue

import pytest

from agent.edge.uploads import Collect, Uploads
from agent.vocabulary.commands import UploadLog
from agent.vocabulary.incoming import UploadEnded

WANTED = UploadLog(7, "DiagnosticsLog", "http://127.0.0.1:1/logs/", "diagnostics.tar.gz")


def no_tls() -> ssl.SSLContext:
    raise AssertionError("nobody asked for TLS")


class Rig:
    """The loop: what the thread hands over is done when ``ended`` waits for it."""

    def __init__(self, collect: Collect) -> None:
        self.calls: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self.told: list[UploadEnded] = []
        self.uploads = Uploads(collect, no_tls, self.calls.put, self.told.append)

    def ended(self) -> UploadEnded:
        self.uploads.start(WANTED)
        self.calls.get(timeout=20)()
        return self.told.pop()


def raises(error: Exception) -> bytes:
    raise error


def test_what_cannot_be_taken_down_in_the_loop_ends_the_upload_and_nothing_else() -> None:
    def collect(wanted: UploadLog) -> Callable[[], bytes]:
        raise KeyError("page")

    rig = Rig(collect)
    assert rig.ended() == UploadEnded(7, "UploadFailure", "a defect of the agent: KeyError: 'page'")
    assert rig.uploads.status() is None


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError("no space left"), "cannot be collected: no space left"),
        (MemoryError("8 MiB"), "cannot be collected: 8 MiB"),
        (KeyError("column"), "a defect of the agent: KeyError: 'column'"),
    ],
)
def test_what_goes_wrong_in_the_thread_is_told(error: Exception, reason: str) -> None:
    rig = Rig(lambda wanted: partial(raises, error))
    assert rig.ended() == UploadEnded(7, "UploadFailure", reason)
    assert rig.uploads.status() is None


def test_nobody_there_is_a_failure_and_the_next_upload_begins_anew() -> None:
    rig = Rig(lambda wanted: lambda: b"archive")
    for _ in range(2):
        event = rig.ended()
        assert (event.request_id, event.status) == (7, "UploadFailure")
        assert event.reason.startswith("127.0.0.1: ")
