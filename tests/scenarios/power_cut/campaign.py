"""Many power cuts: stations, each with its own CSMS, that live shortly and often, and what came of it."""

import asyncio
import os
import shutil
import signal
import sqlite3
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from agent.edge.ledger import Ledger
from tests.csms import misbehaviour as wrong
from tests.csms.line import NotConnected
from tests.csms.practice import PracticeCsms
from tests.scenarios.power_cut.blackbox import BlackBox, Event
from tests.scenarios.power_cut.disk import SUFFIXES, lose_unsynced
from tests.scenarios.power_cut.drivers import EVSES, Drivers, Street
from tests.scenarios.power_cut.judge import Evidence, heard_by, judge
from tests.scenarios.power_cut.moments import INSTANT, MOMENTS, Orders
from tests.scenarios.station import ID, ROOT, AgentProcess, bare, tracebacks, variables

CUTS_A_STATION = 10
LANES = 3
LONGEST_LIFE_S = 0.8
DRAIN_PATIENCE_S = 60.0
POLL_S = 0.02
LONGEST_COMPLAINT = 400
ANSWER_WRONGLY = 0.06
FAULTS = (
    *(wrong.delayed(0.05), wrong.delayed(0.3), wrong.answer_twice, wrong.answer_twice, wrong.call_error()),
    *(wrong.call_error("GenericError"), wrong.close_before, wrong.close_after, wrong.abort_before, wrong.abort_after),
    *(wrong.never_answer, wrong.stop_reading),
)
RARE_OFTEN = {
    "agent.edge.database:WAL_PAGES": (8, 24, 256),
    "agent.edge.ledger:PRUNE_EVERY": (5, 256),
    "agent.edge.ledger:KEPT_ANSWERED": (3, 40, 1000),
    "agent.link.outbox:WINDOW": (4, 16, 64),
    "agent.blocks.e_life:RESUME_PATIENCE_S": (1,),
    "agent.blocks.e_life:LAST_READING_PATIENCE_S": (1,),
}
"""What a station does once in thousands of events, it does here at every turn, or not at all."""

SETTINGS: tuple[dict[str, Any], ...] = (
    {"AuthCtrlr_Enabled": False},
    {"AuthCtrlr_OfflineTxForUnknownIdEnabled": True},
    {"AuthCtrlr_OfflineTxForUnknownIdEnabled": True, "TxCtrlr_TxStartPoint": "EVConnected"},
    {"AuthCtrlr_OfflineTxForUnknownIdEnabled": True, "TxCtrlr_TxStartPoint": "Authorized"},
)


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


@dataclass
class Tally:
    """What came of it."""

    cuts: Counter[str] = field(default_factory=Counter)
    losses: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        self.cuts += other.cuts
        self.losses += other.losses
        self.counts += other.counts
        self.violations += other.violations

    def lines(self) -> list[str]:
        """For people."""
        return [
            f"{self.cuts.total()} cuts",
            *(f"  {count:6} {moment}" for moment, count in self.cuts.most_common()),
            "unsynced writes that the disk lost",
            *(f"  {count:6} {way}" for way, count in self.losses.most_common()),
            *(f"{count:8} {what.replace('_', ' ')}" for what, count in self.counts.items()),
            f"{len(self.violations):8} violations",
            *(f"  ! {violation}" for violation in self.violations),
        ]


