"""What a part can do, as small capabilities.  Commands set a wish and return at once; results come back as events.

A driver keeps the last wish and repeats it when its device comes back, so that every command is idempotent and
the loop never waits for a wire.  The agent *permits* power; the part closes the contactor by itself, or does not.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Literal, Protocol, runtime_checkable

import msgspec

from hal.events import Event, FaultCode, TokenKind
from hal.liveness import Liveness

Post = Callable[[Event], None]


class PilotIntent(msgspec.Struct, frozen=True):
    """What the station wants of an EVSE's pilot and power path.

    ``available`` False asks for state F where the part can show it.  ``limit_a`` is the current offered to the
    vehicle; None offers no current (steady pilot, x1).  ``permit_power`` lets the part close its contactor when the
    vehicle asks for it.  ``phases`` 1 or 3, None: as wired.
    """

    available: bool = True
    limit_a: float | None = None
    permit_power: bool = False
    phases: int | None = None
    reason: str = ""


class PilotTraits(msgspec.Struct, frozen=True):
    """What a pilot controller is, declared by its driver; the agent promises no more than this.

    ``on_host_loss``: what the part does by itself when the host goes silent: ``stops``, ``falls_back`` (to
    ``fallback_a``) or ``continues``.  ``resettable``: its EVSE can be started anew while the others go on.
    """

    style: Literal["direct", "autonomous", "secc"]
    on_host_loss: Literal["stops", "falls_back", "continues"]
    min_a: float = 6.0
    max_a: float = 32.0
    fallback_a: float | None = None
    keepalive_s: float | None = None
    shows_state_f: bool = True
    relay_feedback: bool = True
    phase_switch: bool = False
    resettable: bool = True


class SeccIntent(msgspec.Struct, frozen=True):
    """What the vehicle is to hear in its ISO 15118 session.

    ``contract``: it may pay by contract; by external means it always may.  ``authorization`` answers its request to
    charge; ``waiting`` keeps it asking.
    """

    contract: bool = False
    authorization: Literal["waiting", "granted", "refused"] = "waiting"


@runtime_checkable
class Driver(Protocol):
    """One device.  The constructor opens nothing and starts nothing; ``run`` does, until it is cancelled."""

    async def run(self) -> None: ...


@runtime_checkable
class PilotController(Driver, Protocol):
    """Control pilot and contactor of one EVSE."""

    traits: PilotTraits

    def apply(self, intent: PilotIntent) -> None:
        """Make this the wish from now on."""

    def clear_fault(self) -> None:
        """Ask the part to leave a latched fault, where it can."""


@runtime_checkable
class ConnectorLock(Driver, Protocol):
    """Lock of a socket.  The result is a ``LockMoved``, ``unknown`` where the part gives no feedback."""

    def lock(self) -> None: ...

    def unlock(self) -> None: ...


@runtime_checkable
class EnergyMeter(Driver, Protocol):
    """A meter; readings come as ``MeterSampled``."""

    def sample_every(self, period_s: float) -> None:
        """Read at this pace from now on, the first reading at once."""


class SignedSession(msgspec.Struct, frozen=True):
    """A transaction that a meter is to sign; by its id the record is known again after a power cut."""

    transaction_id: str
    token: str = ""
    token_kind: TokenKind = "NoAuthorization"


@runtime_checkable
class SignedMeter(EnergyMeter, Protocol):
    """A meter that signs a whole session.

    Its record, with the public key, comes as the ``signed`` of a ``MeterSampled``: when the session has ended, and also
    at the next start where a power cut kept it from being read.
    """

    def begin(self, session: SignedSession) -> None:
        """Sign this session from now on; one that runs already goes on."""

    def end(self, session: SignedSession | None) -> None:
        """This session is over; None: no session is known, what the meter still signs is nobody's."""


@runtime_checkable
class TokenReader(Driver, Protocol):
    """A card reader; tokens come as ``CardPresented``.  ``tokens`` are the kinds that it reads."""

    tokens: tuple[TokenKind, ...]


@runtime_checkable
class ResidualCurrentMonitor(Driver, Protocol):
    """Watches for residual current and opens the contactor by itself; a trip comes as ``HardwareFaulted``."""

    def self_test(self) -> None:
        """Test now, which takes the power away; the result is a ``ResidualCurrentTested``."""

    def reset(self) -> None:
        """Leave a trip that is over."""


@runtime_checkable
class SafetyInput(Driver, Protocol):
    """Watches over a station: emergency stop, door, tilt, water.  It only tells, by ``HardwareFaulted``.

    ``watches`` are the faults that it may tell.
    """

    watches: tuple[FaultCode, ...]


