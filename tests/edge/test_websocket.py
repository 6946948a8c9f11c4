"""The connection to the CSMS against a server that we did not write: what comes in, what goes out, how it ends."""

import asyncio
import socket
import ssl
import threading
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.typing import Subprotocol

from agent.edge import websocket
from agent.edge.network import Network
from agent.edge.tls import context_for
from agent.edge.websocket import CsmsSocket, Target, check_url
from agent.provision import Provision
from agent.vocabulary.values import NetworkProfile
from tests.scenarios.heard import Heard

OCPP = Subprotocol("ocpp2.0.1")
Talk = Callable[[ServerConnection], Awaitable[None]]


class Ear:
    """Whoever listens to a connection: keeps what it hears."""

    def __init__(self) -> None:
        self.heard: Heard[tuple[Any, ...]] = Heard()
        self.alarms: list[str] = []

    def receive_opened(self, subprotocol: str | None) -> None:
        self.heard.add(("opened", subprotocol))

    def receive_frame(self, frame: str | bytes) -> None:
        self.heard.add(("frame", frame))

    def receive_pong(self) -> None:
        self.heard.add(("pong",))

    def receive_closed(self, reason: str) -> None:
        self.heard.add(("closed", reason))

    def receive_alarm(self, type: str, reason: str) -> None:
        self.alarms.append(type)

    async def next(self, kind: str) -> Any:
        """The next thing of this kind; nothing else comes before it."""
        told = await self.heard.take(lambda told: True)
        assert told[0] == kind, told
        return told[-1]


def port_of(server: Server) -> int:
    return int(server.sockets[0].getsockname()[1])


@asynccontextmanager
async def connected(talk: Talk, **server: Any) -> AsyncIterator[tuple[CsmsSocket, Ear]]:
    """A connection that is open, to a server that does this."""
    options = {"subprotocols": [OCPP], "close_timeout": 0.2, **server}
    async with (
        serve(talk, "127.0.0.1", 0, **options) as listening,
        opened(Target(f"ws://127.0.0.1:{port_of(listening)}/ocpp", "CS 1/ü")) as (socket, ear),
    ):
        assert await ear.next("opened") == "ocpp2.0.1"
        yield socket, ear


@asynccontextmanager
async def opened(target: Target, context: ssl.SSLContext | None = None) -> AsyncIterator[tuple[CsmsSocket, Ear]]:
    ear = Ear()
    socket = CsmsSocket(
        target,
        on_open=ear.receive_opened,
        on_text=ear.receive_frame,
        on_pong=ear.receive_pong,
        on_close=ear.receive_closed,
        max_size=10_000,
    )
    connecting = asyncio.create_task(socket.connect(context))
    try:
        yield socket, ear
    finally:
        connecting.cancel()
        socket.abort()
        await asyncio.gather(connecting, return_exceptions=True)


async def quiet(connection: ServerConnection) -> None:
    await connection.wait_closed()


async def echo(connection: ServerConnection) -> None:
    async for text in connection:
        await connection.send(text)


# The handshake.


async def test_the_identity_is_appended_and_percent_encoded_as_part_4_wants() -> None:
    async def tell(connection: ServerConnection) -> None:
        assert connection.request
        await connection.send(connection.request.path)

    async with connected(tell) as (_, ear):
        assert await ear.next("frame") == b"/ocpp/CS%201%2F%C3%BC"


@pytest.mark.parametrize("path", ["", "/", "/ocpp", "/ocpp/", "/a/b%20c"])
def test_an_endpoint_may_end_in_a_slash_or_not(path: str) -> None:
    url = Target(f"ws://127.0.0.1{path}", "CS001").connection_url()
    assert url == f"ws://127.0.0.1{path.rstrip('/')}/CS001"


async def test_a_password_goes_as_basic_authorization_and_only_when_there_is_one() -> None:
    async def tell(connection: ServerConnection) -> None:
        assert connection.request
        await connection.send(connection.request.headers.get("Authorization", "none"))

    async with serve(tell, "127.0.0.1", 0, subprotocols=[OCPP]) as server:
        url = f"ws://127.0.0.1:{port_of(server)}/ocpp"
        for password, header in (
            (None, "none"),
            ("g€heim:x", "Basic " + b64encode("CS001:g€heim:x".encode()).decode()),
        ):
            async with opened(Target(url, "CS001", password=password)) as (_, ear):
                await ear.next("opened")
                assert await ear.next("frame") == header.encode()


