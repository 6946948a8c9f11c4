"""What a new release is worth is told to the boot loader, however long RAUC takes to come up."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.edge import updater
from agent.edge.rauc import Rauc
from agent.edge.updater import Condition, Trial, prove, read_trial
from tests.edge.fake_rauc import FakeRauc

ON_B = Trial(request_id=7, version="2.0.0", before="A", after="B", boot="first")
HEALTHY = Condition(able=True, accepted=True)
BROKEN = Condition(able=True, accepted=True, silent=("EVSE 1: evse[0].meter",))


@pytest.fixture
def rauc(monkeypatch: pytest.MonkeyPatch) -> FakeRauc:
    """Nobody waits for anything."""
    made = FakeRauc(b"", runs="B")
    monkeypatch.setattr(Rauc, "connected", made.connected)
    for name in ("LOOK_EVERY_S", "MARK_AGAIN_S", "PATIENCE_S"):
        monkeypatch.setattr(updater, name, 0.0)
    return made


async def test_a_release_on_trial_that_is_healthy_stays(folder: Path, rauc: FakeRauc) -> None:
    updater._write(folder, ON_B)
    assert await prove(folder, "B", lambda: HEALTHY)
    assert rauc.log == ["mark good booted"]
    trial = read_trial(folder)
    assert trial is not None
    assert trial.good


async def test_a_release_on_trial_with_a_silent_part_is_left(folder: Path, rauc: FakeRauc) -> None:
    updater._write(folder, ON_B)
    assert not await prove(folder, "B", lambda: BROKEN)
    assert rauc.log == ["mark bad booted"]


async def test_a_part_that_broke_is_no_fault_of_a_release_that_has_worked(folder: Path, rauc: FakeRauc) -> None:
    assert await prove(folder, "B", lambda: BROKEN)
    assert rauc.log == ["mark good booted"]


async def test_a_rauc_that_is_not_there_yet_is_told_when_it_is(
    folder: Path, rauc: FakeRauc, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0

    async def connected() -> FakeRauc:
        nonlocal asked
        asked += 1
        rauc.there = asked > 3
        found: FakeRauc = await FakeRauc.connected(rauc)
        return found

    monkeypatch.setattr(Rauc, "connected", connected)
    assert await prove(folder, "B", lambda: HEALTHY)
    assert rauc.log == ["mark good booted"]
    assert [record.levelname for record in caplog.records] == ["ERROR"]
