"""Frames that are no calls, or not good ones: answered as Part 4 wants, and the connection goes on."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.csms.practice import PracticeCsms
from tests.scenarios.sessions import all_ended, charge, faults_of
from tests.scenarios.station import ID, AgentInLoop, sim_board

GOOD = {"getVariableData": [{"component": {"name": "TxCtrlr"}, "variable": {"name": "TxStartPoint"}}]}
DEEP = "[" * 20_000


def call(payload: Any, action: Any = "GetVariables", id_: Any = "m1") -> str:
    return json.dumps([2, id_, action, payload])


def changed(**fields: Any) -> dict[str, Any]:
    """A RequestStartTransaction with these fields instead; None: without."""
    whole = {"idToken": {"idToken": "AB", "type": "Central"}, "remoteStartId": 1, "evseId": 1, **fields}
    return {name: value for name, value in whole.items() if value is not None}


# Part 4, 4.2.3 and 4.3: the frame, and what answers it (message id, code).
ANSWERED: dict[str, tuple[str | bytes, str, str]] = {
    "no JSON": ("hello", "-1", "RpcFrameworkError"),
    "cut off": ('[2,"m1","GetVariables",{"getVariableData":', "m1", "FormatViolation"),
    "cut off in the id": ('[2,"m', "-1", "RpcFrameworkError"),
    "empty": ("", "-1", "RpcFrameworkError"),
    "an object": ('{"a":1}', "-1", "RpcFrameworkError"),
    "an empty array": ("[]", "-1", "RpcFrameworkError"),
    "a type that is no number": ('["2","m1","GetVariables",{}]', "-1", "RpcFrameworkError"),
    "a type that nobody knows": ('[9,"m1",{}]', "m1", "MessageTypeNotSupported"),
    "a SEND, which 2.0.1 does not have": ('[6,"m1","NotifyPeriodicEventStream",{}]', "m1", "MessageTypeNotSupported"),
    "no id": ("[2]", "-1", "RpcFrameworkError"),
    "an id that is no string": (call(GOOD, id_=7), "-1", "RpcFrameworkError"),
    "an id that is too long": (call(GOOD, id_="x" * 37), "-1", "RpcFrameworkError"),
    "no action": ('[2,"m1"]', "m1", "RpcFrameworkError"),
    "an action that is no string": (call(GOOD, action=7), "m1", "RpcFrameworkError"),
    "no payload": ('[2,"m1","GetVariables"]', "m1", "RpcFrameworkError"),
    "one element too many": ('[2,"m1","GetVariables",{},{}]', "m1", "RpcFrameworkError"),
    "a payload that is no object": (call([]), "m1", "ProtocolError"),
    "nested beyond reason": (f'[2,"m1","GetVariables",{DEEP}', "m1", "FormatViolation"),
    "half a character": ('[2,"m1","GetVariables",{"a":"\\ud800"}]', "m1", "FormatViolation"),
    "no UTF-8": (b'[2,"m1","GetVariables",{"a":"\xff"}]', "m1", "FormatViolation"),
    "an unknown action": (call({}, "MakeCoffee"), "m1", "NotImplemented"),
    "a field too many": (call({**GOOD, "x": 1}), "m1", "FormatViolation"),
    "a field too few": (call(changed(idToken=None), "RequestStartTransaction"), "m1", "OccurrenceConstraintViolation"),
    "an empty list": (call({"getVariableData": []}), "m1", "OccurrenceConstraintViolation"),
    "a number for a string": (
        call({"getVariableData": [{"component": {"name": 1}, "variable": {"name": "x"}}]}),
        "m1",
        "TypeConstraintViolation",
    ),
    "a string for a number": (
        call(changed(remoteStartId="1"), "RequestStartTransaction"),
        "m1",
        "TypeConstraintViolation",
    ),
    "a null": (call(changed() | {"evseId": None}, "RequestStartTransaction"), "m1", "TypeConstraintViolation"),
    "a word that is not among them": (
        call({"type": "Softly"}, "Reset"),
        "m1",
        "PropertyConstraintViolation",
    ),
    "a text that is too long": (
        call({"getVariableData": [{"component": {"name": "x" * 51}, "variable": {"name": "x"}}]}),
        "m1",
        "PropertyConstraintViolation",
    ),
}
# What answers something is not answered.
IGNORED: dict[str, str | bytes] = {
    "an answer to nothing": '[3,"nobody",{}]',
    "an answer without payload": '[3,"nobody"]',
    "an error to nothing": '[4,"nobody","GenericError","",{}]',
    "an error that could not read us": '[4,"-1","RpcFrameworkError","",{}]',
    "an error without a body": "[4]",
    "an error of one element": '[4,"nobody",null]',
}


async def still_there(csms: PracticeCsms) -> None:
    """The same connection answers a good call."""
    told = await csms.call(ID, "GetVariables", GOOD)
    assert told["getVariableResult"][0]["attributeValue"] == "PowerPathClosed"
    assert csms.station(ID).connections == 1
    assert csms.station(ID).violations == []


async def answer_to(csms: PracticeCsms, frame: str | bytes) -> list[Any]:
    strays = csms.station(ID).strays
    before = len(strays)
    await csms.say(ID, frame)
    await csms.wait_for(lambda: len(strays) > before)
    return strays[-1].message or []


@pytest.fixture
async def online(csms: PracticeCsms, folder: Path) -> AsyncIterator[AgentInLoop]:
    """A station that forgives nothing."""
    async with AgentInLoop(folder, sim_board(folder, '[csms]\ntolerance = "off"\n')) as strict:
        await strict.start(csms.url)
        await csms.wait_for("StatusNotification", count=2)
        yield strict


async def test_every_bad_frame_gets_its_error_code_and_the_connection_stays(
    csms: PracticeCsms, online: AgentInLoop
) -> None:
    told: dict[str, tuple[Any, ...]] = {}
    for name, (frame, _, _) in ANSWERED.items():
        answer = await answer_to(csms, frame)
        told[name] = (answer[1], answer[2]) if answer[0] == 4 else tuple(answer)
        await still_there(csms)
    assert told == {name: (id_, code) for name, (_, id_, code) in ANSWERED.items()}


async def test_what_answers_nothing_is_not_answered_and_the_connection_stays(
    csms: PracticeCsms, online: AgentInLoop
) -> None:
    for frame in IGNORED.values():
        await csms.say(ID, frame)
        await still_there(csms)  # asked behind it: what would have been answered, would have been by now
    assert csms.station(ID).strays == []
    assert csms.station(ID).violations == []


async def test_a_flood_of_nonsense_keeps_no_session_from_its_end(csms: PracticeCsms, online: AgentInLoop) -> None:
    async def flood() -> None:
        for _ in range(40):
            for frame, _, _ in ANSWERED.values():
                await csms.say(ID, frame)

    await asyncio.gather(flood(), charge(online, 1, "ABCD", 1000))
    record = await all_ended(csms, 1)
    await csms.wait_for(lambda: len(record.strays) == 40 * len(ANSWERED))
    assert faults_of(record) == []
    await still_there(csms)


async def test_a_tolerant_station_understands_what_is_harmless_and_keeps_the_list(
    csms: PracticeCsms, agent: AgentInLoop
) -> None:
    await agent.start(csms.url)
    await csms.wait_for("StatusNotification", count=2)
    asked = {**GOOD, "extra": 1, "customData": None}
    told = await csms.call(ID, "GetVariables", asked)
    assert told["getVariableResult"][0]["attributeValue"] == "PowerPathClosed"
    report = (await agent.cmd("csms_report"))["report"]
    assert "extra" in report and "customData" in report


async def test_a_frame_beyond_the_limit_costs_the_connection_only(csms: PracticeCsms, online: AgentInLoop) -> None:
    await csms.say(ID, call({"getVariableData": [{"component": {"name": "x" * 2_000_000}}]}))
    await csms.wait_for(lambda: csms.station(ID).connections == 2)
    await charge(online, 1, "ABCD", 1000)
    assert faults_of(await all_ended(csms, 1)) == []
    await online.said("1048576")


async def test_a_CSMS_that_asks_twice_at_once_is_answered_twice(csms: PracticeCsms, online: AgentInLoop) -> None:
    """Part 4, 4.1.1 forbids it; who does it all the same gets an answer to each."""
    for id_ in ("m1", "m2"):
        await csms.say(ID, call(GOOD, id_=id_))
    await csms.wait_for(lambda: len(csms.station(ID).strays) == 2)
    assert [stray.id for stray in csms.station(ID).strays] == ["m1", "m2"]


async def test_the_same_call_said_again_is_obeyed_once(csms: PracticeCsms, online: AgentInLoop) -> None:
    remote = call(changed(), "RequestStartTransaction")
    for _ in range(2):
        await csms.say(ID, remote)
    await csms.wait_for(lambda: len(csms.station(ID).strays) == 2)
    first, second = csms.station(ID).strays
    assert first.text == second.text
    await still_there(csms)
