"""The whole pure station on a table: station and link are real; hardware, disk, CSMS and time are played."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, NamedTuple

from msgspec.structs import replace

from agent.blocks.a_signing import SigningSetup
from agent.blocks.b_network import NetworkSetup
from agent.edge.certificate_jobs import secc_certificates
from agent.edge.certificates import CertificateStore
from agent.edge.keys import KeyStore
from agent.edge.ledger import SCHEMA, Ledger
from agent.link.connection import Connect, Disconnect, LinkCommand, Transmit
from agent.link.csms import CsmsLink
from agent.link.disk import Answered, Park, ReadRows, Refused, Row, Thin, Thinned, Waiting
from agent.link.outbox import MOST_EVENTS, Outbox
from agent.model.device import DeviceModel, Spot
from agent.model.monitors import Preset
from agent.ocpp.messages.b_provisioning import ChargingStation
from agent.ocpp.messages.e_transactions import TransactionEventRequest
from agent.session.connector import ConnectorLayout
from agent.session.evse import Evse
from agent.session.layout import EvseLayout
from agent.station import Station
from agent.vocabulary.certificates import (
    CertificateOrder,
    EndTrial,
    EquipSeccs,
    JudgeSigned,
    MakeKey,
    RemoveCertificate,
    ShowCertificate,
    StoreCertificate,
)
from agent.vocabulary.commands import (
    AdmitMessages,
    Answer,
    ApplyIntent,
    BeginSigned,
    BringContract,
    CancelUpload,
    ChangeLocalList,
    ClearFault,
    Command,
    EndSigned,
    KeepRecord,
    LockConnector,
    LogSecurityEvent,
    OfferSchedules,
    Refuse,
    RenewLink,
    Restart,
    SampleMeter,
    Send,
    SetClock,
    TellVehicle,
    TuneLink,
    UnlockConnector,
    UploadLog,
    UseNetwork,
    UsePassword,
)
from agent.vocabulary.facts import Fact
from agent.vocabulary.firmware import FirmwareOrder, Trial
from agent.vocabulary.incoming import CallNotStored, Incoming, SecurityNoticed
from agent.vocabulary.values import LastEnd, NetworkProfile, Now
from agent.writing import promises, truthful
from hal.events import (
    BayChanged,
    CableRated,
    CardPresented,
    Contract,
    ContractPresented,
    CpState,
    DeviceFound,
    DeviceLost,
    EimChosen,
    Event,
    FaultCode,
    HardwareFaulted,
    HardwareHealed,
    LockMoved,
    LockPosition,
    MeterSampled,
    PilotChanged,
    PowerChanged,
    SignedRecord,
    TokenKind,
    VehicleEnded,
)
from hal.ports import PilotIntent, ScheduleOffer, SeccCertificates, SeccIntent

Payload = dict[str, Any]
Reply = Payload | str | None
"""What the CSMS answers: a payload, the code of a CALLERROR, or nothing at all."""

POWER_ON = datetime(2026, 1, 1, tzinfo=UTC)
CARD, OTHER_CARD = "04AABBCC", "04DDEEFF"
REFUSED = "handshake refused: server rejected WebSocket connection: HTTP 401"
METER_KEY = "b2NhOmJhc2UxNjphc24xOjMwNTY="
TOKEN = {"idToken": CARD, "type": "ISO14443"}


class Said(NamedTuple):
    """A call of the station as the CSMS reads it."""

    action: str
    payload: Payload


class Plant:
    """Vehicle, cable, contactor, lock and meter of one EVSE: what the agent only permits and observes."""

    def __init__(self, layout: EvseLayout) -> None:
        self.layout = layout
        self.intent = PilotIntent()
        self.state = CpState.A
        self.connector: int | None = None
        self.wants = True
        self.simplified = False
        self.closed = False
        self.welded = False
        self.register_wh = 1000.0
        self.power_w = 7200.0
        self.period_s = 0.0
        self.sample_at: float | None = None
        self.meter_answers = self.pilot_answers = True
        self.signs = False
        self.locked: dict[int, LockPosition] = {each.id: "unlocked" for each in layout.connectors if each.has_lock}
        self.lock_stuck = self.lock_silent = False
        self.latched: list[FaultCode] = []

    def pilot(self) -> CpState:
        """What the vehicle shows."""
        if self.connector is None:
            return CpState.A
        offered = self.simplified or self.intent.limit_a is not None
        return CpState.C if self.wants and offered else CpState.B

    def may_close(self) -> bool:
        """The board's own safety: by permission and in C only."""
        return (self.welded and self.closed) or (self.intent.permit_power and self.state is CpState.C)


