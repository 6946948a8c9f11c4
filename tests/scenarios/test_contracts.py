"""Vehicles that speak ISO 15118, through the control socket and a whole station: a contract pays, or a card does."""

import pytest
from cryptography.x509 import load_pem_x509_certificates
from cryptography.x509.oid import NameOID

from tests.csms.practice import PracticeCsms
from tests.csms.record import StationRecord
from tests.scenarios.control import Answer, Refused
from tests.scenarios.sessions import all_ended, faults_of
from tests.scenarios.station import ID, AgentInLoop

EMAID = "DEABCC00000042"
PAYS: Answer = {"protocol": "iso15118-ac", "payment": "contract", "emaid": EMAID}


def contracts_are(csms: PracticeCsms, certificate_status: str) -> None:
    """What the CSMS says of every contract certificate."""
    info = csms.answers.token_info
    csms.answers.table["Authorize"] = lambda _record, payload: {
        "idTokenInfo": info(payload["idToken"]),
        **({"certificateStatus": certificate_status} if payload["idToken"]["type"] == "eMAID" else {}),
    }


async def powered(csms: PracticeCsms, agent: AgentInLoop, **variables: object) -> StationRecord:
    await agent.start(csms.url, **variables)
    await csms.wait_for("StatusNotification", count=2)
    return csms.station(ID)


async def test_C07_FR_01_C07_FR_02_a_vehicle_pays_by_its_contract_and_nobody_shows_a_card(
    csms: PracticeCsms, agent: AgentInLoop
) -> None:
    contracts_are(csms, "Accepted")
    record = await powered(csms, agent)
    await agent.cmd("plug_in", evse=1, ev=PAYS)
    await agent.fact("PowerPathClosed", 1)
    (asked,) = record.calls("Authorize")
    assert asked["idToken"] == {"idToken": EMAID, "type": "eMAID"}
    assert len(asked["iso15118CertificateHashData"]) == 3
    assert "certificate" not in asked
    (evse, _) = (await agent.cmd("status"))["evses"]
    assert (evse["authorized"], evse["transaction"]["token"]) == (EMAID, EMAID)
    await agent.cmd("unplug", evse=1)
    await csms.wait_for(lambda: any(each.ended for each in record.transactions.values()))
    assert faults_of(record) == []


async def test_C07_FR_06_a_contract_that_only_the_csms_can_judge_is_shown_to_it(
    csms: PracticeCsms, agent: AgentInLoop
) -> None:
    contracts_are(csms, "Accepted")
    record = await powered(csms, agent)
    await agent.cmd("plug_in", evse=1, ev={**PAYS, "contract": "foreign"})
    await agent.fact("PowerPathClosed", 1)
    (asked,) = record.calls("Authorize")
    leaf = load_pem_x509_certificates(asked["certificate"].encode())[0]
    assert leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == EMAID
    assert faults_of(record) == []


async def test_a_contract_that_was_revoked_does_not_pay_and_a_card_does(csms: PracticeCsms, agent: AgentInLoop) -> None:
    contracts_are(csms, "CertificateRevoked")
    csms.answers.tokens[EMAID.casefold()] = "Invalid"
    record = await powered(csms, agent)
    await agent.cmd("plug_in", evse=1, ev=PAYS)
    assert (await agent.fact("TokenRefused", 1))["reason"] == "CertificateRevoked"
    assert record.transactions == {}
    await agent.cmd("swipe", token="CARD", evse=1)
    await agent.fact("PowerPathClosed", 1)
    assert [each["idToken"]["idToken"] for each in record.calls("Authorize")] == [EMAID, "CARD"]
    assert faults_of(record) == []


async def test_C07_FR_08_C07_FR_09_C07_FR_11_a_contract_that_was_good_is_good_without_the_csms(
    csms: PracticeCsms, agent: AgentInLoop
) -> None:
    contracts_are(csms, "Accepted")
    record = await powered(csms, agent, ISO15118Ctrlr_ContractValidationOffline=True)
    await agent.cmd("plug_in", evse=1, ev=PAYS)
    await agent.fact("PowerPathClosed", 1)
    await agent.cmd("unplug", evse=1)
    await agent.fact("TransactionEnded", 1)
    await agent.cmd("link", up=False)
    await agent.fact("WentOffline")
    await agent.cmd("plug_in", evse=1, ev=PAYS)
    await agent.fact("PowerPathClosed", 1)
    await agent.cmd("unplug", evse=1)
    await agent.fact("TransactionEnded", 1)
    await agent.cmd("plug_in", evse=1, ev={**PAYS, "contract": "expired"})
    assert (await agent.fact("TokenRefused", 1))["reason"] == "CertChainError"
    await agent.cmd("link", up=True)
    await csms.wait_for(lambda: len(record.transactions) == 2)
    assert len(record.calls("Authorize")) == 1


@pytest.mark.parametrize("payment", ["eim", "contract"])
async def test_C08_FR_01_with_external_means_the_drivers_card_is_sent(
    csms: PracticeCsms, agent: AgentInLoop, payment: str
) -> None:
    """A vehicle that would pay by contract leaves it to a card where contracts are not offered."""
    record = await powered(csms, agent, ISO15118Ctrlr_PnCEnabled=payment == "eim")
    await agent.cmd("plug_in", evse=1, ev={**PAYS, "payment": payment})
    assert (await agent.fact("PaymentChosen", 1))["contract"] is None
    await agent.cmd("swipe", token="CARD", evse=1)
    await agent.fact("PowerPathClosed", 1)
    assert [each["idToken"]["idToken"] for each in record.calls("Authorize")] == ["CARD"]
    await agent.cmd("swipe", token="CARD", evse=1)
    await agent.fact("TransactionEnded", 1)
    assert faults_of(record) == []


async def test_a_vehicle_that_is_still_there_after_a_power_cut_pays_by_its_contract_again(
    csms: PracticeCsms, agent: AgentInLoop
) -> None:
    contracts_are(csms, "Accepted")
    record = await powered(csms, agent)
    await agent.cmd("plug_in", evse=1, ev=PAYS)
    await agent.fact("PowerPathClosed", 1)
    await csms.wait_for(lambda: len(record.transactions) == 1)
    await agent.cmd("power_cycle")
    await agent.fact("TransactionEnded", 1)
    await agent.fact("PowerPathClosed", 1)
    assert [each["idToken"]["idToken"] for each in record.calls("Authorize")] == [EMAID, EMAID]
    await agent.cmd("unplug", evse=1)
    await all_ended(csms, 2)
    assert faults_of(record) == []


async def test_a_vehicle_of_no_such_kind_is_refused_with_the_choices(csms: PracticeCsms, agent: AgentInLoop) -> None:
    await powered(csms, agent)
    with pytest.raises(Refused, match="contract"):
        await agent.cmd("plug_in", evse=1, ev={**PAYS, "contract": "forged"})


async def test_no_certificate_stands_in_the_log(csms: PracticeCsms, agent: AgentInLoop) -> None:
    contracts_are(csms, "Accepted")
    await powered(csms, agent)
    await agent.cmd("plug_in", evse=1, ev={**PAYS, "contract": "foreign"})
    await agent.fact("PowerPathClosed", 1)
    assert not any("CERTIFICATE" in line or EMAID in line for line in agent.log.items)
