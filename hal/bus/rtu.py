"""A Modbus RTU line that several drivers share: one request at a time, registers in and out.  Knows no device."""

from __future__ import annotations

import asyncio
import logging
import termios
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager, suppress
from inspect import signature
from os import R_OK, W_OK, access
from pathlib import Path
from time import monotonic
from typing import Annotated, Any, Literal

from msgspec import Meta

from hal.bus.hotplug import HotPlug
from hal.bus.serial import PARITIES, Baud, Line, Parity
from hal.errors import BusLost, NoAnswer, PartRefused

BITS_PER_CHARACTER = 11
BUSY_CODES = (0x06, 0x0B)
"""Exception codes that mean "not now": device busy, gateway target silent."""


class RtuBus:
    """The client of one line.  Requests queue up in the order in which they were asked.

    Every request raises BusLost (the line is gone), NoAnswer (the unit is silent) or PartRefused (it said no).
    """

    kind = "rtu"

    class Config(Line, frozen=True):
        """``timeout_s`` is for one try and has to hold the longest answer: 165 ms at 9600 baud for 76 registers."""

        baud: Baud = 9600
        parity: Parity = "none"
        stopbits: Literal[1, 2] = 1
        timeout_s: Annotated[float, Meta(ge=0.05, le=10)] = 0.8
        retries: Annotated[int, Meta(ge=0, le=5)] = 2

    def __init__(self, config: RtuBus.Config) -> None:
        self._config = config
        self._hotplug = HotPlug(config.device, config.match)
        self._turn = asyncio.Lock()
        self._holders = 0
        self._client: Any = None
        self._unit_key = ""
        self._gap_s = max(3.5 * BITS_PER_CHARACTER / config.baud, 0.00175)  # Modbus serial line 2.5.1.1
        self._free_at = 0.0
        self._counters = {"requests": 0, "timeouts": 0, "refused": 0, "undecodable_bytes": 0}

    @property
    def device(self) -> str:
        return self._hotplug.name

    @property
    def counters(self) -> dict[str, int]:
        """What happened on this line since the start."""
        return dict(self._counters)

    async def read_input(self, unit: int, address: int, count: int) -> list[int]:
        """``count`` input registers (function 4) as 16-bit words."""
        return await self._read("read_input_registers", unit, address, count)

    async def read_holding(self, unit: int, address: int, count: int) -> list[int]:
        """``count`` holding registers (function 3) as 16-bit words."""
        return await self._read("read_holding_registers", unit, address, count)

    async def read_coils(self, unit: int, address: int, count: int) -> list[bool]:
        """``count`` coils (function 1)."""
        answer = await self._ask("read_coils", unit, address, count=count)
        if len(answer.bits) < count:
            raise NoAnswer(f"{self.device} unit {unit}: short answer")
        return [bool(bit) for bit in answer.bits[:count]]

    async def write_register(self, unit: int, address: int, value: int) -> None:
        """One holding register (function 6)."""
        await self._ask("write_register", unit, address, value)

    async def write_registers(self, unit: int, address: int, values: list[int]) -> None:
        """Several holding registers (function 16)."""
        await self._ask("write_registers", unit, address, values)

    async def write_coil(self, unit: int, address: int, value: bool) -> None:
        """One coil (function 5)."""
        await self._ask("write_coil", unit, address, value)

    async def wait_back(self) -> None:
        """Wait until it is worth trying the line again."""
        await self._hotplug.wait()

    @contextmanager
    def held(self) -> Iterator[None]:
        """A driver runs on this line; the last one that leaves closes it."""
        self._holders += 1
        try:
            yield
        finally:
            self._holders -= 1
            if not self._holders:
                self.close()

    def close(self) -> None:
        """Let go of the device; the next request opens it again."""
        if self._client is not None:
            self._client.close()
            self._client = None

    async def _read(self, method: str, unit: int, address: int, count: int) -> list[int]:
        answer = await self._ask(method, unit, address, count=count)
        if len(answer.registers) != count:  # the late answer to somebody else's question
            raise NoAnswer(f"{self.device} unit {unit}: {len(answer.registers)} registers instead of {count}")
        return list(answer.registers)

    async def _ask(self, method: str, unit: int, address: int, *value: Any, **count: int) -> Any:
        async with self._turn:
            for _ in range(1 + self._config.retries):
                answer = await self._try(method, unit, address, *value, **count)
                if answer is not None:
                    return answer
        raise NoAnswer(f"{self.device} unit {unit}: silent")

    async def _try(self, method: str, unit: int, address: int, *value: Any, **count: int) -> Any:
        """The answer, or None when it did not come or means "try again"."""
        from pymodbus.exceptions import ModbusException

        client = await self._opened()
        await self._drained(client)
        self._counters["requests"] += 1
        try:
            answer = await _cancellable(getattr(client, method)(address, *value, **count, **{self._unit_key: unit}))
        except (ModbusException, OSError):
            answer = None
        finally:
            self._free_at = monotonic() + self._gap_s
        if answer is None or isinstance(answer, ModbusException):
            self._counters["timeouts"] += 1
            return None
        if not answer.isError():
            return answer
        self._counters["refused"] += 1
        code = getattr(answer, "exception_code", 0)
        if code in BUSY_CODES:
            return None
        raise PartRefused(f"{self.device} unit {unit}: refused {method} at {address}, exception code {code}")

    async def _opened(self) -> Any:
        """The connected client; pymodbus drops its port on a loss (3.16) or on any silence (3.6)."""
        if self._client is not None and self._client.connected:
            return self._client
        self.close()
        node = self._hotplug.node()
        client = _client(node, self._config)
        parameters = signature(client.read_input_registers).parameters
        self._unit_key = "device_id" if "device_id" in parameters else "slave"  # renamed in pymodbus 3.10
        self._guard(client)
        try:
            connected = await _connected(client)
        except (OSError, ValueError, termios.error) as error:
            raise BusLost(f"{self.device}: {error}") from None
        if not connected:
            raise BusLost(f"{node}: {_why_not(node)}")
        self._client = client
        self._hotplug.opened()
        return client

    async def _drained(self, client: Any) -> None:
        """Keep the silence between frames, then forget what came in meanwhile."""
        wait_s = self._free_at - monotonic()
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        port: Any = getattr(getattr(client, "ctx", client).transport, "sync_serial", None)
        with suppress(OSError, AttributeError, termios.error):
            port.reset_input_buffer()

    def _guard(self, client: Any) -> None:
        """Noise with a good CRC makes pymodbus' decoder raise inside the loop's reader: count it instead."""
        protocol = getattr(client, "ctx", client)  # the client itself was the protocol before 3.7
        decode = protocol.callback_data

        def guarded(data: bytes, addr: Any = None) -> int:
            try:
                used: int = decode(data, addr=addr)
            except Exception:
                self._counters["undecodable_bytes"] += len(data)
                return len(data)
            return used

        protocol.callback_data = guarded


