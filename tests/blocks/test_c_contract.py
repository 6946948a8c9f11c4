"""Vehicles that speak ISO 15118: a contract certificate pays (C07), or the driver does by other means (C08)."""

from __future__ import annotations

from typing import Any

import pytest

from hal.events import CertificateHash, ChainVerdict, Contract
from hal.ports import SeccIntent
from tests.bench import CARD, TOKEN, Bench, Payload, only, story
from tests.blocks.cards import authorizes, refusals
from tests.blocks.reusable import Octt
from tests.blocks.test_d_local_auth_list import send
from tests.blocks.test_e_start import bench_with

EMAID = "DEABCC00000042"
CHAIN = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
HASHES = tuple(CertificateHash(f"{n}a" * 32, f"{n}b" * 32, f"{n}c", "http://ocsp.example") for n in range(3))
HASH_DATA = [
    {
        "hashAlgorithm": "SHA256",
        "issuerNameHash": each.issuer_name,
        "issuerKeyHash": each.issuer_key,
        "serialNumber": each.serial,
        "responderURL": each.responder_url,
    }
    for each in HASHES
]
PNC = "ISO15118Ctrlr.PnCEnabled"
CENTRAL = "ISO15118Ctrlr.CentralContractValidationAllowed"
OFFLINE = "ISO15118Ctrlr.ContractValidationOffline"
UNKNOWN_TOO = "AuthCtrlr.OfflineTxForUnknownIdEnabled"
SILENT = {"SampledDataCtrlr.TxUpdatedInterval": 0}
STATUSES = ["Blocked", "ConcurrentTx", "Expired", "Invalid", "NoCredit", "NotAtThisLocation", "Unknown"]


def contract(verdict: ChainVerdict = "valid", emaid: str = EMAID) -> Contract:
    """As the SECC has judged it."""
    return Contract(emaid, CHAIN, HASHES, verdict)


def with_secc(variables: Payload | None = None, **options: object) -> Bench:
    return bench_with(secc=True, variables={**SILENT, **(variables or {})}, **options)


def answers(status: str = "Accepted", certificate: str | None = "Accepted", **info: object) -> Payload:
    """What the CSMS says of a contract."""
    told: Payload = {"idTokenInfo": {"status": status, **info}}
    return told if certificate is None else {**told, "certificateStatus": certificate}


def plugged(bench: Bench, verdict: ChainVerdict = "valid") -> Bench:
    """A vehicle that is plugged in presents its contract."""
    bench.plug_in()
    bench.present_contract(contract(verdict))
    return bench


def heard(bench: Bench) -> str:
    """What the vehicle hears of its request to charge."""
    return bench.vehicle_heard[1].authorization


def charges(bench: Bench) -> bool:
    return bench.intents[1].permit_power and bench.plants[1].closed


def known_by_list(bench: Bench, status: str = "Accepted") -> None:
    entry = {"idToken": {"idToken": EMAID, "type": "eMAID"}, "idTokenInfo": {"status": status}}
    assert send(bench, 1, entry) == "Accepted"


def known_by_cache(bench: Bench, status: str = "Accepted") -> None:
    """The CSMS said this of the eMAID once, and the vehicle has left."""
    bench.script["Authorize"] = answers(status)
    plugged(bench)
    bench.unplug()
    bench.pass_time(10)
    del bench.script["Authorize"]
    bench.take_sent()
    bench.facts.clear()


# ---- C07: with the CSMS ----


def test_C07_FR_01_C07_FR_02_a_contract_is_asked_about_with_what_ocsp_asks():
    bench = with_secc()
    plugged(bench)
    assert authorizes(bench) == [
        {"idToken": {"idToken": EMAID, "type": "eMAID"}, "iso15118CertificateHashData": HASH_DATA}
    ]
    assert charges(bench)
    assert heard(bench) == "granted"


def test_no_power_and_no_answer_for_the_vehicle_before_the_csms_has_answered():
    bench = with_secc()
    bench.script["Authorize"] = None
    plugged(bench)
    assert not charges(bench)
    assert heard(bench) == "waiting"


@pytest.mark.parametrize("known", [known_by_list, known_by_cache])
def test_C07_FR_01_an_emaid_that_is_known_here_is_asked_about_all_the_same(known: Any):
    bench = with_secc({"AuthCtrlr.LocalPreAuthorize": True})
    known(bench)
    bench.take_sent()
    plugged(bench)
    assert len(authorizes(bench)) == 1