@pytest.mark.parametrize(("chosen", "told"), [("ocpp2.0.1", "ocpp2.0.1"), ("ocpp1.6", "ocpp1.6"), (None, None)])
async def test_whatever_subprotocol_the_server_names_is_told(chosen: str | None, told: str | None) -> None:
    def choose(connection: ServerConnection, offered: Any) -> Subprotocol | None:
        assert offered == ["ocpp2.1", "ocpp2.0.1"]
        return Subprotocol(chosen) if chosen else None

    async with serve(quiet, "127.0.0.1", 0, select_subprotocol=choose) as server:
        target = Target(f"ws://127.0.0.1:{port_of(server)}/", "CS001", subprotocols=("ocpp2.1", "ocpp2.0.1"))
        async with opened(target) as (_, ear):
            assert await ear.next("opened") == told


async def test_a_server_that_never_answers_the_handshake_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await reader.read()
        writer.close()

    monkeypatch.setattr(websocket, "OPEN_TIMEOUT_S", 0.1)
    async with await asyncio.start_server(hang, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with opened(Target(f"ws://127.0.0.1:{port}/", "CS001")) as (_, ear):
            assert await ear.next("closed") == "no answer to the handshake in time"


@pytest.mark.parametrize(
    "url",
    [
        "ws://csms.example.com/ocpp",
        "wss://csms.example.com",
        "ws://127.0.0.1:9000/",
        "ws://[::1]:9000/a/b",
        "ws://münchen.example/ocpp",
    ],
)
def test_a_url_that_will_do(url: str) -> None:
    check_url(url)


@pytest.mark.parametrize(
    "url",
    [
        *("", "csms.example.com", "http://csms.example.com", "ws://", "ws:///ocpp", "ws://a:99999/", "ws://a:b/"),
        *(
            "ws://a/?token=1",
            "ws://a/#top",
            "ws://a/#",
            "ws://a/?",
            "ws://a b/",
            "ws://a/\n",
            "ws://a..b/",
            "ws://[::1/",
            "ws://u@a/",
            "ws://a/\x00",
        ),
    ],
)
def test_a_url_that_will_not_do_is_told_with_what_would(url: str) -> None:
    with pytest.raises(ValueError, match=r"expected ws://HOST"):
        check_url(url)


# Frames.


async def test_texts_go_both_ways_compressed_or_not() -> None:
    for compression in ("deflate", None):
        async with connected(echo, compression=compression) as (socket, ear):
            for text in ("[]", "Grüße € 😀", "x" * 9_000):
                socket.send(text)
                assert await ear.next("frame") == text.encode()


async def test_a_message_in_fragments_is_one_message() -> None:
    async def talk(connection: ServerConnection) -> None:
        await connection.send(["[2,", '"1",', "", '"Heartbeat",{}]'])
        await connection.ping()
        await connection.send("[]")
        await quiet(connection)

    async with connected(talk) as (_, ear):
        assert await ear.next("frame") == b'[2,"1","Heartbeat",{}]'
        assert await ear.next("frame") == b"[]"


def at_once(connection: ServerConnection, texts: list[bytes]) -> None:
    """Many frames in one piece."""
    for text in texts:
        connection.protocol.send_text(text)
    connection.transport.write(b"".join(connection.protocol.data_to_send()))


async def test_many_frames_at_once_let_the_loop_turn_between_each_two() -> None:
    texts = [b"%d" % number for number in range(100)]
    turns: list[int] = []

    async def talk(connection: ServerConnection) -> None:
        at_once(connection, texts)
        await quiet(connection)

    async def count(ear: Ear) -> None:
        while len(ear.heard.items) < len(texts):
            turns.append(len(ear.heard.items))
            await asyncio.sleep(0)

    async with connected(talk) as (_, ear):
        await asyncio.wait_for(count(ear), 5)
        assert [await ear.next("frame") for _ in texts] == texts
        assert all(after - before <= 1 for before, after in pairwise(turns))


async def test_all_that_was_said_before_a_connection_breaks_is_heard_before_it_is_told() -> None:
    texts = [b"%d" % number for number in range(20)]

    async def talk(connection: ServerConnection) -> None:
        at_once(connection, texts)
        connection.transport.close()

    async with connected(talk) as (_, ear):
        assert [await ear.next("frame") for _ in texts] == texts
        assert (await ear.next("closed")).startswith("connection lost")


async def test_what_is_no_text_is_handed_up_as_it_is() -> None:
    async def talk(connection: ServerConnection) -> None:
        await connection.send(b"\xff\xfe\x00")
        await connection.send(b"\xff", text=True)
        await quiet(connection)

    async with connected(talk) as (_, ear):
        assert await ear.next("frame") == b"\xff\xfe\x00"
        assert await ear.next("frame") == b"\xff"


@pytest.mark.parametrize("message", ["x" * 10_001, ["x" * 6_000, "y" * 6_000]], ids=["whole", "in fragments"])
async def test_a_message_over_the_limit_closes_with_1009(message: Any) -> None:
    seen: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def talk(connection: ServerConnection) -> None:
        await connection.send(message)
        await connection.wait_closed()
        seen.set_result(connection.close_code)

    async with connected(talk) as (_, ear):
        assert "10000" in await ear.next("closed")
        assert await asyncio.wait_for(seen, 5) == 1009


async def test_a_ping_is_answered_and_ours_is_heard() -> None:
    seen: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    async def talk(connection: ServerConnection) -> None:
        seen.set_result(await asyncio.wait_for(await connection.ping(), 5))
        await quiet(connection)

    async with connected(talk) as (socket, ear):
        await asyncio.wait_for(seen, 5)
        socket.ping()
        await ear.next("pong")


# The end.


@pytest.mark.parametrize(
    ("code", "reason", "told"),
    [
        (1000, "", "closed by the CSMS: 1000"),
        (1001, "going away", "closed by the CSMS: 1001 going away"),
        (1008, "policy", "closed by the CSMS: 1008 policy"),
        (1012, "", "closed by the CSMS: 1012"),
        (4000, "own", "closed by the CSMS: 4000 own"),
    ],
)
async def test_a_close_of_the_CSMS_is_told_with_its_code(code: int, reason: str, told: str) -> None:
    async def talk(connection: ServerConnection) -> None:
        await connection.close(code, reason)

    async with connected(talk) as (socket, ear):
        assert await ear.next("closed") == told
        socket.send("too late")
        socket.ping()
        socket.close("once more")
        assert ear.heard.items == []


async def test_a_connection_that_breaks_is_told_as_lost() -> None:
    async def talk(connection: ServerConnection) -> None:
        connection.transport.abort()

    async with connected(talk) as (_, ear):
        assert (await ear.next("closed")).startswith("connection lost")


async def test_a_close_of_ours_is_polite_and_told_with_our_reason() -> None:
    seen: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def talk(connection: ServerConnection) -> None:
        await connection.wait_closed()
        seen.set_result(connection.close_code)

    async with connected(talk) as (socket, ear):
        socket.close("the station stops")
        assert await ear.next("closed") == "the station stops"
        assert await asyncio.wait_for(seen, 5) == 1000


async def test_a_server_that_does_not_answer_a_close_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "CLOSE_TIMEOUT_S", 0.1)
    over = asyncio.Event()

    async def talk(connection: ServerConnection) -> None:
        connection.transport.pause_reading()
        await over.wait()
        connection.transport.abort()

    async with connected(talk) as (socket, ear):
        socket.close("no answer to a ping")
        assert await ear.next("closed") == "no answer to a ping"
        over.set()


