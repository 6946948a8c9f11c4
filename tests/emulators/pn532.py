"""A PN532 on its serial line: asleep until it is woken, acknowledges what it can read, answers after a while."""

from __future__ import annotations

import asyncio

from tests.emulators.emulator import serve_keyboard
from tests.emulators.load import Load
from tests.emulators.on_pty import PtyEmulator
from tests.emulators.pty import QUIET, Noise

ACK, NACK = bytes.fromhex("0000ff00ff00"), bytes.fromhex("0000ffff0000")
ERROR = bytes.fromhex("0000ff01ff7f8100")
ANSWER_S = 0.015
CARDS = ("04A2B3C4", "04A2B3C4D5E680", "04A2B3C4D5E68091A2B3")


class EmulatedPn532(PtyEmulator):
    """``present`` holds a card to it; ``heard`` are the commands that it took."""

    stimuli = frozenset({"present", "withdraw", "mute", "unmute", "power_cycle"})
    keys = {"p": "present", "w": "withdraw", "m": "mute", "o": "unmute"}

    def __init__(self, load: Load | None = None, noise: Noise = QUIET, speed: float = 1.0) -> None:
        super().__init__(load, noise, speed)
        self.awake = self.configured = self.limited = False
        self.muted = False
        self.card: bytes | None = None
        self.heard: list[int] = []
        self.spoil: dict[int, bytes] = {}
        self.nack_next = 0
        self._pending = b""

    async def take_away(self) -> None:
        self._cancel("answer")
        await super().take_away()

    def present(self, uid: str = CARDS[1]) -> None:
        """A card is held to it; one that it has waited for is answered."""
        self.card = bytes.fromhex(uid)

    def withdraw(self) -> None:
        self.card = None

    def mute(self) -> None:
        self.muted = True

    def unmute(self) -> None:
        self.muted = False

    def power_cycle(self) -> None:
        """It sleeps, and has forgotten what it was told."""
        self._cancel("answer")
        self.awake = self.configured = self.limited = False

    def _receive(self, data: bytes) -> None:
        self._pending += data
        if not self.awake:
            if b"\x55" not in self._pending:
                self._pending = b""
                return
            self.awake = True
        while (start := self._pending.find(b"\x00\xff")) >= 0:
            frame = self._pending[start + 2 :]
            if len(frame) < 2:
                return
            if frame[:2] in (b"\x00\xff", b"\xff\x00"):
                self._cancel("answer")
                self._pending = frame[2:]
                continue
            length = frame[0]
            if (length + frame[1]) & 0xFF:
                self._pending = frame
                continue
            if len(frame) < length + 3:
                return
            body, check = frame[2 : 2 + length], frame[2 + length]
            self._pending = frame[length + 3 :]
            self._take(body, good=not (sum(body) + check) & 0xFF)

    def _take(self, body: bytes, *, good: bool) -> None:
        if self.muted:
            return
        if not good or body[:1] != b"\xd4" or self.nack_next > 0:
            self.nack_next -= self.nack_next > 0
            self._pty.send(NACK)
            return
        self._cancel("answer")
        self.heard.append(body[1])
        self._pty.send(ACK)
        self._after("answer", ANSWER_S, lambda: self._answer(body[1], body[2:]))

    def _answer(self, code: int, data: bytes) -> None:
        if self.muted:
            return
        if code == 0x4A:
            self._list(data)
        elif code == 0x02:
            self._say(code, bytes.fromhex("32010607"))
        elif code == 0x14:
            self.configured = True
            self._say(code, b"")
        elif code == 0x32:
            self.limited = data[0] == 5 and data[3] != 0xFF
            self._say(code, b"")
        else:
            self._pty.send(ERROR)

    def _list(self, data: bytes) -> None:
        if not self.configured or data != b"\x01\x00":
            self._pty.send(ERROR)
        elif self.card is not None:
            self._say(0x4A, b"\x01\x01\x00\x44\x00" + bytes((len(self.card),)) + self.card)
        elif self.limited:
            self._say(0x4A, b"\x00")
        else:
            self._after("answer", ANSWER_S * self.speed, lambda: self._list(data))

    def _say(self, code: int, data: bytes) -> None:
        body = bytes((0xD5, code + 1)) + self.spoil.get(code, data)
        head = bytes((len(body), -len(body) & 0xFF))
        self._pty.send(b"\x00\x00\xff" + head + body + bytes((-sum(body) & 0xFF, 0)))


if __name__ == "__main__":
    reader = EmulatedPn532()
    asyncio.run(serve_keyboard(reader, lambda: "no card" if reader.card is None else reader.card.hex()))
