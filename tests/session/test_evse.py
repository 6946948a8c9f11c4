"""One EVSE: what it makes of events, what it wants of the hardware, and which of its states OCPP would name."""

from __future__ import annotations

import pytest

from agent.session.authorization import Authorization
from agent.session.connector import ConnectorLayout
from agent.session.evse import Evse
from agent.session.evse_state import OFFER_GRACE_S
from agent.session.layout import EvseLayout
from agent.session.transaction import Ending, Reading, Transaction
from agent.vocabulary.facts import (
    EvConnected,
    EvEndedSession,
    EvseFaulted,
    EvseHealed,
    LockReported,
    MeterRead,
    PowerPathClosed,
    PowerPathOpened,
    TokenPresented,
)
from hal.events import (
    BayChanged,
    CableRated,
    CardPresented,
    CpState,
    DeviceFound,
    DeviceLost,
    HardwareFaulted,
    HardwareHealed,
    LockMoved,
    MeterSampled,
    PilotChanged,
    PowerChanged,
    VehicleEnded,
)
from hal.ports import PilotIntent
from tests.session.table import ALICE, BOB, SOCKET, START, at


def charging(layout: EvseLayout | None = None) -> Evse:
    """Connected, authorized, contactor closed."""
    evse = Evse(layout or EvseLayout(1))
    evse.receive(PilotChanged(1, CpState.B), at())
    evse.authorize(Authorization(token=ALICE))
    evse.offered_at_mono = at().mono
    evse.receive(PilotChanged(1, CpState.C), at())
    evse.receive(PowerChanged(1, True), at())
    return evse


def running(evse: Evse, **more: object) -> Transaction:
    evse.transaction = Transaction(id="t", started_at=START, **more)  # type: ignore[arg-type]
    return evse.transaction


# ---- events ----


def test_an_idle_evse_is_available_and_permits_nothing():
    assert Evse(EvseLayout(1, phases=3)).intent() == PilotIntent(available=True, phases=3)


def test_the_contactor_is_told_when_it_moves():
    evse = Evse(EvseLayout(1))
    assert evse.receive(PowerChanged(1, False), at()) == []
    assert evse.receive(PowerChanged(1, True), at()) == [PowerPathClosed(1)]
    assert evse.receive(PowerChanged(1, False), at(5)) == [PowerPathOpened(1)]


def test_a_fault_is_said_once_and_heals_once():
    evse = Evse(EvseLayout(1))
    fault = HardwareFaulted(1, "GroundFailure", None, "06", "residual current")
    assert evse.receive(fault, at()) == [EvseFaulted(1, "GroundFailure", None, "06", "residual current")]
    assert evse.receive(fault, at()) == []
    assert evse.receive(HardwareHealed(1, "GroundFailure"), at()) == [EvseHealed(1, "GroundFailure", None)]
    assert evse.receive(HardwareHealed(1, "GroundFailure"), at()) == []


def test_two_faults_must_both_heal():
    evse = charging()
    evse.receive(HardwareFaulted(1, "HighTemperature"), at())
    evse.receive(HardwareFaulted(1, "UnderVoltage"), at())
    evse.receive(HardwareHealed(1, "HighTemperature"), at())
    assert not evse.intent().permit_power
    evse.receive(HardwareHealed(1, "UnderVoltage"), at())
    assert evse.intent().permit_power


def test_a_part_heals_its_own_fault_and_not_the_same_one_of_another_part():
    evse = charging()
    pilot = HardwareFaulted(1, "GroundFailure", None, "06", "", "evse[0].pilot")
    rcd = HardwareFaulted(1, "GroundFailure", None, "RCD", "", "evse[0].rcd")
    told = [fact for fault in (pilot, rcd, pilot) for fact in evse.receive(fault, at())]
    assert told == [EvseFaulted(1, "GroundFailure", None, code, "") for code in ("06", "RCD")]
    assert evse.receive(HardwareHealed(1, "GroundFailure", None, "evse[0].pilot"), at()) == []
    assert evse.receive(HardwareHealed(1, "GroundFailure", None, "evse[0].meter"), at()) == []
    assert not evse.intent().permit_power
    healed = evse.receive(HardwareHealed(1, "GroundFailure", None, "evse[0].rcd"), at())
    assert healed == [EvseHealed(1, "GroundFailure", None)]
    assert evse.intent().permit_power