class Bench:
    """``sent`` is what reached the CSMS, ``told`` every TransactionEvent that was made, ``intents`` the last wish.

    SecurityEventNotifications are in ``security``, not in ``sent``: every start says one.
    """

    def __init__(
        self,
        evses: int = 1,
        *,
        connectors: int = 1,
        attached: bool = True,
        lock: bool = False,
        bay: bool = False,
        secc: bool = False,
        meter: bool = True,
        relay_feedback: bool = True,
        variables: Mapping[str, object] | None = None,
        seed: int = 7,
        network: NetworkSetup | None = None,
        resettable: bool = True,
        most_events: int = MOST_EVENTS,
        own: Callable[[DeviceModel], None] = lambda model: None,
        monitors: tuple[Preset, ...] = (),
        layout: Mapping[str, Any] | None = None,
        certificates: CertificateStore | None = None,
        keys: KeyStore | None = None,
        signing: SigningSetup | None = None,
        slot: str = "",
    ) -> None:
        cables = tuple(ConnectorLayout(number + 1, "cType2", attached, lock) for number in range(connectors))
        self.layouts = tuple(
            EvseLayout(
                number + 1,
                connectors=cables,
                has_bay=bay,
                has_secc=secc,
                has_meter=meter,
                has_relay_feedback=relay_feedback,
                resettable=resettable,
                **(layout or {}),
            )
            for number in range(evses)
        )
        self.mono = 1000.0
        self.clock_moved_s = 0.0
        self.records: dict[str, bytes] = {}
        self.disk_refuses = False
        self.local_list: dict[bytes, bytes] = {}
        self.rows: dict[int, Row] = {}
        self.parked: dict[int, str] = {}
        self.plants = {layout.id: Plant(layout) for layout in self.layouts}
        self.intents: dict[int, PilotIntent] = {}
        self.secc_holds = SeccCertificates()
        self.contracts_brought: list[tuple[int, str | None]] = []
        self.vehicle_heard: dict[int, SeccIntent] = {}
        self.signing: list[BeginSigned | EndSigned] = []
        self.offered: list[tuple[int, tuple[ScheduleOffer, ...]]] = []
        self.sent: list[Said] = []
        self.security: list[Payload] = []
        self.security_log: list[LogSecurityEvent] = []
        self.told: list[TransactionEventRequest] = []
        self.facts: list[Fact] = []
        self.restarts: list[str] = []
        self.files: list[UploadLog | CancelUpload] = []
        self.firmware: list[FirmwareOrder] = []
        self.slot = slot  # the one that the machine was started from, where it has two
        self.trial: Trial = ""
        self.clock_set: list[datetime] = []
        self.script: dict[str, Reply | Callable[[Payload], Reply]] = {}
        self.network_up: bool | None = None  # not known yet: the first attempt waits
        self._dialing = False
        self.dialed: list[NetworkProfile | None] = []
        self.dark: set[str] = set()  # URLs at which nobody is
        self.password: UsePassword | None = None
        self.takes_password: Callable[[str], bool] = lambda password: True
        self.shown: list[str] = []  # the password of each attempt, empty: the provisioned one
        self._network = network
        self.machine_start = ""
        self.last_end: LastEnd | None = None
        self.board_reset = ""
        self._most_events = most_events
        self.answers: dict[str, Payload | str] = {}
        self._defaults = {spot(name): text(value) for name, value in (variables or {}).items()}
        self._own = own
        self._monitors = monitors
        self.certificates = certificates
        self.keys = keys
        self._signing = signing
        self.takes_certificate: Callable[[str], bool] = lambda shown: True
        self.shown_certificates: list[str] = []  # the file of each attempt by security profile 3, empty: as delivered
        self._entropy = Random(seed)
        self._next_id = 1
        self._asked = 0
        self.power_on()

    # ---- power and link ----

    def power_on(self) -> None:
        """A new station from what was remembered."""
        identity = ChargingStation(model="Bench", vendor_name="Table")
        self.station = Station(
            self.layouts,
            identity,
            self._entropy,
            defaults=self._defaults,
            network=self._network,
            signing=self._signing,
            monitors=self._monitors,
        )
        self._own(self.station.model)
        outbox = Outbox(next_id=self._next_id, waiting=self._waiting(), most_events=self._most_events)
        self.link = CsmsLink(outbox, self._entropy)
        self.password = None
        self.station.desk.waiting = self.link.outbox.waiting
        self.station.desk.machine_start = self.machine_start
        self.station.desk.last_end = self.last_end
        self.station.desk.board_reset = self.board_reset
        self.station.desk.local_list.read = self.local_list.get
        if self.certificates is not None:
            self.station.blocks.certificates.installed = self.certificates.installed()
        if self.keys is not None:
            self.station.blocks.signing.own = self.keys.own()
        if self.slot:
            self.station.blocks.firmware.runs_from(self.slot, self.trial)
        self._hardware: deque[Event] = deque()
        self._frames: deque[str] = deque()
        self.intents = {}
        self.station.power_on(self.records, self.now)
        self._perform(self.station.take_commands())
        self.link.power_on(self.mono)
        self._run()
        for plant in self.plants.values():
            self._report(plant)
        self._run()

    def power_cycle(self, off_s: float = 5.0) -> None:
        """Cut and restore: contactors open, vehicles stay, what was not kept is gone."""
        for plant in self.plants.values():
            self._count(plant, 0.0)
            plant.intent, plant.closed, plant.sample_at = PilotIntent(), False, None
            plant.state = CpState.A
        self.mono += off_s
        self.network_up = None
        self.power_on()

    def accept(self) -> None:
        """The network is there and the CSMS takes us."""
        self.connect()
        assert self.station.desk.accepted, self.sent

    def connect(self) -> None:
        """The network is there; the next attempt to connect succeeds."""
        self.network_up = True
        self._dial()
        self._run()
        self._wait_for(lambda: self.link.state == "open")

    def disconnect(self, reason: str = "cable out") -> None:
        """The network is gone."""
        self.network_up = False
        self._dial()
        if self.link.state == "open":
            self.link.receive_closed(reason, self.mono)
        self._run()

    # ---- hardware ----

    def post(self, event: Event) -> None:
        """The hardware says this."""
        self._hardware.append(event)
        self._run()

    def pilot(self, state: CpState, evse: int = 1, connector: int = 1) -> None:
        """The pilot shows this, whatever the simulated vehicle thinks."""
        self.plants[evse].state = state
        self.post(PilotChanged(evse, state, connector))

    def plug_in(
        self, evse: int = 1, connector: int = 1, *, wants: bool = True, simplified: bool = False, cable_a: float = 32.0
    ) -> None:
        """Cable in at both ends."""
        plant = self.plants[evse]
        plant.connector, plant.wants, plant.simplified = connector, wants, simplified
        if not plant.layout.connectors[connector - 1].attached:
            self._hardware.append(CableRated(evse, cable_a, connector))
        self._run()

    def unplug_at_vehicle(self, evse: int = 1) -> None:
        """The vehicle's end of the cable is out; at a socket the other end stays in."""
        self.plants[evse].connector = None
        self._run()

    def unplug(self, evse: int = 1) -> None:
        """Cable out, at both ends where it has two."""
        plant = self.plants[evse]
        connector, plant.connector = plant.connector or 1, None
        self._run()
        self.take_cable(evse, connector)

    def take_cable(self, evse: int = 1, connector: int = 1) -> None:
        """The station's end of the cable is out."""
        if not self.plants[evse].layout.connectors[connector - 1].attached:
            self.post(CableRated(evse, None, connector))

    def vehicle_wants(self, wants: bool, evse: int = 1) -> None:
        """The vehicle opens or closes its switch."""
        self.plants[evse].wants = wants
        self._run()

    def vehicle_ends(self, evse: int = 1) -> None:
        """The vehicle says that it wants no more in this session, then opens its switch."""
        self._hardware.append(VehicleEnded(evse))
        self._run()
        self.vehicle_wants(False, evse)

    def swipe(self, card: str = CARD, evse: int = 0, kind: TokenKind = "ISO14443") -> None:
        """A card at the reader of this EVSE, or (0) of the station."""
        self.post(CardPresented(evse, card, kind))

    def present_contract(self, contract: Contract, evse: int = 1) -> None:
        """The vehicle wants to pay by this contract."""
        self.post(ContractPresented(evse, contract))

    def choose_eim(self, evse: int = 1) -> None:
        """The vehicle leaves it to external means who pays."""
        self.post(EimChosen(evse))

    def bay(self, occupied: bool, evse: int = 1) -> None:
        """The parking bay's sensor."""
        self.post(BayChanged(evse, occupied))

    def charge(self, wh: float, evse: int = 1) -> None:
        """This much more on the register, and the meter says so."""
        self.plants[evse].register_wh += wh
        self.read_meter(evse)

    def read_meter(self, evse: int = 1) -> None:
        """The meter is read."""
        self._sample(self.plants[evse])
        self._run()

    def fault(self, code: FaultCode, evse: int = 1, connector: int | None = None) -> None:
        """A part reports a fault."""
        self.post(HardwareFaulted(evse, code, connector))

    def heal(self, code: FaultCode, evse: int = 1, connector: int | None = None) -> None:
        """The fault is gone."""
        self.post(HardwareHealed(evse, code, connector))

    def latch(self, code: FaultCode, evse: int = 1) -> None:
        """The pilot controller reports a fault and keeps it, until it is asked to leave it."""
        self.plants[evse].latched.append(code)
        self.fault(code, evse)

    def lose(self, part: str, evse: int = 1) -> None:
        """The wire to a part comes off (``meter``, ``pilot``)."""
        if part in ("meter", "pilot"):
            setattr(self.plants[evse], f"{part}_answers", False)
        self.post(DeviceLost(evse, f"evse[{evse - 1}].{part}", "no answer"))

    def find(self, part: str, evse: int = 1) -> None:
        """The wire is on again."""
        plant = self.plants[evse]
        plant.meter_answers = plant.pilot_answers = True
        plant.intent = self.intents[evse]
        self.post(DeviceFound(evse, f"evse[{evse - 1}].{part}"))

    def notice(self, event: Incoming) -> None:
        """An edge, or a technician, says this."""
        self._give(event)
        self._run()

    # ---- time ----

    @property
    def now(self) -> Now:
        """This moment."""
        return Now(POWER_ON + timedelta(seconds=round(self.mono - 1000.0 + self.clock_moved_s, 3)), self.mono)

    def pass_time(self, seconds: float) -> None:
        """Let time pass; what falls due on the way happens in its order, at its moment."""
        end = self.mono + seconds
        while (due := self._next_moment()) is not None and due <= end:
            self._go_to(due)
            self._expire()
        self._go_to(end)
        self._run()

    def _next_moment(self) -> float | None:
        times = [self.station.next_deadline(), self.link.next_deadline(self.mono)]
        times += [plant.sample_at for plant in self.plants.values()]
        return min((time for time in times if time is not None), default=None)

    def _go_to(self, mono: float) -> None:
        elapsed_s, self.mono = max(0.0, mono - self.mono), max(mono, self.mono)
        for plant in self.plants.values():
            self._count(plant, elapsed_s)

    def _expire(self) -> None:
        for plant in self.plants.values():
            if plant.sample_at is not None and self.mono >= plant.sample_at:
                self._sample(plant)
                plant.sample_at = self.mono + plant.period_s
        due = self.station.next_deadline()
        if due is not None and self.mono >= due:
            self.station.expire(self.now)
        self.link.expire(self.mono)
        self._run()

    def _wait_for(self, wanted: Callable[[], bool]) -> None:
        for _ in range(100):
            if wanted():
                return
            due = self._next_moment()
            assert due is not None, "nothing is going to happen"
            self.pass_time(max(0.0, due - self.mono))
        raise AssertionError("it did not come")

    # ---- the CSMS ----

    def ask(self, action: str, **payload: object) -> Reply:
        """What is answered to a call of the CSMS: payload, or code of the CALLERROR; None: not yet."""
        self.call(action, **payload)
        self._run()
        return self.last_answer()

    def call(self, action: str, **payload: object) -> None:
        """A call that is read as soon as what the CSMS said before is; ``last_answer`` has the answer then."""
        self._asked += 1
        self._frames.append(json.dumps([2, f"csms-{self._asked}", action, payload]))

    def last_answer(self) -> Reply:
        """The answer to the last call, when it came late."""
        return self.answers.get(f"csms-{self._asked}")

    def get(self, name: str) -> str:
        """The value of a variable, as the CSMS is told."""
        component, _, variable = name.partition(".")
        told = self.ask(
            "GetVariables", getVariableData=[{"component": {"name": component}, "variable": {"name": variable}}]
        )
        assert isinstance(told, dict)
        return str(told["getVariableResult"][0]["attributeValue"])

    def set(self, name: str, value: object) -> str:
        """Set a variable as the CSMS does; returns the status."""
        component, _, variable = name.partition(".")
        item = {"component": {"name": component}, "variable": {"name": variable}, "attributeValue": text(value)}
        told = self.ask("SetVariables", setVariableData=[item])
        assert isinstance(told, dict)
        return str(told["setVariableResult"][0]["attributeStatus"])

    def take_sent(self) -> list[Said]:
        """What was sent since the last call."""
        taken, self.sent = self.sent, []
        return taken

    def take_events(self) -> list[Payload]:
        """TransactionEvents that were sent since the last call; everything else is dropped."""
        return [said.payload for said in self.take_sent() if said.action == "TransactionEvent"]

    def take_story(self) -> list[tuple[str, str, str]]:
        """The same as (event type, trigger reason, charging state)."""
        return [story(event) for event in self.take_events()]

    def take_statuses(self) -> list[tuple[int, int, str]]:
        """StatusNotifications that were sent since the last call, as (EVSE, connector, status)."""
        return [
            (said.payload["evseId"], said.payload["connectorId"], said.payload["connectorStatus"])
            for said in self.take_sent()
            if said.action == "StatusNotification"
        ]

    def evse(self, evse: int = 1) -> Evse:
        """What the station thinks of an EVSE."""
        return self.station.site.evses[evse]

    @property
    def transaction_id(self) -> str:
        """Of the transaction on the first EVSE that has one."""
        running = self.station.site.running()
        assert running and running[0].transaction is not None, "no transaction"
        return running[0].transaction.id

    # ---- inside ----

    def _run(self) -> None:
        """Until nothing follows any more."""
        for _ in range(10_000):
            if not self._step():
                return
        raise AssertionError("the station never comes to rest")

    def _step(self) -> bool:
        commands = self.station.take_commands()
        self.facts += self.station.take_facts()
        if commands:
            self._perform(commands)
            return True
        wanted = self.link.take_commands()
        for command in wanted:
            self._obey_link(command)
        if wanted:
            return True
        incoming = self.link.take_events()
        for event in incoming:
            self._give(event)
        if incoming:
            return True
        if self._frames:
            self.link.receive_frame(self._frames.popleft(), self.mono)
            return True
        if not self._hardware:
            self._move_hardware()
        if self._hardware:
            self._give(self._hardware.popleft())
            return True
        return False

    def _give(self, event: Event | Incoming) -> None:
        self.station.receive(event, self.now)
        self._perform(self.station.take_commands())

    def _perform(self, commands: list[Command]) -> None:
        """Hardware, disk, network, as the loop does it; this disk is at once."""
        for command in commands:
            self._obey_hardware(command)
        for command in commands:
            self._obey_disk(command)
        for command in map(truthful, commands) if self.disk_refuses else commands:
            self._obey_network(command)
        if self.disk_refuses:  # what it keeps is written later, in this order
            for message_id in promises(commands):
                self._give(CallNotStored(message_id))

    def _obey_hardware(self, command: Command) -> None:
        match command:
            case ApplyIntent(evse=evse, intent=intent):
                self.intents[evse] = intent
                if self.plants[evse].pilot_answers:
                    self.plants[evse].intent = intent
            case SampleMeter(evse=evse, period_s=period_s):
                plant = self.plants[evse]
                plant.period_s, plant.sample_at = period_s, self.mono + period_s
                self._sample(plant)
            case ClearFault(evse=evse):
                self._hardware.extend(HardwareHealed(evse, code) for code in self.plants[evse].latched)
                self.plants[evse].latched.clear()
            case TellVehicle(evse=evse, intent=heard):
                self.vehicle_heard[evse] = heard
            case OfferSchedules(evse=evse, offers=offers):
                self.offered.append((evse, offers))
            case BringContract(evse=evse, exi=exi):
                self.contracts_brought.append((evse, exi))
            case BeginSigned() | EndSigned():
                self.signing.append(command)
            case LockConnector(evse=evse, connector=connector):
                self._move_lock(evse, connector, "locked")
            case UnlockConnector(evse=evse, connector=connector):
                self._move_lock(evse, connector, "unlocked")
            case SetClock(wall=wall):
                self.clock_set.append(wall)

    def _obey_disk(self, command: Command) -> None:
        match command:
            case KeepRecord(key=key, value=None):
                self.records.pop(key, None)
            case KeepRecord(key=key, value=bytes() as value):
                self.records[key] = value
            case LogSecurityEvent():
                self.security_log.append(command)
            case ChangeLocalList(replace=replace_all, put=put, drop=drop):
                if replace_all:
                    self.local_list.clear()
                for key in drop:
                    self.local_list.pop(key, None)
                self.local_list.update(put)
            case Send(request=request, durable=True, transaction_id=transaction_id, seq_no=seq_no):
                if isinstance(request, TransactionEventRequest):
                    self.told.append(request)
                row = self.link.outbox.append(request, transaction_id, seq_no, worth=command.worth)
                self.rows[row.id] = row
                self._next_id = row.id + 1

    def _obey_network(self, command: Command) -> None:
        match command:
            case Send(durable=True):
                self.link.receive_stored(self._next_id - 1, self.mono)
            case Send(request=request, asked_for=asked_for):
                self.link.send(request, asked_for=asked_for, mono=self.mono)
            case Answer(message_id=message_id, response=response):
                self.link.answer(message_id, response, self.mono)
            case Refuse(message_id=message_id, code=code, reason=reason):
                self.link.refuse(message_id, code, reason, self.mono)
            case AdmitMessages(which=which):
                self.link.admit(which, self.mono)
            case TuneLink():
                self.link.tune(command, self.mono)
            case UseNetwork():
                self.link.use(command)
            case UsePassword():
                self.password = command
            case RenewLink(reason=reason):
                self.link.renew(reason)
            case Restart(reason=reason):
                self.restarts.append(reason)
            case CertificateOrder():
                self._obey_certificates(command)
            case UploadLog() | CancelUpload():
                self.files.append(command)
            case FirmwareOrder():
                self.firmware.append(command)

    def _obey_certificates(self, order: CertificateOrder) -> None:
        """As the thread beside the loop does it."""
        if isinstance(order, EquipSeccs):
            self._equip(order)
            return None
        assert self.certificates is not None, "this bench has no folder for certificates"
        if isinstance(order, StoreCertificate | RemoveCertificate):
            return self._give(self.certificates.obey(order))
        assert self.keys is not None, "this bench has no folder for keys"
        if isinstance(order, ShowCertificate):
            self.keys.shows_renewed = order.renewed
        elif isinstance(order, MakeKey | JudgeSigned | EndTrial):
            self._give(self.keys.obey(order))
        return None

    def _equip(self, order: EquipSeccs) -> None:
        """What the SECCs hold, where there is a folder to take it from."""
        if self.certificates is not None and self.keys is not None:
            self.secc_holds = secc_certificates(self.certificates, self.keys, order.ocsp)

    def _obey_link(self, command: LinkCommand) -> None:
        match command:
            case Connect(profile=profile):
                self._dialing = True
                self.dialed.append(profile)
                self._dial()
            case Disconnect(reason=reason):
                self.link.receive_closed(reason, self.mono)
            case Transmit(frame=frame):
                self._hear(json.loads(frame))
            case Answered(id=id):
                del self.rows[id]
            case Refused(id=id, attempts=attempts):
                self.rows[id] = replace(self.rows[id], attempts=attempts)
            case Park(id=id, reason=reason):
                self.parked[id] = reason
                del self.rows[id]
            case Thin():
                self.link.receive_thinned(self._thin(command), self.mono)
            case ReadRows(after=after, limit=limit):
                rows = [row for id, row in sorted(self.rows.items()) if id > after][:limit]
                self.link.receive_rows(rows, self.mono)
            case _:
                self.link.receive_pong(self.mono)

    def _thin(self, wanted: Thin) -> Thinned:
        connection = sqlite3.connect(":memory:")
        connection.executescript(SCHEMA)
        ledger = Ledger(connection)
        for row in self.rows.values():
            ledger.insert(row)
        done = ledger.thin(wanted)
        self.rows = {row.id: row for row in ledger.behind(ReadRows(0, len(self.rows)))}
        return done

    def _waiting(self) -> Waiting:
        """What a database says of the rows that it has."""
        of = Counter(row.transaction_id for row in self.rows.values())
        return Waiting(len(self.rows), sum(len(row.message) for row in self.rows.values()), dict(of))

    def _dial(self) -> None:
        if self._dialing and self.network_up is not None:
            self._dialing = False
            profile = self.dialed[-1]
            if self.network_up and not self._shows_password(profile):
                self._give(SecurityNoticed("FailedToAuthenticateAtCsms", REFUSED))
                self.link.receive_closed(REFUSED, self.mono)
            elif self.network_up and not self._shows_certificate(profile):
                self.link.receive_closed("connection lost", self.mono)
            elif self.network_up and (profile is None or profile.url not in self.dark):
                self.link.receive_opened("ocpp2.0.1", self.mono)
            else:
                self.link.receive_closed("cannot connect", self.mono)

    def _shows_password(self, profile: NetworkProfile | None) -> bool:
        """As the connection does it; whether the CSMS takes it."""
        used = self.password or UsePassword("")
        own = None if profile is None or used.over_slots else profile.password
        self.shown.append(own or used.password)
        return self.takes_password(self.shown[-1])

    def _shows_certificate(self, profile: NetworkProfile | None) -> bool:
        """As TLS does it; whether the CSMS takes it."""
        if profile is None or profile.security_profile != 3:
            return True
        path = None if self.keys is None else self.keys.shown()
        self.shown_certificates.append("" if path is None else path.read_text())
        return self.takes_certificate(self.shown_certificates[-1])

    def _hear(self, frame: list[Any]) -> None:
        match frame:
            case [2, message_id, action, payload]:
                if action == "SecurityEventNotification":
                    self.security.append(payload)
                else:
                    self.sent.append(Said(action, payload))
                scripted = self.script.get(action, lambda asked: self._usual_reply(action, asked))
                reply = scripted(payload) if callable(scripted) else scripted
                if isinstance(reply, str):
                    self._frames.append(json.dumps([4, message_id, reply, "", {}]))
                elif reply is not None:
                    self._frames.append(json.dumps([3, message_id, reply]))
            case [3, message_id, payload]:
                self.answers[message_id] = payload
            case [4, message_id, code, *_]:
                self.answers[message_id] = code

    def _usual_reply(self, action: str, asked: Payload) -> Payload:
        """What a friendly CSMS says."""
        time = self.now.wall.isoformat().replace("+00:00", "Z")
        match action:
            case "BootNotification":
                return {"currentTime": time, "interval": 300, "status": "Accepted"}
            case "Heartbeat":
                return {"currentTime": time}
            case "Authorize":
                return {"idTokenInfo": {"status": "Accepted"}}
            case "TransactionEvent" if "idToken" in asked:
                return {"idTokenInfo": {"status": "Accepted"}}
        return {}

    def _move_hardware(self) -> None:
        """One change at a time: the vehicle answers the pilot, then the contactor answers both."""
        for evse, plant in self.plants.items():
            if not plant.pilot_answers:
                continue
            if plant.state in (CpState.A, CpState.B, CpState.C) and plant.state is not plant.pilot():
                connector = plant.connector or 1
                plant.state = plant.pilot()
                self._hardware.append(PilotChanged(evse, plant.state, connector))
                return
            if plant.layout.has_relay_feedback and plant.closed is not plant.may_close():
                plant.closed = plant.may_close()
                self._hardware.append(PowerChanged(evse, plant.closed))
                return

    def _report(self, plant: Plant) -> None:
        """What is true when the power comes on."""
        self._hardware.extend(HardwareFaulted(plant.layout.id, code) for code in plant.latched)
        for number, position in plant.locked.items():
            self._hardware.append(LockMoved(plant.layout.id, position, number))
        for each in plant.layout.connectors:
            if not each.attached and plant.connector == each.id:
                self._hardware.append(CableRated(plant.layout.id, 32.0, each.id))

    def _move_lock(self, evse: int, connector: int, position: LockPosition) -> None:
        plant = self.plants[evse]
        if plant.lock_silent:
            return
        if not plant.lock_stuck:
            plant.locked[connector] = position
        self._hardware.append(LockMoved(evse, plant.locked[connector], connector))

    def _count(self, plant: Plant, elapsed_s: float) -> None:
        flows = plant.closed or (not plant.layout.has_relay_feedback and plant.may_close())
        if flows:
            plant.register_wh += plant.power_w * elapsed_s / 3600

    def _sample(self, plant: Plant) -> None:
        if plant.meter_answers and plant.layout.has_meter:
            power_w = plant.power_w if plant.closed else 0.0
            wh = round(plant.register_wh, 3)
            signed = SignedRecord(f"T0NNRnx7{wh:.0f}", "OCMF", public_key=METER_KEY) if plant.signs else None
            self._hardware.append(MeterSampled(plant.layout.id, wh, power_w=power_w, signed=signed))


