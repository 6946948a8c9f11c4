"""Every variable that a CSMS can set changes what the station does: with another value the day goes differently.

A row of ``EFFECTS`` has two values, both set by the CSMS while the station runs, and a piece of a day in which the
difference is to be seen: in what the CSMS hears, in what the hardware is told, or in when the station does something.
Where that takes more than a bench the row names the test that shows it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from agent.model import catalogue
from agent.model.variable import Variable
from hal.events import MeterSampled
from tests.bench import OTHER_CARD, TOKEN, Bench

ROOT = Path(__file__).parents[2]
Day = Callable[[Bench], object]


class Effect(NamedTuple):
    """What is seen of a variable; ``given`` is set before it, ``socket`` has a lock and takes a driver's cable."""

    values: tuple[object, object]
    day: Day
    given: dict[str, object] = {}
    socket: bool = False
    admitted: str = "Accepted"


# ---- pieces of a day; each returns what the CSMS did not hear of it ----


def charge(bench: Bench) -> None:
    """A session from plug to plug, with readings, the driver's card at both ends."""
    bench.plug_in()
    bench.swipe()
    bench.pass_time(130)
    bench.charge(500)
    bench.vehicle_wants(False)
    bench.pass_time(20)
    bench.swipe()
    bench.unplug()


def leave_at_vehicle(bench: Bench) -> object:
    """The vehicle's end of the cable comes out while it charges."""
    bench.plug_in()
    bench.swipe()
    bench.pass_time(10)
    bench.unplug_at_vehicle()
    bench.pass_time(10)
    return dict(bench.plants[1].locked)


def come_late(bench: Bench) -> None:
    """Card first, cable 50 s later."""
    bench.swipe()
    bench.pass_time(50)
    bench.plug_in()


def be_refused(bench: Bench) -> object:
    """The CSMS says of the card in the Started that it is not valid."""
    bench.script["TransactionEvent"] = lambda asked: (
        {"idTokenInfo": {"status": "Invalid"}} if "idToken" in asked else {}
    )
    bench.plug_in()
    bench.swipe()
    bench.pass_time(10)
    return bench.intents[1].permit_power


def charge_unaccepted(bench: Bench) -> object:
    bench.plug_in()
    bench.swipe()
    bench.pass_time(10)
    return bench.intents[1].permit_power


def lose_power(bench: Bench) -> object:
    """In a session, for half a minute."""
    bench.plug_in()
    bench.swipe()
    bench.pass_time(20)
    bench.power_cycle(off_s=30)
    bench.connect()
    bench.pass_time(20)
    return bench.intents[1].permit_power


def stay_and_lose_power(bench: Bench) -> object:
    """``lose_power`` with a station that resumes."""
    assert bench.set("TxCtrlr.ResumptionTimeout", 120) == "Accepted"
    return lose_power(bench)


def touch(bench: Bench) -> None:
    """A plug that is out again at once."""
    bench.plug_in()
    bench.pass_time(1)
    bench.unplug()
    bench.pass_time(100)


def wait(bench: Bench) -> None:
    bench.pass_time(400)


def be_told_no(bench: Bench) -> object:
    """The CSMS fails at every TransactionEvent."""
    bench.script["TransactionEvent"] = "InternalError"
    bench.plug_in()
    bench.swipe()
    bench.pass_time(600)
    return len(bench.parked)


def be_away(bench: Bench) -> object:
    """Offline for 100 s; when is the next attempt?"""
    attempts = []
    bench.disconnect()
    for _ in range(10):
        attempts.append(bench.link.next_deadline(bench.mono))
        bench.pass_time(10)
    bench.connect()
    bench.pass_time(30)
    return attempts


def be_quiet(bench: Bench) -> object:
    """When does the link want to do something?"""
    return bench.link.next_deadline(bench.mono)


def start_from_afar(bench: Bench) -> None:
    bench.plug_in()
    bench.ask("RequestStartTransaction", idToken={**TOKEN, "idToken": "FAR"}, remoteStartId=1, evseId=1)


