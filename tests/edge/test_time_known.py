"""Time without a battery clock: provisional until somebody tells it, corrected when it is sent; no timeout minds.

Whole stations in virtual time: they wake up in 1970, charge, lose their power, and hear the time sooner or later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.edge.clock import EARLIEST, LATEST, TRUSTED_DRIFT_S, Clock
from agent.link.disk import Row
from agent.vocabulary.values import Now
from agent.writing import CLOCK_SHIFT
from tests.bench import CARD, POWER_ON, Bench
from tests.csms.record import Payload
from tests.scenarios.lossy.csms import FIRST_MOMENT, WireCsms
from tests.scenarios.lossy.station import NO_TIME_SERVER, Powered
from tests.scenarios.lossy.store import MemoryStore
from tests.scenarios.lossy.verdict import moment, number_of
from tests.scenarios.lossy.virtual_time import VirtualLoop, run_virtually
from tests.scenarios.lossy.wire import SECONDS_ONE_WAY, Wire

HOUR_S = 3600.0
ON_ITS_WAY_S = SECONDS_ONE_WAY[1] + TRUSTED_DRIFT_S
"""How late the CSMS's time may be when it arrives."""

FREE_FOR_ALL = {"AuthCtrlr.OfflineTxForUnknownIdEnabled": True, "TxCtrlr.TxBeforeAcceptedEnabled": True}


class Box:
    """A station without a battery clock, and a CSMS that is there or not.  ``made`` has when each event happened."""

    def __init__(self, loop: VirtualLoop, tasks: asyncio.TaskGroup, variables: Mapping[str, object]) -> None:
        self.csms = WireCsms(loop, Random(1))
        self.csms.listening = False
        loop.internet = Wire(loop, self.csms, Random(2))
        self.made: dict[tuple[str, int], float] = {}
        self.time = loop.time
        self._variables = variables
        self._tasks = tasks
        self._buses: dict[str, Any] = {}
        self._store = MemoryStore(self._note)
        self.on = self._start()

    def _note(self, row: Row) -> None:
        if row.transaction_id:
            self.made.setdefault((row.transaction_id, row.seq_no), self.time())

    def _start(self) -> Powered:
        powered = Powered(
            self._tasks,
            self._store,
            self._buses,
            chance=Random(int(self.time())),
            variables=self._variables,
            system_s=lambda: 0.0,
        )
        powered.power_on()
        return powered

    async def power_cut(self, dark_s: float) -> None:
        await self.on.cut()
        await asyncio.sleep(dark_s)
        self.on = self._start()

    async def begin(self) -> None:
        """Cable in, card at the reader."""
        await asyncio.sleep(1)
        self.on.world.plug_in(1)
        self.on.world.swipe(CARD, evse=1)
        await asyncio.sleep(60)

    async def end(self) -> None:
        self.on.world.swipe(CARD, evse=1)
        await asyncio.sleep(1)
        self.on.world.unplug(1)
        await asyncio.sleep(1)

    async def charge(self, seconds: float) -> None:
        await self.begin()
        await asyncio.sleep(seconds)
        await self.end()

    async def learn_the_time(self) -> None:
        """The CSMS is there, until it has told the time."""
        self.csms.listening = True
        for _ in range(300):
            await asyncio.sleep(0 if self.on.clock.known else 1)
        assert self.on.clock.known

    async def hear_the_time(self) -> None:
        """The CSMS is there; everything that waits is told."""
        self.csms.listening = True
        await asyncio.sleep(HOUR_S)
        assert self.on.clock.known

    async def finish(self) -> list[Payload]:
        """Power off for good; the events as the CSMS has them."""
        await self.on.cut()
        assert self._store.close().problems == ()
        assert {number_of(event) for event in self.csms.arrived} == set(self.made)
        return self.csms.arrived

    def off_s(self, event: Payload) -> float:
        """By how much an event is stamped late."""
        return moment(event["timestamp"]) - self.made[number_of(event)]


def virtually(
    story: Callable[[Box], Coroutine[Any, Any, None]], variables: Mapping[str, object] = FREE_FOR_ALL
) -> None:
    async def work(loop: VirtualLoop) -> None:
        async with asyncio.TaskGroup() as tasks:
            await story(Box(loop, tasks, variables))

    run_virtually(work)


