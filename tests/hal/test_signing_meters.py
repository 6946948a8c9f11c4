"""Meters that sign sessions, each in its own way: what the customer can verify, and what a power cut leaves."""

from __future__ import annotations

import asyncio
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from cryptography.exceptions import InvalidSignature
from msgspec.structs import replace

from hal.bus.rtu import RtuBus
from hal.drivers import carlo_gavazzi_em580
from hal.events import DeviceLost, Event, HardwareWarned, MeterSampled, SignedRecord
from hal.ports import Place, SignedMeter, SignedSession
from hal.registry import make_driver
from tests.emulators import emulator_of
from tests.emulators.signing import verified
from tests.hal.rig import Heard, eventually, running

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
SESSION = SignedSession("6c1f4dcb-7f0a-4d0c-9a53-0e5f3b1f2a77", "04A2B3C4D5E680", "ISO14443")
OTHER = SignedSession("0b8be1b4-6e5b-4f93-a6f8-25d4b0b0f9d1", "04FFEEDD", "ISO14443")
SIGNERS = ["carlo_gavazzi_em580", "iskra_wm3m4"]

pytestmark = pytest.mark.usefixtures("quick_hotplug", "ready_at_once")


@pytest.fixture
def ready_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The emulated meter starts twenty times as fast as the real one."""
    monkeypatch.setattr(carlo_gavazzi_em580, "POWERED_UP_S", 0.15)


def place(wall: datetime | None = NOON) -> Place:
    return Place("evse[0].meter", 1, time_of_day=lambda: wall)


class Rig:
    """A driver that is read often, its meter, and what is heard of them."""

    def __init__(self, name: str, part: Any, wall: datetime | None, **options: Any) -> None:
        self.part, self.heard = part, Heard()
        bus = RtuBus(RtuBus.Config(device=part.device, timeout_s=0.3, retries=1))
        self.driver = cast("Any", make_driver(name, {"fastest_s": 0.1, **options}, place(wall), bus, self.heard))
        self.driver.end(None)
        self.driver.sample_every(0.1)

    async def record(self) -> SignedRecord:
        event = await self.heard.until(_signed)
        assert isinstance(event, MeterSampled) and event.signed is not None
        return event.signed

    @property
    def records(self) -> list[Event]:
        return [event for event in self.heard.events if _signed(event)]


def _signed(event: Event) -> bool:
    return isinstance(event, MeterSampled) and event.signed is not None


@asynccontextmanager
async def driven(name: str, part: Any, wall: datetime | None = NOON, **options: Any) -> AsyncIterator[Rig]:
    """An agent's life; the meter was there before and is there after it."""
    made = Rig(name, part, wall, **options)
    async with running(made.driver):
        yield made


@asynccontextmanager
async def rig(name: str, wall: datetime | None = NOON, **options: Any) -> AsyncIterator[Rig]:
    async with emulator_of(name)(speed=20) as part, driven(name, part, wall, **options) as made:
        yield made


async def begun(bench: Rig) -> None:
    bench.driver.begin(SESSION)
    await eventually(lambda: bench.part.state == 1)
    readings = len(bench.heard.of(MeterSampled))
    await eventually(lambda: len(bench.heard.of(MeterSampled)) > readings + 1)


@pytest.mark.parametrize("name", SIGNERS)
async def test_a_session_is_signed_with_who_charged_and_how_much(name: str) -> None:
    async with rig(name, evse_id="DE*ABC*E1") as bench:
        assert isinstance(bench.driver, SignedMeter)
        await begun(bench)
        bench.part.load.current_a = 16.0
        await bench.heard.until(MeterSampled)
        bench.part.load.current_a = 0.0
        bench.driver.end(SESSION)
        record = await bench.record()
        told = verified(record)
        assert record.transaction_id == SESSION.transaction_id
        assert (told["IT"], told["ID"], told["IS"], told["CI"]) == ("ISO14443", SESSION.token, True, "DE*ABC*E1")
        assert [reading["TX"] for reading in told["RD"]] == ["B", "E"]
        assert all(reading["TM"].startswith("2026-06-01T12:00:00") for reading in told["RD"])
        assert len(bench.records) == 1
        assert not bench.heard.of(HardwareWarned)


@pytest.mark.parametrize("name", SIGNERS)
async def test_a_record_that_was_changed_is_found_out(name: str) -> None:
    async with rig(name) as bench:
        await begun(bench)
        bench.driver.end(SESSION)
        record = await bench.record()
        verified(record)
        forged = b64encode(b64decode(record.data).replace(SESSION.token.encode(), OTHER.token.encode()))
        with pytest.raises(InvalidSignature):
            verified(replace(record, data=forged.decode()))


@pytest.mark.parametrize("name", SIGNERS)
async def test_sessions_follow_one_another(name: str) -> None:
    async with rig(name) as bench:
        for session in (SESSION, OTHER, SESSION):
            bench.driver.begin(session)
            await eventually(lambda: bench.part.state == 1)
            bench.driver.end(session)
            record = await bench.record()
            assert record.transaction_id == session.transaction_id
            assert verified(record)["ID"] == session.token


