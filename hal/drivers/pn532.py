"""A PN532 card reader over its serial line: cards that are held to it.  Does not know whom a card belongs to."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from hal.bus.serial import SerialBus
from hal.drivers.presence import Presence
from hal.errors import HalError, NoAnswer, PartRefused
from hal.events import CardPresented, TokenKind
from hal.ports import Place, Post
from hal.wire.pn532 import (
    ACK,
    ERROR,
    GET_FIRMWARE,
    LIST_PASSIVE_TARGET,
    RF_CONFIGURATION,
    SAM_CONFIGURATION,
    WAKE,
    Acknowledged,
    Malformed,
    Parser,
    Reply,
    command,
    firmware_of,
    targets_of,
)

REPLY_TIMEOUT_S = 0.5
WAKE_S = 0.05
TRIES = 3

NORMAL_MODE, NO_TIMEOUT, USE_IRQ = 0x01, 0x00, 0x01
MAX_RETRIES = 0x05
ONE_CARD, ISO14443A = 0x01, 0x00


class Pn532:
    """Asks for a card a few times a second.  A card is told once, and again when it was away for ``gone_s``."""

    bus_type = SerialBus
    tokens: tuple[TokenKind, ...] = ("ISO14443",)

    class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
        """``order``: the bytes of the identifier as the card gives them, or the other way round."""

        poll_s: Annotated[float, Meta(ge=0.05, le=5)] = 0.25
        gone_s: Annotated[float, Meta(ge=0.1, le=60)] = 1.0
        order: Literal["as read", "reversed"] = "as read"

    def __init__(self, config: Config, place: Place, bus: SerialBus, post: Post) -> None:
        self._config = config
        self._place = place
        self._bus = bus
        self._post = post
        self._presence = Presence(place, post)
        self._parser = Parser()
        self._awaited: int | None = None
        self._reply: Reply | None = None
        self._news = asyncio.Event()
        self._uid: bytes | None = None
        self._seen_at = float("-inf")
        self._counters = {"timeouts": 0, "refused": 0, "senseless": 0, "cards": 0}

    @property
    def counters(self) -> dict[str, int]:
        """What was read, and what went wrong on the line."""
        return self._parser.counters | self._counters

    async def run(self) -> None:
        try:
            while True:
                try:
                    self._parser.reset()
                    await self._bus.open(self._receive)
                    await self._serve()
                except HalError as error:
                    self._presence.lost(str(error))
                self._bus.close()
                await self._bus.wait_back()
        finally:
            self._bus.close()

    async def _serve(self) -> None:
        await self._wake_up()
        while True:
            started_at = monotonic()
            await self._look()
            await asyncio.sleep(max(0.0, started_at + self._config.poll_s - monotonic()))

    async def _wake_up(self) -> None:
        """From power-down; what was asked before, by another life of this process, is given up."""
        await self._bus.write(WAKE)
        await asyncio.sleep(WAKE_S)
        await self._bus.write(ACK)
        await self._ask(SAM_CONFIGURATION, NORMAL_MODE, NO_TIMEOUT, USE_IRQ)
        version = firmware_of(await self._ask(GET_FIRMWARE))
        # Never wait for a card: without this the chip answers when one comes, and cannot be told from a dead one.
        await self._ask(RF_CONFIGURATION, MAX_RETRIES, 0xFF, 0x01, 0x01)
        self._presence.found(version)

    async def _look(self) -> None:
        try:
            found = targets_of(await self._ask(LIST_PASSIVE_TARGET, ONE_CARD, ISO14443A))
        except Malformed as error:
            self._counters["senseless"] += 1
            self._presence.warn("senseless", f"{self._bus.device}: {error}")
            return
        now = monotonic()
        if not found:
            if now - self._seen_at >= self._config.gone_s:
                self._uid = None
            return
        self._seen_at = now
        uid = found[0].uid
        if uid != self._uid:
            self._uid = uid
            self._counters["cards"] += 1
            self._post(CardPresented(self._place.evse, self._written(uid)))

    def _written(self, uid: bytes) -> str:
        """As OCPP's identifiers have it: upper-case hexadecimal digits."""
        return (uid if self._config.order == "as read" else uid[::-1]).hex().upper()

    async def _ask(self, code: int, *data: int) -> bytes:
        """Ask until there is an answer.

        Raises:
            BusLost: the line is gone.
            NoAnswer: nothing, three times.
            PartRefused: the chip does not know this.

        """
        for _ in range(TRIES):
            reply = await self._exchange(code, *data)
            if reply is None:
                self._counters["timeouts"] += 1
                await self._bus.write(ACK)  # whatever it is doing, it gives it up
            elif reply.command == ERROR:
                self._counters["refused"] += 1
                raise PartRefused(f"{self._bus.device}: refused command {code:02X}")
            else:
                return reply.data
        raise NoAnswer(f"{self._bus.device}: no answer to command {code:02X}")

    async def _exchange(self, code: int, *data: int) -> Reply | None:
        self._awaited, self._reply = code, None
        self._news.clear()
        await self._bus.write(command(code, *data))
        await self._bus.wait(self._news, REPLY_TIMEOUT_S)
        self._awaited = None
        return self._reply

    def _receive(self, data: bytes) -> None:
        for frame in self._parser.receive(data):
            if self._awaited is None:
                continue  # an answer that came too late
            if isinstance(frame, Acknowledged):
                if not frame.taken:
                    self._news.set()  # it could not read the command: ask again at once
            elif frame.command in (self._awaited, ERROR):
                self._reply = frame
                self._news.set()
