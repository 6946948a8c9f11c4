"""UpdateFirmware through the whole program: what a station without slots says, and what the power may cut off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from agent import powered
from agent.app import BOARD_RESTART, Machine
from agent.edge import firmware, updater
from agent.edge.rauc import Rauc
from agent.provision import Provision
from agent.shell.tables import Screen
from agent.shell.views import shown
from board.descriptor import read_board
from tests.csms.practice import PracticeCsms
from tests.csms.waiting import PATIENT_S
from tests.edge.fake_rauc import FakeRauc
from tests.edge.file_servers import Received, http_server
from tests.edge.signing import Signer
from tests.scenarios.station import ID, AgentInLoop, sim_board

CONTENT = bytes(range(256)) * 2000
ROOT = Signer("root", valid=(-20_000, 20_000))
SIGNER = Signer("signer", ROOT, valid=(-20_000, 20_000))

AT_ONCE = """
[[variable]]
component = "OCPPCommCtrlr"
variable = "RetryBackOffRandomRange"
value = "0"
"""


def request(url: str, signer: Signer = SIGNER) -> dict[str, Any]:
    wanted = {
        "location": url,
        "retrieveDateTime": "2026-01-01T00:00:00Z",
        "signingCertificate": signer.pem,
        "signature": signer.sign(CONTENT),
    }
    return {"requestId": 7, "firmware": wanted}


def statuses(csms: PracticeCsms) -> list[str]:
    """In their order; what the power cut off before its answer was noted is said again."""
    said = [each["status"] for each in csms.station(ID).calls("FirmwareStatusNotification")]
    return [status for status, _ in groupby(said)]


async def told(csms: PracticeCsms, *wanted: str) -> None:
    """All that the CSMS has heard of the update, in this order."""
    await csms.wait_for(lambda: statuses(csms) == list(wanted))


async def test_a_station_without_slots_says_why_it_cannot_be_updated(csms: PracticeCsms, agent: AgentInLoop) -> None:
    await agent.start(csms.url)
    await csms.wait_for("StatusNotification", count=2)
    answer = await csms.call(ID, "UpdateFirmware", request("http://127.0.0.1:9/fw"))
    assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Rejected", "UnsupportedRequest")
    assert (await agent.cmd("status"))["firmware"] is None


class Box:
    """A machine with two slots and a RAUC; ``slot`` is what the boot loader chooses."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.slot, self.starts = "A", 0
        (folder / "maker.pem").write_text(ROOT.pem)
        self.board = sim_board(folder, f'{AT_ONCE}\n[firmware]\nroots = "{folder}/maker.pem"\n')
        self.board.write_text(self.board.read_text().replace("bench = true", "bench = false"))
        self.rauc = FakeRauc(CONTENT)

    @asynccontextmanager
    async def on(self, csms: PracticeCsms) -> AsyncIterator[Machine]:
        """The power is on; it goes without a farewell."""
        self.starts += 1
        self.rauc.runs = self.slot
        machine = Machine(read_board(self.board), self.data, given=self._given(csms), devices={})
        until = asyncio.Event()
        running = asyncio.create_task(machine.run(control=None, wait=False, until=until))
        boots = len(csms.station(ID).calls("BootNotification"))
        await csms.wait_for("BootNotification", count=boots + 1)
        yield machine
        if not running.done():
            await machine.stop()
        until.set()
        await asyncio.wait_for(running, PATIENT_S)

    def _given(self, csms: PracticeCsms) -> Provision:
        return Provision(csms_url=csms.url, identity=ID)


