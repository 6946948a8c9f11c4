"""A simulated energy meter.  Reads the world's register at the asked pace while power flows, and at every change."""

from __future__ import annotations

from hal.bus.sim import SimBus
from hal.bus.sim_evse import Timer
from hal.drivers.sim_part import SimPart
from hal.events import MeterSampled
from hal.ports import Place, Post

GRID_HZ = 50.0


class SimMeter(SimPart):
    """Meter of one EVSE, with a resolution of 1 mWh."""

    role = "meter"

    def __init__(self, config: SimPart.Config, place: Place, bus: SimBus, post: Post) -> None:
        super().__init__(config, place, bus, post)
        self._period_s = 0.0
        self._timer: Timer | None = None
        self._seen: tuple[bool, float, int] | None = None

    def sample_every(self, period_s: float) -> None:
        """Pace in seconds; 0 reads once, and then only what changes."""
        self._period_s = period_s
        if self._answers:
            self._look_again()

    def forget(self) -> None:
        super().forget()
        self._seen = None
        self._stop_timer()

    def report(self) -> None:
        """Read when the contactor moved, the power changed, the meter was set, or it was asked for."""
        seen, self._seen = self._seen, (self._truth.closed, self._truth.power_w, self._truth.meter_settings)
        if seen == self._seen:
            return
        self._read()
        if seen is not None and seen[0] and not self._truth.closed:
            self._look_again()  # after the pilot told that the contactor is open: the final reading

    def _look_again(self) -> None:
        self._seen = None
        self._world.sense_soon(self)

    def _read(self) -> None:
        self._stop_timer()
        if self._period_s > 0 and self._truth.power_w > 0:
            clock = self._world.clock
            self._timer = clock.call_at(clock.time() + self._period_s, self._read)
        self._post(self._reading())

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _reading(self) -> MeterSampled:
        truth, phases = self._truth, self.place.phases
        loaded = truth.loaded_phases
        power_phase_w = tuple(truth.power_w / loaded if phase < loaded else 0.0 for phase in range(phases))
        return MeterSampled(
            self.place.evse,
            import_wh=round(truth.register_at(self._world.clock.time()), 3),
            export_wh=0.0,
            power_w=truth.power_w,
            power_phase_w=power_phase_w,
            voltage_v=(self.place.voltage_v,) * phases,
            current_a=tuple(watts / self.place.voltage_v for watts in power_phase_w),
            frequency_hz=GRID_HZ,
            power_factor=1.0,
            soc_percent=truth.soc_percent,
        )