def test_C07_FR_06_a_chain_that_nobody_here_can_validate_goes_to_the_csms():
    bench = with_secc({CENTRAL: True})
    bench.script["Authorize"] = answers()
    plugged(bench, "unknown_root")
    request = only(authorizes(bench))
    assert (request["idToken"]["idToken"], request["certificate"]) == (EMAID, CHAIN)
    assert charges(bench)


def test_C07_FR_06_and_does_not_where_that_is_not_allowed():
    bench = with_secc({CENTRAL: False})
    plugged(bench, "unknown_root")
    assert authorizes(bench) == []
    assert refusals(bench) == ["NoCertificateAvailable"]
    assert heard(bench) == "refused"


def test_a_chain_that_is_forged_or_of_the_past_is_refused_without_asking():
    bench = with_secc({CENTRAL: True})
    plugged(bench, "invalid")
    assert (authorizes(bench), refusals(bench)) == ([], ["CertChainError"])
    assert not charges(bench)


@pytest.mark.parametrize("status", STATUSES)
def test_any_status_but_accepted_is_a_refusal_though_the_chain_is_good(status: str):
    bench = with_secc()
    bench.script["Authorize"] = answers(status, "Accepted")
    plugged(bench)
    assert refusals(bench) == [status]
    assert (charges(bench), heard(bench)) == (False, "refused")


@pytest.mark.parametrize(
    "certificate", ["SignatureError", "CertificateExpired", "CertificateRevoked", "CertChainError", "ContractCancelled"]
)
def test_a_chain_that_the_csms_does_not_accept_is_a_refusal_whatever_it_says_of_the_driver(certificate: str):
    bench = with_secc({OFFLINE: True})
    bench.script["Authorize"] = answers("Accepted", certificate)
    plugged(bench)
    assert refusals(bench) == [certificate]
    assert not charges(bench)
    bench.unplug()
    bench.disconnect()
    plugged(bench)
    assert not charges(bench), "a contradiction was learned"


def test_a_csms_that_says_nothing_of_the_chain_has_not_validated_it():
    bench = with_secc({CENTRAL: True})
    bench.script["Authorize"] = answers(certificate=None)
    plugged(bench, "unknown_root")
    assert refusals(bench) == ["NoCertificateAvailable"]
    bench.unplug()
    plugged(bench, "valid")  # here its word is not needed
    assert charges(bench)


def test_an_answer_for_a_vehicle_that_has_left_gives_nobody_a_right():
    bench = with_secc()
    bench.script["Authorize"] = lambda request: bench.unplug() or answers()  # type: ignore[func-returns-value]
    plugged(bench)
    assert bench.evse().authorization is None
    bench.plug_in()
    assert (charges(bench), heard(bench)) == (False, "waiting")


def test_a_contract_that_is_presented_again_ends_nothing():
    bench = with_secc()
    plugged(bench)
    bench.present_contract(contract())
    assert len(authorizes(bench)) == 1
    assert charges(bench)


def test_a_contract_of_the_same_group_as_a_card_that_was_quicker_ends_nothing():
    bench = with_secc({"AuthCtrlr.LocalPreAuthorize": True})
    group = {"groupIdToken": {"idToken": "FAMILY", "type": "Central"}}
    listed = {"idToken": TOKEN, "idTokenInfo": {"status": "Accepted", **group}}
    assert send(bench, 1, listed) == "Accepted"
    bench.script["Authorize"] = lambda request: bench.swipe() or answers(**group)  # type: ignore[func-returns-value]
    plugged(bench)
    assert charges(bench)
    assert bench.evse().authorization is not None
    assert bench.evse().authorization.token.id == CARD
    assert heard(bench) == "granted"


def test_a_card_that_came_first_pays_and_the_contract_is_not_asked_about():
    bench = with_secc()
    bench.swipe()
    bench.plug_in()
    bench.take_sent()
    bench.present_contract(contract())
    assert authorizes(bench) == []
    assert heard(bench) == "granted"


def test_each_vehicle_pays_at_its_own_evse():
    bench = with_secc(evses=2)
    bench.plug_in(1)
    bench.plug_in(2)
    bench.present_contract(contract(), 2)
    assert (bench.intents[1].permit_power, bench.intents[2].permit_power) == (False, True)
    assert [bench.vehicle_heard[evse].authorization for evse in (1, 2)] == ["waiting", "granted"]


