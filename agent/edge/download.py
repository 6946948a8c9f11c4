"""A file fetched from a URL over HTTP(S) or FTP(S), straight to the disk and behind what is there of it already.

Knows no firmware and decides nothing about retries.  A part is gone on with only where the server says that the file is
still the same one; what the power may have taken of it is fetched again.
"""

from __future__ import annotations

import ftplib
import http.client
import os
import shutil
import ssl
from contextlib import closing, suppress
from pathlib import Path
from typing import BinaryIO
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

import msgspec

from agent.edge.job import Job
from agent.edge.transfer import LOST, PIECE_BYTES, Tls, authorization, connection_to, ftp_to, path_of, why_lost
from agent.errors import AgentError

SYNC_BYTES = 4 << 20
"""How much a power cut may cost, and how often it is looked whether there is room."""

RESERVE_BYTES = 32 << 20
"""What stays free for the events of sessions, whatever is fetched."""

MOST_REDIRECTS = 5
ONWARD = frozenset({301, 302, 303, 307, 308})
LATER = frozenset({408, 425, 429})
"""What of the refusals of HTTP may be none the next time."""


class DownloadFailed(AgentError):
    """It did not work; ``hopeless``: nor will it at the next attempt."""

    def __init__(self, reason: str, *, hopeless: bool = False) -> None:
        super().__init__(reason)
        self.hopeless = hopeless


class Note(msgspec.Struct, frozen=True):
    """What is known of a part: where it is from, which version of the file it is of, how much is surely on disk."""

    url: str
    validator: str
    synced: int


def download(url: str, to: Path, tls: Tls, job: Job, *, most_bytes: int) -> None:
    """Fetch it; blocks.

    Raises:
        DownloadFailed: with the reason in words; what came is kept where it may be of use.
        Canceled: by ``job.cancel``.

    """
    place = urlsplit(url)
    part = Part(to, url, job, most_bytes)
    try:
        with closing(part):
            if place.scheme in ("http", "https"):
                _by_http(place, part, tls)
            else:
                _by_ftp(place, part, tls)
            part.check_whole()
    except ftplib.Error as error:
        hopeless = isinstance(error, ftplib.error_perm)
        raise DownloadFailed(f"{place.hostname}: {error}", hopeless=hopeless) from None
    except LOST as error:
        raise DownloadFailed(why_lost(place, error), hopeless=isinstance(error, ssl.SSLCertVerificationError)) from None


def forget(to: Path) -> None:
    """Nobody wants it, or what is there of it."""
    for path in (to, _note_of(to)):
        path.unlink(missing_ok=True)


class Part:
    """What is there of a file, and grows."""

    def __init__(self, path: Path, url: str, job: Job, most_bytes: int) -> None:
        self._path = path
        self._url = url
        self._job = job
        self._most_bytes = most_bytes
        self._file: BinaryIO | None = None
        self._synced = 0
        note = _read_note(path)
        known = note is not None and note.url == url and bool(note.validator)
        self.validator = note.validator if note is not None and known else ""
        self.held = 0
        if note is not None and known:
            with suppress(OSError):
                self.held = min(path.stat().st_size, note.synced)

    def begin(self, start: int, size: int | None, validator: str) -> None:
        """What comes now stands behind so many bytes that are there.

        Raises:
            DownloadFailed: there is no room for it.

        """
        self._check_room((size or 0) - start)
        if (size or 0) > self._most_bytes:
            raise DownloadFailed(f"{size} bytes; at most {self._most_bytes} are taken", hopeless=True)
        self.validator, self._synced = validator, start
        self._job.size, self._job.done = size or 0, start
        try:
            self._file = self._path.open("r+b" if start else "wb")
            self._file.truncate(start)
            self._file.seek(start)
            self._save(self._file)
        except OSError as error:
            self._refused_by_disk(error)

    def add(self, piece: bytes) -> None:
        """The next bytes."""
        assert self._file is not None
        self._job.moved(len(piece))
        if self._job.done > self._most_bytes:
            forget(self._path)
            raise DownloadFailed(f"more than {self._most_bytes} bytes", hopeless=True)
        try:
            self._file.write(piece)
            if self._job.done - self._synced >= SYNC_BYTES:
                self._save(self._file)
                self._check_room(0)
        except OSError as error:
            self._refused_by_disk(error)

    def check_whole(self) -> None:
        """See that nothing is missing.

        Raises:
            DownloadFailed: the connection was closed before the end.

        """
        if self._job.size and self._job.done != self._job.size:
            raise DownloadFailed(f"cut off after {self._job.done} of {self._job.size} bytes")

    def close(self) -> None:
        """What came is on disk; of one that nobody wants any more nothing is noted."""
        file, self._file = self._file, None
        if file is None:
            return
        with file, suppress(OSError):
            self._save(file)

    def _save(self, file: BinaryIO) -> None:
        file.flush()
        os.fsync(file.fileno())
        self._synced = self._job.done
        self._job.unless_canceled(self._note)

    def _note(self) -> None:
        if self._path.exists():
            note = _note_of(self._path)
            new = note.with_suffix(".new")
            new.write_bytes(msgspec.json.encode(Note(self._url, self.validator, self._synced)))
            new.replace(note)

    def _check_room(self, wanted: int) -> None:
        free = shutil.disk_usage(self._path.parent).free
        if free - wanted < RESERVE_BYTES:
            forget(self._path)
            raise DownloadFailed(f"no room: {max(0, wanted)} bytes to come, {free} free", hopeless=True)

    def _refused_by_disk(self, error: OSError) -> None:
        forget(self._path)
        raise DownloadFailed(f"the disk does not take it: {error.strerror}", hopeless=True) from None


