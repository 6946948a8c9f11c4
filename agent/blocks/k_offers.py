"""Block K: what a vehicle needs and has chosen, in the words of OCPP.  Sends nothing."""

from __future__ import annotations

from agent.ocpp.messages import k_smart_charging as m
from agent.ocpp.messages.common import ChargingSchedule, ChargingSchedulePeriod
from agent.session.negotiation import Talk
from hal.events import EvNeeds


def needs_of(needs: EvNeeds) -> m.ChargingNeeds:
    """As the CSMS is told them: of alternating or of direct current (K15.FR.06, K17.FR.06)."""
    energy_wh = None if needs.energy_wh is None else round(needs.energy_wh)
    if needs.transfer == "DC":
        direct = m.DCChargingParameters(
            ev_max_current=round(needs.max_a),
            ev_max_voltage=round(needs.max_v),
            ev_max_power=None if needs.max_w is None else round(needs.max_w),
            energy_amount=energy_wh,
            state_of_charge=None if needs.soc_percent is None else round(needs.soc_percent),
        )
        return m.ChargingNeeds(
            requested_energy_transfer="DC", dc_charging_parameters=direct, departure_time=needs.departure
        )
    alternating = m.ACChargingParameters(
        energy_amount=energy_wh or 0,
        ev_min_current=round(needs.min_a),
        ev_max_current=round(needs.max_a),
        ev_max_voltage=round(needs.max_v),
    )
    return m.ChargingNeeds(
        requested_energy_transfer=needs.transfer, ac_charging_parameters=alternating, departure_time=needs.departure
    )


def choice_of(evse_id: int, talk: Talk) -> m.NotifyEVChargingScheduleRequest | None:
    """What the vehicle says that it will draw, or else the schedule that it follows (K15.FR.10, K15.FR.19)."""
    choice = talk.choice()
    if choice is None:
        return None
    periods = tuple(
        ChargingSchedulePeriod(start_period=start_s, limit=limit, number_phases=choice.phases)
        for start_s, limit in choice.limits
    )
    return m.NotifyEVChargingScheduleRequest(
        time_base=choice.start,
        evse_id=evse_id,
        charging_schedule=ChargingSchedule(
            id=choice.id, charging_rate_unit=choice.unit, duration=choice.duration_s, charging_schedule_period=periods
        ),
    )
