"""N09, N10 and their certification cases: what is kept of a customer is told, and forgotten but for the local list."""

from __future__ import annotations

from typing import Any

import pytest

from tests.bench import OTHER_CARD, TOKEN, Bench, Payload, only

CERTIFICATE = {
    "hashAlgorithm": "SHA256",
    "issuerNameHash": "a" * 64,
    "issuerKeyHash": "b" * 64,
    "serialNumber": "1",
}


def known(*, cached: bool = True, listed: bool = False) -> Bench:
    """A station that has seen the customer."""
    bench = Bench(variables={"AuthCtrlr.LocalPreAuthorize": True})
    bench.accept()
    if cached:
        bench.swipe(evse=1)
        bench.pass_time(120)
    if listed:  # afterwards: who is on the list is not asked about, and so not cached
        entry = {"idToken": TOKEN, "idTokenInfo": {"status": "Accepted"}}
        bench.ask("SendLocalList", versionNumber=1, updateType="Full", localAuthorizationList=[entry])
    bench.take_sent()
    return bench


def ask(bench: Bench, *, report: bool, clear: bool, **customer: Any) -> Payload:
    """Ask about the usual customer unless another one is named."""
    answer = bench.ask(
        "CustomerInformation", requestId=5, report=report, clear=clear, **(customer or {"idToken": TOKEN})
    )
    assert isinstance(answer, dict)
    return answer


def told(bench: Bench) -> list[Payload]:
    """The parts that the CSMS heard."""
    return [said.payload for said in bench.take_sent() if said.action == "NotifyCustomerInformation"]


def data_of(parts: list[Payload]) -> str:
    """All parts together; numbered, and only the last without another to come."""
    assert [part["seqNo"] for part in parts] == list(range(len(parts)))
    assert [part.get("tbc", False) for part in parts] == [True] * (len(parts) - 1) + [False]
    assert {part["requestId"] for part in parts} == {5}
    return "".join(part["data"] for part in parts)


@pytest.mark.proves("N09.FR.02", "N09.FR.05")
def test_TC_N_27_CS_what_is_kept_is_told():
    bench = known(listed=True)
    assert ask(bench, report=True, clear=False) == {"status": "Accepted"}
    data = data_of(told(bench))
    assert "authorization cache" in data and "local authorization list" in data


@pytest.mark.proves("N09.FR.05")
def test_a_running_transaction_is_told_and_goes_on():
    bench = known()
    bench.plug_in()
    bench.swipe(evse=1)
    bench.take_sent()
    assert ask(bench, report=True, clear=True)["status"] == "Accepted"
    assert f"running transaction: {bench.transaction_id} on EVSE 1" in data_of(told(bench))
    assert bench.evse().transaction is not None


@pytest.mark.proves("N09.FR.05")
def test_what_is_long_goes_in_parts():
    bench = Bench(8)
    bench.accept()
    for evse in bench.plants:
        bench.swipe(evse=evse)
        bench.plug_in(evse)
    bench.take_sent()
    group = {"idToken": "G" * 36, "type": "Central"}
    entries = [{"idToken": TOKEN, "idTokenInfo": {"status": "Accepted", "groupIdToken": group, "evseId": [1, 2, 3]}}]
    bench.ask("SendLocalList", versionNumber=1, updateType="Full", localAuthorizationList=entries)
    ask(bench, report=True, clear=False)
    parts = told(bench)
    assert len(parts) > 1
    assert data_of(parts).count("running transaction") == 8


def test_N09_FR_06_of_somebody_unknown_one_message_says_that_there_is_nothing():
    bench = known()
    ask(bench, report=True, clear=False, idToken={"idToken": OTHER_CARD, "type": "ISO14443"})
    assert data_of([only(told(bench))]) == ""


def test_TC_N_28_CS_what_was_cleared_is_no_longer_there():
    bench = known()
    ask(bench, report=False, clear=True)
    told(bench)
    assert ask(bench, report=True, clear=False) == {"status": "Accepted"}
    (part,) = told(bench)
    assert (part["data"], part.get("tbc", False)) == ("", False)


@pytest.mark.parametrize("customer", [{"customerIdentifier": "C1"}, {"customerCertificate": CERTIFICATE}])
def test_a_customer_is_known_by_nothing_but_his_token(customer: Payload) -> None:
    bench = known()
    assert ask(bench, report=True, clear=True, **customer) == {"status": "Accepted"}
    assert data_of(told(bench)) == ""


@pytest.mark.parametrize(
    "customer",
    [{"nobody": None}, {"idToken": TOKEN, "customerIdentifier": "C1"}],
    ids=["nobody", "two of them"],
)
def test_N09_FR_09_who_is_meant_must_be_said_once(customer: Payload) -> None:
    bench = known()
    named = {key: value for key, value in customer.items() if value is not None}
    answer = bench.ask("CustomerInformation", requestId=5, report=True, clear=True, **named)
    assert isinstance(answer, dict) and answer["status"] == "Invalid"
    assert told(bench) == []


@pytest.mark.proves("N09.FR.07", "N10.FR.07")
def test_a_request_for_nothing_is_rejected():
    assert ask(known(), report=False, clear=False)["status"] == "Rejected"


@pytest.mark.proves("N09.FR.03", "N10.FR.05")
def test_one_at_a_time():
    bench = known()
    bench.script["NotifyCustomerInformation"] = None
    ask(bench, report=True, clear=False)
    assert ask(bench, report=True, clear=True)["status"] == "Rejected"


@pytest.mark.proves("N10.FR.01", "N10.FR.03")
def test_TC_N_30_CS_clear_and_report_tells_what_was_there_and_forgets_it_but_for_the_list():
    bench = known(listed=True)
    assert ask(bench, report=True, clear=True) == {"status": "Accepted"}
    assert "authorization cache" in data_of(told(bench))
    assert ask(bench, report=True, clear=False) == {"status": "Accepted"}
    after = data_of(told(bench))
    assert "authorization cache" not in after and "local authorization list" in after


@pytest.mark.proves("N10.FR.04")
def test_TC_N_31_CS_clear_and_report_of_nothing():
    bench = known(cached=False)
    assert ask(bench, report=True, clear=True) == {"status": "Accepted"}
    assert data_of([only(told(bench))]) == ""


@pytest.mark.proves("N10.FR.06")
def test_TC_N_32_CS_clear_without_a_report_says_that_it_is_cleared():
    bench = known()
    before = dict(bench.records)
    assert ask(bench, report=False, clear=True) == {"status": "Accepted"}
    assert data_of([only(told(bench))]) == "cleared"
    assert [key for key in before if key not in bench.records and key.startswith("auth-cache/")]


@pytest.mark.proves("N10.FR.03")
def test_what_was_cleared_stays_cleared_over_a_power_cut():
    bench = known()
    ask(bench, report=True, clear=True)
    bench.power_cycle()
    bench.accept()
    bench.take_sent()
    ask(bench, report=True, clear=False)
    assert data_of(told(bench)) == ""


def test_a_csms_that_cannot_take_a_part_may_ask_again():
    bench = known()
    bench.script["NotifyCustomerInformation"] = "InternalError"
    ask(bench, report=True, clear=False)
    del bench.script["NotifyCustomerInformation"]
    bench.take_sent()
    assert ask(bench, report=True, clear=False) == {"status": "Accepted"}
    assert "authorization cache" in data_of(told(bench))
