"""The connection to the CSMS: bytes on a socket, the WebSocket protocol by the websockets library, nothing of OCPP."""

from __future__ import annotations

import asyncio
import logging
import ssl
from base64 import b64encode
from collections import deque
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import msgspec
from websockets.client import ClientProtocol
from websockets.datastructures import Headers
from websockets.exceptions import InvalidStatus, InvalidURI, WebSocketException
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import Event, State
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

log = logging.getLogger(__name__)
library_log = logging.getLogger("websockets.client")
library_log.setLevel(logging.WARNING)

NO_COMMON_VERSION = (
    "TLSV1_ALERT_PROTOCOL_VERSION",
    "UNSUPPORTED_PROTOCOL",
    "WRONG_SSL_VERSION",
    "NO_PROTOCOLS_AVAILABLE",
)
NO_COMMON_SUITE = ("SSLV3_ALERT_HANDSHAKE_FAILURE", "NO_SHARED_CIPHER", "WRONG_CIPHER_RETURNED")

OPEN_TIMEOUT_S = 20.0
CLOSE_TIMEOUT_S = 3.0


class Target(msgspec.Struct, frozen=True):
    """Where to connect, and as whom.  ``url`` is the CSMS's endpoint; the identity is appended (Part 4, 3.1.1)."""

    url: str
    identity: str
    subprotocols: tuple[str, ...] = ("ocpp2.0.1",)
    password: str | None = None

    def connection_url(self) -> str:
        """The URL of this station."""
        return f"{self.url.rstrip('/')}/{quote(self.identity, safe='')}"


def check_url(url: str) -> None:
    """See that this is the endpoint of a CSMS.

    Raises:
        ValueError: it is not; the text says what it should be.

    """
    try:
        uri = parse_uri(url)
        uri.host.encode("idna")
        sound = url.isprintable() and not any(mark in url for mark in " ?#")  # the identity comes behind the path
    except (InvalidURI, ValueError):
        sound = False
    if not sound:
        raise ValueError(f"{url!r} is no URL of a CSMS; expected ws://HOST[:PORT]/PATH or wss://...")


class Handshake(ClientProtocol):
    """Takes whatever subprotocol the server named, or none: whether it will do is decided above."""

    def process_subprotocol(self, headers: Headers) -> Subprotocol | None:
        named = headers.get_all("Sec-WebSocket-Protocol")
        return Subprotocol(", ".join(named)) if named else None


