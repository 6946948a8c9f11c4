"""What became of calls, ours and theirs, and of frames that are none.  No behaviour."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from agent.ocpp.errors import ErrorCode
from agent.ocpp.messages.base import Request, Response, Unconfirmed


class CallReceived(Struct, frozen=True):
    """The CSMS asked; ``answer`` or ``refuse`` with the same id."""

    message_id: str
    request: Request


class CallAnswered(Struct, frozen=True):
    message_id: str
    action: str
    response: Response


class CallRefused(Struct, frozen=True):
    """Our call got a CALLERROR."""

    message_id: str
    action: str
    code: str
    description: str
    details: Any


class AnswerUnreadable(Struct, frozen=True):
    """The CSMS answered our call, but not in a way that can be understood: it has heard us all the same."""

    message_id: str
    action: str
    code: ErrorCode
    reason: str


class CallTimedOut(Struct, frozen=True):
    message_id: str
    action: str


class CallLost(Struct, frozen=True):
    """The connection ended before the answer; nobody knows whether the CSMS heard us."""

    message_id: str
    action: str


class LateAnswer(Struct, frozen=True):
    """An answer to a call that had timed out; without ``response`` when it was a CALLERROR or unreadable."""

    message_id: str
    action: str
    response: Response | None


class AnswerRefused(Struct, frozen=True):
    """The CSMS could not read our answer (CALLRESULTERROR)."""

    message_id: str
    action: str
    code: str
    description: str
    details: Any


class AnswerUnsayable(Struct, frozen=True):
    """Our own answer broke a rule; the CSMS got an InternalError instead."""

    message_id: str
    action: str
    reason: str


class SendReceived(Struct, frozen=True):
    """The CSMS told us something without waiting for an answer (SEND)."""

    message_id: str
    message: Unconfirmed


class StrangeFrame(Struct, frozen=True):
    """Something that belongs to no call; what part 4 wants in return has been said."""

    reason: str
    sample: str


RpcEvent = (
    CallReceived
    | CallAnswered
    | CallRefused
    | AnswerUnreadable
    | CallTimedOut
    | CallLost
    | LateAnswer
    | AnswerRefused
    | AnswerUnsayable
    | SendReceived
    | StrangeFrame
)
