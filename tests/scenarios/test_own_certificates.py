"""A whole station whose certificates are renewed over real TLS, and whose vehicles are judged by installed roots."""

from __future__ import annotations

import ssl
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.x509 import Certificate, load_der_x509_certificate, load_pem_x509_certificates

from hal.drivers.sim_operator import operator
from tests.csms.practice import PracticeCsms
from tests.edge.authority import Authority, pem_of
from tests.scenarios.station import ID, AgentInLoop

SERIAL = "SIM-1"
TRIGGER = {"requestedMessage": "SignChargingStationCertificate"}


@pytest.fixture
def root(folder: Path) -> Authority:
    root = Authority()
    (folder / "ca.pem").write_text(root.pem)
    return root


def mutual(root: Authority) -> ssl.SSLContext:
    tls = root.server()
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_verify_locations(cadata=root.pem)
    return tls


def given(folder: Path, root: Authority) -> dict[str, object]:
    delivered = root.written(folder, "as-delivered")
    files = {"ca_file": str(folder / "ca.pem"), "client_cert_file": str(delivered)}
    return {"security_profile": 3, "serial": SERIAL, **files}


def shown(csms: PracticeCsms) -> Certificate:
    last = csms.station(ID).certificates[-1]
    assert last is not None
    return load_der_x509_certificate(last)


async def signed(csms: PracticeCsms, root: Authority) -> str:
    """From the trigger to the chain."""
    before = len(csms.station(ID).calls("SignCertificate"))
    assert await csms.call(ID, "TriggerMessage", TRIGGER) == {"status": "Accepted"}
    await csms.wait_for("SignCertificate", count=before + 1)
    return root.sign(csms.station(ID).calls("SignCertificate")[-1]["csr"])


@pytest.mark.proves("A02.FR.08", "A03.FR.08")
async def test_a_renewed_certificate_is_shown_to_the_csms_and_after_a_power_cut_again(
    root: Authority, agent: AgentInLoop, folder: Path
) -> None:
    async with PracticeCsms(tls=mutual(root), host_name="localhost") as csms:
        await agent.start(csms.url, station=given(folder, root))
        await csms.wait_for("StatusNotification", count=2)
        assert shown(csms).subject.rfc4514_string().startswith("CN=as-delivered")
        chain = await signed(csms, root)
        assert await csms.call(ID, "CertificateSigned", {"certificateChain": chain}) == {"status": "Accepted"}
        leaf = load_pem_x509_certificates(chain.encode())[0]
        await csms.wait_for(lambda: shown(csms) == leaf and csms.station(ID).connected)
        await agent.said("= certificate of the station renewed")
        await agent.cmd("power_cycle")
        await csms.wait_for(lambda: csms.station(ID).connections == 3)
        assert shown(csms) == leaf
        (kept,) = (agent.data / "keys").iterdir()
        secret = kept.read_text().split("PRIVATE KEY-----")[1].split()[0]
        assert secret not in "\n".join(agent.log.items)


@pytest.mark.proves("A02.FR.28", "A02.FR.29", "A03.FR.24", "A03.FR.25")
async def test_a_csms_that_refuses_the_renewed_certificate_gets_the_old_one(
    root: Authority, agent: AgentInLoop, folder: Path
) -> None:
    """What it has just signed it does not let in: it trusts another authority meanwhile."""
    other = Authority("Another")
    tls = mutual(root)
    async with PracticeCsms(tls=tls, host_name="localhost") as csms:
        await agent.start(csms.url, station=given(folder, root), OCPPCommCtrlr_NetworkProfileConnectionAttempts=1)
        await csms.wait_for("StatusNotification", count=2)
        installed = {"certificateType": "CSMSRootCertificate", "certificate": other.pem}
        assert await csms.call(ID, "InstallCertificate", installed) == {"status": "Accepted"}
        chain = await signed(csms, other)  # whom this TLS server does not know
        assert await csms.call(ID, "CertificateSigned", {"certificateChain": chain}) == {"status": "Accepted"}
        await csms.wait_for(lambda: "DiscardedRenewedClientCertificate" in noted(csms))
        assert shown(csms).subject.rfc4514_string().startswith("CN=as-delivered")


def noted(csms: PracticeCsms) -> list[str]:
    return [each["type"] for each in csms.station(ID).calls("SecurityEventNotification")]


FROM_ABROAD = {"protocol": "iso15118-ac", "payment": "contract", "contract": "foreign"}
WITHOUT = {"protocol": "iso15118-ac", "payment": "contract", "contract": "missing"}


async def test_a_contract_of_an_operator_whose_root_the_csms_has_installed_is_judged_here(
    csms: PracticeCsms, agent: AgentInLoop
) -> None:
    """The simulated SECC has been given the root: the chain need not go to the CSMS."""
    foreign = operator("Foreign", datetime(datetime.now(UTC).year, 1, 1, tzinfo=UTC)).root
    await agent.start(csms.url)
    await csms.wait_for("StatusNotification", count=2)
    wanted = {"certificateType": "MORootCertificate", "certificate": pem_of(foreign)}
    assert await csms.call(ID, "InstallCertificate", wanted) == {"status": "Accepted"}
    await agent.cmd("plug_in", evse=1, ev=FROM_ABROAD)
    await agent.fact("PowerPathClosed", 1)
    (asked,) = csms.station(ID).calls("Authorize")
    assert "certificate" not in asked
    assert len(asked["iso15118CertificateHashData"]) == 3


@pytest.mark.parametrize("status", ["Accepted", "Failed"])
@pytest.mark.proves("M01.FR.01")
async def test_a_vehicle_without_a_contract_has_one_installed_through_the_csms(
    csms: PracticeCsms, agent: AgentInLoop, status: str
) -> None:
    brought = b64encode(b"a CertificateInstallationRes").decode()
    csms.answers.table["Get15118EVCertificate"] = lambda _record, _asked: {"status": status, "exiResponse": brought}
    await agent.start(csms.url)
    await csms.wait_for("StatusNotification", count=2)
    await agent.cmd("plug_in", evse=1, ev=WITHOUT)
    if status == "Accepted":
        await agent.fact("PowerPathClosed", 1)
    else:
        await agent.cmd("swipe", token="CARD", evse=1)
        await agent.fact("PowerPathClosed", 1)
    asked = csms.station(ID).calls("Get15118EVCertificate")
    assert [each["action"] for each in asked] == ["Install"]
    kinds = [each["idToken"]["type"] for each in csms.station(ID).calls("Authorize")]
    assert kinds == (["eMAID"] if status == "Accepted" else ["ISO14443"])
