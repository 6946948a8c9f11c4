"""``station-agent board``: every fault of a file with its place, the boards that ship, one part tried."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from copy import deepcopy
from pathlib import Path
from textwrap import dedent
from tomllib import loads
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.__main__ import main
from agent.parts import Buses, build_parts
from agent.shell.boards.check import faults_in_board
from agent.shell.boards.words import event_words, silence_words
from board.descriptor import Board, faults_of, read_table, shipped_boards
from hal.events import (
    CpState,
    DcCapability,
    DcDemanded,
    DcOutput,
    Event,
    InsulationMeasured,
    InsulationTested,
    LockMoved,
    MeterSampled,
    PilotChanged,
)
from hal.ports import DcTraits, PilotTraits
from tests.emulators.openevse import EmulatedOpenEvse

ROOT = Path(__file__).parents[2]

GOOD = """
    [station]
    vendor = "V"
    model = "M"

    [bus.pilot]
    kind = "serial"
    device = "/dev/ttyUSB0"

    [bus.rs485]
    kind = "rtu"
    device = "/dev/ttyUSB1"

    [[evse]]
    id = 1
    pilot = { driver = "openevse", bus = "pilot" }
    meter = { driver = "eastron_sdm630", bus = "rs485" }
"""


def checked(text: str) -> list[str]:
    return faults_in_board(loads(dedent(text)))


def with_more(more: str) -> list[str]:
    return checked(dedent(GOOD) + dedent(more))


# ---- check ----


@pytest.mark.parametrize("path", shipped_boards(), ids=lambda path: path.stem)
def test_a_board_that_ships_has_no_fault(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["board", "check", path.stem]) == 0
    assert ": good: " in capsys.readouterr().out


def test_every_fault_is_told_with_its_place_and_not_only_the_first() -> None:
    faults = checked("""
        [station]
        vendor = ""
        colour = "red"

        [bus.pilot]
        kind = "serial"
        device = "/dev/ttyUSB0"
        baud = 1

        [bus.rs485]
        kind = "rtuu"

        [[evse]]
        id = 1
        limt_a = 16
        phases = 4
        pilot = { driver = "openevs", bus = "pilot" }
        meter = { driver = "eastron_sdm630", bus = "nowhere", options = { unit = 0, misses = 0, colour = 1 } }

        [[evse]]
        id = 1
        limit_a = "much"
        pilot = { bus = "pilot" }
        connectors = [{ id = 1 }, { id = 1 }]

        [[evse.limit]]
        source = "site"
        fallback_a = -1
    """)
    places = [fault.split(": ")[0] for fault in faults]
    assert places == [
        "$.station.colour",
        "$.station.vendor",
        "$.station",
        "$.evse[0].limt_a",
        "$.evse[0].phases",
        "$.evse[1].limit_a",
        "$.evse[1].pilot",
        "$.evse[1].limit[0].fallback_a",
        "$.evse[...].id",
        "$.evse[1].connectors",
        "$.bus.pilot.baud",
        "$.bus.rs485.kind",
        "$.evse[0].pilot.driver",
        "$.evse[0].meter.bus",
        "$.evse[0].meter.options.colour",
        "$.evse[0].meter.options.unit",
        "$.evse[0].meter.options.misses",
    ]
    assert "perhaps 'limit_a'" in faults[3]
    assert faults[4].endswith("Invalid enum value 4; choices: 1, 2, 3")
    assert "known: " in faults[11] and "openevse" in faults[12]


def test_a_good_board_has_none() -> None:
    assert checked(GOOD) == []


def test_two_parts_on_a_line_that_belongs_to_one() -> None:
    more = "[[evse]]\nid = 2\n"
    more += 'pilot = { driver = "everest_mcu", bus = "pilot" }'
    assert "$.evse[1].pilot.bus: bus 'pilot' belongs to one part, and $.evse[0].pilot is on it" in with_more(more)


def test_parts_of_one_device_share_its_line_but_each_is_there_once() -> None:
    lock = 'connectors = [{ type = "sType2", attached = false, lock = { driver = "everest_mcu_lock", bus = "pilot" } }]'
    shared = GOOD.replace('"openevse"', '"everest_mcu"') + lock
    assert checked(shared) == []
    twice = dedent(shared) + '\n[[evse]]\nid = 2\npilot = { driver = "everest_mcu", bus = "pilot" }'
    assert checked(twice) == ["$.evse[1].pilot: 'everest_mcu' with these options is on bus 'pilot' already"]


def test_two_lines_on_one_device() -> None:
    more = '[bus.second]\nkind = "serial"\ndevice = "/dev/ttyUSB0"'
    assert with_more(more) == ["$.bus.second.device: '/dev/ttyUSB0' is what bus 'pilot' opens"]


def test_two_meters_with_one_number_on_one_line() -> None:
    more = """
        [bus.third]
        kind = "serial"
        device = "/dev/ttyUSB2"

        [[evse]]
        id = 2
        pilot = { driver = "openevse", bus = "third" }
        meter = { driver = "eastron_sdm630", bus = "rs485", options = { unit = 1 } }
    """
    assert with_more(more) == ["$.evse[1].meter.options.unit: 1 on bus 'rs485' is $.evse[0].meter"]


def test_two_parts_of_different_devices_with_one_number_on_one_line() -> None:
    phoenix = GOOD.replace('{ driver = "openevse", bus = "pilot" }', '{ driver = "phoenix", bus = "rs485" }')
    assert checked(phoenix) == ["$.evse[0].meter.options.unit: 1 on bus 'rs485' is $.evse[0].pilot"]
    apart = phoenix.replace('bus = "rs485" }\n', 'bus = "rs485", options = { unit = 2 } }\n', 1)
    lock = (
        'connectors = [{ attached = false, lock = { driver = "phoenix_lock", bus = "rs485", options = { unit = 2 } } }]'
    )
    assert checked(dedent(apart) + lock) == []  # pilot and lock are one device


def test_two_parts_on_one_gpio_line() -> None:
    more = """
        rcd = { driver = "gpio_rcd", bus = "gpio" }

        [bus.gpio]
        kind = "gpio"

        [[safety]]
        driver = "gpio_safety"
        bus = "gpio"
        options = { inputs = [{ kind = "door", line = "DOOR" }, { kind = "tilt", line = "RCD_TEST" }] }
    """
    assert with_more(more) == ["$.safety[0].options: line 'RCD_TEST' of bus 'gpio' is taken by $.evse[0].rcd"]


def test_a_session_of_direct_current_needs_its_parts_and_no_other_has_them() -> None:
    more = """
        supply = { driver = "infypower", bus = "can" }

        [bus.can]
        kind = "can"
        device = "can0"

        [[evse]]
        id = 2
        pilot = { driver = "advantics_secc", bus = "can" }
    """
    assert with_more(more) == [
        "$.evse[0].supply: the pilot 'openevse' runs no DC sessions",
        "$.evse[1].supply: missing; the pilot 'advantics_secc' runs DC sessions",
        "$.evse[1].insulation: missing; the pilot 'advantics_secc' runs DC sessions",
    ]


@pytest.mark.parametrize(("table", "port"), [("reader", "TokenReader"), ("safety", "SafetyInput")])
def test_a_part_that_only_tells_must_tell_the_right_thing(table: str, port: str) -> None:
    more = f'[[{table}]]\ndriver = "eastron_sdm630"\nbus = "rs485"\noptions = {{ unit = 2 }}'
    assert with_more(more) == [f"$.{table}[0].driver: 'eastron_sdm630' is no {port}"]


def test_a_part_on_a_line_with_a_fault_is_looked_at_all_the_same() -> None:
    faults = checked(
        GOOD.replace('"/dev/ttyUSB1"', '"/dev/ttyUSB0"\nbaud = 1').replace("eastron_sdm630", "phoenix_lock")
    )
    assert [fault.split(": ")[0] for fault in faults] == [
        "$.bus.rs485.baud",
        "$.bus.rs485.device",
        "$.evse[0].meter.driver",
    ]


def test_what_may_be_meant_so_is_told_and_is_no_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "board.toml"
    bare = GOOD.replace('meter = { driver = "eastron_sdm630", bus = "rs485" }', "limit_a = 125")
    path.write_text(dedent(bare.replace('"openevse"', '"chargebyte"')))
    assert main(["board", "check", str(path)]) == 0
    good, *notes = (line.removeprefix(f"{path}: ") for line in capsys.readouterr().out.splitlines())
    assert good.startswith("good: ")
    assert notes == [
        "mind: $.evse[0]: no meter: no energy is measured, none can be billed",
        "mind: $.evse[0].limit_a: 125; 'chargebyte' offers at most 80 A",
    ]


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ('bus = "rs485" }', 'bus = "rs485" }\n    connectors = [{ lock = { driver = "gpio_lock" } }]', "has no lock"),
        ('bus = "pilot"', 'bus = "rs485"', "$.evse[0].pilot: driver 'openevse' needs a bus of kind 'serial'"),
        (
            '{ driver = "openevse", bus = "pilot" }',
            '{ driver = "openevse" }',
            "$.evse[0].pilot: driver 'openevse' needs",
        ),
        ('driver = "openevse", bus = "pilot"', 'driver = "eastron_sdm630", bus = "rs485"', "is no PilotController"),
        ('kind = "rtu"', "", "$.bus.rs485: missing key 'kind'"),
        ('device = "/dev/ttyUSB1"', "", "$.bus.rs485: expected `device` or `match`, and not both"),
        ("id = 1", "id = 2", "$.evse[...].id: EVSEs are numbered 1, 2, 3... in order, not [2]"),
        ("id = 1", "", "$.evse[0]: missing key 'id'"),
    ],
)
def test_a_fault_and_its_words(before: str, after: str, fault: str) -> None:
    assert before in GOOD
    assert any(fault in each for each in checked(GOOD.replace(before, after, 1)))


def test_variables_components_and_monitors_that_cannot_be() -> None:
    faults = with_more("""
        [csms]
        url = "http://csms.example.com"

        [[variable]]
        component = "OCPPCommCtrlr"
        variable = "HeartbeatInterval"
        value = "often"

        [[variable]]
        component = "Nobody"
        variable = "Nothing"
        value = "1"

        [[component]]
        name = "Beacon"
        variables = [{ name = "Color", type = "OptionList" }, { name = "Level", type = "integer", value = "x" }]

        [[monitor]]
        component = "Nobody"
        variable = "Nothing"
        type = "Delta"
        value = 1
    """)
    assert [fault.split(": ")[0] for fault in faults] == [
        "$.csms.url",
        "$.component[0].variables[0].values",
        "$.component[0].variables[1].value",
        "$.monitor[0]",
        "$.variable[0]",
        "$.variable[1]",
    ]


def test_what_was_not_looked_at_is_said() -> None:
    faults = checked(GOOD.replace("openevse", "openevs") + '\n[[monitor]]\ncomponent = "X"'.replace("\n", "\n    "))
    assert faults[-1] == "$: variables, components and monitors are looked at when the rest is right"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(b"[station", "not TOML: "), (b"\xff\xfe", "cannot be read: "), (b"", "$: missing key 'station'")],
)
def test_a_file_that_is_none(
    content: bytes, complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "board.toml"
    path.write_bytes(content)
    assert main(["board", "check", str(path)]) == 2
    told = capsys.readouterr().out
    assert told.startswith(f"{path}: ")
    assert complaint in told


def test_several_files_are_checked_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["board", "check", "demo", str(tmp_path / "none.toml"), "sim"]) == 2
    told = capsys.readouterr().out.splitlines()
    first, second, third = (line for line in told if ": mind: " not in line)
    assert "demo.toml: good" in first and "sim.toml: good" in third
    assert "no such board file; boards that ship: " in second


SHIPPED = {path.stem: read_table(path) for path in shipped_boards()}

ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 600),
    st.floats(allow_nan=True),
    st.sampled_from(["", "serial", "openevse", "mcu", "rs485", "yeti", "x" * 60]),
    st.builds(list),
    st.builds(dict),
    st.builds(lambda: [{}]),
)


def spoil(data: st.DataObject, table: Any) -> None:
    """One value somewhere is another, is gone, or has company."""
    while True:
        keys = list(table) if isinstance(table, dict) else list(range(len(table)))
        if not keys:
            return
        key = data.draw(st.sampled_from(keys))
        below = table[key]
        if isinstance(below, dict | list) and below and data.draw(st.integers(0, 4)):
            table = below
            continue
        what = data.draw(st.sampled_from(["other", "gone", "more"]))
        if what == "other":
            table[key] = data.draw(ODD)
        elif what == "gone":
            del table[key]
        elif isinstance(table, dict):
            table[data.draw(st.sampled_from(["colour", "limit_a", "device", "bus", "unit"]))] = data.draw(ODD)
        else:
            table.append(deepcopy(below))
        return


@settings(max_examples=80)
@given(st.data())
def test_whatever_is_in_a_file_is_judged_and_as_the_start_judges_it(data: st.DataObject) -> None:
    table = deepcopy(SHIPPED[data.draw(st.sampled_from(sorted(SHIPPED)))])
    for _ in range(data.draw(st.integers(1, 3))):
        spoil(data, table)
    faults = faults_in_board(table)
    assert all(fault.startswith("$") and "\n" not in fault for fault in faults)
    if not faults:
        board = msgspec.convert(table, Board)
        assert list(faults_of(board)) == []
        build_parts(board, Buses(board, {}, {}), lambda event: None)


def test_a_device_of_the_command_line_stands_in_for_one_that_udev_would_find() -> None:
    found = GOOD.replace('device = "/dev/ttyUSB1"', 'match = { ID_VENDOR_ID = "0403" }')
    board = msgspec.convert(loads(dedent(found)), Board)
    assert Buses(board, {}, {}).get("rs485").device == "tty with ID_VENDOR_ID=0403"
    assert Buses(board, {"rs485": "/dev/ttyACM0"}, {}).get("rs485").device == "/dev/ttyACM0"


# ---- list ----


def test_the_list_has_every_board_with_its_parts_and_what_happens_when_the_host_goes_silent(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["board", "list"]) == 0
    told = capsys.readouterr().out
    for path in shipped_boards():
        assert f"{path.stem}: " in told
    assert " when the host goes silent it goes on charging; falls to 6 A within 30 s of the last keep-alive" in told
    assert "    pilot                openevse on bus pilot" in told
    assert "    connectors[0].lock   everest_mcu_lock on bus mcu" in told
    assert "  reader[0]            sim_reader on bus world" in told


# ---- try ----


async def tried(*words: str, end: str = "") -> tuple[int | None, str]:
    """The real command; when a line has ``end`` in it, Ctrl-C."""
    command = (sys.executable, "-m", "agent", "board", "try", *words)
    process = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    assert process.stdout is not None
    told = ""
    try:
        async with asyncio.timeout(30):
            async for line in process.stdout:
                told += line.decode()
                if end and end in told and process.returncode is None:
                    os.kill(process.pid, signal.SIGINT)
                    end = ""
            return await process.wait(), told
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_a_part_that_answers_says_so_in_words_and_is_let_go_at_ctrl_c() -> None:
    async with EmulatedOpenEvse(speed=20) as part:
        status, told = await tried("demo", "openevse", f"--device=pilot={part.device}", "--for=0", end="pilot A")
        assert status == 0, told
        assert "answers: OpenEVSE firmware 8.2.3, RAPI 5.2.1" in told
        assert "pilot A: no vehicle, oscillator off" in told
        assert told.endswith("it answers\n")
        assert "Traceback" not in told
        assert "FE" not in part.heard  # no power was permitted


async def test_a_part_that_is_not_there_is_exit_status_1() -> None:
    status, told = await tried("demo", "evse[0].pilot", "--device=pilot=/dev/ttyNotHere", "--for=0.2")
    assert status == 1
    assert "lost: /dev/ttyNotHere: No such file or directory" in told
    assert told.endswith("it does not answer\n")


def test_a_meter_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["board", "try", "sim", "evse[1].meter", "--for", "0.2"]) == 0
    assert "meter: 0 Wh taken" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["demo", "sim_pilot"], "no part 'sim_pilot' on this board; there are evse[0].pilot (openevse), "),
        (["sim", "sim_meter"], "'sim_meter' is in 2 places, say which: evse[0].meter, evse[1].meter"),
        (["demo", "openevse", "--device", "x"], "--device 'x': expected BUS=PATH"),
        (["demo", "openevse", "--device", "x=/dev/null"], "--device x: no such bus; buses: pilot, rs485, world"),
        (["nowhere", "openevse"], "nowhere: no such board file; boards that ship: "),
    ],
)
def test_a_trial_that_cannot_be_is_one_line(
    words: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["board", "try", *words]) == 2
    told = capsys.readouterr().err
    assert complaint in told
    assert told.count("\n") == 1


# ---- words ----


class DoorOpened(Event, frozen=True):
    """Of a driver of somebody else."""

    evse: int
    by_whom: str
    for_s: float | None = None


def test_an_event_of_a_driver_of_somebody_else_has_words() -> None:
    assert event_words(DoorOpened(1, "a cleaner")) == "door opened: by_whom a cleaner"


@pytest.mark.parametrize(
    ("traits", "words"),
    [
        (PilotTraits("direct", "stops", keepalive_s=0.1), "stops: the part opens its contactor"),
        (PilotTraits("direct", "continues", keepalive_s=1), "continues at the current that was offered last"),
        (PilotTraits("autonomous", "falls_back", fallback_a=6), "goes on charging; falls to 6 A"),
        (DcTraits("continues"), "continues as it was told last"),
        (DcTraits("stops", 10), "stops within 10 s of the last keep-alive"),
    ],
)
def test_what_happens_when_the_host_goes_silent(traits: PilotTraits | DcTraits, words: str) -> None:
    assert silence_words(traits) == words


def test_words_of_events() -> None:
    assert event_words(PilotChanged(1, CpState.C, pwm=True)) == "pilot C: vehicle asks for power, oscillator on"
    assert event_words(LockMoved(1, "unknown")) == "lock unknown"
    sample = MeterSampled(1, import_wh=1_234_500.25, power_w=690, voltage_v=(230, 231, 229))
    assert event_words(sample) == "meter: 1234500.25 Wh taken, 690 W, 230 / 231 / 229 V"
    assert event_words(DcOutput(1, 400.5, 12)) == "output 400.5 V, 12 A"
    assert event_words(DcCapability(1, 2, 200, 1000, 100, 40_000)) == "2 power module(s): 200 to 1000 V, 100 A, 40 kW"
    assert event_words(DcDemanded(1, "cable_check", 500)) == "DC session: cable check, wants 500 V, 0 A"
    assert event_words(InsulationMeasured(1, 200_000)) == "insulation 200 kohm"
    assert event_words(InsulationMeasured(1, None)) == "insulation: no valid value"
    assert event_words(InsulationTested(1, False)) == "insulation monitor: test failed"
