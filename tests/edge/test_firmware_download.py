"""A bundle fetched from real servers on loopback: cut, gone on with, refused; what is on the disk is what they have."""

from __future__ import annotations

import os
import shutil
import ssl
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import trustme

from agent.edge import download as module
from agent.edge.download import RESERVE_BYTES, SYNC_BYTES, DownloadFailed, download, forget
from agent.edge.job import Canceled, Job
from agent.edge.signature import HASHED_AT_ONCE_BYTES, check_file
from agent.edge.transfer import PIECE_BYTES
from tests.edge.file_servers import URL_USER, Received, ftp_server, http_server
from tests.edge.signing import Signer

SIZE = SYNC_BYTES + 300_000
CONTENT = os.urandom(SIZE)
OTHER = os.urandom(SIZE)
MOST = 10 << 20


def untrusting() -> ssl.SSLContext:
    raise AssertionError("no TLS is wanted here")


@pytest.fixture
def received() -> Received:
    made = Received()
    made.offered["/fw"] = CONTENT
    return made


def fetch(url: str, to: Path, job: Job | None = None, *, most_bytes: int = MOST) -> None:
    download(url, to, untrusting, job or Job(), most_bytes=most_bytes)


def range_of(received: Received) -> str | None:
    """What the last request asked for."""
    return received.requests[-1][2].get("Range")


# ---- HTTP ----


def test_a_whole_file_arrives_and_it_is_known_how_far_it_is(received: Received, tmp_path: Path) -> None:
    job = Job()
    with http_server(received) as port:
        fetch(f"http://{URL_USER}@127.0.0.1:{port}/fw", tmp_path / "b.part", job)
    assert (tmp_path / "b.part").read_bytes() == CONTENT
    assert (job.done, job.size) == (SIZE, SIZE)
    assert received.requests[0][2]["Authorization"].startswith("Basic ")


def test_a_file_whose_length_nobody_tells_arrives_too(received: Received, tmp_path: Path) -> None:
    received.tells_length = False
    with http_server(received) as port:
        fetch(f"http://127.0.0.1:{port}/fw", tmp_path / "b.part")
    assert (tmp_path / "b.part").read_bytes() == CONTENT


@pytest.mark.parametrize("validators", [{"ETag": '"1"'}, {"Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT"}])
def test_a_cut_file_is_gone_on_with_behind_the_cut(
    received: Received, tmp_path: Path, validators: dict[str, str]
) -> None:
    received.validators = validators
    received.cut_after = 100_000
    with http_server(received) as port:
        url = f"http://127.0.0.1:{port}/fw"
        with pytest.raises(DownloadFailed, match=f"cut off after 100000 of {SIZE} bytes") as failed:
            fetch(url, tmp_path / "b.part")
        assert not failed.value.hopeless
        fetch(url, tmp_path / "b.part")
    assert range_of(received) == "bytes=100000-"
    assert (tmp_path / "b.part").read_bytes() == CONTENT


def test_what_the_power_may_have_taken_is_fetched_again(received: Received, tmp_path: Path) -> None:
    """The file may be as long as it was, and hold nothing behind what was surely written."""
    received.cut_after = SYNC_BYTES + 100_000
    part = tmp_path / "b.part"
    with http_server(received) as port:
        url = f"http://127.0.0.1:{port}/fw"
        with pytest.raises(DownloadFailed):
            fetch(url, part, PoweredDown())
        with part.open("r+b") as file:
            file.seek(SYNC_BYTES + PIECE_BYTES)
            file.write(bytes(50_000))
        fetch(url, part)
    assert part.read_bytes() == CONTENT
    asked = range_of(received)
    assert asked is not None
    assert SYNC_BYTES <= int(asked[6:-1]) < SYNC_BYTES + PIECE_BYTES


class PoweredDown(Job):
    """The power goes with the connection: nothing more is noted than at the first bytes and after so many."""

    def unless_canceled(self, work: Callable[[], None]) -> None:
        if self.done == 0 or self.done % SYNC_BYTES < PIECE_BYTES:
            work()


@pytest.mark.parametrize(
    "validators", [{"ETag": '"2"'}, {"ETag": 'W/"1"'}, {}], ids=["another version", "a weak tag", "none"]
)
def test_a_file_that_may_be_another_one_is_begun_anew(
    received: Received, tmp_path: Path, validators: dict[str, str]
) -> None:
    if validators.get("ETag") != '"2"':
        received.validators = validators
    received.cut_after = 100_000
    with http_server(received) as port:
        url = f"http://127.0.0.1:{port}/fw"
        with pytest.raises(DownloadFailed):
            fetch(url, tmp_path / "b.part")
        received.validators, received.offered["/fw"] = validators, OTHER
        fetch(url, tmp_path / "b.part")
    assert (tmp_path / "b.part").read_bytes() == OTHER


