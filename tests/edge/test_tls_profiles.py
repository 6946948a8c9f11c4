"""Security profiles over real sockets: what is spoken, whom the station trusts, what it shows, when it hangs up."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from base64 import b64decode
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from websockets.asyncio.server import ServerConnection, serve

from agent.edge.network import Network
from agent.edge.tls import SUITES, context_for
from agent.edge.websocket import Target
from agent.provision import Provision
from agent.vocabulary.values import NetworkProfile
from tests.edge.authority import Authority
from tests.edge.test_websocket import OCPP, Ear, port_of, quiet, shake_hands_once

PASSWORD = "sixteen letters!"
PROFILES = (2, 3)


class Outcome(NamedTuple):
    """What the station heard first, what it noticed for the security log, and what the CSMS saw of it."""

    told: tuple[object, ...]
    alarms: list[str]
    seen: list[Seen]

    @property
    def refused(self) -> bool:
        """The station hung up before it said a word."""
        return self.told[0] == "closed" and not self.seen


class Seen(NamedTuple):
    """A connection as the CSMS saw it."""

    authorization: str | None
    version: str
    suite: str
    compression: str | None
    subject: tuple[object, ...]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    authority = Authority()
    (tmp_path / "ca.pem").write_text(authority.pem)
    return authority


def given(folder: Path, authority: Authority, profile: int) -> Provision:
    """What a station of this security profile is provisioned with."""
    own = None if profile == 2 else str(authority.written(folder, "CS001"))
    return Provision(ca_file=str(folder / "ca.pem"), client_cert_file=own)


async def meet(provision: Provision, tls: ssl.SSLContext, profile: int, *, wildcards: bool = False) -> Outcome:
    """Let the station try once to connect to a CSMS with this TLS."""
    seen: list[Seen] = []

    async def note(connection: ServerConnection) -> None:
        request, over = connection.request, connection.transport.get_extra_info("ssl_object")
        assert request is not None
        shown = over.getpeercert() or {}
        authorization = request.headers.get("Authorization")
        seen.append(Seen(authorization, over.version(), over.cipher()[0], over.compression(), shown.get("subject", ())))
        await quiet(connection)

    async with serve(note, "127.0.0.1", 0, subprotocols=[OCPP], ssl=tls) as server:
        url = f"wss://localhost:{port_of(server)}/ocpp"
        async with asyncio.TaskGroup() as tasks:
            network = Network(
                Target(url, "CS001", password=PASSWORD),
                lambda _: context_for(provision, wildcards=wildcards),
                tasks,
            )
            network.listener = ear = Ear()
            network.connect(NetworkProfile(1, url, profile))
            told = await ear.heard.take(lambda told: True)
            network.cut()
    return Outcome(told, ear.alarms, seen)


def asking_for_certificate(authority: Authority, tls: ssl.SSLContext) -> ssl.SSLContext:
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_verify_locations(cadata=authority.pem)
    return tls


@pytest.mark.proves("A00.FR.202", "A00.FR.203", "A00.FR.204")
async def test_profile_1_says_who_it_is_by_its_identity_and_password_with_every_connection() -> None:
    shown: list[str | None] = []

    async def note(connection: ServerConnection) -> None:
        assert connection.request is not None
        shown.append(connection.request.headers.get("Authorization"))
        await quiet(connection)

    async with serve(note, "127.0.0.1", 0, subprotocols=[OCPP]) as server, asyncio.TaskGroup() as tasks:
        url = f"ws://127.0.0.1:{port_of(server)}/ocpp"
        network = Network(Target(url, "CS001", password=PASSWORD), None, tasks)
        network.listener = ear = Ear()
        for _ in range(2):
            network.connect(NetworkProfile(1, url, 1))
            await ear.next("opened")
            network.cut()
    assert [b64decode((each or "").removeprefix("Basic ")) for each in shown] == [f"CS001:{PASSWORD}".encode()] * 2


@pytest.mark.proves("A00.FR.301", "A00.FR.302", "A00.FR.303", "A00.FR.312", "A00.FR.317")
async def test_profile_2_says_who_it_is_by_its_identity_and_password_within_tls(
    authority: Authority, tmp_path: Path
) -> None:
    provision = given(tmp_path, authority, 2)
    for _ in range(2):  # with every connection
        outcome = await meet(provision, authority.server(), 2)
        (seen,) = outcome.seen
        assert seen.authorization is not None
        assert b64decode(seen.authorization.removeprefix("Basic ")) == f"CS001:{PASSWORD}".encode()
        assert seen.version == "TLSv1.3"


@pytest.mark.proves("A00.FR.401", "A00.FR.402", "A00.FR.415", "A00.FR.420")
async def test_profile_3_says_who_it_is_by_its_certificate_and_no_password(
    authority: Authority, tmp_path: Path
) -> None:
    tls = asking_for_certificate(authority, authority.server())
    (seen,) = (await meet(given(tmp_path, authority, 3), tls, 3)).seen
    assert seen.authorization is None
    assert ((("commonName", "CS001"),)) in seen.subject


async def test_A00_FR_430_a_certificate_of_the_station_that_has_expired_is_shown_all_the_same(
    authority: Authority, tmp_path: Path
) -> None:
    own = authority.written(tmp_path, "CS001", days=(-20, -10))
    tls = asking_for_certificate(authority, authority.server())
    tls.verify_flags |= ssl.VerifyFlags(0x200000)  # a CSMS that is told to let this one in
    provision = Provision(ca_file=str(tmp_path / "ca.pem"), client_cert_file=str(own))
    (seen,) = (await meet(provision, tls, 3)).seen
    assert ((("commonName", "CS001"),)) in seen.subject


def of_another_authority(authority: Authority) -> ssl.SSLContext:
    return Authority("Another").server()


def expired(authority: Authority) -> ssl.SSLContext:
    return authority.server(days=(-20, -10))


def not_valid_yet(authority: Authority) -> ssl.SSLContext:
    return authority.server(days=(10, 20))


def with_a_gap_in_its_chain(authority: Authority) -> ssl.SSLContext:
    below = authority.below("Sub-CA 1").below("Sub-CA 2")
    below.above.above = None  # type: ignore[union-attr]  # what it shows ends below the root
    return below.server()


def by_one_that_may_not_sign(authority: Authority) -> ssl.SSLContext:
    below = authority.below()
    below.certificate = authority.issue(below.name, below.key.public_key(), ca=False)
    return below.server()


def of_another_host(authority: Authority) -> ssl.SSLContext:
    return authority.server("csms.example.com")


def of_every_host(authority: Authority) -> ssl.SSLContext:
    return authority.server("*.example.com", hosts=("elsewhere.example.com",))


PATHS = (of_another_authority, expired, not_valid_yet, with_a_gap_in_its_chain, by_one_that_may_not_sign)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("show", PATHS)
@pytest.mark.proves("A00.FR.308", "A00.FR.310", "A00.FR.311", "A00.FR.411", "A00.FR.413", "A00.FR.414")
async def test_a_csms_whose_certification_path_is_invalid_is_left_and_noticed(
    authority: Authority, tmp_path: Path, profile: int, show: Callable[[Authority], ssl.SSLContext]
) -> None:
    outcome = await meet(given(tmp_path, authority, profile), show(authority), profile)
    assert outcome.refused
    assert outcome.alarms == ["InvalidCsmsCertificate"]


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.proves("A00.FR.308", "A00.FR.411")
async def test_a_path_over_sub_authorities_is_followed_to_the_root(
    authority: Authority, tmp_path: Path, profile: int
) -> None:
    outcome = await meet(
        given(tmp_path, authority, profile), authority.below("Sub-CA 1").below("Sub-CA 2").server(), profile
    )
    assert outcome.told[0] == "opened"


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.proves("A00.FR.309", "A00.FR.412")
async def test_the_certificate_names_the_host_that_was_asked_for(
    authority: Authority, tmp_path: Path, profile: int
) -> None:
    provision = given(tmp_path, authority, profile)
    by_common_name = await meet(provision, authority.server("localhost"), profile)
    by_alternative = await meet(provision, authority.server("CSMS", hosts=("other.example", "localhost")), profile)
    assert (by_common_name.told[0], by_alternative.told[0]) == ("opened", "opened")
    for show in (of_another_host, of_every_host):
        outcome = await meet(provision, show(authority), profile)
        assert outcome.refused
        assert outcome.alarms == ["InvalidCsmsCertificate"]


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.proves("A00.FR.313", "A00.FR.416", "A00.FR.321", "A00.FR.424")
async def test_tls_1_2_and_1_3_are_spoken_without_compression(
    authority: Authority, tmp_path: Path, profile: int, version: ssl.TLSVersion
) -> None:
    tls = authority.server()
    tls.minimum_version = tls.maximum_version = version
    tls.options &= ~ssl.OP_NO_COMPRESSION
    (seen,) = (await meet(given(tmp_path, authority, profile), tls, profile)).seen
    assert seen.version == version.name.replace("_", ".")
    assert seen.compression is None
    mine = context_for(given(tmp_path, authority, profile))
    assert mine.options & ssl.OP_NO_COMPRESSION
    assert mine.options & ssl.OP_NO_RENEGOTIATION


async def shake(folder: Path, authority: Authority, profile: int, tls: ssl.SSLContext) -> Ear:
    """One attempt at a CSMS whose TLS library says by an alert what it does not like."""
    provision, ear = given(folder, authority, profile), Ear()
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=shake_hands_once, args=(server, tls))
        thread.start()
        url = f"wss://localhost:{server.getsockname()[1]}/ocpp"
        async with asyncio.TaskGroup() as tasks:
            network = Network(Target(url, "CS001"), lambda _: context_for(provision), tasks)
            network.listener = ear
            network.connect(NetworkProfile(1, url, profile))
            await ear.next("closed")
        thread.join()
    return ear


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1:DeprecationWarning")
@pytest.mark.proves("A00.FR.313", "A00.FR.314", "A00.FR.316", "A00.FR.416", "A00.FR.417", "A00.FR.419")
async def test_an_older_version_is_left_and_noticed(
    authority: Authority, tmp_path: Path, profile: int, version: ssl.TLSVersion
) -> None:
    tls = authority.server()
    tls.minimum_version = tls.maximum_version = version
    assert (await shake(tmp_path, authority, profile, tls)).alarms == ["InvalidTLSVersion"]


DEMANDED = ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384")
WITH_RSA = ("AES128-GCM-SHA256", "AES256-GCM-SHA384")


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("suite", [*DEMANDED, *WITH_RSA])
@pytest.mark.proves("A00.FR.319", "A00.FR.422")
async def test_the_cipher_suites_that_are_demanded_are_spoken(
    authority: Authority, tmp_path: Path, profile: int, suite: str
) -> None:
    key = rsa.generate_private_key(65537, 2048) if suite in WITH_RSA else None
    tls = authority.server(key=key)
    tls.maximum_version = ssl.TLSVersion.TLSv1_2
    tls.set_ciphers(suite)
    (seen,) = (await meet(given(tmp_path, authority, profile), tls, profile)).seen
    assert seen.suite == suite


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("weak", ["AES128-SHA", "ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384"])
@pytest.mark.proves("A00.FR.320", "A00.FR.323", "A00.FR.423", "A00.FR.426")
async def test_a_csms_with_nothing_but_weak_suites_is_left_and_noticed(
    authority: Authority, tmp_path: Path, profile: int, weak: str
) -> None:
    key = None if "ECDSA" in weak else rsa.generate_private_key(65537, 2048)
    tls = authority.server(key=key)
    tls.maximum_version = ssl.TLSVersion.TLSv1_2
    tls.set_ciphers(f"{weak}:@SECLEVEL=0")
    assert (await shake(tmp_path, authority, profile, tls)).alarms == ["InvalidTLSCipherSuite"]


@pytest.mark.proves("A00.FR.320", "A00.FR.423", "A00.FR.504")
def test_nothing_but_authenticated_encryption_is_offered(authority: Authority, tmp_path: Path) -> None:
    offered = {each["name"] for each in context_for(given(tmp_path, authority, 2)).get_ciphers()}
    assert offered >= {suite for suite in SUITES.split(":") if not suite.startswith("@")}
    assert all("GCM" in name or "CHACHA20" in name or "CCM" in name for name in offered)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.proves("A00.FR.501", "A00.FR.502")
async def test_a_csms_with_a_short_key_is_not_trusted(authority: Authority, tmp_path: Path, profile: int) -> None:
    for bits, told in ((2048, "opened"), (1024, "closed")):
        key = rsa.generate_private_key(65537, bits)
        outcome = await meet(given(tmp_path, authority, profile), authority.server(key=key), profile)
        assert outcome.told[0] == told
    assert outcome.alarms == ["InvalidCsmsCertificate"]


async def test_a_wildcard_counts_only_where_that_is_allowed(authority: Authority, tmp_path: Path) -> None:
    """``localhost`` has no label to stand for, so the names are compared without a connection."""
    server = authority.server("*.example.com", hosts=("*.example.com",))
    for wildcards in (False, True):
        mine = context_for(given(tmp_path, authority, 2), wildcards=wildcards)
        assert shakes_hands(mine, server, "csms.example.com") is wildcards


def shakes_hands(client: ssl.SSLContext, server: ssl.SSLContext, host: str) -> bool:
    """Both sides in memory."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = (
        client.wrap_bio(to_client, to_server, server_hostname=host),
        server.wrap_bio(to_server, to_client, server_side=True),
    )
    for _ in range(4):
        for side in sides:
            with suppress(ssl.SSLWantReadError):
                try:
                    side.do_handshake()
                except ssl.SSLCertVerificationError:
                    return False
    return sides[0].version() is not None
