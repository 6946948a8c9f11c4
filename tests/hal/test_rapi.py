"""The RAPI codec: the vectors of the protocol, any portions, any garbage."""

from __future__ import annotations

from functools import reduce
from itertools import pairwise
from operator import xor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.wire.rapi import (
    LONGEST_FRAME,
    Ammeter,
    Booted,
    ButtonPressed,
    CurrentRange,
    Energy,
    Heartbeat,
    LockState,
    Malformed,
    ModeAsked,
    Parser,
    Reply,
    Settings,
    StateChanged,
    Status,
    Temperatures,
    TripCounts,
    Values,
    Versions,
    command,
)

COMMANDS = [
    (("GS",), 0, b"$GS^30"),
    (("GS",), 1, b"$GS :01^2B"),
    (("FD",), 0, b"$FD^26"),
    (("FE",), 0, b"$FE^27"),
    (("FS",), 0, b"$FS^31"),
    (("SC", 16, "V"), 0, b"$SC 16 V^65"),
    (("SC", 16, "V"), 0x2A, b"$SC 16 V :2A^0C"),
    (("SY", 60, 6), 0, b"$SY 60 6^1E"),
    (("SY",), 0, b"$SY^2E"),
    (("SY", 165), 0, b"$SY 165^3C"),
    (("GV",), 0, b"$GV^35"),
    (("GC",), 0, b"$GC^20"),
    (("GU",), 0, b"$GU^36"),
    (("GG",), 0, b"$GG^24"),
    (("GF",), 0, b"$GF^25"),
    (("FF", "F", 1), 0, b"$FF F 1^53"),
    (("GY",), 0, b"$GY^3A"),
    (("SB",), 0, b"$SB^35"),
    (("GE",), 0, b"$GE^26"),
    (("GP",), 0, b"$GP^33"),
    (("G0",), 0, b"$G0^53"),
]

FRAMES = [
    (b"$OK 03 120 03 0140^16", Reply(True, ("03", "120", "03", "0140"))),
    (b"$AT 03 03 16 0140^33", StateChanged(3, 3, 16, 0x0140)),
    (b"$AB 00 8.2.3^1E", Booted(0, "8.2.3")),
]


def framed(text: bytes) -> bytes:
    return text + b"^%02X\r" % reduce(xor, text)


@pytest.mark.parametrize(("words", "sequence", "frame"), COMMANDS)
def test_a_command_is_written_as_the_vector(words: tuple[str, ...], sequence: int, frame: bytes) -> None:
    assert command(*words, sequence=sequence) == frame + b"\r"


def test_a_command_that_the_part_has_no_room_for_is_refused() -> None:
    assert len(command("SC", "1" * 24)) == 32
    with pytest.raises(ValueError, match="longer than 31"):
        command("SC", "1" * 25)


@pytest.mark.parametrize(("line", "frame"), FRAMES)
def test_a_frame_is_read_as_the_vector(line: bytes, frame: object) -> None:
    assert Parser().receive(line + b"\r") == [frame]


@pytest.mark.parametrize(
    ("text", "frame"),
    [
        (b"$OK :2A", Reply(True, (), 0x2A)),
        (b"$NK 6 :FF", Reply(False, ("6",), 0xFF)),
        (b"$NK", Reply(False)),
        (b"$AN 1", ButtonPressed(1)),
        (b"$WF C", ModeAsked("C")),
        (b"$AT FE 02 6 0100 more", StateChanged(0xFE, 2, 6, 0x0100)),
    ],
)
def test_replies_and_frames_of_its_own_are_told_apart(text: bytes, frame: object) -> None:
    assert Parser().receive(framed(text)) == [frame]


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (Status, "03 120 03 0140", Status(3, 120, 3, 0x0140)),
        (Settings, "16 0021", Settings(16, 0x21)),
        (CurrentRange, "6 80 16 32", CurrentRange(6, 80, 16, 32)),
        (Energy, "3600 1234", Energy(3600, 1234)),
        (Ammeter, "-1 -1", Ammeter(-1, -1)),
        (Temperatures, "253 -2560 -55", Temperatures(25.3, None, -5.5)),
        (Heartbeat, "60 6 2", Heartbeat(60, 6, 2)),
        (Versions, "8.2.3 5.2.1", Versions("8.2.3", "5.2.1")),
        (TripCounts, "0 1A FF", TripCounts(0, 26, 255)),
        (LockState, "1", LockState(1)),
    ],
)
def test_the_words_of_a_reply_become_values(kind: type[Values], text: str, value: Values) -> None:
    assert kind.from_words(text.split()) == value


@pytest.mark.parametrize(
    "text", ["", "03 120 03", "3g 120 03 0140", "03 1_0 03 0140", "03 120 03 140", "03 120 003 0140"]
)
def test_words_that_are_no_status_are_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        Status.from_words(text.split())


def test_a_new_dollar_starts_anew_and_the_rest_is_counted() -> None:
    parser = Parser()
    assert parser.receive(b"\x00\xff$OK 03 12$AN 0" + framed(b"$AN 0")[5:]) == [ButtonPressed(0)]
    assert parser.counters == {"frames": 1, "garbage_bytes": 11, "checksum_errors": 0, "malformed": 0}


def test_a_wrong_checksum_is_counted_and_skipped() -> None:
    parser = Parser()
    assert parser.receive(b"$AT 03 03 16 0141^33\r" + framed(b"$AN 1")) == [ButtonPressed(1)]
    assert parser.counters["checksum_errors"] == 1


@pytest.mark.parametrize("text", [b"$", b"$XX 1", b"$AT 03", b"$AT 3 03 16 0140", b"$AN x"])
def test_a_good_checksum_around_nonsense_is_counted_as_malformed(text: bytes) -> None:
    parser = Parser()
    assert parser.receive(framed(text)) == []
    assert parser.counters["malformed"] == 1


def test_what_never_ends_is_not_kept() -> None:
    parser = Parser()
    for _ in range(1000):
        parser.receive(b"$" + b"x" * 100)
    assert parser.counters["garbage_bytes"] >= 101_000 - LONGEST_FRAME
    assert parser.receive(b"\r" + framed(b"$AN 0")) == [ButtonPressed(0)]


lines = st.one_of(
    st.sampled_from([line + b"\r" for line, _ in FRAMES]),
    st.binary(max_size=120),
    st.builds(framed, st.binary(max_size=20).map(lambda data: b"$" + data)),
    st.text(alphabet="$^\rATOK 0123:", max_size=30).map(str.encode),
)
streams = st.lists(lines, max_size=8).map(b"".join)


@given(streams, st.lists(st.integers(0, 500), max_size=12))
def test_any_portions_give_the_same_frames_and_counts(stream: bytes, cuts: list[int]) -> None:
    whole, piecewise = Parser(), Parser()
    frames = whole.receive(stream + b"\r")
    edges = sorted({0, len(stream) + 1, *(cut for cut in cuts if cut <= len(stream))})
    pieces = [(stream + b"\r")[start:end] for start, end in pairwise(edges)]
    assert [frame for piece in pieces for frame in piecewise.receive(piece)] == frames
    assert piecewise.counters == whole.counters


@given(streams)
def test_after_any_garbage_the_next_frame_is_read(garbage: bytes) -> None:
    parser = Parser()
    parser.receive(garbage)
    assert parser.receive(framed(b"$AN 1"))[-1:] == [ButtonPressed(1)]
