"""What the hardware said: past tense, stamped by the loop when they arrive.  No decision, no OCPP.

Every event is a frozen struct that can be written as JSON, so that a field trace can be recorded and replayed.
``evse`` is the number in the board file; 0 is the whole station.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal

import msgspec


class CpState(StrEnum):
    """Control-pilot state, IEC 61851-1 table A.1: the vehicle's side of the pilot."""

    A = "A"  # no vehicle
    B = "B"  # vehicle, not ready
    C = "C"  # vehicle draws power
    D = "D"  # vehicle draws power and needs ventilation
    E = "E"  # no pilot: short to earth, no supply
    F = "F"  # station not available, or fault


LockPosition = Literal["locked", "unlocked", "moving", "unknown"]

FaultCode = Literal[
    "ConnectorLockFailure",
    "DoorOpen",
    "EmergencyStop",
    "GroundFailure",
    "HighTemperature",
    "InternalError",
    "OtherError",
    "OverCurrentFailure",
    "OverVoltage",
    "PilotFailure",
    "PowerMeterFailure",
    "PowerSwitchFailure",
    "ReaderFailure",
    "TiltDetected",
    "UnderVoltage",
    "VentilationRequired",
    "WaterDetected",
    "WeldedContactor",
]

TokenKind = Literal["ISO14443", "ISO15693", "KeyCode", "Local", "MacAddress", "eMAID", "Central", "NoAuthorization"]


class Event(msgspec.Struct, frozen=True, tag_field="event", tag=True):
    """Something that the hardware said."""


class PilotChanged(Event, frozen=True):
    """The vehicle's side of the pilot changed.  ``pwm``: the oscillator runs (x2 of the standard), None: not told."""

    evse: int
    state: CpState
    connector: int = 1
    pwm: bool | None = None


class PowerChanged(Event, frozen=True):
    """The contactor's feedback: the power path is closed or open."""

    evse: int
    closed: bool
    phases: int | None = None


class CableRated(Event, frozen=True):
    """The cable's coding resistor (PP) was read; None: no cable, or permanently attached."""

    evse: int
    limit_a: float | None
    connector: int = 1


class LockMoved(Event, frozen=True):
    """The connector lock's position; ``unknown`` where the part has no feedback."""

    evse: int
    position: LockPosition
    connector: int = 1


class SignedRecord(msgspec.Struct, frozen=True):
    """What a certified meter signed, as the meter gave it; the agent carries it and does not look into it.

    ``data`` and ``public_key`` are base64; ``encoding`` is the format of the data (OCMF, EDL); ``method`` is empty
    where the data names its signature's algorithm.  ``transaction_id``: it covers this session and no other one;
    empty: it covers the reading that it comes with.
    """

    data: str
    encoding: str
    method: str = ""
    public_key: str = ""
    transaction_id: str = ""


class MeterSampled(Event, frozen=True):
    """One reading of a meter.  Registers are lifetime totals; per-phase tuples have one entry a measured phase.

    Power is negative where the vehicle gives it.  ``signed`` covers the register of imported energy.
    """

    evse: int
    import_wh: float | None = None
    export_wh: float | None = None
    power_w: float | None = None
    power_phase_w: tuple[float, ...] = ()
    voltage_v: tuple[float, ...] = ()
    current_a: tuple[float, ...] = ()
    frequency_hz: float | None = None
    power_factor: float | None = None
    soc_percent: float | None = None
    import_phase_wh: tuple[float, ...] = ()
    export_phase_wh: tuple[float, ...] = ()
    import_varh: float | None = None
    export_varh: float | None = None
    reactive_var: float | None = None
    import_vah: float | None = None
    export_vah: float | None = None
    signed: SignedRecord | None = None


class CardPresented(Event, frozen=True):
    """A token was read.  ``evse`` 0: the reader belongs to the whole station."""

    evse: int
    uid: str
    kind: TokenKind = "ISO14443"


ChainVerdict = Literal["valid", "invalid", "unknown_root"]
"""What the part that holds the roots says of a certificate chain; ``unknown_root``: it has none to judge it by."""


class CertificateHash(msgspec.Struct, frozen=True):
    """What an OCSP responder is asked about one certificate; hashes (SHA-256) and serial number in hexadecimal."""

    issuer_name: str
    issuer_key: str
    serial: str
    responder_url: str


class Contract(msgspec.Struct, frozen=True):
    """A contract of a vehicle's driver (ISO 15118 PaymentDetails); the chain and the hashes begin with the leaf."""

    emaid: str
    chain_pem: str
    hashes: tuple[CertificateHash, ...]
    verdict: ChainVerdict


class ContractPresented(Event, frozen=True):
    """The vehicle chose to pay by contract, and this is it."""

    evse: int
    contract: Contract


class EimChosen(Event, frozen=True):
    """The vehicle leaves it to external means of identification (a card, an app) who pays."""

    evse: int


CertificateAction = Literal["Install", "Update"]


