"""Frames by the thousand, most of them wrong, against the whole ear: python -m tests.ocpp.fuzz --frames 1000000.

The same seed gives the same frames.  A frame that is answered otherwise than part 4 wants ends the run and is shown.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any, get_args

import msgspec

from agent.link.rpc import Rpc
from agent.link.rpc_events import AnswerUnreadable, CallReceived, CallTimedOut, StrangeFrame
from agent.ocpp.dialect import dialect_for
from agent.ocpp.errors import ErrorCode, Unsayable
from agent.ocpp.messages import dump, load
from agent.ocpp.messages.base import Request
from agent.ocpp.messages.g_availability import HeartbeatRequest
from agent.ocpp.tolerance import Ear, Tolerance
from tests.ocpp.instances import VERSIONS, fullest, schemas

MAX_FRAME_BYTES = 65536
TIMEOUT_S = 30.0

TOKENS = [
    *(b"[", b"]", b"{", b"}", b",", b":", b'"', b"\\", b"\\u0000", b"\\ud800", b"\xff", b"\x00", b"\xef\xbb\xbf"),
    *(
        b"null",
        b"true",
        b"-1",
        b"1e999",
        b"-0",
        b"0.1",
        b"9" * 40,
        b"9" * 5000,
        b'"vendorId"',
        b"[" * 200,
        b'{"a":' * 200,
    ),
]
VALUES: list[Any] = [
    *(None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, -(2**63) - 1, 10**50, 0.5, -1e308, 1.0),
    *("", "x", "Accepted", "accepted", "5", "true", "\x00", "é" * 3000, "2026-01-01", "2026-01-01T00:00:00+02", "-1"),
    *("0001-01-01T00:00:00+02:00", "9999-12-31T23:59:59-14:00", "2026-02-30T00:00:00Z", "2026-01-01T23:59:60Z"),
    *([], [None], [[]], {}, {"vendorId": 1}, {"vendorId": "v", "x": None}, {"": ""}),
]
WHOLE = [
    *(
        b"",
        b" ",
        b"[]",
        b"{}",
        b"null",
        b"2",
        b'"2"',
        b"[[]]",
        b"[2]",
        b"[2,2]",
        b"[3]",
        b"[null]",
        b"[2.0]",
        b"[true]",
    ),
    *(
        b"[" * 60000,
        b'{"a":' * 10000,
        b'[2,"x","DataTransfer",{"data":' + b"[" * 50000,
        b"\xff" * 10,
        b"[2," + b"9" * 5000,
    ),
    *(b"[true]", b"[2," + b"9" * 5000, b"[" + b"9" * 5000 + b',"x"]', b"[" + b"9" * 4000 + b',"x",{}]'),
    *(b'[3,"m"', b'[4,"m","x","y",{}]', b'[9,"x"]', b"[-2]", b'[2,"' + b"i" * 70000 + b'"]', b"\xef\xbb\xbf[2]"),
]


class Violation(AssertionError):
    """The ear did something that part 4 does not have."""


class Fuzz:
    """One ear, one seed."""

    def __init__(self, seed: int, subprotocol: str = "ocpp2.0.1", tolerance: Tolerance = Tolerance.OFF) -> None:
        self.random = random.Random(seed)
        self.counts: Counter[str] = Counter()
        self._dialect = dialect_for(subprotocol)
        self._rpc = Rpc(timeout_s=TIMEOUT_S, max_frame_bytes=MAX_FRAME_BYTES, ear=Ear(tolerance))
        self._rpc.opened(self._dialect, 0.0)
        self._now = 0.0
        self._serial = 0
        self._calls = [
            (name.removesuffix("Request"), fullest(subprotocol, name))
            for name in schemas(subprotocol)
            if name.endswith("Request")
        ]
        self._makers: list[Callable[[], bytes]] = [
            self._valid,
            self._wrong_value,
            self._wrong_value,
            self._wrong_envelope,
            self._torn,
            self._torn,
            self._answer,
            self._whole,
        ]

    def frame(self) -> bytes:
        return self.random.choice(self._makers)()

    def step(self) -> None:
        """One frame in, and whatever a station does besides."""
        frame = self.frame()
        self._now += self.random.choice((0.0, 0.1, 1.0, 10.0))
        self._own_call()
        given: str | bytes = frame
        if self.random.random() < 0.5:
            given = frame.decode("utf-8", "surrogateescape")
        try:
            self._rpc.receive_frame(given, self._now)
        except Exception as error:
            raise Violation(f"{error!r} out of {shown(frame)}") from error
        self._judge(frame)

    def _own_call(self) -> None:
        self._rpc.expire(self._now)
        if any(not isinstance(event, CallTimedOut) for event in self._rpc.take_events()):
            raise Violation("an event without a frame")
        if not self._rpc.busy:
            self._serial += 1
            self._rpc.call(HeartbeatRequest(), f"m{self._serial}", self._now)
            self._rpc.take_frames()

    def _judge(self, frame: bytes) -> None:
        events, said = self._rpc.take_events(), self._rpc.take_frames()
        if len(events) != 1 or len(said) > 1:
            raise Violation(f"{events} and {said} out of {shown(frame)}")
        [event] = events
        self.counts[type(event).__name__] += 1
        for answer in said:
            self._judge_answer(answer, frame)
        kind, message_id = head(frame)
        if kind == 2 and not (said or isinstance(event, CallReceived) or repeated(event)):
            raise Violation(f"no answer to {shown(frame)}")
        if kind in (3, 4) and said and not isinstance(event, AnswerUnreadable):
            raise Violation(f"{said} out of {shown(frame)}")
        if said and isinstance(message_id, str) and len(message_id) <= 36 and json.loads(said[0])[1] != message_id:
            raise Violation(f"{said} has not the id of {shown(frame)}")
        if isinstance(event, CallReceived):
            self._echo(event.request, frame)
        if isinstance(event, CallReceived) and self.random.random() < 0.9:
            self._rpc.refuse(event.message_id, "NotSupported", "", self._now)
            self._rpc.take_frames()

    def _echo(self, request: Request, frame: bytes) -> None:
        """What was heard can be kept, and said again unless it is a time that no calendar has in UTC."""
        try:
            if load(request.action, dump(request)) != request:
                raise Violation(f"not kept: {shown(frame)}")
            self._dialect.encode(request)
        except Unsayable as error:
            if "date value out of range" not in error.reason:
                raise Violation(f"{error.reason}: {shown(frame)}") from error
        except Exception as error:
            raise Violation(f"{error!r} from {shown(frame)}") from error

    def _judge_answer(self, answer: str, frame: bytes) -> None:
        kind, message_id, code, description, details = json.loads(answer)
        kinds = (4, 5) if self._dialect.version == "2.1" else (4,)
        if kind not in kinds or code not in get_args(ErrorCode):
            raise Violation(f"{answer} out of {shown(frame)}")
        if not isinstance(message_id, str) or len(description) > 255 or not isinstance(details, dict):
            raise Violation(f"{answer} out of {shown(frame)}")
        self.counts[code] += 1

    def _call(self) -> list[Any]:
        action, payload = self.random.choice(self._calls)
        return [2, f"c{self.random.getrandbits(40)}", action, payload]

    def _valid(self) -> bytes:
        return msgspec.json.encode(self._call())

    def _wrong_value(self) -> bytes:
        """A field of a payload has another value, another name, or is gone."""
        call = self._call()
        call[3] = self._with_wrong_value(call[3])
        return msgspec.json.encode(call)

    def _with_wrong_value(self, value: Any) -> Any:
        if isinstance(value, dict) and value and self.random.random() < 0.9:
            name = self.random.choice(list(value))
            changed = dict(value)
            match self.random.randrange(6):
                case 0:
                    del changed[name]
                case 1:
                    changed[self.random.choice((name.upper(), f"{name}x", ""))] = changed.pop(name)
                case _:
                    changed[name] = self._with_wrong_value(value[name])
            return changed
        if isinstance(value, list) and value and self.random.random() < 0.9:
            return [self._with_wrong_value(value[0]), *value[1:]] * self.random.choice((1, 1, 1, 30))
        return self.random.choice(VALUES)

    def _wrong_envelope(self) -> bytes:
        envelope = self._call()
        for _ in range(self.random.randint(1, 3)):
            match self.random.randrange(4):
                case 0 if envelope:
                    del envelope[self.random.randrange(len(envelope))]
                case 1:
                    envelope.insert(self.random.randrange(len(envelope) + 1), self.random.choice(VALUES))
                case _ if envelope:
                    envelope[self.random.randrange(len(envelope))] = self.random.choice(VALUES)
        if self.random.random() < 0.3 and envelope:
            envelope[0] = self.random.choice((0, 1, 3, 4, 5, 6, 7, 99, 12345))
        return msgspec.json.encode(envelope)

    def _torn(self) -> bytes:
        """The bytes of a frame after a bad line or a bad mind."""
        data = bytearray(self._valid())
        for _ in range(self.random.randint(1, 4)):
            at = self.random.randrange(len(data) + 1)
            match self.random.randrange(5):
                case 0:
                    del data[at : at + self.random.randint(1, 20)]
                case 1:
                    data[at:at] = self.random.choice(TOKENS)
                case 2:
                    data[at : at + 1] = bytes((self.random.randrange(256),))
                case 3:
                    data[at:at] = data[at : at + self.random.randint(1, 60)]
                case 4:
                    del data[at:]
        return bytes(data)

    def _answer(self) -> bytes:
        """Something in the shape of an answer, now and then to the call in flight."""
        message_id = f"m{self._serial - self.random.choice((0, 0, 1, 3, 40))}"
        rest: list[Any] = self.random.choice(
            (
                [3, message_id, {"currentTime": "2026-01-01T00:00:00Z"}],
                [3, message_id, self.random.choice(VALUES)],
                [4, message_id, "InternalError", "", {}],
                [4, message_id, *self.random.sample(VALUES, self.random.randint(0, 4))],
                [5, message_id, "FormatViolation", "", {}],
                [6, message_id, "NotifyPeriodicEventStream", self.random.choice(VALUES)],
            )
        )
        return msgspec.json.encode(rest)

    def _whole(self) -> bytes:
        return self.random.choice(WHOLE)


def head(frame: bytes) -> tuple[Any, Any]:
    """Type and id as another JSON parser reads them; nothing of what is no OCPP array."""
    try:
        whole = json.loads(frame.decode()) if len(frame) <= MAX_FRAME_BYTES else None
    except (ValueError, RecursionError):
        return None, None
    if not isinstance(whole, list) or len(whole) < 3 or type(whole[0]) is not int:
        return None, None
    sayable = isinstance(whole[1], str) and whole[1].isprintable()
    return whole[0], whole[1] if sayable else None


def repeated(event: Any) -> bool:
    return isinstance(event, StrangeFrame) and event.reason.startswith("asked again")


def shown(frame: bytes) -> str:
    return repr(frame if len(frame) < 2000 else frame[:1000] + b"..." + frame[-900:])


def run(frames: int, seed: int) -> tuple[Counter[str], int]:
    """Counts of what came of the frames, and by how many blocks the memory grew in the second half."""
    ears = [Fuzz(seed + i, subprotocol, tolerance) for i, (subprotocol, tolerance) in enumerate(combinations())]
    half = 0
    for number in range(frames):
        if number == frames // 2:
            gc.collect()
            half = sys.getallocatedblocks()
        ears[number % len(ears)].step()
    gc.collect()
    return sum((ear.counts for ear in ears), Counter()), sys.getallocatedblocks() - half


def combinations() -> list[tuple[str, Tolerance]]:
    return [(subprotocol, tolerance) for subprotocol in VERSIONS for tolerance in Tolerance]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    try:
        counts, grown = run(options.frames, options.seed)
    except Violation as violation:
        print(f"seed {options.seed}: {violation}")
        return 1
    print(f"{options.frames:,} frames, seed {options.seed}, memory {grown:+,} blocks in the second half")
    for what, count in counts.most_common():
        print(f"{count:>12,} {what}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
