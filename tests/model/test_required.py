"""The device model is whole: what OCPP requires is there, on every EVSE and connector, open to the right access."""

from __future__ import annotations

import pytest

from agent.model.device import Slot
from agent.ocpp.messages.actions import ACTIONS
from tests.bench import Bench
from tests.model.required import Required, every_name, required

NOT_YET: dict[tuple[str, str], str] = {}
"""Required, its message is there, and it is not: why."""

SLOTS: dict[tuple[str, str, str | None], list[Slot]] = {}
BENCH = Bench(evses=2, connectors=2, lock=True, attached=False, bay=True)
for slot in BENCH.station.model.slots():
    SLOTS.setdefault((slot.spot.component, slot.spot.variable, slot.spot.instance), []).append(slot)


@pytest.mark.proves("B07.FR.08")
@pytest.mark.parametrize("each", required(BENCH.station), ids=lambda each: ".".join(filter(None, each.name)))
def test_B07_FR_08_what_is_required_is_there(each: Required):
    if (each.component, each.variable) in NOT_YET:
        assert each.name not in SLOTS, f"{each.name} is there: take it out of NOT_YET"
        return
    found = SLOTS[each.name]
    if each.mutability != "any":
        assert {slot.mutability for slot in found} == {each.mutability}


@pytest.mark.parametrize(("component", "places"), [("ChargingStation", 1), ("EVSE", 2), ("Connector", 4)])
def test_what_is_required_is_there_for_every_evse_and_connector(component: str, places: int):
    for each in every_name():
        if each.component == component:
            assert len(SLOTS[each.name]) == places, each


def test_no_name_is_in_the_list_twice_and_every_message_in_it_exists():
    names = list(every_name())
    assert len(names) == len({each.name for each in names}) == 64
    assert {each.comes_with for each in names} - {""} <= set(ACTIONS)