def test_the_contract_is_told_with_the_transaction():
    bench = with_secc(start="EVConnected")
    plugged(bench)
    authorized = only(event for event in bench.take_events() if event["triggerReason"] == "Authorized")
    assert authorized["idToken"] == {"idToken": EMAID, "type": "eMAID"}


def test_a_chain_that_is_too_long_for_the_version_is_not_cut():
    bench = with_secc({CENTRAL: True})
    bench.plug_in()
    bench.present_contract(Contract(EMAID, "x" * 5501, (), "unknown_root"))
    assert authorizes(bench) == []
    assert not charges(bench)
    assert heard(bench) == "refused"


def test_where_nobody_needs_a_right_the_contract_is_not_asked_about():
    bench = with_secc({"AuthCtrlr.Enabled": False})
    plugged(bench)
    assert authorizes(bench) == []
    assert (charges(bench), heard(bench)) == (True, "granted")
    bench.ask("RequestStopTransaction", transactionId=bench.transaction_id)
    bench.present_contract(contract())
    assert (authorizes(bench), charges(bench)) == ([], False)


def test_without_remote_authorization_the_station_decides_as_it_does_offline():
    bench = with_secc({"AuthCtrlr.DisableRemoteAuthorization": True, OFFLINE: True})
    known_by_list(bench)
    plugged(bench)
    assert authorizes(bench) == []
    assert charges(bench)


# ---- C07: without the CSMS ----


@pytest.mark.parametrize("known", [known_by_list, known_by_cache])
def test_C07_FR_07_offline_no_contract_charges_where_none_may_be_validated(known: Any):
    bench = with_secc({OFFLINE: False, UNKNOWN_TOO: True})
    known(bench)
    bench.disconnect()
    plugged(bench)
    assert not charges(bench)
    assert refusals(bench) == ["Offline"]


@pytest.mark.parametrize(
    ("verdict", "why"), [("invalid", "CertChainError"), ("unknown_root", "NoCertificateAvailable")]
)
def test_C07_FR_08_offline_only_a_chain_that_was_validated_here_is_good(verdict: ChainVerdict, why: str):
    bench = with_secc({OFFLINE: True, CENTRAL: True, UNKNOWN_TOO: True})
    known_by_list(bench)
    bench.disconnect()
    plugged(bench, verdict)
    assert not charges(bench)
    assert refusals(bench) == [why]


@pytest.mark.parametrize("allowed", [True, False])
def test_C07_FR_08_C07_FR_09_C07_FR_10_offline_the_list_is_looked_into(allowed: bool):
    bench = with_secc({OFFLINE: True, "AuthCtrlr.LocalAuthorizeOffline": allowed})
    known_by_list(bench)
    bench.disconnect()
    plugged(bench)
    assert charges(bench) is allowed


@pytest.mark.parametrize("allowed", [True, False])
def test_C07_FR_09_C07_FR_11_offline_the_cache_is_looked_into(allowed: bool):
    bench = with_secc({OFFLINE: True, "AuthCtrlr.LocalAuthorizeOffline": allowed})
    known_by_cache(bench)
    bench.disconnect()
    plugged(bench)
    assert charges(bench) is allowed


@pytest.mark.parametrize("known", [known_by_list, known_by_cache])
def test_C07_FR_10_C07_FR_11_offline_who_is_known_as_blocked_does_not_charge(known: Any):
    bench = with_secc({OFFLINE: True, UNKNOWN_TOO: True})
    known(bench, "Blocked")
    bench.disconnect()
    plugged(bench)
    assert refusals(bench) == ["Blocked"]
    assert not charges(bench)


@pytest.mark.parametrize("allowed", [True, False])
def test_C07_FR_12_offline_an_unknown_contract_charges_where_unknown_ids_do(allowed: bool):
    bench = with_secc({OFFLINE: True, UNKNOWN_TOO: allowed})
    bench.disconnect()
    plugged(bench)
    assert charges(bench) is allowed
    assert heard(bench) == ("granted" if allowed else "refused")


def test_a_csms_that_does_not_answer_is_as_good_as_none():
    bench = with_secc({OFFLINE: True})
    known_by_list(bench)
    bench.script["Authorize"] = None
    plugged(bench)
    bench.pass_time(31)
    assert charges(bench)


