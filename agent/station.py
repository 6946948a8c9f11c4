"""The router: events to EVSEs, facts and calls to blocks, commands out.  Decides nothing and does no I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from random import Random

from agent.blocks.a_signing import SigningSetup
from agent.blocks.b_network import NetworkSetup
from agent.blocks.base import CallRefused, Desk
from agent.functional_blocks import FunctionalBlocks
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
from agent.vocabulary.facts import Fact, TokenPresented
from agent.vocabulary.incoming import CallFailed, CallNotStored, CsmsAnswered, CsmsCalled, Incoming, LimitSet
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
        self.blocks = FunctionalBlocks(
            self.desk, identity, network or NetworkSetup(), signing or SigningSetup(), monitors
        )
        self.log: list[Fact] = []
        self._hearers = self.blocks.who(lambda block: block.facts)
        self._callees = self.blocks.who(lambda block: block.calls)
        self._askers = self.blocks.who(lambda block: block.answers)
        self._listeners = self.blocks.who(lambda block: block.incoming)
        self._intents: dict[int, PilotIntent] = {}
        self._signing: dict[int, BeginSigned | EndSigned] = {}
        self._declare(identity)
        self.instruments = Instruments(self.model)
        self.instruments.declare_readers(readers)
        for evse_id, spots in (thermometers or {}).items():
            self.instruments.declare_thermometers(evse_id, spots)
        for spot, text in (defaults or {}).items():
            self.model.provide(spot, text)

    def _declare(self, identity: ChargingStation) -> None:
        """What this station has, beside what every one has."""
        declare_hardware(self.model, self.site, self.blocks.statuses.status_of)
        declare_clock(self.model, lambda: self.desk.wall, lambda: self.desk.clock_known)
        declare_tokens(self.model, self.desk.cache, self.desk.local_list)
        declare_smart_charging(self.model, self.site, self.desk.profiles)
        declare_parts(self.model, self.site)
        declare_identity(
            self.model, identity.model, identity.vendor_name, identity.serial_number, identity.firmware_version
        )

    # ---- the three verbs ----

    def power_on(self, records: Mapping[str, bytes], now: Now, remark: str = "") -> None:
        """Take up what was remembered; every EVSE gets its first intent.

        ``remark`` is what is wrong with the memory as a whole.
        """
        self.settings.take_up(records, now)
        for block in self.blocks:
            block.remember(records, now)
        self.blocks.provisioning.tune()
        self.blocks.security.started(remark, now)
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
        self.blocks.expire(now)
        self.settle(now)

    def next_deadline(self) -> float | None:
        """When ``expire`` must be called."""
        dc = (evse.dc.next_deadline() for evse in self.site.evses.values() if evse.dc is not None)
        times = (self.site.next_deadline(), *dc, self.blocks.next_deadline())
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
        self.blocks.security.clock_moved(by_s, now)

    def move_times(self, shift: ClockShift) -> None:
        """The time of day became known: readings and transactions were stamped with another."""
        self.blocks.transactions.move_times(shift)
        self.settings.move_times(shift)
        self.blocks.smart_charging.move_times(shift)

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
            case CsmsCalled(message_id=message_id, request=request):
                self._call(message_id, request, now)
            case CsmsAnswered(request=request, outcome=outcome):
                if not isinstance(outcome, CallFailed):
                    self.desk.heard_mono = now.mono
                for method in self._askers.get(type(request), ()):
                    method(request, outcome, now)
            case CallNotStored(message_id=message_id):
                self.desk.take_back(message_id)
            case LimitSet():
                self.settings.limit(event, now)
            case _:
                for method in self._listeners.get(type(event), ()):
                    method(event, now)

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
        blocks = self.blocks
        self._hear_facts(now)
        blocks.firmware.look(now)
        blocks.reservations.look(now)
        blocks.statuses.look(now)
        self._hear_facts(now)
        blocks.smart_charging.look(now)
        blocks.external_limits.look(now)
        blocks.vehicle_schedules.look(now)
        self._hear_facts(now)
        for evse in self.site.evses.values():
            self._wishes(evse, now)
        blocks.authorization.tell_vehicles()
        blocks.monitoring.watch.look(now)
        blocks.password.look(now)  # behind what the present connection is still to hear
        self._hear_facts(now)
        if self.settings.keep_variables():
            blocks.provisioning.tune()

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
