"""The steps of a selftest, in their order: what is told to the parts, what has to come back, and in which time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Literal, Protocol

import msgspec

from agent.shell.selftest.bench import Bench
from agent.shell.selftest.plausible import OPEN_A, OVER_OFFER, complaints_of, energy_complaint, most_a
from board.descriptor import Evse, parts_of
from hal.events import CardPresented, CpState, MeterSampled, ResidualCurrentTested
from hal.ports import PilotIntent

Verdict = Literal["passed", "failed", "skipped", "warned"]

A, B, C, D, F = CpState.A, CpState.B, CpState.C, CpState.D, CpState.F


class Result(msgspec.Struct, frozen=True):
    """What came of one step."""

    place: str
    title: str
    verdict: Verdict
    text: str = ""
    at_s: float = 0.0


class Patience(msgspec.Struct, frozen=True):
    """How long is waited; the contactor's times are those of IEC 61851-1, with what a slow controller adds."""

    part_s: float = 8.0
    look_s: float = 0.5
    hand_s: float = 60.0
    pilot_s: float = 6.0
    close_s: float = 6.0
    open_s: float = 10.0
    lock_s: float = 10.0
    rcd_s: float = 15.0
    settle_s: float = 5.0
    show_s: float = 2.0
    measure_s: float = 8.0
    meter_every_s: float = 1.0


class Person(Protocol):
    """Who plugs in and out."""

    async def asked(self, key: str, text: str) -> bool: ...


class Left(Exception):
    """A step that cannot be done now."""


class Wrong(Exception):
    """A step that found something."""


class Doubtful(Exception):
    """A step that found something that a person has to judge."""


MAINS_V = 230.0

Tell = Callable[[Result], None]


async def walk(bench: Bench, evses: Sequence[Evse], person: Person, patience: Patience, tell: Tell) -> None:
    """Everything, one EVSE after the other; no power is permitted afterwards, however it ends."""
    async with bench.running():
        for evse in evses:
            steps = EvseSteps(bench, evse, person, patience)
            try:
                for title, step in steps.table():
                    bench.mark(evse.id, title)
                    tell(await _result(f"evse {evse.id}", title, step, bench))
            finally:
                bench.offer(evse.id, PilotIntent())
        station = StationSteps(bench, person, patience)
        for title, step in station.table():
            tell(await _result("station", title, step, bench))


async def _result(place: str, title: str, step: Callable[[], Awaitable[str]], bench: Bench) -> Result:
    at_s = bench.elapsed()
    verdict: Verdict = "passed"
    try:
        text = await step()
    except Left as why:
        verdict, text = "skipped", str(why)
    except Wrong as why:
        verdict, text = "failed", str(why)
    except Doubtful as why:
        verdict, text = "warned", str(why)
    return Result(place, title, verdict, text, at_s)