def readings(event: Payload) -> dict[str, float]:
    """When each reading of an event was taken, by its context."""
    return {
        value["sampledValue"][0].get("context", "Sample.Periodic"): moment(value["timestamp"])
        for value in event.get("meterValue", ())
    }


# ---- a station that hears the time ----


def test_what_was_stamped_before_the_time_was_known_is_right_when_it_is_sent() -> None:
    async def story(box: Box) -> None:
        await box.charge(HOUR_S)
        assert not box.on.clock.known
        await box.hear_the_time()
        events = await box.finish()
        assert len(events) > 60
        for event in events:
            assert abs(box.off_s(event)) <= ON_ITS_WAY_S, event
            taken = [at for context, at in readings(event).items() if context != "Transaction.Begin"]
            assert all(0 <= moment(event["timestamp"]) - at <= 61 for at in taken), event

    virtually(story)


def test_a_transaction_that_runs_when_the_time_becomes_known_is_right_from_its_begin_to_its_end() -> None:
    async def story(box: Box) -> None:
        await box.begin()
        await asyncio.sleep(HOUR_S)
        await box.hear_the_time()
        await box.end()
        await asyncio.sleep(60)
        events = await box.finish()
        assert all(abs(box.off_s(event)) <= ON_ITS_WAY_S for event in events)
        started, ended = events[0], events[-1]
        assert (started["eventType"], ended["eventType"]) == ("Started", "Ended")
        begin = next(readings(event) for event in events if "Transaction.Begin" in readings(event))
        assert readings(ended)["Transaction.Begin"] == begin["Transaction.Begin"]
        assert abs(readings(ended)["Transaction.End"] - moment(ended["timestamp"])) <= ON_ITS_WAY_S

    virtually(story)


def test_each_start_is_corrected_by_what_it_learned_itself() -> None:
    """Two starts hear the time, each after a session of its own; the second also tells what the first could not."""

    async def story(box: Box) -> None:
        await box.charge(600)
        box.csms.listening = True
        await asyncio.sleep(60)
        assert box.on.clock.known
        box.csms.stop(politely=False)
        await box.charge(600)
        await box.power_cut(dark_s=HOUR_S)
        assert not box.on.clock.known
        await box.charge(600)
        await box.hear_the_time()
        events = await box.finish()
        assert len({number_of(event)[0] for event in events}) == 3
        assert all(abs(box.off_s(event)) <= ON_ITS_WAY_S for event in events)

    virtually(story)


def test_a_start_that_never_learns_the_time_begins_at_the_last_that_was_known() -> None:
    async def story(box: Box) -> None:
        box.csms.listening = True
        await asyncio.sleep(60)
        await box.charge(600)
        await asyncio.sleep(60)
        box.csms.stop(politely=False)
        last_known = max(moment(event["timestamp"]) for event in box.csms.arrived)
        heard = set(box.made)
        await box.power_cut(dark_s=5 * HOUR_S)
        await box.charge(600)
        never = set(box.made) - heard
        await box.power_cut(dark_s=HOUR_S)
        await box.charge(600)
        await box.hear_the_time()
        events = await box.finish()
        for event in events:
            if number_of(event) in never:
                assert last_known <= moment(event["timestamp"]) <= box.made[number_of(event)]
                assert -6 * HOUR_S < box.off_s(event) < -4.9 * HOUR_S
            else:
                assert abs(box.off_s(event)) <= ON_ITS_WAY_S

    virtually(story)


def test_starts_in_a_row_that_never_learn_the_time_do_not_run_backwards() -> None:
    async def story(box: Box) -> None:
        box.csms.listening = True
        await asyncio.sleep(60)
        box.csms.stop(politely=False)
        for _ in range(3):
            await box.charge(600)
            await box.power_cut(dark_s=60)
        await box.hear_the_time()
        stamps = [moment(event["timestamp"]) for event in await box.finish()]
        assert stamps == sorted(stamps)

    virtually(story)


