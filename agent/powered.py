"""A station with its power on: board, drivers, database, link and loop put together.  The only wiring of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import msgspec
from msgspec.structs import replace

from agent.blocks.b_reset import STOPPED
from agent.edge.boot import board_reset, booted_slot, forget_end, last_end, machine_start
from agent.edge.certificate_jobs import CertificateJobs
from agent.edge.certificates import CSMS_ROOT, MANUFACTURER_ROOT, CertificateStore
from agent.edge.clock import Clock
from agent.edge.collect import Collector
from agent.edge.database import Contents, Database
from agent.edge.firmware import Updates
from agent.edge.heart import Heart, ServiceManager
from agent.edge.keys import KeyStore
from agent.edge.log_memory import LogMemory
from agent.edge.network import Network
from agent.edge.supervision import supervised
from agent.edge.tokens import TokenReader
from agent.edge.uploads import Uploads
from agent.errors import StartFailed
from agent.given import (
    check_defaults,
    check_presets,
    declare_own,
    defaults_of,
    identity_of,
    manufacturer_roots_of,
    network_setup,
    presets_of,
    signing_setup,
    target_of,
)
from agent.link.csms import CsmsLink
from agent.link.disk import Put
from agent.link.outbox import Outbox
from agent.loop import Loop
from agent.model.catalogue import ALLOW_CSMS_TLS_WILDCARDS
from agent.ocpp.tolerance import Ear, Tolerance
from agent.pages import pages_of
from agent.parts import Buses, Parts, build_parts, layouts_of
from agent.provision import Provision
from agent.station import Station
from agent.vocabulary.firmware import FirmwareProved, Trial
from agent.vocabulary.incoming import Incoming
from agent.vocabulary.values import ClockShift, NetworkProfile
from agent.writing import CLOCK_LAST, CLOCK_SHIFT
from board.descriptor import Board, Storage
from hal.events import Event
from hal.ports import PlugAndChargeSecc, SeccCertificates

log = logging.getLogger(__name__)

DATABASE = "station.db"
CERTIFICATES = "certs"
KEYS = "keys"


class PoweredStation:
    """Everything that lives while the power is on; ``cut`` ends it as a power cut does."""

    def __init__(
        self,
        board: Board,
        provision: Provision,
        data: Path,
        buses: Buses,
        tasks: asyncio.TaskGroup,
        *,
        log_memory: LogMemory,
        on_restart: Callable[[str], None],
        restart_board: Callable[[str], None],
    ) -> None:
        loop = asyncio.get_running_loop()
        self._tasks = tasks
        self._running: list[asyncio.Task[None]] = []
        self.data = data
        self.parts = build_parts(board, buses, self._post, self._time_of_day)
        entropy = Random()
        self.station = station_of(board, self.parts, provision, entropy)
        declare_own(board, self.station.model)
        check_presets(board, self.station.model)
        check_defaults(board, provision, self.station.model)
        self._slot = "" if board.control.bench else booted_slot()
        if self._slot:
            self.station.blocks.firmware.runs_from(self._slot, take_up_update(data, self._slot))
        self._database = Database(data / DATABASE, lambda call: _hand_over(loop, call), self._store_state)
        self._database.flash.budget_bytes = board.storage.flash_bytes_a_day
        contents = self._open()
        self._tokens = TokenReader(data / DATABASE)
        self.station.desk.local_list.read = self._tokens.find
        self._records = contents.records
        self._spread = not board.control.bench  # a board on a bench is alone
        self._take_up_boot(bench=board.control.bench)
        self._remark = f"memory lost: the database was damaged, kept as {contents.damaged}" if contents.damaged else ""
        self.clock = Clock(last_known_time(contents.records))
        target = target_of(board, provision)
        self.link = CsmsLink(
            outbox_from(contents, board.storage),
            entropy,
            offered=board.csms.protocols if target is None else target.subprotocols,
            ear=Ear(Tolerance(board.csms.tolerance)),
        )
        self.station.desk.waiting = self.link.outbox.waiting
        self.station.desk.clock_known = self.clock.known
        roots = CertificateStore(data / CERTIFICATES)
        keys = key_store(data, provision, roots)
        self.station.blocks.certificates.installed = roots.installed()
        self.station.blocks.signing.own = keys.own()
        self.network = Network(target, _context_of(provision, self.clock, roots, keys, self.station), tasks)
        transfer_tls = _transfer_context_of(provision, roots)
        self.uploads = Uploads(
            Collector(data / DATABASE, log_memory, partial(pages_of, self.station)),
            transfer_tls,
            lambda call: _hand_over(loop, call),
            self._post,
        )
        self.updates = Updates(
            data,
            roots=lambda: (*roots.roots(MANUFACTURER_ROOT), *manufacturer_roots_of(board)),
            tls=transfer_tls,
            most_bytes=board.firmware.most_bytes,
            post=self._post,
            when_stored=self._when_stored,
            restart_board=restart_board,
        )
        self.loop = Loop(
            self.station,
            self.link,
            clock=self.clock,
            store=self._database,
            socket=self.network,
            hardware=self.parts,
            files=self.uploads,
            firmware=self.updates,
            certificates=CertificateJobs(roots, keys, self._post, self._equip_seccs),
            on_restart=on_restart,
        )
        self.network.listener = self.loop
        self._heart = Heart(self.parts.liveness, ServiceManager(), self._able)

    def _open(self) -> Any:
        try:
            return self._database.open()
        except OSError as error:
            raise StartFailed(f"{self.data}: {error}") from None

    def _take_up_boot(self, *, bench: bool) -> None:
        """Why we start, as far as the system tells; on a bench every start is one of the machine."""
        desk = self.station.desk
        desk.last_end = last_end(self.data)
        if desk.last_end is not None and desk.last_end.died:
            log.warning("! the agent has died: %s", desk.last_end)
        if not bench:
            desk.machine_start, desk.board_reset = machine_start(), board_reset()

    def _post(self, event: Event | Incoming) -> None:
        self.loop.post(event)

    def _equip_seccs(self, certificates: SeccCertificates) -> None:
        for secc in self.parts.seccs.values():
            if isinstance(secc, PlugAndChargeSecc):
                secc.hold(certificates)

    def _when_stored(self, done: Callable[[], None]) -> None:
        self.loop.when_stored(done)

    def _time_of_day(self) -> datetime | None:
        """For parts with a clock of their own."""
        return self.clock.now().wall if self.clock.known else None

    def _able(self) -> bool:
        """Whether events are dealt with and the disk's thread lives: less is no working station."""
        return self.loop.able and self._database.alive

    async def _prove(self) -> None:
        """A release that works is told to the boot loader, which else goes back to the other slot."""
        try:
            from agent.edge.updater import Condition, prove  # D-Bus costs memory; a board with one slot does not pay
        except ImportError as error:
            log.error("! slot %s cannot be marked good: %s", self._slot, error)
            self._post(FirmwareProved(good=False))  # one on trial is left by a boot loader that hears nothing
            return

        def condition() -> Condition:
            evses = self.station.desk.site.evses.values()
            silent = tuple(f"EVSE {evse.id}: {part}" for evse in evses for part in sorted(evse.faults.lost_parts))
            return Condition(self._able(), self.station.desk.registration == "Accepted", silent)

        self._post(FirmwareProved(await prove(self.data, self._slot, condition)))

    def firmware_status(self) -> dict[str, object] | None:
        """The last update that the CSMS asked for, and how far its present step is."""
        told = self.station.blocks.firmware.status()
        return None if told is None else {**told, "progress": self.updates.status()}

    def _store_state(self, works: bool, text: str) -> None:
        self.loop.store_state(works, text)

    def flash_status(self) -> dict[str, int]:
        """What was written to flash."""
        flash = self._database.flash
        return {
            "written_today_bytes": flash.today_bytes,
            "budget_bytes_a_day": flash.budget_bytes,
            "written_since_power_on_bytes": flash.since_power_on_bytes,
            "commits": flash.commits,
        }

    def power_on(self) -> None:
        """Start the drivers and connect."""
        self.loop.power_on(self._records, self._remark, spread=self._spread)
        self.loop.when_stored(partial(forget_end, self.data))
        self._records = {}
        self._heart.start(for_drivers=self.parts.wants_liveness)
        if self._slot:
            self._running.append(self._tasks.create_task(self._prove()))
        for driver, place in self.parts.all.items():
            self._running.append(self._tasks.create_task(supervised(driver, place, self._post)))

    async def power_off(self) -> None:
        """Shut down as a stopped service does: what was handed in is on disk."""
        await self._end_tasks()
        machine = self.station.desk.machine_start
        if machine:
            self._database.write([Put(STOPPED, machine.encode())])
        self.network.close("the station stops")
        await asyncio.sleep(0)
        self.network.cut()
        self._tokens.close()
        self._database.close()

    async def cut(self) -> None:
        """The power is gone: no farewell, nothing flushed."""
        self.loop.stop()
        self.network.cut()
        self._tokens.close()
        self._database.cut_power()
        await self._end_tasks()

    async def _end_tasks(self) -> None:
        self.loop.stop()
        self.uploads.cancel()
        self.updates.cancel()
        self._heart.stop()
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)


