"""A file brought to a URL over HTTP(S) or FTP(S).  Knows no log; decides nothing about retries."""

from __future__ import annotations

import ftplib
from collections.abc import Iterator
from contextlib import closing, suppress
from io import BytesIO
from urllib.parse import SplitResult, unquote, urlsplit

from agent.edge.job import Job, TransferFailed, UploadStatus
from agent.edge.transfer import LOST, PIECE_BYTES, Tls, authorization, connection_to, ftp_to, path_of, why_lost

OF_HTTP: dict[int, UploadStatus] = {
    400: "BadMessage",
    401: "PermissionDenied",
    403: "PermissionDenied",
    405: "NotSupportedOperation",
    501: "NotSupportedOperation",
}
OF_FTP: dict[str, UploadStatus] = {
    "530": "PermissionDenied",
    "532": "PermissionDenied",
    "550": "PermissionDenied",
    "553": "PermissionDenied",
    "502": "NotSupportedOperation",
    "504": "NotSupportedOperation",
}


def upload(content: bytes, filename: str, url: str, tls: Tls, job: Job) -> None:
    """Bring it there; blocks.

    Raises:
        TransferFailed: with the reason in words.
        Canceled: by ``job.cancel``.

    """
    place = urlsplit(url)
    job.size, job.done = len(content), 0
    try:
        if place.scheme in ("http", "https"):
            _by_http(content, filename, place, tls, job)
        else:
            _by_ftp(content, filename, place, tls, job)
    except ftplib.Error as error:
        raise TransferFailed(OF_FTP.get(str(error)[:3], "UploadFailure"), f"{place.hostname}: {error}") from None
    except LOST as error:
        raise TransferFailed("UploadFailure", why_lost(place, error)) from None


# ---- HTTP ----------------------------------------------------------------------------------------------------------


def _by_http(content: bytes, filename: str, place: SplitResult, tls: Tls, job: Job) -> None:
    """POST as N01.FR.19 has it; a server that takes no POST may take a PUT (N01.FR.18)."""
    status, reason = _say(place, "POST", path_of(place), content, filename, tls, job)
    if status in (405, 501):
        path = path_of(place)
        path = f"{path}{filename}" if path.endswith("/") else path
        status, reason = _say(place, "PUT", path, content, filename, tls, job)
    if not 200 <= status < 300:
        raise TransferFailed(OF_HTTP.get(status, "UploadFailure"), f"{place.hostname} answered {status} {reason}")


def _say(
    place: SplitResult, method: str, path: str, content: bytes, filename: str, tls: Tls, job: Job
) -> tuple[int, str]:
    connection = connection_to(place, tls)
    job.done = 0
    headers = {
        "Content-Type": "application/octet-stream",
        "Content-Disposition": f'form-data; name="uploadfile"; filename="{filename}"',
        "Content-Length": str(len(content)),
        **authorization(place),
    }
    with closing(connection):
        # A server may answer before it has everything: its refusal is worth reading.
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.request(method, path, _pieces(content, job), headers)
        answer = connection.getresponse()
        return answer.status, answer.reason


def _pieces(content: bytes, job: Job) -> Iterator[bytes]:
    for at in range(0, len(content), PIECE_BYTES):
        piece = content[at : at + PIECE_BYTES]
        yield piece
        job.moved(len(piece))


# ---- FTP -----------------------------------------------------------------------------------------------------------


def _by_ftp(content: bytes, filename: str, place: SplitResult, tls: Tls, job: Job) -> None:
    """An earlier attempt that was cut is resumed behind what the server has of it (N01, remark 8)."""
    with ftp_to(place, tls) as ftp:
        name = _enter(ftp, unquote(place.path), filename)
        job.done = _held_already(ftp, name, len(content))
        rest = BytesIO(content[job.done :])
        ftp.storbinary(f"STOR {name}", rest, PIECE_BYTES, lambda piece: job.moved(len(piece)), job.done or None)


def _enter(ftp: ftplib.FTP, path: str, filename: str) -> str:
    """A path is a folder; one that is none is the name of the file."""
    folder = path.strip("/")
    if not folder:
        return filename
    try:
        ftp.cwd(folder)
    except ftplib.error_perm:
        if path.endswith("/"):
            raise
        above, _, name = folder.rpartition("/")
        if above:
            ftp.cwd(above)
        return name
    return filename


def _held_already(ftp: ftplib.FTP, name: str, size: int) -> int:
    """How much of the file the server has; a server that does not say has nothing."""
    try:
        held = ftp.size(name) or 0
    except ftplib.Error:
        return 0
    return held if held < size else 0