@pytest.mark.parametrize("name", SIGNERS)
async def test_an_agent_that_was_away_finds_the_session_running_and_goes_on(name: str) -> None:
    async with emulator_of(name)(speed=20) as part:
        async with driven(name, part) as bench:
            await begun(bench)
        async with driven(name, part) as later:
            later.driver.begin(SESSION)
            for _ in range(3):
                await later.heard.until(MeterSampled)
            assert not later.records
            later.driver.end(SESSION)
            assert verified(await later.record())["ID"] == SESSION.token


@pytest.mark.parametrize("name", SIGNERS)
async def test_a_power_cut_in_a_session_leaves_a_record_that_is_told_at_the_next_start(name: str) -> None:
    async with emulator_of(name)(speed=20) as part:
        async with driven(name, part) as bench:
            await begun(bench)
        part.power_cycle()  # type: ignore[attr-defined]
        async with driven(name, part) as later:
            later.driver.end(SESSION)
            record = await later.record()
            assert record.transaction_id == SESSION.transaction_id
            assert verified(record)["ID"] == SESSION.token
            later.driver.begin(OTHER)
            await eventually(lambda: later.part.state == 1)


@pytest.mark.parametrize("name", SIGNERS)
async def test_a_power_cut_in_a_transaction_that_goes_on_gives_two_records(name: str) -> None:
    async with rig(name) as bench:
        await begun(bench)
        bench.part.mute()
        await bench.heard.until(DeviceLost)
        bench.part.power_cycle()
        bench.part.unmute()
        first = await bench.record()
        await eventually(lambda: bench.part.state == 1)
        bench.driver.end(SESSION)
        second = await bench.record()
        assert first.transaction_id == second.transaction_id == SESSION.transaction_id
        assert first.data != second.data
        assert verified(first)["ID"] == verified(second)["ID"] == SESSION.token


async def test_the_record_stays_in_an_em580_until_the_next_session() -> None:
    async with emulator_of("carlo_gavazzi_em580")(speed=20) as part:
        async with driven("carlo_gavazzi_em580", part) as bench:
            await begun(bench)
            bench.driver.end(SESSION)
            record = await bench.record()
            for _ in range(3):
                await bench.heard.until(MeterSampled)
            assert len(bench.records) == 1
        async with driven("carlo_gavazzi_em580", part) as later:
            assert await later.record() == record


async def test_a_session_that_nobody_knows_is_ended_and_only_the_em580_can_say_whose_it_was() -> None:
    for name in SIGNERS:
        async with emulator_of(name)(speed=20) as part:
            async with driven(name, part) as bench:
                await begun(bench)
            async with driven(name, part) as later:
                await eventually(lambda: later.part.state != 1)
                if name == "iskra_wm3m4":
                    await later.heard.until(HardwareWarned)
                    assert not later.records
                else:
                    assert (await later.record()).transaction_id == SESSION.transaction_id


@pytest.mark.parametrize("name", SIGNERS)
async def test_the_clock_is_set_only_by_a_station_that_knows_the_time(name: str) -> None:
    async with emulator_of(name)(speed=20) as part:
        async with driven(name, part, None) as bench:
            bench.driver.begin(SESSION)
            for _ in range(5):
                await bench.heard.until(MeterSampled)
            assert bench.part.clock_s is None
        async with driven(name, part) as later:
            later.driver.begin(SESSION)
            later.driver.end(SESSION)
            later.driver.begin(OTHER)
            await eventually(lambda: later.part.clock_s == int(NOON.timestamp()))


async def test_an_em580_gets_the_time_once_an_hour_and_never_in_a_session() -> None:
    async with rig("carlo_gavazzi_em580") as bench:
        await eventually(lambda: bench.part.clock_writes == 1)
        for _ in range(5):
            await bench.heard.until(MeterSampled)
        await begun(bench)
        before = bench.part.clock_writes
        bench.driver._clock_at = float("-inf")
        for _ in range(5):
            await bench.heard.until(MeterSampled)
        assert bench.part.clock_writes == before == 2


async def test_a_meter_that_cannot_sign_is_read_and_complained_of() -> None:
    async with emulator_of("carlo_gavazzi_em580")(speed=20) as part:
        part.has_key = False  # type: ignore[attr-defined]
        bench = Rig("carlo_gavazzi_em580", part, NOON)
        async with running(bench.driver):
            warned = await bench.heard.until(HardwareWarned)
            assert isinstance(warned, HardwareWarned)
            assert warned.text.endswith("the meter has no key to sign with")
            for _ in range(3):
                await bench.heard.until(MeterSampled)
            assert not bench.heard.of(DeviceLost)


async def test_an_iskra_that_refuses_to_sign_says_why() -> None:
    async with rig("iskra_wm3m4", wall=None) as bench:
        bench.driver.begin(SESSION)
        warned = await bench.heard.until(HardwareWarned)
        assert isinstance(warned, HardwareWarned)
        assert warned.text.endswith("does not sign: invalid date or time")


async def test_a_wish_that_changes_while_it_is_fulfilled_is_fulfilled_after_it() -> None:
    async with rig("carlo_gavazzi_em580") as bench:
        await begun(bench)
        bench.driver.end(SESSION)
        await asyncio.sleep(0)
        bench.driver.begin(OTHER)
        assert (await bench.record()).transaction_id == SESSION.transaction_id
        await eventually(lambda: bench.part.state == 1)
        bench.driver.end(OTHER)
        assert (await bench.record()).transaction_id == OTHER.transaction_id