# ---- what the vehicle may choose ----


@pytest.mark.parametrize(
    ("enabled", "offline", "online", "offered"),
    [(True, False, True, True), (True, False, False, False), (True, True, False, True), (False, True, True, False)],
)
def test_a_contract_is_offered_where_it_could_be_accepted(enabled: bool, offline: bool, online: bool, offered: bool):
    bench = with_secc({PNC: enabled, OFFLINE: offline})
    if not online:
        bench.disconnect()
    assert bench.vehicle_heard[1] == SeccIntent(contract=offered)


def test_what_the_csms_sets_is_offered_at_once():
    bench = with_secc()
    assert bench.set(PNC, False) == "Accepted"
    assert bench.vehicle_heard[1] == SeccIntent(contract=False)
    plugged(bench)
    assert refusals(bench) == ["PnCDisabled"]


def test_a_station_whose_parts_do_not_speak_it_says_nothing_of_it():
    bench = bench_with()
    told = bench.ask(
        "GetVariables",
        getVariableData=[{"component": {"name": "ISO15118Ctrlr"}, "variable": {"name": "PnCEnabled"}}],
    )
    assert isinstance(told, dict)
    assert told["getVariableResult"][0]["attributeStatus"] == "UnknownComponent"
    bench.plug_in()
    bench.swipe()
    assert bench.vehicle_heard == {}


def test_the_vehicle_hears_that_its_right_has_ended():
    bench = with_secc()
    plugged(bench)
    bench.ask("RequestStopTransaction", transactionId=bench.transaction_id)
    assert heard(bench) == "waiting"


# ---- C08: external means ----


def test_C08_FR_01_the_drivers_card_is_sent_to_the_csms_for_a_vehicle_with_external_means():
    bench = with_secc()
    bench.plug_in()
    bench.choose_eim()
    assert heard(bench) == "waiting"
    bench.swipe()
    assert authorizes(bench) == [{"idToken": {"idToken": CARD, "type": "ISO14443"}}]
    assert (charges(bench), heard(bench)) == (True, "granted")


def test_C08_FR_02_the_identification_is_begun_anew_at_the_reader():
    bench = with_secc()
    bench.script["Authorize"] = {"idTokenInfo": {"status": "Invalid"}}
    bench.plug_in()
    bench.choose_eim()
    bench.swipe()
    assert (charges(bench), heard(bench)) == (False, "waiting")
    bench.pass_time(3600)
    del bench.script["Authorize"]
    bench.swipe()
    assert (charges(bench), heard(bench)) == (True, "granted")


def test_after_a_contract_was_refused_a_card_may_pay():
    bench = with_secc()
    bench.script["Authorize"] = answers("Invalid", "ContractCancelled")
    plugged(bench)
    assert heard(bench) == "refused"
    bench.choose_eim()
    assert heard(bench) == "waiting"
    del bench.script["Authorize"]
    bench.swipe()
    assert (charges(bench), heard(bench)) == (True, "granted")


def test_the_next_vehicle_hears_nothing_of_a_contract_that_was_refused():
    bench = with_secc()
    plugged(bench, "invalid")
    assert heard(bench) == "refused"
    bench.unplug()
    assert heard(bench) == "waiting"


def test_a_remote_start_pays_too():
    bench = with_secc()
    bench.plug_in()
    bench.choose_eim()
    token = {"idToken": "APP-1", "type": "Central"}
    answer = bench.ask("RequestStartTransaction", idToken=token, remoteStartId=1, evseId=1)
    assert isinstance(answer, dict)
    assert answer["status"] == "Accepted"
    assert heard(bench) == "granted"


# ---- a session of Part 6 ----
#
# Not the cases TC_C_50 to TC_C_55 whole: those install roots and renew the V2G certificate first (block M).  Here
# ``valid`` says that the SECC has the roots, ``unknown_root`` that it lacks them.


def octt(variables: Payload, **options: object) -> Octt:
    base: Payload = {"AuthCtrlr.Enabled": True, "AuthCtrlr.DisableRemoteAuthorization": False, PNC: True}
    return Octt({**SILENT, **base, **variables}, secc=True, **options)


