"""A release on trial: the state from before it comes back when it is given up, whole, wherever the power goes."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from agent.edge import updater
from agent.edge.boot import booted_slot
from agent.edge.updater import BEFORE, FAILED, TRIAL, Health, Trial, end_trial, keep_state, read_trial, take_up

ON_B = Trial(request_id=7, version="2.0.0", before="A", after="B", boot="first")


class PowerGone(Exception):
    """The power went."""


def put(data: Path, word: str) -> None:
    """The state that one release leaves."""
    with closing(sqlite3.connect(data / "station.db")) as database, database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE IF NOT EXISTS told (word TEXT)")
        database.execute("INSERT INTO told VALUES (?)", [word])
    (data / "provision.json").write_text(word)
    (data / "security").mkdir(exist_ok=True)
    (data / "security" / "log").write_text(word)


def words(folder: Path) -> tuple[list[str], str, str]:
    with closing(sqlite3.connect(folder / "station.db")) as database:
        rows = [word for (word,) in database.execute("SELECT word FROM told")]
    return rows, (folder / "provision.json").read_text(), (folder / "security" / "log").read_text()


def tried(data: Path) -> Path:
    """The state of 1.0.0 was kept, and 2.0.0 has worked on."""
    put(data, "1.0.0")
    keep_state(data)
    updater._write(data, ON_B)
    put(data, "2.0.0")
    return data


def test_a_bundle_is_no_state_of_a_release(folder: Path) -> None:
    """It may be larger than all the rest, and is the same before and after."""
    put(folder, "1.0.0")
    (folder / updater.BUNDLES).mkdir()
    (folder / updater.BUNDLES / "bundle.raucb").write_text("2.0.0")
    keep_state(folder)
    assert not (folder / BEFORE / updater.BUNDLES).exists()
    updater._write(folder, ON_B)
    take_up(folder, slot="A", boot="second")
    assert (folder / updater.BUNDLES / "bundle.raucb").read_text() == "2.0.0"


def test_nothing_on_trial_changes_nothing(folder: Path) -> None:
    put(folder, "1.0.0")
    assert take_up(folder, slot="A", boot="second") is None
    assert words(folder) == (["1.0.0"], "1.0.0", "1.0.0")


@pytest.mark.parametrize(
    ("slot", "boot", "ended"),
    [
        ("A", "first", "waits"),  # the agent was restarted, the machine not yet
        ("B", "second", "on trial"),
        ("", "second", "waits"),  # the boot loader does not say
    ],
)
def test_a_trial_that_goes_on_leaves_the_state_alone(folder: Path, slot: str, boot: str, ended: str) -> None:
    tried(folder)
    assert take_up(folder, slot=slot, boot=boot) == (ended, ON_B)
    assert words(folder) == (["1.0.0", "2.0.0"], "2.0.0", "2.0.0")


def test_the_state_from_before_comes_back_with_the_old_slot_and_the_other_is_set_aside(folder: Path) -> None:
    tried(folder)
    assert take_up(folder, slot="A", boot="second") == ("rolled back", ON_B)
    assert words(folder) == (["1.0.0"], "1.0.0", "1.0.0")
    assert words(folder / FAILED) == (["1.0.0", "2.0.0"], "2.0.0", "2.0.0")


def test_it_comes_back_once_and_is_told_until_it_was_heard(folder: Path) -> None:
    tried(folder)
    take_up(folder, slot="A", boot="second")
    put(folder, "later")
    assert take_up(folder, slot="A", boot="third") == ("rolled back", ON_B)
    assert words(folder)[1] == "later"
    end_trial(folder)
    assert take_up(folder, slot="A", boot="third") is None
    assert not (folder / BEFORE).exists()
    assert not (folder / TRIAL).exists()


@pytest.fixture
def power(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many steps the power lasts; every step on the disk is one."""
    left = [10_000]

    def metered(step: object) -> object:
        def do(*arguments: object, **more: object) -> object:
            if left[0] <= 0:
                raise PowerGone
            left[0] -= 1
            return step(*arguments, **more)  # type: ignore[operator]

        return do

    monkeypatch.setattr(updater, "_copy", metered(updater._copy))
    monkeypatch.setattr(updater, "sync", metered(updater.sync))
    monkeypatch.setattr(Path, "rename", metered(Path.rename))
    monkeypatch.setattr(shutil, "rmtree", metered(shutil.rmtree))
    yield left