async def test_an_abort_is_told_to_nobody_above_and_without_farewell() -> None:
    seen: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def talk(connection: ServerConnection) -> None:
        await connection.wait_closed()
        seen.set_result(connection.close_code)

    async with connected(talk) as (socket, ear):
        socket.abort()
        assert await asyncio.wait_for(seen, 5) == 1006
        assert ear.heard.items == []


# TLS.


@pytest.fixture
def authority(tmp_path: Path) -> trustme.CA:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    return authority


def server_side(authority: trustme.CA, name: str = "localhost") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


async def outcome(provision: Provision, context: ssl.SSLContext) -> str:
    """``opened``, or why not."""
    async with serve(quiet, "127.0.0.1", 0, subprotocols=[OCPP], ssl=context) as server:
        ear = Ear()
        async with asyncio.TaskGroup() as tasks:
            target = Target(f"wss://localhost:{port_of(server)}/ocpp", "CS001")
            network = Network(target, lambda _: context_for(provision), tasks)
            network.listener = ear
            network.connect()
            told = await ear.heard.take(lambda told: True)
            network.cut()
    return str(told[0] if told[0] == "opened" else told[1])


async def test_TLS_with_a_CSMS_that_is_trusted(authority: trustme.CA, tmp_path: Path) -> None:
    assert await outcome(Provision(ca_file=str(tmp_path / "ca.pem")), server_side(authority)) == "opened"


