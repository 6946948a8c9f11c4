"""The control socket: many clients, any line, and nothing that a client does costs another one anything."""

import asyncio
import json
import socket
from pathlib import Path
from typing import Any

import pytest

from agent.shell.server import BACKLOG_LIMIT, LINE_LIMIT
from hal.drivers.sim_pilot import SimPilot
from tests.csms.practice import PracticeCsms
from tests.scenarios.control import ControlClient, Refused
from tests.scenarios.sessions import all_ended, charge, faults_of
from tests.scenarios.station import ID, AgentInLoop, ended, sim_board


@pytest.fixture
async def online(csms: PracticeCsms, agent: AgentInLoop) -> AgentInLoop:
    await agent.start(csms.url)
    await csms.wait_for("StatusNotification", count=2)
    return agent


# Lines.

BAD_LINES: dict[str, tuple[str | bytes, Any, str]] = {
    "no JSON": ("hello", None, "not a command"),
    "cut off": ('{"id":1', None, "not a command"),
    "an array": ("[1]", None, "expected an object"),
    "a string": ('"status"', None, "expected an object"),
    "null": ("null", None, "expected an object"),
    "no UTF-8": (b'{"id":"x","cmd":"\xff"}', None, "not a command"),
    "half a character": ('{"id":"x","cmd":"\\ud800"}', None, "not a command"),
    "nested beyond reason": ("[" * 50_000, None, "not a command"),
    "no number": ('{"id":1e999,"cmd":"status"}', None, "not a command"),
    "nothing in it": ("{}", None, "cmd"),
    "no command": ('{"id":"x"}', "x", "cmd"),
    "a command that is no text": ('{"id":"x","cmd":5}', "x", "cmd"),
    "an unknown command": ('{"id":"x","cmd":"fly"}', "x", "known: auth_cache_clear, auth_cache_put, bay, clear_fault"),
    "an empty command": ('{"id":"x","cmd":""}', "x", "known: "),
    "an argument too many": ('{"id":"x","cmd":"status","evse":1}', "x", "evse"),
    "an argument too few": ('{"id":"x","cmd":"plug_in"}', "x", "evse"),
    "an argument of another type": ('{"id":"x","cmd":"plug_in","evse":"one"}', "x", "evse"),
    "a list for a number": ('{"id":"x","cmd":"meter","evse":1,"energy_wh":[1]}', "x", "energy_wh"),
    "a longer line than fits": ('{"id":"x","cmd":"' + "y" * LINE_LIMIT + '"}', None, str(LINE_LIMIT)),
    "a line much longer": ("z" * (3 * LINE_LIMIT), None, str(LINE_LIMIT)),
}


async def test_every_bad_line_is_answered_with_an_error_and_the_connection_stays(agent: AgentInLoop) -> None:
    for name, (line, id_, words) in BAD_LINES.items():
        answer = await agent.control.ask(line)
        assert (answer["ok"], answer["id"], words in answer["error"]) == (False, id_, True), (name, answer)
        assert (await agent.cmd("status"))["on"] is False


async def test_an_id_is_the_callers_own(agent: AgentInLoop) -> None:
    reader, writer = await asyncio.open_unix_connection(agent.socket)
    for id_ in ("a text", None, 1.5, True, [1, {"a": None}], {"b": "c"}):
        writer.write(json.dumps({"id": id_, "cmd": "status"}).encode() + b"\n")
        assert json.loads(await reader.readline())["id"] == id_
    writer.close()


async def test_empty_lines_and_lines_in_pieces_are_no_trouble(agent: AgentInLoop) -> None:
    reader, writer = await asyncio.open_unix_connection(agent.socket)
    for piece in (b"\n", b"  \r\n", b'{"id":7,', b'"cmd":"sta', b'tus"}', b"\r\n"):
        writer.write(piece)
        await writer.drain()
    assert json.loads(await reader.readline())["id"] == 7
    writer.close()


async def test_answers_may_overtake_each_other(online: AgentInLoop, csms: PracticeCsms) -> None:
    settling = asyncio.create_task(online.cmd("settle", quiet_ms=300))
    await online.cmd("plug_in", evse=1)
    assert not settling.done()
    await settling


