"""What every driver that has an emulator must do, whatever it drives.

A new driver passes by being in ``hal.registry.DRIVERS`` with an emulator in ``tests.emulators.EMULATORS``; a new port
needs one more ``Trial``.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import pytest

from board.descriptor import find_board, parts_of, read_board
from hal.errors import BadOptions
from hal.events import (
    CardPresented,
    CpState,
    DcDemanded,
    DcOutput,
    DeviceFound,
    DeviceLost,
    Event,
    HardwareFaulted,
    HardwareHealed,
    InsulationMeasured,
    InsulationTested,
    LockMoved,
    MeterSampled,
    PilotChanged,
    PowerChanged,
    ResidualCurrentTested,
    TemperatureMeasured,
)
from hal.ports import (
    ConnectorLock,
    DcSecc,
    DcSource,
    DcSupply,
    DcWish,
    Driver,
    EnergyMeter,
    InsulationMonitor,
    PilotController,
    PilotIntent,
    Place,
    ResidualCurrentMonitor,
    SafetyInput,
    SeccIntent,
    SignedMeter,
    SignedSession,
    Thermometer,
    TokenReader,
)
from hal.registry import DRIVERS, driver_class, make_bus, make_driver
from tests.emulators import EMULATORS, emulator_of
from tests.emulators.board import EmulatedBoard
from tests.emulators.emulator import Emulator
from tests.emulators.load import Load
from tests.emulators.pty import BYTE_BY_BYTE, QUIET, Noise
from tests.hal.rig import Heard, eventually, running

EMULATED = sorted(set(DRIVERS) & set(EMULATORS))
GIVES_POWER = [name for name in EMULATED if {"apply", "supply"} & set(dir(driver_class(name)))]
"""Those that have to declare what their part does when the host goes silent."""

AWAY_S = 0.3
"""How long a device that is gone is listened for: three times the pace of the meters."""

PLACE = Place("evse[0].part", 1, limit_a=16)
NOISE = Noise(garbage=0.002, chunk=5, delay_s=0.0002)
QUICK: dict[str, dict[str, Any]] = {
    "gpio_lock": {"pulse_s": 0.1, "settle_s": 0.05},
    "gpio_rcd": {"reset_s": 0.05},
    "openevse_thermometer": {"poll_s": 0.5},
    "sysfs_thermometer": {"period_s": 0.5},
}
"""Options with which a part that is asked slowly is tried quickly."""
QUICK |= {name: {"fastest_s": 0.1} for name in EMULATED if name.startswith(("carlo", "eastron", "iskra", "klefr"))}
LOSS = Noise(loss=0.0005, delay_s=0.001)

pytestmark = pytest.mark.usefixtures("quick_hotplug")


class Rig:
    """One driver, its part, and what the driver posts."""

    def __init__(self, name: str, part: Emulator, device: str, more: dict[str, Any] | None = None) -> None:
        self.part: Any = part
        self.heard = Heard()
        options = QUICK.get(name, {}) | (more or {})
        if part.bus_kind:
            self.bus = make_bus(part.bus_kind, {"device": device}, "bus.line")
        else:
            self.bus, options = None, options | {"path": device}
        self.driver: Any = make_driver(name, options, PLACE, self.bus, self.heard)
        self.trial = next(trial for trial in TRIALS if trial.fits(self.driver, part))(self)

    @classmethod
    def bare(cls, name: str) -> Rig:
        """A driver whose device is not there."""
        return cls(name, emulator_of(name)(), "/dev/ttyNotHere")


class Trial:
    """That a port works, told by what the part does and what the driver posts."""

    port: ClassVar[type[Driver]]
    stimuli: ClassVar[frozenset[str]] = frozenset()
    values: ClassVar[tuple[type[Event], ...]] = ()
    """What it always knows of the state of its part; nothing where there is something to say only when it happens."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig

    @classmethod
    def fits(cls, driver: Driver, part: Emulator) -> bool:
        """Ports without commands are told apart by what the world does to the part."""
        return isinstance(driver, cls.port) and cls.stimuli <= part.stimuli

    def known(self) -> tuple[type[Event], ...]:
        """``values``, and what only some drivers of the port can tell."""
        return self.values

    def command(self) -> None:
        """Everything that the port can be told; nothing of it waits."""
        raise NotImplementedError

    async def works(self) -> None:
        """From the outside to an event, and from a wish to the outside.  Leaves a wish behind."""
        raise NotImplementedError

    async def wish_holds(self) -> None:
        """The wish that ``works`` has left is what the part does."""
        raise NotImplementedError

    async def host_falls_silent(self) -> None:
        """What the part then does by itself is what its driver declares."""
        raise NotImplementedError


