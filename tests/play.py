"""``make run``: an agent on a board, emulators in the place of its parts, a CSMS, and one charging session.

The agent is the real process with the real drivers; its own log is the story.  This player is the driver of the car:
it plugs in, shows a card, waits, shows it again and leaves.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from board.descriptor import Board, BoardError, find_board, read_board
from tests.control import Control
from tests.csms.practice import PracticeCsms
from tests.emulators.board import EmulatedBoard

TOKEN = "04A2B3C4D5E680"
ENERGY_SPEED = 720.0  # five seconds of charging show an hour's energy
CHARGE_S = 5.0
HOLD_CARD_S = 0.7
PATIENCE_S = 30.0


def parser() -> argparse.ArgumentParser:
    """The command line of ``make run``."""
    top = argparse.ArgumentParser(prog="make run", description="Run the agent on a board and play a charging session.")
    top.add_argument("--board", default="board/demo.toml", help="board file (make run BOARD=...)")
    top.add_argument("--csms", help="another CSMS than the practice one on loopback (make run CSMS=ws://...)")
    top.add_argument("--id", default="CS001", help="identity of the station (make run ID=...)")
    top.add_argument("--once", action="store_true", help="end after the session (make run ONCE=1)")
    return top


class Tally:
    """Every TransactionEvent that went out, and whether it was answered."""

    def __init__(self) -> None:
        self.sent: dict[str, dict[str, Any]] = {}
        self.answered: dict[str, dict[str, Any]] = {}

    def see(self, line: dict[str, Any]) -> None:
        """One line of ``watch``."""
        if line.get("event") != "ocpp":
            return
        frame = json.loads(line["frame"])
        if line["direction"] == "out" and frame[0] == 2 and frame[2] == "TransactionEvent":
            self.sent[frame[1]] = frame[3]
        elif line["direction"] == "in" and frame[0] == 3 and frame[1] in self.sent:
            self.answered[frame[1]] = frame[2]

    def complete(self) -> bool:
        """Started and Ended went out, and everything was answered."""
        kinds = {event["eventType"] for event in self.sent.values()}
        return {"Started", "Ended"} <= kinds and len(self.answered) == len(self.sent)

    def energy_wh(self) -> float | None:
        """End minus begin, as the Ended event says."""
        registers = {
            value.get("context", "Sample.Periodic"): value["value"]
            for event in self.sent.values()
            for reading in event.get("meterValue", ())
            for value in reading["sampledValue"]
            if value.get("measurand", "Energy.Active.Import.Register") == "Energy.Active.Import.Register"
            and "phase" not in value
        }
        try:
            return float(registers["Transaction.End"] - registers["Transaction.Begin"])
        except KeyError:
            return None

    def signed(self) -> list[str]:
        """The formats of what the meter signed."""
        return [
            value["signedMeterValue"]["encodingMethod"]
            for event in self.sent.values()
            for reading in event.get("meterValue", ())
            for value in reading["sampledValue"]
            if "signedMeterValue" in value
        ]

    def cost(self) -> float | None:
        """What the CSMS asks for."""
        costs = [answer["totalCost"] for answer in self.answered.values() if "totalCost" in answer]
        return costs[-1] if costs else None


class Driver:
    """Somebody with a car and a card, in front of EVSE 1."""

    def __init__(self, control: Control, emulated: EmulatedBoard) -> None:
        self._control = control
        self._pilot: Any = emulated.pilots.get(1)
        self._readers: list[Any] = list(emulated.readers)

    async def plug_in(self) -> None:
        """Cable in."""
        if self._pilot is not None:
            self._pilot.plug_in(current_a=16.0, ready_after=0.3)
        else:
            await self._control.ask("plug_in", evse=1, ev={"current_a": 16, "ready_after_ms": 300})

    async def unplug(self) -> None:
        """Cable out."""
        if self._pilot is not None:
            self._pilot.unplug()
        else:
            await self._control.ask("unplug", evse=1)

    async def show_card(self) -> None:
        """Card at the reader."""
        if not self._readers:
            await self._control.ask("swipe", token=TOKEN)
            return
        self._readers[0].present(TOKEN)
        await asyncio.sleep(HOLD_CARD_S)
        self._readers[0].withdraw()


def say(text: str) -> None:
    """What the driver does, between the agent's lines."""
    print(f"              {text}", file=sys.stderr, flush=True)