# What a command may be asked.


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("plug_in", {"evse": 9}, "no such evse"),
        ("plug_in", {"evse": 0}, "no such evse"),
        ("plug_in", {"evse": -1}, "no such evse"),
        ("plug_in", {"evse": 1, "connector": 2}, "no such connector"),
        ("plug_in", {"evse": 1, "ev": {"colour": "red"}}, "current_a"),
        ("plug_in", {"evse": 1, "ev": {"current_a": -1}}, "current_a"),
        ("unplug", {"evse": 1}, "not plugged in"),
        ("ev", {"evse": 1, "state": "ready"}, "not plugged in"),
        ("swipe", {"token": "A", "type": "Tattoo"}, "ISO14443"),
        ("swipe", {"token": "A", "evse": 7}, "no such evse"),
        ("swipe", {"token": ""}, "token"),
        ("swipe", {"token": "x" * 256}, "token"),
        ("meter", {"evse": 1, "energy_wh": -1}, "energy_wh"),
        ("meter", {"evse": 1, "soc": 101}, "soc"),
        ("bay", {"evse": 9, "occupied": True}, "no such evse"),
        ("fault", {"evse": 1, "code": "NoError"}, "clear_fault"),
        ("fault", {"evse": 1, "code": "GroundFailure", "connector": 5}, "no such connector"),
        ("clear_fault", {"evse": 9}, "no such evse"),
        ("reset_fault", {"evse": 9}, "no such evse"),
        ("power_cycle", {"off_ms": -1}, "off_ms"),
        ("settle", {"quiet_ms": -1}, "quiet_ms"),
        ("settle", {"timeout_ms": "long"}, "timeout_ms"),
        ("start", {}, "on already"),
        ("watch", {"topics": "ocpp"}, "ocpp, hal, facts, log"),
        ("watch", {"topics": ["weather"]}, "ocpp, hal, facts, log"),
        ("watch", {"topics": [["ocpp"]]}, "ocpp, hal, facts, log"),
        ("set_variable", {"component": "TxCtrlr", "variable": "Nothing", "value": "1"}, "UnknownVariable"),
        ("set_variable", {"component": "TxCtrlr", "variable": "EVConnectionTimeOut", "value": "soon"}, "soon"),
        ("set_variable", {"component": "TxCtrlr"}, "variable"),
        ("unset_variable", {"component": "TxCtrlr", "variable": "Nothing"}, "TxCtrlr.Nothing"),
        ("driver_limit", {"evse": 1, "energy_wh": 5}, "unsupported"),
    ],
)
async def test_what_cannot_be_done_is_refused_with_a_reason_and_changes_nothing(
    online: AgentInLoop, name: str, arguments: dict[str, Any], words: str
) -> None:
    before = await online.cmd("status")
    with pytest.raises(Refused) as refused:
        await online.cmd(name, **arguments)
    assert words in str(refused.value)
    after = await online.cmd("status")
    assert after["evses"] == before["evses"]