def spot(name: str) -> Spot:
    """``Component.Variable`` or ``Component.Variable[Instance]``."""
    component, _, rest = name.partition(".")
    variable, _, instance = rest.partition("[")
    return Spot(component, variable, instance.rstrip("]") or None)


def text(value: object) -> str:
    """A value as AttributeValue carries it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def story(event: Payload) -> tuple[str, str, str]:
    """What tells one TransactionEvent from another at a glance."""
    return event["eventType"], event["triggerReason"], event["transactionInfo"].get("chargingState", "")


def contexts(event: Payload) -> list[str]:
    """The reading contexts in a TransactionEvent, in order."""
    return [
        sampled.get("context", "Sample.Periodic")
        for value in event.get("meterValue", ())
        for sampled in value["sampledValue"]
    ]


def register_wh(event: Payload, context: str) -> float:
    """The energy register in a TransactionEvent."""
    found = [
        sampled["value"]
        for value in event.get("meterValue", ())
        for sampled in value["sampledValue"]
        if sampled.get("context") == context
        and sampled.get("measurand", "Energy.Active.Import.Register") == "Energy.Active.Import.Register"
    ]
    assert len(found) == 1, event
    return float(found[0])


def only(items: Iterable[Any]) -> Any:
    """The one thing there is."""
    (item,) = items
    return item
