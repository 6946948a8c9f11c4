"""Bundles: fetched, judged, handed to RAUC and tried, as the loop orders it.  Decides nothing.

What blocks is done in threads, what RAUC does is heard over D-Bus; the loop turns meanwhile.  cryptography and D-Bus
cost memory: they are imported when an update comes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from agent.edge.boot import machine_start
from agent.edge.job import Canceled, Job
from agent.errors import AgentError
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
    Step,
    TryFirmware,
)

if TYPE_CHECKING:
    from agent.edge.rauc import Rauc
    from agent.edge.transfer import Tls

log = logging.getLogger(__name__)

T = TypeVar("T")

BUNDLES, PART, BUNDLE = "firmware", "bundle.part", "bundle.raucb"

Work = Callable[[Job], Coroutine[Any, Any, str]]
"""One step; returns the version of what was installed, where that is known by then."""

Connect = Callable[[], Coroutine[Any, Any, "Rauc"]]


async def to_rauc() -> Rauc:
    """The one of this machine."""
    from agent.edge.rauc import Rauc

    return await Rauc.connected()


class Updates:
    """``obey`` and ``cancel`` from the loop; what came of an order is posted there."""

    def __init__(
        self,
        data: Path,
        *,
        roots: Callable[[], tuple[str, ...]],
        tls: Tls,
        most_bytes: int,
        post: Callable[[FirmwareNews], None],
        when_stored: Callable[[Callable[[], None]], None],
        restart_board: Callable[[str], None],
        connect: Connect = to_rauc,
    ) -> None:
        self._data = data
        self._part, self._bundle = data / BUNDLES / PART, data / BUNDLES / BUNDLE
        self._roots = roots
        self._tls = tls
        self._most_bytes = most_bytes
        self._post = post
        self._when_stored = when_stored
        self._restart_board = restart_board
        self._connect = connect
        self._tasks: set[asyncio.Task[None]] = set()
        self._job: Job | None = None
        self._step: Step | None = None
        self._task: asyncio.Task[None] | None = None

    def obey(self, order: FirmwareOrder) -> None:
        """Begin; a step takes the place of the one before it."""
        match order:
            case JudgeSigner():
                self._begin(self._judge(order))
            case DownloadFirmware():
                self._take_step("download", order.request_id, lambda job: self._download(order, job))
            case CheckFirmware():
                self._take_step("check", order.request_id, lambda job: self._check(order, job))
            case InstallFirmware():
                self._take_step("install", order.request_id, self._install)
            case TryFirmware():
                self._take_step("try", order.request_id, lambda job: self._try(order))
            case DropFirmware():
                self._drop()
            case RestartBoard(reason=reason):
                self._restart_board(reason)

    def cancel(self) -> None:
        """The power goes: nothing is told any more, what is on disk stays there."""
        self._cancel_step()
        for task in self._tasks:
            task.cancel()

    def status(self) -> dict[str, object] | None:
        """The step under way, and how far it is: bytes, or of an installation percent."""
        if self._job is None:
            return None
        return {"step": self._step, "done": self._job.done, "size": self._job.size}

    # ---- steps ----

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _take_step(self, step: Step, request_id: int, work: Work) -> None:
        self._cancel_step()
        self._job, self._step = Job(), step
        self._task = self._begin(self._told(step, request_id, work, self._job))

    def _cancel_step(self) -> None:
        if self._job is not None and self._task is not None:
            self._job.cancel()
            self._task.cancel()
        self._job = self._task = None

    async def _told(self, step: Step, request_id: int, work: Work, job: Job) -> None:
        """Whatever comes of it."""
        try:
            news = FirmwareStepEnded(request_id, step, "done", version=await work(job))
            log.info("= firmware: %s done", step)
        except Canceled:
            return
        except Exception as error:
            log.debug("traceback", exc_info=error)
            outcome, reason = _outcome_of(error)
            log.warning("! firmware: %s: %s", step, reason)
            news = FirmwareStepEnded(request_id, step, outcome, reason)
        self._job = self._task = None
        self._post(news)

    async def _judge(self, order: JudgeSigner) -> None:
        """A certificate that is good is of no use where nobody could install what it signs."""
        try:
            await aside(lambda: _check_signer(order, self._roots()))
            async with await self._connect():
                news = SignerJudged(order.message_id, "trusted")
        except Exception as error:
            log.debug("traceback", exc_info=error)
            outcome, reason = _outcome_of(error)
            news = SignerJudged(order.message_id, "invalid" if outcome == "unfit" else "unable", reason)
        self._post(news)

    async def _download(self, order: DownloadFirmware, job: Job) -> str:
        from agent.edge.download import download, forget

        self._part.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._bundle.unlink(missing_ok=True)
        await aside(lambda: download(order.url, self._part, self._tls, job, most_bytes=self._most_bytes))
        self._part.replace(self._bundle)
        forget(self._part)
        return ""

    async def _check(self, order: CheckFirmware, job: Job) -> str:
        await aside(lambda: _check_file(self._bundle, order, job))
        return ""

    async def _install(self, job: Job) -> str:
        """The other slot is not started before its way back is kept: RAUC may have made it the next one."""
        from agent.edge.updater import install

        def said(percent: int, text: str) -> None:
            job.size, job.done = 100, percent

        async with await self._connect() as rauc:
            await rauc.until_idle()
            found = await install(rauc, self._bundle, said)
            await rauc.mark("active", "booted")
        return found.version

    async def _try(self, order: TryFirmware) -> str:
        from agent.edge.updater import begin_trial

        stored = asyncio.Event()
        self._when_stored(stored.set)
        await stored.wait()
        async with await self._connect() as rauc:
            await begin_trial(rauc, self._data, order.request_id, order.version, machine_start())
            await rauc.mark("active", "other")
        return order.version

    def _drop(self) -> None:
        self._cancel_step()
        from agent.edge.download import forget

        with suppress(OSError):
            forget(self._part)
            self._bundle.unlink(missing_ok=True)
        self._begin(self._end_trial())

    async def _end_trial(self) -> None:
        """What runs is what starts from now on."""
        try:
            from agent.edge.updater import end_trial, read_trial

            if read_trial(self._data) is not None:
                async with await self._connect() as rauc:
                    await rauc.mark("active", "booted")
                await asyncio.to_thread(end_trial, self._data)
        except Exception as error:
            log.error("! the trial cannot be ended: %s", _outcome_of(error)[1])


# ---- what blocks ----


async def aside(work: Callable[[], T]) -> T:
    """In a thread that nobody waits for at the end: a server that is silent must not hold up the process."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def run() -> None:
        result: T | None = None
        failure: Exception | None = None
        try:
            result = work()
        except Exception as error:
            failure = error
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(finish, result, failure)

    def finish(result: Any, failure: Exception | None) -> None:
        if done.cancelled():
            return
        if failure is None:
            done.set_result(result)
        else:
            done.set_exception(failure)

    Thread(target=run, name="firmware", daemon=True).start()
    return await done


def _check_signer(order: JudgeSigner, roots: tuple[str, ...]) -> None:
    from agent.edge.signature import check_signer

    check_signer(order.pem, roots, order.at)


def _check_file(bundle: Path, order: CheckFirmware, job: Job) -> None:
    from agent.edge.signature import check_file

    check_file(bundle, order.pem, order.signature, job)


def _outcome_of(error: Exception) -> tuple[Literal["unfit", "failed"], str]:
    """Whether the bundle, or its place, will never do, and why in words."""
    if isinstance(error, (AgentError, OSError, ImportError)):
        return ("unfit" if getattr(error, "hopeless", False) else "failed"), str(error)
    return "failed", f"a defect of the agent: {type(error).__name__}: {error}"
