"""An update on its edge: a real server, real signatures, real files; RAUC is played with the shape that it has."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from agent.edge.firmware import BUNDLE, BUNDLES, PART, Updates
from agent.edge.rauc import Bundle, RaucGone, UpdateFailed
from agent.edge.updater import BEFORE, TRIAL, read_trial
from agent.vocabulary.firmware import (
    CheckFirmware,
    DownloadFirmware,
    DropFirmware,
    FirmwareNews,
    FirmwareOrder,
    FirmwareStepEnded,
    InstallFirmware,
    JudgeSigner,
    RestartBoard,
    SignerJudged,
    TryFirmware,
)
from tests.edge.fake_rauc import FakeRauc
from tests.edge.file_servers import Received, http_server
from tests.edge.signing import NOW, Signer

CONTENT = b"bundle" * 10_000
ROOT = Signer("root")
SIGNER = Signer("signer", ROOT)


class Rig:
    """The loop: what is posted comes out of ``told``."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.rauc = FakeRauc(CONTENT)
        self.news: asyncio.Queue[FirmwareNews] = asyncio.Queue()
        self.restarts: list[str] = []
        self.roots = (ROOT.pem,)
        self.stored: list[Callable[[], None]] = []
        self.updates = Updates(
            data,
            roots=lambda: self.roots,
            tls=self.no_tls,
            most_bytes=1 << 20,
            post=self.news.put_nowait,
            when_stored=self.stored.append,
            restart_board=self.restarts.append,
            connect=self.rauc.connected,
        )

    def no_tls(self) -> Any:
        raise AssertionError("nobody asked for TLS")

    async def told(self, order: FirmwareOrder) -> FirmwareNews:
        self.updates.obey(order)
        async with asyncio.timeout(20):
            return await self.news.get()

    def bundle(self) -> Path:
        path = self.data / BUNDLES / BUNDLE
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(CONTENT)
        return path

    def files(self) -> set[str]:
        return {path.name for path in (self.data / BUNDLES).iterdir()}


async def until(true: Callable[[], bool]) -> None:
    """A thread, or another task, gets there."""
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.001)


@pytest.fixture
async def rig(folder: Path) -> AsyncIterator[Rig]:
    made = Rig(folder)
    yield made
    made.updates.cancel()


# ---- the signer ----


async def test_a_signer_is_trusted_where_rauc_could_install_what_he_signs(rig: Rig) -> None:
    assert await rig.told(JudgeSigner("1", SIGNER.pem, NOW)) == SignerJudged("1", "trusted")


async def test_a_signer_of_somebody_else_is_not(rig: Rig) -> None:
    rig.roots = (Signer("root").pem,)
    told = await rig.told(JudgeSigner("1", SIGNER.pem, NOW))
    assert told == SignerJudged("1", "invalid", "no authority of the manufacturer issued it")


async def test_without_rauc_nothing_is_promised(rig: Rig) -> None:
    rig.rauc.there = False
    assert await rig.told(JudgeSigner("1", SIGNER.pem, NOW)) == SignerJudged("1", "unable", "no system bus: none")


async def test_a_root_that_cannot_be_read_is_no_fault_of_the_signer(folder: Path) -> None:
    rig = Rig(folder)

    def unreadable() -> tuple[str, ...]:
        raise OSError(2, "No such file", "/etc/manufacturer.pem")

    rig.updates._roots = unreadable
    told = await rig.told(JudgeSigner("1", SIGNER.pem, NOW))
    assert isinstance(told, SignerJudged)
    assert (told.verdict, "/etc/manufacturer.pem" in told.reason) == ("unable", True)


# ---- the bundle ----


async def test_a_bundle_is_there_when_it_is_whole(rig: Rig) -> None:
    received = Received()
    received.offered["/fw"] = CONTENT
    received.cut_after = 1000
    with http_server(received) as port:
        order = DownloadFirmware(7, f"http://127.0.0.1:{port}/fw")
        told = await rig.told(order)
        assert told == FirmwareStepEnded(7, "download", "failed", f"cut off after 1000 of {len(CONTENT)} bytes")
        assert rig.files() == {PART, "bundle.json"}
        assert await rig.told(order) == FirmwareStepEnded(7, "download", "done")
    assert rig.files() == {BUNDLE}
    assert (rig.data / BUNDLES / BUNDLE).read_bytes() == CONTENT


async def test_a_place_where_nothing_is_will_never_do(rig: Rig) -> None:
    with http_server(Received()) as port:
        told = await rig.told(DownloadFirmware(7, f"http://127.0.0.1:{port}/fw"))
    assert told == FirmwareStepEnded(7, "download", "unfit", "127.0.0.1 answered 404 Not Found")


async def test_how_far_it_is_can_be_seen_and_what_nobody_wants_ends_without_a_word(rig: Rig) -> None:
    received = Received()
    received.offered["/fw"] = bytes(1 << 19)
    received.hold.clear()
    with http_server(received) as port:
        rig.updates.obey(DownloadFirmware(7, f"http://127.0.0.1:{port}/fw"))
        await until(lambda: bool((rig.updates.status() or {}).get("done")))
        told = rig.updates.status() or {}
        assert (told["step"], told["size"]) == ("download", 1 << 19)
        rig.updates.obey(DropFirmware())
        assert rig.updates.status() is None
        assert rig.files() == set()
        received.hold.set()
    await until(lambda: not any(thread.name == "firmware" for thread in threading.enumerate()))
    assert rig.news.empty()
    assert rig.files() == set()