def test_what_begins_in_the_moment_in_which_the_time_becomes_known_is_stamped_with_it() -> None:
    """A vehicle waits for the station to be accepted: transaction and first statuses come of the same answer."""

    async def story(box: Box) -> None:
        await asyncio.sleep(1)
        box.on.world.plug_in(1)
        await asyncio.sleep(60)
        assert box.made == {}
        await box.hear_the_time()
        box.on.world.unplug(1)
        await asyncio.sleep(60)
        events = await box.finish()
        assert [event["eventType"] for event in events][:1] == ["Started"]
        assert all(abs(box.off_s(event)) <= ON_ITS_WAY_S for event in events)
        for heard_at, told in box.csms.statuses:
            assert abs((heard_at - datetime.fromisoformat(told["timestamp"])).total_seconds()) < 60

    virtually(story, {"AuthCtrlr.Enabled": False})


def test_what_an_earlier_start_stamped_rightly_is_not_moved_with_what_this_one_did_not() -> None:
    """The power goes in a session, and comes back without a clock: one message has times of both starts."""

    async def story(box: Box) -> None:
        box.csms.listening = True
        await asyncio.sleep(60)
        await box.begin()
        await asyncio.sleep(600)
        box.csms.stop(politely=False)
        await asyncio.sleep(600)
        cut_at = box.time()
        await box.power_cut(dark_s=HOUR_S)
        await asyncio.sleep(600)
        await box.hear_the_time()
        events = await box.finish()
        begin = next(readings(event) for event in events if "Transaction.Begin" in readings(event))
        ended = events[-1]
        assert ended["transactionInfo"]["stoppedReason"] == "PowerLoss"
        assert readings(ended)["Transaction.Begin"] == begin["Transaction.Begin"]
        assert cut_at - 301 <= moment(ended["timestamp"]) <= cut_at
        assert abs(readings(ended)["Transaction.End"] - cut_at - HOUR_S) < 30

    virtually(story)


def test_the_corrected_times_of_a_running_transaction_survive_a_power_cut() -> None:
    async def story(box: Box) -> None:
        await box.begin()
        await box.learn_the_time()
        await box.power_cut(dark_s=60)
        await box.hear_the_time()
        events = await box.finish()
        begin = next(readings(event) for event in events if "Transaction.Begin" in readings(event))
        assert readings(events[-1])["Transaction.Begin"] == begin["Transaction.Begin"]

    virtually(story)


def test_what_was_learned_of_a_start_is_forgotten_when_it_has_told_everything() -> None:
    async def story(box: Box) -> None:
        await box.charge(600)
        await box.hear_the_time()
        box.csms.stop(politely=False)
        await box.power_cut(dark_s=60)
        await box.charge(600)
        await box.power_cut(dark_s=60)
        assert not [key for key in box.on.contents.records if key.startswith(CLOCK_SHIFT)]
        await box.charge(600)
        await box.learn_the_time()
        box.csms.stop(politely=False)
        assert len(box.on.link.outbox) > 0
        await box.power_cut(dark_s=60)
        assert [key for key in box.on.contents.records if key.startswith(CLOCK_SHIFT)] == [f"{CLOCK_SHIFT}3"]
        await box.hear_the_time()
        await box.finish()

    virtually(story)


def test_G02_FR_07_a_station_that_is_never_quiet_asks_for_the_time_once_a_day() -> None:
    """Also when its connection breaks in between: that tells no time."""

    async def story(box: Box) -> None:
        box.csms.listening = True
        booted_at = box.time()
        for number in range(50 * 20):
            await asyncio.sleep(180)
            (box.on.world.unplug if number % 2 else box.on.world.plug_in)(1)
            if number % 200 == 100:  # every ten hours
                box.csms.stop(politely=False)
                box.csms.listening = True
        first, second = box.csms.heartbeats_at
        assert abs(first - booted_at - 24 * HOUR_S) < 60
        assert abs(second - first - 24 * HOUR_S) < 60
        await box.on.cut()

    virtually(story)


# ---- the clock ----


class Ticking:
    """The two clocks of a system."""

    def __init__(self, wall_s: float = 0.0) -> None:
        self.wall_s = wall_s
        self.mono = 500.0

    def clock(self, last_known: datetime | None = None, synchronized: Path = NO_TIME_SERVER) -> Clock:
        return Clock(last_known, system_s=lambda: self.wall_s, mono_s=lambda: self.mono, synchronized=synchronized)