@runtime_checkable
class Thermometer(Driver, Protocol):
    """The temperature of one ``spot``; it comes as ``TemperatureMeasured``, also when it stays the same."""

    spot: str


@runtime_checkable
class Secc(Driver, Protocol):
    """What speaks ISO 15118 with the vehicle of one EVSE, and holds the roots that contracts are judged by.

    The vehicle's choice comes as ``ContractPresented`` or ``EimChosen``, anew when it makes another.
    """

    def tell_vehicle(self, intent: SeccIntent) -> None:
        """Make this the wish from now on."""


class SeccCertificates(msgspec.Struct, frozen=True):
    """What an SECC judges contracts by, and shows to vehicles.

    ``roots``: of V2G and of mobility operators, as PEM.  ``own_file``: its chain and their key, in one file; empty:
    there is none.  ``ocsp``: what responders say of the chain, leaf first, DER in Base64.
    """

    roots: tuple[str, ...] = ()
    own_file: str = ""
    ocsp: tuple[str, ...] = ()


@runtime_checkable
class PlugAndChargeSecc(Secc, Protocol):
    """An SECC that leaves certificates to the host; what a vehicle asks for comes as ``ContractCertificateAsked``."""

    def hold(self, certificates: SeccCertificates) -> None:
        """These count from now on."""

    def bring_contract(self, exi: str | None) -> None:
        """The answer for the vehicle, in Base64; None: there is none to be had."""


class ScheduleOffer(msgspec.Struct, frozen=True):
    """A schedule that a vehicle may choose: so many seconds after ``start``, at most this from then on.

    In watts, or in amperes for each of ``phases``.
    """

    id: int
    start: datetime
    duration_s: int
    unit: Literal["A", "W"]
    limits: tuple[tuple[int, float], ...]
    phases: int = 3


@runtime_checkable
class SchedulingSecc(Secc, Protocol):
    """An SECC that negotiates schedules: a vehicle's needs are ``EvNeedsTold``, its choice is ``EvScheduleChosen``."""

    def offer(self, offers: tuple[ScheduleOffer, ...]) -> None:
        """The vehicle chooses among these; one that has chosen already is asked to negotiate anew."""


class DcSupply(msgspec.Struct, frozen=True):
    """What a DC session is told of the supply, whenever something of it changes.

    ``ready`` False before a session: no service; within one: stop at once.  ``insulation_ohm`` None: not known, which
    counts as none.  ``cable_check`` is the verdict where the host judges.
    """

    ready: bool = False
    voltage_v: float = 0.0
    current_a: float = 0.0
    insulation_ohm: float | None = None
    max_v: float = 0.0
    max_a: float = 0.0
    cable_check: Literal["pending", "passed", "failed"] = "pending"


@runtime_checkable
class DcSecc(Secc, Protocol):
    """An SECC that runs DC sessions.

    What it needs comes as ``DcDemanded``, what it knows of the vehicle as ``DcVehicleTold``.  ``cable_check`` says who
    judges the insulation.
    """

    cable_check: Literal["host", "secc"]

    def tell_supply(self, supply: DcSupply) -> None:
        """This is so from now on."""


class DcWish(msgspec.Struct, frozen=True):
    """What a DC supply shall give."""

    on: bool = False
    voltage_v: float = 0.0
    current_a: float = 0.0


class DcTraits(msgspec.Struct, frozen=True):
    """What a DC supply does by itself ``keepalive_s`` after the host went silent."""

    on_host_loss: Literal["stops", "continues"]
    keepalive_s: float | None = None


@runtime_checkable
class DcSource(Driver, Protocol):
    """The power modules of one EVSE.  Told: ``DcOutput``, ``DcCapability``, faults."""

    dc_traits: DcTraits

    def supply(self, wish: DcWish) -> None:
        """Make this the wish from now on."""


@runtime_checkable
class InsulationMonitor(Driver, Protocol):
    """Watches the insulation of one EVSE's DC output; values come as ``InsulationMeasured``."""

    def self_test(self) -> None:
        """Test yourself; the result comes as ``InsulationTested``, and until then no value is valid."""


class Place(msgspec.Struct, frozen=True):
    """Where a part sits: its path in the board file (``evse[1].pilot``), what it belongs to, what it measures.

    ``liveness`` tells a driver that keeps a board awake whether the agent works.  Its class says
    ``wants_liveness = True``, or nobody feeds it.  ``time_of_day`` is for a part with a clock of its own; None: the
    station does not know the time.
    """

    part: str
    evse: int
    connector: int = 1
    limit_a: float = 32.0
    phases: int = 3
    voltage_v: float = 230.0
    spot: str = ""
    liveness: Liveness | None = None
    time_of_day: Callable[[], datetime | None] = lambda: None