async def test_a_technicians_wish_to_clear_a_fault_reaches_the_part(
    online: AgentInLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(SimPilot, "clear_fault", lambda pilot: asked.append(pilot.place.evse))
    await online.cmd("reset_fault", evse=1)
    assert asked == [1]


async def test_a_token_that_cannot_be_said_is_refused_at_the_reader(csms: PracticeCsms, online: AgentInLoop) -> None:
    await online.cmd("swipe", token="x" * 37, evse=1)
    assert (await online.fact("TokenRefused", 1))["reason"] == "Unsayable"
    await charge(online, 1, "ABCD", 1000)
    assert faults_of(await all_ended(csms, 1)) == []


@pytest.mark.parametrize(
    "station",
    [
        {"identity": ""},
        {"identity": "x" * 49},
        {"csms_url": "http://csms.example.com"},
        {"ocpp_version": "3.0"},
        {"security_profile": 4},
        {"evses": []},
        {"evses": [{"id": 2}]},
        {"evses": [{"id": 1, "phases": 4}]},
        {"colour": "red"},
        {"variables": [{"component": "TxCtrlr"}]},
    ],
)
async def test_a_station_that_cannot_be_is_refused_and_not_remembered(
    csms: PracticeCsms, agent: AgentInLoop, station: dict[str, Any]
) -> None:
    with pytest.raises(Refused):
        await agent.cmd("start", station=station)
    assert not (agent.data / "provision.json").exists()
    await agent.start(csms.url)
    await csms.wait_for("StatusNotification", count=2)


@pytest.mark.parametrize("name", ["plug_in", "swipe", "meter", "fault", "link", "set_variable", "power_cycle"])
async def test_a_station_that_is_off_can_do_nothing(agent: AgentInLoop, name: str) -> None:
    arguments: dict[str, dict[str, Any]] = {
        "swipe": {"token": "AB"},
        "link": {"up": True},
        "fault": {"evse": 1, "code": "GroundFailure"},
        "set_variable": {"component": "TxCtrlr", "variable": "EVConnectionTimeOut", "value": 5},
        "power_cycle": {},
    }
    with pytest.raises(Refused, match="the station is off"):
        await agent.cmd(name, **arguments.get(name, {"evse": 1}))


async def test_stations_of_every_shape(csms: PracticeCsms, agent: AgentInLoop) -> None:
    evses = [
        {
            "id": 1,
            "connectors": [{"id": 1, "type": "sType2"}, {"id": 2, "type": "cType2"}],
            "max_power_w": 7400,
            "phases": 1,
        },
        {"id": 2, "connectors": [{"id": 1, "type": "cCCS2"}]},
        {"id": 3},
    ]
    await agent.start(
        csms.url, station={"evses": evses, "vendor": "V", "model": "M", "serial": "S", "firmware_version": "F"}
    )
    await csms.wait_for("StatusNotification", count=4)
    assert csms.station(ID).statuses.keys() == {(1, 1), (1, 2), (2, 1), (3, 1)}
    told = csms.station(ID).boots[0]["chargingStation"]
    assert told == {"vendorName": "V", "model": "M", "serialNumber": "S", "firmwareVersion": "F"}
    await agent.cmd("plug_in", evse=1, connector=2)
    await csms.wait_for(lambda: csms.station(ID).statuses[1, 2][-1] == "Occupied")
    await charge(agent, 3, "ABCD", 1000)
    assert faults_of(await all_ended(csms, 1)) == []


async def test_what_is_stored_wins_over_what_start_gives_later(csms: PracticeCsms, agent: AgentInLoop) -> None:
    await agent.start(csms.url, station={"model": "First"})
    await csms.wait_for("BootNotification")
    await agent.cmd("stop")
    await agent.start("ws://127.0.0.1:1/elsewhere", station={"model": "Second"})
    told = await csms.wait_for("BootNotification", count=2)
    assert told["chargingStation"]["model"] == "First"


async def test_a_variable_that_the_agent_does_not_have_is_told_and_the_station_starts(
    csms: PracticeCsms, agent: AgentInLoop
) -> None:
    await agent.start(csms.url, SmartThingCtrlr_Enabled=True)
    await csms.wait_for("StatusNotification", count=2)
    assert agent.said_times("! start: UnknownComponent SmartThingCtrlr.Enabled") == 1


async def test_the_service_port_sets_and_unsets(csms: PracticeCsms, online: AgentInLoop) -> None:
    place = {"component": "OCPPCommCtrlr", "variable": "HeartbeatInterval"}
    asked = {"getVariableData": [{"component": {"name": place["component"]}, "variable": {"name": place["variable"]}}]}

    async def value() -> str:
        told = await csms.call(ID, "GetVariables", asked)
        return str(told["getVariableResult"][0]["attributeValue"])

    await online.cmd("set_variable", **place, value=1)
    await csms.wait_for("Heartbeat")
    assert await value() == "1"
    await online.cmd("unset_variable", **place)
    assert await value() == "300"


# A board that is no bench.


async def test_a_product_has_no_bench_commands(csms: PracticeCsms, folder: Path) -> None:
    board = folder / "product.toml"
    board.write_text(sim_board(folder, "").read_text().replace("bench = true", "bench = false"))
    async with AgentInLoop(folder, board, csms_url=csms.url, identity=ID) as agent:
        for name in (
            "start",
            "stop",
            "plug_in",
            "unplug",
            "swipe",
            "meter",
            "fault",
            "link",
            "set_variable",
            "power_cycle",
        ):
            with pytest.raises(Refused, match="unsupported"):
                await agent.cmd(name)
        assert (await agent.cmd("status"))["ok"]
        await agent.cmd("settle")
        await agent.cmd("watch", topics=["log"])


# Watching.


async def test_watch_brings_the_topics_that_were_asked_for(csms: PracticeCsms, online: AgentInLoop) -> None:
    watchers = {topic: await online.client() for topic in ("ocpp", "hal", "facts", "log")}
    for topic, client in watchers.items():
        await client.cmd("watch", topics=[topic])
    silent = await online.client()
    await charge(online, 1, "ABCD", 1000)
    await all_ended(csms, 1)
    sent = await watchers["ocpp"].events.find(lambda event: "TransactionEvent" in event["frame"])
    assert (sent["event"], sent["direction"], json.loads(sent["frame"])[0]) == ("ocpp", "out", 2)
    assert await watchers["ocpp"].events.find(lambda event: event["direction"] == "in")
    assert await watchers["hal"].events.find(lambda event: event["what"]["event"] == "PilotChanged")
    assert await watchers["facts"].events.find(lambda event: event["what"]["fact"] == "TransactionEnded")
    assert await watchers["log"].events.find(lambda event: "transaction" in event["line"])
    for topic, client in watchers.items():
        assert {event["event"] for event in client.events.items} == {topic}
    assert (await silent.cmd("status"))["ok"]
    assert silent.events.items == []


async def test_watch_goes_on_over_a_power_cut_and_ends_when_nothing_is_watched(
    csms: PracticeCsms, online: AgentInLoop
) -> None:
    await online.cmd("power_cycle")
    await online.fact("CameOnline")
    await online.cmd("plug_in", evse=1)
    await online.fact("EvConnected", 1)
    await online.cmd("watch", topics=[])
    online.control.events.items.clear()
    await online.cmd("unplug", evse=1)
    await online.cmd("status")
    assert online.control.events.items == []


async def test_a_client_that_never_reads_is_let_go_and_costs_the_others_nothing(
    csms: PracticeCsms, online: AgentInLoop
) -> None:
    reader, writer = await asyncio.open_unix_connection(online.socket, limit=1024)
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    line = b'{"id":"x","cmd":"' + b"y" * 50_000 + b'"}\n'
    for _ in range(1 + 4 * BACKLOG_LIMIT // len(line)):
        writer.write(line)
        await online.cmd("status")
    await charge(online, 1, "ABCD", 1000)
    assert faults_of(await all_ended(csms, 1)) == []
    writer.transport.resume_reading()  # type: ignore[attr-defined]
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        async with asyncio.timeout(20):
            while True:
                await reader.readexactly(1 << 16)
    writer.close()


async def test_a_client_that_leaves_in_the_middle_of_anything(csms: PracticeCsms, online: AgentInLoop) -> None:
    for last in (b'{"id":1,"cmd":"settle","quiet_ms":9000}\n', b'{"id":1,"cmd":"wat', b'{"id":1,"cmd":"watch"}\n'):
        _, writer = await asyncio.open_unix_connection(online.socket)
        writer.write(last)
        await writer.drain()
        writer.transport.abort()
    await charge(online, 1, "ABCD", 1000)
    assert faults_of(await all_ended(csms, 1)) == []


async def test_twenty_clients_at_once(csms: PracticeCsms, online: AgentInLoop) -> None:
    clients = [await online.client() for _ in range(20)]

    async def ask(client: ControlClient) -> set[bool]:
        return {(await client.cmd("status"))["ok"] for _ in range(10)}

    assert set().union(*await asyncio.gather(*map(ask, clients))) == {True}


# Settling.


async def test_settle_waits_for_the_last_answer(agent: AgentInLoop) -> None:
    async with PracticeCsms(latency_s=0.1) as csms:
        await agent.start(csms.url)
        await csms.wait_for("StatusNotification", count=2)
        await charge(agent, 1, "ABCD", 1000)
        await agent.cmd("settle", quiet_ms=0)
        (told,) = csms.station(ID).transactions.values()
        assert told.types[-1] == "Ended"
        assert (await agent.cmd("status"))["waiting"] == 0


async def test_settle_gives_up_at_its_timeout_and_at_once_without_anything_to_send(
    csms: PracticeCsms, agent: AgentInLoop
) -> None:
    await agent.cmd("settle", timeout_ms=60_000)  # off
    await agent.start(csms.url, AuthCtrlr_Enabled=False)
    await csms.wait_for("StatusNotification", count=2)
    await agent.cmd("settle", quiet_ms=60_000, timeout_ms=20)
    await agent.cmd("link", up=False)
    await agent.cmd("settle", timeout_ms=60_000)  # offline, nothing to send
    await agent.cmd("plug_in", evse=1)
    await agent.fact("TransactionStarted", 1)
    await agent.cmd("settle", timeout_ms=20)  # something to send, and no way


# The socket itself.


async def test_a_socket_that_a_dead_agent_left_is_taken_over(csms: PracticeCsms, folder: Path) -> None:

    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(folder / "control"))
    async with AgentInLoop(folder) as agent:
        assert (await agent.cmd("status"))["on"] is False
    assert not (folder / "control").exists()


async def test_a_socket_on_which_an_agent_listens_is_left_alone(agent: AgentInLoop, folder: Path) -> None:

    status, told = await ended("run", "--wait", "--data", str(folder / "other"), "--control", str(agent.socket))
    assert (status, told) == (2, [f"station-agent: control socket {agent.socket}: another agent listens there"])
    assert (await agent.cmd("status"))["on"] is False


async def test_nobody_else_may_use_the_socket(agent: AgentInLoop) -> None:
    assert agent.socket.stat().st_mode & 0o007 == 0


async def test_the_password_of_the_CSMS_is_read_by_nobody_else(csms: PracticeCsms, agent: AgentInLoop) -> None:
    await agent.start(csms.url, station={"password": "a secret of 16 c"})
    assert (agent.data / "provision.json").stat().st_mode & 0o077 == 0
