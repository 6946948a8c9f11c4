"""Security profiles 1 to 3 of a whole station: a password, TLS, a certificate of its own, and what fails with them."""

import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme

from tests.csms.practice import PracticeCsms
from tests.edge.authority import Authority
from tests.scenarios.sessions import all_ended, charge, faults_of
from tests.scenarios.station import ID, AgentInLoop

PASSWORD = "sixteen letters!"


@pytest.fixture
def authority(folder: Path) -> trustme.CA:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    return authority


@pytest.fixture
async def secure(authority: trustme.CA) -> AsyncIterator[PracticeCsms]:
    """A CSMS on TLS that knows one station by its password."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(tls)
    async with PracticeCsms(tls=tls, host_name="localhost", passwords={ID: PASSWORD}) as csms:
        yield csms


async def a_session_is_told(csms: PracticeCsms, agent: AgentInLoop) -> None:
    await csms.wait_for("StatusNotification", count=2)
    await charge(agent, 1, "ABCD", 1000)
    assert faults_of(await all_ended(csms, 1)) == []


async def test_profile_1_a_password(agent: AgentInLoop) -> None:
    async with PracticeCsms(passwords={ID: PASSWORD}) as csms:
        await agent.start(csms.url, station={"security_profile": 1, "password": PASSWORD})
        await a_session_is_told(csms, agent)
        assert PASSWORD not in "\n".join(agent.log.items)


@pytest.mark.parametrize("password", [None, "another password"])
async def test_profile_1_another_password_is_told_once(agent: AgentInLoop, password: str | None) -> None:
    async with PracticeCsms(passwords={ID: PASSWORD}) as csms:
        await agent.start(csms.url, station={"security_profile": 1, **({"password": password} if password else {})})
        await csms.wait_for(lambda: len(csms.station(ID).attempts_s) == 2)
        assert csms.station(ID).connections == 0
        assert agent.said_times("HTTP 401") == 1


async def test_profile_2_TLS_and_a_password(secure: PracticeCsms, agent: AgentInLoop, folder: Path) -> None:
    given = {"security_profile": 2, "password": PASSWORD, "ca_file": str(folder / "ca.pem")}
    await agent.start(secure.url, station=given)
    await a_session_is_told(secure, agent)


async def test_profile_2_the_settings_hold_over_a_power_cut(
    secure: PracticeCsms, agent: AgentInLoop, folder: Path
) -> None:
    given = {"security_profile": 2, "password": PASSWORD, "ca_file": str(folder / "ca.pem")}
    await agent.start(secure.url, station=given)
    await secure.wait_for("StatusNotification", count=2)
    await agent.cmd("power_cycle")
    await secure.wait_for("StatusNotification", count=4)


async def test_profile_2_a_CSMS_that_is_not_trusted_hears_nothing(
    secure: PracticeCsms, agent: AgentInLoop, folder: Path
) -> None:
    trustme.CA().cert_pem.write_to_path(folder / "another.pem")
    given = {"security_profile": 2, "password": PASSWORD, "ca_file": str(folder / "another.pem")}
    await agent.start(secure.url, station=given)
    await agent.said("! csms: the CSMS's certificate is not trusted")
    assert ID not in secure.stations


async def test_profile_3_a_certificate_of_its_own(authority: trustme.CA, agent: AgentInLoop, folder: Path) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(tls)
    authority.issue_cert("localhost").configure_cert(tls)
    authority.issue_cert(ID).private_key_and_cert_chain_pem.write_to_path(folder / "station.pem")
    given = {"ca_file": str(folder / "ca.pem"), "client_cert_file": str(folder / "station.pem"), "security_profile": 3}
    async with PracticeCsms(tls=tls, host_name="localhost") as csms:
        await agent.start(csms.url, station=given)
        await a_session_is_told(csms, agent)


@pytest.mark.parametrize("profile", [2, 3])
@pytest.mark.proves("A00.FR.001")
async def test_profile_2_shows_no_certificate_and_profile_3_no_password(
    authority: trustme.CA, agent: AgentInLoop, folder: Path, profile: int
) -> None:
    """Whatever else the station was given, and although this CSMS asks for both: one security profile at a time."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.verify_mode = ssl.CERT_OPTIONAL
    authority.configure_trust(tls)
    authority.issue_cert("localhost").configure_cert(tls)
    authority.issue_cert(ID).private_key_and_cert_chain_pem.write_to_path(folder / "station.pem")
    given = {"ca_file": str(folder / "ca.pem"), "client_cert_file": str(folder / "station.pem"), "password": PASSWORD}
    async with PracticeCsms(tls=tls, host_name="localhost", passwords={ID: PASSWORD}) as csms:
        await agent.start(csms.url, station={**given, "security_profile": profile})
        if profile == 2:
            await csms.wait_for("StatusNotification", count=2)
        else:
            await agent.said("HTTP 401")
        assert [certificate is not None for certificate in csms.station(ID).certificates] == [profile == 3]


