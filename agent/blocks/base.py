"""What every functional block has: a letter, its tables, and the desk that it shares with the others."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from random import Random
from typing import Any, ClassVar, TypeVar, cast
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

from agent.model.catalogue import CACHE_STORAGE, LOCAL_LIST_ENTRIES, LOCAL_LIST_STORAGE, TX_BEFORE_ACCEPTED_ENABLED
from agent.model.device import DeviceModel, Spot
from agent.ocpp.errors import ErrorCode
from agent.ocpp.messages.base import Request, Response
from agent.ocpp.messages.common import (
    EVSE,
    ChargingProfile,
    Component,
    IdToken,
    IdTokenInfo,
    OCSPRequestData,
    StatusInfo,
)
from agent.ocpp.messages.common import Variable as OcppVariable
from agent.session.cache import AuthorizationCache
from agent.session.charging_profiles import ChargingProfiles
from agent.session.evse import Evse
from agent.session.local_list import LocalList
from agent.session.site import Site
from agent.session.tokens import Entry
from agent.vocabulary.commands import Answer, Command, KeepRecord, Send
from agent.vocabulary.facts import Fact, RegistrationStatus
from agent.vocabulary.incoming import Incoming
from agent.vocabulary.values import LastEnd, Now, Token
from hal.events import CertificateHash

T = TypeVar("T")

BOOT_REASON = "boot/reason"
"""The record of why the next start is one, where somebody asks for it."""

FactTable = Mapping[type[Fact], Callable[..., None]]
CallTable = Mapping[type[Request], Callable[..., Response | None]]
AnswerTable = Mapping[type[Request], Callable[..., None]]
IncomingTable = Mapping[type[Incoming], Callable[..., None]]


MOST_PROMISES = 16
"""How many of the last answers can be taken back: a CSMS asks again before the disk has said how it went."""

NO_ROOM = StatusInfo(reason_code="OutOfStorage", additional_info="the disk refuses writes")


class CallRefused(Exception):
    """A call of the CSMS that gets a CALLERROR with this code."""

    def __init__(self, code: ErrorCode, reason: str) -> None:
        super().__init__(reason)
        self.code: ErrorCode = code
        self.reason = reason


class Desk:
    """What the blocks share: the EVSEs, the device model, and where facts and commands are laid down."""

    def __init__(self, site: Site, model: DeviceModel, entropy: Random) -> None:
        self.site = site
        self.model = model
        self.cache = AuthorizationCache(int(CACHE_STORAGE.high or 0))
        self.local_list = LocalList(int(LOCAL_LIST_ENTRIES.high or 0), int(LOCAL_LIST_STORAGE.high or 0))
        self.profiles = ChargingProfiles()
        self.judge_profile: Callable[[Evse, ChargingProfile], StatusInfo | None] = lambda evse, profile: None
        self.entropy = entropy
        self.registration: RegistrationStatus | None = None
        self.online = False
        self.heard_mono = float("-inf")
        self.boot_reason = "PowerUp"
        self.machine_start = ""  # which start of the machine this is; empty: every start of the agent is one
        self.last_end: LastEnd | None = None  # what the service manager says of the process before this one
        self.board_reset = ""  # what reset the board, where the board says so
        self.boot_detail = ""
        self.facts: deque[Fact] = deque()
        self.commands: list[Command] = []
        self.message_id = ""
        self.unreadable: list[str] = []
        self.wall = datetime(1970, 1, 1, tzinfo=UTC)
        self.clock_known = True
        self.disk_works = True
        self.waiting: Callable[[str | None], bool] = lambda transaction_id: False
        self._undo: deque[tuple[str, Callable[[], object]]] = deque(maxlen=MOST_PROMISES)
        self.triggers: dict[str, Callable[[], bool]] = {}  # what else the CSMS may ask for, and whether it can now
        self.busy: set[str] = set()  # what a reset on idle waits for besides charging: an upload, an update
        self.unbreakable = ""  # what no reset may interrupt, in words

    def tell(self, command: Command) -> None:
        """Lay down a command."""
        self.commands.append(command)

    def post(self, fact: Fact) -> None:
        """Lay down a fact; every block hears it when the present one is dealt with."""
        self.facts.append(fact)

    def send(self, request: Request, *, asked_for: bool = False) -> None:
        """Ask the CSMS; the outcome comes to the block that lists the request under ``answers``."""
        self.tell(Send(request, asked_for=asked_for))

    def promise(self, response: Response, unless_stored: Response, undo: Callable[[], object]) -> None:
        """Answer the present call; where the disk refuses, the other answer goes out and ``undo`` is done."""
        self._undo.append((self.message_id, undo))
        self.tell(Answer(self.message_id, response, unless_stored))

    def take_back(self, message_id: str) -> None:
        """The disk has refused what the answer to this call would have promised, and all that waited behind it."""
        while any(promised == message_id for promised, _ in self._undo):
            _, undo = self._undo.pop()
            undo()

    def read_record(self, key: str, value: bytes, kind: type[T]) -> T | None:
        """A record of the last time; what cannot be read is noted and forgotten, the station starts without it."""
        try:
            return msgspec.json.decode(value, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError):
            self.forget_record(key)
            return None

    def forget_record(self, key: str) -> None:
        """It makes no sense here."""
        self.unreadable.append(key)
        self.tell(KeepRecord(key, None))

    def new_id(self) -> str:
        """An identifier that is never used again: a random UUID (E01.FR.08)."""
        return str(UUID(int=self.entropy.getrandbits(128), version=4))

    @property
    def accepted(self) -> bool:
        """Whether the CSMS has accepted this station."""
        return self.registration == "Accepted"

    @property
    def may_charge(self) -> bool:
        """Whether anybody may begin to charge (B02.FR.03, B03.FR.01)."""
        return self.accepted or self.model[TX_BEFORE_ACCEPTED_ENABLED]


class Block:
    """A functional block of OCPP.  A ``calls`` method that returns None answers later, by ``Answer``."""

    letter: ClassVar[str]
    facts: ClassVar[FactTable] = {}
    calls: ClassVar[CallTable] = {}
    answers: ClassVar[AnswerTable] = {}
    incoming: ClassVar[IncomingTable] = {}

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def remember(self, records: Mapping[str, bytes], now: Now) -> None:
        """Take back at start what ``KeepRecord`` kept."""

    def next_deadline(self) -> float | None:
        """When ``expire`` wants to be called; None: not because of the time."""
        return None

    def expire(self, now: Now) -> None:
        """A deadline may have passed."""


def bound(request: Request, items: int, most_items: int, most_bytes: int) -> None:
    """Take no more in one message than the device model says.

    Raises:
        CallRefused: too many items (B06.FR.16, B08.FR.17), or too many bytes (B06.FR.17, B08.FR.18).

    """
    if items > most_items:
        raise CallRefused("OccurrenceConstraintViolation", f"{items} items; at most {most_items} in one message")
    if len(msgspec.json.encode(request)) > most_bytes:
        raise CallRefused("FormatViolation", f"more than {most_bytes} bytes in one message")


def objection_to(url: str, protocols: tuple[str, ...]) -> str:
    """Why no file can be fetched from there or brought there by these protocols; empty when it can be tried."""
    try:
        parts = urlsplit(url)
        scheme, host = parts.scheme.upper(), parts.hostname
        _ = parts.port  # raises for one that is none
    except ValueError as error:
        return str(error)
    if scheme not in protocols:
        return f"{scheme or 'no protocol'}; known are {', '.join(protocols)}"
    return "" if host else "no host"


def spot_of(component: Component, variable: OcppVariable) -> Spot:
    """Where the CSMS means; an empty instance is none (B06.FR.15)."""
    evse = component.evse
    return Spot(
        component.name,
        variable.name,
        variable.instance or None,
        None if evse is None else evse.id,
        None if evse is None else evse.connector_id,
        component.instance or None,
    )


def place_of(spot: Spot) -> tuple[Component, OcppVariable]:
    """A place as the CSMS is told it."""
    evse = None if spot.evse is None else EVSE(id=spot.evse, connector_id=spot.connector)
    component = Component(name=spot.component, evse=evse, instance=spot.component_instance)
    return component, OcppVariable(name=spot.variable, instance=spot.instance)


def token_of(token: IdToken) -> Token:
    """An identifier as the CSMS wrote it."""
    return Token(token.id_token, cast("Any", token.type))


def ocsp_data(asked: CertificateHash) -> OCSPRequestData:
    """What the CSMS asks a responder about a certificate."""
    return OCSPRequestData(
        hash_algorithm="SHA256",
        issuer_name_hash=asked.issuer_name,
        issuer_key_hash=asked.issuer_key,
        serial_number=asked.serial,
        responder_url=asked.responder_url,
    )


def entry_of(info: IdTokenInfo) -> Entry:
    """What the CSMS says of an identifier, as it is kept: without a tariff or a message (C10.FR.09)."""
    return Entry(
        status=info.status,
        group=None if info.group_id_token is None else token_of(info.group_id_token),
        evses=tuple(info.evse_id or ()),
        expires_at=info.cache_expiry_date_time,
    )
