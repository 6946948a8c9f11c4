"""What came in from the CSMS's side or from a technician: events to the station like any other."""

from __future__ import annotations

from typing import Literal

import msgspec

from agent.ocpp.messages.base import Request, Response
from agent.vocabulary.values import Token


class Incoming(msgspec.Struct, frozen=True, tag_field="event", tag=True):
    """Something that came over the link, or happened to it."""


class LinkOpened(Incoming, frozen=True):
    """The CSMS took the connection and speaks this subprotocol; with the profile of this slot and URL."""

    subprotocol: str
    slot: int = 1
    url: str = ""


class LinkLost(Incoming, frozen=True):
    """The connection is gone, or was not made; the next attempt is after ``retry_s``."""

    reason: str
    retry_s: float = 0.0


class CsmsCalled(Incoming, frozen=True):
    """The CSMS asks for something."""

    message_id: str
    request: Request


class CallFailed(msgspec.Struct, frozen=True):
    """We asked and got no answer: an error code of the RPC framework, ``Offline``, ``Timeout`` or ``Unsayable``."""

    code: str
    reason: str = ""


class CsmsAnswered(Incoming, frozen=True):
    """The outcome of something we asked."""

    request: Request
    outcome: Response | CallFailed


class LinkWarned(Incoming, frozen=True):
    """Something came that means nothing; told, otherwise ignored."""

    text: str


class OutboxDrained(Incoming, frozen=True):
    """Nothing durable waits any more."""


class TechnicianAsked(Incoming, frozen=True):
    """A local request, said by whoever has the right to: a restart, or to leave a latched fault of an EVSE."""

    wish: Literal["restart", "clear_fault"]
    evse: int = 0


class UploadEnded(Incoming, frozen=True):
    """An attempt to upload a log is over; ``status`` as LogStatusNotification says it."""

    request_id: int
    status: Literal["Uploaded", "UploadFailure", "BadMessage", "PermissionDenied", "NotSupportedOperation"]
    reason: str = ""


class CallNotStored(Incoming, frozen=True):
    """The disk refused what the answer to this call would have promised: ``unless_stored`` went out instead."""

    message_id: str


class SecurityNoticed(Incoming, frozen=True):
    """An edge saw something that belongs into the security log; the names of ``type`` are those of OCPP."""

    type: str
    tech_info: str = ""


class TokenNoted(Incoming, frozen=True):
    """The service port says what is known of a token, in the cache or in the local list."""

    where: Literal["cache", "list"]
    token: Token
    status: str
    group: Token | None = None


class CacheCleared(Incoming, frozen=True):
    """The service port empties the authorization cache."""


class LimitSet(Incoming, frozen=True):
    """An installer, a technician or the building limits an EVSE; ``limit_a`` one current, or one for each phase.

    ``lease_s`` None: for good.  With neither a current nor a number of phases: he lets go of his limit.
    """

    evse: int
    source: Literal["local", "site"]
    limit_a: float | tuple[float, ...] | None = None
    phases: int | None = None
    lease_s: float | None = None
