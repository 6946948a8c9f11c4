"""The frames of the Advantics SECC: our DBC against bytes that were made by hand from its description."""

from __future__ import annotations

from pathlib import Path
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hal.wire.dbc as dbc_module
from hal.errors import BadOptions
from hal.wire import advantics as adv

CODEC = adv.Codec((Path(__file__).parents[2] / "board" / "advantics.dbc").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("id", "data", "said"),
    [
        (0x6B000, bytes((7, 0, 0, 0, 0, 0, 0, 0)), adv.Status(adv.State.CHARGING)),
        (0x6B000, bytes((7,)), adv.Status(adv.State.CHARGING)),
        (0x6B001, bytes((2, 0, 0, 0, 0, 0, 0, 0)), adv.NewSession("ISO 15118-2")),
        (
            0x6B003,
            pack("<Hhh", 4000, 1250, -30) + bytes((8 | 1 << 6,)),
            adv.PowerControl(400.0, 125.0, -3.0, adv.Function.TRANSFER, False, True, False),
        ),
        (
            0x6B003,
            pack("<Hhh", 5000, 20, 0) + bytes((2 | 1 << 5 | 1 << 7,)),
            adv.PowerControl(500.0, 2.0, 0.0, adv.Function.INSULATION_TEST, True, False, True),
        ),
        (0x6B004, bytes((1,)), adv.Finished(True)),
        (0x6B005, bytes((3,)), adv.EmergencyStop("EV")),
        (0x6B100, pack("<HBBBB", 60, 42, 10, 80, 100), adv.Battery(42.0)),
        (0x6B101, pack("<HHH", 2000, 4200, 3800), adv.Voltages(420.0)),
        (0x6B102, pack("<HHHH", 0, 1250, 0, 50), adv.ChargeLimits(125.0, 50_000.0)),
        (0x6B105, bytes((0xDE, 0xAD, 0xBE, 0xEF, 0, 1)), adv.Evccid("DE:AD:BE:EF:00:01")),
        (0x6B203, pack("<BH", 9, 50), adv.ControlPilot(9, 5.0)),
    ],
)
def test_what_the_controller_says(id: int, data: bytes, said: adv.Said) -> None:
    assert CODEC.read(id, data) == said


def test_what_the_host_says() -> None:
    told = adv.ModulesStatus(398.5, -12.5, True, 501, 35)
    assert CODEC.modules_status(told) == (0x63000, pack("<HhBBBB", 3985, -125, 75, 75, 1, 250))
    assert CODEC.parameters(adv.Parameters(920, 125)) == (0x63001, pack("<HHHh", 9200, 1250, 0, 0))
    sequence = adv.Sequence(start=True, authorisation_done=True, authorisation_valid=True)
    assert CODEC.sequence(sequence) == (0x63002, bytes((1, 3, 0, 0, 0, 0, 0, 0)))
    assert CODEC.sequence(adv.Sequence(parameters_done=True, user_stop=True))[1][:3] == bytes((0, 4, 1))


@pytest.mark.parametrize(("kohm", "byte"), [(0, 0), (99.9, 49), (100, 50), (509, 254), (1e9, 255)])
def test_insulation_is_never_told_better_than_it_is(kohm: float, byte: int) -> None:
    assert CODEC.modules_status(adv.ModulesStatus(0, 0, True, kohm))[1][7] == byte


@pytest.mark.parametrize("data", [b"", bytes((99,)), bytes((14,) * 8)])
def test_a_state_that_nobody_knows_means_nothing(data: bytes) -> None:
    assert CODEC.read(0x6B000, data) is None


@given(st.sampled_from(sorted(adv.READERS)), st.binary(max_size=8))
def test_no_frame_breaks_the_reader(name: str, data: bytes) -> None:
    CODEC.read(CODEC._dbc.ids[name], data)


@given(st.integers(0, 0x1FFFFFFF), st.binary(max_size=8))
def test_no_identifier_breaks_the_reader(id: int, data: bytes) -> None:
    CODEC.read(id, data)


@given(*(st.floats(-1e6, 1e6) for _ in range(3)))
def test_values_out_of_range_are_brought_to_its_end(volts: float, amps: float, kohm: float) -> None:
    assert len(CODEC.modules_status(adv.ModulesStatus(volts, amps, True, kohm))[1]) == 8
    assert len(CODEC.parameters(adv.Parameters(volts, amps))[1]) == 8


def test_without_cantools_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dbc_module, "find_spec", lambda name: None)
    with pytest.raises(BadOptions, match=r"pip install 'station-agent\[can\]'"):
        adv.Codec("")