async def test_TLS_with_a_CSMS_of_another_authority_is_refused(authority: trustme.CA, tmp_path: Path) -> None:
    told = await outcome(Provision(ca_file=str(tmp_path / "ca.pem")), server_side(trustme.CA()))
    assert told.startswith("the CSMS's certificate is not trusted: ")


async def test_TLS_with_a_CSMS_of_another_name_is_refused_unless_names_do_not_matter(
    authority: trustme.CA, tmp_path: Path
) -> None:
    ca_file, other = str(tmp_path / "ca.pem"), server_side(authority, "csms.example.com")
    told = await outcome(Provision(ca_file=ca_file), other)
    assert "localhost" in told and told.startswith("the CSMS's certificate is not trusted: ")
    assert await outcome(Provision(ca_file=ca_file, verify_hostname=False), other) == "opened"


async def test_TLS_where_the_CSMS_speaks_none(tmp_path: Path, authority: trustme.CA) -> None:
    async with serve(quiet, "127.0.0.1", 0, subprotocols=[OCPP]) as server:
        target = Target(f"wss://localhost:{port_of(server)}/ocpp", "CS001")
        async with opened(target, context_for(Provision(ca_file=str(tmp_path / "ca.pem")))) as (_, ear):
            assert (await ear.next("closed")).startswith("cannot connect: ")


async def test_TLS_of_yesterday_is_refused(authority: trustme.CA, tmp_path: Path) -> None:
    """A00.FR.313: not below 1.2."""
    context = server_side(authority)
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2
    assert await outcome(Provision(ca_file=str(tmp_path / "ca.pem")), context) == "opened"
    with pytest.warns(DeprecationWarning):
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    assert (await outcome(Provision(ca_file=str(tmp_path / "ca.pem")), context)).startswith("cannot connect: ")


async def test_TLS_with_a_certificate_of_the_station(authority: trustme.CA, tmp_path: Path) -> None:
    context = server_side(authority)
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    mine = authority.issue_cert("CS001")
    mine.private_key_and_cert_chain_pem.write_to_path(tmp_path / "mine.pem")
    provision = Provision(ca_file=str(tmp_path / "ca.pem"), client_cert_file=str(tmp_path / "mine.pem"))
    assert await outcome(provision, context) == "opened"
    assert await outcome(Provision(ca_file=str(tmp_path / "ca.pem")), context) != "opened"


@pytest.mark.parametrize(
    ("field", "content"),
    [("ca_file", None), ("ca_file", b"no certificate"), ("client_cert_file", None), ("client_cert_file", b"nor this")],
)
async def test_TLS_files_that_will_not_do_are_told(
    authority: trustme.CA, tmp_path: Path, field: str, content: bytes | None
) -> None:
    path = tmp_path / "file.pem"
    if content is not None:
        path.write_bytes(content)
    provision = Provision(**{"ca_file": str(tmp_path / "ca.pem"), field: str(path)})  # type: ignore[arg-type]
    told = await outcome(provision, server_side(authority))
    assert told.startswith("TLS cannot be set up: ")


