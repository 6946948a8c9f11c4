"""One station, its CSMS and its street: short lives that end in power cuts, a last one in peace, and the judgement."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

from tests.csms import misbehaviour as wrong
from tests.csms.answers import Answers, utc_now
from tests.csms.line import NotConnected
from tests.csms.practice import PracticeCsms
from tests.scenarios.control import Refused
from tests.scenarios.power_cut.blackbox import BlackBox
from tests.scenarios.power_cut.disk import lose_unsynced
from tests.scenarios.power_cut.drivers import EVSES, Drivers, LifeOver, Street
from tests.scenarios.power_cut.judge import Evidence, Judgement, heard_by, judge
from tests.scenarios.power_cut.moments import INSTANT, MOMENTS, Orders
from tests.scenarios.power_cut.process import CutStation
from tests.scenarios.power_cut.remains import examine_disk, examine_log
from tests.scenarios.power_cut.tally import Tally
from tests.scenarios.station import ID, variables

MOST_DEEDS = 80
DRAIN_PATIENCE_S = 180.0
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
    "agent.blocks.e_resumption:RESUME_PATIENCE_S": (1,),
    "agent.blocks.e_watch:LAST_READING_PATIENCE_S": (1,),
}
"""What a station does once in thousands of events, it does here at every turn, or not at all."""

SETTINGS: tuple[dict[str, Any], ...] = (
    {"AuthCtrlr_Enabled": False},
    {"AuthCtrlr_OfflineTxForUnknownIdEnabled": True},
    {"AuthCtrlr_OfflineTxForUnknownIdEnabled": True, "TxCtrlr_TxStartPoint": "EVConnected"},
    {"AuthCtrlr_OfflineTxForUnknownIdEnabled": True, "TxCtrlr_TxStartPoint": "Authorized"},
)


class Story:
    """One station, from new to the last event that the CSMS took.  ``name`` is its seed."""

    def __init__(self, name: str, folder: Path, broken: str | None = None) -> None:
        self.name = name
        self.tally = Tally()
        dice = Random(name)
        self._broken = broken
        self._station = CutStation(folder)
        self._database = self._station.data / "station.db"
        self._copy = folder / "copy"
        self._box = BlackBox()
        self._street = Street()
        self._history: list[str] = []
        self._complaints: set[str] = set()
        self._constants = {name: dice.choice(values) for name, values in RARE_OFTEN.items()}
        self._timeout_s = dice.choice((1, 2))
        self._csms_ahead = timedelta()
        self._clock_told = dice.random() < 0.3
        self._resumes = not self._clock_told and dice.random() < 0.5
        self._most_events = dice.choice((None, None, 30))
        self._settings: dict[str, Any] = {
            **dice.choice(SETTINGS),
            "TxCtrlr_TxBeforeAcceptedEnabled": True,
            "TxCtrlr_ResumptionTimeout": 3600 if self._resumes else 0,
            "OCPPCommCtrlr_MessageTimeout__Default": self._timeout_s,
        }

    async def play(self, cuts: int) -> Tally:
        """Live and lose power so many times, then live on in peace; the tally has what went wrong."""
        answers = Answers(clock=lambda: utc_now() + self._csms_ahead)
        async with PracticeCsms(answers=answers, message_timeout_s=self._timeout_s, schemas=False) as csms:
            for number in range(1, cuts + 1):
                await self._live(csms, Random(f"{self.name}/{number}"))
            csms.script.clear()
            csms.handshakes.clear()
            await self._live_in_peace(csms)
            self._judge(csms)
        return self.tally

    # ---- a life ----

    async def _live(self, csms: PracticeCsms, dice: Random) -> None:
        orders = self._choose_moment(dice)
        self._make_trouble(csms, dice)
        drivers = Drivers(self._station, csms, self._street, Random(dice.random()))
        deeds, loss = dice.randint(0, MOST_DEEDS), Random(dice.random())
        try:
            await self._station.switch_on(orders, self._provision(csms))
            await drivers.play(deeds)
        except* (LifeOver, ConnectionError):
            pass
        except* TimeoutError:
            self._complain("it hung")
        except* Refused as refused:
            self._complain(f"it refused: {refused.exceptions}")
        await self._station.cut()
        await hear_the_rest(csms)
        self._look_into(orders, drivers, loss)

    def _choose_moment(self, dice: Random) -> Orders:
        """Any kind as often as any other; early ones more often than late ones, for lives are short."""
        moment = dice.choice([INSTANT, *MOMENTS])
        if moment == INSTANT:
            return self._orders(None)
        return self._orders(moment, int(MOMENTS[moment] ** dice.random()))

    def _make_trouble(self, csms: PracticeCsms, dice: Random) -> None:
        """What goes wrong at the CSMS in the next life."""
        csms.script.clear()
        csms.script.at_random(dice.randrange(1 << 30), ANSWER_WRONGLY, FAULTS)
        if dice.random() < 0.1:
            csms.handshakes.append(wrong.refuse(503))
        if dice.random() < 0.3:  # often enough in a row to be parked
            nth, times = dice.randint(1, 15), dice.randint(2, 7)
            csms.script.add(wrong.call_error(), "TransactionEvent", nth=nth, times=times)
        if self._clock_told:  # late, when events with another time of day wait already
            self._csms_ahead += timedelta(hours=1)
            csms.script.add(wrong.delayed(dice.random() / 3), "BootNotification")

    def _orders(self, moment: str | None, nth: int = 1) -> Orders:
        return Orders(
            str(self._station.traces), moment, nth, self._constants, self._most_events, self._resumes, self._broken
        )

    def _provision(self, csms: PracticeCsms) -> dict[str, Any]:
        evses = [{"id": evse, "connectors": [{"id": 1, "type": "sType2"}]} for evse in EVSES]
        given = variables(**self._settings)
        return {"identity": ID, "csms_url": csms.url, "evses": evses, "variables": given}

    def _look_into(self, orders: Orders, drivers: Drivers, loss: Random) -> None:
        self._box.take(self._station.traces)
        moment = self._box.cut_at or INSTANT
        lost = lose_unsynced(self._database, self._station.traces, loss)
        self._history.append(f"{moment}{f' {orders.nth}' if moment != INSTANT else ''}: lost {lost or 'nothing'}")
        self.tally.cuts[moment] += 1
        self.tally.losses.update(f"{way} of the {kind}" for kind, way in lost.items())
        self.tally.counts["sessions"] += drivers.sessions
        self._examine()

    async def _live_in_peace(self, csms: PracticeCsms) -> None:
        """Nobody is plugged in: what was interrupted ends, and the queue drains."""
        await self._station.switch_on(self._orders(None), self._provision(csms))
        try:
            await Drivers(self._station, csms, self._street, Random(self.name)).meet()
            async with asyncio.timeout(DRAIN_PATIENCE_S):
                await self._rest()
                await self._station.cmd("ledger_resend")
                await self._rest()
        except TimeoutError:
            self._complain("the queue did not drain")
        if await self._station.end():
            self._complain("it did not end well")
        self._box.take(self._station.traces)
        self._examine()

    async def _rest(self) -> None:
        while True:
            if at_rest(await self._station.cmd("status")):
                return
            await asyncio.sleep(POLL_S)

    # ---- what came of it ----

    def _examine(self) -> None:
        for complaint in (
            *examine_disk(self._database, self._copy, self._box),
            *examine_log(self._station.log.items),
        ):
            self._complain(complaint)
        self._station.log.items.clear()

    def _judge(self, csms: PracticeCsms) -> None:
        record = csms.station(ID)
        judgement = judge(Evidence(heard_by(record.frames), self._box, self._street.shown_wh, self._clock_told))
        for complaint in [*judgement.complaints, *record.violations]:
            self._complain(complaint)
        self.tally.counts.update(counts_of(judgement))

    def _complain(self, text: str) -> None:
        if text not in self._complaints:
            self._complaints.add(text)
            place = f"{self.name} after cut {len(self._history)} ({self._history[-1] if self._history else 'none'})"
            self.tally.violations.append(f"{place}: {text}"[:LONGEST_COMPLAINT])


def counts_of(judgement: Judgement) -> dict[str, int]:
    """In the words of the tally."""
    return {
        "stations": 1,
        "transactions": judgement.transactions,
        "events made": judgement.made,
        "delivered": judgement.delivered,
        "duplicates removed": judgement.duplicates,
        "parked, and sent again": judgement.parked,
        "thinned": judgement.thinned,
        "lost by definition": judgement.lost_by_definition,
    }


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
