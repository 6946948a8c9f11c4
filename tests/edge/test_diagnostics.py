"""What goes into a log that is uploaded: the newest of everything, and no more than there is room for."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest

from agent.edge.diagnostics import CUT, MOST_BYTES, newest


@pytest.mark.parametrize(
    ("most_bytes", "kept"),
    [(100, b"one\ntwo\nthree\n"), (14, b"one\ntwo\nthree\n"), (13, CUT + b"two\nthree\n"), (5, CUT)],
)
def test_the_newest_lines_stay_and_that_others_are_gone_is_said(most_bytes: int, kept: bytes) -> None:
    assert newest([b"one\n", b"two\n", b"three\n"], most_bytes) == kept
    assert newest([], most_bytes) == b""


def test_of_a_long_log_only_what_is_kept_is_ever_in_memory() -> None:
    def long() -> Iterator[bytes]:
        for number in range(100_000):
            yield b"%099d\n" % number

    tracemalloc.start()
    try:
        text = newest(long(), 100_000)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert text.endswith(b"%099d\n" % 99_999)
    assert len(text) == len(CUT) + 100_000
    assert peak < 1_000_000
    assert MOST_BYTES < 10_000_000
