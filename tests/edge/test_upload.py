"""Uploads to real servers on loopback: what arrives is what was sent, cut or not, and a failure has its reason."""

from __future__ import annotations

import os
import ssl
import threading
from pathlib import Path

import pytest
import trustme

from agent.edge.job import Canceled, Job, TransferFailed
from agent.edge.tls import upload_context
from agent.edge.upload import upload
from agent.provision import Provision
from tests.edge.file_servers import URL_USER, Received, ftp_server, http_server

CONTENT = os.urandom(300_000)
NAME = "diagnostics-1.tar.gz"


def untrusting() -> ssl.SSLContext:
    raise AssertionError("no TLS is wanted here")


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture
def received() -> Received:
    return Received()


# ---- HTTP ----


@pytest.mark.proves("N01.FR.14")
def test_N01_FR_19_a_post_names_type_and_file(received: Received) -> None:
    job = Job()
    with http_server(received) as port:
        upload(CONTENT, NAME, f"http://127.0.0.1:{port}/in?station=1", untrusting, job)
    ((method, path, headers, body),) = received.requests
    assert (method, path, body == CONTENT) == ("POST", "/in?station=1", True)
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["Content-Disposition"] == f'form-data; name="uploadfile"; filename="{NAME}"'
    assert (job.done, job.size) == (len(CONTENT), len(CONTENT))


@pytest.mark.parametrize(("path", "put_to"), [("/in/", f"/in/{NAME}"), ("/in/this", "/in/this")])
def test_a_server_that_takes_no_post_gets_a_put(received: Received, path: str, put_to: str) -> None:
    received.answers = [405]
    with http_server(received) as port:
        upload(CONTENT, NAME, f"http://127.0.0.1:{port}{path}", untrusting, Job())
    assert [(method, where) for method, where, _, _ in received.requests] == [("POST", path), ("PUT", put_to)]
    assert received.requests[1][3] == CONTENT


def test_user_and_password_of_the_url_go_as_basic_authorization(received: Received) -> None:
    with http_server(received) as port:
        upload(b"x", NAME, f"http://{URL_USER}@127.0.0.1:{port}/", untrusting, Job())
    assert received.requests[0][2]["Authorization"] == "Basic c3RhdGlvbjpz4oKsY3JldC93aXRoQHNpZ25z"


@pytest.mark.parametrize(
    ("answer", "status"),
    [(400, "BadMessage"), (401, "PermissionDenied"), (403, "PermissionDenied"), (500, "UploadFailure")],
)
def test_a_refusal_says_why(received: Received, answer: int, status: str) -> None:
    received.answers = [answer]
    with http_server(received) as port, pytest.raises(TransferFailed, match=f"127.0.0.1 answered {answer}") as failed:
        upload(CONTENT, NAME, f"http://127.0.0.1:{port}/", untrusting, Job())
    assert failed.value.status == status


def test_a_connection_that_is_cut_is_a_failure_and_the_next_attempt_is_whole(received: Received) -> None:
    received.cut_after = 100_000
    with http_server(received) as port:
        with pytest.raises(TransferFailed) as failed:
            upload(CONTENT, NAME, f"http://127.0.0.1:{port}/", untrusting, Job())
        assert failed.value.status == "UploadFailure"
        upload(CONTENT, NAME, f"http://127.0.0.1:{port}/", untrusting, Job())
    assert [body == CONTENT for *_, body in received.requests] == [True]


def test_nobody_there_is_a_failure_with_a_name() -> None:
    with pytest.raises(TransferFailed, match=r"127.0.0.1: .*refused"):
        upload(CONTENT, NAME, "http://127.0.0.1:9/", untrusting, Job())


@pytest.mark.proves("N01.FR.15")
def test_https_with_a_trusted_authority_works_and_without_it_nothing_is_said(received: Received) -> None:
    authority, stranger = trustme.CA(), trustme.CA()
    with http_server(received, authority.issue_cert("localhost")) as port:
        with pytest.raises(TransferFailed, match="certificate verify failed"):
            upload(CONTENT, NAME, f"https://localhost:{port}/", lambda: trusting(stranger), Job())
        assert received.requests == []
        upload(CONTENT, NAME, f"https://localhost:{port}/", lambda: trusting(authority), Job())
    assert received.requests[0][3] == CONTENT


