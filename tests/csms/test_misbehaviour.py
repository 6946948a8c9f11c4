"""Each fault of the practice CSMS does what its name says."""

import asyncio
import json
import ssl
from base64 import b64encode
from time import monotonic
from typing import Any

import pytest
import trustme
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, InvalidStatus, NegotiationError

from tests.csms import misbehaviour as wrong
from tests.csms.practice import PracticeCsms
from tests.csms.raw_station import SUBPROTOCOL, RawStation, record_of, station, status
from tests.csms.schemas import violation_of

# Faults.


async def test_the_nth_answer_goes_wrong_and_the_others_do_not():
    async with PracticeCsms() as csms, station(csms) as raw:
        csms.script.add(wrong.call_error("GenericError"), "Heartbeat", nth=2, times=2)
        told = [await raw.ask("Heartbeat", {}) for _ in range(4)]
        assert [answer == "GenericError" for answer in told] == [False, True, True, False]
        assert await raw.ask("StatusNotification", status()) == {}


async def heard_after(raw: RawStation) -> list[Any]:
    """Frames that answer a Heartbeat, up to the answer to the next call or the end of the link."""
    id_, fence = await raw.say("Heartbeat", {}), await raw.say("StatusNotification", status())
    heard: list[Any] = []
    try:
        while (text := await asyncio.wait_for(raw.socket.recv(), 5)) != f'[3, "{fence}", {{}}]':
            heard.append(text.replace(id_, "ID") if isinstance(text, str) else text)
    except ConnectionClosedError:
        heard.append("reset")
    except ConnectionClosed:
        heard.append("closed")
    return heard


def is_right(text: Any) -> bool:
    message = json.loads(text)
    return bool(message[:2] == [3, "ID"] and "currentTime" in message[2])


@pytest.mark.parametrize(
    ("name", "right", "rest"),
    [
        ("answer_twice", 2, []),
        ("call_error", 0, ['[4, "ID", "InternalError", "practice", {}]']),
        ("close_after", 1, ["closed"]),
        ("close_before", 0, ["closed"]),
        ("abort_before", 0, ["reset"]),
        ("empty_array", 0, ["[]"]),
        ("never_answer", 0, []),
        ("stop_pongs", 1, []),
        ("unknown_message_type", 0, ['[9, "ID", {}]']),
        ("wrong_payload_type", 0, ['[3, "ID", "no object"]']),
    ],
)
async def test_a_fault_does_what_its_name_says(name, right, rest):
    async with PracticeCsms() as csms, station(csms) as raw:
        csms.script.add(wrong.FAULTS[name], "Heartbeat")
        heard = await heard_after(raw)
    assert all(map(is_right, heard[:right]))
    assert heard[right:] == rest


async def test_nonsense_is_not_an_answer():
    async with PracticeCsms() as csms, station(csms) as raw:
        for name in ("not_json", "not_utf8", "wrong_id", "wrong_payload"):
            csms.script.add(wrong.FAULTS[name], "Heartbeat")
        broken, binary, other_id, payload = [(await heard_after(raw))[0] for _ in range(4)]
    with pytest.raises(ValueError, match=r"delimiter|property"):
        json.loads(broken)
    assert isinstance(binary, bytes)
    assert json.loads(other_id)[1] != "ID"
    assert violation_of("HeartbeatResponse", json.loads(payload)[2])


async def test_an_abort_resets_the_connection_without_a_farewell():
    async with PracticeCsms() as csms, station(csms) as raw:
        csms.script.add(wrong.abort_after, "Heartbeat")
        await raw.say("Heartbeat", {})
        with pytest.raises(ConnectionClosedError) as lost:
            while True:
                await asyncio.wait_for(raw.socket.recv(), 5)
    assert lost.value.rcvd is None
    assert isinstance(lost.value.__cause__, ConnectionResetError)


async def test_an_answer_may_take_its_time_once_or_always():
    async with PracticeCsms(latency_s=0.02) as csms, station(csms) as raw:
        csms.script.add(wrong.delayed(0.03), "Heartbeat")
        asked_s = monotonic()
        await raw.ask("Heartbeat", {})
        assert monotonic() - asked_s >= 0.05
        await raw.ask("Heartbeat", {})
        assert monotonic() - asked_s >= 0.07


