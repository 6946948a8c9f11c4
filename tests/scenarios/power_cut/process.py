"""A station's process that may lose its power of its own accord.  Knows no CSMS and judges nothing."""

import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from tests.scenarios.power_cut.moments import Orders
from tests.scenarios.station import ROOT, AgentProcess, bare, die_with_the_test


class CutStation(AgentProcess):
    """A station's process with its shim.  Byte code is kept beside its folder: only the first station compiles."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.traces = folder / "traces"
        self.traces.mkdir(parents=True)
        self._environment = {
            **bare(),
            "PYTHONDONTWRITEBYTECODE": "",
            "PYTHONPYCACHEPREFIX": str(folder.parent / "code"),
        }

    async def switch_on(self, orders: Orders, station: dict[str, Any]) -> None:
        """Spawn it, and let it start; the power may go at any moment of that.

        Raises:
            ConnectionError: it has gone.

        """
        self.socket.unlink(missing_ok=True)
        module = "tests.scenarios.power_cut.agent"
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", module, msgspec.json.encode(orders).decode(), *self._arguments),
            cwd=ROOT,
            stderr=asyncio.subprocess.PIPE,
            env=self._environment,
            preexec_fn=die_with_the_test,
        )
        self._reading = asyncio.create_task(self._read(self._process.stderr))
        await self._come_in(lambda: self._process is not None and self._process.returncode is None)
        await self.cmd("start", station=station)

    async def cut(self) -> None:
        """SIGKILL, unless it has done so itself."""
        assert self._process is not None and self._reading is not None
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)
        await self._process.wait()
        await self._reading
        await self._go_out()
        self._process = None
