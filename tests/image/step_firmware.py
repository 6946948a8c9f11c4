"""An update from the CSMS to its end: practice CSMS, real file server, real signatures, RAUC on two loop-device slots.

Only the machine is played: which slot its boot loader chose, and which start of it this is.
"""

from __future__ import annotations

import asyncio
import os
import time
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from agent import powered
from agent.app import BOARD_RESTART, Machine
from agent.edge import firmware
from agent.edge.rauc import Rauc, UpdateFailed
from agent.edge.updater import BEFORE, TRIAL
from agent.provision import Provision
from board.descriptor import find_board, read_board
from tests.csms.practice import PracticeCsms
from tests.edge.file_servers import Received, http_server
from tests.image.shipped import tool
from tests.image.test_rauc import PATIENCE_S, SLOT_BYTES, Signer
from tests.image.test_rauc import Machine as Slots
from tests.scenarios.test_firmware import AT_ONCE

ID = "CS001"
NEW = os.urandom(1 << 20)


class Board:
    """The machine around the agent: it starts from a slot, and its RAUC knows from which."""

    def __init__(self, folder: Path) -> None:
        self.slots = Slots(folder)
        self.data = folder / "data"
        self.slot, self.starts = "A", 0
        text = find_board("sim").read_text().replace("bench = true", "bench = false")
        self.file = folder / "board.toml"
        self.file.write_text(f'{text}{AT_ONCE}\n[firmware]\nroots = "{self.slots.signer.authority}"\n')
        self._running: asyncio.Task[None] | None = None

    async def starts_from(self, slot: str, url: str) -> None:
        """The boot loader has chosen this slot."""
        self.slot, self.starts = slot, self.starts + 1
        self._rauc_of(slot)
        await self._rauc_answers()
        given = Provision(csms_url=url, identity=ID)
        self.machine = Machine(read_board(self.file), self.data, given=given, devices={})
        self._end = asyncio.Event()
        self._running = asyncio.create_task(self.machine.run(control=None, wait=False, until=self._end))

    async def goes_down(self) -> int:
        """The agent ends by itself; returns the exit status."""
        assert self._running is not None
        await asyncio.wait_for(self._running, PATIENCE_S)
        return self.machine.exit_status

    async def has_settled(self) -> None:
        """Nothing of an update is left but what it brought."""
        async with asyncio.timeout(PATIENCE_S):
            while any(path.name in (TRIAL, BEFORE) for path in self.data.iterdir()):  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)

    async def switched_off(self) -> None:
        self._end.set()
        await self.goes_down()

    def _rauc_of(self, slot: str) -> None:
        """The service knows from the kernel's command line what runs; here it is told."""
        rauc = self.slots.processes.pop()
        rauc.terminate()
        rauc.wait(PATIENCE_S)
        self.slots._spawn(
            tool("rauc", "rauc"), f"--conf={self.slots.folder}/system.conf", "service", f"--override-boot-slot={slot}"
        )

    async def _rauc_answers(self) -> None:
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                (await Rauc.connected())._bus.disconnect()
                return
            except UpdateFailed:
                assert time.monotonic() < end, (self.slots.folder / "log").read_text()
                await asyncio.sleep(0.02)


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch) -> Iterator[Board]:
    for name, of in (("rauc", "rauc"), ("dbus-daemon", "dbus"), ("mksquashfs", "squashfs-tools")):
        tool(name, of)
    if os.geteuid() != 0 or not Path("/dev/loop-control").exists():
        pytest.skip("slots on loop devices need root and a kernel with them")
    with TemporaryDirectory(prefix="slots-") as name:
        made = Board(Path(name))
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={name}/bus")
        monkeypatch.setattr(powered, "booted_slot", lambda: made.slot)
        for module in (powered, firmware):
            monkeypatch.setattr(module, "machine_start", lambda: f"start {made.starts}")
        try:
            made.slots.start()
            yield made
        finally:
            made.slots.stop()


def request(board: Board, url: str, bundle: Path, signer: Signer) -> dict[str, object]:
    """UpdateFirmware, signed for this file."""
    key = load_pem_private_key(signer.key.read_bytes(), None)
    assert isinstance(key, EllipticCurvePrivateKey)
    return {
        "requestId": 7,
        "firmware": {
            "location": url,
            "retrieveDateTime": datetime(2026, 1, 1, tzinfo=UTC).isoformat(),
            "signingCertificate": signer.certificate.read_text(),
            "signature": b64encode(key.sign(bundle.read_bytes(), ECDSA(SHA256()))).decode(),
        },
    }


