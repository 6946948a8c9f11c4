"""Framing as part 4 has it: calls and answers matched by id, whatever the other side sends."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from agent.link.rpc import MAX_REMEMBERED, MAX_UNANSWERED, Rpc
from agent.link.rpc_events import (
    AnswerRefused,
    AnswerUnreadable,
    AnswerUnsayable,
    CallAnswered,
    CallLost,
    CallReceived,
    CallRefused,
    CallTimedOut,
    LateAnswer,
    SendReceived,
    StrangeFrame,
)
from agent.ocpp.dialect import dialect_for
from agent.ocpp.errors import Unsayable
from agent.ocpp.messages.b_provisioning import ResetRequest, ResetResponse
from agent.ocpp.messages.common import StatusInfo
from agent.ocpp.messages.g_availability import HeartbeatRequest, HeartbeatResponse
from agent.ocpp.messages.n_diagnostics import NotifyPeriodicEventStream, StreamDataElement
from agent.ocpp.messages.p_data_transfer import DataTransferRequest
from agent.ocpp.messages.q_bidirectional import AFRRSignalRequest
from agent.ocpp.tolerance import Ear, Tolerance

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RESET = '[2,"c1","Reset",{"type":"OnIdle"}]'
TIME = '{"currentTime":"2026-01-01T00:00:00Z"}'
STREAM = NotifyPeriodicEventStream(id=1, pending=0, basetime=NOW, data=(StreamDataElement(t=0.0, v="1"),))


def opened(subprotocol: str = "ocpp2.0.1", *, tolerance: Tolerance = Tolerance.OFF, max_frame_bytes: int = 4096) -> Rpc:
    rpc = Rpc(timeout_s=30.0, max_frame_bytes=max_frame_bytes, ear=Ear(tolerance))
    rpc.opened(dialect_for(subprotocol), now=0.0)
    return rpc


def frames(rpc: Rpc) -> list[Any]:
    return [json.loads(frame) for frame in rpc.take_frames()]


def heard(rpc: Rpc, frame: str | bytes, now: float = 0.0) -> list[Any]:
    rpc.receive_frame(frame, now)
    return rpc.take_events()


def test_a_call_goes_out_and_its_answer_comes_back():
    rpc = opened()
    rpc.call(HeartbeatRequest(), "m1", now=0.0)
    assert rpc.busy
    assert frames(rpc) == [[2, "m1", "Heartbeat", {}]]
    assert heard(rpc, f'[3,"m1",{TIME}]') == [CallAnswered("m1", "Heartbeat", HeartbeatResponse(current_time=NOW))]
    assert not rpc.busy
    assert frames(rpc) == []


def test_a_call_of_theirs_is_answered_with_its_id():
    rpc = opened()
    assert heard(rpc, RESET) == [CallReceived("c1", ResetRequest(type="OnIdle"))]
    rpc.answer("c1", ResetResponse(status="Scheduled"), now=1.0)
    assert frames(rpc) == [[3, "c1", {"status": "Scheduled"}]]


def test_a_call_of_theirs_is_refused_with_its_id():
    rpc = opened()
    heard(rpc, RESET)
    rpc.refuse("c1", "NotSupported", "Reset is not supported", now=1.0, details={"why": "x" * 3})
    assert frames(rpc) == [[4, "c1", "NotSupported", "Reset is not supported", {"why": "xxx"}]]


def test_our_answer_to_their_call_leaves_while_our_own_call_is_in_flight():
    rpc = opened()
    rpc.call(HeartbeatRequest(), "m1", now=0.0)
    heard(rpc, RESET)
    rpc.answer("c1", ResetResponse(status="Accepted"), now=1.0)
    assert [frame[:2] for frame in frames(rpc)] == [[2, "m1"], [3, "c1"]]
    assert rpc.busy
    assert isinstance(heard(rpc, f'[3,"m1",{TIME}]')[0], CallAnswered)


def test_the_same_id_in_both_directions_is_two_calls():
    rpc = opened()
    rpc.call(HeartbeatRequest(), "1", now=0.0)
    assert isinstance(heard(rpc, RESET.replace("c1", "1"))[0], CallReceived)
    assert isinstance(heard(rpc, f'[3,"1",{TIME}]')[0], CallAnswered)
    rpc.answer("1", ResetResponse(status="Accepted"), now=0.0)
    assert [frame[0] for frame in frames(rpc)] == [2, 3]


def test_a_second_call_before_the_answer_is_our_own_mistake():
    rpc = opened()
    rpc.call(HeartbeatRequest(), "m1", now=0.0)
    with pytest.raises(AssertionError):
        rpc.call(HeartbeatRequest(), "m2", now=0.0)


def test_what_cannot_be_said_leaves_nothing_in_flight():
    rpc = opened()
    with pytest.raises(Unsayable):
        rpc.call(AFRRSignalRequest(timestamp=NOW, signal=1), "m1", now=0.0)
    assert not rpc.busy
    assert rpc.next_deadline() is None
    assert frames(rpc) == []


def test_a_call_times_out_at_its_deadline_not_before():
    rpc = opened()
    rpc.call(HeartbeatRequest(), "m1", now=100.0)
    assert rpc.next_deadline() == 130.0
    rpc.expire(now=129.9)
    assert rpc.take_events() == []
    rpc.expire(now=130.0)
    assert rpc.take_events() == [CallTimedOut("m1", "Heartbeat")]
    assert not rpc.busy
    assert rpc.next_deadline() is None
    rpc.expire(now=200.0)
    assert rpc.take_events() == []


def test_a_call_can_have_a_timeout_of_its_own():
    rpc = opened()
    rpc.call(HeartbeatRequest(), "m1", now=100.0, timeout_s=5.0)
    assert rpc.next_deadline() == 105.0


@pytest.mark.parametrize(
    ("frame", "response"),
    [
        (f'[3,"m1",{TIME}]', HeartbeatResponse(current_time=NOW)),
        ('[3,"m1",{}]', None),
        ('[4,"m1","InternalError","",{}]', None),
    ],
)
def test_a_late_answer_is_told_once_and_does_not_answer_the_next_call(frame: str, response: Any) -> None:
    rpc = opened()
    rpc.call(HeartbeatRequest(), "m1", now=0.0)
    rpc.expire(now=30.0)
    rpc.call(HeartbeatRequest(), "m2", now=30.0)
    rpc.take_events()
    assert heard(rpc, frame) == [LateAnswer("m1", "Heartbeat", response)]
    assert rpc.busy
    assert heard(rpc, frame) == [StrangeFrame("answered once more", "m1 Heartbeat")]


@pytest.mark.parametrize("again", [f'[3,"m1",{TIME}]', '[4,"m1","GenericError","",{}]'])
def test_a_doubled_answer_is_told_and_changes_nothing(again: str) -> None:
    rpc = opened()
    rpc.call(HeartbeatRequest(), "m1", now=0.0)
    heard(rpc, f'[3,"m1",{TIME}]')
    rpc.call(HeartbeatRequest(), "m2", now=1.0)
    rpc.take_frames()
    assert heard(rpc, again) == [StrangeFrame("answered once more", "m1 Heartbeat")]
    assert rpc.busy
    assert frames(rpc) == []


def test_an_answer_to_nothing_is_told_and_not_answered():
    rpc = opened()
    assert heard(rpc, '[3,"nobody",{}]') == [StrangeFrame("the answer to no call of ours", "nobody ?")]
    assert heard(rpc, '[4,"nobody","GenericError","",{}]') == [
        StrangeFrame("the answer to no call of ours", "nobody ?")
    ]
    assert frames(rpc) == []


def test_a_refusal_comes_with_code_description_and_details():
    rpc = opened()
    rpc.call(HeartbeatRequest(), "m1", now=0.0)
    assert heard(rpc, '[4,"m1","SecurityError","not booted",{"a":[1]}]') == [
        CallRefused("m1", "Heartbeat", "SecurityError", "not booted", {"a": [1]})
    ]


@pytest.mark.parametrize(
    ("frame", "code", "description", "quirk"),
    [
        ('[4,"m1","SecurityError"]', "SecurityError", "", "ERROR_SHAPE"),
        ('[4,"m1","SecurityError",null,null]', "SecurityError", "", "ERROR_SHAPE"),
        ('[4,"m1",17,"why",{}]', "GenericError", "why", "ERROR_SHAPE"),
        ('[4,"m1","MyOwnError","why",{}]', "MyOwnError", "why", "ERROR_CODE"),
    ],
)
def test_a_crooked_refusal_still_ends_the_call(frame: str, code: str, description: str, quirk: str) -> None:
    ear = Ear()
    rpc = Rpc(timeout_s=30.0, max_frame_bytes=4096, ear=ear)
    rpc.opened(dialect_for("ocpp2.0.1"), now=0.0)
    rpc.call(HeartbeatRequest(), "m1", now=0.0)
    assert heard(rpc, frame) == [CallRefused("m1", "Heartbeat", code, description, {})]
    assert [one.quirk for one in ear.deviations()] == [quirk]


def test_a_refusal_of_something_unreadable_is_told_and_the_call_waits_on():
    """Part 4, 4.2.3: nobody knows which frame of ours was meant."""
    rpc = opened()
    rpc.call(HeartbeatRequest(), "m1", now=0.0)
    events = heard(rpc, '[4,"-1","RpcFrameworkError","what?",{}]')
    assert events == [StrangeFrame("the CSMS could not read a frame of ours: RpcFrameworkError", "-1 what?")]
    assert rpc.busy


def test_an_unreadable_answer_ends_the_call_and_2_1_says_so():
    for subprotocol, told in (("ocpp2.0.1", []), ("ocpp2.1", [[5, "m1", "OccurrenceConstraintViolation"]])):
        rpc = opened(subprotocol)
        rpc.call(HeartbeatRequest(), "m1", now=0.0)
        rpc.take_frames()
        reason = "Object missing required field `currentTime`"
        assert heard(rpc, '[3,"m1",{}]') == [
            AnswerUnreadable("m1", "Heartbeat", "OccurrenceConstraintViolation", reason)
        ]
        assert [frame[:3] for frame in frames(rpc)] == told
        assert not rpc.busy


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        ('[3,"m1",{"currentTime":', AnswerUnreadable),
        ('[3,"m1"]', AnswerUnreadable),
        ('[3,"m1",{},{},{},{}]', AnswerUnreadable),
        ('[3,"m1",' + "[" * 100000, AnswerUnreadable),
        ('[4,"m1"', CallRefused),
    ],
)
def test_a_broken_answer_ends_the_call_as_far_as_its_head_can_be_read(frame: str, told: type) -> None:
    rpc = opened(max_frame_bytes=1000000)
    rpc.call(HeartbeatRequest(), "m1", now=0.0)
    rpc.take_frames()
    assert [type(event) for event in heard(rpc, frame)] == [told]
    assert not rpc.busy
    assert frames(rpc) == []


def test_a_lost_connection_loses_the_call_and_what_was_not_taken():
    rpc = opened()
    rpc.call(HeartbeatRequest(), "m1", now=0.0)
    heard(rpc, RESET)
    rpc.closed(now=1.0)
    assert rpc.take_events() == [CallLost("m1", "Heartbeat")]
    assert rpc.take_frames() == []
    assert not rpc.busy
    rpc.opened(dialect_for("ocpp2.1"), now=2.0)
    rpc.answer("c1", ResetResponse(status="Accepted"), now=2.0)  # asked on the connection that is gone
    rpc.refuse("c1", "GenericError", "", now=2.0)
    assert rpc.take_frames() == []
    assert heard(rpc, f'[3,"m1",{TIME}]') == [StrangeFrame("the answer to no call of ours", "m1 ?")]


def test_nothing_is_heard_between_two_connections():
    rpc = opened()
    rpc.closed(now=1.0)
    assert heard(rpc, RESET) == []
    assert rpc.take_frames() == []


def test_the_next_connection_may_speak_another_version():
    rpc = opened("ocpp2.1")
    message = DataTransferRequest(vendor_id="v")
    rpc.call(message, "m1", now=0.0)
    rpc.closed(now=1.0)
    rpc.opened(dialect_for("ocpp2.0.1"), now=2.0)
    rpc.call(message, "m2", now=2.0)
    assert frames(rpc) == [[2, "m2", "DataTransfer", {"vendorId": "v"}]]


@pytest.mark.parametrize(
    ("frame", "message_id", "code"),
    [
        ('[2,"c1","Reset",{"type":"gently"}]', "c1", "PropertyConstraintViolation"),
        ('[2,"c1","Reset",{}]', "c1", "OccurrenceConstraintViolation"),
        ('[2,"c1","Reset",{"type":"OnIdle","evseId":"1"}]', "c1", "TypeConstraintViolation"),
        ('[2,"c1","Reset",{"type":"OnIdle","x":1}]', "c1", "FormatViolation"),
        ('[2,"c1","Reset",[]]', "c1", "ProtocolError"),
        ('[2,"c1","reset",{}]', "c1", "NotImplemented"),
        ('[2,"c1","Dance",{}]', "c1", "NotImplemented"),
        ('[2,"c1","Reset"]', "c1", "RpcFrameworkError"),
        ('[2,"c1","Reset",{},{}]', "c1", "RpcFrameworkError"),
        ('[2,"c1"]', "c1", "RpcFrameworkError"),
        ('[2,"c1",7,{}]', "c1", "RpcFrameworkError"),
        ('[2,"c1","Reset",{"type":}]', "c1", "FormatViolation"),
        ('[2,"c1","Reset",{"type":"OnIdle"}', "c1", "FormatViolation"),
        ('[2,"c1","Reset",{"type":"OnIdle"}] and more', "c1", "FormatViolation"),
        ('[2,"c1","Reset",' + "[" * 500000, "c1", "FormatViolation"),
        ('[2,"c1","DataTransfer",{"vendorId":"v","data":' + "[" * 90 + "]" * 90 + "}]", "c1", "FormatViolation"),
        ('[2,"c1","Reset",{"type":"OnIdle","evseId":' + "9" * 10000 + "}]", "c1", "PropertyConstraintViolation"),
        (b'[2,"c1","Reset",{"type":"On\xffIdle"}]', "c1", "FormatViolation"),
        ('[2,17,"Reset",{}]', "-1", "RpcFrameworkError"),
        ("[2]", "-1", "RpcFrameworkError"),
        ("[2,", "-1", "RpcFrameworkError"),
        ("", "-1", "RpcFrameworkError"),
        (" ", "-1", "RpcFrameworkError"),
        ("null", "-1", "RpcFrameworkError"),
        ('{"2":"c1"}', "-1", "RpcFrameworkError"),
        ('["2","c1","Reset",{}]', "-1", "RpcFrameworkError"),
        ("[" * 500000, "-1", "RpcFrameworkError"),
        (b"\xff\xfe", "-1", "RpcFrameworkError"),
        ('[2,"\ud800","Reset",{}]', "-1", "RpcFrameworkError"),
        ('[2,"' + "i" * 37 + '","Reset",{"type":"OnIdle"}]', "-1", "RpcFrameworkError"),
    ],
)
def test_a_call_that_is_no_call_is_refused_as_far_as_its_id_can_be_read(
    frame: str | bytes, message_id: str, code: str
) -> None:
    rpc = opened(max_frame_bytes=1000000)
    assert [type(event) for event in heard(rpc, frame)] == [StrangeFrame]
    [[kind, said_id, said_code, description, details]] = frames(rpc)
    assert (kind, said_id, said_code, details) == (4, message_id, code, {})
    assert 0 < len(description) <= 255


@pytest.mark.parametrize("frame", ["[3]", "[4,5]", "[5,", "[6,[],{}]", '[6,"x"'])
def test_what_is_clearly_no_call_gets_no_callerror(frame: str) -> None:
    rpc = opened("ocpp2.1")
    assert [type(event) for event in heard(rpc, frame)] == [StrangeFrame]
    assert frames(rpc) == []


@pytest.mark.parametrize("frame", ['[9,"x",{}]', '[0,"x",{},{}]', '[9,"x"', '[5,"x",{}]', '[6,"x","Y",{}]'])
def test_2_0_1_answers_a_message_type_it_does_not_have(frame: str) -> None:
    """Part 4, 4.4."""
    rpc = opened("ocpp2.0.1")
    assert [type(event) for event in heard(rpc, frame)] == [StrangeFrame]
    assert [said[:3] for said in frames(rpc)] == [[4, "x", "MessageTypeNotSupported"]]


@pytest.mark.parametrize("frame", ['[9,"x",{}]', '[0,"x",{},{}]', "[9,7]"])
def test_2_1_ignores_a_message_type_it_does_not_have(frame: str) -> None:
    """Part 4 of 2.1, 4.1.3."""
    rpc = opened("ocpp2.1")
    assert [type(event) for event in heard(rpc, frame)] == [StrangeFrame]
    assert frames(rpc) == []


def test_an_id_that_cannot_be_read_is_not_the_id_minus_one_of_a_call():
    rpc = opened()
    assert isinstance(heard(rpc, RESET.replace("c1", "-1"))[0], CallReceived)
    heard(rpc, '[2,1,"Reset",{}]')
    assert [frame[:3] for frame in frames(rpc)] == [[4, "-1", "RpcFrameworkError"]]
    heard(rpc, '[2,"-1","Reset",{"type":}]')
    assert frames(rpc) == []


def test_an_empty_id_is_an_id():
    rpc = opened()
    assert isinstance(heard(rpc, RESET.replace("c1", ""))[0], CallReceived)
    rpc.answer("", ResetResponse(status="Accepted"), now=0.0)
    heard(rpc, '[2,"","Reset",{},{},{}]')
    heard(rpc, '[7,"",{},{},{},{}]')
    assert [frame[1] for frame in frames(rpc)] == ["", "", ""]


def test_a_frame_too_long_is_refused_unread():
    rpc = opened(max_frame_bytes=100)
    exact = '[2,"c1","DataTransfer",{"vendorId":"v","data":""}]'
    exact = exact.replace('""', '"' + "x" * (100 - len(exact)) + '"')
    assert isinstance(heard(rpc, exact)[0], CallReceived)
    rpc.refuse("c1", "NotSupported", "", now=0.0)
    rpc.take_frames()
    heard(rpc, exact.replace("c1", "c22"))
    assert frames(rpc) == [[4, "c22", "FormatViolation", "longer than 100 bytes", {}]]


def test_a_long_message_id_is_a_matter_of_tolerance():
    rpc = opened(tolerance=Tolerance.KNOWN)
    long_id = "i" * 60
    assert isinstance(heard(rpc, RESET.replace("c1", long_id))[0], CallReceived)
    rpc.answer(long_id, ResetResponse(status="Accepted"), now=0.0)
    assert frames(rpc) == [[3, long_id, {"status": "Accepted"}]]


def test_any_message_id_is_said_back_as_it_was_written():
    rpc = opened()
    heard(rpc, '[2,"a\\"b\\\\\\u00e9\\n","Reset",{"type":"OnIdle"}]')
    rpc.answer('a"b\\é\n', ResetResponse(status="Accepted"), now=0.0)
    assert frames(rpc)[0][1] == 'a"b\\é\n'


def test_the_same_call_again_before_the_answer_is_answered_once():
    rpc = opened()
    heard(rpc, RESET)
    assert heard(rpc, RESET) == [StrangeFrame("asked again before we answered", "c1 Reset")]
    rpc.answer("c1", ResetResponse(status="Accepted"), now=0.0)
    rpc.answer("c1", ResetResponse(status="Rejected"), now=0.0)
    assert frames(rpc) == [[3, "c1", {"status": "Accepted"}]]


def test_the_same_call_again_after_the_answer_gets_the_same_answer():
    """A retry may keep its id (erratum 4.6 of 2024-09); to reset twice was not meant."""
    rpc = opened()
    heard(rpc, RESET)
    rpc.answer("c1", ResetResponse(status="Accepted"), now=0.0)
    assert heard(rpc, RESET) == [StrangeFrame("asked again, answered the same", "c1 Reset")]
    assert frames(rpc) == [[3, "c1", {"status": "Accepted"}]] * 2


def test_another_call_with_an_id_in_use_is_refused():
    rpc = opened(tolerance=Tolerance.ALL)
    heard(rpc, RESET)
    heard(rpc, RESET.replace("OnIdle", "Immediate"))
    assert [frame[:3] for frame in frames(rpc)] == [[4, "c1", "RpcFrameworkError"]]


@pytest.mark.parametrize(("tolerance", "accepted"), [(Tolerance.OFF, False), (Tolerance.KNOWN, True)])
def test_another_call_with_the_id_of_an_answered_one_is_a_matter_of_tolerance(
    tolerance: Tolerance, accepted: bool
) -> None:
    rpc = opened(tolerance=tolerance)
    heard(rpc, RESET)
    rpc.answer("c1", ResetResponse(status="Accepted"), now=0.0)
    rpc.take_frames()
    events = heard(rpc, RESET.replace("OnIdle", "Immediate"))
    assert isinstance(events[0], CallReceived) == accepted
    assert [frame[:3] for frame in frames(rpc)] == ([] if accepted else [[4, "c1", "RpcFrameworkError"]])


def test_a_second_call_while_the_first_waits_is_refused_without_tolerance():
    rpc = opened()
    heard(rpc, RESET)
    assert [type(event) for event in heard(rpc, RESET.replace("c1", "c2"))] == [StrangeFrame]
    assert [frame[:3] for frame in frames(rpc)] == [[4, "c2", "GenericError"]]
    rpc.answer("c1", ResetResponse(status="Accepted"), now=0.0)
    assert isinstance(heard(rpc, RESET.replace("c1", "c3"))[0], CallReceived)


def test_an_impatient_csms_is_heard_up_to_a_limit():
    rpc = opened(tolerance=Tolerance.KNOWN)
    for number in range(MAX_UNANSWERED):
        assert isinstance(heard(rpc, RESET.replace("c1", f"c{number}"))[0], CallReceived)
    heard(rpc, RESET.replace("c1", "one too many"))
    assert [frame[1] for frame in frames(rpc)] == ["one too many"]
    rpc.answer("c3", ResetResponse(status="Accepted"), now=0.0)
    assert [frame[1] for frame in frames(rpc)] == ["c3"]


def test_a_call_that_was_never_answered_does_not_close_the_ear_for_ever():
    rpc = opened()
    heard(rpc, RESET, now=0.0)
    assert isinstance(heard(rpc, RESET.replace("c1", "c2"), now=29.9)[0], StrangeFrame)
    assert isinstance(heard(rpc, RESET.replace("c1", "c3"), now=30.0)[0], CallReceived)


def test_an_answer_of_ours_that_cannot_be_said_becomes_an_internal_error():
    rpc = opened()
    heard(rpc, RESET)
    rpc.answer("c1", ResetResponse(status="Accepted", status_info=StatusInfo(reason_code="x" * 21)), now=0.0)
    assert [frame[:3] for frame in frames(rpc)] == [[4, "c1", "InternalError"]]
    [event] = rpc.take_events()
    assert isinstance(event, AnswerUnsayable)
    assert "reason_code" in event.reason


def test_a_callresulterror_tells_that_our_answer_was_not_understood():
    rpc = opened("ocpp2.1")
    heard(rpc, RESET)
    rpc.answer("c1", ResetResponse(status="Accepted"), now=0.0)
    rpc.take_frames()
    assert heard(rpc, '[5,"c1","FormatViolation","what?",{}]') == [
        AnswerRefused("c1", "Reset", "FormatViolation", "what?", {})
    ]
    assert [type(event) for event in heard(rpc, '[5,"c0","FormatViolation","what?",{}]')] == [StrangeFrame]
    assert frames(rpc) == []


def test_a_send_leaves_while_a_call_is_in_flight_and_waits_for_nothing():
    rpc = opened("ocpp2.1")
    rpc.call(HeartbeatRequest(), "m1", now=0.0)
    rpc.send(STREAM, "s1", now=0.0)
    assert [frame[:3] for frame in frames(rpc)] == [[2, "m1", "Heartbeat"], [6, "s1", "NotifyPeriodicEventStream"]]
    assert rpc.next_deadline() == 30.0
    with pytest.raises(Unsayable, match=r"has no SEND|no such message"):
        opened("ocpp2.0.1").send(STREAM, "s2", now=0.0)


def test_a_send_of_theirs_is_told_and_never_answered():
    rpc = opened("ocpp2.1")
    payload = dialect_for("ocpp2.1").encode(STREAM).decode()
    assert heard(rpc, f'[6,"s1","NotifyPeriodicEventStream",{payload}]') == [SendReceived("s1", STREAM)]
    for broken in ('[6,"s1","NotifyPeriodicEventStream",{}]', '[6,"s1","Reset",{}]', '[6,"s1",1]', '[6,"s1","X"]'):
        assert [type(event) for event in heard(rpc, broken)] == [StrangeFrame]
    assert frames(rpc) == []


def test_a_signed_call_is_heard_as_the_call_inside():
    """Part 4, 7.2: the payload of {"type":"OnIdle"} in base64url."""
    rpc = opened()
    jws = '{"protected":"e30","payload":"eyJ0eXBlIjoiT25JZGxlIn0","signature":"AA"}'
    assert heard(rpc, f'[2,"c1","Reset-Signed",{jws}]') == [CallReceived("c1", ResetRequest(type="OnIdle"))]
    rpc.answer("c1", ResetResponse(status="Accepted"), now=0.0)
    rpc.take_frames()
    for broken in ("{}", '{"payload":"!"}', '{"payload":"eyJ0e"}', '"x"', '{"payload":"é"}'):
        heard(rpc, f'[2,"c2","Reset-Signed",{broken}]')
        assert [frame[:2] for frame in frames(rpc)] == [[4, "c2"]]


def test_what_is_remembered_of_past_calls_does_not_grow():
    rpc = opened()
    for number in range(10 * MAX_REMEMBERED):
        rpc.call(HeartbeatRequest(), f"m{number}", now=number * 100.0)
        rpc.expire(now=number * 100.0 + 30.0)
    rpc.take_events()
    assert heard(rpc, f'[3,"m0",{TIME}]') == [StrangeFrame("the answer to no call of ours", "m0 ?")]
    assert isinstance(heard(rpc, f'[3,"m{10 * MAX_REMEMBERED - 1}",{TIME}]')[0], LateAnswer)


def test_a_frame_of_bytes_is_as_good_as_one_of_text():
    assert heard(opened(), RESET.encode()) == heard(opened(), RESET)


def test_the_same_frames_at_the_same_times_give_the_same_story():
    script = [RESET, RESET, '[2,"c2","Dance",{}]', "[3", '[9,"x",{}]', RESET.replace("c1", "c2")]
    stories = []
    for _ in range(2):
        rpc = opened(tolerance=Tolerance.KNOWN)
        stories.append([(heard(rpc, frame, now), rpc.take_frames()) for now, frame in enumerate(script)])
    assert stories[0] == stories[1]
