"""The station's own keys and certificates as files: whole after a power cut at any moment, and read by nobody else."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from agent.edge.certificates import CertificateStore
from agent.edge.keys import KeyStore
from agent.edge.updater import keep_state
from agent.vocabulary.certificates import (
    EndTrial,
    JudgeSigned,
    KeyKind,
    KeyMade,
    MakeKey,
    SignedJudged,
    StoreCertificate,
    Subject,
)
from tests.edge.authority import Authority

NOW = datetime.now(UTC)
SUBJECT = Subject("SN-1", "Maker")
FOR_CSMS = "ChargingStationCertificate"


@pytest.fixture(scope="module")
def root() -> Authority:
    return Authority()


class Station:
    """What is on the disk of a station, and what a start makes of it."""

    def __init__(self, folder: Path, root: Authority, provisioned: Path | None = None) -> None:
        self.folder = folder
        self.roots = CertificateStore(folder / "certs")
        if not self.roots.installed():
            self.roots.obey(StoreCertificate("0", "CSMSRootCertificate", root.pem, 20, NOW))
        self.keys = KeyStore(folder / "keys", self.roots, provisioned)

    def make(self, kind: KeyKind = "P-256") -> str:
        made = self.keys.obey(MakeKey(FOR_CSMS, SUBJECT, kind))
        assert isinstance(made, KeyMade)
        return made.csr

    def take(self, chain: str, *, trial: bool = True) -> SignedJudged:
        judged = self.keys.obey(JudgeSigned("1", FOR_CSMS, chain, SUBJECT, trial, NOW))
        assert isinstance(judged, SignedJudged)
        return judged

    def end_trial(self, *, renewed: bool = True) -> None:
        self.keys.obey(EndTrial(renewed))

    def shown(self) -> str | None:
        """What TLS is given; it takes it."""
        path = self.keys.shown()
        if path is None:
            return None
        ssl.create_default_context().load_cert_chain(path)
        return path.read_text()


def test_what_was_taken_is_found_by_another_start(tmp_path: Path, root: Authority):
    station = Station(tmp_path, root)
    chain = root.sign(station.make(), days=(-1, 99))
    assert station.take(chain).verdict == "kept"
    station.end_trial()
    (own,) = Station(tmp_path, root).keys.own()
    assert (own.use, own.until.date(), own.on_trial) == (FOR_CSMS, (root.at + timedelta(days=99)).date(), False)
    assert chain in (Station(tmp_path, root).shown() or "")


@pytest.mark.parametrize(("kind", "bits"), [("RSA-2048", 2048), ("RSA-3072", 3072)])
@pytest.mark.proves("A00.FR.502")
def test_keys_of_rsa_are_as_long_as_the_board_file_says(tmp_path: Path, root: Authority, kind: KeyKind, bits: int):
    station = Station(tmp_path, root)
    csr = station.make(kind)
    key = x509.load_pem_x509_csr(csr.encode()).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    assert key.key_size == bits
    assert station.take(root.sign(csr)).verdict == "kept"
    assert station.shown()


class PowerCut(BaseException):
    """Nothing after this moment happens."""


def cut_before(moment: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Let the power go before the n-th of what changes a disk; yields how many there were."""
    count = [0]

    def counted(name: str, module: object) -> None:
        real = getattr(module, name)

        def call(*arguments: object, **more: object) -> object:
            count[0] += 1
            if count[0] == moment:
                raise PowerCut
            return real(*arguments, **more)

        monkeypatch.setattr(module, name, call)

    for name in ("open", "fsync"):
        counted(name, os)
    for name in ("replace", "unlink"):
        counted(name, Path)
    yield count[0]
    monkeypatch.undo()


MOMENTS = range(1, 40)