def come_offline(bench: Bench) -> object:
    """Somebody whom nobody knows, while the CSMS cannot be asked."""
    bench.disconnect()
    bench.plug_in()
    bench.swipe(OTHER_CARD)
    bench.pass_time(10)
    return bench.intents[1].permit_power


def known(bench: Bench, status: str = "Accepted") -> None:
    """The card was here before and is in the cache."""
    bench.script["Authorize"] = {"idTokenInfo": {"status": status}}
    bench.swipe()
    bench.pass_time(120)


def come_again(bench: Bench) -> object:
    known(bench)
    bench.plug_in()
    bench.swipe()
    bench.pass_time(10)
    return bench.intents[1].permit_power


def come_again_offline(bench: Bench) -> object:
    known(bench)
    bench.disconnect()
    bench.plug_in()
    bench.swipe()
    bench.pass_time(10)
    return bench.intents[1].permit_power


def come_again_refused(bench: Bench) -> object:
    """The cache knows that the card is not valid."""
    known(bench, "Invalid")
    bench.plug_in()
    bench.swipe()
    return None


def listed(bench: Bench, status: str = "Accepted") -> None:
    entry = {"idToken": TOKEN, "idTokenInfo": {"status": status}}
    bench.ask("SendLocalList", versionNumber=5, updateType="Full", localAuthorizationList=[entry])


def come_listed(bench: Bench) -> object:
    listed(bench)
    bench.disconnect()
    bench.plug_in()
    bench.swipe()
    bench.pass_time(10)
    return bench.intents[1].permit_power


def come_listed_refused(bench: Bench) -> None:
    listed(bench, "Blocked")
    bench.plug_in()
    bench.swipe()


def come_with_the_master(bench: Bench) -> None:
    """Charging; then somebody of the group that may end everything shows a card."""
    bench.plug_in()
    bench.swipe()
    group = {"idToken": "MASTER", "type": "Central"}
    bench.script["Authorize"] = {"idTokenInfo": {"status": "Accepted", "groupIdToken": group}}
    bench.swipe(OTHER_CARD)
    bench.pass_time(10)


def be_asked_by_phase(bench: Bench) -> None:
    bench.plug_in()
    bench.swipe()
    bench.post(MeterSampled(1, import_wh=2000.0, import_phase_wh=(500.0, 700.0, 800.0)))
    bench.ask("TriggerMessage", requestedMessage="TransactionEvent")


def idle_by_the_clock(bench: Bench) -> None:
    """Without a transaction and with one, over some even moments."""
    bench.pass_time(130)
    charge(bench)


def fill_cache(bench: Bench) -> object:
    """Three cards fill the cache, the first of them comes again, then a fourth: who is still known?"""

    def come(number: int) -> None:
        bench.swipe(f"0400000{number}")
        bench.pass_time(70)

    for number in (1, 2, 3):
        come(number)
    bench.station.desk.cache._most_bytes = bench.station.desk.cache.bytes + 50
    for number in (1, 4):
        come(number)
    return sorted(bench.records)


CLOCK = {"AlignedDataCtrlr.Interval": 60}
STOPS = {"TxCtrlr.TxStopPoint": "Authorized"}
ENERGY, POWER = "Energy.Active.Import.Register", "Power.Active.Import"

