"""The router: events to EVSEs, facts and calls to blocks, commands out.  Decides nothing and does no I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from random import Random
from typing import Any

from agent.blocks.a_password import Password
from agent.blocks.a_security import SecurityEvents
from agent.blocks.a_signing import Signing, SigningSetup
from agent.blocks.b_network import Network, NetworkSetup
from agent.blocks.b_provisioning import Provisioning
from agent.blocks.b_reports import Reports
from agent.blocks.b_reset import Resets
from agent.blocks.b_variables import Variables
from agent.blocks.base import Block, CallRefused, Desk
from agent.blocks.c_authorization import AuthorizationBlock
from agent.blocks.d_local_auth_list import LocalAuthList
from agent.blocks.e_transactions import Transactions
from agent.blocks.events import EventNotices
from agent.blocks.f_remote_control import RemoteControl
from agent.blocks.g_availability import Availability
from agent.blocks.g_heartbeat import Heartbeats
from agent.blocks.g_lock import LockWatch
from agent.blocks.g_status import ConnectorStatuses
from agent.blocks.h_reservation import ReservationBlock
from agent.blocks.j_meter_values import MeterValues
from agent.blocks.k_external_limits import ExternalLimits
from agent.blocks.k_report import ProfileReports
from agent.blocks.k_smart_charging import SmartCharging
from agent.blocks.k_vehicle import VehicleSchedules
from agent.blocks.l_firmware import FirmwareUpdate
from agent.blocks.m_certificates import Certificates
from agent.blocks.m_contracts import ContractInstallation
from agent.blocks.m_vehicles import VehicleCertificates
from agent.blocks.n_customer import CustomerInformation
from agent.blocks.n_log import LogUpload
from agent.blocks.n_monitoring import Monitoring
from agent.blocks.n_monitoring_report import MonitoringReports
from agent.instruments import Instruments, declare_parts
from agent.inventory import (
    declare_clock,
    declare_hardware,
    declare_identity,
    declare_smart_charging,
    declare_tokens,
)
from agent.model.catalogue import TIME_SOURCE
from agent.model.device import DeviceModel, Spot
from agent.model.monitors import Preset
from agent.ocpp.messages.b_provisioning import ChargingStation
from agent.ocpp.messages.base import Request
from agent.session.evse import Evse
from agent.session.faults import concerns_all
from agent.session.layout import EvseLayout
from agent.session.site import Site
from agent.settings import Settings
from agent.vocabulary.certificates import CertificateJobEnded, CertificateNews
from agent.vocabulary.commands import (
    Answer,
    ApplyIntent,
    BeginSigned,
    Command,
    EndSigned,
    LockConnector,
    Refuse,
    SetClock,
    UnlockConnector,
)
from agent.vocabulary.facts import Fact, SecurityNoted, TokenPresented
from agent.vocabulary.firmware import FirmwareNews
from agent.vocabulary.incoming import (
    CacheCleared,
    CallFailed,
    CallNotStored,
    CsmsAnswered,
    CsmsCalled,
    Incoming,
    LimitSet,
    LinkLost,
    LinkOpened,
    OutboxDrained,
    SecurityNoticed,
    TechnicianAsked,
    TokenNoted,
    UploadEnded,
)
from agent.vocabulary.values import ClockShift, Now, Token
from hal.events import CardPresented, Event
from hal.ports import PilotIntent


class Station:
    """A whole charging station as a pure machine: ``receive``, ``take_commands``, ``next_deadline``."""

    def __init__(
        self,
        layouts: tuple[EvseLayout, ...],
        identity: ChargingStation,
        entropy: Random,
        *,
        defaults: Mapping[Spot, str] | None = None,
        readers: Sequence[int] = (),
        thermometers: Mapping[int, Sequence[str]] | None = None,
        network: NetworkSetup | None = None,
        signing: SigningSetup | None = None,
        monitors: tuple[Preset, ...] = (),
    ) -> None:
        self.site = Site(layouts)
        self.model = DeviceModel()
        self.desk = Desk(self.site, self.model, entropy)
        self.settings = Settings(self.desk)
        self.security = SecurityEvents(self.desk)
        self.provisioning = Provisioning(self.desk, identity)
        self.network = Network(self.desk, network or NetworkSetup())
        self.password = Password(self.desk, network.provisioned if network else "")
        self.signing = Signing(self.desk, signing or SigningSetup())
        self.resets = Resets(self.desk)
        self.events = EventNotices(self.desk)
        self.statuses = ConnectorStatuses(self.desk)
        self.availability = Availability(self.desk, self.statuses)
        self.reservations = ReservationBlock(self.desk)
        self.transactions = Transactions(self.desk)
        self.authorization = AuthorizationBlock(self.desk)
        self.local_auth_list = LocalAuthList(self.desk)
        self.certificates = Certificates(self.desk)
        self.network.has_installed_root = self.certificates.has_csms_root
        self.network.has_own_certificate = self.signing.has_certificate
        self.vehicle_certificates = VehicleCertificates(self.desk)
        self.certificates.own = self.vehicle_certificates.own = lambda: self.signing.own
        self.firmware = FirmwareUpdate(self.desk)
        self.smart_charging = SmartCharging(self.desk)
        self.external_limits = ExternalLimits(self.desk)
        self.vehicle_schedules = VehicleSchedules(self.desk, self.smart_charging.limits)
        self.smart_charging.most_schedules = self.vehicle_schedules.most_schedules
        self.log_upload = LogUpload(self.desk)
        self.monitoring = Monitoring(self.desk, self.events, monitors)
        # G before E: a connector is told Occupied before its transaction starts (E02).  E before C: a right that is
        # granted without asking is a fact of its own.
        self.blocks: tuple[Block, ...] = (
            self.security,
            self.events,
            self.provisioning,
            self.network,
            self.password,
            self.signing,
            self.resets,
            self.reservations,
            self.statuses,
            self.availability,
            Heartbeats(self.desk),
            LockWatch(self.desk, self.events),
            self.transactions,
            self.authorization,
            self.local_auth_list,
            Variables(self.desk),
            Reports(self.desk),
            RemoteControl(self.desk),
            MeterValues(self.desk),
            self.smart_charging,
            self.external_limits,
            self.vehicle_schedules,
            ProfileReports(self.desk),
            self.firmware,
            self.certificates,
            CustomerInformation(self.desk),
            self.log_upload,
            self.monitoring,
            MonitoringReports(self.desk, self.monitoring.watch.monitors),
        )
        if any(layout.has_secc for layout in layouts):
            self.blocks += (self.vehicle_certificates, ContractInstallation(self.desk))
        self.log: list[Fact] = []
        self._hearers = self._gather(lambda block: block.facts)
        self._callees = self._gather(lambda block: block.calls)
        self._askers = self._gather(lambda block: block.answers)
        self._intents: dict[int, PilotIntent] = {}
        self._signing: dict[int, BeginSigned | EndSigned] = {}
        declare_hardware(self.model, self.site, self.statuses.status_of)
        declare_clock(self.model, lambda: self.desk.wall, lambda: self.desk.clock_known)
        declare_tokens(self.model, self.desk.cache, self.desk.local_list)
        declare_smart_charging(self.model, self.site, self.desk.profiles)
        declare_parts(self.model, self.site)
        declare_identity(
            self.model, identity.model, identity.vendor_name, identity.serial_number, identity.firmware_version
        )
        self.instruments = Instruments(self.model)
        self.instruments.declare_readers(readers)
        for evse_id, spots in (thermometers or {}).items():
            self.instruments.declare_thermometers(evse_id, spots)
        for spot, text in (defaults or {}).items():
            self.model.provide(spot, text)

    def _gather(
        self, table: Callable[[Block], Mapping[Any, Callable[..., Any]]]
    ) -> dict[type, list[Callable[..., Any]]]:
        found: dict[type, list[Callable[..., Any]]] = {}
        for block in self.blocks:
            for kind, method in table(block).items():
                found.setdefault(kind, []).append(method.__get__(block))
        return found

    # ---- the three verbs ----

    def power_on(self, records: Mapping[str, bytes], now: Now, remark: str = "") -> None:
        """Take up what was remembered; every EVSE gets its first intent.

        ``remark`` is what is wrong with the memory as a whole.
        """
        self.settings.take_up(records, now)
        for block in self.blocks:
            block.remember(records, now)
        self.provisioning.tune()
        self.security.started(remark, now)
        self.settle(now)

    @property
    def unreadable(self) -> list[str]:
        """Records that made no sense at power-on, for the log."""
        return self.desk.unreadable

    def receive(self, event: Event | Incoming, now: Now) -> None:
        """Take one event; what follows from it is in ``take_commands`` afterwards."""
        self.desk.wall = now.wall
        self.desk.facts.extend(self.site.expire(now))  # no lease is outlived, however late its timer is
        if isinstance(event, Event):
            self._hardware(event, now)
        else:
            self._incoming(event, now)
        self.settle(now)

    def expire(self, now: Now) -> None:
        """The earliest deadline has come."""
        self.desk.facts.extend(self.site.expire(now))
        for block in self.blocks:
            due = block.next_deadline()
            if due is not None and now.mono >= due:
                block.expire(now)
        self.settle(now)

    def next_deadline(self) -> float | None:
        """When ``expire`` must be called."""
        dc = (evse.dc.next_deadline() for evse in self.site.evses.values() if evse.dc is not None)
        times = (self.site.next_deadline(), *dc, *(block.next_deadline() for block in self.blocks))
        return min((time for time in times if time is not None), default=None)

    def take_commands(self) -> list[Command]:
        """What is to be done, in the order in which it was decided."""
        commands, self.desk.commands = self.desk.commands, []
        return commands

    def take_facts(self) -> list[Fact]:
        """What became true, for the log and for those who watch."""
        facts, self.log = self.log, []
        return facts

    def clock_moved(self, by_s: float, now: Now) -> None:
        """The time of day was corrected."""
        self.security.clock_moved(by_s, now)

    def move_times(self, shift: ClockShift) -> None:
        """The time of day became known: readings and transactions were stamped with another."""
        self.transactions.move_times(shift)
        self.settings.move_times(shift)
        self.smart_charging.move_times(shift)

    @property
    def time_sources(self) -> tuple[str, ...]:
        """Who may tell the time, first choice first (TimeSource)."""
        return self.model[TIME_SOURCE]

    def tell_time(self, wall: datetime) -> None:
        """A time server keeps the system's clock by now."""
        self.desk.tell(SetClock(wall, "NTP"))

    # ---- routing ----

    def _hardware(self, event: Event, now: Now) -> None:
        self.instruments.receive(event)
        evse = self.site.evses.get(event.evse)  # type: ignore[attr-defined]
        if evse is not None:
            self.desk.facts.extend(evse.receive(event, now))
        elif concerns_all(event):
            for each in self.site.evses.values():
                self.desk.facts.extend(each.receive(event, now))
        elif isinstance(event, CardPresented):
            self.desk.post(TokenPresented(0, Token(event.uid, event.kind)))

    def _incoming(self, event: Incoming, now: Now) -> None:
        match event:
            case LinkOpened():
                switched = self.network.link_opened(event, now)
                self.password.link_opened()
                self.signing.link_opened()
                self.provisioning.link_opened(now, switched=switched)
            case LinkLost(reason=reason):
                self.password.link_lost(reason)
                self.signing.link_lost()
                self.provisioning.link_lost(reason, now)
            case CsmsCalled(message_id=message_id, request=request):
                self._call(message_id, request, now)
            case CsmsAnswered(request=request, outcome=outcome):
                if not isinstance(outcome, CallFailed):
                    self.desk.heard_mono = now.mono
                for method in self._askers.get(type(request), ()):
                    method(request, outcome, now)
            case OutboxDrained():
                self.resets.outbox_drained(now)
            case TechnicianAsked(wish="clear_fault", evse=evse):
                self.availability.clear_faults(evse)
            case TechnicianAsked():
                self.resets.restart_locally(now)
            case UploadEnded():
                self.log_upload.ended(event, now)
            case FirmwareNews():
                self.firmware.news(event, now)
            case CertificateJobEnded():
                self.certificates.ended(event)
            case CertificateNews():
                self.signing.news(event, now)
            case CallNotStored(message_id=message_id):
                self.desk.take_back(message_id)
            case SecurityNoticed():
                self.desk.post(SecurityNoted(0, event.type, event.tech_info))
            case TokenNoted(where="cache"):
                self.authorization.note(event, now)
            case TokenNoted():
                self.local_auth_list.note(event)
            case CacheCleared():
                self.authorization.forget_all()
            case LimitSet():
                self.settings.limit(event, now)

    def _call(self, message_id: str, request: Request, now: Now) -> None:
        self.desk.message_id = message_id
        if self.desk.registration == "Rejected":  # B03.FR.08
            self.desk.tell(Refuse(message_id, "SecurityError", "this station was rejected"))
            return
        methods = self._callees.get(type(request))
        if not methods:
            self.desk.tell(Refuse(message_id, "NotImplemented", f"{request.action} is not known here"))
            return
        try:
            response = methods[0](request, now)
        except CallRefused as refused:
            self.desk.tell(Refuse(message_id, refused.code, refused.reason))
            return
        if response is not None:
            self.desk.tell(Answer(message_id, response))

    def settle(self, now: Now) -> None:
        """Let every fact be heard, then say what the CSMS, the hardware and the disk must know."""
        self._hear_facts(now)
        self.firmware.look(now)
        self.reservations.look(now)
        self.statuses.look(now)
        self._hear_facts(now)
        self.smart_charging.look(now)
        self.external_limits.look(now)
        self.vehicle_schedules.look(now)
        self._hear_facts(now)
        for evse in self.site.evses.values():
            self._wishes(evse, now)
        self.authorization.tell_vehicles()
        self.monitoring.watch.look(now)
        self.password.look(now)  # behind what the present connection is still to hear
        self._hear_facts(now)
        if self.settings.keep_variables():
            self.provisioning.tune()

    def _hear_facts(self, now: Now) -> None:
        facts = self.desk.facts
        while facts:
            fact = facts.popleft()
            self.log.append(fact)
            for method in self._hearers.get(type(fact), ()):
                method(fact, now)

    def _wishes(self, evse: Evse, now: Now) -> None:
        intent = evse.intent()
        if intent != self._intents.get(evse.id):
            self._intents[evse.id] = intent
            self.desk.tell(ApplyIntent(evse.id, intent))
        if evse.layout.signs_sessions:
            self._wish_signed(evse)
        for order in evse.dc_orders(now):
            self.desk.tell(order)
        for connector in evse.connectors.values():
            wish = connector.held_for is not None
            if connector.layout.has_lock and connector.wish_lock(wish, now.mono):
                kind = LockConnector if wish else UnlockConnector
                self.desk.tell(kind(evse.id, connector.id))

    def _wish_signed(self, evse: Evse) -> None:
        signing = evse.signing()
        if signing != self._signing.get(evse.id):
            self._signing[evse.id] = signing
            self.desk.tell(signing)
