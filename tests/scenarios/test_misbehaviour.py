"""A CSMS that does wrong, in every way that we know: told once, tried again, and in the end all is answered."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple

import pytest

from agent.blocks import b_provisioning
from agent.blocks.f_remote_control import RemoteControl
from agent.blocks.g_heartbeat import Heartbeats
from agent.edge import websocket
from agent.loop import DEFECT_PAUSE_S
from agent.ocpp.messages.f_remote_control import TriggerMessageRequest
from tests.csms import misbehaviour as wrong
from tests.csms.line import CallError
from tests.csms.practice import PracticeCsms
from tests.csms.record import CALLERROR, StationRecord
from tests.scenarios.sessions import all_ended, charge, faults_of
from tests.scenarios.station import ID, AgentInLoop, sim_board

LOST, LATE, NONSENSE = "! csms: connection lost", "! csms: no answer to a call", "! csms: StrangeFrame"
MUTE = "! csms: no answer to a ping"
HASTY_FOR: dict[str, dict[str, Any]] = {
    LATE: {"OCPPCommCtrlr_MessageTimeout__Default": 2},
    MUTE: {"OCPPCommCtrlr_WebSocketPingInterval": 2},
}
HASTY = HASTY_FOR[LATE] | HASTY_FOR[MUTE]
CLOSED, REFUSED = "! csms: closed by the CSMS: 1000", "TransactionEvent Started Authorized #0 - failed"
# How many connections it takes, and what is told of it, once.
TOLD: dict[str, tuple[int, tuple[str, ...]]] = {
    "abort_after": (2, (LOST,)),
    "abort_before": (2, (LOST,)),
    "answer_twice": (1, (NONSENSE,)),
    "call_error": (1, (REFUSED,)),
    "close_after": (2, (CLOSED,)),
    "close_before": (2, (CLOSED,)),
    "empty_array": (2, (NONSENSE, LATE)),
    "never_answer": (2, (LATE,)),
    "not_json": (1, (REFUSED,)),
    "not_utf8": (2, (NONSENSE, LATE)),
    "stop_pongs": (2, (MUTE,)),
    "stop_reading": (2, (LATE,)),
    "unknown_message_type": (2, (NONSENSE, LATE)),
    "wrong_id": (2, (NONSENSE, LATE)),
    "wrong_payload": (1, ()),  # fields that no TransactionEventResponse has: a tolerant ear understands it
    "wrong_payload_type": (1, (REFUSED,)),
}


class Outcome(NamedTuple):
    """What is left of a session in which something went wrong."""

    faults: list[str]
    energy_wh: Decimal
    back_off: bool
    told: dict[str, int]
    waiting: int


@pytest.fixture
async def csms() -> AsyncIterator[PracticeCsms]:
    """One that knows how long this station waits for an answer."""
    async with PracticeCsms(message_timeout_s=2) as practice:
        yield practice


def own_faults_of(record: StationRecord) -> list[str]:
    """What the station did wrong: to answer nonsense with a CALLERROR is right, to go on behind it too."""
    assert all(stray.kind == CALLERROR for stray in record.strays)
    excused = ("answer to nothing that was asked", "is not answered")
    return [fault for fault in faults_of(record) if not any(text in fault for text in excused)]


def kept_back_off(record: StationRecord) -> bool:
    return all(later - earlier >= 0.99 for earlier, later in pairwise(record.attempts_s))


def test_every_fault_has_its_row() -> None:
    assert TOLD.keys() == wrong.FAULTS.keys()


async def test_any_answer_to_an_event_may_go_wrong(folder: Path) -> None:
    async def session(name: str) -> Outcome:
        connections, lines = TOLD[name]
        # A hasty station may lose its patience with a busy machine, and that is then what it tells.
        hasty = {LATE, MUTE} & {*lines}
        async with PracticeCsms(message_timeout_s=2 if hasty else 30) as csms, AgentInLoop(folder / name) as agent:
            await agent.start(csms.url, **(HASTY_FOR[hasty.pop()] if hasty else {}))
            await csms.wait_for("StatusNotification", count=2)
            csms.script.add(wrong.FAULTS[name], "TransactionEvent")
            id_ = await charge(agent, 1, "ABCD", 1000)
            record = await all_ended(csms, 1)
            # At least: on a busy machine a timeout of this hasty station may cost one more.
            await csms.wait_for(lambda: record.connected and record.connections >= connections)
            await agent.cmd("settle", quiet_ms=50)
            return Outcome(
                faults=own_faults_of(record),
                energy_wh=record.transactions[id_].energy_wh,
                back_off=kept_back_off(record),
                told={line: min(1, agent.said_times(line)) for line in lines},
                waiting=(await agent.cmd("status"))["waiting"],
            )

    found = await asyncio.gather(*map(session, TOLD))
    assert dict(zip(TOLD, found, strict=True)) == {
        name: Outcome([], Decimal(1000), True, dict.fromkeys(lines, 1), 0) for name, (_, lines) in TOLD.items()
    }


async def test_any_answer_to_a_boot_may_go_wrong(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(b_provisioning, "OWN_INTERVAL_S", 0.2)

    async def boot(name: str) -> list[str]:
        async with PracticeCsms(message_timeout_s=2) as csms, AgentInLoop(folder / name) as agent:
            csms.script.add(wrong.FAULTS[name], "BootNotification")
            await agent.start(csms.url, **HASTY)
            record = csms.station(ID)
            await csms.wait_for(lambda: record.statuses.keys() == {(1, 1), (2, 1)})
            await charge(agent, 1, "ABCD", 1000)
            return own_faults_of(await all_ended(csms, 1))

    found = await asyncio.gather(*map(boot, wrong.FAULTS))
    assert dict(zip(wrong.FAULTS, found, strict=True)) == {name: [] for name in wrong.FAULTS}


async def test_a_CSMS_that_closes_every_connection_at_once_is_told_once(csms: PracticeCsms, agent: AgentInLoop) -> None:
    csms.script.add(wrong.close_before, "BootNotification", times=3)
    await agent.start(csms.url)
    await csms.wait_for("StatusNotification", count=2)
    record = csms.station(ID)
    assert record.connections == 4
    assert kept_back_off(record)
    assert agent.said_times(CLOSED) == 1


async def test_a_loss_after_a_good_connection_is_told_each_time(csms: PracticeCsms, agent: AgentInLoop) -> None:
    record = csms.station(ID)
    await agent.start(csms.url)
    await csms.wait_for("StatusNotification", count=2)
    await csms.line(ID).close()
    await csms.wait_for(lambda: record.connections == 2)
    await csms.call(ID, "TriggerMessage", {"requestedMessage": "Heartbeat"})
    await csms.wait_for("Heartbeat")
    await agent.cmd("settle", quiet_ms=50)
    await csms.line(ID).close()
    await csms.wait_for(lambda: record.connections == 3)
    assert agent.said_times(CLOSED) == 2


# The opening handshake.

HANDSHAKES: dict[str, tuple[wrong.Handshake, str]] = {
    **{
        f"HTTP {status}": (wrong.refuse(status), f"HTTP {status}")
        for status in (301, 400, 401, 403, 404, 429, 500, 503)
    },
    "it hangs": (wrong.HANG, "no answer to the handshake in time"),
    "another subprotocol": (wrong.pick_subprotocol("ocpp1.6"), "ocpp1.6"),
    "no subprotocol": (wrong.pick_subprotocol(None), "chose None"),
}


async def test_a_refused_handshake_is_told_once_and_tried_again_with_the_back_off(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket, "OPEN_TIMEOUT_S", 2.0)
    strict = sim_board(folder, '[csms]\ntolerance = "off"\n')

    async def connect(name: str) -> tuple[list[str], int, bool]:
        handshake, line = HANDSHAKES[name]
        async with PracticeCsms() as csms, AgentInLoop(folder / name.replace(" ", ""), strict) as agent:
            csms.handshakes += [handshake] * 2
            await agent.start(csms.url)
            await csms.wait_for("StatusNotification", count=2)
            record = csms.station(ID)
            told = [said for said in agent.log.items if said.startswith("! csms") and line in said]
            return faults_of(record), len(told), kept_back_off(record) and len(record.attempts_s) == 3

    found = await asyncio.gather(*map(connect, HANDSHAKES))
    assert dict(zip(HANDSHAKES, found, strict=True)) == {name: ([], 1, True) for name in HANDSHAKES}


async def test_a_CSMS_that_names_no_subprotocol_is_understood_by_a_tolerant_station(
    csms: PracticeCsms, agent: AgentInLoop
) -> None:
    csms.handshakes.append(wrong.pick_subprotocol(None))
    await agent.start(csms.url)
    await csms.wait_for("StatusNotification", count=2)
    assert csms.station(ID).connections == 1
    assert set(faults_of(csms.station(ID))) == {"spoke over subprotocol None"}


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"", "! csms: "),
        (b"220 mail.example.com ESMTP\r\n", "! csms: handshake"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "HTTP 200"),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "! csms: handshake"),
        (b"\x00" * 100_000, "! csms: handshake"),
    ],
    ids=["nothing", "mail", "web page", "half a handshake", "zeros"],
)
async def test_what_listens_there_is_no_CSMS(agent: AgentInLoop, answer: bytes, told: str) -> None:
    heard = asyncio.Semaphore(0)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()
        heard.release()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        await agent.start(f"ws://127.0.0.1:{port}/ocpp")
        for _ in range(2):
            await asyncio.wait_for(heard.acquire(), 10)
        await agent.said(told)
    assert (await agent.cmd("status"))["connected"] is False
    assert agent.said_times("next attempt in") == 1


@pytest.mark.parametrize("url", ["ws://127.0.0.1:1/ocpp", "ws://nobody.invalid/ocpp"])
async def test_nobody_listens_there(agent: AgentInLoop, url: str) -> None:
    await agent.start(url)
    await agent.said("! csms: cannot connect")
    await charge_offline(agent)


async def charge_offline(agent: AgentInLoop) -> None:
    """The station works without its CSMS: it knows a vehicle when it sees one."""
    await agent.cmd("plug_in", evse=1)
    await agent.fact("EvConnected", 1)


# A link that is half open.


@pytest.mark.parametrize("fault", [wrong.stop_reading, wrong.stop_pongs], ids=["stops reading", "stops ponging"])
async def test_a_link_that_is_half_open_is_found_by_ping(
    csms: PracticeCsms, agent: AgentInLoop, fault: wrong.Fault
) -> None:
    """Without a word to say: nothing but the ping can tell."""
    csms.script.add(fault, "StatusNotification", nth=2)
    await agent.start(csms.url, OCPPCommCtrlr_WebSocketPingInterval=1, OCPPCommCtrlr_OfflineThreshold=0)
    record = csms.station(ID)
    await csms.wait_for(lambda: record.connections >= 2)
    assert agent.said_times("no answer to a ping") >= 1
    await charge(agent, 1, "ABCD", 1000)
    assert own_faults_of(await all_ended(csms, 1)) == []


# A defect of ours, whatever brings it out.


async def test_a_defect_costs_the_call_not_the_station(
    csms: PracticeCsms, agent: AgentInLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def defective(block: RemoteControl, request: object, now: object) -> None:
        raise ZeroDivisionError("practice")

    monkeypatch.setattr(RemoteControl, "calls", {**RemoteControl.calls, TriggerMessageRequest: defective})
    await agent.start(csms.url)
    await csms.wait_for("StatusNotification", count=2)
    with pytest.raises(CallError, match="InternalError"):
        await csms.call(ID, "TriggerMessage", {"requestedMessage": "Heartbeat"})
    await charge(agent, 1, "ABCD", 1000)
    record = await all_ended(csms, 1)
    assert record.connections == 1
    assert faults_of(record) == []
    assert agent.said_times("! defect: ZeroDivisionError: practice") == 1


async def test_a_defect_in_a_timer_leaves_the_others_running(
    csms: PracticeCsms, agent: AgentInLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def defective(block: Heartbeats, now: object) -> None:
        raise ZeroDivisionError("practice")

    monkeypatch.setattr(Heartbeats, "expire", defective)
    await agent.start(csms.url, OCPPCommCtrlr_MessageTimeout__Default=2)
    await csms.wait_for("StatusNotification", count=2)
    heartbeat = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}
    await csms.call(ID, "SetVariables", {"setVariableData": [{**heartbeat, "attributeValue": "1"}]})
    await agent.said("! defect: ZeroDivisionError: practice")
    began_s = monotonic()
    await charge(agent, 1, "ABCD", 1000)
    assert faults_of(await all_ended(csms, 1)) == []
    assert agent.said_times("! defect") <= 3 + (monotonic() - began_s) / DEFECT_PAUSE_S