EFFECTS: dict[str, Effect | str] = {
    "TxCtrlr.TxStartPoint": Effect(("PowerPathClosed", "EVConnected"), charge),
    "TxCtrlr.TxStopPoint": Effect(("EVConnected", "Authorized"), charge),
    "TxCtrlr.EVConnectionTimeOut": Effect((20, 100), come_late),
    "TxCtrlr.StopTxOnEVSideDisconnect": Effect((True, False), leave_at_vehicle, STOPS),
    "TxCtrlr.StopTxOnInvalidId": Effect((True, False), be_refused, STOPS),
    "TxCtrlr.MaxEnergyOnInvalidId": Effect((0, 5000), be_refused, {"TxCtrlr.StopTxOnInvalidId": False}),
    "TxCtrlr.TxBeforeAcceptedEnabled": Effect(
        (False, True), charge_unaccepted, {"AuthCtrlr.Enabled": False}, admitted="Pending"
    ),
    "TxCtrlr.ResumptionTimeout": Effect((0, 120), lose_power),
    "TxCtrlr.AllowEnergyTransferResumption": Effect((True, False), stay_and_lose_power),
    "SmartChargingCtrlr.LimitChangeSignificance": (
        "tests/blocks/test_limits.py::test_small_changes_are_told_when_they_add_up"
    ),
    "ChargingStation.MinimumStatusDuration": Effect((0, 30), touch),
    "OCPPCommCtrlr.HeartbeatInterval": Effect((60, 300), wait),
    "OCPPCommCtrlr.MessageAttempts[TransactionEvent]": Effect((1, 5), be_told_no),
    "OCPPCommCtrlr.MessageAttemptInterval[TransactionEvent]": Effect((5, 60), be_told_no),
    "OCPPCommCtrlr.OfflineThreshold": Effect((60, 300), be_away),
    "OCPPCommCtrlr.RetryBackOffRepeatTimes": Effect((0, 5), be_away),
    "OCPPCommCtrlr.RetryBackOffRandomRange": Effect((0, 30), be_away),
    "OCPPCommCtrlr.RetryBackOffWaitMinimum": Effect((5, 60), be_away),
    "OCPPCommCtrlr.WebSocketPingInterval": Effect((10, 60), be_quiet),
    "OCPPCommCtrlr.NetworkConfigurationPriority": (
        "tests/blocks/test_b_network.py::test_a_new_csms_is_first_and_the_station_goes_there_after_the_reset"
    ),
    "OCPPCommCtrlr.NetworkProfileConnectionAttempts": (
        "tests/blocks/test_b_network.py::test_B10_FR_03_so_many_attempts_then_the_next_entry"
    ),
    "OCPPCommCtrlr.ResetRetries": (
        "tests/blocks/test_b_variables.py"
        "::test_an_evse_whose_fault_outlives_its_reset_is_reset_as_often_as_ResetRetries_says"
    ),
    "OCPPCommCtrlr.UnlockOnEVSideDisconnect": Effect((True, False), leave_at_vehicle, socket=True),
    "OCPPCommCtrlr.PublicKeyWithSignedMeterValue": (
        "tests/blocks/test_j_signed.py::test_the_public_key_is_told_as_often_as_the_variable_says"
    ),
    "SecurityCtrlr.BasicAuthPassword": (
        "tests/blocks/test_a_password.py::test_A01_FR_01_the_password_is_in_the_variable_and_outlives_the_power"
    ),
    "SecurityCtrlr.OrganizationName": (
        "tests/blocks/test_a_signing.py::test_the_request_names_the_serial_number_and_the_OrganizationName"
    ),
    "SecurityCtrlr.CertSigningWaitMinimum": (
        "tests/blocks/test_a_signing.py"
        "::test_what_was_accepted_and_does_not_come_is_asked_for_again_with_longer_and_longer_pauses"
    ),
    "SecurityCtrlr.CertSigningRepeatTimes": (
        "tests/blocks/test_a_signing.py"
        "::test_what_was_accepted_and_does_not_come_is_asked_for_again_with_longer_and_longer_pauses"
    ),
    "SecurityCtrlr.AllowCSMSTLSWildcards": (
        "tests/scenarios/test_security_profiles.py"
        "::test_a_wildcard_for_a_name_counts_where_AllowCSMSTLSWildcards_says_so"
    ),
    "SecurityCtrlr.AllowSecurityProfileDowngrade": (
        "tests/blocks/test_b_network.py::test_a_less_secure_profile_is_rejected"
    ),
    "AuthCtrlr.Enabled": Effect((True, False), charge),
    "AuthCtrlr.AuthorizeRemoteStart": Effect((True, False), start_from_afar),
    "AuthCtrlr.OfflineTxForUnknownIdEnabled": Effect((True, False), come_offline),
    "AuthCtrlr.LocalAuthorizeOffline": Effect((True, False), come_again_offline),
    "AuthCtrlr.LocalPreAuthorize": Effect((True, False), come_again),
    "AuthCtrlr.DisableRemoteAuthorization": Effect((True, False), charge),
    "AuthCtrlr.MasterPassGroupId": Effect(("MASTER", "ANOTHER"), come_with_the_master),
    "AuthCacheCtrlr.Enabled": Effect((True, False), come_again_offline),
    "AuthCacheCtrlr.LifeTime": Effect((100, 100_000), come_again_offline),
    "AuthCacheCtrlr.Policy": Effect(("FIFO", "LRU"), fill_cache, {"AuthCtrlr.LocalPreAuthorize": True}),
    "AuthCacheCtrlr.DisablePostAuthorize": Effect(
        (True, False), come_again_refused, {"AuthCtrlr.LocalPreAuthorize": True}
    ),
    "LocalAuthListCtrlr.Enabled": Effect((True, False), come_listed, {"AuthCacheCtrlr.Enabled": False}),
    "LocalAuthListCtrlr.DisablePostAuthorize": Effect(
        (True, False), come_listed_refused, {"AuthCtrlr.LocalPreAuthorize": True}
    ),
    "ChargingStation.AllowNewSessionsPendingFirmwareUpdate": (
        "tests/blocks/test_l_firmware.py::test_the_variable_works_at_once"
    ),
    "ClockCtrlr.TimeAdjustmentReportingThreshold": (
        "tests/blocks/test_a_security.py::test_a_threshold_of_zero_tells_of_no_adjustment"
    ),
    "ClockCtrlr.TimeSource": (
        "tests/edge/test_time_known.py::test_B01_FR_06_of_two_that_differ_the_first_source_is_believed"
    ),
    "MonitoringCtrlr.OfflineQueuingSeverity": (
        "tests/blocks/test_n_monitoring_events.py::test_N07_FR_04_what_is_grave_enough_waits_for_the_csms"
    ),
    "MonitoringCtrlr.Enabled": (
        "tests/blocks/test_n_monitoring.py::test_switched_off_nothing_is_told_and_on_again_what_is_true_then"
    ),
    "ReservationCtrlr.Enabled": (
        "tests/blocks/test_h_reservation.py::test_TC_H_22_CS_a_station_that_takes_no_reservations"
    ),
    "SmartChargingCtrlr.Enabled": (
        "tests/blocks/test_k_smart_charging.py::test_switched_off_profiles_stay_and_limit_nothing"
    ),
    "SmartChargingCtrlr.NotifyChargingLimitWithSchedules": (
        "tests/blocks/test_k_external_limits.py::test_K11_FR_03_K12_FR_03_the_limit_itself_is_told_where_that_is_wanted"
    ),
    "SampledDataCtrlr.Enabled": Effect((True, False), charge),
    "SampledDataCtrlr.TxStartedMeasurands": Effect((ENERGY, POWER), charge),
    "SampledDataCtrlr.TxUpdatedMeasurands": Effect((ENERGY, POWER), charge),
    "SampledDataCtrlr.TxUpdatedInterval": Effect((20, 60), charge),
    "SampledDataCtrlr.TxEndedMeasurands": Effect((ENERGY, POWER), charge, {"SampledDataCtrlr.TxEndedInterval": 20}),
    "SampledDataCtrlr.TxEndedInterval": Effect((20, 60), charge),
    "SampledDataCtrlr.SignReadings": (
        "tests/blocks/test_j_signed.py::test_J02_FR_21_nothing_signed_is_carried_where_that_is_switched_off"
    ),
    "SampledDataCtrlr.RegisterValuesWithoutPhases": Effect((True, False), be_asked_by_phase),
    "AlignedDataCtrlr.Enabled": Effect((True, False), idle_by_the_clock, CLOCK),
    "AlignedDataCtrlr.Measurands": Effect((ENERGY, POWER), idle_by_the_clock, CLOCK),
    "AlignedDataCtrlr.Interval": Effect((30, 60), idle_by_the_clock),
    "AlignedDataCtrlr.TxEndedMeasurands": Effect((ENERGY, POWER), charge, {"AlignedDataCtrlr.TxEndedInterval": 60}),
    "AlignedDataCtrlr.TxEndedInterval": Effect((30, 60), charge, {"AlignedDataCtrlr.TxEndedMeasurands": POWER}),
    "AlignedDataCtrlr.SignReadings": (
        "tests/blocks/test_j_signed.py::test_J01_FR_21_the_readings_of_the_clock_carry_what_the_meter_signed"
    ),
    "AlignedDataCtrlr.SendDuringIdle": Effect((True, False), idle_by_the_clock, CLOCK),
}
BENCH = Bench(lock=True, attached=False, bay=True)
"""A station with everything on it: what can be set there can be set."""

