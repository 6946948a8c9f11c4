"""Certification cases of block A on a whole station: what TLS is spoken, and whom it trusts."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from tests.csms.practice import PracticeCsms
from tests.scenarios.station import ID, AgentInLoop
from tests.scenarios.test_network import here

PASSWORD = "sixteen letters!"
SUITES = ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384")


@pytest.fixture
def authority(folder: Path) -> trustme.CA:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    return authority


def server_side(authority: trustme.CA) -> ssl.SSLContext:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(tls)
    return tls


def given(folder: Path) -> dict[str, object]:
    return {"security_profile": 2, "password": PASSWORD, "ca_file": str(folder / "ca.pem")}


@pytest.mark.parametrize("suite", SUITES)
async def test_TC_A_04_CS_a_csms_that_is_trusted(
    authority: trustme.CA, agent: AgentInLoop, folder: Path, suite: str
) -> None:
    tls = server_side(authority)
    tls.maximum_version = ssl.TLSVersion.TLSv1_2
    tls.set_ciphers(suite)
    async with PracticeCsms(tls=tls, host_name="localhost", passwords={ID: PASSWORD}) as csms:
        await agent.start(csms.url, station=given(folder))
        await here(csms)  # 7 to 10
        told = csms.station(ID).calls("StatusNotification")
        assert {each["connectorStatus"] for each in told} == {"Available"}


def unknown(tls: ssl.SSLContext, authority: trustme.CA) -> None:
    trustme.CA().issue_cert("localhost").configure_cert(tls)


def expired(tls: ssl.SSLContext, authority: trustme.CA) -> None:
    authority.issue_cert("localhost", not_after=datetime.now(UTC) - timedelta(days=1)).configure_cert(tls)


def of_another_host(tls: ssl.SSLContext, authority: trustme.CA) -> None:
    authority.issue_cert("csms.example.com").configure_cert(tls)


@pytest.mark.parametrize("show", [unknown, expired, of_another_host])
async def test_TC_A_05_CS_a_csms_that_is_not_trusted_is_left_and_told_of(
    authority: trustme.CA, agent: AgentInLoop, folder: Path, show: object
) -> None:
    assert callable(show)
    tls = server_side(authority)
    async with PracticeCsms(tls=tls, host_name="localhost", passwords={ID: PASSWORD}) as csms:
        await agent.start(csms.url, station=given(folder))
        await here(csms)
        show(tls, authority)
        await csms.stop()  # 4
        await csms.start()
        await agent.said("! csms: the CSMS's certificate is not trusted")  # 5 to 7
        assert csms.station(ID).connections == 1
        authority.issue_cert("localhost").configure_cert(tls)
        await csms.wait_for(lambda: "InvalidCsmsCertificate" in security_events(csms))  # 8 to 11
        assert csms.station(ID).connections == 2


async def test_TC_A_06_CS_a_csms_that_speaks_TLS_of_yesterday_is_left(
    authority: trustme.CA, agent: AgentInLoop, folder: Path
) -> None:
    tls = server_side(authority)
    with pytest.warns(DeprecationWarning):
        tls.minimum_version, tls.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    tls.set_ciphers("ALL:@SECLEVEL=0")
    async with PracticeCsms(tls=tls, host_name="localhost", passwords={ID: PASSWORD}) as csms:
        await agent.start(csms.url, station=given(folder), OCPPCommCtrlr_NetworkProfileConnectionAttempts=1)
        line = await agent.said("! csms: cannot connect: ")  # 1 to 3
        assert "cannot connect: ;" not in line
        assert ID not in csms.stations
        tls.maximum_version = ssl.TLSVersion.TLSv1_2
        await here(csms)  # 4 to 13
        await csms.wait_for(lambda: "StartupOfTheDevice" in security_events(csms))  # 14; such a server says no reason


def security_events(csms: PracticeCsms) -> list[str]:
    return [each["type"] for each in csms.station(ID).calls("SecurityEventNotification")]


async def test_TC_A_07_CS_the_station_shows_a_certificate_of_its_own(
    authority: trustme.CA, agent: AgentInLoop, folder: Path
) -> None:
    tls = server_side(authority)
    tls.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(tls)
    own = authority.issue_cert(ID, common_name=ID)
    own.private_key_and_cert_chain_pem.write_to_path(folder / "station.pem")
    station = {
        "security_profile": 3,
        "ca_file": str(folder / "ca.pem"),
        "client_cert_file": str(folder / "station.pem"),
    }
    async with PracticeCsms(tls=tls, host_name="localhost") as csms:
        await agent.start(csms.url, station=station)
        await here(csms)
        told = csms.station(ID).calls("StatusNotification")
        assert {each["connectorStatus"] for each in told} == {"Available"}
