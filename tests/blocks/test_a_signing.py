"""A02, A03: certificates that the CSMS signs: asked for by trigger and in time, judged, tried, the right one kept."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from agent.blocks.b_network import FACTORY_SLOT, NetworkSetup
from agent.vocabulary.values import NetworkProfile
from tests.bench import Bench
from tests.blocks.network import connection
from tests.blocks.signing import (
    FOR_CSMS,
    FOR_VEHICLES,
    SERIAL,
    URL,
    VENDOR,
    authority,
    bring,
    keyed,
    leaf_of,
    renewed,
    requests,
    sound,
    triggered,
    trusting,
)
from tests.edge.authority import Authority, name_of, new_key, pem_of

WAIT, REPEAT = "SecurityCtrlr.CertSigningWaitMinimum", "SecurityCtrlr.CertSigningRepeatTimes"
INVALID = "InvalidChargingStationCertificate"


@pytest.fixture
def root() -> Authority:
    return authority()


@pytest.fixture
def bench(tmp_path: Path, root: Authority) -> Bench:
    """Connected by security profile 3 with the certificate that it was delivered with."""
    return trusting(keyed(tmp_path, provisioned=root.written(tmp_path, SERIAL)), root)


def noted(bench: Bench) -> list[str]:
    return [each["type"] for each in bench.security]


def shown(bench: Bench) -> x509.Certificate | None:
    """What the CSMS was shown last; None: what the station was delivered with."""
    text = bench.shown_certificates[-1]
    return leaf_of(text) if text else None


def name(subject: x509.Name, oid: x509.ObjectIdentifier) -> str:
    (found,) = subject.get_attributes_for_oid(oid)
    return str(found.value)


# ---- asking ----


@pytest.mark.proves("A02.FR.02", "A02.FR.03", "A00.FR.507", "A02.FR.13")
def test_after_a_trigger_a_new_key_asks_for_its_certificate(bench: Bench):
    first, second = sound(triggered(bench)), sound(triggered(bench))
    assert first.public_key() != second.public_key()


@pytest.mark.proves("A00.FR.501", "A00.FR.503", "A00.FR.504", "A00.FR.506")
def test_the_key_is_long_enough_and_the_request_signed_by_a_sound_algorithm(bench: Bench):
    csr = sound(triggered(bench))
    key = csr.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert (key.curve.name, key.key_size) == ("secp256r1", 256)
    assert csr.signature_hash_algorithm is not None
    assert csr.signature_hash_algorithm.name == "sha256"


@pytest.mark.proves("A00.FR.509", "A00.FR.511")
def test_the_request_names_the_serial_number_and_the_OrganizationName(bench: Bench):
    subject = sound(triggered(bench)).subject
    assert name(subject, NameOID.COMMON_NAME) == SERIAL
    assert name(subject, NameOID.ORGANIZATION_NAME) == VENDOR
    assert bench.set("SecurityCtrlr.OrganizationName", "An Operator") == "Accepted"
    assert name(sound(triggered(bench)).subject, NameOID.ORGANIZATION_NAME) == "An Operator"


def test_the_request_leaves_the_extensions_to_who_signs(bench: Bench):
    """Key usage is the authority's to say; extended key usage and alternative names are not asked for."""
    assert list(sound(triggered(bench)).extensions) == []


@pytest.mark.proves("A02.FR.13", "A03.FR.13")
def test_a_certificate_for_vehicles_is_asked_for_under_its_own_type_and_names(tmp_path: Path, root: Authority):
    bench = trusting(keyed(tmp_path, secc=True), root, "V2GRootCertificate")
    bench.set("ISO15118Ctrlr.SeccId", "DE-ICE-S-0003C4D5578786756453309675436-2")
    bench.set("ISO15118Ctrlr.CountryName", "NL")
    bench.set("ISO15118Ctrlr.OrganizationName", "OCA")
    subject = sound(triggered(bench, FOR_VEHICLES)).subject
    wanted = {
        NameOID.COMMON_NAME: "DE-ICE-S-0003C4D5578786756453309675436-2",
        NameOID.COUNTRY_NAME: "NL",
        NameOID.ORGANIZATION_NAME: "OCA",
    }
    assert {oid: name(subject, oid) for oid in wanted} == wanted