async def test_a_signature_is_looked_at_in_the_file_that_is_installed(rig: Rig) -> None:
    bundle, order = rig.bundle(), CheckFirmware(7, SIGNER.pem, SIGNER.sign(CONTENT))
    assert await rig.told(order) == FirmwareStepEnded(7, "check", "done")
    bundle.write_bytes(CONTENT + b"!")
    told = await rig.told(order)
    assert isinstance(told, FirmwareStepEnded)
    assert told.outcome == "unfit"
    bundle.unlink()
    told = await rig.told(order)
    assert isinstance(told, FirmwareStepEnded)
    assert told.outcome == "failed"


# ---- installing ----


async def test_what_is_installed_is_what_was_inspected_and_is_not_started_yet(rig: Rig) -> None:
    rig.bundle()
    rig.rauc.goes_on.clear()
    rig.updates.obey(InstallFirmware(7))
    await until(lambda: rig.updates.status() == {"step": "install", "done": 40, "size": 100})
    rig.rauc.goes_on.set()
    assert await rig.news.get() == FirmwareStepEnded(7, "install", "done", version="2.0.0")
    assert rig.rauc.log == ["until idle", "inspect", "install hash", "mark active booted"]


@pytest.mark.parametrize(
    ("where", "error", "outcome"),
    [
        ("inspect", UpdateFailed("signed by a stranger"), "unfit"),
        ("inspect", RaucGone("RAUC has gone"), "failed"),
        ("install hash", UpdateFailed("input/output error"), "failed"),
        ("install hash", KeyError("x"), "failed"),
    ],
)
async def test_a_bundle_that_rauc_does_not_like_is_told_from_a_disk_that_fails(
    rig: Rig, where: str, error: Exception, outcome: str
) -> None:
    rig.bundle()
    rig.rauc.refuses[where] = error
    told = await rig.told(InstallFirmware(7))
    assert isinstance(told, FirmwareStepEnded)
    assert told.outcome == outcome
    assert str(error) in told.reason


async def test_a_bundle_for_another_station_will_never_do(rig: Rig) -> None:
    rig.bundle()
    rig.rauc.found = Bundle("coffee machine", "2.0.0")
    told = await rig.told(InstallFirmware(7))
    why = "the bundle is for 'coffee machine', this station is 'station'"
    assert told == FirmwareStepEnded(7, "install", "unfit", why)


# ---- the trial ----


async def test_the_other_slot_is_the_next_one_when_the_way_back_is_kept(rig: Rig) -> None:
    (rig.data / "provision.json").write_text("1.0.0")
    rig.updates.obey(TryFirmware(7, "2.0.0"))
    await asyncio.sleep(0)
    assert rig.rauc.log == []  # what was decided before is not on disk yet
    rig.stored.pop()()
    assert await rig.news.get() == FirmwareStepEnded(7, "try", "done", version="2.0.0")
    assert rig.rauc.log == ["mark active other"]
    assert (rig.data / BEFORE / "provision.json").read_text() == "1.0.0"
    trial = read_trial(rig.data)
    assert trial is not None
    assert (trial.request_id, trial.version, trial.before, trial.after) == (7, "2.0.0", "A", "B")


async def test_a_boot_loader_that_does_not_take_it_leaves_the_release_untried(rig: Rig) -> None:
    rig.rauc.refuses["mark active other"] = UpdateFailed("fw_setenv failed")
    rig.updates.obey(TryFirmware(7, "2.0.0"))
    await asyncio.sleep(0)
    rig.stored.pop()()
    assert await rig.news.get() == FirmwareStepEnded(7, "try", "failed", "fw_setenv failed")


async def test_what_is_dropped_leaves_nothing_and_what_runs_is_what_starts(rig: Rig) -> None:
    rig.bundle()
    rig.updates.obey(TryFirmware(7, "2.0.0"))
    await asyncio.sleep(0)
    rig.stored.pop()()
    await rig.news.get()
    rig.updates.obey(DropFirmware())
    await until(lambda: not (rig.data / TRIAL).exists() and not (rig.data / BEFORE).exists())
    assert rig.rauc.log[-1] == "mark active booted"
    assert rig.files() == set()


async def test_what_is_dropped_before_it_has_begun_is_never_begun(rig: Rig) -> None:
    rig.bundle()
    rig.updates.obey(InstallFirmware(7))
    rig.updates.obey(DropFirmware())
    for _ in range(5):
        await asyncio.sleep(0)
    assert rig.rauc.log == []
    assert rig.news.empty()


async def test_without_a_trial_rauc_is_left_alone(rig: Rig) -> None:
    rig.updates.obey(DropFirmware())
    for _ in range(5):
        await asyncio.sleep(0)
    assert rig.rauc.log == []


async def test_the_board_is_started_anew_when_that_is_wanted(rig: Rig) -> None:
    rig.updates.obey(RestartBoard("release 2.0.0 is tried"))
    assert rig.restarts == ["release 2.0.0 is tried"]


# ---- memory ----


def test_what_an_update_needs_costs_nothing_before_there_is_one() -> None:
    names = ("ftplib", "http.client", "cryptography", "dbus_fast", "agent.edge.updater")
    told = f"import sys, agent.powered; print([name for name in {names!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