class EvseSteps:
    """One EVSE."""

    def __init__(self, bench: Bench, evse: Evse, person: Person, patience: Patience) -> None:
        self._bench = bench
        self._evse = evse
        self._person = person
        self._patience = patience
        self._seen = bench.seen[evse.id]
        self._traits = bench.parts.pilots[evse.id].traits
        self._tried = False
        self._limit_a = min(evse.limit_a, self._traits.max_a)

    def table(self) -> list[tuple[str, Callable[[], Awaitable[str]]]]:
        return [
            ("Every part answers", self.parts),
            ("CP: state A, nothing plugged in", self.state_a),
            ("Meter without load", self.meter_idle),
            ("Residual current monitor", self.rcd),
            ("CP: state F, out of service", self.state_f),
            ("CP: state B, vehicle plugged in", self.state_b),
            ("Cable coding", self.cable),
            ("Lock", self.lock),
            ("Contactor stays open without permission", self.stays_open),
            ("Contactor closes", self.closes),
            ("Meter under load", self.meter_load),
            ("The vehicle follows the offered current", self.follows),
            ("Contactor opens, and is not welded", self.opens),
            ("CP: state A, unplugged", self.unplugged),
            ("No fault is left", self.no_fault),
        ]

    async def parts(self) -> str:
        mine = [place for place, _ in parts_of(self._bench.board) if place.startswith(f"evse[{self._evse.id - 1}].")]
        meter = self._bench.parts.meters.get(self._evse.id)
        if meter is not None:
            meter.sample_every(self._patience.meter_every_s)
        self._bench.offer(self._evse.id, PilotIntent())
        await self._bench.until(lambda: all(place in self._bench.found for place in mine), self._patience.part_s)
        silent = [place for place in mine if place not in self._bench.found or place in self._bench.lost]
        if silent:
            raise Wrong("; ".join(f"{place}: {self._bench.lost.get(place, 'silent')}" for place in silent))
        return "; ".join(f"{place}: {self._bench.found[place] or 'there'}" for place in mine)

    async def state_a(self) -> str:
        await self._reach((A,), "unplug", "Take the cable out of the vehicle (a socket: out of it)")
        if self._seen.closed:
            raise Wrong("the contactor is closed with nothing plugged in")
        return ""

    async def state_f(self) -> str:
        if not self._traits.shows_state_f:
            raise Left("this controller cannot show it")
        self._bench.offer(self._evse.id, PilotIntent(available=False))
        shown = await self._bench.until(lambda: self._seen.pilot is F, self._patience.pilot_s)
        await self._bench.listen(self._patience.show_s)  # long enough for a voltmeter
        self._bench.offer(self._evse.id, PilotIntent())
        back = await self._bench.until(lambda: self._seen.pilot in (A, B, C), self._patience.pilot_s)
        if not shown:
            raise Wrong("it was not shown")
        if not back:
            raise Wrong("it did not come back from it")
        return ""

    async def state_b(self) -> str:
        await self._reach((B, C, D), "plug_in", "Plug a vehicle or a tester in (state B)")
        if self._seen.pilot is not B:
            raise Doubtful(f"state {self._seen.pilot}: the vehicle skips B")
        return ""

    async def cable(self) -> str:
        if all(each.attached for each in self._evse.connectors):
            raise Left("the cable is permanently attached")
        self._plugged()
        if self._seen.cable_a is None:
            raise Doubtful("no part tells the coding of the cable")
        return f"{self._seen.cable_a:g} A"

    async def lock(self) -> str:
        locks = {number: lock for (evse, number), lock in self._bench.parts.locks.items() if evse == self._evse.id}
        if not locks:
            raise Left("no lock on this EVSE")
        told = []
        for number, lock in locks.items():
            for wish, move in (("unlocked", lock.unlock), ("locked", lock.lock)):
                move()
                await self._bench.until(
                    lambda number=number, wish=wish: self._seen.locks.get(number) in (wish, "unknown"),  # type: ignore[misc]
                    self._patience.lock_s,
                )
                position = self._seen.locks.get(number)
                if position not in (wish, "unknown"):
                    raise Wrong(f"connector {number}: {position or 'nothing told'}, it should be {wish}")
                told.append(position)
        if "unknown" in told:
            raise Doubtful("no feedback: look whether it locks")
        return "unlocked and locked"

    async def stays_open(self) -> str:
        self._plugged()
        self._bench.offer(self._evse.id, PilotIntent())
        if await self._bench.until(lambda: self._seen.closed is True, self._patience.settle_s / 2):
            raise Wrong("it closed although nobody permitted it")
        return ""

    async def closes(self) -> str:
        if self._evse.supply is not None:
            raise Left("a DC session is run by the station, not here")
        self._plugged()
        self._bench.offer(self._evse.id, PilotIntent(limit_a=self._low_a(), permit_power=True))
        if not await self._bench.until(lambda: self._seen.pilot in (C, D), self._patience.pilot_s):
            await self._reach((C, D), "ready", "Let the vehicle ask for power (state C)")
        self._tried = True
        began = self._bench.elapsed()
        if not self._traits.relay_feedback:
            await self._bench.listen(self._patience.settle_s)
            raise Doubtful("this controller does not tell where its contactor is; see the current")
        if not await self._bench.until(lambda: self._seen.closed is True, self._patience.close_s):
            raise Wrong(f"still open {self._patience.close_s:g} s after the vehicle asked")
        return f"{max(0.0, self._bench.elapsed() - began):.1f} s after state C"

    async def meter_idle(self) -> str:
        sample = await self._reading()
        self._judge(sample)
        amps = most_a(sample)
        if amps is not None and amps > OPEN_A:
            raise Wrong(f"{amps:.2f} A flow although nothing is plugged in")
        return self._words(sample)

    async def meter_load(self) -> str:
        self._closed()
        await self._bench.listen(self._patience.settle_s)
        began = self._bench.elapsed()
        await self._bench.listen(self._patience.measure_s)
        sample = await self._reading()
        self._judge(sample)
        if complaint := energy_complaint(self._samples(began)):
            raise Wrong(complaint)
        amps = most_a(sample)
        if amps is not None and amps < OPEN_A:
            raise Doubtful(f"{amps:.2f} A: no current to measure; use a vehicle or a load")
        return self._words(sample)

    async def follows(self) -> str:
        self._closed()
        if most_a(self._seen.sample) is None:
            raise Left("no part measures a current")
        seen = []
        for offered_a in dict.fromkeys((self._limit_a, self._low_a())):
            self._bench.offer(self._evse.id, PilotIntent(limit_a=offered_a, permit_power=True))
            await self._bench.listen(self._patience.settle_s)
            amps = most_a(await self._reading()) or 0.0
            if amps > offered_a * OVER_OFFER + OPEN_A:
                raise Wrong(f"{amps:.1f} A flow, {offered_a:g} A are offered")
            seen.append(f"{amps:.1f} A of {offered_a:g} A")
        return ", ".join(seen)

    async def opens(self) -> str:
        self._bench.offer(self._evse.id, PilotIntent())
        if not self._tried:
            raise Left("the contactor was not asked to close")
        began = self._bench.elapsed()
        if not await self._bench.until(lambda: not self._seen.closed, self._patience.open_s):
            raise Wrong(f"still closed {self._patience.open_s:g} s after the permission was taken: welded?")
        if not self._traits.relay_feedback:  # all that can be seen is that nothing flows any more
            await self._bench.until(self._no_current, self._patience.open_s)
        took_s = self._bench.elapsed() - began
        if "WeldedContactor" in [code for evse, code, _ in self._bench.faults if evse in (0, self._evse.id)]:
            raise Wrong("a part reports it as welded")
        if self._evse.id in self._bench.parts.meters:
            await self._reading()
            if not self._no_current():
                raise Wrong(f"it should be open, and {most_a(self._seen.sample):.2f} A flow")
        return f"after {took_s:.1f} s"

    async def rcd(self) -> str:
        monitor = self._bench.parts.rcds.get(self._evse.id)
        if monitor is None:
            raise Left("none in the board file; press the test button of the one in the cabinet")
        before = len(self._tests())
        monitor.self_test()
        if not await self._bench.until(lambda: len(self._tests()) > before, self._patience.rcd_s):
            raise Wrong("it did not answer")
        result = self._tests()[-1]
        if not result.passed:
            raise Wrong(result.text)
        return "tripped by its test current, and came back"

    async def unplugged(self) -> str:
        for (evse, _), lock in self._bench.parts.locks.items():
            if evse == self._evse.id:
                lock.unlock()
        await self._reach((A,), "unplug", "Take the cable out")
        return ""

    async def no_fault(self) -> str:
        held = [f"{code}: {text}" for (evse, code, _), text in self._bench.faults.items() if evse in (0, self._evse.id)]
        if held:
            raise Wrong("; ".join(held))
        return ""

    # ---- what they share ----

    async def _reach(self, states: tuple[CpState, ...], key: str, text: str) -> None:
        def there() -> bool:
            return self._seen.pilot in states

        if await self._bench.until(there, self._patience.look_s):
            return
        if not await self._person.asked(key, f"EVSE {self._evse.id}: {text}"):
            raise Left(f"state {self._seen.pilot or 'unknown'}, and nobody is there to change it")
        if not await self._bench.until(there, self._patience.hand_s):
            wanted = " or ".join(states)
            raise Wrong(f"state {self._seen.pilot or 'unknown'}, it should be {wanted}")

    def _plugged(self) -> None:
        if self._seen.pilot not in (B, C, D):
            raise Left("nothing is plugged in")

    def _closed(self) -> None:
        if not (self._seen.closed or (self._tried and not self._traits.relay_feedback)):
            raise Left("the contactor is not closed")

    def _no_current(self) -> bool:
        amps = most_a(self._seen.sample)
        return amps is None or amps <= OPEN_A

    async def _reading(self) -> MeterSampled:
        """A reading that was taken from now on: the second of two, for the first may have been under way already."""
        meter = self._bench.parts.meters.get(self._evse.id)
        if meter is None:
            raise Left("no meter in the board file")
        for _ in range(2):
            self._seen.sample = None
            meter.sample_every(self._patience.meter_every_s)
            await self._bench.until(lambda: self._seen.sample is not None, self._patience.part_s)
        sample = self._seen.sample
        if sample is None:
            raise Wrong("the meter gives no reading")
        return sample

    def _judge(self, sample: MeterSampled) -> None:
        if self._evse.supply is None:
            complaints = list(complaints_of(sample, self._evse.voltage_v, self._evse.phases))
        else:  # the meter counts in front of the modules, the voltage of the board file is behind them
            complaints = list(complaints_of(sample, MAINS_V, len(sample.voltage_v)))
        if complaints:
            raise Wrong("; ".join(complaints))

    def _low_a(self) -> float:
        return min(self._limit_a, max(self._traits.min_a, 6.0))

    def _samples(self, since_s: float) -> list[tuple[float, MeterSampled]]:
        return [
            (at, event)
            for at, event in self._bench.trace.said
            if isinstance(event, MeterSampled) and event.evse == self._evse.id and at >= since_s
        ]

    def _tests(self) -> list[ResidualCurrentTested]:
        said = (event for _, event in self._bench.trace.said)
        return [each for each in said if isinstance(each, ResidualCurrentTested) and each.evse == self._evse.id]

    @staticmethod
    def _words(sample: MeterSampled) -> str:
        volts = " / ".join(f"{each:.1f}" for each in sample.voltage_v)
        amps = " / ".join(f"{each:.2f}" for each in sample.current_a)
        power = "" if sample.power_w is None else f", {sample.power_w:.0f} W"
        return f"{volts or '-'} V, {amps or '-'} A{power}"