def station_of(board: Board, parts: Parts, provision: Provision, entropy: Random) -> Station:
    """The pure station of a board, before its own variables are declared and its first values are looked at."""
    return Station(
        layouts_of(board, parts),
        identity_of(board, provision),
        entropy,
        defaults=defaults_of(board, provision),
        readers=tuple(reader.evse for reader in board.reader),
        thermometers={evse.id: [each.spot for each in evse.thermometer] for evse in board.evse},
        network=network_setup(board, provision),
        signing=signing_setup(board, provision),
        monitors=presets_of(board),
    )


def take_up_update(data: Path, slot: str) -> Trial:
    """What became of an update, before anything of the data directory is opened.

    Raises:
        StartFailed: the state from before a failed release cannot be put back.

    """
    try:
        from agent.edge.updater import take_up
    except ImportError:
        return ""
    try:
        found = take_up(data, slot=slot, boot=machine_start())
    except OSError as error:
        raise StartFailed(f"{data}: the state from before the update cannot be put back: {error}") from None
    if found is None:
        return ""
    log.warning("= update to %s (request %d): %s", found[1].version, found[1].request_id, found[0])
    return found[0]


def outbox_from(contents: Contents, storage: Storage) -> Outbox:
    """The queue as it was left, with what was learned of the clocks of earlier starts."""
    shifts: dict[int, ClockShift] = {}
    for key, value in contents.records.items():
        if key.startswith(CLOCK_SHIFT):
            try:
                shifts[int(key.removeprefix(CLOCK_SHIFT))] = msgspec.json.decode(value, type=ClockShift)
            except ValueError as error:
                _unreadable(key, error)
    return Outbox(
        next_id=contents.next_id,
        waiting=contents.waiting,
        boot=contents.boot,
        clock_shifts=shifts,
        most_events=storage.events,
        most_bytes=storage.bytes,
    )