class Story:
    """One station, from new to the last event that the CSMS took.  ``name`` is its seed."""

    def __init__(self, name: str, folder: Path, broken: str | None = None) -> None:
        self.name = name
        self.tally = Tally()
        self._dice = Random(name)
        self._broken = broken
        self._station = CutStation(folder)
        self._database = self._station.data / "station.db"
        self._copy = folder / "copy"
        self._box = BlackBox()
        self._street = Street()
        self._history: list[str] = []
        self._complaints: set[str] = set()
        self._constants = {name: self._dice.choice(values) for name, values in RARE_OFTEN.items()}
        self._timeout_s = self._dice.choice((1, 2))
        self._resumes = self._dice.random() < 0.5
        self._most_events = self._dice.choice((None, None, 30))
        self._settings: dict[str, Any] = {
            **self._dice.choice(SETTINGS),
            "TxCtrlr_TxBeforeAcceptedEnabled": True,
            "TxCtrlr_ResumptionTimeout": 3600 if self._resumes else 0,
            "OCPPCommCtrlr_MessageTimeout__Default": self._timeout_s,
        }

    async def play(self, cuts: int) -> Tally:
        """Live and lose power so many times, then live on in peace; the tally has what went wrong."""
        async with PracticeCsms(message_timeout_s=self._timeout_s, schemas=False) as csms:
            csms.script.at_random(self._dice.randrange(1 << 30), ANSWER_WRONGLY, FAULTS)
            for _ in range(cuts):
                await self._live(csms)
            csms.script.clear()
            csms.handshakes.clear()
            await self._live_in_peace(csms)
            self._judge(csms)
        return self.tally

    # ---- a life ----

    async def _live(self, csms: PracticeCsms) -> None:
        moment = self._dice.choice([INSTANT, *MOMENTS])
        at = 1 if moment == INSTANT else int(MOMENTS[moment] ** self._dice.random())
        orders = self._orders(None if moment == INSTANT else moment, at)
        drivers = Drivers(self._station, csms, self._street, self._dice)
        if self._dice.random() < 0.1:
            csms.handshakes.append(wrong.refuse(503))
        if self._dice.random() < 0.3:  # often enough in a row to be parked
            nth, times = self._dice.randint(1, 60), self._dice.randint(1, 7)
            csms.script.add(wrong.call_error(), "TransactionEvent", nth=nth, times=times)
        try:
            await self._station.switch_on(orders, self._provision(csms))
            await drivers.play(self._dice.uniform(0.0, LONGEST_LIFE_S))
        except* (ConnectionError, TimeoutError):
            pass
        await self._station.cut()
        await hear_the_rest(csms)
        self._look_into(orders, drivers)

    def _orders(self, moment: str | None, nth: int = 1) -> Orders:
        return Orders(
            str(self._station.traces), moment, nth, self._constants, self._most_events, self._resumes, self._broken
        )

    def _provision(self, csms: PracticeCsms) -> dict[str, Any]:
        evses = [{"id": evse, "connectors": [{"id": 1, "type": "sType2"}]} for evse in EVSES]
        given = variables(**self._settings)
        return {"identity": ID, "csms_url": csms.url, "evses": evses, "variables": given}

    def _look_into(self, orders: Orders, drivers: Drivers) -> None:
        self._box.take(self._station.traces)
        moment = self._box.cut_at or INSTANT
        lost = lose_unsynced(self._database, self._station.traces, self._dice)
        self._history.append(f"{moment}{f' {orders.nth}' if moment != INSTANT else ''}: lost {lost or 'nothing'}")
        self.tally.cuts[moment] += 1
        self.tally.losses.update(f"{way} of the {kind}" for kind, way in lost.items())
        self.tally.counts["sessions"] += drivers.sessions
        self._examine_disk()
        self._examine_log()

    async def _live_in_peace(self, csms: PracticeCsms) -> None:
        """Nobody is plugged in: what was interrupted ends, and the queue drains."""
        await self._station.switch_on(self._orders(None), self._provision(csms))
        try:
            await Drivers(self._station, csms, self._street, self._dice).meet()
            async with asyncio.timeout(DRAIN_PATIENCE_S):
                await self._rest()
                await self._station.cmd("ledger_resend")
                await self._rest()
        except TimeoutError:
            self._complain("the queue did not drain")
        if await self._station.end():
            self._complain("it did not end well")
        self._box.take(self._station.traces)
        self._examine_log()

    async def _rest(self) -> None:
        while True:
            if at_rest(await self._station.cmd("status")):
                return
            await asyncio.sleep(POLL_S)

    # ---- what came of it ----

    def _examine_disk(self) -> None:
        """Look at a copy: whoever opens the file itself mends it."""
        if list(self._database.parent.glob("*.damaged-*")):
            self._complain("the database was set aside as damaged")
        shutil.rmtree(self._copy, ignore_errors=True)
        self._copy.mkdir()
        for suffix in SUFFIXES.values():
            path = self._database.with_name(self._database.name + suffix)
            if path.exists():
                shutil.copy(path, self._copy)
        if self._database.exists():
            self._examine(self._copy / self._database.name)

    def _examine(self, path: Path) -> None:
        connection = sqlite3.connect(path)
        try:
            for (text,) in connection.execute("PRAGMA integrity_check"):
                if text != "ok":
                    self._complain(f"integrity_check: {text}")
            if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'memory'").fetchone():
                self._examine_ledger(connection)
        except sqlite3.Error as error:
            self._complain(f"the database cannot be read: {error}")
        finally:
            connection.close()

    def _examine_ledger(self, connection: sqlite3.Connection) -> None:
        ledger, now_s = Ledger(connection), time.monotonic()
        for problem in ledger.verify().problems:
            self._complain(f"verify: {problem}")
        for entry in ledger.entries():
            key = (entry.transaction_id, entry.seq_no)
            if entry.message is not None:
                message = msgspec.json.decode(entry.message)
                self._box.learn(Event(entry.id, *key, message), now_s)
            for state, keys in (("parked", self._box.parked), ("thinned", self._box.thinned)):
                if entry.state == state:
                    keys.add(key)
        last = ledger.next_id() - 1
        for event in self._box.committed.values():
            if event.row_id > last:
                self._complain(f"{event.transaction_id} #{event.seq_no} was committed and is not on the disk")

    def _examine_log(self) -> None:
        for line in self._station.log.items:
            if tracebacks([line]) or any(word in line for word in ("! defect", "is damaged", "disk")):
                self._complain(f"log: {line.partition('  ')[2] or line}")
        self._station.log.items.clear()

    def _judge(self, csms: PracticeCsms) -> None:
        self._examine_disk()
        record = csms.station(ID)
        judgement = judge(Evidence(heard_by(record.frames), self._box, self._street.shown_wh))
        for complaint in [*judgement.complaints, *record.violations]:
            self._complain(complaint)
        counts = asdict(judgement)
        del counts["complaints"]
        self.tally.counts.update({"stations": 1, **counts})

    def _complain(self, text: str) -> None:
        if text not in self._complaints:
            self._complaints.add(text)
            place = f"{self.name} after cut {len(self._history)} ({self._history[-1] if self._history else 'none'})"
            self.tally.violations.append(f"{place}: {text}"[:LONGEST_COMPLAINT])