@pytest.mark.proves("A00.FR.004")
async def test_without_a_csms_and_a_profile_nothing_is_said(agent: AgentInLoop) -> None:
    async with PracticeCsms() as csms:
        await agent.cmd("start", station={"identity": ID})
        await agent.said("no CSMS is configured")
        await agent.cmd("stop")
        await agent.start(csms.url, station={"security_profile": 2})
        await agent.said("security profile 2 wants wss://")
        assert ID not in csms.stations


async def test_a_wildcard_for_a_name_counts_where_AllowCSMSTLSWildcards_says_so(
    agent: AgentInLoop, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lookup = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *more, **how: lookup("127.0.0.1", *more, **how))
    operator = Authority()
    (folder / "ca.pem").write_text(operator.pem)
    tls = operator.server("*.example.com", hosts=("*.example.com",))
    given = {"security_profile": 2, "password": PASSWORD, "ca_file": str(folder / "ca.pem")}
    async with PracticeCsms(tls=tls, host_name="csms.example.com", passwords={ID: PASSWORD}) as csms:
        await agent.start(csms.url, station=given)
        await agent.said("! csms: the CSMS's certificate is not trusted")
        assert ID not in csms.stations
        await agent.cmd("set_variable", component="SecurityCtrlr", variable="AllowCSMSTLSWildcards", value=True)
        await csms.wait_for("StatusNotification", count=2)


async def test_files_that_are_not_there_are_told_once_and_tried_again(agent: AgentInLoop, folder: Path) -> None:
    given = {"security_profile": 2, "ca_file": str(folder / "nowhere.pem")}
    await agent.start("wss://localhost:1/ocpp", station=given)
    await agent.said("! csms: TLS cannot be set up")
    await agent.cmd("plug_in", evse=1)
    await agent.fact("EvConnected", 1)


def types_of(csms: PracticeCsms) -> list[str]:
    return [each["type"] for each in csms.station(ID).calls("SecurityEventNotification")]


async def test_a_certificate_that_is_not_trusted_is_told_when_a_trusted_one_comes(
    authority: trustme.CA, agent: AgentInLoop, folder: Path
) -> None:
    """A00.FR.302: critical, so it waits on disk for a CSMS that may hear it."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(tls)
    given = {"security_profile": 2, "password": PASSWORD, "ca_file": str(folder / "ca.pem")}
    async with PracticeCsms(tls=tls, host_name="localhost", passwords={ID: PASSWORD}) as csms:
        await agent.start(csms.url, station=given)
        await agent.said("! csms: the CSMS's certificate is not trusted")
        authority.issue_cert("localhost").configure_cert(tls)
        await csms.wait_for(lambda: "InvalidCsmsCertificate" in types_of(csms))
        assert types_of(csms).count("InvalidCsmsCertificate") == 1