def expect_authorize(tool: Octt, *, certificate: bool) -> None:
    request = tool.expect("Authorize")
    assert request["idToken"] == {"idToken": EMAID, "type": "eMAID"}
    if certificate:
        assert request["certificate"] == CHAIN
    else:
        assert request["iso15118CertificateHashData"] == HASH_DATA


def expect_transfer(tool: Octt) -> None:
    """The driver's right is told, then energy flows."""
    assert tool.expect_event(trigger="Authorized")["idToken"] == {"idToken": EMAID, "type": "eMAID"}
    tool.reached.add("authorized")
    tool.energy_transfer_started()


def expect_no_charge(tool: Octt) -> None:
    tool.bench.pass_time(120)
    stories = [story(event) for event in tool.expect_events()]
    assert not any(trigger == "Authorized" or state == "Charging" for _, trigger, state in stories)
    assert not charges(tool.bench)


every_start = pytest.mark.parametrize("start", ["EVConnected", "Authorized", "PowerPathClosed", "ParkingBayOccupancy"])


@every_start
def test_a_contract_that_is_validated_here_is_accepted(start: str):
    tool = octt({CENTRAL: False}, start=start)
    tool.bench.script["Authorize"] = answers()
    tool.ev_connected_pre_session()
    tool.bench.present_contract(contract())
    expect_authorize(tool, certificate=False)
    expect_transfer(tool)


@every_start
def test_a_contract_that_is_validated_here_is_rejected(start: str):
    tool = octt({CENTRAL: False}, start=start)
    tool.bench.script["Authorize"] = answers("Invalid", "ContractCancelled")
    tool.ev_connected_pre_session()
    tool.bench.present_contract(contract())
    expect_authorize(tool, certificate=False)
    expect_no_charge(tool)


@every_start
def test_a_contract_that_the_csms_validates_is_accepted(start: str):
    tool = octt({CENTRAL: True}, start=start)
    tool.bench.script["Authorize"] = answers()
    tool.ev_connected_pre_session()
    tool.bench.present_contract(contract("unknown_root"))
    expect_authorize(tool, certificate=True)
    expect_transfer(tool)


@every_start
def test_a_contract_that_the_csms_validates_is_rejected(start: str):
    tool = octt({CENTRAL: True}, start=start)
    tool.bench.script["Authorize"] = answers("Invalid", "CertificateRevoked")
    tool.ev_connected_pre_session()
    tool.bench.present_contract(contract("unknown_root"))
    expect_authorize(tool, certificate=True)
    expect_no_charge(tool)


OFFLINE_CASE: Payload = {
    UNKNOWN_TOO: True,
    "OCPPCommCtrlr.OfflineThreshold": 90,
    "OCPPCommCtrlr.RetryBackOffWaitMinimum": 30,
    "OCPPCommCtrlr.RetryBackOffRandomRange": 0,
}


@pytest.mark.parametrize("known", [known_by_list, known_by_cache, lambda bench: None])
def test_offline_a_contract_charges_where_it_may_be_validated(known: Any):
    tool = octt({**OFFLINE_CASE, OFFLINE: True}, start="EVConnected")
    known(tool.bench)
    tool.bench.take_sent()
    charge_offline(tool)
    connected = tool.expect_event("Started", trigger="CablePluggedIn", state="EVConnected")
    authorized = tool.expect_event("Updated", trigger="Authorized")
    assert connected["offline"] is True
    assert authorized["offline"] is True
    charging = tool.expect_event("Updated", trigger="ChargingStateChanged", state="Charging")
    assert charging["offline"] is True
    assert charges(tool.bench)


@pytest.mark.parametrize("known", [known_by_list, known_by_cache])
def test_offline_a_contract_does_not_charge_where_it_may_not(known: Any):
    tool = octt({**OFFLINE_CASE, OFFLINE: False}, start="EVConnected")
    known(tool.bench)
    tool.bench.take_sent()
    charge_offline(tool)
    connected = tool.expect_event("Started", trigger="CablePluggedIn", state="EVConnected")
    assert connected["offline"] is True
    expect_no_charge(tool)


def charge_offline(tool: Octt) -> None:
    """The CSMS is away while the vehicle comes, and back before its absence is long."""
    tool.bench.disconnect()
    tool.drive_in()
    tool.connect()
    tool.bench.present_contract(contract())
    tool.bench.pass_time(20)
    tool.bench.connect()
    tool.expect_status("Occupied")