def test_who_speaks_with_no_vehicle_asks_for_no_certificate_for_them(bench: Bench, tmp_path: Path):
    asked = {"requestedMessage": "SignV2GCertificate"}
    assert bench.ask("TriggerMessage", **asked) == {"status": "Rejected"}
    other = keyed(tmp_path / "other", secc=True)
    assert other.set("ISO15118Ctrlr.V2GCertificateInstallationEnabled", False) == "Accepted"
    assert other.ask("TriggerMessage", **asked) == {"status": "Rejected"}
    assert requests(other) == []


# ---- nothing comes ----


@pytest.mark.proves("A02.FR.17", "A02.FR.18", "A02.FR.19", "A03.FR.17", "A03.FR.18", "A03.FR.19")
def test_what_was_accepted_and_does_not_come_is_asked_for_again_with_longer_and_longer_pauses(bench: Bench):
    bench.set(WAIT, 100)
    bench.set(REPEAT, 2)
    csr = triggered(bench)
    for pause_s in (100, 200, 400):
        bench.pass_time(pause_s - 1)
        assert requests(bench) == []
        bench.pass_time(1)
        assert [each["csr"] for each in requests(bench)] == [csr]
    bench.pass_time(100_000)
    assert requests(bench) == []
    triggered(bench)  # until the CSMS wants it again
    bench.pass_time(100)
    assert len(requests(bench)) == 1


def test_what_comes_late_is_taken_and_asked_for_no_more(bench: Bench, root: Authority):
    bench.set(WAIT, 100)
    csr = triggered(bench)
    bench.pass_time(150)
    assert bring(bench, root.sign(csr)) == "Accepted"
    bench.take_sent()
    bench.pass_time(10_000)
    assert requests(bench) == []


@pytest.mark.parametrize("answer", [{"status": "Rejected"}, "InternalError"])
def test_what_the_csms_does_not_accept_is_not_asked_for_again(bench: Bench, answer: dict[str, str] | str):
    bench.script["SignCertificate"] = answer
    triggered(bench)
    bench.pass_time(100_000)
    assert requests(bench) == []


# ---- what comes is judged ----


@pytest.mark.proves("A02.FR.06", "A02.FR.07", "A03.FR.06", "A03.FR.07", "A02.FR.20")
@pytest.mark.parametrize(
    "flaw",
    [
        *("expired", "not valid yet", "of another authority", "another key", "another name", "no organization"),
        *("a leaf that signs", "no certificate", "nothing"),
    ],
)
def test_what_is_not_valid_is_rejected_thrown_away_and_noted(bench: Bench, root: Authority, tmp_path: Path, flaw: str):
    csr = triggered(bench)
    before = {path: path.read_bytes() for path in (tmp_path / "keys").iterdir()}
    assert bring(bench, flawed(root, csr, flaw)) == "Rejected"
    assert noted(bench)[-1] == INVALID
    assert {path: path.read_bytes() for path in (tmp_path / "keys").iterdir()} == before
    assert bench.link.state == "open"
    bench.pass_time(100_000)  # A02.FR.20: not by itself
    assert requests(bench) == []
    renewed(bench, root)


def flawed(root: Authority, csr: str, flaw: str) -> str:
    """A chain with something wrong in it."""
    match flaw:
        case "expired":
            return root.sign(csr, days=(-20, -10))
        case "not valid yet":
            return root.sign(csr, days=(1, 20))
        case "of another authority":
            return authority("Another").sign(csr)
        case "another key":
            return pem_of(root.issue(name_of(SERIAL), new_key().public_key()))
        case "another name":
            return root.sign(csr, subject=name_of("SN-0043"))
        case "no organization":
            return root.sign(csr, subject=name_of(SERIAL, ""))
        case "a leaf that signs":
            below = root.below()
            below.certificate = root.issue(below.name, below.key.public_key())
            return below.sign(csr)
        case "no certificate":
            return "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
        case _:
            return "?"


