"""A lenient ear: understands what a CSMS meant as far as its tolerance goes, and keeps the list of what was wrong.

What we say ourselves is never bent: this module only listens.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from agent.ocpp.dialect import Dialect, Payload, dialect_for
from agent.ocpp.errors import NoCommonVersion, Refused, shortened
from agent.ocpp.inspection import fields, present, type_info
from agent.ocpp.messages import request_type, response_type
from agent.ocpp.messages.base import Message, Request, Response

M = TypeVar("M", bound=Message)

MAX_DEVIATIONS = 256
MAX_SAMPLE = 120

# A report is mailed around: no token, no password, no certificate in it.
NOT_SHOWN = frozenset(
    ("additionalIdToken", "apnPassword", "attributeValue", "basicAuthPassword", "certificate", "idToken", "password")
)


class Tolerance(Enum):
    """How far the ear goes: nothing wrong, what is harmless and common, whatever can be understood."""

    OFF = "off"
    KNOWN = "known"
    ALL = "all"


class Quirk(Enum):
    """What CSMSs get wrong: the clause that it breaks, what it is, and from which tolerance on we understand it."""

    EXTRA_FIELD = ("part 4, 9", "a field that the message does not have", Tolerance.KNOWN)
    NULL = ("part 4, 4.1.5", "null where a field should be left out", Tolerance.KNOWN)
    CAPITALS = ("part 2, 3 (enumerations)", "an enumeration's word in the wrong capitals", Tolerance.KNOWN)
    QUOTED = ("part 2, 2.1.4", "a number or boolean written as a string", Tolerance.KNOWN)
    DECIMAL = ("part 2, 2.1.4", "an integer written with a decimal point", Tolerance.KNOWN)
    TIME = ("part 2, 3.1", "a time that is not RFC 3339", Tolerance.KNOWN)
    LONG_ID = ("part 4, 4.1.4", "a message id of more than 36 characters", Tolerance.KNOWN)
    SECOND_CALL = ("part 4, 4.1.1", "a CALL while another is unanswered", Tolerance.KNOWN)
    REUSED_ID = ("part 4, 4.1.4", "a message id used again for another CALL", Tolerance.KNOWN)
    ERROR_SHAPE = ("part 4, 4.2.3", "a CALLERROR without all of its five elements", Tolerance.OFF)
    ERROR_CODE = ("part 4, 4.3", "a CALLERROR with a code of its own", Tolerance.OFF)
    SUBPROTOCOL = ("part 4, 3.3", "the handshake names no subprotocol, or one that was not offered", Tolerance.KNOWN)
    UNQUOTED = ("part 2, 2.1.4", "a number or boolean where a string belongs", Tolerance.ALL)
    FIELD_CAPITALS = ("part 2, 1 (messages)", "a field's name in the wrong capitals", Tolerance.ALL)
    LONE_ITEM = ("part 4, 4.1.5", "one item where a list of one belongs", Tolerance.ALL)
    EMPTY_LIST = ("part 4, 4.1.5", "an empty list where a field should be left out", Tolerance.ALL)
    REFUSED = ("part 4, 4.1.7", "a message that could not be understood", None)

    @property
    def clause(self) -> str:
        return str(self.value[0])

    @property
    def text(self) -> str:
        return str(self.value[1])

    def passes(self, tolerance: Tolerance) -> bool:
        """Whether this one is understood at that tolerance."""
        order = list(Tolerance)
        needed: Tolerance | None = self.value[2]
        return needed is not None and order.index(needed) <= order.index(tolerance)


class Deviation(msgspec.Struct, frozen=True):
    """One thing that the CSMS gets wrong, and how often."""

    quirk: str
    place: str
    clause: str
    text: str
    sample: str
    accepted: bool
    count: int = 1


class Ear:
    """Hears one CSMS."""

    def __init__(self, tolerance: Tolerance = Tolerance.OFF) -> None:
        self.tolerance = tolerance
        self._deviations: dict[tuple[str, str], Deviation] = {}

    def request(self, dialect: Dialect, action: str, payload: Payload) -> Request:
        """As ``Dialect.decode_request``, for an ear that forgives."""
        try:
            return dialect.decode_request(action, payload)
        except Refused as refused:
            return self._understood(dialect, request_type(action), action, payload, refused)

    def response(self, dialect: Dialect, action: str, payload: Payload) -> Response:
        """As ``Dialect.decode_response``, for an ear that forgives."""
        try:
            return dialect.decode_response(action, payload)
        except Refused as refused:
            return self._understood(dialect, response_type(action), action, payload, refused)

    def agreed(self, offered: Sequence[str], chosen: str | None) -> Dialect:
        """The dialect to speak, after a handshake in which the server chose one of those offered, or did not.

        Raises:
            NoCommonVersion: the connection is of no use.

        """
        if chosen in offered:
            return dialect_for(chosen)
        if self.notice(Quirk.SUBPROTOCOL, "Sec-WebSocket-Protocol", repr(chosen)):
            return dialect_for(_meant(offered, chosen))
        raise NoCommonVersion(f"the CSMS chose {chosen!r}; offered: {list(offered)}")

    def notice(self, quirk: Quirk, place: str, sample: str) -> bool:
        """Counts a deviation and says whether to let it pass."""
        passes = quirk.passes(self.tolerance)
        self._count(quirk, place, sample, passes)
        return passes

    def deviations(self) -> tuple[Deviation, ...]:
        return tuple(self._deviations.values())

    def _understood(self, dialect: Dialect, kind: type[M] | None, action: str, payload: Payload, refused: Refused) -> M:
        """What was meant by a payload that breaks a rule.

        Raises:
            Refused: it was not a matter of tolerance.

        """
        try:
            if kind is None or not dialect.knows(action) or self.tolerance is Tolerance.OFF:
                raise refused
            mender = Mender(self.tolerance)
            message = self._mended(dialect, kind, payload, mender, refused)
        except Refused as final:
            self._count(Quirk.REFUSED, f"{action} ({final.code})", final.reason, False)
            raise final from None
        for quirk, path, sample in mender.found:
            self._count(quirk, f"{kind.__name__}.{path}", sample, True)
        return message

    def _mended(self, dialect: Dialect, kind: type[M], payload: Payload, mender: Mender, refused: Refused) -> M:
        try:
            value = mender.mend(msgspec.json.decode(payload), type_info(dialect.heard_shape(kind)), "")
            mended = msgspec.json.encode(value)
        except (ValueError, RecursionError):
            raise refused from None
        return dialect.decode(kind, mended)

    def _count(self, quirk: Quirk, place: str, sample: str, accepted: bool) -> None:
        key = (quirk.name, re.sub(r"\[\d+\]", "[]", place)[:MAX_SAMPLE])
        known = self._deviations.get(key)
        if known is not None:
            self._deviations[key] = msgspec.structs.replace(known, count=known.count + 1)
        elif len(self._deviations) < MAX_DEVIATIONS:
            self._deviations[key] = Deviation(
                quirk.name, key[1], quirk.clause, quirk.text, shortened(sample)[:MAX_SAMPLE], accepted
            )


class Mender:
    """Rewrites a payload into what its shape asks for, where the meaning is plain; lists what it changed."""

    def __init__(self, tolerance: Tolerance) -> None:
        self.found: list[tuple[Quirk, str, str]] = []
        self._tolerance = tolerance

    def mend(self, value: Any, info: inspect.Type, path: str) -> Any:
        match info, value:
            case inspect.StructType(), dict():
                return self._object(value, info, path)
            case inspect.VarTupleType(), list():
                item = present(info.item_type)
                return [self.mend(part, item, f"{path}[{i}]") for i, part in enumerate(value)]
            case inspect.VarTupleType(), _ if self._may(Quirk.LONE_ITEM, path, value):
                return [self.mend(value, present(info.item_type), path)]
            case inspect.LiteralType(), str() if value not in info.values:
                return self._changed(Quirk.CAPITALS, path, value, _word(value, info.values))
            case inspect.IntType(), float() if value.is_integer():
                return self._changed(Quirk.DECIMAL, path, value, int(value))
            case ((inspect.IntType() | inspect.FloatType() | inspect.BoolType()), str()):
                return self._changed(Quirk.QUOTED, path, value, _unquoted(value, info))
            case inspect.DateTimeType(), str():
                return self._changed(Quirk.TIME, path, value, _time(value))
            case inspect.StrType(), bool() | int() | float():
                return self._changed(Quirk.UNQUOTED, path, value, msgspec.json.encode(value).decode())
        return value

    def _object(self, value: dict[str, Any], info: inspect.StructType, path: str) -> dict[str, Any]:
        known = fields(info)
        whole: dict[str, Any] = {}
        for written, part in value.items():
            at = f"{path}.{written}".lstrip(".")
            name = self._name(written, known, at)
            if name not in known:
                self._may(Quirk.EXTRA_FIELD, at, part)
            elif part is None and not isinstance(known[name], inspect.AnyType):
                self._may(Quirk.NULL, at, part)
            elif not (part == [] and name not in _required(info) and self._may(Quirk.EMPTY_LIST, at, part)):
                whole[name] = self.mend(part, known[name], at)
        return whole

    def _name(self, written: str, known: dict[str, inspect.Type], path: str) -> str:
        if written in known or not Quirk.FIELD_CAPITALS.passes(self._tolerance):
            return written
        return str(self._changed(Quirk.FIELD_CAPITALS, path, written, _word(written, known)))

    def _changed(self, quirk: Quirk, path: str, was: Any, now: Any) -> Any:
        """``now``, when that makes a difference and the tolerance has it."""
        if now == was and type(now) is type(was):
            return was
        return now if self._may(quirk, path, was) else was

    def _may(self, quirk: Quirk, path: str, sample: Any) -> bool:
        if not quirk.passes(self._tolerance):
            return False
        secret = path.rpartition(".")[2].split("[")[0] in NOT_SHOWN
        self.found.append((quirk, path, "(not shown)" if secret else msgspec.json.encode(sample).decode()))
        return True


def csms_report(csms: str, deviations: Iterable[Deviation]) -> str:
    """What to mail to the vendor of a backend: one paragraph a deviation, the most frequent first."""
    listed = sorted(deviations, key=lambda one: (-one.count, one.place, one.quirk))
    if not listed:
        return f"{csms}: no deviation from the OCPP schemas seen.\n"
    head = f"{csms}: deviations from OCPP, {len(listed)} kinds, {_times(sum(one.count for one in listed))} in all.\n"
    return head + "".join(f"\n{_paragraph(number, one)}" for number, one in enumerate(listed, 1))


def _paragraph(number: int, one: Deviation) -> str:
    fate = "understood anyway" if one.accepted else "refused"
    return (
        f"{number}. {one.place}: {one.text}\n"
        f"   {_times(one.count)}, {fate}; see OCPP {one.clause}\n"
        f"   for example: {one.sample}\n"
    )


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _required(info: inspect.StructType) -> set[str]:
    return {field.encode_name for field in info.fields if field.required}


def _word(written: str, words: Iterable[Any]) -> str:
    """The one of ``words`` that was meant."""
    return next((str(word) for word in words if str(word).casefold() == written.strip().casefold()), written)


def _unquoted(text: str, info: inspect.Type) -> Any:
    bare = text.strip()
    if isinstance(info, inspect.BoolType):
        return {"true": True, "false": False}.get(bare.casefold(), text)
    if re.fullmatch(r"[+-]?\d{1,18}", bare):
        return int(bare)
    if isinstance(info, inspect.FloatType) and re.fullmatch(r"[+-]?\d{1,18}\.\d{1,18}", bare):
        return float(bare)
    return text


TIME = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d)(:\d\d)?([.,]\d{1,9})?\s*(Z|z|[+-]\d\d)?(?::?(\d\d))?")


def _time(text: str) -> str:
    """A time with seconds and zone, UTC where none is written; anything else as it was."""
    if (found := TIME.fullmatch(text.strip())) is None:
        return text
    day, minute, second, fraction, hours, minutes = found.groups()
    zone = "Z" if hours in (None, "Z", "z") else f"{hours}:{minutes or '00'}"
    return f"{day}T{minute}{second or ':00'}{(fraction or '').replace(',', '.')}{zone}"


def _meant(offered: Sequence[str], chosen: str | None) -> str:
    """The version a CSMS means that names none of those offered: what it resembles, else the oldest."""
    written = re.sub(r"[^a-z0-9.]", "", (chosen or "").casefold().split(",")[0])
    return next((name for name in offered if name.casefold() == written), min(offered))