class PilotTrial(Trial):
    port = PilotController
    values = (PilotChanged,)

    def known(self) -> tuple[type[Event], ...]:
        return (*self.values, PowerChanged) if self.rig.driver.traits.relay_feedback else self.values

    def command(self) -> None:
        self.rig.driver.apply(PilotIntent(limit_a=11, permit_power=True))
        self.rig.driver.clear_fault()

    async def works(self) -> None:
        part, driver, heard = self.rig.part, self.rig.driver, self.rig.heard
        driver.apply(PilotIntent())
        await eventually(lambda: part.offers_a is None)
        part.plug_in(10)
        await heard.until(lambda event: _pilot(event) is CpState.B)
        driver.apply(PilotIntent(limit_a=11, permit_power=True))
        await self._power(True)
        await eventually(lambda: part.load.current_a == 10)
        driver.apply(PilotIntent())
        await self._power(False)
        part.unplug()
        await heard.until(lambda event: _pilot(event) is CpState.A)
        part.plug_in(10, ready_after=None)
        driver.apply(PilotIntent(limit_a=13, permit_power=True))

    async def wish_holds(self) -> None:
        await eventually(lambda: self.rig.part.offers_a == 13)

    async def host_falls_silent(self) -> None:
        part, driver, traits = self.rig.part, self.rig.driver, self.rig.driver.traits
        driver.apply(PilotIntent(limit_a=13, permit_power=True))
        part.plug_in(10)
        await eventually(lambda: part.powered and part.offers_a == 13)
        await part.take_away()
        if traits.on_host_loss == "stops":
            await eventually(lambda: not part.powered)
        elif traits.on_host_loss == "falls_back":
            await eventually(lambda: part.offers_a == traits.fallback_a)
            assert part.powered
        else:
            await self.rig.heard.until(DeviceLost)
            assert part.powered
            assert part.offers_a == 13

    async def _power(self, closed: bool) -> None:
        """Told by the driver where it promises that, and true in any case."""
        if self.rig.driver.traits.relay_feedback:
            await self.rig.heard.until(lambda event: isinstance(event, PowerChanged) and event.closed is closed)
        await eventually(lambda: self.rig.part.powered is closed)


class LockTrial(Trial):
    port = ConnectorLock

    def known(self) -> tuple[type[Event], ...]:
        """A position, where the lock has feedback."""
        told = {event.position for event in self.rig.heard.events if isinstance(event, LockMoved)}
        return (LockMoved,) if told != {"unknown"} else ()

    def command(self) -> None:
        self.rig.driver.unlock()
        self.rig.driver.lock()

    async def works(self) -> None:
        for wish in (False, True):
            self.rig.driver.lock() if wish else self.rig.driver.unlock()
            await self.rig.heard.until(LockMoved)
            await eventually(lambda wish=wish: self.rig.part.locked is wish)  # type: ignore[misc]

    async def wish_holds(self) -> None:
        await eventually(lambda: bool(self.rig.part.locked))


class RcdTrial(Trial):
    port = ResidualCurrentMonitor

    def command(self) -> None:
        self.rig.driver.self_test()
        self.rig.driver.reset()

    async def works(self) -> None:
        self.rig.driver.self_test()
        await self.rig.heard.until(ResidualCurrentTested(1, True))
        self.rig.part.trip()
        await self.rig.heard.until(HardwareFaulted)
        self.rig.part.heal()
        self.rig.driver.reset()
        await self.rig.heard.until(HardwareHealed)

    async def wish_holds(self) -> None:
        self.rig.driver.self_test()
        await self.rig.heard.until(ResidualCurrentTested(1, True))


class SafetyTrial(Trial):
    port = SafetyInput
    stimuli = frozenset({"trip", "heal"})

    def command(self) -> None:
        pass

    async def works(self) -> None:
        self.rig.part.trip()
        await self.rig.heard.until(HardwareFaulted)
        self.rig.part.heal()
        await self.rig.heard.until(HardwareHealed)

    async def wish_holds(self) -> None:
        await self.works()


