"""Whole days on a bad mobile network, in virtual time: nothing is lost, and every rule of the link is kept."""

import asyncio
from collections.abc import Callable, Mapping
from random import Random

import pytest

from agent.link.outbox import Entry, Outbox
from agent.link.reconnect import Reconnect
from agent.ocpp.messages.base import Request
from agent.vocabulary.values import ClockShift
from tests.scenarios.lossy.simulation import Day
from tests.scenarios.lossy.verdict import faults_of
from tests.scenarios.lossy.virtual_time import VirtualLoop, run_virtually

DAY_H = 24.0

STATIONS: dict[str, Mapping[str, object]] = {
    "as delivered": {},
    "charges before it is accepted": {"TxCtrlr.TxBeforeAcceptedEnabled": True},
    "asks for no card": {"AuthCtrlr.Enabled": False},
    "eager": {
        "OCPPCommCtrlr.WebSocketPingInterval": 20,
        "OCPPCommCtrlr.RetryBackOffWaitMinimum": 1,
        "OCPPCommCtrlr.RetryBackOffRandomRange": 3,
        "OCPPCommCtrlr.RetryBackOffRepeatTimes": 3,
        "OCPPCommCtrlr.MessageAttempts[TransactionEvent]": 1,
        "TxCtrlr.TxBeforeAcceptedEnabled": True,
    },
    "patient": {
        "OCPPCommCtrlr.WebSocketPingInterval": 240,
        "OCPPCommCtrlr.RetryBackOffWaitMinimum": 30,
        "OCPPCommCtrlr.RetryBackOffRandomRange": 60,
        "OCPPCommCtrlr.RetryBackOffRepeatTimes": 2,
        "SampledDataCtrlr.TxUpdatedInterval": 300,
    },
}


def live(
    seed: int,
    variables: Mapping[str, object],
    hours: float,
    outbox: Outbox | None = None,
    sabotage: Callable[[Day], object] = lambda day: None,
) -> Day:
    """One day of one station."""

    async def work(loop: VirtualLoop) -> Day:
        async with asyncio.TaskGroup() as tasks:
            day = Day(loop, seed, tasks, variables, outbox)
            sabotage(day)
            await day.live(hours)
        return day

    return run_virtually(work)


def broken(day: Day) -> dict[str, list[str]]:
    """The rules that were broken, with a few examples."""
    return {rule: faults[:3] for rule, faults in faults_of(day).items() if faults}


@pytest.mark.parametrize(("seed", "name"), list(enumerate(STATIONS, 1)), ids=list(STATIONS))
def test_a_day_on_a_lossy_link_loses_nothing(seed: int, name: str) -> None:
    day = live(seed, STATIONS[name], DAY_H)
    assert broken(day) == {}
    print(told(name, day))
    assert min(day.weather.seen.values()) >= 5
    assert len(day.weather.seen) == 11
    assert "answered" in day.csms.asked.values()
    assert min(len(day.trace.made), len(day.wire.connections), twice_said(day), day.csms.overtaken) > 0


def told(name: str, day: Day) -> str:
    said_offline = sum(event.get("offline", False) for event in day.csms.arrived)
    return (
        f"\n{name}: {len(day.csms.record.transactions)} transactions, {len(day.trace.made)} events, {said_offline} of"
        f" them offline, {twice_said(day)} said more than once, {day.csms.overtaken} things overtaken on their way;"
        f" {len(day.wire.connections)} connections in {len(day.wire.attempts_at)} attempts,"
        f" {sum(day.weather.seen.values())} misfortunes"
    )


def twice_said(day: Day) -> int:
    return len(day.csms.arrived) - len(day.trace.made)


# ---- teeth: a station that breaks a rule is caught ----

FEW_H = 3.0
BEFORE_ACCEPTED = {"TxCtrlr.TxBeforeAcceptedEnabled": True}


class Hasty(Outbox):
    """Forgets what was said, not what was answered."""

    def request_to_send(self, entry: Entry, mono: float) -> Request:
        self._window.remove(entry)
        return super().request_to_send(entry, mono)

    def _remove(self, entry: Entry) -> None:
        self._window.appendleft(entry)
        super()._remove(entry)


class Proud(Outbox):
    """Never says that it was offline."""

    def link_changed(self) -> None:
        self._not_before = float("-inf")


class Stubborn(Outbox):
    """Stamps are stamps."""

    def learned_time(self, shift: ClockShift) -> int:
        return self.boot


class Eager(Reconnect):
    """Never waits longer than the first time."""

    def lost(self, mono: float) -> float:
        self._failures = 0
        return super().lost(mono)


def rush(day: Day) -> None:
    day.link.reconnect = Eager(Random(1))


@pytest.mark.parametrize(("rule", "outbox"), [("delivery", Hasty), ("offline", Proud), ("times", Stubborn)])
def test_the_day_has_teeth_for_queues(rule: str, outbox: type[Outbox]) -> None:
    assert rule in broken(live(2, BEFORE_ACCEPTED, FEW_H, outbox=outbox(boot=1)))


def test_the_day_has_teeth_for_hurry() -> None:
    assert set(broken(live(2, BEFORE_ACCEPTED, FEW_H, sabotage=rush))) == {"back-off"}
