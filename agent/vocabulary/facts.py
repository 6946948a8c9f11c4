"""What the events mean for charging, in the past tense."""

from __future__ import annotations

from typing import Literal

import msgspec

from agent.ocpp.messages.common import ChargingProfile
from agent.vocabulary.values import SigningUse, Token
from hal.events import CertificateAction, Contract, DcPhase, EvNeeds, FaultCode


class Fact(msgspec.Struct, frozen=True, tag_field="fact", tag=True):
    """Something that is now true."""

    evse: int


class EvConnected(Fact, frozen=True):
    """A vehicle is connected through this connector."""

    connector: int = 1


class EvDisconnected(Fact, frozen=True):
    """The vehicle is gone from this connector."""

    connector: int = 1


class EvRequestedPower(Fact, frozen=True):
    """The vehicle closed its switch: state C."""


class EvReleasedPower(Fact, frozen=True):
    """The vehicle opened its switch."""


class EvNeedsVentilation(Fact, frozen=True):
    """State D: no power without ventilation, and no board here has any."""


class EvEndedSession(Fact, frozen=True):
    """The vehicle wants no more energy in this session (ISO 15118 SessionStop)."""


class PilotFailed(Fact, frozen=True):
    """The pilot went where no vehicle takes it."""


class PilotHealed(Fact, frozen=True):
    """The pilot makes sense again."""


class PowerPathClosed(Fact, frozen=True):
    """The contactor reports closed."""


class PowerPathOpened(Fact, frozen=True):
    """The contactor reports open."""


class DcPhaseEntered(Fact, frozen=True):
    """The DC session of this EVSE is in another phase."""

    phase: DcPhase


class MeterRead(Fact, frozen=True):
    """A reading arrived; the EVSE has it."""


class BayOccupied(Fact, frozen=True):
    """A vehicle stands in the parking bay."""


class BayLeft(Fact, frozen=True):
    """The parking bay is empty."""


class EvseFaulted(Fact, frozen=True):
    """A fault holds this EVSE (or one connector); it gives no power."""

    code: FaultCode
    connector: int | None = None
    vendor_code: str = ""
    text: str = ""


class EvseHealed(Fact, frozen=True):
    """This fault is gone."""

    code: FaultCode
    connector: int | None = None


class LimitChanged(Fact, frozen=True):
    """What a vehicle may be offered here changed; 0 A: charging pauses."""

    limit_a: float
    phases: int


class LockReported(Fact, frozen=True):
    """The connector lock reports its position."""

    connector: int
    position: str


class TokenPresented(Fact, frozen=True):
    """Somebody identifies himself.  ``evse`` 0: at the station's reader, for whichever EVSE."""

    token: Token


class PaymentChosen(Fact, frozen=True):
    """The vehicle said how it pays: by this contract, or (None) as its driver shows at the station (C07, C08)."""

    contract: Contract | None


class ContractWanted(Fact, frozen=True):
    """The vehicle wants a contract certificate installed or updated; ``exi`` is what it says, for the CSMS alone."""

    action: CertificateAction
    schema_version: str
    exi: str


class NeedsTold(Fact, frozen=True):
    """The vehicle said what it needs (K15, K17)."""

    needs: EvNeeds


class ScheduleChosen(Fact, frozen=True):
    """The vehicle follows this schedule of those on offer; with ``limits`` it draws less than that."""

    schedule_id: int
    limits: tuple[tuple[int, float], ...] = ()


class RemoteStartRequested(Fact, frozen=True):
    """The CSMS wants this EVSE to charge for this token, within this profile if there is one."""

    token: Token
    remote_start_id: int
    group: Token | None = None
    profile: ChargingProfile | None = None


class TokenRefused(Fact, frozen=True):
    """The identifier gives no right to charge here; ``reason`` is for the display and the log."""

    token: Token
    reason: str


class AuthorizationGranted(Fact, frozen=True):
    """The EVSE may give energy; its ``authorization`` says for whom."""


class AuthorizationEnded(Fact, frozen=True):
    """The right to take energy ended."""

    trigger: str
    stopped_reason: str
    token: Token | None = None


class TransactionStarted(Fact, frozen=True):
    """A transaction runs on this EVSE."""

    transaction_id: str


class TransactionEnded(Fact, frozen=True):
    """The transaction is over and its last event is with the outbox.

    ``register_final``: the register was read after the power path had opened, or there is none to read.
    """

    transaction_id: str
    energy_wh: float | None = None
    register_final: bool = True


class ConnectorStatusChanged(Fact, frozen=True):
    """What the CSMS is told of a connector changed."""

    connector: int
    status: str


RegistrationStatus = Literal["Accepted", "Pending", "Rejected"]


class Registered(Fact, frozen=True):
    """The CSMS answered BootNotification (``evse`` 0)."""

    status: RegistrationStatus


class CameOnline(Fact, frozen=True):
    """The link is open and the CSMS knows us; ``offline_s`` how long it was not (``evse`` 0)."""

    offline_s: float


class WentOffline(Fact, frozen=True):
    """The link is gone (``evse`` 0)."""

    reason: str


class TriggerRequested(Fact, frozen=True):
    """The CSMS wants to hear this message (``evse`` 0: of every EVSE)."""

    message: str
    connector: int | None = None


class SecurityNoted(Fact, frozen=True):
    """Something of interest for security happened (``evse`` 0)."""

    type: str
    tech_info: str = ""


class PasswordChanged(Fact, frozen=True):
    """SecurityCtrlr.BasicAuthPassword has a new value, which counts for every configuration slot (``evse`` 0)."""


class CertificateRenewed(Fact, frozen=True):
    """The CSMS has brought a certificate that the station had asked for (``evse`` 0)."""

    use: SigningUse


class TrustChanged(Fact, frozen=True):
    """A root certificate was installed or deleted (``evse`` 0)."""


class ReservationUsed(Fact, frozen=True):
    """Whom a reservation was kept for is there (``evse`` 0: at the station's reader)."""

    id: int


class ResetRequested(Fact, frozen=True):
    """The station is to restart (``evse`` 0); running transactions end with these reasons first."""

    trigger: str
    stopped_reason: str