def test_a_part_of_another_place_is_no_part(received: Received, tmp_path: Path) -> None:
    received.offered["/other"] = OTHER
    received.cut_after = 100_000
    with http_server(received) as port:
        with pytest.raises(DownloadFailed):
            fetch(f"http://127.0.0.1:{port}/fw", tmp_path / "b.part")
        fetch(f"http://127.0.0.1:{port}/other", tmp_path / "b.part")
    assert range_of(received) is None
    assert (tmp_path / "b.part").read_bytes() == OTHER


def test_a_file_that_became_shorter_is_begun_anew(received: Received, tmp_path: Path) -> None:
    received.cut_after = 100_000
    with http_server(received) as port:
        with pytest.raises(DownloadFailed):
            fetch(f"http://127.0.0.1:{port}/fw", tmp_path / "b.part")
        received.offered["/fw"] = b"short"
        fetch(f"http://127.0.0.1:{port}/fw", tmp_path / "b.part")
    assert (tmp_path / "b.part").read_bytes() == b"short"


@pytest.mark.parametrize(
    ("status", "hopeless"), [(404, True), (401, True), (410, True), (408, False), (429, False), (500, False)]
)
def test_a_refusal_says_why_and_whether_it_is_worth_another_attempt(
    received: Received, tmp_path: Path, status: int, hopeless: bool
) -> None:
    received.answers = [status]
    with http_server(received) as port, pytest.raises(DownloadFailed, match=f"127.0.0.1 answered {status}") as failed:
        fetch(f"http://127.0.0.1:{port}/fw", tmp_path / "b.part")
    assert failed.value.hopeless is hopeless


def test_nobody_there_is_worth_another_attempt(tmp_path: Path) -> None:
    with pytest.raises(DownloadFailed, match=r"127.0.0.1: .*refused") as failed:
        fetch("http://127.0.0.1:9/fw", tmp_path / "b.part")
    assert not failed.value.hopeless


def test_a_server_that_sends_on_is_followed_and_not_for_ever(received: Received, tmp_path: Path) -> None:
    received.sent_on = {"/latest": "/fw", "/round": "/round"}
    with http_server(received) as port:
        fetch(f"http://127.0.0.1:{port}/latest", tmp_path / "b.part")
        assert (tmp_path / "b.part").read_bytes() == CONTENT
        with pytest.raises(DownloadFailed, match="sent on more than 5 times"):
            fetch(f"http://127.0.0.1:{port}/round", tmp_path / "b.part")


