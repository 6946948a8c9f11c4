"""What a set of InfyPower modules has said: who is there, who is sound, what they give together.

Knows no bus and no clock.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from hal.events import DcCapability, DcOutput, FaultCode
from hal.wire.infypower import Available, Condition, Done, Measured, Modules, Rating, Said, StatusBit

STALE_S = 3.0
"""A measured value that is older is not what flows now."""

DISABLING: dict[StatusBit, FaultCode] = {
    "output short": "OverCurrentFailure",
    "output over-voltage": "OverVoltage",
    "over-temperature": "HighTemperature",
    "input over-voltage": "OverVoltage",
    "input under-voltage": "UnderVoltage",
    "phase lost": "UnderVoltage",
    "identifier clash": "InternalError",
    "fault": "InternalError",
    "protection": "InternalError",
}
"""Bits that mean that a module gives nothing; the plain ones first, ``fault`` says least."""


class Module(msgspec.Struct):
    """One module, as it was heard last."""

    heard_mono: float = float("-inf")
    measured_mono: float = float("-inf")
    voltage_v: float = 0.0
    current_a: float = 0.0
    rating: Rating | None = None
    bits: frozenset[StatusBit] = frozenset()

    @property
    def trouble(self) -> StatusBit | None:
        """The bit that says best why it gives nothing."""
        return next((bit for bit in DISABLING if bit in self.bits), None)


class Fleet:
    """All modules of one output.

    A module that falls silent counts as giving its share for ``gone_s``: that long it goes on by itself, and what the
    others were given in its place would come on top.
    """

    def __init__(self, addresses: Iterable[int], gone_s: float) -> None:
        self.modules = {address: Module() for address in addresses}
        self._gone_s = gone_s

    def forget(self) -> None:
        """Nobody has been heard."""
        self.modules = {address: Module() for address in self.modules}

    def take(self, said: Said, mono: float) -> bool:
        """Take what a module says; whether it is one of ours."""
        module = self.modules.get(said.module)
        if module is None:
            return False
        module.heard_mono = mono
        match said:
            case Measured(voltage_v=voltage_v, current_a=current_a):
                module.voltage_v, module.current_a, module.measured_mono = voltage_v, current_a, mono
            case Condition(bits=bits):
                module.bits = bits
            case Rating():
                module.rating = said
            case Available() | Modules() | Done():
                pass
        return True

    def present(self, mono: float) -> list[int]:
        """Who is there, or has not been silent for long enough to be switched off."""
        return [address for address, each in self.modules.items() if mono - each.heard_mono < self._gone_s]

    def active(self, mono: float) -> list[int]:
        """Who is there and gives power."""
        return [address for address in self.present(mono) if self.modules[address].trouble is None]

    def heard_mono(self) -> float:
        """When any of them was heard last."""
        return max(each.heard_mono for each in self.modules.values())

    def troubles(self, mono: float) -> dict[int, StatusBit]:
        """Who is there and gives no power, and why."""
        found = {address: self.modules[address].trouble for address in self.present(mono)}
        return {address: bit for address, bit in found.items() if bit is not None}

    def output(self, evse: int, mono: float) -> DcOutput | None:
        """What they give together; None: nobody has measured lately."""
        fresh = [each for each in self.modules.values() if mono - each.measured_mono < STALE_S]
        if not fresh:
            return None
        voltage_v = max(each.voltage_v for each in fresh)
        return DcOutput(evse, round(voltage_v, 1), round(sum(each.current_a for each in fresh), 2))

    def capability(self, evse: int, mono: float) -> DcCapability:
        """What they can give together: the range that all of them have, the sum of currents and powers."""
        rated = [each for address in self.active(mono) if (each := self.modules[address].rating) is not None]
        if not rated:
            return DcCapability(evse, 0, 0.0, 0.0, 0.0, 0.0)
        return DcCapability(
            evse,
            len(rated),
            min_v=max(each.min_v for each in rated),
            max_v=min(each.max_v for each in rated),
            max_a=sum(each.max_a for each in rated),
            max_w=sum(each.max_w for each in rated),
        )