async def test_a_link_that_is_no_longer_read_answers_nothing_until_the_station_comes_anew():
    async with PracticeCsms() as csms, station(csms) as raw:
        csms.script.add(wrong.stop_reading, "Heartbeat")
        await raw.say("Heartbeat", {})
        await csms.wait_for(lambda: csms.line("CS 1").half_open)
        await raw.say("StatusNotification", status())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(await raw.socket.ping(), 0.1)
        assert record_of(csms).statuses == {}
        await csms.say("CS 1", "not heard")
        assert record_of(csms).frames[-1].action == "Heartbeat"
        async with station(csms, boot=False) as again:
            assert await again.ask("StatusNotification", status()) == {}
            with pytest.raises(ConnectionClosedError):
                await asyncio.wait_for(raw.socket.recv(), 5)


async def test_a_csms_may_go_on_but_answer_no_ping():
    async with PracticeCsms() as csms, station(csms) as raw:
        await asyncio.wait_for(await raw.socket.ping(), 5)
        csms.script.add(wrong.stop_pongs, "Heartbeat")
        await raw.ask("Heartbeat", {})
        pong = await raw.socket.ping()
        assert await raw.ask("StatusNotification", status()) == {}  # would have come after the pong
        assert not pong.done()


async def test_faults_at_random_are_the_same_for_the_same_seed():
    def run(seed: int) -> list[wrong.Fault]:
        script = wrong.Script()
        script.at_random(seed, 0.5)
        return [script.take("Heartbeat") for _ in range(50)]

    assert run(1) == run(1) != run(2)
    assert wrong.plain_answer in run(1)


async def test_a_script_that_is_cleared_behaves():
    script = wrong.Script()
    script.add(wrong.never_answer)
    script.at_random(1, 1.0)
    script.clear()
    assert script.take("Heartbeat") is wrong.plain_answer


# Handshakes.


@pytest.mark.parametrize("code", [401, 404, 503])
async def test_a_handshake_is_refused_as_often_as_told(code):
    async with PracticeCsms() as csms:
        csms.handshakes += [wrong.refuse(code)] * 2
        for _ in range(2):
            with pytest.raises(InvalidStatus) as refused:
                await connect(f"{csms.url}/CS%201", subprotocols=[SUBPROTOCOL])
            assert refused.value.response.status_code == code
        async with station(csms):
            assert len(record_of(csms).attempts_s) == 3
            assert record_of(csms).connections == 1


async def test_a_handshake_may_hang():
    async with PracticeCsms() as csms:
        csms.handshakes.append(wrong.HANG)
        with pytest.raises(TimeoutError):
            await connect(f"{csms.url}/CS%201", subprotocols=[SUBPROTOCOL], open_timeout=0.1)


async def test_a_wrong_subprotocol_is_picked_on_demand():
    async with PracticeCsms() as csms:
        csms.handshakes.append(wrong.pick_subprotocol("ocpp1.6"))
        with pytest.raises(NegotiationError):
            await connect(f"{csms.url}/CS%201", subprotocols=[SUBPROTOCOL])


async def test_no_subprotocol_leaves_the_connection_open_and_who_speaks_on_it_breaks_a_rule():
    async with PracticeCsms() as csms:
        csms.handshakes.append(wrong.pick_subprotocol(None))
        async with station(csms) as raw:
            assert raw.socket.subprotocol is None
    assert record_of(csms).order_violations == ["spoke over subprotocol None"]


async def test_a_station_of_another_version_is_let_in_and_shown_out():
    async with PracticeCsms() as csms, connect(f"{csms.url}/CS%201", subprotocols=["ocpp1.6"]) as socket:
        assert socket.subprotocol is None
        with pytest.raises(ConnectionClosed, match="1002"):
            await asyncio.wait_for(socket.recv(), 5)


@pytest.mark.parametrize(
    ("user", "password", "let_in"), [("CS 1", "secret", True), ("CS 1", "guess", False), ("CS 2", "secret", False)]
)
async def test_a_password_lets_in_only_its_station(user, password, let_in):
    header = {"Authorization": f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"}
    async with PracticeCsms(passwords={"CS 1": "secret"}) as csms:
        if let_in:
            async with station(csms, additional_headers=header):
                return
        with pytest.raises(InvalidStatus, match="401"):
            await connect(f"{csms.url}/CS%201", subprotocols=[SUBPROTOCOL], additional_headers=header)


async def test_TLS_with_the_certificate_of_the_caller():
    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("localhost").configure_cert(server)
    authority.configure_trust(client)
    async with PracticeCsms(tls=server, host_name="localhost") as csms:
        assert csms.url.startswith("wss://localhost:")
        async with station(csms, ssl=client):
            csms.line("CS 1").abort()
