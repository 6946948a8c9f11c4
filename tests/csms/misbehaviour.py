"""What a CSMS or the network can do wrong with one answer or one handshake, and when it happens: small named things.

A fault of an answer is a coroutine function of the line and the right answer; it knows no OCPP beyond the frame.
"""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol


@dataclass(frozen=True)
class Reply:
    """The right answer to a CALL, ready to be sent."""

    id: str
    text: str


class Line(Protocol):
    """What a fault may do to a connection."""

    async def send(self, text: str | bytes) -> None: ...
    async def close(self) -> None: ...
    def abort(self) -> None: ...
    def stop_reading(self) -> None: ...
    def stop_pongs(self) -> None: ...


Fault = Callable[[Line, Reply], Awaitable[None]]


async def plain_answer(line: Line, reply: Reply) -> None:
    await line.send(reply.text)


async def never_answer(_line: Line, _reply: Reply) -> None:
    return


async def answer_twice(line: Line, reply: Reply) -> None:
    await line.send(reply.text)
    await line.send(reply.text)


async def close_before(line: Line, _reply: Reply) -> None:
    await line.close()


async def close_after(line: Line, reply: Reply) -> None:
    await line.send(reply.text)
    await line.close()


async def abort_before(line: Line, _reply: Reply) -> None:
    """The TCP connection is reset."""
    line.abort()


async def abort_after(line: Line, reply: Reply) -> None:
    await line.send(reply.text)
    line.abort()


async def stop_reading(line: Line, _reply: Reply) -> None:
    """Half-open: the connection stands, nothing is read or said any more, pings included."""
    line.stop_reading()


async def stop_pongs(line: Line, reply: Reply) -> None:
    """Answers, but never again a ping."""
    line.stop_pongs()
    await line.send(reply.text)


async def not_json(line: Line, reply: Reply) -> None:
    await line.send(reply.text[:-2])


async def not_utf8(line: Line, reply: Reply) -> None:
    """A binary frame that is no text at all."""
    await line.send(b"\xff\xfe" + reply.text.encode("utf-16"))


async def empty_array(line: Line, _reply: Reply) -> None:
    await line.send("[]")


async def unknown_message_type(line: Line, reply: Reply) -> None:
    await line.send(json.dumps([9, reply.id, {}]))


async def wrong_id(line: Line, reply: Reply) -> None:
    await line.send(reply.text.replace(reply.id, reply.id[::-1] + "?", 1))


async def wrong_payload_type(line: Line, reply: Reply) -> None:
    await line.send(json.dumps([3, reply.id, "no object"]))


async def wrong_payload(line: Line, reply: Reply) -> None:
    """An object that no schema of any answer allows."""
    await line.send(json.dumps([3, reply.id, {"status": {"currentTime": [None]}, "interval": "soon"}]))


def delayed(seconds: float, then: Fault = plain_answer) -> Fault:
    async def delayed_answer(line: Line, reply: Reply) -> None:
        await asyncio.sleep(seconds)
        await then(line, reply)

    return delayed_answer


def call_error(code: str = "InternalError", description: str = "practice") -> Fault:
    async def call_error_answer(line: Line, reply: Reply) -> None:
        await line.send(json.dumps([4, reply.id, code, description, {}]))

    return call_error_answer


FAULTS: dict[str, Fault] = {
    "abort_after": abort_after,
    "abort_before": abort_before,
    "answer_twice": answer_twice,
    "call_error": call_error(),
    "close_after": close_after,
    "close_before": close_before,
    "empty_array": empty_array,
    "never_answer": never_answer,
    "not_json": not_json,
    "not_utf8": not_utf8,
    "stop_pongs": stop_pongs,
    "stop_reading": stop_reading,
    "unknown_message_type": unknown_message_type,
    "wrong_id": wrong_id,
    "wrong_payload": wrong_payload,
    "wrong_payload_type": wrong_payload_type,
}


@dataclass(frozen=True)
class Handshake:
    """How one opening handshake goes: refused with an HTTP status, left hanging, or with another subprotocol."""

    status: int | None = None
    hangs: bool = False
    subprotocol: str | None = "ocpp2.0.1"  # None: the header is left out, and the connection stays open


def refuse(status: int) -> Handshake:
    return Handshake(status=status)


def pick_subprotocol(name: str | None) -> Handshake:
    return Handshake(subprotocol=name)


HANG = Handshake(hangs=True)


@dataclass(frozen=True)
class Planned:
    """A fault that waits for its turn."""

    fault: Fault
    action: str | None  # None: any
    skip: int  # how many more go well
    times: int  # how many then go wrong


class Script:
    """Which answer goes wrong, and how: the n-th of an action, or any, at random by a seed."""

    def __init__(self) -> None:
        self._planned: list[Planned] = []
        self._dice: Callable[[], Fault | None] = lambda: None

    def add(self, fault: Fault, action: str | None = None, *, nth: int = 1, times: int = 1) -> None:
        """From now on, the ``nth`` answer to ``action`` (and ``times`` in all) is this fault."""
        self._planned.append(Planned(fault, action, nth - 1, times))

    def at_random(self, seed: int, rate: float, faults: Sequence[Fault] = tuple(FAULTS.values())) -> None:
        """Let every answer go wrong with the probability ``rate``; the same seed gives the same run."""
        source = random.Random(seed)
        self._dice = lambda: source.choice(faults) if source.random() < rate else None

    def clear(self) -> None:
        """Behave again."""
        self._planned.clear()
        self._dice = lambda: None

    def take(self, action: str) -> Fault:
        """The way to give the next answer to ``action``."""
        chosen: Fault | None = None
        for i, planned in enumerate(self._planned):
            if planned.action not in (None, action):
                continue
            if planned.skip:
                self._planned[i] = replace(planned, skip=planned.skip - 1)
            elif chosen is None:
                chosen = planned.fault
                self._planned[i] = replace(planned, times=planned.times - 1)
        self._planned = [planned for planned in self._planned if planned.times > 0]
        return chosen or self._dice() or plain_answer