TRUE = datetime(2026, 5, 1, 12, tzinfo=UTC)


def test_it_wakes_up_with_the_system_s_time_and_does_not_know_whether_that_is_right() -> None:
    clock = Ticking(wall_s=TRUE.timestamp()).clock()
    assert (clock.now(), clock.known) == (Now(TRUE, 500.0), False)


def test_it_knows_when_a_time_server_was_heard(tmp_path: Path) -> None:
    synchronized = tmp_path / "synchronized"
    synchronized.touch()
    assert Ticking(wall_s=TRUE.timestamp()).clock(synchronized=synchronized).known


def test_it_never_begins_before_the_last_time_that_was_known() -> None:
    clock = Ticking(wall_s=0.0).clock(last_known=TRUE)
    assert TRUE < clock.now().wall < TRUE + timedelta(seconds=1)
    assert not clock.known
    later = Ticking(wall_s=TRUE.timestamp() + 60).clock(last_known=TRUE)
    assert later.now().wall == TRUE + timedelta(seconds=60)


def test_a_jump_of_the_system_s_clock_moves_nothing() -> None:
    ticking = Ticking(wall_s=TRUE.timestamp())
    clock = ticking.clock()
    ticking.wall_s, ticking.mono = 0.0, 510.0
    assert clock.now() == Now(TRUE + timedelta(seconds=10), 510.0)


def test_what_the_csms_says_is_the_time_and_runs_on_from_there() -> None:
    ticking = Ticking()
    clock = ticking.clock()
    assert clock.set(TRUE) == TRUE.timestamp()
    ticking.mono += 60
    assert (clock.now().wall, clock.known) == (TRUE + timedelta(minutes=1), True)


@pytest.mark.parametrize("off_s", [0.0, TRUSTED_DRIFT_S, -TRUSTED_DRIFT_S])
def test_what_the_way_of_a_message_explains_moves_nothing(off_s: float) -> None:
    clock = Ticking(wall_s=TRUE.timestamp()).clock()
    assert clock.set(TRUE + timedelta(seconds=off_s)) == 0.0
    assert (clock.now().wall, clock.known) == (TRUE, True)


NONSENSE = [
    datetime.min.replace(tzinfo=UTC),
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC),
    EARLIEST - timedelta(milliseconds=1),
    LATEST,
    datetime(2106, 2, 7, 6, 28, 15, tzinfo=UTC),
    datetime.max.replace(tzinfo=UTC),
]


@pytest.mark.parametrize("wall", NONSENSE, ids=str)
def test_a_time_that_cannot_be_is_not_taken_and_teaches_nothing(wall: datetime, caplog: Any) -> None:
    clock = Ticking(wall_s=TRUE.timestamp()).clock()
    for _ in range(100):
        assert clock.set(wall) == 0.0
    assert (clock.now().wall, clock.known) == (TRUE, False)
    assert len(caplog.records) == 1
    assert clock.set(TRUE + timedelta(days=1)) == 86_400.0
    assert clock.known


@pytest.mark.parametrize("wall", [EARLIEST, LATEST - timedelta(milliseconds=1)], ids=str)
def test_a_time_at_the_border_can_be(wall: datetime) -> None:
    clock = Ticking().clock()
    clock.set(wall)
    assert clock.now().wall == wall