def test_a_secure_server_that_sends_on_to_an_insecure_place_is_not_followed(received: Received, tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.create_default_context()
    authority.configure_trust(context)
    received.sent_on = {"/fw": "http://127.0.0.1:9/fw"}
    with http_server(received, authority.issue_cert("localhost")) as port, pytest.raises(DownloadFailed) as failed:
        download(f"https://localhost:{port}/fw", tmp_path / "b.part", lambda: context, Job(), most_bytes=MOST)
    assert str(failed.value) == "localhost sends on to http, which is less secure"


def test_https_is_taken_from_whom_the_station_trusts_only(received: Received, tmp_path: Path) -> None:
    authority, trusting = trustme.CA(), ssl.create_default_context()
    authority.configure_trust(trusting)
    with http_server(received, authority.issue_cert("localhost")) as port:
        url, part = f"https://localhost:{port}/fw", tmp_path / "b.part"
        with pytest.raises(DownloadFailed, match="certificate verify failed") as failed:
            download(url, part, ssl.create_default_context, Job(), most_bytes=MOST)
        assert failed.value.hopeless
        download(url, part, lambda: trusting, Job(), most_bytes=MOST)
    assert part.read_bytes() == CONTENT


def test_nobody_wants_it_any_more(received: Received, tmp_path: Path) -> None:
    job = Job()
    job.cancel()
    with http_server(received) as port, pytest.raises(Canceled):
        fetch(f"http://127.0.0.1:{port}/fw", tmp_path / "b.part", job)


# ---- room ----


@pytest.mark.parametrize("tells_length", [True, False])
def test_more_than_is_taken_ends_it_and_leaves_nothing(received: Received, tmp_path: Path, tells_length: bool) -> None:
    received.tells_length = tells_length
    with (
        http_server(received) as port,
        pytest.raises(DownloadFailed, match=r"at most 1000000|more than 1000000") as failed,
    ):
        fetch(f"http://127.0.0.1:{port}/fw", tmp_path / "b.part", most_bytes=1_000_000)
    assert failed.value.hopeless
    assert not (tmp_path / "b.part").exists()


class Usage(NamedTuple):
    free: int


def test_a_disk_that_would_be_full_is_not_filled(
    received: Received, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(RESERVE_BYTES + SIZE - 1))
    with http_server(received) as port, pytest.raises(DownloadFailed, match=f"no room: {SIZE} bytes to come") as failed:
        fetch(f"http://127.0.0.1:{port}/fw", tmp_path / "b.part")
    assert failed.value.hopeless


def test_a_disk_that_fills_up_meanwhile_is_freed_again(
    received: Received, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = iter([RESERVE_BYTES + SIZE, RESERVE_BYTES - 1])
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(next(free)))
    with http_server(received) as port, pytest.raises(DownloadFailed, match="no room"):
        fetch(f"http://127.0.0.1:{port}/fw", tmp_path / "b.part")
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_refuses_says_so(received: Received, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.os, "fsync", full)
    with http_server(received) as port, pytest.raises(DownloadFailed, match="No space left on device") as failed:
        fetch(f"http://127.0.0.1:{port}/fw", tmp_path / "b.part")
    assert failed.value.hopeless
    assert not (tmp_path / "b.part").exists()


def test_what_is_forgotten_leaves_nothing_behind(received: Received, tmp_path: Path) -> None:
    with http_server(received) as port:
        fetch(f"http://127.0.0.1:{port}/fw", tmp_path / "b.part")
    forget(tmp_path / "b.part")
    assert list(tmp_path.iterdir()) == []


# ---- FTP ----


def test_ftp_brings_it_and_goes_on_behind_a_cut(tmp_path: Path) -> None:
    root, part = tmp_path / "root", tmp_path / "b.part"
    (root / "files").mkdir(parents=True)
    (root / "files" / "f w").write_bytes(CONTENT)
    with ftp_server(root) as ftp:
        url = f"ftp://{URL_USER}@127.0.0.1:{ftp.port}/files/f%20w"
        ftp.cut_after(SYNC_BYTES)
        with pytest.raises(DownloadFailed) as failed:
            fetch(url, part)
        assert not failed.value.hopeless
        held = part.stat().st_size
        assert 0 < held < SIZE
        fetch(url, part)
        assert f"REST {held}" in ftp.commands
    assert part.read_bytes() == CONTENT


def test_ftp_begins_anew_when_the_file_changed(tmp_path: Path) -> None:
    root, part = tmp_path / "root", tmp_path / "b.part"
    root.mkdir()
    (root / "fw").write_bytes(CONTENT)
    with ftp_server(root) as ftp:
        url = f"ftp://{URL_USER}@127.0.0.1:{ftp.port}/fw"
        ftp.cut_after(SYNC_BYTES)
        with pytest.raises(DownloadFailed):
            fetch(url, part)
        (root / "fw").write_bytes(OTHER)
        os.utime(root / "fw", (1, 1))
        fetch(url, part)
    assert part.read_bytes() == OTHER


@pytest.mark.parametrize("wrong", ["password", "place"])
def test_ftp_refusals_are_hopeless(tmp_path: Path, wrong: str) -> None:
    user = "station:wrong" if wrong == "password" else URL_USER
    with ftp_server(tmp_path) as ftp, pytest.raises(DownloadFailed, match=r"127.0.0.1: 5[35]0") as failed:
        fetch(f"ftp://{user}@127.0.0.1:{ftp.port}/fw", tmp_path / "b.part")
    assert failed.value.hopeless


def test_ftps_hides_commands_and_data(tmp_path: Path) -> None:
    authority, context = trustme.CA(), ssl.create_default_context()
    authority.configure_trust(context)
    certificate, root = tmp_path / "server.pem", tmp_path / "root"
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(certificate))
    root.mkdir()
    (root / "fw").write_bytes(CONTENT)
    with ftp_server(root, certificate) as ftp:
        url = f"ftps://{URL_USER}@localhost:{ftp.port}/fw"
        download(url, tmp_path / "b.part", lambda: context, Job(), most_bytes=MOST)
    assert (tmp_path / "b.part").read_bytes() == CONTENT
    assert "PROT P" in ftp.commands


# ---- memory ----


def test_a_bundle_never_stands_in_memory(tmp_path: Path) -> None:
    """Neither while it is fetched nor while it is hashed, however large it is."""
    large = bytes(MOST)
    signer = Signer("signer", Signer("root"))
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "fw").write_bytes(large)
    signature = signer.sign(large)
    del large
    with ftp_server(tmp_path / "root") as ftp:
        tracemalloc.start()
        try:
            fetch(f"ftp://{URL_USER}@127.0.0.1:{ftp.port}/fw", tmp_path / "b.part")
            check_file(tmp_path / "b.part", signer.pem, signature, Job())
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 2 * HASHED_AT_ONCE_BYTES + SYNC_BYTES // 4