class CsmsSocket(asyncio.Protocol):
    """One connection, used once."""

    def __init__(
        self,
        target: Target,
        *,
        on_open: Callable[[str | None], None],
        on_text: Callable[[str | bytes], None],
        on_pong: Callable[[], None],
        on_close: Callable[[str], None],
        max_size: int,
        compression: bool = True,
    ) -> None:
        self._target = target
        self._on_open, self._on_text, self._on_pong, self._on_close = on_open, on_text, on_pong, on_close
        self._transport: asyncio.Transport | None = None
        self._received: deque[Event] = deque()
        self._fragments: list[bytes] = []
        self._reason = ""
        self.alarm = ""
        self._opened = self._told = self._lost = False
        self._protocol = Handshake(
            parse_uri(target.connection_url()),
            subprotocols=[Subprotocol(name) for name in target.subprotocols],
            extensions=[ClientPerMessageDeflateFactory(client_max_window_bits=12)] if compression else None,
            max_size=max_size,
            logger=library_log,
        )

    @property
    def secure(self) -> bool:
        """Whether nothing is said without TLS."""
        return parse_uri(self._target.connection_url()).secure

    async def connect(self, context: ssl.SSLContext | None) -> None:
        """Open the socket and shake hands; a failure comes by ``on_close``."""
        uri = parse_uri(self._target.connection_url())
        try:
            async with asyncio.timeout(OPEN_TIMEOUT_S):
                await asyncio.get_running_loop().create_connection(
                    lambda: self,
                    uri.host,
                    uri.port,
                    ssl=context if uri.secure else None,
                    server_hostname=uri.host if uri.secure else None,
                    ssl_handshake_timeout=OPEN_TIMEOUT_S if uri.secure else None,
                )
        except TimeoutError:
            self._closed("no connection in time")
        except (OSError, ValueError) as error:  # ValueError: a host name that no resolver takes
            self.alarm = _alarm_of(error)
            self._closed(_reason_of(error))
        else:
            await asyncio.sleep(OPEN_TIMEOUT_S)
            if not self._opened:
                self.close("no answer to the handshake in time")

    # ---- asyncio.Protocol ----

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]
        request = self._protocol.connect()
        if self._target.password is not None:
            user = f"{self._target.identity}:{self._target.password}"
            request.headers["Authorization"] = "Basic " + b64encode(user.encode()).decode()
        self._protocol.send_request(request)
        self._flush()

    def data_received(self, data: bytes) -> None:
        if self._told:  # those above have given this connection up, and may have another
            return
        self._protocol.receive_data(data)
        self._take_events()

    def eof_received(self) -> bool:
        self._protocol.receive_eof()
        self._take_events()
        return False

    def connection_lost(self, error: Exception | None) -> None:
        if not self._protocol.eof_sent or self._protocol.state is not State.CLOSED:
            self._protocol.receive_eof()
        self._reason = self._reason or self._close_reason(error)
        self._lost = True
        self._take_events()

    # ---- what the loop asks ----

    def send(self, text: str) -> None:
        """Send a text; on a connection that is closing it goes nowhere, and ``on_close`` follows."""
        if self._protocol.state is State.OPEN:
            self._protocol.send_text(text.encode())
            self._flush()

    def certificate(self) -> dict[str, Any] | None:
        """The CSMS's certificate; None without TLS."""
        return None if self._transport is None else self._transport.get_extra_info("peercert") or None

    def ping(self) -> None:
        """Send a ping."""
        if self._protocol.state is State.OPEN:
            self._protocol.send_ping(b"")
            self._flush()

    def close(self, reason: str) -> None:
        """Close politely, and soon; one who has not shaken hands gets no farewell."""
        self._reason = self._reason or reason
        transport = self._transport
        if transport is None:
            self._closed(reason)
        elif self._protocol.state is not State.OPEN:
            transport.abort()
        else:
            self._protocol.send_close(1000, "")
            self._flush()
            asyncio.get_running_loop().call_later(CLOSE_TIMEOUT_S, transport.abort)

    def abort(self) -> None:
        """Close as a pulled cable does: no farewell."""
        self._told = True
        if self._transport is not None:
            self._transport.abort()

    # ---- inside ----

    def _take_events(self) -> None:
        waits = bool(self._received)
        self._received.extend(self._protocol.events_received())
        self._flush()
        if not waits:
            self._next()

    def _next(self) -> None:
        """One frame a turn of the loop: what the hardware says waits for no more than that, whatever the CSMS sends."""
        if self._received and not self._told:
            self._event(self._received.popleft())
        assert self._transport is not None
        if self._received and not self._told:
            self._transport.pause_reading()
            asyncio.get_running_loop().call_soon(self._next)
        elif self._lost:
            self._closed(self._reason)
        else:
            self._transport.resume_reading()

    def _event(self, event: Event) -> None:
        if isinstance(event, Frame):
            self._frame(event)
        elif isinstance(event, Response):
            self._handshaken()

    def _handshaken(self) -> None:
        if self._protocol.handshake_exc is not None:
            self._reason = _handshake_reason(self._protocol.handshake_exc)
            self.alarm = _alarm_of(self._protocol.handshake_exc)
            return
        self._opened = True
        self._on_open(self._protocol.subprotocol)

    def _frame(self, frame: Frame) -> None:
        if frame.opcode is Opcode.PONG:
            self._on_pong()
        elif frame.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT) and self._opened:
            if frame.fin and not self._fragments:
                self._on_text(bytes(frame.data))
                return
            self._fragments.append(bytes(frame.data))
            if frame.fin:
                whole, self._fragments = b"".join(self._fragments), []
                self._on_text(whole)

    def _flush(self) -> None:
        transport = self._transport
        if transport is None:
            return
        for data in self._protocol.data_to_send():
            if data:
                transport.write(data)
            elif transport.can_write_eof():
                transport.write_eof()
            else:
                transport.close()
        if self._protocol.close_expected():
            asyncio.get_running_loop().call_later(CLOSE_TIMEOUT_S, transport.close)

    def _close_reason(self, error: Exception | None) -> str:
        if self._protocol.handshake_exc is not None:
            self.alarm = _alarm_of(self._protocol.handshake_exc)
            return _handshake_reason(self._protocol.handshake_exc)
        close = self._protocol.close_rcvd
        if close is not None:
            return f"closed by the CSMS: {close.code} {close.reason}".strip()
        broken = self._protocol.parser_exc
        if broken is not None and not isinstance(broken, EOFError):
            return f"the CSMS broke the WebSocket protocol: {broken}"
        return "connection lost" if error is None else f"connection lost: {getattr(error, 'strerror', None) or error}"

    def _closed(self, reason: str) -> None:
        if not self._told:
            self._told = True
            self._on_close(reason)


def _handshake_reason(error: Exception) -> str:
    if isinstance(error, WebSocketException):
        return f"handshake refused: {error}"
    return f"handshake failed: {error or type(error).__name__}"


def _alarm_of(error: Exception) -> str:
    """What of it belongs into the security log, in OCPP's words; empty for what does not."""
    match error:
        case ssl.SSLCertVerificationError():
            return "InvalidCsmsCertificate"
        case ssl.SSLError(reason=reason) if reason in NO_COMMON_VERSION:
            return "InvalidTLSVersion"
        case ssl.SSLError(reason=reason) if reason in NO_COMMON_SUITE:
            return "InvalidTLSCipherSuite"
        case InvalidStatus(response=response) if response.status_code in (401, 403):
            return "FailedToAuthenticateAtCsms"
    return ""


def _reason_of(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the CSMS's certificate is not trusted: {error.verify_message}"
    return f"cannot connect: {getattr(error, 'strerror', None) or str(error) or type(error).__name__}"