def test_a_csms_that_talks_nonsense_of_the_time_leaves_the_station_with_what_it_had() -> None:
    async def story(box: Box) -> None:
        nonsense = iter(NONSENSE * 100)
        box.csms.answers.clock = lambda: next(nonsense)
        box.csms.listening = True
        await box.charge(HOUR_S)
        assert not box.on.clock.known
        assert box.on.station.desk.accepted
        box.csms.answers.clock = box.csms.clock
        await box.hear_the_time()
        await box.charge(HOUR_S)
        events = await box.finish()
        late = events[len(events) // 2 + 10 :]
        assert late
        assert all(abs(box.off_s(event)) <= ON_ITS_WAY_S for event in late)

    virtually(story)


# ---- timeouts ----


class Jumpy(Bench):
    """The same table, but the time of day jumps about whenever somebody looks."""

    def __init__(self, jumps: Random, **given: Any) -> None:
        self._jumps = jumps
        super().__init__(**given)

    @property
    def now(self) -> Now:
        return Now(POWER_ON + timedelta(days=self._jumps.uniform(-365, 365)), self.mono)


STEPS: dict[str, Callable[[Bench], object]] = {
    "cable in": lambda bench: bench.plants[1].connector is None and bench.plug_in(),
    "cable out": lambda bench: bench.plants[1].connector is not None and bench.unplug(),
    "card": lambda bench: bench.swipe(CARD),
    "vehicle pauses": lambda bench: bench.vehicle_wants(False),
    "vehicle goes on": lambda bench: bench.vehicle_wants(True),
    "energy": lambda bench: bench.charge(100),
    "fault": lambda bench: bench.fault("GroundFailure"),
    "healed": lambda bench: bench.heal("GroundFailure"),
    "meter lost": lambda bench: bench.lose("meter"),
    "meter found": lambda bench: bench.find("meter"),
    "link lost": lambda bench: bench.disconnect(),
    "link back": lambda bench: bench.connect(),
    "csms silent": lambda bench: bench.script.update(TransactionEvent=None),
    "csms answers": lambda bench: bench.script.clear(),
    "remote stop": lambda bench: bench.ask("RequestStopTransaction", transactionId="no such"),
    "reset": lambda bench: bench.ask("Reset", type="OnIdle"),
    "a second": lambda bench: bench.pass_time(1),
    "a minute": lambda bench: bench.pass_time(60),
    "an hour": lambda bench: bench.pass_time(3600),
}


def deadlines(bench: Bench) -> tuple[float | None, ...]:
    """Everything that is going to happen because of the time."""
    blocks = [block.next_deadline() for block in bench.station.blocks]
    return (*blocks, bench.link.next_deadline(bench.mono), bench.link.rpc.next_deadline())


def told(bench: Bench) -> list[tuple[str, Any]]:
    return [(said.action, timeless(said.payload)) for said in bench.sent]


def timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: timeless(item) for name, item in value.items() if name not in ("timestamp", "generatedAt")}
    return [timeless(item) for item in value] if isinstance(value, list) else value


@settings(max_examples=60)
@given(steps=st.lists(st.sampled_from(sorted(STEPS)), max_size=12), seed=st.integers(0, 2**32))
def test_a_jump_of_the_time_of_day_moves_no_timeout(steps: list[str], seed: int) -> None:
    variables = {"AuthCtrlr.OfflineTxForUnknownIdEnabled": True, "OCPPCommCtrlr.MessageTimeout[Default]": 20}
    straight, jumpy = Bench(variables=variables), Jumpy(Random(seed), variables=variables)
    straight.accept()
    jumpy.accept()
    for step in steps:
        STEPS[step](straight)
        STEPS[step](jumpy)
        assert deadlines(jumpy) == deadlines(straight)
    assert told(jumpy) == told(straight)
    assert jumpy.intents == straight.intents


# ---- a time server that is heard later, and who is believed ----


class Served:
    """A system with a time server, heard when ``hear`` is called."""

    def __init__(self, loop: VirtualLoop, folder: Path) -> None:
        self._loop, self.synchronized = loop, folder / "synchronized"
        self._off_s = -loop.time()

    def system_s(self) -> float:
        return self._loop.time() + self._off_s

    def hear(self) -> None:
        """The system's clock is stepped to the true time."""
        self._off_s = FIRST_MOMENT.timestamp()
        self.synchronized.touch()


def served(
    story: Callable[[Box, Served], Coroutine[Any, Any, None]], folder: Path, variables: Mapping[str, object] = {}
) -> None:
    async def work(loop: VirtualLoop) -> None:
        async with asyncio.TaskGroup() as tasks:
            box = Box(loop, tasks, {**FREE_FOR_ALL, **variables})
            await box.on.cut()
            system = Served(loop, folder)
            box.on = Powered(
                tasks,
                box._store,
                box._buses,
                chance=Random(3),
                variables={**FREE_FOR_ALL, **variables},
                system_s=system.system_s,
                synchronized=system.synchronized,
            )
            box.on.power_on()
            await story(box, system)

    run_virtually(work)


