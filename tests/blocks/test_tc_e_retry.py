"""Certification cases of block E: a TransactionEvent that the CSMS does not answer, or refuses, is sent again."""

from __future__ import annotations

from collections.abc import Callable

from tests.bench import Payload, Reply
from tests.blocks.reusable import Octt

ATTEMPTS, INTERVAL_S, MESSAGE_TIMEOUT_S = 3, 20, 30

CONFIGURATION = {
    "OCPPCommCtrlr.MessageAttempts[TransactionEvent]": ATTEMPTS,
    "OCPPCommCtrlr.MessageAttemptInterval[TransactionEvent]": INTERVAL_S,
    "SampledDataCtrlr.TxUpdatedInterval": 60,
}


class Deaf:
    """A CSMS that answers the event that energy flows as it is told to, and every other one as usual."""

    def __init__(self, octt: Octt, reply: Callable[[int], Reply]) -> None:
        self.times: list[float] = []
        self._octt = octt
        self._reply = reply
        octt.bench.script["TransactionEvent"] = self.answer

    def answer(self, event: Payload) -> Reply:
        if event["triggerReason"] != "ChargingStateChanged":
            return {}
        self.times.append(self._octt.bench.mono)
        return self._reply(len(self.times))

    @property
    def pauses_s(self) -> list[float]:
        """Between one attempt and the next."""
        return [after - before for before, after in zip(self.times, self.times[1:], strict=False)]


def tell_of_charging(reply: Callable[[int], Reply]) -> tuple[Octt, Deaf]:
    """Before: Authorized, EVConnectedPreSession; main: until one more attempt than configured would be over."""
    octt = Octt(CONFIGURATION, start="Authorized")
    assert octt.value("OCPPCommCtrlr.MessageTimeout[Default]") == str(MESSAGE_TIMEOUT_S)
    deaf = Deaf(octt, reply)
    octt.authorized()
    octt.ev_connected_pre_session()
    octt.bench.pass_time(sum(INTERVAL_S * sent + MESSAGE_TIMEOUT_S for sent in range(1, ATTEMPTS + 2)))
    return octt, deaf


def assert_told_later(octt: Octt) -> None:
    """E13.FR.04: what comes after it is delivered."""
    events = octt.expect_events()
    assert {(event["seqNo"], event["transactionInfo"]["chargingState"]) for event in events} == {(2, "Charging")}
    assert [event["seqNo"] for event in octt.readings] == list(range(3, 3 + len(octt.readings)))
    assert len(octt.readings) >= 3
    assert octt.bench.rows == {}


def test_TC_E_41_CS_unanswered_it_is_sent_as_often_as_configured():
    octt, deaf = tell_of_charging(lambda attempt: None)
    assert deaf.pauses_s == [MESSAGE_TIMEOUT_S + INTERVAL_S, MESSAGE_TIMEOUT_S + 2 * INTERVAL_S]
    assert_told_later(octt)


def test_TC_E_50_CS_refused_it_is_sent_as_often_as_configured():
    octt, deaf = tell_of_charging(lambda attempt: "InternalError")
    assert deaf.pauses_s == [INTERVAL_S, 2 * INTERVAL_S]
    assert_told_later(octt)


def test_TC_E_42_CS_answered_at_last_it_is_not_sent_again():
    octt, deaf = tell_of_charging(lambda attempt: {} if attempt == 2 else None)
    assert deaf.pauses_s == [MESSAGE_TIMEOUT_S + INTERVAL_S]
    assert_told_later(octt)


def test_TC_E_51_CS_accepted_at_last_it_is_not_sent_again():
    octt, deaf = tell_of_charging(lambda attempt: {} if attempt == 2 else "InternalError")
    assert deaf.pauses_s == [INTERVAL_S]  # E13.FR.03; a refusal is no silence of MessageTimeout
    assert_told_later(octt)