async def test_TLS_with_a_locked_key_and_no_password_asks_nobody(authority: trustme.CA, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    (tmp_path / "key.pem").write_bytes(locked)
    authority.issue_cert("CS001").cert_chain_pems[0].write_to_path(tmp_path / "mine.pem")
    provision = Provision(
        ca_file=str(tmp_path / "ca.pem"),
        client_cert_file=str(tmp_path / "mine.pem"),
        client_key_file=str(tmp_path / "key.pem"),
    )
    told = await outcome(provision, server_side(authority))
    assert told.startswith("TLS cannot be set up: ")


# The cable.


async def test_without_cable_or_CSMS_every_attempt_fails_and_says_why() -> None:
    async with serve(quiet, "127.0.0.1", 0, subprotocols=[OCPP]) as server, asyncio.TaskGroup() as tasks:
        target = Target(f"ws://127.0.0.1:{port_of(server)}/ocpp", "CS001")
        for given, cable, told in ((None, True, "no CSMS is configured"), (target, False, "the network cable is out")):
            network, ear = Network(given, None, tasks), Ear()
            network.listener = ear
            network.plug(cable)
            network.connect()
            assert await ear.next("closed") == told


async def test_a_profile_whose_url_is_none_is_an_attempt_that_failed() -> None:
    """It may have been stored by another release."""
    async with asyncio.TaskGroup() as tasks:
        network, ear = Network(Target("ws://csms.example/ocpp", "CS001"), None, tasks), Ear()
        network.listener = ear
        network.connect(NetworkProfile(2, "ws://csms.example/ocpp#"))
        assert "'ws://csms.example/ocpp#' is no URL of a CSMS" in await ear.next("closed")


async def test_a_defect_on_the_way_to_the_csms_costs_the_attempt_not_the_station(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(profile: NetworkProfile | None) -> ssl.SSLContext:
        raise KeyError("nobody expected this")

    async with asyncio.TaskGroup() as tasks:
        network, ear = Network(Target("wss://csms.example/ocpp", "CS001"), broken, tasks), Ear()
        network.listener = ear
        network.connect()
        assert await ear.next("closed") == "a defect of the agent: KeyError"
    assert "! defect: KeyError: 'nobody expected this'" in caplog.text


async def test_a_cable_that_is_pulled_is_told_once_and_what_comes_then_belongs_to_nobody() -> None:
    async with serve(echo, "127.0.0.1", 0, subprotocols=[OCPP]) as server, asyncio.TaskGroup() as tasks:
        network, ear = Network(Target(f"ws://127.0.0.1:{port_of(server)}/", "CS001"), None, tasks), Ear()
        network.listener = ear
        network.connect()
        await ear.next("opened")
        network.send("[]")
        network.plug(False)
        network.plug(False)
        assert await ear.next("closed") == "the network cable is out"
        network.send("nobody hears")
        network.ping()
        network.plug(True)
        network.connect()
        await ear.next("opened")
        network.send("[1]")
        assert await ear.next("frame") == b"[1]"
        network.cut()


def shake_hands_once(server: socket.socket, context: ssl.SSLContext) -> None:
    """As a CSMS's TLS library does it: one that refuses says so by an alert."""
    connection, _ = server.accept()
    with connection, suppress(ssl.SSLError):
        context.wrap_socket(connection, server_side=True).close()


@pytest.mark.parametrize(
    ("version", "suites", "alarm"),
    [
        (ssl.TLSVersion.TLSv1_1, "ALL:@SECLEVEL=0", "InvalidTLSVersion"),
        (ssl.TLSVersion.TLSv1_2, "ECDHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-CHACHA20-POLY1305", "InvalidTLSCipherSuite"),
    ],
)
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated:DeprecationWarning")
async def test_a_CSMS_with_weak_TLS_raises_an_alarm(
    authority: trustme.CA, tmp_path: Path, version: ssl.TLSVersion, suites: str, alarm: str
) -> None:
    context = server_side(authority)
    context.set_ciphers(suites)
    context.minimum_version = context.maximum_version = version
    ear = Ear()
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=shake_hands_once, args=(server, context))
        thread.start()
        async with asyncio.TaskGroup() as tasks:
            target = Target(f"wss://localhost:{server.getsockname()[1]}/ocpp", "CS001")
            network = Network(target, lambda _: context_for(Provision(ca_file=str(tmp_path / "ca.pem"))), tasks)
            network.listener = ear
            network.connect()
            await ear.next("closed")
        thread.join()
    assert ear.alarms == [alarm]
