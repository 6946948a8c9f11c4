"""What is to be done, in the imperative: hardware first, then disk, then network."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from agent.ocpp.errors import ErrorCode
from agent.ocpp.messages.base import Request, Response
from agent.vocabulary.values import NetworkProfile
from hal.ports import DcSupply, DcWish, PilotIntent, ScheduleOffer, SeccIntent, SignedSession


class Command(msgspec.Struct, frozen=True, tag_field="command", tag=True):
    """Something to be done by an edge."""


class ApplyIntent(Command, frozen=True):
    """Make this the wish for the EVSE's pilot and power path."""

    evse: int
    intent: PilotIntent


class LockConnector(Command, frozen=True):
    """Lock the plug in."""

    evse: int
    connector: int


class UnlockConnector(Command, frozen=True):
    """Let the plug go."""

    evse: int
    connector: int


class ClearFault(Command, frozen=True):
    """Ask the EVSE's pilot controller to leave a latched fault; it stays where its cause does."""

    evse: int


class TellVehicle(Command, frozen=True):
    """Make this what the vehicle hears in its ISO 15118 session."""

    evse: int
    intent: SeccIntent


class BringContract(Command, frozen=True):
    """Let the vehicle have what the CSMS says to its wish for a contract certificate; None: nothing comes."""

    evse: int
    exi: str | None


class OfferSchedules(Command, frozen=True):
    """Let the vehicle choose among these schedules."""

    evse: int
    offers: tuple[ScheduleOffer, ...]


class SupplyDc(Command, frozen=True):
    """Make this the wish for the EVSE's DC supply."""

    evse: int
    wish: DcWish


class TellSupply(Command, frozen=True):
    """Let the EVSE's DC session know this of the supply."""

    evse: int
    supply: DcSupply


class CheckInsulation(Command, frozen=True):
    """Let the EVSE's insulation monitor test itself."""

    evse: int


class SampleMeter(Command, frozen=True):
    """Read the meter now, and at this pace from now on."""

    evse: int
    period_s: float


class BeginSigned(Command, frozen=True):
    """Let the meter sign this session from now on."""

    evse: int
    session: SignedSession


class EndSigned(Command, frozen=True):
    """This session is over for the meter, if any is known; its record comes with a reading."""

    evse: int
    session: SignedSession | None


class KeepRecord(Command, frozen=True):
    """Remember this under the key; None forgets it."""

    key: str
    value: bytes | None


class UploadLog(Command, frozen=True):
    """Bring this log to a URL; how it went comes as ``UploadEnded``."""

    request_id: int
    log_type: str
    url: str
    filename: str
    oldest: datetime | None = None
    latest: datetime | None = None


class CancelUpload(Command, frozen=True):
    """The upload under way is not wanted any more."""


class LogSecurityEvent(Command, frozen=True):
    """Keep this in the security log."""

    type: str
    at: datetime
    tech_info: str


class ChangeLocalList(Command, frozen=True):
    """Change the local authorization list on disk: replace it or not, then drop keys, then put entries."""

    replace: bool
    put: tuple[tuple[bytes, bytes], ...] = ()
    drop: tuple[bytes, ...] = ()


class Send(Command, frozen=True):
    """Ask the CSMS.  What is not ``durable`` is lost when offline, and its sender hears so.

    ``worth`` 0: never given up; 1: a periodic reading; 2: another event in the course of a transaction (E04.FR.07).
    ``asked_for``: the CSMS asked for this message, so it may go before the CSMS has accepted us (B02.FR.02).
    """

    request: Request
    durable: bool = False
    asked_for: bool = False
    transaction_id: str = ""
    seq_no: int = 0
    worth: int = 0


class Answer(Command, frozen=True):
    """Answer a call of the CSMS; goes out after what the answer promises is on disk.

    With a disk that refuses, ``unless_stored`` goes out instead where there is one.
    """

    message_id: str
    response: Response
    unless_stored: Response | None = None


class Refuse(Command, frozen=True):
    """Answer a call of the CSMS with a CALLERROR."""

    message_id: str
    code: ErrorCode
    reason: str


class AdmitMessages(Command, frozen=True):
    """What may be sent now: only BootNotification, also what the CSMS asks for, or everything."""

    which: Literal["boot", "asked", "all"]


class SetClock(Command, frozen=True):
    """Somebody told the time: the CSMS in an answer, or the system, whose clock a time server keeps by now."""

    wall: datetime
    source: Literal["Heartbeat", "NTP"] = "Heartbeat"


class TuneLink(Command, frozen=True):
    """The numbers of the device model that the link works with."""

    timeout_s: float
    ping_interval_s: float
    back_off_minimum_s: float
    back_off_random_s: float
    back_off_doublings: int
    attempts: int
    attempt_interval_s: float
    profile_attempts: int = 3


class UseNetwork(Command, frozen=True):
    """Connect by these profiles, first choice first; ``good`` worked last."""

    entries: tuple[NetworkProfile, ...]
    good: NetworkProfile | None = None


class UsePassword(Command, frozen=True):
    """Authenticate by this password from the next connection on; an empty one is that of the provisioning.

    ``over_slots``: it is newer than what network profiles bring along.
    """

    password: str
    over_slots: bool = False

    def __repr__(self) -> str:
        return "UsePassword(***)"


class RenewLink(Command, frozen=True):
    """Close the connection, if there is one, and connect anew at once; what waits goes on waiting."""

    reason: str


class Restart(Command, frozen=True):
    """Start anew, from what is on disk."""

    reason: str
