"""Roots that the CSMS installs, on a whole station over TLS: trusted at the next connection, and not when deleted."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.csms.practice import PracticeCsms
from tests.edge.test_certificates import hash_data
from tests.scenarios.station import ID, AgentInLoop
from tests.scenarios.test_network import here, prefer, put, value_of

PASSWORD = "sixteen letters!"
CSMS = "CSMSRootCertificate"
NOT_TRUSTED = "! csms: the CSMS's certificate is not trusted"


@pytest.fixture
def roots() -> tuple[trustme.CA, trustme.CA]:
    """The root that the station was provisioned with, and the new one."""
    return trustme.CA(), trustme.CA()


def server(authority: trustme.CA) -> PracticeCsms:
    """A CSMS with a certificate of this authority."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(tls)
    return PracticeCsms(passwords={ID: PASSWORD}, tls=tls, host_name="localhost")


@pytest.fixture
async def both(roots: tuple[trustme.CA, trustme.CA]) -> AsyncIterator[tuple[PracticeCsms, PracticeCsms]]:
    """The CSMS that the station is at, and one whose certificate it does not trust yet."""
    async with server(roots[0]) as first, server(roots[1]) as second:
        yield first, second


async def booted(csms: PracticeCsms, agent: AgentInLoop, folder: Path, authority: trustme.CA) -> None:
    authority.cert_pem.write_to_path(folder / "ca.pem")
    given = {"security_profile": 2, "password": PASSWORD, "ca_file": str(folder / "ca.pem")}
    await agent.start(csms.url, station=given, OCPPCommCtrlr_NetworkProfileConnectionAttempts=2)
    await here(csms)


def text_of(authority: trustme.CA) -> str:
    return authority.cert_pem.bytes().decode()


async def install(csms: PracticeCsms, authority: trustme.CA) -> str:
    asked = {"certificateType": CSMS, "certificate": text_of(authority)}
    return str((await csms.call(ID, "InstallCertificate", asked))["status"])


async def listed(csms: PracticeCsms) -> Any:
    return await csms.call(ID, "GetInstalledCertificateIds", {"certificateType": [CSMS]})


async def migrate(first: PracticeCsms, second: PracticeCsms) -> None:
    """Steps 1 to 6 of the migration cases."""
    assert await put(first, second.url, 2) == "Accepted"  # 1, 2
    assert await prefer(first, "2,1") in ("Accepted", "RebootRequired")  # 3, 4
    assert (await first.call(ID, "Reset", {"type": "OnIdle"}))["status"] == "Accepted"  # 5, 6


async def test_TC_B_50_CS_to_a_new_csms_with_a_new_root(
    both: tuple[PracticeCsms, PracticeCsms], roots: tuple[trustme.CA, trustme.CA], agent: AgentInLoop, folder: Path
) -> None:
    first, second = both
    await booted(first, agent, folder, roots[0])
    assert await install(first, roots[1]) == "Accepted"  # memory state
    await migrate(first, second)
    await here(second)  # 7 to 9
    assert agent.said_times(NOT_TRUSTED) == 0


async def test_without_its_root_the_new_csms_is_left_for_the_one_that_worked(
    both: tuple[PracticeCsms, PracticeCsms], roots: tuple[trustme.CA, trustme.CA], agent: AgentInLoop, folder: Path
) -> None:
    first, second = both
    await booted(first, agent, folder, roots[0])
    await migrate(first, second)
    await first.wait_for("BootNotification", count=2)
    assert agent.said_times(NOT_TRUSTED) == 1
    assert ID not in second.stations


async def test_what_was_deleted_is_trusted_no_more_at_the_next_connection(
    both: tuple[PracticeCsms, PracticeCsms], roots: tuple[trustme.CA, trustme.CA], agent: AgentInLoop, folder: Path
) -> None:
    first, second = both
    await booted(first, agent, folder, roots[0])
    assert await install(first, roots[1]) == "Accepted"
    data = hash_data(text_of(roots[1]))
    found = (await listed(first))["certificateHashDataChain"][0]["certificateHashData"]
    assert (found["issuerKeyHash"], found["serialNumber"]) == (data.issuer_key_hash, data.serial_number)
    await migrate(first, second)
    await here(second)
    told = await second.call(ID, "DeleteCertificate", {"certificateHashData": found})
    assert told["status"] == "Accepted"
    assert (await listed(second))["status"] == "NotFound"
    await agent.cmd("power_cycle")
    await agent.said(NOT_TRUSTED)
    await first.wait_for("BootNotification", count=2)


async def test_TC_A_19_CS_from_a_password_to_TLS_with_a_root_that_was_installed(
    roots: tuple[trustme.CA, trustme.CA], agent: AgentInLoop
) -> None:
    async with PracticeCsms(passwords={ID: PASSWORD}) as plain, server(roots[0]) as secure:
        await agent.start(plain.url, station={"security_profile": 1, "password": PASSWORD})
        await here(plain)
        assert await install(plain, roots[0]) == "Accepted"  # memory state
        await migrate(plain, secure)
        await here(secure)  # 7 to 9
        assert await value_of(secure, "SecurityCtrlr", "SecurityProfile") == "2"  # 10, 11
        assert await value_of(secure, "OCPPCommCtrlr", "NetworkConfigurationPriority") == "2"  # 12, 13
