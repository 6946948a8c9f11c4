"""A disk that is full, damaged or not there: said in one line, and no event is lost that was taken."""

import resource
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.csms.practice import PracticeCsms
from tests.scenarios.sessions import all_ended, charge, energies_wh, faults_of, visit
from tests.scenarios.station import ID, AgentInLoop, AgentProcess, ended

# Whoever comes may charge, at once: nothing waits for an answer of the CSMS.
FREE: dict[str, Any] = {"AuthCtrlr_Enabled": False}
REFUSES, WORKS = "! the disk refuses writes", "= the disk takes writes again"


def fill_disk(pid: int) -> None:
    """No file of this process may grow: as on a disk without a free block."""
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, hard))


def make_room(pid: int) -> None:
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))


async def test_events_go_to_the_CSMS_while_the_disk_is_full(csms: PracticeCsms, process: AgentProcess) -> None:
    await process.start(csms.url)
    await csms.wait_for("StatusNotification", count=2)
    played = [await charge(process, 1, "ABCD", 1000)]
    await all_ended(csms, 1)
    fill_disk(process.pid)
    played += [await charge(process, 1, "ABCD", 1000 * number) for number in (2, 3)]
    await process.said(REFUSES)
    await all_ended(csms, 3)
    make_room(process.pid)
    played.append(await charge(process, 1, "ABCD", 4000))
    await process.said(WORKS)
    record = await all_ended(csms, 4)
    assert energies_wh(record, played) == [1000] * 4
    assert faults_of(record) == []
    await process.cmd("settle")
    assert (await process.cmd("status"))["waiting"] == 0
    assert process.said_times(REFUSES) == process.said_times(WORKS) == 1


async def test_what_waits_while_the_disk_is_full_is_on_disk_when_there_is_room(
    csms: PracticeCsms, process: AgentProcess
) -> None:
    await process.start(csms.url, **FREE)
    await csms.wait_for("StatusNotification", count=2)
    await process.cmd("link", up=False)
    fill_disk(process.pid)
    played = [await visit(process, 1, 1000 * number) for number in (1, 2, 3)]
    await process.said(REFUSES)
    make_room(process.pid)
    await process.cmd("plug_in", evse=2)  # something new to write: all is tried again
    await process.said(WORKS)
    await process.kill()
    await process.spawn()
    await process.start(csms.url)
    await csms.wait_for(lambda: set(played) <= csms.station(ID).transactions.keys())
    record = csms.station(ID)
    await csms.wait_for(lambda: all(record.transactions[id_].ended for id_ in played))
    assert energies_wh(record, played) == [1000] * 3
    assert faults_of(record) == []


async def test_without_anything_new_to_write_the_disk_is_tried_again(csms: PracticeCsms, process: AgentProcess) -> None:
    await process.start(csms.url, **FREE)
    await csms.wait_for("StatusNotification", count=2)
    await process.cmd("link", up=False)
    fill_disk(process.pid)
    await visit(process, 1, 1000)
    await process.said(REFUSES)
    make_room(process.pid)
    await process.said(WORKS)


# Damage.


def overwrite(path: Path) -> None:
    path.write_bytes(b"this is no database" * 400)


def cut_short(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2 + 100])


def scramble(path: Path) -> None:
    """Every page but the first."""
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + bytes(byte ^ 0x5A for byte in whole[4096:]))


@pytest.mark.parametrize("damage", [overwrite, cut_short, scramble])
async def test_a_damaged_database_is_set_aside_and_the_station_starts(
    csms: PracticeCsms, folder: Path, damage: Any
) -> None:
    async with AgentInLoop(folder) as agent:
        await agent.start(csms.url)
        await csms.wait_for("StatusNotification", count=2)
        await charge(agent, 1, "ABCD", 1000)
        await all_ended(csms, 1)
    database = agent.data / "station.db"
    damage(database)
    damaged = database.stat().st_size
    async with AgentInLoop(folder) as agent:
        await agent.start(csms.url)
        await csms.wait_for("BootNotification", count=2)
        await charge(agent, 1, "ABCD", 2000)
        assert faults_of(await all_ended(csms, 2)) == []
        assert agent.said_times("station.db is damaged") == 1
    kept = database.with_name("station.db.damaged-1")
    assert kept.stat().st_size == damaged
    assert sqlite3.connect(database).execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_records_that_cannot_be_read_are_told_and_the_station_starts(csms: PracticeCsms, folder: Path) -> None:
    """Sound pages with words in them that nobody knows: another release, or a hand that meant well."""
    async with AgentInLoop(folder) as agent:
        await agent.start(csms.url, TxCtrlr_EVConnectionTimeOut=33)
        await csms.wait_for("StatusNotification", count=2)
        await csms.call(ID, "ChangeAvailability", {"operationalStatus": "Inoperative", "evse": {"id": 2}})
        await agent.cmd("set_variable", component="TxCtrlr", variable="EVConnectionTimeOut", value=44)
        await charge(agent, 1, "ABCD", 1000)
        await all_ended(csms, 1)
    connection = sqlite3.connect(agent.data / "station.db")
    connection.execute("UPDATE memory SET value = x'6e6f' WHERE key NOT LIKE 'boot/%'")
    for key in (
        "transaction/1",
        "transaction/9",
        "availability/x/y",
        "availability/1",
        "variable/nonsense",
        "clock/last",
    ):
        connection.execute("INSERT OR REPLACE INTO memory (key, value) VALUES (?, x'6e6f')", (key,))
    connection.commit()
    connection.close()
    async with AgentInLoop(folder) as agent:
        await agent.start(csms.url)
        await csms.wait_for("BootNotification", count=2)
        await charge(agent, 1, "ABCD", 2000)
        assert faults_of(await all_ended(csms, 2)) == []
        assert agent.said_times("! record clock/last cannot be read") == 1


# A directory of no use.


async def test_a_data_directory_that_cannot_be_written_is_one_line(folder: Path) -> None:
    (folder / "file").write_text("")
    (folder / "taken" / "station.db").mkdir(parents=True)
    for data in (
        "/proc/nowhere/data",
        "/proc/self",
        str(folder / "file"),
        str(folder / "file" / "data"),
        str(folder / "taken"),
    ):
        status, told = await ended("run", "--board", "sim", "--data", data)
        assert (status, len(told)) == (2, 1), told
        assert told[0].startswith(f"station-agent: {data}")


async def test_two_agents_do_not_work_in_one_data_directory(process: AgentProcess) -> None:
    status, told = await ended("run", "--board", "sim", "--data", str(process.data))
    assert (status, told) == (2, [f"station-agent: {process.data}: another agent works in this data directory"])