class ContractCertificateAsked(Event, frozen=True):
    """The vehicle wants a contract certificate installed or updated; ``exi`` is its request (ISO 15118), in Base64."""

    evse: int
    action: CertificateAction
    schema_version: str
    exi: str


class EvNeeds(msgspec.Struct, frozen=True):
    """What a vehicle needs and can take (ISO 15118 ChargeParameterDiscovery); None: it did not say."""

    transfer: Literal["AC_single_phase", "AC_two_phase", "AC_three_phase", "DC"]
    max_a: float
    max_v: float
    min_a: float = 0.0
    energy_wh: float | None = None
    max_w: float | None = None
    soc_percent: float | None = None
    departure: datetime | None = None


class EvNeedsTold(Event, frozen=True):
    """The vehicle said what it needs: at first, or because it wants other schedules."""

    evse: int
    needs: EvNeeds


class EvScheduleChosen(Event, frozen=True):
    """The vehicle follows this schedule of those on offer, in their unit; with ``limits`` it draws less than that.

    ``limits``: seconds after the beginning of the schedule, and the most from then on; empty: it said nothing of it.
    """

    evse: int
    schedule_id: int
    limits: tuple[tuple[int, float], ...] = ()


class BayChanged(Event, frozen=True):
    """The parking-bay sensor."""

    evse: int
    occupied: bool


class VehicleEnded(Event, frozen=True):
    """The vehicle said that it wants no more energy in this session (ISO 15118 SessionStop, or a simulated one)."""

    evse: int


DcPhase = Literal[
    "idle",
    "setup",
    "authorization",
    "cable_check",
    "precharge",
    "charging",
    "stopping",
    "welding_detection",
    "pause",
    "unavailable",
]
"""Where a DC session is, by the words of ISO 15118-2; ``setup``: link and parameters; ``idle``: no session."""


class DcDemanded(Event, frozen=True):
    """What a DC session needs of the supply now; 0 V: no output."""

    evse: int
    phase: DcPhase
    voltage_v: float = 0.0
    current_a: float = 0.0


class DcVehicleTold(Event, frozen=True):
    """What the vehicle said of itself in its DC session; None: it did not."""

    evse: int
    protocol: str
    evccid: str | None = None
    soc_percent: float | None = None
    max_v: float | None = None
    max_a: float | None = None
    max_w: float | None = None


class DcOutput(Event, frozen=True):
    """What was measured at the output of the DC supply."""

    evse: int
    voltage_v: float
    current_a: float


class DcCapability(Event, frozen=True):
    """What the DC supply can give with the power modules that answer now."""

    evse: int
    modules: int
    min_v: float
    max_v: float
    max_a: float
    max_w: float


class InsulationMeasured(Event, frozen=True):
    """Insulation resistance of the output; None: no valid value now."""

    evse: int
    ohm: float | None


class InsulationTested(Event, frozen=True):
    """The insulation monitor has tested itself."""

    evse: int
    passed: bool


class TemperatureMeasured(Event, frozen=True):
    """A temperature, with the name of the spot from the board file."""

    evse: int
    spot: str
    celsius: float


class ResidualCurrentTested(Event, frozen=True):
    """The residual current monitor was told to test itself; ``text`` says what it has not passed."""

    evse: int
    passed: bool
    text: str = ""


class HardwareFaulted(Event, frozen=True):
    """A part reports a fault; it stays until the ``HardwareHealed`` with the same part, evse, connector and code.

    ``part``: its place on the board, written by whoever made the driver and not by the driver itself.
    """

    evse: int
    code: FaultCode
    connector: int | None = None
    vendor_code: str = ""
    text: str = ""
    part: str = ""


class HardwareHealed(Event, frozen=True):
    """The fault with this code is gone at this part."""

    evse: int
    code: FaultCode
    connector: int | None = None
    part: str = ""


class DeviceLost(Event, frozen=True):
    """A part does not answer any more; what it said last may no longer be true.  ``part``: its place on the board."""

    evse: int
    part: str
    reason: str


class DeviceFound(Event, frozen=True):
    """A part answers (again).  ``detail`` is what it says of itself: model, firmware."""

    evse: int
    part: str
    detail: str = ""


class HardwareWarned(Event, frozen=True):
    """Something a technician should know that stops nothing: a safety check switched off, garbage on a wire."""

    evse: int
    part: str
    text: str


AnyEvent = (
    PilotChanged
    | PowerChanged
    | CableRated
    | LockMoved
    | MeterSampled
    | CardPresented
    | ContractPresented
    | EimChosen
    | ContractCertificateAsked
    | EvNeedsTold
    | EvScheduleChosen
    | BayChanged
    | VehicleEnded
    | DcDemanded
    | DcVehicleTold
    | DcOutput
    | DcCapability
    | InsulationMeasured
    | InsulationTested
    | TemperatureMeasured
    | ResidualCurrentTested
    | HardwareFaulted
    | HardwareHealed
    | DeviceLost
    | DeviceFound
    | HardwareWarned
)