def test_with_an_unknown_clock_no_date_is_judged(bench: Bench, root: Authority):
    bench.station.desk.clock_known = False
    assert bring(bench, root.sign(triggered(bench), days=(1, 20))) == "Accepted"


@pytest.mark.proves("A02.FR.06", "A03.FR.06")
def test_a_chain_over_sub_authorities_leads_to_the_root(bench: Bench, root: Authority):
    below = root.below("Sub-CA 1").below("Sub-CA 2")
    assert bring(bench, below.sign(triggered(bench))) == "Accepted"
    assert bring(bench, below.sign(triggered(bench)) + root.pem) == "Accepted"  # with the root at its end, too


@pytest.mark.proves("A02.FR.16", "A03.FR.16")
def test_a_chain_that_is_longer_than_MaxCertificateChainSize_is_rejected(tmp_path: Path, root: Authority):
    bench = trusting(keyed(tmp_path, variables={"SecurityCtrlr.MaxCertificateChainSize": 1500}), root)
    csr = triggered(bench)
    assert bring(bench, root.below("Sub-CA 1").below("Sub-CA 2").sign(csr)) == "Rejected"
    assert bring(bench, root.sign(csr)) == "Accepted"


def test_without_a_type_it_is_for_the_connection_to_the_csms(bench: Bench, root: Authority):
    chain = root.sign(triggered(bench))
    assert bring(bench, chain, None) == "Accepted"
    assert shown(bench) == leaf_of(chain)


def test_a_certificate_that_nobody_asked_for_is_rejected(bench: Bench, root: Authority):
    assert bring(bench, pem_of(root.issue(name_of(SERIAL), new_key().public_key()))) == "Rejected"


# ---- it is tried ----


@pytest.mark.proves("A00.FR.508")
def test_a_certificate_is_known_by_its_serial_number(bench: Bench, root: Authority):
    serial = f"{leaf_of(renewed(bench, root)).serial_number:x}"
    (own,) = bench.station.blocks.signing.own
    assert own.chain[0].serial_number == serial


@pytest.mark.proves("A02.FR.08", "A02.FR.10", "A03.FR.08", "A03.FR.10")
def test_the_new_certificate_is_shown_on_a_new_connection_and_the_old_one_goes(
    bench: Bench, root: Authority, tmp_path: Path
):
    first = renewed(bench, root)
    assert shown(bench) == leaf_of(first)
    second = renewed(bench, root)
    assert shown(bench) == leaf_of(second)
    assert bench.link.state == "open"
    (kept,) = (tmp_path / "keys").iterdir()
    assert leaf_of(kept.read_text()) == leaf_of(second)


def test_what_was_renewed_is_shown_after_a_power_cut_as_well(bench: Bench, root: Authority):
    chain = renewed(bench, root)
    bench.power_cycle()
    bench.accept()
    assert shown(bench) == leaf_of(chain)


def two_slots(folder: Path, root: Authority) -> Bench:
    bench = trusting(keyed(folder, variables={"OCPPCommCtrlr.NetworkProfileConnectionAttempts": 2}), root)
    renewed(bench, root)  # the one that is going to be the old one
    data = connection("wss://second.example/ocpp", 3)
    assert bench.ask("SetNetworkProfile", configurationSlot=2, connectionData=data) == {"status": "Accepted"}
    assert bench.set("OCPPCommCtrlr.NetworkConfigurationPriority", "1,2") == "RebootRequired"
    bench.power_cycle()
    bench.accept()
    bench.take_sent()
    bench.dialed.clear()
    bench.shown_certificates.clear()
    return bench


