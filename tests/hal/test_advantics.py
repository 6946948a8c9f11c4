"""The Advantics SECC: a session by its phases, who ends it, and what happens when one of both falls silent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from hal.bus.can import CanBus
from hal.drivers.advantics import AdvanticsSecc
from hal.drivers.advantics_seen import Seen
from hal.events import (
    CpState,
    DcDemanded,
    DcPhase,
    DcVehicleTold,
    DeviceFound,
    DeviceLost,
    EimChosen,
    Event,
    HardwareFaulted,
    HardwareHealed,
    PilotChanged,
    PowerChanged,
    VehicleEnded,
)
from hal.liveness import Liveness
from hal.ports import DcSupply, PilotIntent, Place, SeccIntent
from hal.wire.advantics import ControlPilot, EmergencyStop, Finished, NewSession, State, Status
from tests.emulators.advantics import CHARGING, WAITING, EmulatedAdvantics
from tests.hal.rig import Heard, eventually, running

PERMIT = PilotIntent(limit_a=100, permit_power=True)
GRANTED = SeccIntent(authorization="granted")
PHASES: list[DcPhase] = ["setup", "authorization", "setup", "cable_check", "precharge", "charging"]


class Rig:
    """A driver whose supply gives at once what is demanded."""

    def __init__(self, part: EmulatedAdvantics, liveness: Liveness | None = None) -> None:
        self.part, self.heard = part, Heard()
        self.ohm = 1_000_000.0
        self.gives = True
        bus = CanBus(CanBus.Config(device=part.device))
        place = Place("evse[0].pilot", 1, limit_a=100, voltage_v=920, liveness=liveness)
        self.driver = AdvanticsSecc(AdvanticsSecc.Config(), place, bus, self._post)
        self.driver.tell_supply(DcSupply(True, 0, 0, self.ohm, 920, 100))

    def _post(self, event: Event) -> None:
        self.heard(event)
        if isinstance(event, DcDemanded) and self.gives:
            amps = event.current_a if event.phase == "charging" else 0.0
            self.driver.tell_supply(DcSupply(True, event.voltage_v, amps, self.ohm, 920, 100))

    def phases(self) -> list[DcPhase]:
        told = [event.phase for event in self.heard.events if isinstance(event, DcDemanded)]
        return [phase for phase, before in zip(told, ["", *told], strict=False) if phase != before]

    async def charge(self) -> None:
        await self.heard.until(DeviceFound)
        self.driver.tell_vehicle(GRANTED)
        self.part.plug_in(50)
        await self.heard.until(PilotChanged(1, CpState.B, pwm=False))
        self.driver.apply(PERMIT)
        await self.heard.until(PowerChanged(1, True))


@asynccontextmanager
async def rig(liveness: Liveness | None = None) -> AsyncIterator[Rig]:
    async with EmulatedAdvantics(speed=20) as part:
        made = Rig(part, liveness)
        async with running(made.driver):
            yield made


async def test_a_session_goes_through_all_phases_and_ends_when_power_is_withdrawn() -> None:
    async with rig() as bench:
        await bench.charge()
        assert [phase for phase in bench.phases() if phase != "idle"] == PHASES
        assert EimChosen(1) in bench.heard.events
        await bench.heard.until(lambda event: isinstance(event, DcDemanded) and event.current_a == 50)
        bench.driver.apply(PilotIntent())
        await bench.heard.until(PowerChanged(1, False))
        await eventually(lambda: not bench.part.session)
        assert not bench.heard.of(VehicleEnded)
        assert not bench.heard.of(HardwareFaulted)
        assert bench.part.adapter.bitrate == 500_000


async def test_what_the_vehicle_said_of_itself_is_told() -> None:
    async with rig() as bench:
        await bench.charge()
        told = bench.heard.of(DcVehicleTold)[-1]
        assert told == DcVehicleTold(1, "ISO 15118-2", "DE:AD:BE:EF:00:01", 42.0, 420.0, 200.0, 80_000.0)


async def test_a_vehicle_that_ends_its_session_is_not_begun_with_again() -> None:
    async with rig() as bench:
        await bench.charge()
        bench.part.stop_vehicle()
        await bench.heard.until(VehicleEnded(1))
        await eventually(lambda: bench.part.state == WAITING and not bench.part.start_authorised)
        assert len(bench.heard.of(VehicleEnded)) == 1
        bench.part.unplug()
        await bench.heard.until(lambda event: isinstance(event, PilotChanged) and event.state is CpState.A)
        await eventually(lambda: bench.part.start_authorised)


async def test_without_permission_no_session_begins() -> None:
    async with rig() as bench:
        await bench.heard.until(DeviceFound)
        bench.driver.tell_vehicle(GRANTED)
        bench.part.plug_in(50)
        await bench.heard.until(PilotChanged(1, CpState.B, pwm=False))
        await eventually(lambda: bench.part.done)
        assert bench.part.story == [WAITING]


async def test_a_vehicle_that_is_refused_hears_it() -> None:
    async with rig() as bench:
        await bench.heard.until(DeviceFound)
        bench.driver.tell_vehicle(SeccIntent(authorization="refused"))
        bench.part.plug_in(50)
        bench.driver.apply(PERMIT)
        await eventually(lambda: bench.part.story[-1] == WAITING and len(bench.part.story) > 2)
        assert not bench.part.session


async def test_a_supply_that_is_not_ready_any_more_ends_the_session_at_once() -> None:
    async with rig() as bench:
        await bench.charge()
        bench.driver.tell_supply(DcSupply(False, 400, 50, 1e6, 920, 100))
        fault = await bench.heard.until(HardwareFaulted)
        assert isinstance(fault, HardwareFaulted)
        assert fault.vendor_code == "EmergencyStop/EVSE"
        assert not bench.part.powered
        bench.part.calm()
        await bench.heard.until(HardwareHealed(1, "OtherError"))


async def test_insulation_that_breaks_down_ends_the_session() -> None:
    async with rig() as bench:
        await bench.charge()
        bench.ohm = 20_000.0
        bench.driver.tell_supply(DcSupply(True, 400, 50, bench.ohm, 920, 100))
        await bench.heard.until(HardwareFaulted)
        await eventually(lambda: not bench.part.powered)


async def test_the_controller_ends_the_session_when_the_host_falls_silent() -> None:
    """As ``on_host_loss`` promises."""
    async with EmulatedAdvantics(speed=20) as part:
        bench = Rig(part)
        task = asyncio.create_task(bench.driver.run())
        await bench.charge()
        part.adapter.is_open = False  # the cable between both is cut
        task.cancel()
        await eventually(lambda: not part.powered and part.emergency_origin == 1)
        assert AdvanticsSecc.traits.on_host_loss == "stops"


async def test_an_agent_that_hangs_feeds_nobody() -> None:
    now = 0.0
    liveness = Liveness(lambda: now)
    liveness.feed()
    async with rig(liveness) as bench:
        await bench.charge()
        now = 10.0
        await eventually(lambda: not bench.part.powered and bench.part.emergency_origin == 1)


async def test_without_the_controllers_heartbeat_nothing_is_demanded_any_more() -> None:
    async with rig() as bench:
        await bench.charge()
        await bench.heard.until(lambda event: isinstance(event, DcDemanded) and event.current_a == 50)
        bench.part.mute()
        await bench.heard.until(DcDemanded(1, "charging"))
        assert not bench.heard.of(DeviceLost)
        lost = await bench.heard.until(DeviceLost)
        assert lost == DeviceLost(1, "evse[0].pilot", f"{bench.part.device}: the controller is silent")


async def test_the_heartbeat_that_comes_back_in_time_brings_the_demand_back() -> None:
    async with rig() as bench:
        await bench.charge()
        bench.part.mute()
        await bench.heard.until(DcDemanded(1, "charging"))
        bench.part.unmute()
        await bench.heard.until(lambda event: isinstance(event, DcDemanded) and event.current_a == 50)
        assert bench.part.state == CHARGING


def seen_after(*said: object, permitted: bool = True, look: Callable[[Seen], None] = lambda seen: None) -> list[Event]:
    seen = Seen(1)
    events = [event for each in said for event in seen.take(each, 1.0, permitted=permitted)]  # type: ignore[arg-type]
    look(seen)
    return events


@pytest.mark.parametrize(
    ("volts", "state", "told"),
    [
        (12, State.WAITING_FOR_EV, CpState.A),
        (9, State.NEGOTIATING, CpState.B),
        (6, State.CHARGING, CpState.C),
        (3, State.CHARGING, CpState.D),
        (0, State.CHARGING, CpState.E),
        (0, State.NOT_AVAILABLE, CpState.F),
    ],
)
def test_the_pilots_level_is_its_state(volts: int, state: State, told: CpState) -> None:
    events = seen_after(Status(state), ControlPilot(volts, 5.0))
    assert PilotChanged(1, told, pwm=True) in events


def test_an_end_that_was_not_heard_is_seen_by_the_state() -> None:
    events = seen_after(Status(State.CONNECTED), NewSession("DIN 70121"), Status(State.WAITING_FOR_EV))
    assert events[-2:] == [PowerChanged(1, False), DcDemanded(1, "idle")]
    assert VehicleEnded(1) in events


def test_a_controller_that_is_found_without_a_session_has_its_contactors_open() -> None:
    assert PowerChanged(1, False) in seen_after(Status(State.WAITING_FOR_EV))


def test_an_emergency_is_told_once_however_often_it_is_said() -> None:
    events = seen_after(EmergencyStop("EV"), EmergencyStop("EV"), Finished(True))
    assert [type(event) for event in events] == [HardwareFaulted, PowerChanged]
