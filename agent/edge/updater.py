"""A new release on trial: what was there before it is kept, and whether it stays is found out after the restart.

Files of the data directory and the words of RAUC; knows nothing of OCPP.  An update is a few steps, and the power may
go between any two: ``update.json`` says what is on trial, ``before-update`` has the state from before it, and both
stand until the trial is over.  What a failed release leaves is set aside, never thrown away: it may hold sessions.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import sqlite3
from collections.abc import Callable, Collection
from contextlib import closing
from pathlib import Path
from time import monotonic

import msgspec

from agent.edge.durable import UNFINISHED, sync
from agent.edge.durable import keep as put
from agent.edge.firmware import BUNDLES
from agent.edge.rauc import Bundle, Rauc, RaucGone, Told, UpdateFailed
from agent.vocabulary.firmware import Trial as Ended

log = logging.getLogger(__name__)

TRIAL, BEFORE, BACK, FAILED = "update.json", "before-update", "before-update.back", "failed-update"

NO_STATE = {"lock", "last-end", "keys", TRIAL, BEFORE, BACK, FAILED, BUNDLES}
BESIDE_SQLITE = ("-wal", "-shm", "-journal")

LOOK_EVERY_S = 2.0
ALONE_S = 600.0
"""A station whose parts answer for so long is healthy without a CSMS, too."""

PATIENCE_S = 1800.0
"""A release that is not healthy by then is given up."""

MARK_AGAIN_S = 30.0


class BundleUnfit(UpdateFailed):
    """It is not for this station, or not signed for it."""

    hopeless = True


class Trial(msgspec.Struct, frozen=True):
    """What is being tried.  ``boot`` is the start of the machine in which it was installed; slots by their bootname."""

    request_id: int
    version: str
    before: str
    after: str
    boot: str
    good: bool = False


# ---- before the restart ----


async def install(rauc: Rauc, bundle: Path, said: Told) -> Bundle:
    """Check it and write it to the other slot.

    Raises:
        BundleUnfit: it is not for this station, or not signed for it.
        UpdateFailed: it could not be written.

    """
    wanted = await rauc.compatible()
    try:
        found = await rauc.inspect(bundle)
    except RaucGone:
        raise
    except UpdateFailed as error:
        raise BundleUnfit(str(error)) from None
    if found.compatible != wanted:
        raise BundleUnfit(f"the bundle is for {found.compatible!r}, this station is {wanted!r}")
    await rauc.install(bundle, manifest_hash=found.manifest_hash, said=said)
    return found


async def begin_trial(rauc: Rauc, data: Path, request_id: int, version: str, boot: str) -> Trial:
    """Keep the state and say what is tried: the last thing before the restart, when nothing is charged any more.

    Raises:
        UpdateFailed: there is no other slot, or the state cannot be kept: then do not restart.

    """
    slots = await rauc.slots()
    before = next((slot for slot in slots if slot.booted), None)
    after = next((slot for slot in slots if not slot.booted), None)
    if before is None or after is None:
        raise UpdateFailed(f"expected one slot that runs and one beside it, found {', '.join(s.name for s in slots)}")
    trial = Trial(request_id, version, before.bootname, after.bootname, boot)
    try:
        await asyncio.to_thread(keep_state, data)
        _write(data, trial)
    except OSError as error:
        raise UpdateFailed(f"the state before the update cannot be kept: {error}") from None
    return trial


def keep_state(data: Path) -> None:
    """A copy of everything in the data directory, databases at one moment; an older copy goes when it is whole."""
    kept, new = data / BEFORE, data / (BEFORE + UNFINISHED)
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(mode=0o700)
    for path in _state_of(data):
        _copy(path, new / path.name)
    sync(new)
    shutil.rmtree(kept, ignore_errors=True)
    new.rename(kept)
    sync(data)


# ---- after it ----


def read_trial(data: Path) -> Trial | None:
    """What is on trial; None: nothing is, or the note cannot be read."""
    try:
        return msgspec.json.decode((data / TRIAL).read_bytes(), type=Trial)
    except (OSError, msgspec.DecodeError):
        return None


def take_up(data: Path, *, slot: str, boot: str) -> tuple[Ended, Trial] | None:
    """What became of the trial, before anything of the data directory is opened.

    Where the boot loader went back to the slot from before, the state from before is put back, once.

    Raises:
        OSError: it cannot be put back.

    """
    trial = read_trial(data)
    if trial is None:
        return None
    if slot == trial.after:
        return ("installed" if trial.good else "on trial"), trial
    if boot == trial.boot or not slot:
        return "waits", trial
    _put_back(data)
    return "rolled back", trial


def _put_back(data: Path) -> None:
    """May be cut off anywhere and is taken up there: first everything is set aside, then the copy put in its place."""
    if (data / BEFORE).is_dir():
        _set_aside(data)
        (data / BEFORE).rename(data / BACK)
        sync(data)
    if (data / BACK).is_dir():
        for path in sorted((data / BACK).iterdir()):
            _copy(path, data / path.name)
        sync(data)
        shutil.rmtree(data / BACK)


def _set_aside(data: Path) -> None:
    failed, new = data / FAILED, data / (FAILED + UNFINISHED)
    new.mkdir(mode=0o700, exist_ok=True)
    for path in _state_of(data, databases_beside=True):
        path.rename(new / path.name)
    if any(new.iterdir()):  # else the power went right behind the next two lines
        shutil.rmtree(failed, ignore_errors=True)
        new.rename(failed)
    else:
        new.rmdir()


def end_trial(data: Path) -> None:
    """It was told: nothing is on trial any more."""
    (data / TRIAL).unlink(missing_ok=True)
    for name in (BEFORE, BACK):
        shutil.rmtree(data / name, ignore_errors=True)


async def keep(rauc: Rauc, data: Path) -> None:
    """The station is healthy: this release stays.

    Raises:
        UpdateFailed: RAUC cannot tell the boot loader.

    """
    await rauc.mark("good")
    trial = read_trial(data)
    if trial is not None:
        _write(data, msgspec.structs.replace(trial, good=True))


async def give_up(rauc: Rauc) -> None:
    """This release does not work here: the next start is that of the other slot.

    Raises:
        UpdateFailed: RAUC cannot tell the boot loader.

    """
    await rauc.mark("bad")


# ---- health ----


class Health:
    """Whether a station that runs a new release works.  Asked now and then; times are monotonic seconds."""

    def __init__(self, started_mono: float, *, alone_s: float, patience_s: float) -> None:
        self._started_mono = started_mono
        self._alone_s = alone_s
        self._patience_s = patience_s
        self._whole_since: float | None = None

    def verdict(self, now_mono: float, *, able: bool, accepted: bool, silent: Collection[str]) -> str:
        """``good``, ``bad`` or ``wait``.

        Args:
            now_mono: the time.
            able: the loop takes events and the disk thread lives.
            accepted: the CSMS has accepted the BootNotification; one that is away is no fault of this release, and
                drivers that answer for ``alone_s`` are enough.
            silent: drivers that do not answer.

        """
        whole = able and not silent
        self._whole_since = (now_mono if self._whole_since is None else self._whole_since) if whole else None
        if self._whole_since is not None and (accepted or now_mono - self._whole_since >= self._alone_s):
            return "good"
        return "bad" if now_mono - self._started_mono >= self._patience_s else "wait"


class Condition(msgspec.Struct, frozen=True):
    """How a station is; as ``Health.verdict`` wants it."""

    able: bool
    accepted: bool
    silent: tuple[str, ...] = ()


async def prove(data: Path, slot: str, condition: Callable[[], Condition]) -> bool:
    """Tell the boot loader, once, what this release is worth; returns whether it stays.

    Only a release on trial may be given up: a part that broke is no fault of one that has worked for a year.
    """
    trial = read_trial(data)
    tried = trial is not None and trial.after == slot and not trial.good
    health = Health(monotonic(), alone_s=ALONE_S, patience_s=PATIENCE_S)
    while True:
        verdict = _verdict(health, condition(), tried=tried)
        if verdict != "wait":
            break
        await asyncio.sleep(LOOK_EVERY_S)
    await _mark(data, slot, verdict)
    if tried and verdict == "good":
        log.info("= the new release in slot %s is healthy and stays", slot)
    elif verdict == "bad":
        log.error("! the new release in slot %s is not healthy: the next start is that of the other slot", slot)
    return verdict == "good"


async def _mark(data: Path, slot: str, verdict: str) -> None:
    """Until it was heard: RAUC may come up after us, or be started anew."""
    complained = False
    while True:
        try:
            async with await Rauc.connected() as rauc:
                return await (keep(rauc, data) if verdict == "good" else give_up(rauc))
        except (UpdateFailed, OSError) as error:
            if not complained:
                log.error("! the boot loader does not hear yet that slot %s is %s: %s", slot, verdict, error)
            complained = True
        await asyncio.sleep(MARK_AGAIN_S)


def _verdict(health: Health, now: Condition, *, tried: bool) -> str:
    if not tried:
        return "good" if now.able else "wait"
    return health.verdict(monotonic(), able=now.able, accepted=now.accepted, silent=now.silent)


# ---- files ----


def _state_of(data: Path, *, databases_beside: bool = False) -> list[Path]:
    """What a release left; what SQLite keeps beside a database belongs to it and is not copied by itself."""
    return [
        path
        for path in sorted(data.iterdir())
        if path.name not in NO_STATE
        and not path.name.endswith(UNFINISHED)
        and (databases_beside or not path.name.endswith(BESIDE_SQLITE))
    ]


def _copy(path: Path, to: Path) -> None:
    if path.is_dir():
        shutil.copytree(path, to, dirs_exist_ok=True)
    elif path.suffix == ".db":
        to.unlink(missing_ok=True)
        try:
            with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(to)) as target:
                source.backup(target)
        except sqlite3.Error as error:
            raise OSError(f"{path.name}: {error}") from None
    elif path.is_file():
        shutil.copy2(path, to)
    if to.is_file():
        to.chmod(path.stat().st_mode & 0o777)
        sync(to)


def _write(data: Path, trial: Trial) -> None:
    put(data / TRIAL, msgspec.json.encode(trial))
