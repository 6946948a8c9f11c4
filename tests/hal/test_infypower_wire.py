"""The frames of InfyPower modules, by the examples of public documents."""

from __future__ import annotations

from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.wire import infypower as infy


def frame(text: str) -> tuple[int, bytes]:
    id, _, data = text.partition("#")
    return int(id, 16), bytes.fromhex(data)


@pytest.mark.parametrize(
    ("made", "id"),
    [
        (infy.ask(infy.READ, 0), 0x028300F0),
        (infy.ask(infy.STATUS, 0), 0x028400F0),
        (infy.ask(infy.CAPABILITY, 0), 0x028A00F0),
        (infy.switch(0, on=True), 0x029A00F0),
        (infy.set_point(0, 400, 10), 0x029C00F0),
        (infy.ask(infy.COUNT, 0, infy.GROUP), 0x02C200F0),
    ],
)
def test_identifiers_are_those_of_the_documents(made: infy.Frame, id: int) -> None:
    assert made.id == id
    assert len(made.data) == 8


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0283F000#43FA000040600000", infy.Measured(0, 0, 500.0, 3.5)),
        ("028CF000#0FA001F400000000", infy.Available(0, 0, 400.0, 50.0)),
        ("028AF000#01F400C803E803E8", infy.Rating(0, 0, 500.0, 200.0, 100.0, 10_000.0)),
        ("0284F002#0000000000042221", infy.Condition(2, 0, frozenset())),
        ("1E9CF001#0000000000000000", infy.Done(1, infy.STARTING, infy.SET)),
    ],
)
def test_answers_are_read_as_the_documents_say(text: str, said: infy.Said) -> None:
    heard = infy.read(*frame(text))
    if isinstance(said, infy.Condition):
        bits = {"output over-voltage", "fault", "output short", "discharge abnormal", "load sharing"}
        said = infy.Condition(2, 0, frozenset(bits))  # type: ignore[arg-type]
    assert heard == said


def test_on_is_zero() -> None:
    assert infy.switch(3, on=True).data[0] == 0
    assert infy.switch(3, on=False).data[0] == 1


def test_what_modules_say_to_one_another_is_not_for_the_host() -> None:
    assert infy.read(0x0757F812, bytes(8)) is None


@pytest.mark.parametrize(("volts", "amps"), [(-1, 1), (float("nan"), 1), (1, float("inf")), (5000, 1), (1, 5000)])
def test_no_module_is_told_what_no_module_can(volts: float, amps: float) -> None:
    with pytest.raises(ValueError, match="0 to"):
        infy.set_point(0, volts, amps)


def test_numbers_that_are_none_are_not_believed() -> None:
    assert infy.read(0x0283F000, pack(">ff", float("nan"), 1)) is None
    assert infy.read(0x0283F000, pack(">ff", 1e20, 1)) is None


@given(st.integers(0, 0x1FFFFFFF), st.binary(max_size=8))
def test_no_frame_breaks_the_reader(id: int, data: bytes) -> None:
    infy.read(id, data)


@given(st.integers(0, 62), st.floats(0, 1000), st.floats(0, 500))
def test_a_set_point_says_milli_volts_and_milli_amps(module: int, volts: float, amps: float) -> None:
    data = infy.set_point(module, volts, amps).data
    assert abs(int.from_bytes(data[:4], "big") / 1000 - volts) <= 0.0005001
    assert abs(int.from_bytes(data[4:], "big") / 1000 - amps) <= 0.0005001
