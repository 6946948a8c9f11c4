"""A bench whose station keeps keys and certificates in a folder, and the authorities that sign for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from agent.blocks.a_signing import SigningSetup
from agent.blocks.b_network import FACTORY_SLOT, NetworkSetup
from agent.edge.certificates import CertificateStore
from agent.edge.keys import KeyStore
from agent.vocabulary.certificates import SigningUse
from agent.vocabulary.values import NetworkProfile
from tests.bench import POWER_ON, Bench, Payload
from tests.edge.authority import Authority

SERIAL, VENDOR = "SN-0042", "Table"
URL = "wss://csms.example/ocpp"
FOR_CSMS: SigningUse = "ChargingStationCertificate"
FOR_VEHICLES: SigningUse = "V2GCertificate"
TRIGGERS: dict[SigningUse, str] = {FOR_CSMS: "SignChargingStationCertificate", FOR_VEHICLES: "SignV2GCertificate"}


def authority(name: str = "Root") -> Authority:
    """A root that was there long before the bench was switched on."""
    return Authority(name, at=POWER_ON)


def keyed(folder: Path, *, security_profile: int = 3, provisioned: Path | None = None, **options: Any) -> Bench:
    """Connected by this security profile; ``provisioned`` is the certificate that it was delivered with."""
    store = CertificateStore(folder / "certs")
    url = URL if security_profile >= 2 else URL.replace("wss", "ws")
    network = NetworkSetup(NetworkProfile(FACTORY_SLOT, url, security_profile), "CS001")
    bench = Bench(
        certificates=store,
        keys=KeyStore(folder / "keys", store, provisioned),
        signing=SigningSetup(SERIAL, VENDOR),
        network=options.pop("network", network),
        **options,
    )
    bench.accept()
    bench.take_sent()
    return bench


def trusting(bench: Bench, root: Authority, type: str = "CSMSRootCertificate") -> Bench:
    """The CSMS has installed this root."""
    told = bench.ask("InstallCertificate", certificateType=type, certificate=root.pem)
    assert isinstance(told, dict)
    assert told["status"] == "Accepted", told
    return bench


def requests(bench: Bench) -> list[Payload]:
    """The signing requests that were sent since the last call; everything else is dropped."""
    return [said.payload for said in bench.take_sent() if said.action == "SignCertificate"]


def triggered(bench: Bench, use: SigningUse = FOR_CSMS) -> str:
    """The CSMS wants a new key; returns the request that came of it."""
    bench.script.setdefault("SignCertificate", {"status": "Accepted"})
    told = bench.ask("TriggerMessage", requestedMessage=TRIGGERS[use])
    assert told == {"status": "Accepted"}
    (request,) = requests(bench)
    assert request["certificateType"] == use
    return str(request["csr"])


def bring(bench: Bench, chain: str, use: SigningUse | None = FOR_CSMS) -> str:
    """The CSMS brings a certificate; returns what is answered."""
    told = bench.ask("CertificateSigned", certificateChain=chain, **({"certificateType": use} if use else {}))
    assert isinstance(told, dict), told
    bench.pass_time(0)  # on a new connection where that is wanted
    return str(told["status"])


def renewed(bench: Bench, root: Authority, use: SigningUse = FOR_CSMS) -> str:
    """From the trigger to the certificate; returns the chain."""
    chain = root.sign(triggered(bench, use))
    assert bring(bench, chain, use) == "Accepted"
    return chain


def sound(csr_pem: str) -> x509.CertificateSigningRequest:
    """Read as a CSMS does: signed by its own key, which is long enough."""
    csr = x509.load_pem_x509_csr(csr_pem.encode())
    assert csr.is_signature_valid
    key = csr.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert key.key_size >= 224
    return csr


def leaf_of(text: str) -> x509.Certificate:
    return x509.load_pem_x509_certificates(text.encode())[0]