@pytest.mark.proves("A02.FR.28", "A02.FR.10", "A02.FR.29", "A03.FR.24", "A03.FR.10", "A03.FR.25")
def test_a_csms_that_does_not_take_it_gets_the_old_one_after_every_entry_had_its_attempts(
    tmp_path: Path, root: Authority
):
    bench = two_slots(tmp_path, root)
    (old,) = (tmp_path / "keys").iterdir()
    old_leaf = leaf_of(old.read_text())
    new = root.sign(triggered(bench))
    bench.takes_certificate = lambda text: new not in text
    assert bring(bench, new) == "Accepted"
    bench.pass_time(3600)
    assert [new in text for text in bench.shown_certificates] == [True] * 4 + [False]  # two attempts at each entry
    assert bench.station.desk.accepted
    assert [path.name for path in (tmp_path / "keys").iterdir()] == [old.name]
    assert leaf_of(old.read_text()) == old_leaf
    assert "DiscardedRenewedClientCertificate" in noted(bench)


@pytest.mark.proves("A02.FR.28", "A03.FR.24")
def test_while_neither_is_taken_both_have_their_turns(tmp_path: Path, root: Authority):
    bench = two_slots(tmp_path, root)
    new = root.sign(triggered(bench))
    bench.takes_certificate = lambda text: False
    assert bring(bench, new) == "Accepted"
    bench.pass_time(7200)
    assert [new in text for text in bench.shown_certificates[:12]] == [True] * 4 + [False] * 4 + [True] * 4
    bench.takes_certificate = lambda text: new in text
    bench.pass_time(7200)
    assert bench.station.desk.accepted
    (kept,) = (tmp_path / "keys").iterdir()
    assert leaf_of(kept.read_text()) == leaf_of(new)


def test_a_trial_goes_on_after_a_power_cut(tmp_path: Path, root: Authority):
    bench = two_slots(tmp_path, root)
    new = root.sign(triggered(bench))
    bench.takes_certificate = lambda text: False
    bring(bench, new)
    bench.power_cycle()
    bench.takes_certificate = lambda text: new in text
    bench.accept()
    (kept,) = (tmp_path / "keys").iterdir()
    assert leaf_of(kept.read_text()) == leaf_of(new)


def test_a_loss_of_the_line_is_no_verdict_on_a_certificate_that_was_taken(bench: Bench, root: Authority):
    renewed(bench, root)
    bench.disconnect()
    bench.pass_time(3600)
    bench.connect()
    assert "DiscardedRenewedClientCertificate" not in noted(bench)


def test_without_client_certificates_there_is_nothing_to_try(tmp_path: Path, root: Authority):
    bench = trusting(keyed(tmp_path, security_profile=2), root)
    dialed = len(bench.dialed)
    renewed(bench, root)
    assert len(bench.dialed) == dialed
    assert bench.station.blocks.signing.has_certificate()


# ---- in time ----


@pytest.mark.proves("A03.FR.01", "A03.FR.02", "A03.FR.03")
def test_a_certificate_that_ends_in_a_month_is_renewed_without_being_asked(bench: Bench, root: Authority):
    bench.script["SignCertificate"] = {"status": "Accepted"}
    bring(bench, root.sign(triggered(bench), days=(-1, 40)))
    bench.take_sent()
    bench.pass_time(timedelta(days=9).total_seconds())
    assert requests(bench) == []
    bench.pass_time(timedelta(days=2).total_seconds())
    sent = requests(bench)
    assert {each["certificateType"] for each in sent} == {FOR_CSMS}
    sound(sent[0]["csr"])
    assert bring(bench, root.sign(sent[0]["csr"], days=(-1, 400))) == "Accepted"
    bench.take_sent()
    bench.pass_time(timedelta(days=60).total_seconds())
    assert requests(bench) == []


def test_the_certificate_that_it_was_delivered_with_is_renewed_in_time_as_well(tmp_path: Path, root: Authority):
    bench = keyed(tmp_path, provisioned=root.written(tmp_path, SERIAL, days=(-100, 20)))
    bench.script["SignCertificate"] = {"status": "Rejected"}
    bench.pass_time(timedelta(days=1).total_seconds())
    assert len(requests(bench)) >= 1