async def until(control: Control, what: str, holds: Any) -> None:
    """Wait for a state of the station.

    Raises:
        TimeoutError: it did not come; the text says what was waited for.

    """
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not holds(await control.ask("status")):
                await control.next_line()
    except TimeoutError:
        raise TimeoutError(f"waited {PATIENCE_S:.0f} s for: {what}") from None


def _state(status: dict[str, Any]) -> str | None:
    transaction = status["evses"][0]["transaction"]
    return None if transaction is None else transaction["state"]


async def session(control: Control, driver: Driver, tally: Tally) -> None:
    """One charge."""
    control.on_line = tally.see
    await control.ask("watch", topics=["ocpp", "facts"])
    await until(control, "registration at the CSMS", lambda status: status["registration"] == "Accepted")
    await control.ask("settle", quiet_ms=300, timeout_ms=5000)
    say("-- the driver plugs in")
    await driver.plug_in()
    await until(control, "the vehicle", lambda status: status["evses"][0]["plugged"])
    say("-- and shows a card")
    await driver.show_card()
    await until(control, "energy", lambda status: _state(status) == "Charging")
    await asyncio.sleep(CHARGE_S)
    say("-- the driver is back and shows the card again")
    await driver.show_card()
    await until(control, "the end of the transaction", lambda status: _state(status) is None)
    say("-- and leaves")
    await driver.unplug()
    await until(control, "the cable", lambda status: not status["evses"][0]["plugged"])
    await control.ask("settle", quiet_ms=300, timeout_ms=10_000)


def summary(tally: Tally) -> str:
    """Energy and cost, and whether everything arrived."""
    energy_wh, cost = tally.energy_wh(), tally.cost()
    energy = "unknown" if energy_wh is None else f"{energy_wh / 1000:.3f} kWh"
    price = "not told by the CSMS" if cost is None else f"{cost:.2f}"
    events = f"{len(tally.sent)} TransactionEvents sent, {len(tally.answered)} answered"
    signed = f", signed by the meter ({', '.join(tally.signed())})" if tally.signed() else ""
    return f"session: energy {energy}{signed}, cost {price}; {events}"


@contextlib.asynccontextmanager
async def csms_at(url: str | None) -> AsyncIterator[str]:
    """The CSMS named, or the practice one."""
    if url is not None:
        yield url
        return
    async with PracticeCsms() as csms:
        yield csms.url


async def play(options: argparse.Namespace, board: Board, path: Path) -> int:
    """Start everything, play, and keep running until Ctrl-C."""
    folder = Path(tempfile.mkdtemp(prefix="station-"))
    socket = folder / "control.sock"
    emulated = EmulatedBoard(board, energy_speed=ENERGY_SPEED)
    try:
        async with emulated, csms_at(options.csms) as url:
            devices = [f"--device={bus}={device}" for bus, device in emulated.devices.items()]
            for bus in (name for name in emulated.devices if board.bus[name]["kind"] == "can"):
                say(f"-- CAN bus {bus!r}: an emulated slcan adapter behind a pseudo-terminal")
            agent = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "agent", "run", "--board", str(path), "--csms", url, "--id", options.id),
                *("--control", str(socket), "--data", str(folder / "data"), *devices),
            )
            try:
                return await play_with(agent, socket, emulated, options)
            finally:
                await end(agent)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def play_with(
    agent: asyncio.subprocess.Process, socket: Path, emulated: EmulatedBoard, options: argparse.Namespace
) -> int:
    """The session, its summary, and the time after it."""
    tally = Tally()
    control = await Control.connect(socket, agent)
    if control is None:
        return agent.returncode or 1
    async with control:
        await session(control, Driver(control, emulated), tally)
        print(f"\n{summary(tally)}", flush=True)
        if options.once:
            return 0 if tally.complete() else 1
        print("the agent runs on (Ctrl-C ends it); talk to it with:")
        print(f"  .venv/bin/station-agent shell --control {socket}", flush=True)
        with contextlib.suppress(asyncio.CancelledError):
            await agent.wait()
    return 0


async def end(agent: asyncio.subprocess.Process) -> None:
    """Stop the agent."""
    if agent.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            agent.send_signal(signal.SIGTERM)
        await agent.wait()


def main() -> int:
    """``python -m tests.play``."""
    options = parser().parse_args()
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    try:
        path = find_board(options.board)
        return asyncio.run(play(options, read_board(path), path))
    except (BoardError, TimeoutError, ConnectionError) as error:
        print(f"make run: {error}", file=sys.stderr)
        return 2 if isinstance(error, BoardError) else 1
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
