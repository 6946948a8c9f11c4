"""Register tables: what a word means, and which blocks are asked for."""

from __future__ import annotations

from struct import pack, unpack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.drivers.eastron import LONGEST_REQUEST, SDM630, Sdm630
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
    ],
)
def test_a_kind_is_read_in_its_word_order(kind: Kind, raw: list[int], value: float) -> None:
    assert Register("power_w", 0, kind).value(raw) == value


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


def test_the_sdm630_is_read_in_one_request() -> None:
    assert [(block.address, block.count) for block in Sdm630.requests] == [(0, 76)]


def test_every_quantity_of_the_table_is_a_field_of_the_event() -> None:
    assert {register.quantity for register in SDM630} <= set(MeterSampled.__struct_fields__)