def last_known_time(records: Mapping[str, bytes]) -> datetime | None:
    """The last time of day that was known when an event was stored."""
    try:
        return datetime.fromisoformat(records[CLOCK_LAST].decode()) if CLOCK_LAST in records else None
    except ValueError as error:
        _unreadable(CLOCK_LAST, error)
        return None


def _unreadable(key: str, error: ValueError) -> None:
    """A record that another release wrote, or a sick disk: the station starts without it."""
    log.error("! record %s cannot be read: %s", key, error)


def _hand_over(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    """From the database's thread into the loop; a loop that has ended hears nothing."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(call)


def _transfer_context_of(provision: Provision, roots: CertificateStore) -> Callable[[], Any]:
    def make() -> Any:
        from agent.edge.tls import upload_context

        return upload_context(provision, roots.roots(CSMS_ROOT))

    return make


def key_store(data: Path, provision: Provision, roots: CertificateStore) -> KeyStore:
    """The station's own keys; whom it was told to trust may sign for it."""
    own, trusted = provision.client_cert_file, (provision.ca_file, provision.certs_dir)
    return KeyStore(data / KEYS, roots, None if own is None else Path(own), [Path(place) for place in trusted if place])


def _context_of(
    provision: Provision, clock: Clock, roots: CertificateStore, keys: KeyStore, station: Station
) -> Callable[[NetworkProfile | None], Any]:
    def make(profile: NetworkProfile | None) -> Any:
        from agent.edge.tls import context_for  # TLS costs memory; a station without it does not pay

        if profile is not None and profile.security_profile != 3:  # A00.FR.001: one security profile at a time
            given = replace(provision, client_cert_file=None)
        elif (own := keys.shown()) is not None:
            given = replace(provision, client_cert_file=str(own), client_key_file=None, client_key_password=None)
        else:
            given = provision
        return context_for(
            given,
            clock_known=clock.known,
            roots=roots.roots(CSMS_ROOT),
            wildcards=station.model[ALLOW_CSMS_TLS_WILDCARDS],
        )

    return make
