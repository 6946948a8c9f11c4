"""Any order of vehicles, drivers, calls, faults, link, power and time leaves every transaction whole."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from agent.ocpp.messages.e_transactions import TransactionEventRequest
from hal.events import CpState
from tests.bench import CARD, OTHER_CARD, Bench

EVSES = st.integers(1, 2)
CARDS = st.sampled_from([CARD, OTHER_CARD])
POINTS = ("ParkingBayOccupancy", "EVConnected", "Authorized", "PowerPathClosed", "EnergyTransfer")
LISTS = st.lists(st.sampled_from(POINTS), min_size=1, max_size=3, unique=True).map(",".join)
FAULTS = st.sampled_from(["GroundFailure", "HighTemperature", "PowerMeterFailure", "ReaderFailure"])
STATUSES = st.sampled_from(["Accepted", "Accepted", "Accepted", "Invalid", "Blocked"])


def register_of(event: TransactionEventRequest, context: str) -> float | None:
    return next(
        (
            sampled.value
            for value in event.meter_value or ()
            for sampled in value.sampled_value
            if sampled.context == context and sampled.measurand is None
        ),
        None,
    )


class AnyOrder(RuleBasedStateMachine):
    """Two EVSEs with bays; sockets with locks in every second run."""

    @initialize(
        start=LISTS,
        stop=LISTS,
        socket=st.booleans(),
        feedback=st.booleans(),
        stop_on_disconnect=st.booleans(),
        stop_on_invalid=st.booleans(),
        unlock=st.booleans(),
        energy=st.sampled_from([0, 50]),
        auth=st.sampled_from([True, True, True, False]),
        resume=st.sampled_from([0, 600]),
    )
    def install(
        self,
        start: str,
        stop: str,
        socket: bool,
        feedback: bool,
        stop_on_disconnect: bool,
        stop_on_invalid: bool,
        unlock: bool,
        energy: int,
        auth: bool,
        resume: int,
    ) -> None:
        self.bench = Bench(
            2,
            attached=not socket,
            lock=socket,
            bay=True,
            relay_feedback=feedback,
            variables={
                "TxCtrlr.TxStartPoint": start,
                "TxCtrlr.TxStopPoint": stop,
                "TxCtrlr.StopTxOnEVSideDisconnect": stop_on_disconnect,
                "TxCtrlr.StopTxOnInvalidId": stop_on_invalid,
                "TxCtrlr.MaxEnergyOnInvalidId": energy,
                "TxCtrlr.ResumptionTimeout": resume,
                "AuthCtrlr.Enabled": auth,
                "AuthCtrlr.OfflineTxForUnknownIdEnabled": True,
                **({"OCPPCommCtrlr.UnlockOnEVSideDisconnect": unlock} if socket else {}),
            },
        )
        self.bench.connect()
        self.faults: set[tuple[int, str]] = set()
        self.checked = 0
        self.seq_nos: dict[str, list[int]] = defaultdict(list)
        self.kinds: dict[str, list[str]] = defaultdict(list)
        self.begins: dict[str, float] = {}

    # ---- what people, vehicles and accidents do ----

    @rule(evse=EVSES, wants=st.booleans(), simplified=st.booleans())
    def plug_in(self, evse: int, wants: bool, simplified: bool) -> None:
        if self.bench.plants[evse].connector is None:
            self.bench.plug_in(evse, wants=wants, simplified=simplified)

    @rule(evse=EVSES)
    def unplug(self, evse: int) -> None:
        self.bench.unplug(evse)

    @rule(evse=EVSES)
    def unplug_at_vehicle(self, evse: int) -> None:
        self.bench.unplug_at_vehicle(evse)

    @rule(evse=EVSES, wants=st.booleans())
    def vehicle_changes_its_mind(self, evse: int, wants: bool) -> None:
        self.bench.vehicle_wants(wants, evse)

    @rule(evse=EVSES)
    def vehicle_ends(self, evse: int) -> None:
        self.bench.vehicle_ends(evse)

    @rule(evse=EVSES, state=st.sampled_from(CpState))
    def pilot_shows(self, evse: int, state: CpState) -> None:
        self.bench.pilot(state, evse)
        self.bench.plants[evse].state = CpState.A if state in (CpState.D, CpState.E, CpState.F) else state
        if state is not CpState.A and self.bench.plants[evse].state is CpState.A:
            self.bench.pilot(CpState.A, evse)

    @rule(card=CARDS, evse=st.integers(0, 2))
    def swipe(self, card: str, evse: int) -> None:
        self.bench.swipe(card, evse)

    @rule(evse=EVSES, occupied=st.booleans())
    def bay(self, evse: int, occupied: bool) -> None:
        self.bench.bay(occupied, evse)

    @rule(evse=EVSES, code=FAULTS)
    def fault(self, evse: int, code: str) -> None:
        self.faults.add((evse, code))
        self.bench.fault(code, evse)  # type: ignore[arg-type]

    @precondition(lambda self: self.faults)
    @rule()
    def heal(self) -> None:
        evse, code = self.faults.pop()
        self.bench.heal(code, evse)  # type: ignore[arg-type]

    @rule(evse=EVSES, part=st.sampled_from(["meter", "pilot"]))
    def part_goes_and_comes(self, evse: int, part: str) -> None:
        self.bench.lose(part, evse)
        self.bench.pass_time(3)
        self.bench.find(part, evse)

    @rule(evse=EVSES, wh=st.sampled_from([0.0, 10.0, 60.0, -500.0]))
    def meter(self, evse: int, wh: float) -> None:
        self.bench.charge(wh, evse)

    # ---- what the CSMS does ----

    @rule(evse=st.integers(0, 2), number=st.integers(1, 99))
    def remote_start(self, evse: int, number: int) -> None:
        place = {"evseId": evse} if evse else {}
        token = {"idToken": "remote", "type": "Central"}
        self.bench.ask("RequestStartTransaction", idToken=token, remoteStartId=number, **place)

    @precondition(lambda self: self.bench.station.site.running())
    @rule()
    def remote_stop(self) -> None:
        self.bench.ask("RequestStopTransaction", transactionId=self.bench.transaction_id)

    @rule(status=STATUSES)
    def csms_thinks_of_tokens(self, status: str) -> None:
        self.bench.script["Authorize"] = {"idTokenInfo": {"status": status}}
        info = {"idTokenInfo": {"status": status}}
        self.bench.script["TransactionEvent"] = lambda asked: info if "idToken" in asked else {}

    @rule(operative=st.booleans(), evse=st.integers(0, 2))
    def availability(self, operative: bool, evse: int) -> None:
        status = "Operative" if operative else "Inoperative"
        self.bench.ask("ChangeAvailability", operationalStatus=status, evse={"id": evse})

    @rule(message=st.sampled_from(["TransactionEvent", "MeterValues", "Heartbeat"]))
    def trigger(self, message: str) -> None:
        self.bench.ask("TriggerMessage", requestedMessage=message)

    @rule(connector=EVSES)
    def unlock(self, connector: int) -> None:
        self.bench.ask("UnlockConnector", evseId=connector, connectorId=1)

    @rule(kind=st.sampled_from(["Immediate", "OnIdle"]))
    def reset(self, kind: str) -> None:
        self.bench.ask("Reset", type=kind)

    # ---- link, power, time ----

    @rule()
    def link_goes(self) -> None:
        self.bench.disconnect()

    @rule()
    def link_comes(self) -> None:
        self.bench.connect()

    @rule(seconds=st.sampled_from([0.5, 5.0, 30.0, 70.0, 400.0]))
    def time_passes(self, seconds: float) -> None:
        self.bench.pass_time(seconds)
        if self.bench.restarts:
            self.bench.restarts.clear()
            self.bench.power_cycle(off_s=0)
            self._again()

    @rule(off_s=st.sampled_from([1.0, 1000.0]))
    def power_cut(self, off_s: float) -> None:
        self.bench.power_cycle(off_s)
        self._again()

    def _again(self) -> None:
        """What the hardware says of itself when it is asked anew."""
        for evse, code in self.faults:
            self.bench.fault(code, evse)  # type: ignore[arg-type]

    # ---- what holds whatever happens ----

    @invariant()
    def all_is_well(self) -> None:
        self.events_are_whole()
        self.what_was_told_is_what_runs()
        self.power_needs_a_right_a_vehicle_and_health()

    def events_are_whole(self) -> None:
        for event in self.bench.told[self.checked :]:
            self._check(event)
        self.checked = len(self.bench.told)

    def _check(self, event: TransactionEventRequest) -> None:
        id_ = event.transaction_info.transaction_id
        seq_nos, kinds = self.seq_nos[id_], self.kinds[id_]
        seq_nos.append(event.seq_no)
        kinds.append(event.event_type)
        assert seq_nos == list(range(len(seq_nos))), "numbers without a gap"
        assert kinds[0] == "Started", "begins with Started"
        assert kinds.count("Started") == 1
        assert "Ended" not in kinds[:-1], "nothing after Ended"
        begin, end = register_of(event, "Transaction.Begin"), register_of(event, "Transaction.End")
        if begin is not None:
            assert self.begins.setdefault(id_, begin) == begin, "one beginning"
        if end is not None and id_ in self.begins:
            assert end >= self.begins[id_], "energy does not run backwards"
        assert (event.transaction_info.stopped_reason is not None) is (event.event_type == "Ended")

    def what_was_told_is_what_runs(self) -> None:
        running = {evse.transaction.id for evse in self.bench.station.site.running() if evse.transaction}
        assert len(running) == len(self.bench.station.site.running())
        told_as_running = {id_ for id_, kinds in self.kinds.items() if kinds[-1] != "Ended"}
        assert told_as_running == running, "what was started and not ended runs, and nothing else"
        on_disk = sorted(key for key in self.bench.records if key.startswith("transaction/"))
        assert on_disk == sorted(f"transaction/{evse.id}" for evse in self.bench.station.site.running())

    def power_needs_a_right_a_vehicle_and_health(self) -> None:
        for id_, intent in self.bench.intents.items():
            if intent.permit_power:
                evse = self.bench.evse(id_)
                assert evse.authorization is not None
                assert evse.plugged is not None
                assert evse.pilot in (CpState.B, CpState.C)
                assert not any(fault != "ReaderFailure" for where, fault in self.faults if where == id_)
                assert evse.connectors[evse.plugged].secured

    def teardown(self) -> None:
        """Everybody leaves, the CSMS is there: in the end everything is told and nothing runs."""
        if not hasattr(self, "bench"):
            return
        bench = self.bench
        for evse in (1, 2):
            bench.unplug(evse)
            bench.bay(False, evse)
            for card in (CARD, OTHER_CARD):
                bench.swipe(card, evse)
        bench.script.clear()
        bench.connect()
        bench.pass_time(3600)
        for running in bench.station.site.running():
            assert running.transaction is not None
            bench.ask("RequestStopTransaction", transactionId=running.transaction.id)
        bench.pass_time(60)
        self.events_are_whole()
        assert bench.rows == {}, "everything was delivered"
        assert [said.payload for said in bench.sent if said.action == "TransactionEvent"] != [] or not bench.told


AnyOrder.TestCase.settings = settings(max_examples=100, stateful_step_count=40, suppress_health_check=list(HealthCheck))
TestAnyOrder = AnyOrder.TestCase