def test_a_transfer_ends_when_nobody_wants_it_any_more(received: Received) -> None:
    received.hold.clear()
    job, ended = Job(), threading.Event()
    reasons: list[type[Exception]] = []

    def work(port: int) -> None:
        try:
            upload(os.urandom(50_000_000), NAME, f"http://127.0.0.1:{port}/", untrusting, job)
        except (Canceled, TransferFailed) as error:
            reasons.append(type(error))
        ended.set()

    with http_server(received) as port:
        thread = threading.Thread(target=work, args=(port,))
        thread.start()
        job.cancel()
        received.hold.set()
        assert ended.wait(20)
        thread.join()
    assert reasons == [Canceled]


# ---- FTP ----


@pytest.mark.parametrize(
    ("path", "stored"),
    [("", NAME), ("/", NAME), ("/logs/", f"logs/{NAME}"), ("/logs", f"logs/{NAME}"), ("/a.gz", "a.gz")],
)
def test_ftp_stores_it_where_the_url_says(tmp_path: Path, path: str, stored: str) -> None:
    (tmp_path / "logs").mkdir()
    with ftp_server(tmp_path) as ftp:
        upload(CONTENT, NAME, f"ftp://{URL_USER}@127.0.0.1:{ftp.port}{path}", untrusting, Job())
    assert (tmp_path / stored).read_bytes() == CONTENT
    assert not any(command.startswith("PORT") for command in ftp.commands)  # passive


def test_ftp_goes_on_behind_what_the_server_has(tmp_path: Path) -> None:
    with ftp_server(tmp_path) as ftp:
        url = f"ftp://{URL_USER}@127.0.0.1:{ftp.port}/"
        ftp.cut_after(100_000)
        with pytest.raises(TransferFailed):
            upload(CONTENT, NAME, url, untrusting, Job())
        held = (tmp_path / NAME).stat().st_size
        assert 0 < held < len(CONTENT)
        job = Job()
        upload(CONTENT, NAME, url, untrusting, job)
    assert f"REST {held}" in ftp.commands
    assert (tmp_path / NAME).read_bytes() == CONTENT
    assert job.done == len(CONTENT)


@pytest.mark.parametrize("wrong", ["password", "place", "right"])
def test_ftp_refusals_are_a_matter_of_permission(tmp_path: Path, wrong: str) -> None:
    user = "station:wrong" if wrong == "password" else URL_USER
    place = "/nowhere/" if wrong == "place" else "/"
    with ftp_server(tmp_path, may_write=wrong != "right") as ftp, pytest.raises(TransferFailed) as failed:
        upload(CONTENT, NAME, f"ftp://{user}@127.0.0.1:{ftp.port}{place}", untrusting, Job())
    assert failed.value.status == "PermissionDenied"


def test_ftps_hides_commands_and_data(tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate = tmp_path / "server.pem"
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(certificate))
    root = tmp_path / "root"
    root.mkdir()
    with ftp_server(root, certificate) as ftp:
        upload(CONTENT, NAME, f"ftps://{URL_USER}@localhost:{ftp.port}/", lambda: trusting(authority), Job())
    assert (root / NAME).read_bytes() == CONTENT
    assert "AUTH TLS" in ftp.commands and "PROT P" in ftp.commands


def test_N01_FR_16_whom_the_operating_system_trusts_is_trusted_beside_the_authority_of_the_csms(
    received: Received, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file storage may be a cloud service that is outside the CSMS's chain of trust."""
    of_the_system, of_the_csms = trustme.CA(), trustme.CA()
    of_the_system.cert_pem.write_to_path(str(tmp_path / "system.pem"))
    of_the_csms.cert_pem.write_to_path(str(tmp_path / "csms.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "system.pem"))

    def context() -> ssl.SSLContext:
        return upload_context(Provision(ca_file=str(tmp_path / "csms.pem")))

    for authority in (of_the_system, of_the_csms):
        with http_server(received, authority.issue_cert("localhost")) as port:
            upload(b"x", NAME, f"https://localhost:{port}/", context, Job())
    assert len(received.requests) == 2
    with http_server(received, trustme.CA().issue_cert("localhost")) as port, pytest.raises(TransferFailed):
        upload(b"x", NAME, f"https://localhost:{port}/", context, Job())