class MeterTrial(Trial):
    port = EnergyMeter
    values = (MeterSampled,)

    def command(self) -> None:
        self.rig.driver.sample_every(0.1)

    async def works(self) -> None:
        self.rig.part.load.current_a = 10.0
        self.rig.driver.sample_every(0.1)
        await self.rig.heard.until(self._shows)

    async def wish_holds(self) -> None:
        self.rig.part.load.current_a = 5.0
        await self.rig.heard.until(self._shows)

    def _shows(self, event: Event) -> bool:
        return isinstance(event, MeterSampled) and event.power_w == pytest.approx(self.rig.part.shown_w, abs=0.01)


class ThermometerTrial(Trial):
    port = Thermometer
    stimuli = frozenset({"heat"})
    values = (TemperatureMeasured,)

    def command(self) -> None:
        pass

    async def works(self) -> None:
        self.rig.part.heat(55.0)
        await self.rig.heard.until(TemperatureMeasured(1, "", 55.0))

    async def wish_holds(self) -> None:
        self.rig.part.heat(40.0)
        await self.rig.heard.until(TemperatureMeasured(1, "", 40.0))
        self.rig.part.heat(55.0)
        await self.rig.heard.until(TemperatureMeasured(1, "", 55.0))


class DcSeccTrial(Trial):
    port = DcSecc
    values = (PilotChanged, PowerChanged)

    def command(self) -> None:
        self.rig.driver.apply(PilotIntent(limit_a=11, permit_power=True))
        self.rig.driver.clear_fault()
        self.rig.driver.tell_vehicle(SeccIntent(authorization="granted"))
        self.rig.driver.tell_supply(DcSupply(True, 400, 10, 1e6, 900, 100))

    async def works(self) -> None:
        part, driver, heard = self.rig.part, self.rig.driver, self.rig.heard
        driver.apply(PilotIntent())
        driver.tell_vehicle(SeccIntent(authorization="granted"))
        await eventually(lambda: part.offers_a is None)
        part.plug_in(10)
        await heard.until(lambda event: _pilot(event) is CpState.B)
        driver.apply(PilotIntent(limit_a=11, permit_power=True))
        async with supplied(self.rig):
            await heard.until(PowerChanged(1, True))
            driver.apply(PilotIntent())
            await heard.until(PowerChanged(1, False))
            await eventually(lambda: not part.session)
        part.unplug()
        await heard.until(lambda event: _pilot(event) is CpState.A)
        part.plug_in(10, ready_after=None)
        driver.apply(PilotIntent(limit_a=13, permit_power=True))

    async def wish_holds(self) -> None:
        await eventually(lambda: self.rig.part.start_authorised and self.rig.part.valid)

    async def host_falls_silent(self) -> None:
        part, driver = self.rig.part, self.rig.driver
        assert driver.traits.on_host_loss == "stops"
        driver.tell_vehicle(SeccIntent(authorization="granted"))
        part.plug_in(10)
        await self.rig.heard.until(lambda event: _pilot(event) is CpState.B)
        driver.apply(PilotIntent(limit_a=11, permit_power=True))
        async with supplied(self.rig):
            await self.rig.heard.until(PowerChanged(1, True))
            await part.take_away()
            await eventually(lambda: not part.powered)


@asynccontextmanager
async def supplied(rig: Rig) -> AsyncIterator[None]:
    """Somebody gives at once what the session demands, well insulated."""

    async def give() -> None:
        while True:
            demands = [event for event in rig.heard.events if isinstance(event, DcDemanded)]
            if demands:
                rig.driver.tell_supply(DcSupply(True, demands[-1].voltage_v, 0.0, 1e6, 900, 100))
            await asyncio.sleep(0.01)

    task = asyncio.create_task(give())
    try:
        yield
    finally:
        task.cancel()


class InsulationTrial(Trial):
    port = InsulationMonitor
    values = (InsulationMeasured,)

    def command(self) -> None:
        self.rig.driver.self_test()

    async def works(self) -> None:
        link = self.rig.part.link
        link.insulation_ohm = 200_000.0
        await self.rig.heard.until(InsulationMeasured(1, 200_000.0))
        self.rig.driver.self_test()
        await self.rig.heard.until(InsulationTested(1, True))

    async def wish_holds(self) -> None:
        self.rig.part.link.insulation_ohm += 1000.0
        await self.rig.heard.until(InsulationMeasured(1, self.rig.part.link.insulation_ohm))