def _note_of(path: Path) -> Path:
    return path.with_suffix(".json")


def _read_note(path: Path) -> Note | None:
    try:
        return msgspec.json.decode(_note_of(path).read_bytes(), type=Note)
    except (OSError, msgspec.DecodeError):
        return None


# ---- HTTP ----------------------------------------------------------------------------------------------------------


def _by_http(place: SplitResult, part: Part, tls: Tls) -> None:
    for _ in range(MOST_REDIRECTS + 1):
        onward = _get(place, part, tls)
        if onward is None:
            return
        place = onward
    raise DownloadFailed(f"{place.hostname}: sent on more than {MOST_REDIRECTS} times", hopeless=True)


def _get(place: SplitResult, part: Part, tls: Tls) -> SplitResult | None:
    """Ask once; returns where else to ask."""
    headers = {"Accept-Encoding": "identity", **authorization(place)}
    if part.held:
        headers |= {"Range": f"bytes={part.held}-", "If-Range": part.validator}
    with closing(connection_to(place, tls)) as connection:
        connection.request("GET", path_of(place), headers=headers)
        with connection.getresponse() as answer:
            if answer.status in ONWARD:
                return _onward(place, answer)
            if answer.status == 416 and part.held:  # the file is shorter than it was
                part.held = 0
                return place
            _take(place, answer, part)
    return None


def _take(place: SplitResult, answer: http.client.HTTPResponse, part: Part) -> None:
    if answer.status not in (200, 206):
        hopeless = 400 <= answer.status < 500 and answer.status not in LATER
        raise DownloadFailed(f"{place.hostname} answered {answer.status} {answer.reason}", hopeless=hopeless)
    start = part.held if _goes_on(answer, part.held) else 0
    part.begin(start, None if answer.length is None else start + answer.length, _validator(answer))
    while piece := answer.read(PIECE_BYTES):
        part.add(piece)


def _goes_on(answer: http.client.HTTPResponse, held: int) -> bool:
    """Whether what comes is the rest; a server may send the whole file all the same."""
    if answer.status == 200:
        return False
    told = answer.headers.get("Content-Range", "")
    if not told.startswith(f"bytes {held}-"):
        raise DownloadFailed(f"asked for what stands behind byte {held}, was told {told!r}")
    return True


def _validator(answer: http.client.HTTPResponse) -> str:
    """What says that a file is the same one later; a weak one does not."""
    tag = str(answer.headers.get("ETag", ""))
    return tag if tag and not tag.startswith("W/") else str(answer.headers.get("Last-Modified", ""))


def _onward(place: SplitResult, answer: http.client.HTTPResponse) -> SplitResult:
    onward = urlsplit(urljoin(place.geturl(), answer.headers.get("Location", "")))
    if onward.scheme != "https" and (onward.scheme != "http" or place.scheme == "https"):
        raise DownloadFailed(f"{place.hostname} sends on to {onward.scheme}, which is less secure", hopeless=True)
    return onward


# ---- FTP -----------------------------------------------------------------------------------------------------------


def _by_ftp(place: SplitResult, part: Part, tls: Tls) -> None:
    with ftp_to(place, tls) as ftp:
        name = unquote(place.path).lstrip("/")
        size, validator = _known_of(ftp, name)
        start = part.held if validator and validator == part.validator else 0
        part.begin(start, size, validator)
        ftp.retrbinary(f"RETR {name}", part.add, PIECE_BYTES, start or None)


def _known_of(ftp: ftplib.FTP, name: str) -> tuple[int | None, str]:
    """Size and time of the last change; a server that does not tell cannot be asked for the rest."""
    try:
        size = ftp.size(name)
        return size, f"{ftp.voidcmd(f'MDTM {name}')} {size}"
    except ftplib.error_perm as error:
        if str(error).startswith("550"):
            raise
        return None, ""