@pytest.mark.parametrize("steps", range(18))
def test_the_power_may_go_while_the_state_is_put_back(folder: Path, power: list[int], steps: int) -> None:
    tried(folder)
    power[0] = steps
    try:
        take_up(folder, slot="A", boot="second")
    except PowerGone:
        power[0] = 10_000
        assert take_up(folder, slot="A", boot="third") == ("rolled back", ON_B)
    else:
        assert steps > 10, "the steps are no longer counted"
    assert words(folder) == (["1.0.0"], "1.0.0", "1.0.0")
    assert words(folder / FAILED) == (["1.0.0", "2.0.0"], "2.0.0", "2.0.0")


@pytest.mark.parametrize("steps", range(12))
def test_the_power_may_go_while_the_state_is_kept(folder: Path, power: list[int], steps: int) -> None:
    put(folder, "1.0.0")
    keep_state(folder)
    put(folder, "1.1.0")
    power[0] = steps
    try:
        keep_state(folder)
    except PowerGone:
        power[0] = 10_000
        keep_state(folder)
    assert words(folder / BEFORE) == (["1.0.0", "1.1.0"], "1.1.0", "1.1.0")


def test_a_note_that_was_half_written_is_none(folder: Path) -> None:
    (folder / TRIAL).write_text('{"request_id": 7, "ver')
    assert read_trial(folder) is None


@pytest.mark.parametrize(
    ("cmdline", "slot"), [("ro rauc.slot=B quiet\n", "B"), ("ro quiet\n", ""), ("rauc.slot=A", "A")]
)
def test_the_slot_is_the_one_that_the_boot_loader_named(folder: Path, cmdline: str, slot: str) -> None:
    (folder / "cmdline").write_text(cmdline)
    assert booted_slot(folder / "cmdline") == slot


# ---- health ----


def judged(
    *, able: bool = True, accepted: bool = False, silent: tuple[str, ...] = (), at: tuple[float, ...]
) -> list[str]:
    health = Health(100.0, alone_s=60, patience_s=300)
    return [health.verdict(each, able=able, accepted=accepted, silent=silent) for each in at]


def test_a_station_that_the_csms_accepts_and_whose_drivers_answer_is_healthy() -> None:
    assert judged(accepted=True, at=(101,)) == ["good"]


def test_a_csms_that_is_away_is_no_fault_of_the_release() -> None:
    assert judged(at=(110, 169.9, 170)) == ["wait", "wait", "good"]


@pytest.mark.parametrize("fault", [{"silent": ("meter of EVSE 1",)}, {"able": False}])
def test_a_station_with_a_silent_part_is_not_healthy_whatever_the_csms_says(fault: dict[str, object]) -> None:
    assert judged(accepted=True, at=(101, 399.9, 400), **fault) == ["wait", "wait", "bad"]  # type: ignore[arg-type]


def test_a_part_that_falls_silent_begins_the_wait_anew() -> None:
    health = Health(0.0, alone_s=60, patience_s=300)
    assert health.verdict(50, able=True, accepted=False, silent=()) == "wait"
    assert health.verdict(55, able=True, accepted=False, silent=("lock",)) == "wait"
    assert health.verdict(60, able=True, accepted=False, silent=()) == "wait"
    assert health.verdict(119, able=True, accepted=False, silent=()) == "wait"
    assert health.verdict(120, able=True, accepted=False, silent=()) == "good"
