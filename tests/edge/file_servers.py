"""The other side of a transfer: a real HTTP server and a real FTP server on loopback, each in a thread of its own.

Both can be told to cut a connection in the middle, to refuse, or to be slow.
"""

from __future__ import annotations

import logging
import ssl
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import trustme
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import DTPHandler, FTPHandler, TLS_FTPHandler
from pyftpdlib.ioloop import IOLoop
from pyftpdlib.servers import FTPServer

USER, PASSWORD = "station", "s€cret/with@signs"
URL_USER = "station:s%E2%82%ACcret%2Fwith%40signs"

# Tests look at the log for what the station says.
logging.getLogger("pyftpdlib").setLevel(logging.CRITICAL)


class Received:
    """What came: method, path, headers and body of each request; ``offered`` is what can be fetched, by its path.

    ``validators`` go with what is fetched; without them no server takes a range.
    """

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self.offered: dict[str, bytes] = {}
        self.sent_on: dict[str, str] = {}
        self.validators = {"ETag": '"1"'}
        self.tells_length = True
        self.answers: list[int] = []
        self.cut_after: int | None = None
        self.hold = threading.Event()
        self.hold.set()


def _http_handler(received: Received) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _take(self) -> None:
            length = int(self.headers["Content-Length"])
            if received.cut_after is not None:
                self.rfile.read(min(length, received.cut_after))
                received.cut_after = None
                self.close_connection = True
                self.connection.close()
                return
            received.hold.wait(10)
            body = self.rfile.read(length)
            received.requests.append((self.command, self.path, dict(self.headers), body))
            self.send_response(received.answers.pop(0) if received.answers else 201)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _give(self) -> None:
            received.requests.append((self.command, self.path, dict(self.headers), b""))
            if self.path in received.sent_on:
                self._head(302, {"Location": received.sent_on[self.path], "Content-Length": "0"})
            elif received.answers:
                self._head(received.answers.pop(0), {"Content-Length": "0"})
            elif self.path not in received.offered:
                self._head(404, {"Content-Length": "0"})
            else:
                self._send(received.offered[self.path])

        def _send(self, content: bytes) -> None:
            start = self._asked_from(len(content))
            if start is None:
                self._head(416, {"Content-Length": "0"})
                return
            told = {**received.validators}
            if start:
                told["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
            if received.tells_length:
                told["Content-Length"] = str(len(content) - start)
            self._head(206 if start else 200, told)
            cut, received.cut_after = received.cut_after, None
            end = len(content) if cut is None else start + cut
            self.wfile.write(content[start:end])
            received.hold.wait(10)
            self.close_connection = cut is not None or not received.tells_length

        def _asked_from(self, size: int) -> int | None:
            """Where to begin; None: behind the end."""
            asked = self.headers.get("Range", "")
            if not asked or self.headers.get("If-Range") not in received.validators.values():
                return 0
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            return start if start < size else None

        def _head(self, status: int, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

        do_POST = do_PUT = _take  # noqa: N815 - the library's names
        do_GET = _give  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing to the terminal."""

        def handle(self) -> None:
            try:
                super().handle()
            except (OSError, ValueError):  # cut by the other side, or by us
                self.close_connection = True

    return Handler


@contextmanager
def http_server(received: Received, certificate: trustme.LeafCert | None = None) -> Iterator[int]:
    """Yields its port; with a certificate it speaks TLS."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _http_handler(received))
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield cast("int", server.server_address[1])
    finally:
        received.hold.set()
        server.shutdown()
        thread.join()
        server.server_close()


class CutOnce(DTPHandler):
    """Closes the data connection after so many bytes, once."""

    cut_after: int | None = None

    def handle_read(self) -> None:
        super().handle_read()
        self._cut(self.tot_bytes_received)

    def send(self, data: bytes) -> int:
        sent: int = super().send(data)
        self._cut(self.tot_bytes_sent)
        return sent

    def _cut(self, moved: int) -> None:
        if type(self).cut_after is not None and moved >= type(self).cut_after:
            type(self).cut_after = None
            self.cmd_channel.close()
            self.close()

    handle_read_event = handle_read  # what the event loop calls


class FtpPlace:
    """A running FTP server: ``commands`` has what it was asked."""

    def __init__(self, port: int, root: Path, commands: list[str], dtp: type[CutOnce]) -> None:
        self.port = port
        self.root = root
        self.commands = commands
        self._dtp = dtp

    def cut_after(self, count: int) -> None:
        """The next transfer loses its connection behind so many bytes."""
        self._dtp.cut_after = count


@contextmanager
def ftp_server(root: Path, certificate: Path | None = None, *, may_write: bool = True) -> Iterator[FtpPlace]:
    """An FTP server (with a certificate, one that insists on TLS) whose user sees ``root``."""
    commands: list[str] = []
    authorizer = DummyAuthorizer()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of writable places
        authorizer.add_user(USER, PASSWORD, str(root), perm="elradfmw" if may_write else "elr")
    dtp = type("CutOnce", (CutOnce,), {})
    base = FTPHandler if certificate is None else TLS_FTPHandler

    class Handler(base):  # type: ignore[misc,valid-type]
        def pre_process_command(self, line: str, cmd: str, arg: str) -> None:
            commands.append(line if cmd != "PASS" else "PASS")
            super().pre_process_command(line, cmd, arg)

    Handler.authorizer = authorizer
    Handler.auth_failed_timeout = 0
    Handler.use_sendfile = False  # what it sends is counted
    if certificate is None:
        Handler.dtp_handler = dtp
    else:
        Handler.certfile = str(certificate)
        Handler.tls_control_required = Handler.tls_data_required = True
    loop = IOLoop()
    server = FTPServer(("127.0.0.1", 0), Handler, ioloop=loop)
    over = threading.Event()

    def serve() -> None:
        while not over.is_set():
            server.serve_forever(timeout=0.01, blocking=False)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield FtpPlace(server.address[1], root, commands, dtp)
    finally:
        over.set()
        thread.join()
        server.close_all()
