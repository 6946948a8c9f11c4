"""Block H and the certification cases of it: kept for one driver, used up by him, and over at its time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from tests.bench import CARD, OTHER_CARD, Bench, Payload

GROUP = "FAMILY"
HOUR_S = 3600


def card(token: str) -> Payload:
    return {"idToken": token, "type": "ISO14443"}


class Yard(Bench):
    """A bench with a CSMS that reserves."""

    def __init__(self, evses: int = 1, **options: Any) -> None:
        super().__init__(evses, **options)
        self.accept()
        self.take_sent()

    def reserve(self, id: int = 1, token: str = CARD, *, for_s: float = HOUR_S, **more: Any) -> str:
        """The status of the answer."""
        until = (self.now.wall + timedelta(seconds=for_s)).isoformat()
        told = self.ask("ReserveNow", id=id, idToken=card(token), expiryDateTime=until, **more)
        assert isinstance(told, dict), told
        return str(told["status"])

    def cancel(self, id: int = 1) -> str:
        told = self.ask("CancelReservation", reservationId=id)
        assert isinstance(told, dict)
        return str(told["status"])

    def updates(self) -> list[tuple[int, str]]:
        """ReservationStatusUpdates that were sent; everything else is dropped."""
        return [
            (said.payload["reservationId"], said.payload["reservationUpdateStatus"])
            for said in self.take_sent()
            if said.action == "ReservationStatusUpdate"
        ]

    def status(self, evse: int = 1) -> str:
        """What stands in the device model."""
        return str(self.station.blocks.statuses.status_of(self.evse(evse), self.evse(evse).connectors[1]))

    def judge(self, groups: Mapping[str, str]) -> None:
        """The CSMS knows whose card belongs to which group."""

        def answer(asked: Payload) -> Payload:
            group = groups.get(asked["idToken"]["idToken"])
            told: Payload = {"status": "Accepted"}
            if group:
                told["groupIdToken"] = {"idToken": group, "type": "Central"}
            return {"idTokenInfo": told}

        self.script["Authorize"] = answer

    def begins(self, token: str, evse: int = 0) -> bool:
        """Whether a card gives a right to charge somewhere."""
        before = {each.id for each in self.station.site.evses.values() if each.authorization}
        self.swipe(token, evse)
        return {each.id for each in self.station.site.evses.values() if each.authorization} != before


def charges(yard: Yard, token: str) -> Payload:
    """The states Authorized and EnergyTransferStarted of Part 6; the event that told the token."""
    yard.swipe(token)
    yard.plug_in()
    events = yard.take_events()
    assert events[-1]["transactionInfo"]["chargingState"] == "Charging"
    (told,) = [event for event in events if "idToken" in event]
    assert told["idToken"]["idToken"] == token
    return told


# ---- H01 ----


@pytest.mark.proves("H01.FR.23", "H01.FR.03", "H01.FR.15", "H03.FR.01", "H03.FR.09", "H03.FR.10", "E03.FR.03")
def test_TC_H_01_CS_kept_for_a_card_and_used_by_it():
    yard = Yard(variables={"TxCtrlr.TxStartPoint": "Authorized"})
    assert yard.reserve(evseId=1) == "Accepted"
    assert yard.take_statuses() == [(1, 1, "Reserved")]
    yard.swipe()
    sent = yard.take_sent()
    statuses = [said.payload["connectorStatus"] for said in sent if said.action == "StatusNotification"]
    (started,) = [said.payload for said in sent if said.action == "TransactionEvent"]
    assert (statuses, started["eventType"], started["reservationId"]) == (["Available"], "Started", 1)
    yard.plug_in()
    assert yard.evse().charging_state(yard.mono) == "Charging"
    assert all("reservationId" not in event for event in yard.take_events())
    assert yard.updates() == []


@pytest.mark.proves("F01.FR.21", "G03.FR.09", "F02.FR.23")
def test_TC_H_02_CS_another_card_does_not_charge_there():
    yard = Yard()
    yard.reserve(evseId=1)
    yard.take_sent()
    yard.plug_in()
    assert yard.take_statuses() == []
    assert not yard.begins(OTHER_CARD)
    assert yard.take_events() == []
    answer = yard.ask("RequestStartTransaction", idToken=card(OTHER_CARD), remoteStartId=3, evseId=1)
    assert isinstance(answer, dict) and answer["status"] == "Rejected"


@pytest.mark.proves("F01.FR.22", "F02.FR.24")
def test_a_remote_start_of_another_group_is_rejected_and_one_of_the_group_is_not():
    yard = Yard()
    group = {"idToken": GROUP, "type": "Central"}
    yard.reserve(evseId=1, groupIdToken=group)
    start = {"idToken": card(OTHER_CARD), "remoteStartId": 3, "evseId": 1}
    other = {"idToken": "OTHERS", "type": "Central"}
    refused = yard.ask("RequestStartTransaction", **start, groupIdToken=other)
    assert isinstance(refused, dict) and refused["status"] == "Rejected"
    taken = yard.ask("RequestStartTransaction", **start, groupIdToken=group)
    assert isinstance(taken, dict) and taken["status"] == "Accepted"
    yard.plug_in()
    assert yard.take_events()[0]["reservationId"] == 1


@pytest.mark.proves("H01.FR.11")
def test_TC_H_03_CS_what_is_reserved_is_occupied_for_the_next():
    yard = Yard()
    yard.reserve(evseId=1)
    assert yard.reserve(2, OTHER_CARD, evseId=1) == "Occupied"


@pytest.mark.proves("H01.FR.11")
def test_TC_H_04_CS_an_evse_in_use_is_occupied():
    yard = Yard()
    yard.plug_in()
    assert yard.reserve(token=OTHER_CARD, evseId=1) == "Occupied"
    yard.swipe()
    assert yard.reserve(token=OTHER_CARD, evseId=1) == "Occupied"


def test_H01_FR_12_a_faulted_evse_is_faulted():
    yard = Yard()
    yard.fault("GroundFailure")
    assert yard.reserve(evseId=1) == "Faulted"


@pytest.mark.proves("H01.FR.19")
def test_TC_H_13_CS_a_station_that_reserves_by_evse_only_takes_nothing_else():
    yard = Yard(2, variables={"ReservationCtrlr.NonEvseSpecific": "false"})
    assert yard.reserve() == "Rejected"
    assert yard.reserve(evseId=1) == "Accepted"


@pytest.mark.proves("H01.FR.14")
def test_TC_H_06_CS_an_evse_that_is_closed_is_unavailable():
    yard = Yard()
    yard.ask("ChangeAvailability", operationalStatus="Inoperative", evse={"id": 1})
    assert yard.reserve(evseId=1) == "Unavailable"


@pytest.mark.proves("H04.FR.01", "H04.FR.02", "H04.FR.03")
def test_TC_H_07_CS_a_reservation_that_nobody_used_is_over_at_its_time():
    yard = Yard()
    yard.reserve(evseId=1, for_s=60)
    yard.take_sent()
    yard.pass_time(59)
    assert yard.take_sent() == []
    yard.pass_time(1.5)
    sent = yard.take_sent()
    assert {said.action for said in sent} == {"StatusNotification", "ReservationStatusUpdate"}
    assert [said.payload["connectorStatus"] for said in sent if said.action == "StatusNotification"] == ["Available"]
    (update,) = [said.payload for said in sent if said.action == "ReservationStatusUpdate"]
    assert update == {"reservationId": 1, "reservationUpdateStatus": "Expired"}
    assert "reservationId" not in charges(yard, OTHER_CARD)


@pytest.mark.proves("H01.FR.01")
def test_TC_H_22_CS_a_station_that_takes_no_reservations():
    yard = Yard()
    assert yard.set("ReservationCtrlr.Enabled", False) == "Accepted"
    assert yard.reserve(evseId=1) == "Rejected"


def test_switched_off_a_reservation_stays_and_holds_nobody_up():
    yard = Yard()
    yard.reserve(evseId=1)
    yard.set("ReservationCtrlr.Enabled", False)
    assert yard.status() == "Available"
    yard.set("ReservationCtrlr.Enabled", True)
    assert yard.status() == "Reserved"
    yard.set("ReservationCtrlr.Enabled", False)
    assert yard.begins(OTHER_CARD)


@pytest.mark.proves("H01.FR.02")
def test_TC_H_23_CS_the_same_number_replaces_the_reservation():
    yard = Yard()
    yard.reserve(evseId=1)
    assert yard.reserve(1, OTHER_CARD, evseId=1) == "Accepted"
    assert yard.take_statuses() == [(1, 1, "Reserved")]
    assert not yard.begins(CARD)
    assert charges(yard, OTHER_CARD)["reservationId"] == 1


@pytest.mark.proves("H01.FR.04", "H01.FR.07", "H01.FR.18", "H01.FR.20")
def test_TC_H_08_CS_any_evse_of_a_station_that_has_one():
    yard = Yard()
    assert yard.reserve() == "Accepted"
    assert yard.take_statuses() == [(1, 1, "Reserved")]
    yard.swipe()
    assert yard.take_statuses() == [(1, 1, "Available")]
    yard.plug_in()
    first, *_, last = yard.take_events()
    assert (first["reservationId"], last["transactionInfo"]["chargingState"]) == (1, "Charging")


@pytest.mark.proves("H01.FR.11")
def test_TC_H_09_CS_any_evse_when_all_are_reserved():
    yard = Yard(2)
    assert [yard.reserve(1, evseId=1), yard.reserve(2, OTHER_CARD, evseId=2)] == ["Accepted"] * 2
    assert yard.reserve(3, "04THIRD") == "Occupied"


@pytest.mark.proves("H01.FR.11")
def test_TC_H_10_CS_any_evse_when_all_are_in_use():
    yard = Yard(2)
    for evse, token in ((1, CARD), (2, OTHER_CARD)):
        yard.plug_in(evse)
        yard.swipe(token, evse)
    assert yard.reserve(token="04THIRD") == "Occupied"


@pytest.mark.proves("H01.FR.14")
def test_TC_H_12_CS_any_evse_when_all_are_closed():
    yard = Yard(2)
    yard.ask("ChangeAvailability", operationalStatus="Inoperative")
    assert yard.reserve() == "Unavailable"


@pytest.mark.proves("H01.FR.07", "H01.FR.20")
def test_TC_H_14_CS_as_many_reservations_as_evses():
    yard = Yard(2)
    assert yard.reserve(1, "04A") == "Accepted"
    assert yard.take_statuses() == []
    assert yard.reserve(2, "04B") == "Accepted"
    assert sorted(yard.take_statuses()) == [(1, 1, "Reserved"), (2, 1, "Reserved")]
    assert yard.reserve(3, "04C") == "Occupied"


@pytest.mark.proves("H01.FR.06", "H01.FR.09", "H01.FR.24", "H03.FR.02")
def test_TC_H_15_CS_a_connector_of_a_type():
    yard = Yard()
    assert yard.reserve(connectorType="cType2") == "Accepted"
    assert yard.take_statuses() == [(1, 1, "Reserved")]
    assert not yard.begins(OTHER_CARD)
    assert charges(yard, CARD)["reservationId"] == 1


@pytest.mark.proves("H01.FR.11")
def test_TC_H_16_CS_a_type_of_which_every_connector_is_reserved():
    yard = Yard(2)
    for number in (1, 2):
        assert yard.reserve(number, f"04{number}", evseId=number) == "Accepted"
    assert yard.reserve(3, connectorType="cType2") == "Occupied"


@pytest.mark.parametrize(
    "more",
    [{"evseId": 9}, {"connectorType": "cCCS2"}, {"evseId": 1, "for_s": -1}],
    ids=["no such EVSE", "no such connector", "over already"],
)
def test_what_makes_no_sense_is_rejected(more: Payload) -> None:
    assert Yard().reserve(**more) == "Rejected"


@pytest.mark.proves("H03.FR.04", "H03.FR.07", "H03.FR.08")
def test_TC_H_19_CS_one_of_the_group_uses_it_and_the_csms_is_asked_for_his_group():
    yard = Yard()
    yard.judge({OTHER_CARD: GROUP})
    assert yard.reserve(evseId=1, groupIdToken={"idToken": GROUP, "type": "Central"}) == "Accepted"
    assert yard.take_statuses() == [(1, 1, "Reserved")]
    yard.swipe(OTHER_CARD)
    sent = yard.take_sent()
    assert sent[0].action == "Authorize"
    assert ("StatusNotification", "Available") in [(s.action, s.payload.get("connectorStatus")) for s in sent]
    yard.plug_in()
    first, *_, last = yard.take_events()
    assert (first["reservationId"], last["transactionInfo"]["chargingState"]) == (1, "Charging")


@pytest.mark.proves("H03.FR.05", "H03.FR.06")
@pytest.mark.parametrize("more", [{}, {"connectorType": "cType2"}], ids=["any", "a type"])
def test_TC_H_24_CS_one_of_the_group_uses_what_names_no_evse(more: Payload) -> None:
    yard = Yard()
    yard.judge({OTHER_CARD: GROUP, "04STRANGER": "OTHERS"})
    assert yard.reserve(groupIdToken={"idToken": GROUP, "type": "Central"}, **more) == "Accepted"
    assert yard.take_statuses() == [(1, 1, "Reserved")]
    assert not yard.begins("04STRANGER")
    assert charges(yard, OTHER_CARD)["reservationId"] == 1


@pytest.mark.proves("H03.FR.03")
def test_what_names_no_evse_is_used_at_one_that_is_available():
    """Errata 2.32, S3."""
    yard = Yard(2)
    yard.reserve()
    yard.plug_in(2)
    assert yard.status(2) == "Occupied"
    assert yard.status(1) == "Reserved"  # the last one that is free
    yard.swipe(CARD, evse=2)
    assert yard.take_events()[0]["reservationId"] == 1
    assert yard.status(1) == "Available"


@pytest.mark.proves("G01.FR.06", "E01.FR.13", "E02.FR.03", "F02.FR.06")
@pytest.mark.parametrize("point", ["EVConnected", "PowerPathClosed"])
def test_cable_first_at_a_reserved_evse(point: str) -> None:
    """It stays Reserved until the card comes; then it is Occupied, and the next event ends the reservation."""
    yard = Yard(variables={"TxCtrlr.TxStartPoint": point})
    yard.reserve(evseId=1)
    yard.take_sent()
    yard.plug_in()
    assert yard.status() == "Reserved"
    before = yard.take_sent()
    assert [said.action for said in before] == (["TransactionEvent"] if point == "EVConnected" else [])
    yard.swipe()
    sent = yard.take_sent()
    assert [s.payload["connectorStatus"] for s in sent if s.action == "StatusNotification"] == ["Occupied"]
    events = [said.payload for said in sent if said.action == "TransactionEvent"]
    assert [event.get("reservationId") for event in events] == [1] + [None] * (len(events) - 1)


@pytest.mark.proves("H01.FR.07", "G03.FR.09", "G01.FR.09")
def test_a_vehicle_without_a_right_changes_nothing_at_what_is_kept_for_anybody():
    yard = Yard()
    yard.reserve()
    yard.take_sent()
    yard.plug_in()
    assert (yard.status(), yard.take_statuses()) == ("Reserved", [])
    yard.unplug()
    assert (yard.status(), yard.take_statuses()) == ("Reserved", [])


# ---- H02 ----


@pytest.mark.proves("H02.FR.02", "H02.FR.03", "H02.FR.04")
def test_TC_H_17_CS_a_reservation_is_taken_back():
    yard = Yard()
    yard.reserve(evseId=1)
    yard.take_sent()
    assert yard.cancel() == "Accepted"
    assert yard.take_statuses() == [(1, 1, "Available")]
    assert yard.updates() == []
    assert yard.begins(OTHER_CARD)


@pytest.mark.proves("H02.FR.05", "H02.FR.06")
def test_what_names_no_evse_sets_all_of_them_free_again():
    yard = Yard(2)
    yard.reserve(1, "04A")
    yard.reserve(2, "04B")
    yard.take_sent()
    assert yard.cancel(1) == "Accepted"
    assert sorted(yard.take_statuses()) == [(1, 1, "Available"), (2, 1, "Available")]


@pytest.mark.proves("H02.FR.01")
def test_TC_H_18_CS_a_reservation_that_is_not_there():
    assert Yard().cancel(7) == "Rejected"


@pytest.mark.proves("H01.FR.17")
def test_TC_H_21_CS_an_evse_that_is_closed_takes_its_reservation_back():
    yard = Yard()
    yard.reserve(evseId=1)
    yard.take_sent()
    place = {"evse": {"id": 1}}
    assert yard.ask("ChangeAvailability", operationalStatus="Inoperative", **place) == {"status": "Accepted"}
    sent = yard.take_sent()
    assert [said.payload["connectorStatus"] for said in sent if said.action == "StatusNotification"] == ["Unavailable"]
    (update,) = [said.payload for said in sent if said.action == "ReservationStatusUpdate"]
    assert update == {"reservationId": 1, "reservationUpdateStatus": "Removed"}
    assert yard.cancel() == "Rejected"
    assert yard.ask("ChangeAvailability", operationalStatus="Operative", **place) == {"status": "Accepted"}
    assert yard.take_statuses() == [(1, 1, "Available")]
    assert "reservationId" not in charges(yard, OTHER_CARD)


def test_H01_FR_16_a_fault_takes_the_reservation_back():
    yard = Yard()
    yard.reserve(evseId=1)
    yard.take_sent()
    yard.fault("GroundFailure")
    assert yard.updates() == [(1, "Removed")]
    yard.heal("GroundFailure")
    assert yard.status() == "Available"


def test_a_fault_of_one_of_two_leaves_what_names_no_evse():
    yard = Yard(2)
    yard.reserve()
    yard.fault("GroundFailure", 1)
    assert yard.updates() == []
    assert yard.status(2) == "Reserved"
    yard.fault("GroundFailure", 2)
    assert yard.updates() == [(1, "Removed")]


# ---- over a restart ----


@pytest.mark.proves("B11.FR.05", "B01.FR.13")
def test_what_is_reserved_is_reserved_after_a_restart():
    yard = Yard(2)
    yard.reserve(evseId=2)
    yard.power_cycle()
    assert yard.status(2) == "Reserved"
    yard.accept()
    assert (2, 1, "Reserved") in yard.take_statuses()
    assert yard.begins(CARD, evse=2)
    yard.power_cycle()
    assert yard.status(2) != "Reserved"


def test_what_the_disk_refuses_is_neither_reserved_nor_cancelled():
    yard = Yard(3)
    yard.reserve(evseId=1)
    yard.disk_refuses = True
    assert yard.reserve(2, evseId=2) == "Rejected"
    assert yard.reserve(1, OTHER_CARD, for_s=2 * HOUR_S, evseId=3) == "Rejected"
    assert yard.cancel(1) == "Rejected"
    yard.disk_refuses = False
    for _ in range(2):
        assert [yard.status(evse) for evse in (1, 2, 3)] == ["Reserved", "Available", "Available"]
        yard.power_cycle()
    yard.accept()
    yard.pass_time(HOUR_S)
    assert yard.updates() == [(1, "Expired")]


def test_what_expired_in_the_dark_is_told_when_the_light_is_on():
    yard = Yard()
    yard.reserve(evseId=1, for_s=60)
    yard.power_cycle(off_s=300)
    yard.accept()
    yard.pass_time(1)
    assert (1, "Expired") in yard.updates()


def test_a_driver_who_is_authorized_elsewhere_may_not_move_to_what_is_kept_for_another():
    yard = Yard(2)
    yard.reserve(evseId=2)
    yard.swipe(OTHER_CARD)
    yard.plug_in(2)
    assert yard.evse(2).authorization is None
    yard.unplug(2)
    yard.plug_in(1)
    assert yard.evse(1).authorization is not None


def test_of_two_reservations_the_one_for_this_evse_is_used():
    yard = Yard(2)
    yard.reserve(1)
    yard.reserve(2, evseId=2)
    yard.swipe(CARD, evse=2)
    yard.plug_in(2)
    assert yard.take_events()[0]["reservationId"] == 2
    assert yard.cancel(1) == "Accepted"


def test_a_card_goes_to_the_evse_that_is_kept_for_it():
    yard = Yard(3)
    yard.reserve(evseId=3)
    yard.swipe(CARD)
    assert yard.evse(3).authorization is not None