def test_a_time_server_that_is_heard_late_puts_right_what_was_stamped_before(tmp_path: Path) -> None:
    async def story(box: Box, system: Served) -> None:
        await box.charge(HOUR_S)
        assert not box.on.clock.known
        system.hear()
        await box.charge(HOUR_S)
        assert box.on.clock.known  # and no CSMS has said a word yet
        await box.hear_the_time()
        events = await box.finish()
        assert len(events) > 100
        assert all(abs(box.off_s(event)) <= 0.01 for event in events), [box.off_s(event) for event in events][:5]

    served(story, tmp_path, {"ClockCtrlr.TimeSource": "NTP,Heartbeat"})


def test_a_time_server_that_is_not_among_the_sources_is_not_believed(tmp_path: Path) -> None:
    (tmp_path / "synchronized").touch()

    async def story(box: Box, system: Served) -> None:
        system.hear()
        await box.charge(600)
        assert not box.on.clock.known
        await box.hear_the_time()
        await box.finish()

    served(story, tmp_path, {"ClockCtrlr.TimeSource": "Heartbeat"})


@pytest.mark.parametrize(("sources", "moved"), [("NTP,Heartbeat", False), ("NTP", False), ("Heartbeat,NTP", True)])
def test_B01_FR_06_of_two_that_differ_the_first_source_is_believed(tmp_path: Path, sources: str, moved: bool) -> None:
    async def story(box: Box, system: Served) -> None:
        system.hear()
        right = box.csms.clock
        box.csms.answers.clock = lambda: right() + timedelta(hours=7)
        box.csms.listening = True
        await asyncio.sleep(HOUR_S)
        off_s = moment(box.on.clock.now().wall.isoformat()) - box.time()
        assert abs(off_s - (7 * HOUR_S if moved else 0.0)) <= ON_ITS_WAY_S
        await box.on.cut()

    served(story, tmp_path, {"ClockCtrlr.TimeSource": sources})


def test_without_a_time_server_the_next_source_is_believed(tmp_path: Path) -> None:
    async def story(box: Box, system: Served) -> None:
        await box.hear_the_time()
        assert abs(moment(box.on.clock.now().wall.isoformat()) - box.time()) <= ON_ITS_WAY_S
        await box.on.cut()

    served(story, tmp_path, {"ClockCtrlr.TimeSource": "NTP,Heartbeat"})


def test_B01_FR_06_a_csms_that_is_not_among_the_sources_tells_no_time(tmp_path: Path) -> None:
    async def story(box: Box, system: Served) -> None:
        box.csms.listening = True
        await asyncio.sleep(HOUR_S)
        assert box.on.station.desk.accepted
        assert not box.on.clock.known
        await box.on.cut()

    served(story, tmp_path, {"ClockCtrlr.TimeSource": "NTP"})


def test_half_of_the_way_there_and_back_is_how_late_an_answer_is() -> None:
    ticking = Ticking()
    clock = ticking.clock()
    clock.set(TRUE, took_s=6.0)
    assert clock.now().wall == TRUE + timedelta(seconds=3)


@pytest.mark.parametrize(
    ("took_s", "off_s", "moves"), [(0.0, 1.5, True), (6.0, 3.9, False), (6.0, -3.9, False), (6.0, 4.1, True)]
)
def test_a_slow_answer_does_not_step_a_clock_that_it_does_not_know_better(
    took_s: float, off_s: float, moves: bool
) -> None:
    clock = Ticking(wall_s=TRUE.timestamp()).clock()
    said = TRUE + timedelta(seconds=off_s - took_s / 2)
    assert bool(clock.set(said, took_s)) is moves


def test_what_a_time_server_says_is_none_before_it_was_heard_and_never_before_the_last_known_time(
    tmp_path: Path,
) -> None:
    synchronized = tmp_path / "synchronized"
    ticking = Ticking(wall_s=TRUE.timestamp())
    clock = ticking.clock(last_known=TRUE - timedelta(days=1), synchronized=synchronized)
    assert clock.system() is None
    synchronized.touch()
    assert clock.system() == TRUE
    ticking.wall_s = (TRUE - timedelta(days=2)).timestamp()
    assert clock.system() is None
