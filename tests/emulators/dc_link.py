"""The DC output of one EVSE: the same truth for modules, contactor, vehicle and insulation monitor."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from tests.emulators.load import Load

EFFICIENCY = 0.95


class DcLink:
    """Modules set voltage and current, the vehicle takes what it asked for; ``load`` is what the mains side feels."""

    _links: WeakKeyDictionary[Load, DcLink] = WeakKeyDictionary()

    def __init__(self, load: Load) -> None:
        self.load = load
        self.limit_a = 0.0
        self.voltage_v = 0.0
        self.battery_v = 380.0
        self.wanted_a = 0.0
        self.closed = False
        self.insulation_ohm = 1_000_000.0

    @classmethod
    def of(cls, load: Load) -> DcLink:
        """The one that hangs on this load."""
        if load not in cls._links:
            cls._links[load] = cls(load)
        return cls._links[load]

    @property
    def output_v(self) -> float:
        """The battery holds the voltage where the contactor is closed."""
        return self.battery_v if self.closed else self.voltage_v

    @property
    def current_a(self) -> float:
        flows = self.closed and self.voltage_v >= self.battery_v - 20
        return min(self.limit_a, self.wanted_a) if flows else 0.0

    def feed(self, voltage_v: float, limit_a: float) -> None:
        """The modules give this."""
        self.voltage_v, self.limit_a = voltage_v, limit_a
        self.settle()

    def settle(self) -> None:
        """Something changed."""
        power_w = self.output_v * self.current_a / EFFICIENCY
        self.load.current_a = power_w / (self.load.voltage_v * self.load.phases)
