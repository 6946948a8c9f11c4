"""RAUC as the agent sees it, without a bus: the shape of ``agent.edge.rauc.Rauc``."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from agent.edge.rauc import Bundle, RaucGone, Slot, Told


class FakeRauc:
    """Two slots; what it was asked for is in ``log``, ``content`` the bundle that it expects."""

    def __init__(self, content: bytes, runs: str = "A") -> None:
        self.content = content
        self.runs = runs
        self.log: list[str] = []
        self.there = True
        self.found = Bundle("station", "2.0.0", "hash")
        self.refuses: dict[str, Exception] = {}
        self.goes_on = asyncio.Event()
        self.goes_on.set()

    async def connected(self) -> Any:
        if not self.there:
            raise RaucGone("no system bus: none")
        return self

    async def __aenter__(self) -> FakeRauc:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    def _did(self, what: str) -> None:
        self.log.append(what)
        if what in self.refuses:
            raise self.refuses[what]

    async def until_idle(self) -> None:
        self._did("until idle")

    async def compatible(self) -> str:
        return "station"

    async def inspect(self, bundle: Path) -> Bundle:
        self._did("inspect")
        assert bundle.read_bytes() == self.content
        return self.found

    async def install(self, bundle: Path, *, manifest_hash: str = "", said: Told) -> None:
        self._did(f"install {manifest_hash}")
        said(40, "copying")
        await self.goes_on.wait()

    async def slots(self) -> list[Slot]:
        return [Slot(f"rootfs.{n}", name, booted=name == self.runs, good=True) for n, name in enumerate("AB")]

    async def mark(self, state: str, slot: str = "booted") -> None:
        self._did(f"mark {state} {slot}")
