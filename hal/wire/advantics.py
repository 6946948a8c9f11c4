"""Advantics SECC, "Generic EVSE" v3: what it says and what it is told, by the DBC.  Knows no bus and no session."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import msgspec

from hal.wire.dbc import Dbc, Signals

FILTERS = ((0x6B000, 0x1FFFF000),)
KOHM_A_STEP = 2
MOST_KOHM = 255 * KOHM_A_STEP


class State(IntEnum):
    """Of the controller."""

    INIT = 0
    WAITING_FOR_EV = 1
    NEGOTIATING = 2
    CONNECTED = 3
    INSULATION_TEST = 4
    PRECHARGE = 5
    WAITING_FOR_CHARGE = 6
    CHARGING = 7
    ENDING = 8
    WELDING_DETECTION = 9
    CLOSING = 10
    AUTHORISATION = 11
    NOT_AVAILABLE = 12
    PAUSE = 13


class Function(IntEnum):
    """What the modules are for now."""

    OFF = 0
    STANDBY = 1
    INSULATION_TEST = 2
    PRECHARGE = 4
    TRANSFER = 8


PROTOCOLS = {
    0: "DIN 70121",
    1: "ISO 15118:2010",
    2: "ISO 15118-2",
    3: "CHAdeMO",
    4: "CHAdeMO",
    5: "CHAdeMO",
    6: "PWM",
    7: "ISO 15118-20",
}


class Status(msgspec.Struct, frozen=True):
    """The controller's heartbeat, every 100 ms."""

    state: State


class NewSession(msgspec.Struct, frozen=True):
    """A session begins; repeated until the host is ready."""

    protocol: str


class PowerControl(msgspec.Struct, frozen=True):
    """What the modules and the contactors shall do.  ``ranges``: the host picks a current between both."""

    voltage_v: float
    max_a: float
    min_a: float
    function: Function
    ranges: bool
    contactors: bool
    lower: bool


class Finished(msgspec.Struct, frozen=True):
    """The session is over."""

    rushed: bool


class EmergencyStop(msgspec.Struct, frozen=True):
    """Repeated while it lasts."""

    origin: str


class Battery(msgspec.Struct, frozen=True):
    """Of the vehicle."""

    soc_percent: float


class Voltages(msgspec.Struct, frozen=True):
    """Of the vehicle."""

    max_v: float


class ChargeLimits(msgspec.Struct, frozen=True):
    """Of the vehicle."""

    max_a: float
    max_w: float


class Evccid(msgspec.Struct, frozen=True):
    """The vehicle's communication controller."""

    text: str


class ControlPilot(msgspec.Struct, frozen=True):
    """The pilot's level in volts, and its duty."""

    volts: int
    duty_percent: float


Said = (
    Status | NewSession | PowerControl | Finished | EmergencyStop | Battery | Voltages | ChargeLimits | Evccid
    | ControlPilot
)  # fmt: skip


class ModulesStatus(msgspec.Struct, frozen=True):
    """Told every 100 ms within a session: without it the controller stops it."""

    voltage_v: float
    current_a: float
    enable: bool
    insulation_kohm: float
    temperature_c: float = 25.0


class Parameters(msgspec.Struct, frozen=True):
    """What the station can give."""

    max_v: float
    max_a: float
    range_a: float = 0.0


class Sequence(msgspec.Struct, frozen=True):
    """The host's steps; ``user_stop`` acts on its edge."""

    start: bool = False
    authorisation_done: bool = False
    authorisation_valid: bool = False
    parameters_done: bool = False
    user_stop: bool = False


class Codec:
    """Frames to structs and back."""

    def __init__(self, dbc_text: str) -> None:
        self._dbc = Dbc(dbc_text)

    def read(self, id: int, data: bytes) -> Said | None:
        """What the controller said; None: nothing that is known here, or that makes sense."""
        decoded = self._dbc.decode(id, data)
        if decoded is None:
            return None
        name, signals = decoded
        reader = READERS.get(name)
        try:
            return None if reader is None else reader(signals)
        except (KeyError, ValueError):  # a frame that is too short, a state that nobody knows
            return None

    def modules_status(self, told: ModulesStatus) -> tuple[int, bytes]:
        return self._dbc.encode(
            "Power_Modules_Status",
            {
                "Voltage": told.voltage_v,
                "Current": told.current_a,
                "Temperature_1": told.temperature_c,
                "Temperature_2": told.temperature_c,
                "System_Enable": told.enable,
                # Rounded down: never better than it is.
                "Insulation": min(told.insulation_kohm, MOST_KOHM) // KOHM_A_STEP * KOHM_A_STEP,
            },
        )

    def parameters(self, told: Parameters) -> tuple[int, bytes]:
        values = {"Voltage_Max": told.max_v, "Charge_Current_Max": told.max_a, "Range_Target": told.range_a}
        return self._dbc.encode("DC_Power_Parameters", values)

    def sequence(self, told: Sequence) -> tuple[int, bytes]:
        values = {
            "Start_Charge_Authorisation": told.start,
            "Authorisation_Done": told.authorisation_done,
            "Authorisation_Valid": told.authorisation_valid,
            "Parameters_Done": told.parameters_done,
            "User_Stop": told.user_stop,
        }
        return self._dbc.encode("Sequence_Control", values)


def _power_control(signals: Signals) -> PowerControl:
    return PowerControl(
        voltage_v=signals["Voltage_Target"],
        max_a=signals["Current_Max"],
        min_a=signals["Current_Min"],
        function=Function(int(signals["Function"])),
        ranges=bool(signals["Range_Mode"]),
        contactors=bool(signals["Contactors"]),
        lower=bool(signals["Lower_Voltage"]),
    )


def _evccid(signals: Signals) -> Evccid:
    return Evccid(":".join(f"{int(signals[f'Byte{index}']):02X}" for index in range(6)))


READERS: dict[str, Any] = {
    "Controller_Status": lambda s: Status(State(int(s["State"]))),
    "New_Charge_Session": lambda s: NewSession(PROTOCOLS.get(int(s["Protocol"]), f"protocol {int(s['Protocol'])}")),
    "DC_Power_Control": _power_control,
    "Charge_Session_Finished": lambda s: Finished(bool(s["Rushed"])),
    "Emergency_Stop": lambda s: EmergencyStop({1: "EVSE", 3: "EV"}.get(int(s["Origin"]), f"{int(s['Origin'])}")),
    "EV_Information_Battery": lambda s: Battery(float(s["SoC_Present"])),
    "EV_Information_Voltages": lambda s: Voltages(s["Voltage_Max"]),
    "EV_Information_Charge_Limits": lambda s: ChargeLimits(s["Current_Max"], s["Power_Max"] * 1000),
    "EV_Information_EVCCID": _evccid,
    "CP_Status": lambda s: ControlPilot(int(s["CP_Voltage"]), s["CP_Duty"]),
}
"""Message of the DBC -> what it says."""
