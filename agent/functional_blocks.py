"""One of each functional block, wired to one another where one has to know what another knows.  Routes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from agent.blocks.a_password import Password
from agent.blocks.a_security import SecurityEvents
from agent.blocks.a_signing import Signing, SigningSetup
from agent.blocks.b_network import Network, NetworkSetup
from agent.blocks.b_provisioning import Provisioning
from agent.blocks.b_reports import Reports
from agent.blocks.b_reset import Resets
from agent.blocks.b_variables import Variables
from agent.blocks.base import Block, Desk
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
from agent.model.monitors import Preset
from agent.ocpp.messages.b_provisioning import ChargingStation
from agent.vocabulary.values import Now

K = TypeVar("K")

Hearers = Mapping[type[K], list[Callable[..., Any]]]


class FunctionalBlocks:
    """What a station has of OCPP, in the order in which they hear what happens."""

    def __init__(
        self,
        desk: Desk,
        identity: ChargingStation,
        network: NetworkSetup,
        signing: SigningSetup,
        monitors: tuple[Preset, ...],
    ) -> None:
        self.security = SecurityEvents(desk)
        self.events = EventNotices(desk)
        self.network = Network(desk, network)
        self.password = Password(desk, network.provisioned)
        self.signing = Signing(desk, signing)
        self.provisioning = Provisioning(desk, identity)
        self.statuses = ConnectorStatuses(desk)
        self.reservations = ReservationBlock(desk)
        self.authorization = AuthorizationBlock(desk)
        self.transactions = Transactions(desk)
        self.smart_charging = SmartCharging(desk)
        self.external_limits = ExternalLimits(desk)
        self.vehicle_schedules = VehicleSchedules(desk, self.smart_charging.limits)
        self.firmware = FirmwareUpdate(desk)
        self.certificates = Certificates(desk)
        self.vehicle_certificates = VehicleCertificates(desk)
        self.monitoring = Monitoring(desk, self.events, monitors)
        self._introduce()
        # The link's news: network, password and signing before provisioning, which says who we are on it.
        # G before E: a connector is told Occupied before its transaction starts (E02).  E before C: a right that is
        # granted without asking is a fact of its own.
        self._all: tuple[Block, ...] = (
            self.security,
            self.events,
            self.network,
            self.password,
            self.signing,
            self.provisioning,
            Resets(desk),
            self.reservations,
            self.statuses,
            Availability(desk, self.statuses),
            Heartbeats(desk),
            LockWatch(desk, self.events),
            self.transactions,
            self.authorization,
            LocalAuthList(desk),
            Variables(desk),
            Reports(desk),
            RemoteControl(desk),
            MeterValues(desk),
            self.smart_charging,
            self.external_limits,
            self.vehicle_schedules,
            ProfileReports(desk),
            self.firmware,
            self.certificates,
            CustomerInformation(desk),
            LogUpload(desk),
            self.monitoring,
            MonitoringReports(desk, self.monitoring.watch.monitors),
        )
        if any(evse.layout.has_secc for evse in desk.site.evses.values()):
            self._all += (self.vehicle_certificates, ContractInstallation(desk))

    def __iter__(self) -> Iterator[Block]:
        return iter(self._all)

    def _introduce(self) -> None:
        """Blocks never import one another: what one has to know of another is handed to it."""
        self.network.has_installed_root = self.certificates.has_csms_root
        self.network.has_own_certificate = self.signing.has_certificate
        self.certificates.own = self.vehicle_certificates.own = lambda: self.signing.own
        self.smart_charging.most_schedules = self.vehicle_schedules.most_schedules

    def who(self, table: Callable[[Block], Mapping[type[K], Callable[..., Any]]]) -> Hearers[K]:
        """Of each kind that is in this table of a block, the methods, in order."""
        found: dict[type[K], list[Callable[..., Any]]] = {}
        for block in self:
            for kind, method in table(block).items():
                found.setdefault(kind, []).append(method.__get__(block))
        return found

    def expire(self, now: Now) -> None:
        """Deadlines of some may have passed."""
        for block in self:
            due = block.next_deadline()
            if due is not None and now.mono >= due:
                block.expire(now)

    def next_deadline(self) -> float | None:
        """When the first of them wants to be called."""
        return min((due for block in self if (due := block.next_deadline()) is not None), default=None)