def statuses(csms: PracticeCsms) -> list[str]:
    return [each["status"] for each in csms.station(ID).calls("FirmwareStatusNotification")]


def security(csms: PracticeCsms) -> list[str]:
    return [each["type"] for each in csms.station(ID).calls("SecurityEventNotification")]


async def asked(csms: PracticeCsms, board: Board, bundle: Path, signer: Signer) -> str:
    """What is answered to an update from a server that is cut off once."""
    received = Received()
    received.offered["/fw"] = bundle.read_bytes()
    with http_server(received) as port:
        told = await csms.call(ID, "UpdateFirmware", request(board, f"http://127.0.0.1:{port}/fw", bundle, signer))
        status = str(told["status"])
        if status == "Accepted":
            await csms.wait_for(lambda: "Downloaded" in statuses(csms), PATIENCE_S)
    return status


async def test_an_update_goes_from_the_csms_to_the_other_slot_and_stays(board: Board, csms: PracticeCsms) -> None:
    await board.starts_from("A", csms.url)
    await csms.wait_for("StatusNotification", PATIENCE_S, count=2)
    assert await asked(csms, board, board.slots.bundle("good", NEW), board.slots.signer) == "Accepted"
    assert await board.goes_down() == BOARD_RESTART
    assert statuses(csms) == ["Downloading", "Downloaded", "SignatureVerified", "Installing", "InstallRebooting"]
    assert board.slots.slot("B")[: len(NEW)] == NEW
    assert board.slots.primary() == "B"
    await board.starts_from("B", csms.url)
    await csms.wait_for(lambda: statuses(csms)[-1:] == ["Installed"], PATIENCE_S)
    boot = csms.station(ID).calls("BootNotification")[-1]
    assert boot["reason"] == "FirmwareUpdate"
    await csms.wait_for(lambda: "FirmwareUpdated" in security(csms), PATIENCE_S)
    await board.has_settled()
    assert board.slots.primary() == "B"
    assert (board.slots.folder / "state.B").read_text() == "good\n"
    await board.switched_off()


async def test_a_boot_loader_that_goes_back_brings_the_old_release_with_its_state(
    board: Board, csms: PracticeCsms
) -> None:
    await board.starts_from("A", csms.url)
    await csms.wait_for("StatusNotification", PATIENCE_S, count=2)
    await asked(csms, board, board.slots.bundle("good", NEW), board.slots.signer)
    assert await board.goes_down() == BOARD_RESTART
    await board.starts_from("A", csms.url)
    await csms.wait_for(lambda: statuses(csms)[-1:] == ["InstallationFailed"], PATIENCE_S)
    await board.has_settled()
    assert board.slots.primary() == "A"
    assert "FirmwareUpdated" not in security(csms)
    await board.switched_off()


async def test_a_bundle_that_rauc_does_not_trust_leaves_both_slots_alone(board: Board, csms: PracticeCsms) -> None:
    """Signed for OCPP by the manufacturer, and inside by somebody else: the second wall."""
    await board.starts_from("A", csms.url)
    await csms.wait_for("StatusNotification", PATIENCE_S, count=2)
    bundle = board.slots.bundle("foreign", NEW, signer=Signer(board.slots.folder, "stranger"))
    assert await asked(csms, board, bundle, board.slots.signer) == "Accepted"
    await csms.wait_for(lambda: statuses(csms)[-1:] == ["InstallVerificationFailed"], PATIENCE_S)
    assert board.slots.slot("B") == bytes(SLOT_BYTES)
    assert board.slots.primary() == "A"
    await board.switched_off()


async def test_a_signer_whom_the_manufacturer_does_not_know_gets_nowhere(board: Board, csms: PracticeCsms) -> None:
    await board.starts_from("A", csms.url)
    await csms.wait_for("StatusNotification", PATIENCE_S, count=2)
    stranger = Signer(board.slots.folder, "stranger")
    assert await asked(csms, board, board.slots.bundle("good", NEW), stranger) == "InvalidCertificate"
    await csms.wait_for(lambda: "InvalidFirmwareSigningCertificate" in security(csms), PATIENCE_S)
    assert statuses(csms) == []
    await board.switched_off()