def test_after_a_power_cut_at_any_moment_there_is_a_certificate_that_works(
    tmp_path: Path, root: Authority, monkeypatch: pytest.MonkeyPatch
):
    cuts = 0
    for moment in MOMENTS:
        folder = tmp_path / str(moment)
        station = Station(folder, root)
        old = root.sign(station.make())
        station.take(old, trial=False)
        new = root.sign(csr) if (csr := station.make()) else ""
        power = cut_before(moment, monkeypatch)
        next(power)
        try:
            station.take(new)
            station.end_trial()
        except PowerCut:
            cuts += 1
        next(power, None)
        after = Station(folder, root)
        shown = after.shown() or ""
        assert old in shown or new in shown
        assert [each.use for each in after.keys.own()].count(FOR_CSMS) in (1, 2)
        assert after.take(root.sign(after.make())).verdict == "kept"  # and the next one comes as if nothing had been
        after.end_trial()
        assert len(list((folder / "keys").glob("*.pem"))) == 1
    assert 5 < cuts < len(MOMENTS) - 1  # every moment there is


def test_the_old_one_is_kept_until_the_new_one_was_taken(tmp_path: Path, root: Authority):
    station = Station(tmp_path, root)
    old = root.sign(station.make())
    station.take(old, trial=False)
    new = root.sign(station.make())
    station.take(new)
    assert new in (station.shown() or "")
    station.keys.shows_renewed = False
    assert old in (station.shown() or "")
    station.end_trial(renewed=False)
    station.keys.shows_renewed = True
    assert old in (Station(tmp_path, root).shown() or "")


def test_what_was_delivered_is_shown_until_something_was_signed(tmp_path: Path, root: Authority):
    given = root.written(tmp_path, "SN-1", days=(-1, 7))
    station = Station(tmp_path, root, given)
    assert station.shown() is None  # as delivered
    (own,) = station.keys.own()
    assert own.until.date() == (root.at + timedelta(days=7)).date()
    station.take(root.sign(station.make()))
    station.end_trial()
    assert station.shown()


def test_a_station_that_is_given_another_certificate_shows_that_one(tmp_path: Path, root: Authority):
    station = Station(tmp_path, root, root.written(tmp_path, "SN-1"))
    station.take(root.sign(station.make()))
    station.end_trial()
    again = Station(tmp_path, root, root.written(tmp_path, "SN-1"))
    assert again.shown() is None
    chain = root.sign(again.make())
    again.take(chain)
    again.end_trial()
    (kept,) = (tmp_path / "keys").iterdir()
    assert chain in kept.read_text()


@pytest.mark.proves("A02.FR.05", "A03.FR.05")
def test_nobody_else_reads_a_key_and_no_copy_of_the_state_has_it(tmp_path: Path, root: Authority):
    station = Station(tmp_path, root)
    csr = station.make()
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "keys").iterdir()}
    station.take(root.sign(csr))
    modes |= {path.stat().st_mode & 0o777 for path in (tmp_path / "keys").iterdir()}
    assert modes == {0o600}
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    keep_state(tmp_path)
    kept = [path for path in tmp_path.rglob("*") if path.is_file() and b"PRIVATE KEY" in path.read_bytes()]
    assert {path.parent for path in kept} == {tmp_path / "keys"}


def test_a_file_that_was_damaged_keeps_the_station_from_nothing(tmp_path: Path, root: Authority):
    station = Station(tmp_path, root)
    station.take(root.sign(station.make()), trial=False)
    (path,) = (tmp_path / "keys").iterdir()
    path.write_bytes(b"\x00")
    after = Station(tmp_path, root)
    assert after.keys.own() == ()
    assert after.take(root.sign(after.make()), trial=False).verdict == "kept"


def test_a_disk_that_is_no_disk_costs_the_key_and_says_why(tmp_path: Path, root: Authority):
    station = Station(tmp_path, root)
    (tmp_path / "keys").write_text("a file in the place of the folder")
    made = station.keys.obey(MakeKey(FOR_CSMS, SUBJECT))
    assert isinstance(made, KeyMade)
    assert (made.csr, bool(made.reason)) == ("", True)