def test_a_broken_card_reader_takes_no_power_away():
    evse = charging()
    evse.receive(HardwareFaulted(1, "ReaderFailure"), at())
    assert evse.intent().permit_power


def test_a_fault_of_another_connector_does_not_hold_this_one():
    evse = charging(EvseLayout(1, connectors=(ConnectorLayout(1), ConnectorLayout(2))))
    evse.receive(HardwareFaulted(1, "ConnectorLockFailure", 2), at())
    assert evse.intent().permit_power
    evse.receive(HardwareFaulted(1, "ConnectorLockFailure", 1), at())
    assert not evse.intent().permit_power


@pytest.mark.parametrize(
    ("part", "code", "holds"),
    [("pilot", "InternalError", True), ("meter", "PowerMeterFailure", True), ("reader", "ReaderFailure", False)],
)
def test_a_part_that_does_not_answer_is_a_fault_until_it_does(part: str, code: str, holds: bool):
    evse = charging()
    lost = DeviceLost(1, f"evse[0].{part}", "no answer")
    (fact,) = evse.receive(lost, at())
    assert isinstance(fact, EvseFaulted)
    assert (fact.code, fact.vendor_code) == (code, "DeviceLost")
    assert evse.receive(lost, at()) == []
    assert evse.intent().permit_power is not holds
    assert evse.receive(DeviceFound(1, f"evse[0].{part}"), at()) == [EvseHealed(1, code)]  # type: ignore[arg-type]
    assert evse.receive(DeviceFound(1, f"evse[0].{part}"), at()) == []
    assert evse.intent().permit_power


def test_a_reading_is_kept_with_its_time():
    evse = Evse(EvseLayout(1))
    sample = MeterSampled(1, 1234.0)
    assert evse.receive(sample, at(3)) == [MeterRead(1)]
    assert evse.reading == Reading(sample, at(3).wall)


def test_J02_FR_16_a_register_that_runs_backwards_in_a_transaction_is_not_believed():
    evse = Evse(EvseLayout(1))
    evse.receive(MeterSampled(1, 1000.0), at())
    running(evse, last=evse.reading)
    assert evse.receive(MeterSampled(1, 900.0), at(1)) == []
    assert evse.reading is not None
    assert evse.reading.sample.import_wh == 1000.0
    evse.transaction = None  # a meter may be replaced between two transactions
    assert evse.receive(MeterSampled(1, 5.0), at(2)) == [MeterRead(1)]


def test_a_card_at_the_reader_of_the_evse_is_for_the_evse():
    evse = Evse(EvseLayout(1))
    assert evse.receive(CardPresented(1, "04AABBCC"), at()) == [TokenPresented(1, ALICE)]


def test_the_bay_is_told_when_it_changes():
    evse = Evse(EvseLayout(1, has_bay=True))
    assert [type(fact).__name__ for fact in evse.receive(BayChanged(1, True), at())] == ["BayOccupied"]
    assert evse.receive(BayChanged(1, True), at()) == []
    assert [type(fact).__name__ for fact in evse.receive(BayChanged(1, False), at())] == ["BayLeft"]


def test_a_lock_is_told_whenever_it_answers():
    evse = Evse(EvseLayout(1, connectors=(SOCKET,)))
    assert evse.receive(LockMoved(1, "unlocked"), at()) == [LockReported(1, 1, "unlocked")]
    assert evse.receive(LockMoved(1, "unlocked"), at()) == [LockReported(1, 1, "unlocked")]


