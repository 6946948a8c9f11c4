"""A contract certificate (ISO 15118) as a vehicle presented it, and what is to be made of it.  Asks nobody."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509 import Certificate, load_pem_x509_certificates

from hal.chain import hashes_of, judge, names_of
from hal.events import Contract


def read_contract(emaid: str, chain_pem: str, roots: Sequence[Certificate], at: datetime) -> Contract:
    """A contract as the vehicle presented it, judged by these roots at this time; it must be its own."""
    try:
        chain = load_pem_x509_certificates(chain_pem.encode())
        verdict = judge(chain, roots, at) if _is_of(emaid, chain[0]) else "invalid"
        return Contract(emaid, chain_pem, hashes_of(chain, roots), verdict)
    except (ValueError, UnsupportedAlgorithm):  # whatever the vehicle sent
        return Contract(emaid, chain_pem, (), "invalid")


def _is_of(emaid: str, leaf: Certificate) -> bool:
    """Whether the certificate names the eMAID; hyphens and case say nothing."""
    return any(_plain(emaid) == _plain(name) for name in names_of(leaf))


def _plain(emaid: str) -> str:
    return emaid.replace("-", "").casefold()
