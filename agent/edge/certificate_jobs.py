"""Orders of the loop about certificates and keys, done in a thread: a flash or a key that is slow holds nobody up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from agent.edge.certificates import MO_ROOT, V2G_ROOT, CertificateStore
from agent.edge.keys import KeyStore
from agent.vocabulary.certificates import (
    CertificateNews,
    CertificateOrder,
    EndTrial,
    EquipSeccs,
    JudgeSigned,
    MakeKey,
    RemoveCertificate,
    ShowCertificate,
    StoreCertificate,
)
from hal.ports import SeccCertificates


def secc_certificates(store: CertificateStore, keys: KeyStore, ocsp: tuple[str, ...]) -> SeccCertificates:
    """What an SECC needs of what is kept here."""
    path = keys.shown("V2GCertificate")
    return SeccCertificates(store.roots(V2G_ROOT, MO_ROOT), "" if path is None else str(path), ocsp)


class CertificateJobs:
    """Who obeys which order; what came of it is posted in the loop."""

    def __init__(
        self,
        store: CertificateStore,
        keys: KeyStore,
        post: Callable[[CertificateNews], None],
        equip: Callable[[SeccCertificates], None],
    ) -> None:
        self._store = store
        self._keys = keys
        self._post = post
        self._equip = equip

    def obey(self, order: CertificateOrder) -> None:
        """Begin, or have it done at once where that costs nothing."""
        match order:
            case ShowCertificate(renewed=renewed):
                self._keys.shows_renewed = renewed
            case EquipSeccs(ocsp=ocsp):
                self._equip(secc_certificates(self._store, self._keys, ocsp))
            case StoreCertificate() | RemoveCertificate():
                self._begin(partial(self._store.obey, order))
            case MakeKey() | JudgeSigned() | EndTrial():
                self._begin(partial(self._keys.obey, order))

    def _begin(self, work: Callable[[], CertificateNews]) -> None:
        loop = asyncio.get_running_loop()
        loop.run_in_executor(None, work).add_done_callback(self._ended)

    def _ended(self, done: asyncio.Future[CertificateNews]) -> None:
        if not done.cancelled():
            self._post(done.result())