class DcSourceTrial(Trial):
    port = DcSource
    values = (DcOutput,)

    def command(self) -> None:
        self.rig.driver.supply(DcWish(True, 400, 20))

    async def works(self) -> None:
        self.rig.driver.supply(DcWish(True, 400, 20))
        await self.rig.heard.until(lambda event: isinstance(event, DcOutput) and event.voltage_v == 400)
        self.rig.driver.supply(DcWish())
        await self.rig.heard.until(lambda event: isinstance(event, DcOutput) and event.voltage_v == 0)
        self.rig.driver.supply(DcWish(True, 410, 20))

    async def wish_holds(self) -> None:
        await eventually(lambda: self.rig.part.link.voltage_v == 410 and self.rig.part.link.limit_a == 20)

    async def host_falls_silent(self) -> None:
        part, traits = self.rig.part, self.rig.driver.dc_traits
        assert (traits.on_host_loss, traits.keepalive_s) == ("stops", part.switches_off_s)
        part.switches_off_s = 2.0  # not to wait ten seconds; the driver speaks once a second
        self.rig.driver.supply(DcWish(True, 400, 20))
        await eventually(lambda: part.link.voltage_v == 400)
        await part.take_away()
        await eventually(lambda: part.link.voltage_v == 0)


class SignedMeterTrial(MeterTrial):
    port = SignedMeter

    def command(self) -> None:
        super().command()
        self.rig.driver.begin(SignedSession("1", "04AABBCC", "ISO14443"))
        self.rig.driver.end(None)

    async def works(self) -> None:
        self.rig.driver.begin(SignedSession("1", "04AABBCC", "ISO14443"))
        await super().works()
        await eventually(lambda: self.rig.part.state == 1)

    async def wish_holds(self) -> None:
        await super().wish_holds()
        await eventually(lambda: self.rig.part.state == 1)


class ReaderTrial(Trial):
    port = TokenReader
    stimuli = frozenset({"present", "withdraw"})

    def command(self) -> None:
        """A reader is told nothing."""

    async def works(self) -> None:
        for uid in ("04A2B3C4", "04A2B3C4D5E680"):
            self.rig.part.present(uid)
            await self.rig.heard.until(CardPresented(PLACE.evse, uid))
            self.rig.part.withdraw()

    async def wish_holds(self) -> None:
        await self.works()


TRIALS: tuple[type[Trial], ...] = (
    ReaderTrial,
    RcdTrial,
    DcSeccTrial,
    DcSourceTrial,
    InsulationTrial,
    PilotTrial,
    LockTrial,
    SignedMeterTrial,
    MeterTrial,
    SafetyTrial,
    ThermometerTrial,
)


def _pilot(event: Event) -> CpState | None:
    return event.state if isinstance(event, PilotChanged) else None


@asynccontextmanager
async def rig(name: str, noise: Noise = QUIET) -> AsyncIterator[Rig]:
    async with emulator_of(name).for_part({}, Load(), noise, speed=20) as part:
        made = Rig(name, part, part.device)
        async with running(made.driver):
            yield made


def test_every_driver_of_a_real_part_has_an_emulator() -> None:
    assert {name for name in DRIVERS if not name.startswith("sim_")} == set(EMULATED)


@pytest.mark.parametrize("name", EMULATED)
async def test_it_opens_nothing_before_it_runs_and_takes_every_command(name: str) -> None:
    made = Rig.bare(name)
    made.trial.command()
    assert made.heard.events == []


@pytest.mark.parametrize("name", EMULATED)
@pytest.mark.parametrize("noise", [QUIET, BYTE_BY_BYTE, NOISE, LOSS], ids=["quiet", "byte by byte", "garbage", "loss"])
async def test_it_works_on_any_line(name: str, noise: Noise) -> None:
    async with rig(name, noise) as bench:
        await bench.trial.works()
        await bench.trial.wish_holds()


@pytest.mark.parametrize("name", EMULATED)
async def test_bursts_of_garbage_between_frames_change_nothing(name: str) -> None:
    async with rig(name) as bench:
        await bench.heard.until(DeviceFound)
        for burst in (bytes(range(256)), b"$" * 500, b"\r\n" * 100, b"\x00" * 300, b"\x01\x04\x98"):
            bench.part.garbage(burst)
        await bench.trial.works()
        assert not bench.heard.of(DeviceLost)
        assert all(isinstance(count, int) for count in bench.driver.counters.values())