def test_what_is_said_of_a_connector_that_is_not_there_changes_nothing():
    evse = Evse(EvseLayout(1))
    assert evse.receive(CableRated(1, 20.0, connector=9), at()) == []
    assert evse.receive(LockMoved(1, "locked", connector=9), at()) == []


def test_only_a_connected_vehicle_ends_a_session():
    evse = Evse(EvseLayout(1))
    assert evse.receive(VehicleEnded(1), at()) == []
    evse.receive(PilotChanged(1, CpState.B), at())
    assert evse.receive(VehicleEnded(1), at()) == [EvEndedSession(1)]


# ---- what it wants of the hardware ----


def test_the_cable_limits_what_is_offered():
    evse = charging(EvseLayout(1, limit_a=32.0, connectors=(ConnectorLayout(1, "sType2", attached=False),)))
    assert evse.intent().limit_a == 32.0
    evse.receive(CableRated(1, 13.0), at())
    assert evse.intent().limit_a == 13.0
    evse.receive(CableRated(1, 63.0), at())
    assert evse.intent().limit_a == 32.0


def test_state_F_is_asked_for_when_nothing_may_begin_here_and_nobody_is_there():
    evse = Evse(EvseLayout(1))
    evse.operative = False
    assert not evse.intent().available
    evse.plugged = 1
    assert evse.intent().available


def test_C01_FR_01_no_power_without_authorization():
    evse = charging()
    assert evse.intent().permit_power
    evse.deauthorize()
    assert not evse.intent().permit_power


def test_no_power_out_of_service_but_for_the_transaction_that_runs():
    evse = charging()
    evse.operative = False
    assert not evse.may_give_power()
    running(evse)
    assert evse.may_give_power()


def test_no_power_once_the_transaction_is_ending_or_its_energy_is_blocked():
    evse = charging()
    transaction = running(evse)
    assert evse.may_give_power()
    transaction.energy_blocked = True
    assert not evse.may_give_power()
    transaction.energy_blocked = False
    transaction.ending = Ending("RemoteStop", "Remote", START)
    assert not evse.may_give_power()


def test_G05_FR_01_no_power_before_the_plug_is_locked():
    evse = charging(EvseLayout(1, connectors=(SOCKET,)))
    connector = evse.connectors[1]
    assert connector.held_for == ALICE
    assert not evse.may_give_power()
    assert evse.charging_state(at().mono) == "Charging"  # the contactor says so; it is told to open
    assert connector.wish_lock(True, at().mono)
    evse.receive(LockMoved(1, "moving"), at())
    assert not evse.may_give_power()
    evse.receive(LockMoved(1, "locked"), at())
    assert evse.may_give_power()
    evse.receive(LockMoved(1, "unlocked"), at())
    assert not evse.may_give_power()


def test_G05_a_lock_that_cannot_tell_its_position_is_trusted_once_it_has_answered():
    evse = charging(EvseLayout(1, connectors=(SOCKET,)))
    evse.connectors[1].wish_lock(True, at().mono)
    assert not evse.may_give_power()
    evse.receive(LockMoved(1, "unknown"), at())
    assert evse.may_give_power()


def test_a_cable_is_held_from_the_authorization_or_the_plugging_whichever_is_last():
    card_first, cable_first = (Evse(EvseLayout(1, connectors=(SOCKET,))) for _ in range(2))
    card_first.authorize(Authorization(token=ALICE))
    assert card_first.connectors[1].held_for is None
    card_first.receive(PilotChanged(1, CpState.B), at())
    assert card_first.connectors[1].held_for == ALICE
    cable_first.receive(PilotChanged(1, CpState.B), at())
    assert cable_first.connectors[1].held_for is None
    cable_first.authorize(Authorization(token=ALICE))
    assert cable_first.connectors[1].held_for == ALICE


def test_a_cable_that_is_torn_out_is_held_no_more():
    evse = charging(EvseLayout(1, connectors=(SOCKET,)))
    evse.receive(CableRated(1, 32.0), at())
    evse.receive(PilotChanged(1, CpState.A), at())
    assert evse.holds_cable()
    evse.receive(CableRated(1, None), at())
    assert evse.connectors[1].held_for is None


