"""Block G: a connector's status under pressure: flapping, stability asked for, a CSMS that did not hear (G01, G03)."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest

from agent.ocpp.messages.g_availability import ConnectorStatus
from tests.bench import Bench, Payload, Said
from tests.blocks.test_e_start import bench_with

STABLE = "ChargingStation.MinimumStatusDuration"


def patient(minimum_s: int = 30, **options: object) -> Bench:
    return bench_with(variables={STABLE: minimum_s, "SampledDataCtrlr.TxUpdatedInterval": 0}, **options)


# ---- one of the valid ones, always ----


@pytest.mark.parametrize("what", ["nothing", "vehicle", "fault", "one connector closed", "closed", "charging"])
def test_G01_FR_01_every_connector_has_one_status_of_the_enumeration(what: str):
    bench = Bench(evses=2, connectors=2)
    if what in ("vehicle", "charging"):
        bench.plug_in()
    bench.accept()
    if what == "charging":
        bench.swipe()
    elif what == "fault":
        bench.fault("GroundFailure", connector=2)
    elif what == "closed":
        bench.ask("ChangeAvailability", operationalStatus="Inoperative")
    elif what == "one connector closed":
        bench.ask("ChangeAvailability", operationalStatus="Inoperative", evse={"id": 2, "connectorId": 1})
    last: dict[tuple[int, int], str] = {}
    for evse, connector, status in bench.take_statuses():
        last[evse, connector] = status
    assert set(last) == {(1, 1), (1, 2), (2, 1), (2, 2)}
    assert set(last.values()) <= set(get_args(ConnectorStatus))
    told: Payload = bench.ask("GetVariables", getVariableData=[asked(*place) for place in last])  # type: ignore[assignment]
    assert [each["attributeValue"] for each in told["getVariableResult"]] == list(last.values())


def asked(evse: int, connector: int) -> Payload:
    """The availability of a connector as a variable."""
    place = {"id": evse, "connectorId": connector}
    return {"component": {"name": "Connector", "evse": place}, "variable": {"name": "AvailabilityState"}}


@pytest.mark.parametrize("how", ["closed", "faulted"])
def test_G03_FR_06_of_an_evse_that_goes_out_of_service_no_connector_stays_in_service(how: str):
    bench = bench_with(evses=2, connectors=2)
    bench.fault("ConnectorLockFailure", connector=2)
    bench.take_sent()
    if how == "closed":
        bench.ask("ChangeAvailability", operationalStatus="Inoperative", evse={"id": 1})
        assert bench.take_statuses() == [(1, 1, "Unavailable")]  # the other one is faulted and stays so
    else:
        bench.fault("GroundFailure")
        assert bench.take_statuses() == [(1, 1, "Faulted")]  # and so is all of it, with nothing operative left
    bench.plug_in()
    bench.swipe()
    assert not bench.intents[1].permit_power


# ---- a connector that flaps ----


class SlowCsms(Bench):
    """It takes its time over a StatusNotification: ``answer`` says when."""

    held: tuple[str, ...] = ()
    slow = False

    def _hear(self, frame: list[Any]) -> None:
        if self.slow and frame[0] == 2 and frame[2] == "StatusNotification":
            self.sent.append(Said(frame[2], frame[3]))
            self.held = (*self.held, frame[1])
        else:
            super()._hear(frame)

    def answer(self) -> None:
        """The oldest one is answered."""
        first, *rest = self.held
        self.held = tuple(rest)
        self._frames.append(json.dumps([3, first, {}]))
        self._run()


def slow(**options: Any) -> SlowCsms:
    bench = SlowCsms(variables={"TxCtrlr.TxStartPoint": "Authorized"}, **options)
    bench.accept()
    bench.take_sent()
    bench.slow = True
    return bench


def flap(bench: Bench, times: int) -> None:
    for _ in range(times):
        bench.plug_in()
        bench.unplug()


def test_a_connector_that_flaps_has_one_status_under_way():
    bench = slow()
    flap(bench, 100)
    assert bench.take_statuses() == [(1, 1, "Occupied")]


def test_when_the_csms_has_answered_it_hears_the_last_status_and_no_other():
    bench = slow()
    flap(bench, 100)
    bench.take_sent()
    bench.answer()
    assert bench.take_statuses() == [(1, 1, "Available")]
    bench.answer()
    bench.pass_time(20)
    assert bench.take_statuses() == []


def test_a_connector_that_calmed_down_where_it_was_told_to_be_says_nothing_more():
    bench = slow()
    flap(bench, 100)
    bench.plug_in()
    bench.take_sent()
    bench.answer()
    assert bench.take_statuses() == []


def test_one_that_flaps_holds_up_no_other():
    bench = slow(evses=2)
    flap(bench, 100)
    bench.plug_in(evse=2)
    bench.take_sent()
    bench.answer()
    bench.answer()
    assert sorted(bench.take_statuses()) == [(1, 1, "Available"), (2, 1, "Occupied")]


def test_with_a_csms_that_never_answers_the_truth_is_told_on_the_next_connection():
    bench = slow()
    flap(bench, 3)
    bench.plug_in()
    bench.take_sent()
    bench.disconnect()
    bench.slow = False
    bench.pass_time(1)
    bench.connect()
    assert bench.take_statuses() == [(1, 1, "Occupied")]


def test_a_csms_that_keeps_up_hears_every_status():
    bench = bench_with(start="Authorized")
    flap(bench, 100)
    assert [status for _, _, status in bench.take_statuses()] == ["Occupied", "Available"] * 100


def test_the_duration_calms_what_flaps_for_a_csms_that_keeps_up():
    bench = patient(10, start="Authorized")
    for _ in range(300):
        flap(bench, 1)
        bench.pass_time(1)
    bench.plug_in()
    assert bench.take_statuses() == []
    bench.pass_time(10)
    assert bench.take_statuses() == [(1, 1, "Occupied")]


# ---- closed behind a transaction ----


def test_G01_FR_05_what_is_closed_is_not_free_when_its_vehicle_has_left_the_socket_and_the_bay_is_still_full():
    bench = bench_with(stop="ParkingBayOccupancy", bay=True)
    bench.bay(True)
    bench.plug_in()
    bench.swipe()
    bench.ask("ChangeAvailability", operationalStatus="Inoperative", evse={"id": 1})
    bench.take_sent()
    bench.unplug()
    assert bench.take_statuses() == [(1, 1, "Unavailable")]
    bench.bay(False)
    assert bench.take_statuses() == [(1, 1, "Unavailable")]  # TC_G_11, step 13: the transaction has ended
    bench.pass_time(600)
    assert bench.take_statuses() == []


def test_G01_FR_05_with_the_cable_the_transaction_ends_and_it_is_told_once():
    bench = bench_with(stop="EVConnected")
    bench.plug_in()
    bench.swipe()
    bench.ask("ChangeAvailability", operationalStatus="Inoperative", evse={"id": 1})
    bench.take_sent()
    bench.unplug()
    bench.pass_time(600)
    assert bench.take_statuses() == [(1, 1, "Unavailable")]


# ---- MinimumStatusDuration ----


def test_a_status_is_told_when_it_has_been_stable_for_so_long():
    bench = patient(30)
    bench.plug_in()
    bench.pass_time(29.9)
    assert bench.take_statuses() == []
    bench.pass_time(0.2)
    assert bench.take_statuses() == [(1, 1, "Occupied")]


def test_what_does_not_last_is_not_told():
    bench = patient(30)
    bench.plug_in()
    bench.pass_time(20)
    bench.unplug()
    bench.pass_time(600)
    assert bench.take_statuses() == []


def test_each_new_status_begins_to_count_anew():
    bench = patient(30)
    bench.plug_in()
    bench.pass_time(20)
    bench.fault("GroundFailure")
    bench.pass_time(20)
    assert bench.take_statuses() == []
    bench.pass_time(10)
    assert bench.take_statuses() == [(1, 1, "Faulted")]


def test_what_was_stable_while_offline_is_told_when_the_link_is_back():
    bench = patient(30)
    bench.disconnect()
    bench.plug_in()
    bench.pass_time(31)
    bench.connect()
    assert bench.take_statuses() == [(1, 1, "Occupied")]


def test_a_new_station_tells_all_at_once_however_stable():
    bench = Bench(variables={STABLE: 3600})
    bench.accept()
    assert bench.take_statuses() == [(1, 1, "Available")]


def test_a_transaction_does_not_wait_for_its_status():
    bench = patient(30, start="EVConnected")
    bench.plug_in()
    assert [said.action for said in bench.take_sent()] == ["TransactionEvent"]


def test_a_new_duration_counts_at_once():
    bench = patient(3600)
    bench.plug_in()
    bench.pass_time(60)
    assert bench.take_statuses() == []
    assert bench.set(STABLE, 0) == "Accepted"
    assert bench.take_statuses() == [(1, 1, "Occupied")]


# ---- a CSMS that did not hear ----


def test_a_status_that_got_no_answer_is_told_again_on_the_next_connection():
    bench = bench_with()
    bench.script["StatusNotification"] = None
    bench.plug_in()
    bench.disconnect()
    bench.script.clear()
    bench.take_sent()
    bench.pass_time(1)
    bench.connect()
    assert bench.take_statuses() == [(1, 1, "Occupied")]