@pytest.mark.parametrize("name", EMULATED)
async def test_a_device_that_is_not_there_is_said_once_and_found_when_it_comes(name: str) -> None:
    async with emulator_of(name)(speed=20) as part:
        await part.take_away()
        made = Rig(name, part, part.device)
        async with running(made.driver):
            lost = await made.heard.until(DeviceLost)
            assert lost == DeviceLost(1, PLACE.part, f"{part.device}: No such file or directory")
            await part.bring_back()
            await made.heard.until(DeviceFound)
            await made.trial.works()
        assert len(made.heard.of(DeviceLost)) == 1


@pytest.mark.parametrize("name", EMULATED)
async def test_gone_and_back_is_said_once_each_and_the_wish_holds_again(name: str) -> None:
    async with rig(name) as bench:
        await bench.trial.works()
        for count in (1, 2):
            await bench.part.take_away()
            await bench.heard.until(DeviceLost)
            if "power_cycle" in bench.part.stimuli:
                bench.part.power_cycle()  # it has forgotten what was volatile
            await bench.part.bring_back()
            await bench.heard.until(DeviceFound)
            await bench.trial.wish_holds()
            assert len(bench.heard.of(DeviceLost)) == count


@pytest.mark.parametrize("name", EMULATED)
async def test_of_a_lost_device_nothing_is_told_and_when_it_is_back_its_state_is_told_anew(name: str) -> None:
    async with rig(name) as bench:
        await bench.trial.works()
        await bench.part.take_away()
        await bench.heard.until(DeviceLost)
        told = len(bench.heard.events)
        await asyncio.sleep(AWAY_S)
        assert bench.heard.events[told:] == []
        await bench.part.bring_back()
        for value in bench.trial.known():
            await eventually(lambda value=value: _tells(bench, told, value))  # type: ignore[misc]


def _tells(bench: Rig, since: int, value: type[Event]) -> bool:
    return any(isinstance(event, value) for event in bench.heard.events[since:])


def test_every_driver_that_gives_power_is_left_by_its_host() -> None:
    declared = {name for name in EMULATED if {"traits", "dc_traits"} & set(dir(Rig.bare(name).driver))}
    assert declared == set(GIVES_POWER)


@pytest.mark.parametrize("name", GIVES_POWER)
async def test_a_silent_host_is_what_the_driver_declares(name: str) -> None:
    async with emulator_of(name).for_part({}, Load(), speed=20) as part:
        made = Rig(name, part, part.device, {"heartbeat_s": 1} if name == "openevse" else None)
        async with running(made.driver):
            await made.trial.host_falls_silent()


@pytest.mark.parametrize("name", EMULATED)
async def test_it_ends_quickly_wherever_it_is_and_lets_go_of_the_device(name: str) -> None:
    async with emulator_of(name)(speed=20) as part:
        for steps in (0, 1, 2, 5, 20, 100):
            made = Rig(name, part, part.device)
            task = asyncio.create_task(made.driver.run())
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asyncio.wait_for(task, 2)
            made = Rig(name, part, part.device)
        async with running(made.driver):
            await made.heard.until(DeviceFound)


@pytest.mark.parametrize("name", EMULATED)
def test_an_unknown_option_is_told_with_its_place(name: str) -> None:
    made = Rig.bare(name)
    with pytest.raises(BadOptions, match=r"^evse\[0\]\.part: .*unknown field `colour`; options: "):
        make_driver(name, {"colour": "red"}, PLACE, made.bus, print)


async def test_the_demo_board_runs_on_its_emulators() -> None:
    board = read_board(find_board("demo"))
    async with EmulatedBoard(board, speed=20) as world:
        assert set(world.devices) == {"pilot", "rs485"}
        heard = Heard()
        drivers: dict[str, Any] = {}
        for place, part in parts_of(board):
            if part.bus not in world.devices:
                continue
            options = {key: value for key, value in board.bus[part.bus].items() if key != "kind"}
            bus = make_bus(str(board.bus[part.bus]["kind"]), options | {"device": world.devices[part.bus]}, part.bus)
            drivers[place] = make_driver(part.driver, part.options, Place(place, 1, limit_a=16), bus, heard)
        async with running(drivers["evse[0].pilot"]), running(drivers["evse[0].meter"]):
            pilot: Any = world.pilots[1]
            drivers["evse[0].pilot"].apply(PilotIntent(limit_a=16, permit_power=True))
            pilot.plug_in(20)
            await heard.until(PowerChanged(1, True))
            drivers["evse[0].meter"].sample_every(1)
            await heard.until(lambda event: isinstance(event, MeterSampled) and event.power_w == 3 * 230 * 16)