def test_a_captive_cable_and_a_socket_without_lock_hold_nothing():
    for cable in (ConnectorLayout(1), ConnectorLayout(1, "sType2", attached=False)):
        evse = charging(EvseLayout(1, connectors=(cable,)))
        assert evse.connectors[1].held_for is None
        assert evse.may_give_power()


# ---- service ----


@pytest.mark.parametrize(
    ("station", "evse_", "connector", "expected"),
    [(True, True, True, True), (False, True, True, False), (True, False, True, False), (True, True, False, False)],
)
def test_G03_G04_a_connector_is_in_service_when_station_evse_and_it_are(
    station: bool, evse_: bool, connector: bool, expected: bool
):
    evse = Evse(EvseLayout(1))
    evse.station_operative, evse.operative, evse.connectors[1].operative = station, evse_, connector
    assert evse.in_service(1) is expected
    assert evse.serves() is expected


def test_G03_FR_05_what_a_transaction_uses_stays_in_service_until_it_ends():
    evse = charging(EvseLayout(1, connectors=(ConnectorLayout(1), ConnectorLayout(2))))
    running(evse)
    evse.connectors[1].operative = evse.connectors[2].operative = False
    assert (evse.in_service(1), evse.in_service(2)) == (True, False)
    evse.connectors[2].operative, evse.operative = True, False
    assert (evse.in_service(1), evse.in_service(2)) == (True, True)
    evse.transaction = None
    assert (evse.in_service(1), evse.in_service(2)) == (False, False)


def test_an_evse_serves_while_one_of_its_connectors_does():
    evse = Evse(EvseLayout(1, connectors=(ConnectorLayout(1), ConnectorLayout(2))))
    evse.receive(HardwareFaulted(1, "ConnectorLockFailure", 1), at())
    assert (evse.serves(1), evse.serves(2), evse.serves()) == (False, True, True)
    evse.connectors[2].operative = False
    assert not evse.serves()


def test_C01_FR_23_a_transaction_that_was_authorized_goes_on_with_the_same_identifier_only():
    evse = Evse(EvseLayout(1))
    assert evse.open_to(ALICE)
    running(evse)
    assert evse.open_to(BOB)
    running(evse, token=ALICE)
    assert (evse.open_to(ALICE), evse.open_to(BOB), evse.open_to(None)) == (True, False, False)


def test_nobody_begins_where_somebody_is_or_has_left_his_cable():
    evse = Evse(EvseLayout(1, connectors=(SOCKET,)))
    evse.authorize(Authorization(token=ALICE))
    assert not evse.open_to(BOB)
    evse.receive(PilotChanged(1, CpState.B), at())
    evse.deauthorize(keep_cable=True)
    assert not evse.open_to(BOB)
    evse.release()
    assert evse.open_to(BOB)


# ---- what it means ----


def test_conditions_are_the_start_and_stop_points_that_hold():
    evse = Evse(EvseLayout(1, has_bay=True))
    assert evse.conditions() == frozenset()
    evse.receive(BayChanged(1, True), at())
    assert evse.conditions() == {"ParkingBayOccupancy"}
    evse.receive(PilotChanged(1, CpState.B), at())
    assert evse.conditions() == {"ParkingBayOccupancy", "EVConnected"}
    evse.authorize(Authorization(token=ALICE))
    assert evse.conditions() == {"ParkingBayOccupancy", "EVConnected", "Authorized", "PowerPathClosed"}
    evse.receive(PilotChanged(1, CpState.C), at())
    evse.receive(PowerChanged(1, True), at())
    assert "EnergyTransfer" in evse.conditions()


def test_without_a_sensor_a_connected_vehicle_occupies_the_bay():
    evse = Evse(EvseLayout(1))
    evse.receive(PilotChanged(1, CpState.B), at())
    assert evse.conditions() == {"ParkingBayOccupancy", "EVConnected"}


