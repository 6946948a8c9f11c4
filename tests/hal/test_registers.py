"""Register tables: what a word means, and which blocks are asked for."""

from __future__ import annotations

from contextlib import suppress
from math import isfinite
from struct import pack, unpack
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.drivers.carlo_gavazzi import Em340
from hal.drivers.carlo_gavazzi_em580 import Em580
from hal.drivers.eastron import LONGEST_REQUEST, SDM630, Sdm72, Sdm120, Sdm630
from hal.drivers.iskra import Wm3m4
from hal.drivers.klefr import Klefr693x
from hal.drivers.rtu_meter import RtuMeter
from hal.events import MeterSampled
from hal.wire.registers import Kind, Malformed, Register, blocks


def words(layout: str, value: float) -> list[int]:
    data = pack(layout, value)
    return list(unpack(f">{len(data) // 2}H", data))


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        ("float32", [0x4366, 0x0000], 230.0),
        ("float32_low_first", [0x0000, 0x4366], 230.0),
        ("uint16", [0xFFFF], 65535),
        ("int16", [0xFFFF], -1),
        ("int32", [0xFFFF, 0xFFFE], -2),
        ("int32_low_first", [0xFFFE, 0xFFFF], -2),
        ("uint32", [0x0001, 0x0000], 65536),
        ("uint32_low_first", [0x0000, 0x0001], 65536),
        ("int64", [0, 0, 1, 0], 65536),
        ("int64_low_first", [0, 1, 0, 0], 65536),
        ("unsigned_decimal24", [0xFE00, 0x59D8], 230.0),
        ("decimal24", [0xFE00, 0x59D8], 230.0),
        ("decimal24", [0xFDFF, 0xFC18], -1.0),
        ("decimal24", [0x0302, 0x0000], 131_072_000),
    ],
)
def test_a_kind_is_read_in_its_word_order(kind: Kind, raw: list[int], value: float) -> None:
    assert Register("power_w", 0, kind).value(raw) == value


def test_an_exponent_of_its_own_is_read_with_the_number() -> None:
    register = Register("import_wh", 418, "int32", exponent_at=414)
    (block,) = blocks([register], 60, gap=0)
    assert (block.address, block.count) == (414, 6)
    for exponent, value in ((0, 1234.0), (1, 12340.0), (0xFFFE, 12.34)):
        assert dict(block.values([exponent, 0, 0, 0, 0, 1234])) == {register: value}


def test_an_exponent_that_no_meter_has_is_malformed() -> None:
    (block,) = blocks([Register("import_wh", 418, "int32", exponent_at=414)], 60, gap=0)
    with pytest.raises(Malformed, match="an exponent of 99"):
        list(block.values([99, 0, 0, 0, 0, 1234]))
    with pytest.raises(Malformed, match="an exponent of 127"):
        Register("power_w", 0, "decimal24").value([0x7F00, 1])


@given(st.sampled_from(get_args(Kind)), st.lists(st.integers(0, 0xFFFF), min_size=4, max_size=4))
def test_any_words_are_a_number_or_malformed(kind: Kind, raw: list[int]) -> None:
    register = Register("power_w", 0, kind)
    with suppress(Malformed):
        assert isfinite(register.value(raw[: register.width]))


def test_the_factor_gives_the_unit() -> None:
    assert Register("import_wh", 72, factor=1000).value(words(">f", 1.5)) == 1500


@pytest.mark.parametrize("raw", [[0x7FC0, 0], [0x7F80, 0], [0xFF80, 0]])
def test_not_a_number_is_malformed(raw: list[int]) -> None:
    with pytest.raises(Malformed, match="power_w at 52"):
        Register("power_w", 52).value(raw)


def test_an_answer_of_another_length_is_malformed() -> None:
    (block,) = blocks(SDM630, LONGEST_REQUEST, gap=40)
    with pytest.raises(Malformed, match="2 registers at 0 instead of 76"):
        list(block.values([0, 0]))


@given(
    st.sets(st.integers(0, 300).map(lambda number: 2 * number), min_size=1, max_size=30),
    st.integers(2, 80),
    st.integers(0, 40),
)
def test_blocks_cover_every_register_once_within_the_limit(addresses: set[int], longest: int, gap: int) -> None:
    table = [Register("power_w", address) for address in addresses]
    planned = blocks(table, longest, gap)
    assert sorted(register.address for block in planned for register in block.registers) == sorted(addresses)
    assert all(block.count <= longest for block in planned)
    for block in planned:
        assert block.address == block.registers[0].address
        assert block.address + block.count == block.registers[-1].address + 2


@pytest.mark.parametrize(
    ("meter", "asked"),
    [
        (Sdm630, [(0, 76)]),
        (Sdm72, [(0, 54), (70, 6)]),
        (Sdm120, [(0, 32), (70, 6)]),
        (Em340, [(0x00, 46), (0x33, 1), (0x400, 12)]),
        (Em580, [(0x00, 0x34), (0x500, 32)]),
        (Klefr693x, [(20482, 26), (24588, 14)]),
        (Wm3m4, [(105, 45), (414, 8)]),
    ],
)
def test_a_meter_is_read_in_few_requests_that_it_takes(meter: type[RtuMeter], asked: list[tuple[int, int]]) -> None:
    assert [(block.address, block.count) for block in meter.requests] == asked


@pytest.mark.parametrize("meter", [Sdm630, Sdm120, Em340, Em580, Klefr693x, Wm3m4])
def test_every_quantity_of_a_table_is_a_field_of_the_event(meter: type[RtuMeter]) -> None:
    asked = {register.quantity for block in meter.requests for register in block.registers}
    assert asked <= set(MeterSampled.__struct_fields__)
    assert {"import_wh", "power_w", "voltage_v", "current_a", "frequency_hz"} <= asked
