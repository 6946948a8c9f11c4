"""Certification cases of block M: root certificates installed, listed and deleted by the CSMS (M03, M04, M05)."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.edge.certificates import CertificateStore
from tests.bench import Bench
from tests.blocks.test_m_certificates import (
    CSMS,
    MANUFACTURER,
    MO,
    V2G,
    chains,
    data_of,
    delete,
    install,
    listed,
    serial,
)
from tests.edge.test_certificates import root


@pytest.fixture
def octt(tmp_path: Path) -> Bench:
    """The tool's station; nothing is installed."""
    bench = Bench(certificates=CertificateStore(tmp_path / "certs"))
    bench.accept()
    return bench


def certificate_installed(octt: Bench, type: str) -> str:
    """The memory state; returns the certificate."""
    pem = root(type)
    assert install(octt, pem, type) == "Accepted"
    return pem


def get_installed(octt: Bench, pem: str, *types: str) -> None:
    """The reusable state: the certificate is among those of the types."""
    assert set(chains(octt, *types)) >= {(type, serial(pem)) for type in types}


def installed_and_listed(octt: Bench, type: str) -> None:
    get_installed(octt, certificate_installed(octt, type), type)


def test_TC_M_01_CS_a_root_of_the_csms(octt: Bench):
    installed_and_listed(octt, CSMS)


def test_TC_M_02_CS_a_root_of_the_manufacturer(octt: Bench):
    installed_and_listed(octt, MANUFACTURER)


def test_TC_M_03_CS_a_root_of_v2g(octt: Bench):
    installed_and_listed(octt, V2G)


def test_TC_M_04_CS_a_root_of_a_mobility_operator(octt: Bench):
    installed_and_listed(octt, MO)


def test_TC_M_07_CS_an_expired_root_is_rejected(octt: Bench):
    configured, expired = certificate_installed(octt, CSMS), root(days=(-10, -1))
    assert install(octt, expired) == "Rejected"  # 1, 2
    assert chains(octt, CSMS) == [(CSMS, serial(configured))]  # 3, 4


def test_TC_M_12_CS_the_roots_of_the_csms_are_listed(octt: Bench):
    pem = certificate_installed(octt, CSMS)
    get_installed(octt, pem, CSMS)


def test_TC_M_13_CS_the_roots_of_the_manufacturer_are_listed(octt: Bench):
    pem = certificate_installed(octt, MANUFACTURER)
    get_installed(octt, pem, MANUFACTURER)


def test_TC_M_14_CS_the_roots_of_v2g_are_listed(octt: Bench):
    pem = certificate_installed(octt, V2G)
    get_installed(octt, pem, V2G)


def test_TC_M_16_CS_the_roots_of_mobility_operators_are_listed(octt: Bench):
    pem = certificate_installed(octt, MO)
    get_installed(octt, pem, MO)


def test_TC_M_17_CS_two_kinds_are_asked_for(octt: Bench):
    csms, manufacturer = certificate_installed(octt, CSMS), certificate_installed(octt, MANUFACTURER)
    certificate_installed(octt, MO)
    assert chains(octt, CSMS, MANUFACTURER) == [(CSMS, serial(csms)), (MANUFACTURER, serial(manufacturer))]


def test_TC_M_18_CS_all_kinds_are_asked_for(octt: Bench):
    csms, manufacturer = certificate_installed(octt, CSMS), certificate_installed(octt, MANUFACTURER)
    assert chains(octt) == [(CSMS, serial(csms)), (MANUFACTURER, serial(manufacturer))]


def test_TC_M_19_CS_a_kind_of_which_there_is_none(octt: Bench):
    certificate_installed(octt, CSMS)
    assert listed(octt, MO) == {"status": "NotFound"}  # 1, 2


def test_TC_M_20_CS_a_root_is_deleted(octt: Bench):
    pem, other = certificate_installed(octt, CSMS), certificate_installed(octt, CSMS)
    get_installed(octt, pem, CSMS)  # 1
    assert delete(octt, data_of(pem)) == "Accepted"  # 2, 3
    assert chains(octt, CSMS) == [(CSMS, serial(other))]  # 4


def test_TC_M_22_CS_what_is_not_installed_is_not_deleted(octt: Bench):
    pem = certificate_installed(octt, CSMS)
    get_installed(octt, pem, CSMS)  # 1
    assert delete(octt, data_of(root())) == "NotFound"  # 2, 3
