"""OCPP-J framing: one CALL in flight each way, answers matched by id.  No socket, no clock of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from msgspec import Raw, Struct, ValidationError

from agent.link.rpc_events import (
    AnswerRefused,
    AnswerUnreadable,
    AnswerUnsayable,
    CallAnswered,
    CallLost,
    CallReceived,
    CallRefused,
    CallTimedOut,
    LateAnswer,
    RpcEvent,
    SendReceived,
    StrangeFrame,
)
from agent.ocpp.dialect import Capability, Dialect
from agent.ocpp.envelope import (
    CALL,
    CALL_ERROR,
    CALL_RESULT,
    CALL_RESULT_ERROR,
    MAX_HEAD,
    MAX_ID,
    MESSAGE_TYPES,
    SEND,
    UNREADABLE_ID,
    Envelope,
    error_frame,
    head_of,
    object_in,
    quoted,
    taken_apart,
    text_in,
)
from agent.ocpp.errors import ErrorCode, Refused, Unsayable, shortened
from agent.ocpp.messages.base import Request, Response, Unconfirmed
from agent.ocpp.signed import unsigned
from agent.ocpp.tolerance import Ear, Quirk

MAX_UNANSWERED = 8  # CALLs of an impatient CSMS that we keep in mind
MAX_REMEMBERED = 16  # finished calls whose late or doubled answers we still recognise
MAX_SAMPLE = 80


class Call(Struct, frozen=True):
    """Ours, waiting for its answer."""

    message_id: str
    action: str
    deadline: float


class Asked(Struct, frozen=True):
    """Theirs, waiting for ours."""

    action: str
    content: int
    since: float


class Answer(Struct, frozen=True):
    """The last one we gave; said again when the same CALL comes again."""

    message_id: str
    action: str
    content: int
    frame: str


class Rpc:
    """One connection after the other with one CSMS."""

    def __init__(self, *, timeout_s: float, max_frame_bytes: int, ear: Ear | None = None) -> None:
        self.timeout_s = timeout_s
        self.max_frame_bytes = max_frame_bytes
        self._ear = ear or Ear()
        self._dialect: Dialect | None = None
        self._call: Call | None = None
        self._asked: dict[str, Asked] = {}
        self._answer: Answer | None = None
        self._timed_out: dict[str, str] = {}
        self._settled: dict[str, str] = {}
        self._events: list[RpcEvent] = []
        self._frames: list[str] = []

    @property
    def busy(self) -> bool:
        """Whether a call of ours is unanswered."""
        return self._call is not None

    def opened(self, dialect: Dialect, now: float) -> None:
        assert self._dialect is None, "opened twice"
        self._dialect = dialect

    def closed(self, now: float) -> None:
        self._dialect = None
        if (call := self._call) is not None:
            self._call = None
            self._events.append(CallLost(call.message_id, call.action))
        self._asked.clear()
        self._timed_out.clear()
        self._settled.clear()
        self._answer = None
        self._frames.clear()

    def call(self, request: Request, message_id: str, now: float, timeout_s: float | None = None) -> None:
        """Asks the CSMS.

        Raises:
            Unsayable: not in this version, or not at all; nothing was sent.

        """
        assert self._dialect is not None and self._call is None, "one call at a time, on an open connection"
        assert len(message_id) <= MAX_ID, "message ids are string[36]"
        payload = self._dialect.encode(request)
        self._call = Call(message_id, request.action, now + (timeout_s or self.timeout_s))
        self._say(f'[{CALL},{quoted(message_id)},"{request.action}",{payload.decode()}]')

    def send(self, message: Unconfirmed, message_id: str, now: float) -> None:
        """Tells the CSMS something that needs no answer, whether or not a call is in flight.

        Raises:
            Unsayable: not in this version, or not at all; nothing was sent.

        """
        assert self._dialect is not None, "only on an open connection"
        if not self._dialect.can(Capability.SEND):
            raise Unsayable(f"{message.action} cannot be said in OCPP {self._dialect.version}: it has no SEND")
        payload = self._dialect.encode(message)
        self._say(f'[{SEND},{quoted(message_id)},"{message.action}",{payload.decode()}]')

    def answer(self, message_id: str, response: Response, now: float) -> None:
        """Answers a call of the CSMS; without effect when its connection has gone."""
        if (asked := self._asked.get(message_id)) is None or self._dialect is None:
            return
        assert response.action == asked.action, f"{response.action} does not answer {asked.action}"
        try:
            payload = self._dialect.encode(response)
        except Unsayable as error:
            self._events.append(AnswerUnsayable(message_id, asked.action, error.reason))
            self.refuse(message_id, "InternalError", "the answer could not be said", now)
        else:
            self._answered(message_id, f"[{CALL_RESULT},{quoted(message_id)},{payload.decode()}]")

    def refuse(
        self, message_id: str, code: ErrorCode, reason: str, now: float, details: Mapping[str, Any] | None = None
    ) -> None:
        """Answers a call of the CSMS with a CALLERROR; without effect when its connection has gone."""
        if message_id in self._asked and self._dialect is not None:
            self._answered(message_id, error_frame(CALL_ERROR, message_id, code, reason, details))

    def receive_frame(self, frame: str | bytes, now: float) -> None:
        if self._dialect is None:
            return None
        if len(frame) > self.max_frame_bytes:
            return self._unreadable(frame[:MAX_HEAD], "FormatViolation", f"longer than {self.max_frame_bytes} bytes")
        try:
            envelope = taken_apart(frame)
        except ValidationError:
            return self._unreadable(frame, "RpcFrameworkError", "not the array of OCPP part 4, 4.2")
        except (ValueError, RecursionError) as error:
            return self._unreadable(frame, "FormatViolation", f"no JSON that can be read: {error}")
        return self._received(envelope, self._dialect, now)

    def expire(self, now: float) -> None:
        if (call := self._call) is not None and now >= call.deadline:
            self._call = None
            _remember(self._timed_out, call.message_id, call.action)
            self._events.append(CallTimedOut(call.message_id, call.action))

    def next_deadline(self) -> float | None:
        return self._call.deadline if self._call is not None else None

    def take_events(self) -> list[RpcEvent]:
        taken, self._events = self._events, []
        return taken

    def take_frames(self) -> list[str]:
        taken, self._frames = self._frames, []
        return taken

    def _say(self, frame: str) -> None:
        self._frames.append(frame)

    def _received(self, envelope: Envelope, dialect: Dialect, now: float) -> None:
        match envelope.kind:
            case 2:
                self._call_received(envelope, dialect, now)
            case 3:
                self._result_received(envelope, dialect)
            case 4:
                self._error_received(envelope, dialect)
            case 5 if dialect.can(Capability.CALL_RESULT_ERROR):
                self._result_error_received(envelope)
            case 6 if dialect.can(Capability.SEND):
                self._send_received(envelope, dialect)
            case _:
                self._unknown_type(envelope.kind, envelope.message_id, dialect)

    def _call_received(self, envelope: Envelope, dialect: Dialect, now: float) -> None:
        message_id, action, payload = envelope.message_id, text_in(envelope.third), bytes(envelope.fourth)
        if action is None or not payload or bytes(envelope.fifth):
            return self._deny(message_id, "?", "RpcFrameworkError", "a CALL is type, id, action and payload")
        if len(message_id) > MAX_ID and not self._ear.notice(Quirk.LONG_ID, "messageId", message_id):
            return self._deny(UNREADABLE_ID, action, "RpcFrameworkError", f"message id longer than {MAX_ID}")
        content = hash((action, payload))
        if self._repeated(message_id, action, content) or self._too_many(message_id, action, now):
            return None
        try:
            request = self._ear.request(dialect, *unsigned(action, payload))
        except Refused as refused:
            return self._deny(message_id, action, refused.code, refused.reason, refused.details)
        self._asked[message_id] = Asked(request.action, content, now)
        self._events.append(CallReceived(message_id, request))
        return None

    def _repeated(self, message_id: str, action: str, content: int) -> bool:
        """Whether a CALL has been dealt with because its id is not new (part 4, 4.1.4 and its erratum of 2024-09)."""
        asked, answer = self._asked.get(message_id), self._answer
        if asked is not None and asked.content == content:
            self._strange("asked again before we answered", message_id, action)
        elif asked is not None:
            self._deny(message_id, action, "RpcFrameworkError", "another CALL with this id is unanswered")
        elif answer is not None and answer.message_id == message_id and answer.content == content:
            self._say(answer.frame)
            self._strange("asked again, answered the same", message_id, action)
        elif answer is None or answer.message_id != message_id or self._ear.notice(Quirk.REUSED_ID, action, message_id):
            return False
        else:
            self._deny(message_id, action, "RpcFrameworkError", "the id of an earlier CALL")
        return True

    def _too_many(self, message_id: str, action: str, now: float) -> bool:
        """Whether a CALL was refused because the CSMS did not wait for the answer to another (part 4, 4.1.1)."""
        if not self._asked:
            return False
        waited = {key: asked for key, asked in self._asked.items() if now - asked.since < self.timeout_s}
        self._asked = waited  # what is older, the CSMS has given up on
        if not waited or (self._ear.notice(Quirk.SECOND_CALL, action, message_id) and len(waited) < MAX_UNANSWERED):
            return False
        self._deny(message_id, action, "GenericError", f"CALLs unanswered: {len(waited)}; wait for the answer")
        return True

    def _result_received(self, envelope: Envelope, dialect: Dialect) -> None:
        message_id, call = envelope.message_id, self._call
        if call is None or call.message_id != message_id:
            return self._unexpected(message_id, dialect, envelope.third)
        self._settle(call)
        try:
            if bytes(envelope.fourth):
                raise Refused("RpcFrameworkError", "a CALLRESULT is type, id and payload")
            response = self._ear.response(dialect, call.action, envelope.third)
        except Refused as refused:
            return self._unreadable_answer(call, refused, dialect)
        self._events.append(CallAnswered(message_id, call.action, response))
        return None

    def _unreadable_answer(self, call: Call, refused: Refused, dialect: Dialect) -> None:
        self._events.append(AnswerUnreadable(call.message_id, call.action, refused.code, refused.reason))
        if dialect.can(Capability.CALL_RESULT_ERROR):
            self._say(error_frame(CALL_RESULT_ERROR, call.message_id, refused.code, refused.reason, refused.details))

    def _error_received(self, envelope: Envelope, dialect: Dialect) -> None:
        message_id, call = envelope.message_id, self._call
        code, description, details = self._error(envelope)
        if call is not None and call.message_id == message_id:
            self._settle(call)
            self._events.append(CallRefused(message_id, call.action, code, description, details))
        elif message_id == UNREADABLE_ID:
            self._strange(f"the CSMS could not read a frame of ours: {code}", message_id, description)
        else:
            self._unexpected(message_id, dialect, None)

    def _result_error_received(self, envelope: Envelope) -> None:
        message_id, answer = envelope.message_id, self._answer
        code, description, details = self._error(envelope)
        if answer is not None and answer.message_id == message_id:
            self._events.append(AnswerRefused(message_id, answer.action, code, description, details))
        else:
            self._strange(f"an answer of ours that we do not remember was refused: {code}", message_id, description)

    def _error(self, envelope: Envelope) -> tuple[str, str, Any]:
        """Code, description and details of an error, as far as they are there."""
        code, description = text_in(envelope.third), text_in(envelope.fourth)
        details = object_in(envelope.fifth)
        if code is None or description is None or details is None:
            self._ear.notice(Quirk.ERROR_SHAPE, "CALLERROR", bytes(envelope.third).decode(errors="replace"))
        elif code not in get_args(ErrorCode):
            self._ear.notice(Quirk.ERROR_CODE, "CALLERROR", code)
        return shortened(code or "GenericError"), shortened(description or ""), details or {}

    def _send_received(self, envelope: Envelope, dialect: Dialect) -> None:
        """A SEND gets no answer whatever is in it (part 4 of 2.1, 4.2.4)."""
        message_id, action = envelope.message_id, text_in(envelope.third)
        try:
            message = dialect.decode_unconfirmed(action or "?", envelope.fourth)
        except Refused as refused:
            self._strange(f"a SEND that cannot be read: {refused}", message_id, action or "?")
        else:
            self._events.append(SendReceived(message_id, message))

    def _unexpected(self, message_id: str, dialect: Dialect, payload: Raw | None) -> None:
        """An answer that comes too late, once too often, or to nothing."""
        if (action := self._timed_out.pop(message_id, None)) is not None:
            _remember(self._settled, message_id, action)
            self._events.append(LateAnswer(message_id, action, self._late(dialect, action, payload)))
        elif message_id in self._settled:
            self._strange("answered once more", message_id, self._settled[message_id])
        else:
            self._strange("the answer to no call of ours", message_id, "?")

    def _late(self, dialect: Dialect, action: str, payload: Raw | None) -> Response | None:
        try:
            return self._ear.response(dialect, action, payload) if payload is not None else None
        except Refused:
            return None

    def _unknown_type(self, kind: int, message_id: str, dialect: Dialect) -> None:
        """2.0.1 answers (part 4, 4.4); 2.1 ignores."""
        reason = f"OCPP {dialect.version} has no message type {kind}"
        self._strange(reason, message_id, "?")
        if dialect.can(Capability.UNKNOWN_TYPE_ANSWERED):
            readable = message_id if len(message_id) <= MAX_ID else UNREADABLE_ID
            self._say(error_frame(CALL_ERROR, readable, "MessageTypeNotSupported", reason))

    def _unreadable(self, frame: str | bytes, code: ErrorCode, why: str) -> None:
        """A frame that is no envelope: what its head still tells decides who hears of it (part 4, 4.2.3)."""
        assert self._dialect is not None
        kind, readable = head_of(frame)
        message_id = UNREADABLE_ID if readable is None or len(readable) > MAX_ID else readable
        call = self._call
        if kind not in MESSAGE_TYPES:
            self._unknown_type(kind, message_id, self._dialect)
        elif kind in (CALL_RESULT, CALL_ERROR) and call is not None and call.message_id == message_id:
            self._settle(call)
            if kind == CALL_ERROR:
                self._events.append(CallRefused(call.message_id, call.action, "GenericError", why, {}))
            else:
                self._unreadable_answer(call, Refused(code, why), self._dialect)
        elif kind != CALL or readable in self._asked:
            self._strange(why, message_id, "?")
        else:
            self._deny(message_id, "?", code if readable is not None else "RpcFrameworkError", why)

    def _settle(self, call: Call) -> None:
        self._call = None
        _remember(self._settled, call.message_id, call.action)

    def _answered(self, message_id: str, frame: str) -> None:
        asked = self._asked.pop(message_id)
        self._answer = Answer(message_id, asked.action, asked.content, frame)
        self._say(frame)

    def _deny(
        self, message_id: str, action: str, code: ErrorCode, reason: str, details: Mapping[str, Any] | None = None
    ) -> None:
        """Refuses what never became a call to be answered."""
        self._strange(f"{code}: {reason}", message_id, action)
        self._say(error_frame(CALL_ERROR, message_id, code, reason, details))

    def _strange(self, reason: str, message_id: str, action: str) -> None:
        self._events.append(StrangeFrame(shortened(reason), f"{message_id[:MAX_ID]} {action}"[:MAX_SAMPLE]))


def _remember(known: dict[str, str], message_id: str, action: str) -> None:
    """Keeps the last few."""
    known[message_id] = action
    if len(known) > MAX_REMEMBERED:
        del known[next(iter(known))]
