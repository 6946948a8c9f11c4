"""What every file transfer has in common: how a place is reached over HTTP(S) and FTP(S).  Moves no file itself.

The libraries block, so a transfer runs in a thread of its own; a second machine for HTTP and FTP on the loop would be
ours to keep.  ``Job.cancel`` ends it at the next piece.
"""

from __future__ import annotations

import ftplib
import http.client
import ssl
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import SplitResult, unquote

PIECE_BYTES = 16 << 10
TIMEOUT_S = 30.0
PORTS = {"http": 80, "https": 443, "ftp": 21, "ftps": 21}

Tls = Callable[[], ssl.SSLContext]

LOST = (OSError, http.client.HTTPException, EOFError, ValueError)
"""What ends a transfer besides a refusal: no connection, one that was cut, an answer that is none."""


def why_lost(place: SplitResult, error: Exception) -> str:
    """In words."""
    return f"{place.hostname}: {error or type(error).__name__}"


def connection_to(place: SplitResult, tls: Tls) -> http.client.HTTPConnection:
    """Not connected yet."""
    host, port = place.hostname or "", place.port or PORTS[place.scheme]
    if place.scheme == "https":
        return http.client.HTTPSConnection(host, port, timeout=TIMEOUT_S, context=tls())
    return http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)


def path_of(place: SplitResult) -> str:
    """What is asked for, as HTTP has it."""
    return (place.path or "/") + (f"?{place.query}" if place.query else "")


def authorization(place: SplitResult) -> dict[str, str]:
    """Headers for the user that a URL names."""
    if place.username is None:
        return {}
    named = f"{unquote(place.username)}:{unquote(place.password or '')}".encode()
    return {"Authorization": f"Basic {b64encode(named).decode()}"}


@contextmanager
def ftp_to(place: SplitResult, tls: Tls) -> Iterator[ftplib.FTP]:
    """Connected and logged in; passive, as ftplib is, and with FTPS nothing goes in the clear."""
    ftp = ftplib.FTP_TLS(context=tls(), timeout=TIMEOUT_S) if place.scheme == "ftps" else ftplib.FTP(timeout=TIMEOUT_S)
    with ftp:
        ftp.connect(place.hostname or "", place.port or PORTS[place.scheme])
        ftp.login(unquote(place.username or "anonymous"), unquote(place.password or ""))
        if isinstance(ftp, ftplib.FTP_TLS):
            ftp.prot_p()
        ftp.voidcmd("TYPE I")
        yield ftp