async def hear_the_rest(csms: PracticeCsms) -> None:
    """Until the CSMS knows that the station is gone; one that does not listen never would."""
    with suppress(NotConnected):
        line = csms.line(ID)
        if line.half_open:
            line.abort()
    await csms.wait_for(lambda: not csms.station(ID).connected)


def at_rest(status: dict[str, Any]) -> bool:
    """Nothing runs and nothing waits."""
    idle = all(evse["transaction"] is None for evse in status["evses"])
    return bool(idle and status["registration"] == "Accepted" and not status["waiting"])


async def campaign(seed: str, cuts: int, *, lanes: int = LANES, told: Any = None) -> Tally:
    """So many cuts, several stations at a time."""
    whole, wanted = Tally(), [CUTS_A_STATION] * (cuts // CUTS_A_STATION)
    wanted += [cuts % CUTS_A_STATION] if cuts % CUTS_A_STATION else []
    queue = list(enumerate(wanted))[::-1]

    async def lane(root: Path) -> None:
        while queue:
            number, each = queue.pop()
            folder = root / str(number)
            whole.add(await Story(f"{seed}/{number}", folder).play(each))
            shutil.rmtree(folder)
            if told is not None:
                told(whole)

    with TemporaryDirectory(prefix="cut-") as root:
        await asyncio.gather(*(lane(Path(root)) for _ in range(lanes)))
    return whole