class StationSteps:
    """What belongs to the whole station."""

    def __init__(self, bench: Bench, person: Person, patience: Patience) -> None:
        self._bench = bench
        self._person = person
        self._patience = patience

    def table(self) -> list[tuple[str, Callable[[], Awaitable[str]]]]:
        readers = [
            (f"Card reader {number}", self._reader) for number, _ in enumerate(self._bench.board.reader, start=1)
        ]
        switches = [("Emergency stop and switches", self.switches)] if self._bench.board.safety else []
        return [*readers, *switches]

    async def _reader(self) -> str:
        before = len(self._cards())
        if not await self._person.asked("card", "Hold a card to the reader"):
            raise Left("nobody is there to hold a card to it")
        if not await self._bench.until(lambda: len(self._cards()) > before, self._patience.hand_s):
            raise Wrong("no card was read")
        card = self._cards()[-1]
        return f"{card.kind}, {len(card.uid)} characters, ends with {card.uid[-2:]}"

    async def switches(self) -> str:
        lost = [f"{part}: {why}" for part, why in self._bench.lost.items() if part.startswith("safety[")]
        if lost:
            raise Wrong("; ".join(lost))
        before = set(self._bench.faults)
        if not await self._person.asked("press", "Press the emergency stop (or open the door)"):
            raise Left("nobody is there to press it")
        if not await self._bench.until(lambda: bool(set(self._bench.faults) - before), self._patience.hand_s):
            raise Wrong("nothing was told")
        told = ", ".join(code for _, code, _ in sorted(set(self._bench.faults) - before))
        await self._person.asked("release", "Release it (close the door)")
        if not await self._bench.until(lambda: set(self._bench.faults) <= before, self._patience.hand_s):
            raise Wrong(f"{told} is told still")
        return f"{told}, and healed"

    def _cards(self) -> list[CardPresented]:
        return [event for _, event in self._bench.trace.said if isinstance(event, CardPresented)]