async def _connected(client: Any) -> bool:
    """Never cancelled half-way: pymodbus would keep a port that nobody could close."""
    connecting = asyncio.ensure_future(client.connect())
    try:
        return bool(await _cancellable(asyncio.shield(connecting)))
    except asyncio.CancelledError:

        def close(done: asyncio.Future[bool]) -> None:
            done.cancelled() or done.exception()
            client.close()

        connecting.add_done_callback(close)
        raise


async def _cancellable(asked: Awaitable[Any]) -> Any:
    """pymodbus waits with ``asyncio.wait_for``, which before Python 3.12 can swallow a cancellation."""
    task = asyncio.current_task()
    before = task.cancelling() if task else 0
    answer = await asked
    if task and task.cancelling() > before:
        raise asyncio.CancelledError
    return answer


def _client(node: str, config: RtuBus.Config) -> Any:
    # 2 MB and 15 ms: only on a board that has such a line.
    from pymodbus.client import AsyncModbusSerialClient

    noise = logging.getLogger("pymodbus.logging")
    if noise.level == logging.NOTSET:
        noise.setLevel(logging.CRITICAL + 1)  # drivers say what is wrong, and how often
    return AsyncModbusSerialClient(
        node,
        baudrate=config.baud,
        parity=PARITIES[config.parity],
        stopbits=config.stopbits,
        timeout=config.timeout_s,
        retries=0,
        reconnect_delay=0,
    )


def _why_not(device: str) -> str:
    if not Path(device).exists():
        return "No such file or directory"
    if not access(device, R_OK | W_OK):
        return "Permission denied"
    return "in use by another process, or not a serial line"
