"""Block G: a connector lock that does not do what it is told (G05)."""

from __future__ import annotations

import pytest

from agent.blocks.g_lock import BURST, PACE_S
from agent.session.connector import LOCK_PATIENCE_S
from hal.events import DeviceFound, DeviceLost, LockMoved
from tests.bench import Bench, Payload, only
from tests.blocks.test_e_start import bench_with


def socket(**options: object) -> Bench:
    variables = {"SampledDataCtrlr.TxUpdatedInterval": 0, **options.pop("variables", {})}  # type: ignore[dict-item]
    return bench_with(attached=False, lock=True, variables=variables, **options)


def take_problems(bench: Bench) -> list[Payload]:
    """What NotifyEvents said of locks since the last call."""
    told = [said.payload for said in bench.take_sent() if said.action == "NotifyEvent"]
    assert all((each["seqNo"], each.get("tbc", False), len(each["eventData"])) == (0, False, 1) for each in told)
    events = [each["eventData"][0] for each in told]
    return [event for event in events if event["component"]["name"] == "ConnectorPlugRetentionLock"]


def values(bench: Bench) -> list[str]:
    return [event["actualValue"] for event in take_problems(bench)]


def problem(bench: Bench, connector: int = 1) -> str:
    """ConnectorPlugRetentionLock.Problem as the CSMS reads it."""
    place = {"name": "ConnectorPlugRetentionLock", "evse": {"id": 1, "connectorId": connector}}
    told = bench.ask("GetVariables", getVariableData=[{"component": place, "variable": {"name": "Problem"}}])
    assert isinstance(told, dict)
    return str(told["getVariableResult"][0].get("attributeValue"))


def stuck(bench: Bench) -> Bench:
    """Somebody is authorized and the lock does not move."""
    bench.plants[1].lock_stuck = True
    bench.plug_in()
    bench.take_sent()
    bench.swipe()
    return bench


def test_G05_FR_02_a_lock_that_does_not_lock_is_told_and_nothing_is_charged():
    bench = stuck(socket())
    event = only(take_problems(bench))
    assert event["component"] == {"name": "ConnectorPlugRetentionLock", "evse": {"id": 1, "connectorId": 1}}
    assert event["variable"] == {"name": "Problem"}
    assert (event["actualValue"], event["trigger"]) == ("true", "Delta")
    assert event["eventNotificationType"] == "HardWiredNotification"
    assert not bench.plants[1].closed
    assert problem(bench) == "true"


def test_G05_FR_02_a_lock_that_says_nothing_has_a_problem_after_a_while_and_not_before():
    bench = socket()
    bench.plants[1].lock_silent = True
    bench.plug_in()
    bench.swipe()
    bench.pass_time(LOCK_PATIENCE_S - 0.1)
    assert values(bench) == []
    bench.pass_time(0.2)
    assert values(bench) == ["true"]


def test_G05_FR_02_a_lock_that_lets_go_of_a_cable_that_charges():
    bench = socket()
    bench.plug_in()
    bench.swipe()
    bench.take_sent()
    bench.post(LockMoved(1, "unlocked"))
    event = only(take_problems(bench))
    assert (event["actualValue"], event["transactionId"]) == ("true", bench.transaction_id)


@pytest.mark.parametrize("where", [1, None])
def test_G05_FR_02_a_lock_that_reports_a_fault(where: int | None):
    bench = socket()
    bench.fault("ConnectorLockFailure", connector=where)
    assert values(bench) == ["true"]
    bench.heal("ConnectorLockFailure", connector=where)
    assert values(bench) == ["false"]


def test_G05_FR_02_a_lock_whose_wire_is_off():
    bench = socket()
    bench.post(DeviceLost(1, "evse[0].connectors[0].lock", "no answer"))
    assert values(bench) == ["true"]
    bench.post(DeviceFound(1, "evse[0].connectors[0].lock"))
    assert values(bench) == ["false"]


def test_of_two_connectors_only_the_one_with_the_problem_is_told():
    bench = socket(connectors=2)
    bench.fault("ConnectorLockFailure", connector=2)
    assert only(take_problems(bench))["component"]["evse"] == {"id": 1, "connectorId": 2}
    assert [problem(bench, connector) for connector in (1, 2)] == ["false", "true"]


def test_when_it_works_again_that_is_told_as_well():
    bench = stuck(socket())
    bench.take_sent()
    bench.post(LockMoved(1, "locked"))
    event = only(take_problems(bench))
    assert (event["actualValue"], event["cleared"]) == ("false", True)
    assert problem(bench) == "false"
    assert bench.plants[1].closed


def test_a_lock_that_keeps_the_cable_is_told():
    bench = socket()
    bench.plug_in()
    bench.swipe()
    bench.plants[1].lock_stuck = True
    bench.take_sent()
    bench.swipe()
    assert values(bench) == ["true"]


def test_a_lock_that_works_or_that_cannot_tell_has_no_problem():
    bench = socket()
    bench.plug_in()
    bench.swipe()
    bench.post(LockMoved(1, "unknown"))
    bench.swipe()
    bench.unplug()
    assert values(bench) == []


def test_a_connector_without_a_lock_has_no_such_component():
    assert problem(bench_with()) == "None"


def test_a_problem_waits_for_the_csms_over_a_power_cut():
    bench = socket(variables={"AuthCtrlr.OfflineTxForUnknownIdEnabled": True})
    bench.disconnect()
    stuck(bench)
    bench.power_cycle()
    bench.connect()
    event = take_problems(bench)[0]
    assert event["actualValue"] == "true"
    assert event["timestamp"] < "2026-01-01T00:01:00"


def test_a_lock_that_flaps_does_not_flood_the_csms_and_its_last_word_is_true():
    bench = socket()
    bench.plug_in()
    bench.swipe()
    for _ in range(50):
        bench.post(LockMoved(1, "unlocked"))
        bench.post(LockMoved(1, "locked"))
    bench.post(LockMoved(1, "unlocked"))
    assert len(values(bench)) == BURST
    assert problem(bench) == "true"
    bench.pass_time(10 * PACE_S)
    assert values(bench) == ["true"]


def test_what_the_csms_does_not_want_to_hear_is_not_told():
    bench = socket(variables={"MonitoringCtrlr.ActiveMonitoringLevel": 0})
    assert values(stuck(bench)) == []
    assert problem(bench) == "true"
