"""When the configured points let a transaction start and stop, and what is remembered of it."""

from __future__ import annotations

import msgspec
import pytest

from agent.session.transaction import Reading, Transaction, edges
from hal.events import MeterSampled
from tests.session.table import START

POINTS = ("ParkingBayOccupancy", "EVConnected", "Authorized", "PowerPathClosed", "EnergyTransfer")


@pytest.mark.parametrize("point", POINTS)
def test_E01_each_start_point_starts_when_it_comes_about_not_while_it_holds(point: str):
    came, held, went = edges(frozenset(), frozenset({point})), edges(frozenset({point}), frozenset({point})), None
    went = edges(frozenset({point}), frozenset())
    assert came.starts((point,))
    assert not held.starts((point,))
    assert not went.starts((point,))
    assert not came.starts(tuple(other for other in POINTS if other != point))


@pytest.mark.parametrize("point", POINTS)
def test_E06_each_stop_point_stops_when_it_ceases(point: str):
    went = edges(frozenset({point}), frozenset())
    assert went.stops((point,))
    assert not edges(frozenset(), frozenset({point})).stops((point,))


@pytest.mark.parametrize("part", ["EVConnected", "Authorized"])
def test_power_path_closed_ends_with_either_of_its_parts(part: str):
    assert edges(frozenset({part}), frozenset()).stops(("PowerPathClosed",))
    assert not edges(frozenset({"EnergyTransfer"}), frozenset()).stops(("PowerPathClosed",))


def test_E01_FR_07_sequence_numbers_count_from_zero():
    transaction = Transaction(id="t", started_at=START)
    assert [transaction.take_seq_no() for _ in range(4)] == [0, 1, 2, 3]


def test_energy_is_the_difference_of_two_registers():
    transaction = Transaction(id="t", started_at=START)
    assert transaction.energy_wh() is None
    transaction.begin = Reading(MeterSampled(1, 1000.0), START)
    assert transaction.energy_wh() is None
    transaction.last = Reading(MeterSampled(1, 1500.0), START)
    assert transaction.energy_wh() == 500.0
    transaction.last = Reading(MeterSampled(1, None), START)
    assert transaction.energy_wh() is None


def test_what_is_on_disk_is_the_whole_transaction():
    transaction = Transaction(id="t", started_at=START, next_seq_no=3, connector=2, stopped_reason="Local")
    transaction.begin = transaction.last = Reading(MeterSampled(1, 1000.0), START)
    assert msgspec.json.decode(msgspec.json.encode(transaction), type=Transaction) == transaction