def test_without_relay_feedback_energy_flows_when_it_may():
    evse = Evse(EvseLayout(1, has_relay_feedback=False))
    evse.receive(PilotChanged(1, CpState.C), at())
    assert not evse.energy_flows()
    evse.authorize(Authorization(token=ALICE))
    assert evse.energy_flows()


def test_charging_states_of_a_plain_session():
    evse = Evse(EvseLayout(1))
    assert evse.charging_state(at().mono) == "Idle"
    evse.receive(PilotChanged(1, CpState.B), at())
    assert evse.charging_state(at().mono) == "EVConnected"
    evse.authorize(Authorization(token=ALICE))
    evse.offered_at_mono = at().mono
    assert evse.charging_state(at().mono) == "EVConnected"
    evse.receive(PilotChanged(1, CpState.C), at())
    evse.receive(PowerChanged(1, True), at())
    assert evse.charging_state(at().mono) == "Charging"
    evse.receive(PilotChanged(1, CpState.B), at(1))
    assert evse.charging_state(at(1).mono) == "SuspendedEV"
    evse.receive(HardwareFaulted(1, "HighTemperature"), at(2))
    assert evse.charging_state(at(2).mono) == "SuspendedEVSE"
    evse.deauthorize()
    assert evse.charging_state(at(2).mono) == "EVConnected"
    evse.receive(PilotChanged(1, CpState.A), at(3))
    assert evse.charging_state(at(3).mono) == "Idle"


def test_a_vehicle_that_takes_nothing_of_what_it_is_offered_is_suspended_after_a_while():
    evse = Evse(EvseLayout(1))
    evse.receive(PilotChanged(1, CpState.B), at())
    evse.authorize(Authorization(token=ALICE))
    evse.offered_at_mono = at().mono
    assert evse.charging_state(at(OFFER_GRACE_S - 0.1).mono) == "EVConnected"
    assert evse.charging_state(at(OFFER_GRACE_S).mono) == "SuspendedEV"


def test_a_vehicle_that_comes_back_gets_its_time_to_think_anew():
    evse = charging()
    evse.receive(PilotChanged(1, CpState.A), at(1))
    evse.receive(PowerChanged(1, False), at(1))
    evse.receive(PilotChanged(1, CpState.B), at(2))
    assert evse.charging_state(at(2).mono) == "EVConnected"


def test_E15_a_vehicle_that_ended_its_session_draws_nothing_whatever_its_pilot_shows():
    evse = charging()
    evse.receive(VehicleEnded(1), at(1))
    assert not evse.energy_flows()
    evse.receive(PilotChanged(1, CpState.B), at(1))
    evse.receive(PilotChanged(1, CpState.C), at(2))
    assert evse.energy_flows()


def test_the_final_reading_is_one_that_was_taken_after_the_contactor_opened():
    evse = charging()
    evse.receive(MeterSampled(1, 1000.0), at(1))
    assert not evse.final_reading_is_in()
    evse.receive(PowerChanged(1, False), at(2))
    assert not evse.final_reading_is_in()
    evse.receive(MeterSampled(1, 1001.0), at(2.1))
    assert evse.final_reading_is_in()


@pytest.mark.parametrize("how", ["none", "lost", "faulted"])
def test_nobody_waits_for_the_reading_of_a_meter_that_is_not_there(how: str):
    evse = charging(EvseLayout(1, has_meter=how != "none"))
    if how == "lost":
        evse.receive(DeviceLost(1, "evse[0].meter", "no answer"), at())
    elif how == "faulted":
        evse.receive(HardwareFaulted(1, "PowerMeterFailure"), at())
    assert evse.final_reading_is_in()


def test_the_first_connector_that_is_used_counts_until_it_is_free():
    evse = Evse(EvseLayout(1, connectors=(ConnectorLayout(1), ConnectorLayout(2))))
    assert evse.receive(PilotChanged(1, CpState.B, connector=2), at()) == [EvConnected(1, 2)]
    assert evse.plugged == 2
