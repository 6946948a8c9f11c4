"""RAUC over D-Bus: what is in a bundle, install it, which slot runs, mark it.  Decides nothing and keeps nothing.

Source: RAUC's D-Bus API, de.pengutronix.rauc.Installer; what an older RAUC lacks is found out by asking it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
from dbus_fast import BusType, Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from agent.errors import AgentError

SERVICE, INSTALLER = "de.pengutronix.rauc", "de.pengutronix.rauc.Installer"
PROPERTIES, BUS = "org.freedesktop.DBus.Properties", "org.freedesktop.DBus"

ANSWER_S = 60.0
"""A bundle is checked before a question about it is answered."""

SILENCE_S = 900.0
"""An installation that says nothing for so long has hung."""

Told = Callable[[int, str], None]
"""Called with percent and what is being done."""


NOBODY = ("org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NoReply")


class UpdateFailed(AgentError):
    """RAUC does not do it; the text is RAUC's own."""


class RaucGone(UpdateFailed):
    """Nobody is there who could do it."""


class Bundle(msgspec.Struct, frozen=True):
    """What a bundle says of itself, signature checked.  ``manifest_hash`` is empty where RAUC does not tell it."""

    compatible: str
    version: str
    manifest_hash: str = ""


class Slot(msgspec.Struct, frozen=True):
    """One place that the machine can boot from, or had."""

    name: str
    bootname: str
    booted: bool
    good: bool