PROBED = {name: effect for name, effect in EFFECTS.items() if isinstance(effect, Effect)}
SHOWN = {name: place for name, place in EFFECTS.items() if isinstance(place, str)}


def test_every_variable_that_can_be_set_has_a_row_and_no_other_has():
    settable = {str(slot.variable) for slot in BENCH.station.model.slots() if not slot.fixed}
    assert settable == set(EFFECTS)


ANNOUNCED = {"ADDITIONAL_ROOT_CERTIFICATE_CHECK", "RESERVATION_AVAILABLE", "SMART_CHARGING_AVAILABLE"}
"""They say what this station is made to do, and nothing asks them."""


def test_every_other_variable_of_the_catalogue_is_read_somewhere():
    sources = [path for path in (ROOT / "agent").rglob("*.py") if path.name != "catalogue.py"]
    words = set(re.findall(r"[A-Z][A-Z0-9_]+", " ".join(path.read_text(encoding="utf-8") for path in sources)))
    names = {name for name, value in vars(catalogue).items() if isinstance(value, Variable)}
    assert names - words == ANNOUNCED


def seen(effect: Effect, name: str, value: object) -> object:
    """The day with this value: what the CSMS heard, and what it did not."""
    bench = Bench(lock=effect.socket, attached=not effect.socket)
    if effect.admitted != "Accepted":
        told = {"currentTime": "2026-01-01T00:00:00Z", "interval": 3000, "status": effect.admitted}
        bench.script["BootNotification"] = told
    bench.connect()
    bench.take_sent()
    for more, wanted in {**effect.given, name: value}.items():
        assert put(bench, more, wanted) == "Accepted", more
    unheard = effect.day(bench)
    return bench.take_sent(), bench.told, unheard


def put(bench: Bench, name: str, value: object) -> str:
    name, _, instance = name.partition("[")
    component, _, variable = name.partition(".")
    text = str(value).lower() if isinstance(value, bool) else str(value)
    named = {"name": variable, **({"instance": instance.rstrip("]")} if instance else {})}
    item = {"component": {"name": component}, "variable": named, "attributeValue": text}
    told = bench.ask("SetVariables", setVariableData=[item])
    assert isinstance(told, dict), told
    return str(told["setVariableResult"][0]["attributeStatus"])


@pytest.mark.parametrize("name", PROBED)
def test_set_one_way_and_the_other_the_day_goes_differently(name: str):
    effect = PROBED[name]
    one, other = effect.values
    assert seen(effect, name, one) == seen(effect, name, one)  # nothing but the value makes the difference
    assert seen(effect, name, one) != seen(effect, name, other)


@pytest.mark.parametrize("name", SHOWN)
def test_the_test_that_shows_it_is_there(name: str):
    path, _, test = SHOWN[name].partition("::")
    text = (ROOT / path).read_text(encoding="utf-8")
    assert f"def {test}(" in text
    assert name.partition(".")[2].partition("[")[0] in text