@pytest.fixture
def box(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Box:
    made = Box(folder)
    monkeypatch.setattr(powered, "booted_slot", lambda: made.slot)
    for module in (powered, firmware):
        monkeypatch.setattr(module, "machine_start", lambda: f"start {made.starts}")
    monkeypatch.setattr(Rauc, "connected", made.rauc.connected)
    return made


@pytest.fixture
def received() -> Received:
    made = Received()
    made.offered["/fw"] = CONTENT
    return made


async def test_a_download_that_the_power_cuts_off_goes_on_behind_it(
    box: Box, csms: PracticeCsms, received: Received
) -> None:
    with http_server(received) as port:
        received.cut_after = 300_000
        async with box.on(csms):
            await csms.call(ID, "UpdateFirmware", {**request(f"http://127.0.0.1:{port}/fw"), "retryInterval": 3600})
            await told(csms, "Downloading", "DownloadPaused")
        async with box.on(csms) as machine:
            rebooting = ["SignatureVerified", "Installing", "InstallRebooting"]
            await told(csms, "Downloading", "DownloadPaused", "Downloading", "Downloaded", *rebooting)
            await ended(machine)
    assert received.requests[-1][2]["Range"] == "bytes=300000-"


async def ended(machine: Machine) -> None:
    """The agent asks for a restart of the board."""
    async with asyncio.timeout(PATIENT_S):
        while machine.exit_status != BOARD_RESTART:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)


async def tried(box: Box, csms: PracticeCsms, received: Received) -> None:
    """As far as the restart of the board."""
    with http_server(received) as port:
        async with box.on(csms) as machine:
            await csms.call(ID, "UpdateFirmware", request(f"http://127.0.0.1:{port}/fw"))
            await ended(machine)


async def test_it_is_installed_when_the_other_slot_has_shown_that_it_works(
    box: Box, csms: PracticeCsms, received: Received
) -> None:
    await tried(box, csms, received)
    assert box.rauc.log[-2:] == ["mark active booted", "mark active other"]
    box.slot = "B"
    async with box.on(csms) as machine:
        await csms.wait_for(lambda: statuses(csms)[-1] == "Installed")
        await csms.wait_for("SecurityEventNotification", where=lambda event: event["type"] == "FirmwareUpdated")
        assert csms.station(ID).calls("BootNotification")[-1]["reason"] == "FirmwareUpdate"
        assert "mark good booted" in box.rauc.log
        assert machine.station is not None
        status = machine.station.firmware_status()
        assert status is not None
        assert (status["status"], status["version"]) == ("Installed", "2.0.0")


async def test_a_release_that_does_not_work_restarts_the_board_and_the_old_one_tells_of_it(
    box: Box, csms: PracticeCsms, received: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    await tried(box, csms, received)
    monkeypatch.setattr(updater, "PATIENCE_S", 0.0)
    monkeypatch.setattr(updater.Health, "verdict", lambda *_, **__: "bad")  # a part that is silent for half an hour
    box.slot = "B"
    async with box.on(csms) as machine:
        await ended(machine)
    assert box.rauc.log[-1] == "mark bad booted"
    box.slot = "A"
    async with box.on(csms):
        await csms.wait_for(lambda: statuses(csms)[-1] == "InstallationFailed")
    assert statuses(csms).count("InstallationFailed") == 1


async def test_a_boot_loader_that_stays_is_asked_a_few_times_only(
    box: Box, csms: PracticeCsms, received: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    await tried(box, csms, received)
    monkeypatch.setattr(updater.Health, "verdict", lambda *_, **__: "bad")
    box.slot = "B"
    for _ in range(2):
        async with box.on(csms) as machine:
            await ended(machine)
    async with box.on(csms) as machine:
        await csms.wait_for(lambda: statuses(csms)[-1] == "InstallationFailed")
        assert machine.exit_status == 0


async def test_people_read_how_far_it_is(agent: AgentInLoop, csms: PracticeCsms) -> None:
    await agent.start(csms.url)
    answer = await agent.cmd("status")
    download = {"step": "download", "done": 50, "size": 200}
    for update, line in (
        (None, "no update"),
        ({"reason": "", "progress": download}, "update 7 Downloading, download 25 %"),
        ({"reason": "cut off", "progress": None}, "update 7 Downloading: cut off"),
        ({"reason": "", "progress": {"step": "try", "done": 0, "size": 0}}, "update 7 Downloading"),
    ):
        told = None if update is None else {"request_id": 7, "status": "Downloading", **update}
        lines = shown("status", {**answer, "firmware": told}, Screen())
        assert [each.split(None, 1)[1] for each in lines if each.startswith("firmware")] == [line]
