"""A small run of the fuzz campaign; ``make fuzz`` has the long one."""

from __future__ import annotations

from tests.ocpp.fuzz import combinations, run

FRAMES = 20_000
CODES = {
    "FormatViolation",
    "GenericError",
    "MessageTypeNotSupported",
    "NotImplemented",
    "OccurrenceConstraintViolation",
    "PropertyConstraintViolation",
    "ProtocolError",
    "RpcFrameworkError",
    "TypeConstraintViolation",
}


def test_every_frame_is_answered_or_ignored_as_part_4_says_and_none_stays_in_memory():
    counts, grown = run(FRAMES, seed=2026)
    events = {what: count for what, count in counts.items() if what not in CODES}
    assert sum(events.values()) == FRAMES
    assert set(counts) >= CODES, "the frames are too tame"
    assert {"CallReceived", "CallAnswered", "CallRefused", "AnswerUnreadable", "LateAnswer"} <= set(events)
    assert grown < 1_000, "blocks of memory"
    assert len(combinations()) == 6