class Rauc:
    """A connection to the service: ``async with Rauc.connected() as rauc``."""

    def __init__(self, bus: MessageBus) -> None:
        self._bus = bus
        self._changed = asyncio.Event()
        self._news: list[Message] = []
        self._said: Told | None = None

    @classmethod
    async def connected(cls) -> Rauc:
        """Connect to the system bus.

        Raises:
            UpdateFailed: there is no bus, or no RAUC on it.

        """
        try:
            bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
        except (OSError, ValueError, EOFError) as error:
            raise RaucGone(f"no system bus: {error}") from None
        rauc = cls(bus)
        try:
            await rauc._listen()
        except UpdateFailed:
            bus.disconnect()
            raise
        return rauc

    async def __aenter__(self) -> Rauc:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._bus.disconnect()

    # ---- what it knows ----

    async def inspect(self, bundle: Path) -> Bundle:
        """What is in it; RAUC has checked the signature.

        Raises:
            UpdateFailed: it is no bundle, or signed by nobody whom this station trusts.

        """
        try:
            [told] = await self._call("InspectBundle", "sa{sv}", [str(bundle), {}])
        except UpdateFailed as error:
            if not _unknown(error):
                raise
            return await self._info(bundle)
        known = _plain(told)
        update = known.get("update", {})
        return Bundle(update.get("compatible", ""), update.get("version", ""), known.get("manifest-hash", ""))

    async def _info(self, bundle: Path) -> Bundle:
        """The same of RAUC before 1.10, which keeps to itself why it does not like a bundle."""
        try:
            compatible, version = await self._call("Info", "s", [str(bundle)])
        except UpdateFailed as error:
            raise UpdateFailed(
                f"{bundle.name}: no bundle, or signed by nobody whom this station trusts ({error})"
            ) from None
        return Bundle(compatible, version)

    async def slots(self) -> list[Slot]:
        """The slots that can be booted."""
        [told] = await self._call("GetSlotStatus")
        return [
            Slot(name, known["bootname"], known.get("state") == "booted", known.get("boot-status") == "good")
            for name, status in told
            if (known := _plain(status)).get("bootname")
        ]

    async def compatible(self) -> str:
        """What a bundle has to be made for."""
        return str(await self._property("Compatible"))

    async def primary(self) -> str:
        """The name of the slot that is booted next."""
        [name] = await self._call("GetPrimary")
        return str(name)

    async def mark(self, state: Literal["good", "bad", "active"], slot: str = "booted") -> None:
        """Tell the boot loader; ``slot`` is a name, ``booted`` or ``other``."""
        await self._call("Mark", "ss", [state, slot])

    # ---- installing ----

    async def until_idle(self) -> None:
        """An installation that an agent before this one began comes to its end first.

        Raises:
            UpdateFailed: it does not.

        """
        try:
            async with asyncio.timeout(SILENCE_S):
                while True:
                    self._changed.clear()
                    if await self._property("Operation") == "idle":
                        return
                    await self._changed.wait()
        except TimeoutError:
            raise UpdateFailed(f"RAUC has been at work for {SILENCE_S:.0f} s") from None

    async def install(self, bundle: Path, *, manifest_hash: str = "", said: Told = lambda percent, text: None) -> None:
        """Write it to the other slot, which is booted next.

        Args:
            bundle: on a disk of this machine.
            manifest_hash: of the bundle that was inspected: what is installed is that one.
            said: hears how far it is.

        Raises:
            UpdateFailed: it was not installed; the slot that runs is untouched.

        """
        self._news.clear()
        self._said = said
        wanted = {"require-manifest-hash": Variant("s", manifest_hash)} if manifest_hash else {}
        await self._call("InstallBundle", "sa{sv}", [str(bundle), wanted])
        if await self._completed() != 0:
            raise UpdateFailed(str(await self._property("LastError")) or "RAUC does not say why")

    async def _completed(self) -> int:
        while True:
            try:
                async with asyncio.timeout(SILENCE_S):
                    await self._changed.wait()
            except TimeoutError:
                raise UpdateFailed(f"RAUC has said nothing for {SILENCE_S:.0f} s") from None
            self._changed.clear()
            news, self._news = self._news, []
            for message in news:
                if message.member == "Completed":
                    return int(message.body[0])
                self._tell_progress(message)
            if not self._bus.connected:
                raise RaucGone("RAUC has gone")

    def _tell_progress(self, message: Message) -> None:
        progress = message.body[1].get("Progress")
        if progress is not None and self._said is not None:
            percent, text, _ = progress.value
            self._said(percent, text)

    def _heard(self, message: Message) -> None:
        if message.message_type is not MessageType.SIGNAL:
            return
        gone = message.member == "NameOwnerChanged" and message.body[0] == SERVICE and not message.body[2]
        if gone:
            self._bus.disconnect()
        elif message.path != "/" or message.member not in ("Completed", "PropertiesChanged"):
            return
        else:
            self._news.append(message)
        self._changed.set()

    # ---- the bus ----

    async def _listen(self) -> None:
        self._bus.add_message_handler(self._heard)
        rules = (f"type='signal',sender='{SERVICE}',path='/'", f"type='signal',sender='{BUS}',arg0='{SERVICE}'")
        for rule in rules:
            await self._ask(Message(BUS, "/org/freedesktop/DBus", BUS, "AddMatch", signature="s", body=[rule]))
        await self._property("Operation")

    async def _property(self, name: str) -> Any:
        asked = Message(SERVICE, "/", PROPERTIES, "Get", signature="ss", body=[INSTALLER, name])
        [value] = await self._ask(asked)
        return value.value

    async def _call(self, member: str, signature: str = "", body: list[Any] | None = None) -> list[Any]:
        return await self._ask(Message(SERVICE, "/", INSTALLER, member, signature=signature, body=body or []))

    async def _ask(self, message: Message) -> list[Any]:
        try:
            async with asyncio.timeout(ANSWER_S):
                reply = await self._bus.call(message)
        except TimeoutError:
            raise RaucGone(f"{message.member}: no answer within {ANSWER_S:.0f} s") from None
        except (EOFError, OSError) as error:
            raise RaucGone(f"{message.member}: the bus is gone: {error}") from None
        if reply is None or reply.message_type is MessageType.ERROR:
            text = " ".join(map(str, reply.body)) if reply is not None else "no answer"
            name = reply.error_name if reply is not None else ""
            raise (RaucGone if name in NOBODY else UpdateFailed)(f"{message.member}: {text or name}")
        return list(reply.body)


def _unknown(error: UpdateFailed) -> bool:
    return "No such method" in str(error) or "does not exist" in str(error)


def _plain(told: Mapping[str, Any]) -> dict[str, Any]:
    """Without the wrappings of D-Bus."""
    return {key: _unwrapped(value) for key, value in told.items()}


def _unwrapped(value: Any) -> Any:
    if isinstance(value, Variant):
        return _unwrapped(value.value)
    return _plain(value) if isinstance(value, dict) else value