def test_who_was_offline_when_it_was_time_asks_when_the_csms_is_back(bench: Bench, root: Authority):
    bench.script["SignCertificate"] = {"status": "Accepted"}
    bring(bench, root.sign(triggered(bench), days=(-1, 40)))
    bench.disconnect()
    bench.take_sent()
    bench.pass_time(timedelta(days=15).total_seconds())
    bench.connect()
    assert len(requests(bench)) == 1


@pytest.mark.proves("A02.FR.15", "A03.FR.15")
def test_of_the_certificates_for_vehicles_the_newest_is_kept_and_no_other(tmp_path: Path, root: Authority):
    bench = trusting(keyed(tmp_path, secc=True), root, "V2GRootCertificate")
    renewed(bench, root, FOR_VEHICLES)
    newest = renewed(bench, root, FOR_VEHICLES)
    path = bench.keys.shown(FOR_VEHICLES) if bench.keys else None
    assert path is not None
    assert leaf_of(path.read_text()) == leaf_of(newest)
    (only,) = (tmp_path / "keys").iterdir()
    assert only == path


def test_a_certificate_for_vehicles_is_judged_by_the_roots_for_vehicles(tmp_path: Path, root: Authority):
    bench = trusting(keyed(tmp_path, secc=True), root)  # a root of the CSMS
    assert bring(bench, root.sign(triggered(bench, FOR_VEHICLES)), FOR_VEHICLES) == "Rejected"
    trusting(bench, root, "V2GRootCertificate")
    assert bring(bench, root.sign(triggered(bench, FOR_VEHICLES)), FOR_VEHICLES) == "Accepted"


# ---- the key stays ----


@pytest.mark.proves("A02.FR.05", "A03.FR.05")
def test_the_private_key_is_in_no_message_no_record_no_log_and_no_security_event(
    bench: Bench, root: Authority, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    caplog.set_level("DEBUG")
    renewed(bench, root)
    (path,) = (tmp_path / "keys").iterdir()
    secret = path.read_text().split("PRIVATE KEY-----")[1].split("\n")[1]
    assert len(secret) > 40
    bench.ask("GetBaseReport", requestId=1, reportBase="FullInventory")
    told = [bench.sent, bench.security, bench.security_log, bench.answers, bench.records, bench.facts, caplog.text]
    assert secret not in str(told)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_disk_that_refuses_costs_the_certificate_and_says_so(bench: Bench, root: Authority, tmp_path: Path):
    csr = triggered(bench)
    (asked,) = (tmp_path / "keys").iterdir()
    (tmp_path / "keys" / asked.name.replace("asked", "trial")).mkdir()  # nothing can be put in its place
    told = bench.ask("CertificateSigned", certificateChain=root.sign(csr))
    assert isinstance(told, dict)
    assert told["status"] == "Rejected"
    assert INVALID not in noted(bench)


# ---- A05.FR.03 ----


@pytest.mark.proves("A05.FR.03")
@pytest.mark.parametrize("days", [None, (-20, -1), (-1, 20)])
def test_no_upgrade_to_profile_3_without_a_certificate_that_is_valid(
    tmp_path: Path, root: Authority, days: tuple[int, int] | None
):
    given = None if days is None else root.written(tmp_path, SERIAL, days=days)
    network = NetworkSetup(NetworkProfile(FACTORY_SLOT, URL, 2), "CS001")
    bench = keyed(tmp_path, provisioned=given, network=network)
    data = connection("wss://second.example/ocpp", 3)
    assert bench.ask("SetNetworkProfile", configurationSlot=2, connectionData=data) == {"status": "Accepted"}
    told = bench.set("OCPPCommCtrlr.NetworkConfigurationPriority", "2,1")
    assert told == ("RebootRequired" if days == (-1, 20) else "Rejected")
