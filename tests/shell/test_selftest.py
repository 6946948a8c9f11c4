"""``station-agent board selftest``: what a good board shows, what a broken one is told for, what the report says."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import msgspec
import pytest

from agent.__main__ import main
from agent.shell.selftest import Nobody, Technician
from agent.shell.selftest.bench import Bench, Trace
from agent.shell.selftest.plausible import complaints_of, energy_complaint
from agent.shell.selftest.plot import HEIGHT, WIDTH, plot
from agent.shell.selftest.report import Report, page
from agent.shell.selftest.steps import Patience, Result, walk
from board.descriptor import Board, find_board, read_board
from hal.bus.sim_evse import Vehicle
from hal.events import CpState, MeterSampled, PilotChanged, PowerChanged
from tests.emulators.board import EmulatedBoard
from tests.emulators.gpio import EmulatedGpioRcd, EmulatedGpioSafety
from tests.hal.rig import eventually

QUICK = Patience(
    *(1.0, 0.2, 2.0, 1.0, 1.0, 1.0),  # part, look, hand, pilot, close, open
    *(2.0, 2.0, 0.4, 0.1, 0.6, 0.1),  # lock, monitor, settle, show, measure, meter
)

pytestmark = pytest.mark.usefixtures("quick_hotplug")


@pytest.fixture
def quick_hotplug(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hal.bus.hotplug.DELAYS_S", (0.02,))
    monkeypatch.setattr("agent.shell.selftest.bench.FAREWELL_S", 0.1)


class Hands:
    """Somebody who does to an emulated pilot what he is asked for; ``refuses`` are the keys that he leaves out."""

    def __init__(self, pilot: Any, *refuses: str) -> None:
        self.pilot = pilot
        self.refuses = refuses
        self.did: list[str] = []

    async def asked(self, key: str, text: str) -> bool:
        if key in self.refuses:
            return False
        self.did.append(key)
        match key:
            case "plug_in":
                self.pilot.plug_in(13.0, ready_after=None)
            case "ready":
                self.pilot.ready()
            case "unplug":
                self.pilot.unplug()
        return True


class Run:
    """A walk over the demo board's emulators."""

    def __init__(self, board: Board, world: EmulatedBoard) -> None:
        self.board = board
        self.world = world
        self.pilot: Any = world.pilots[1]
        self.bench = Bench(board, world.devices)
        self.results: list[Result] = []

    async def walk(self, person: Any) -> dict[str, Result]:
        await walk(self.bench, self.board.evse, person, QUICK, self.results.append)
        return {each.title: each for each in self.results}


@asynccontextmanager
async def demo() -> AsyncIterator[Run]:
    board = read_board(find_board("demo"))
    meter = msgspec.structs.replace(board.evse[0].meter or board.evse[0].pilot, options={"unit": 1, "fastest_s": 0.1})
    board = msgspec.structs.replace(board, evse=(msgspec.structs.replace(board.evse[0], meter=meter),))
    async with EmulatedBoard(board, speed=20) as world:
        yield Run(board, world)


def verdicts(results: dict[str, Result], *wanted: str) -> dict[str, str]:
    return {title: each.text for title, each in results.items() if each.verdict in (wanted or ("failed",))}


# ---- a good board ----


async def test_a_good_board_passes_every_step_that_it_has_parts_for() -> None:
    async with demo() as run:
        results = await run.walk(Hands(run.pilot, "card"))
        assert verdicts(results) == {}
        assert set(verdicts(results, "skipped")) == {
            "Residual current monitor",
            "Cable coding",
            "Lock",
            "Card reader 1",
        }
        assert results["The vehicle follows the offered current"].text == "13.0 A of 16 A, 6.0 A of 6 A"
        assert results["Meter under load"].text == "230.0 / 230.0 / 230.0 V, 6.00 / 6.00 / 6.00 A, 4140 W"
        assert not run.pilot.relay


async def test_with_nobody_there_no_power_is_permitted_and_the_rest_is_done() -> None:
    async with demo() as run:
        results = await run.walk(Nobody())
        assert verdicts(results) == {}
        assert results["Every part answers"].verdict == "passed"
        assert results["Meter without load"].verdict == "passed"
        assert results["Contactor closes"].text == "nothing is plugged in"
        assert "FE" not in run.pilot.heard


async def test_with_nobody_there_and_a_vehicle_on_the_cable_it_is_charged_for_a_moment() -> None:
    async with demo() as run:
        run.pilot.plug_in(10.0, ready_after=0.0)
        await eventually(lambda: run.pilot.pilot_state != 0x01)
        results = await run.walk(Nobody())
        assert results["CP: state A, nothing plugged in"].verdict == "skipped"
        assert results["Contactor closes"].verdict == "passed"
        assert results["Contactor opens, and is not welded"].verdict == "passed"
        assert not run.pilot.relay


async def test_a_socket_with_lock_cable_coding_and_reader_on_the_simulated_board() -> None:
    board = read_board(find_board("sim"))
    bench = Bench(board, {})
    world: Any = bench.buses["world"]

    class Driver:
        async def asked(self, key: str, text: str) -> bool:
            simulated = world.world
            match key:
                case "plug_in":
                    simulated.plug_in(1, 1, Vehicle(current_a=20, ready_after_ms=0))
                case "unplug":
                    simulated.unplug(1)
                case "card":
                    simulated.swipe("04A2B3C4")
            return True

    results: list[Result] = []
    await walk(bench, board.evse[:1], Driver(), QUICK, results.append)
    told = {each.title: each for each in results}
    assert {title: each.text for title, each in told.items() if each.verdict == "failed"} == {}
    assert told["Lock"].text == "unlocked and locked"
    assert told["Cable coding"].text == "63 A"
    assert told["Card reader 1"].text == "ISO14443, 8 characters, ends with C4"


@pytest.mark.parametrize("name", ["dc", "simpleevse"])
async def test_a_board_of_another_kind_is_judged_by_what_it_can_tell(name: str) -> None:
    """A DC session is run by the station; a controller without feedback is judged by its current."""
    board = read_board(find_board(name))
    async with EmulatedBoard(board, speed=20) as world:
        bench = Bench(board, world.devices)
        results: list[Result] = []
        await walk(bench, board.evse, Hands(world.pilots[1], "card"), QUICK, results.append)
        told = {each.title: each for each in results}
        assert verdicts(told) == {}
        closes = told["Contactor closes"].verdict
        assert closes == ("skipped" if name == "dc" else "warned")


# ---- a broken one ----


async def test_a_contactor_that_does_not_open_is_found() -> None:
    async with demo() as run:
        run.pilot._open_relay = lambda: None
        results = await run.walk(Hands(run.pilot, "card"))
        assert results["Contactor opens, and is not welded"].verdict == "failed"
        assert "welded?" in results["Contactor opens, and is not welded"].text


async def test_a_contactor_that_never_closes_is_found() -> None:
    async with demo() as run:
        run.pilot.commands = run.pilot.commands | {"FE": run.pilot.commands["FS"]}
        results = await run.walk(Hands(run.pilot, "card"))
        assert results["Contactor closes"].verdict == "failed"
        assert results["Meter under load"].verdict == "skipped"


async def test_a_wrong_voltage_is_found_and_said_with_both_numbers() -> None:
    async with demo() as run:
        run.world.loads[1].voltage_v = 180.0
        results = await run.walk(Nobody())
        assert results["Meter without load"].verdict == "failed"
        assert "L1 has 180.0 V, the board file says 230 V" in results["Meter without load"].text


async def test_a_part_that_is_silent_is_named_with_its_place_and_reason() -> None:
    async with demo() as run:
        await run.world.meters[1].take_away()
        results = await run.walk(Nobody())
        assert results["Every part answers"].verdict == "failed"
        assert "evse[0].meter: " in results["Every part answers"].text
        assert "No such file or directory" in results["Every part answers"].text


async def test_a_fault_that_the_controller_holds_fails_the_board() -> None:
    async with demo() as run:
        run.pilot.fault(0x07)
        results = await run.walk(Nobody())
        assert results["No fault is left"].text.startswith("GroundFailure: no protective earth")


async def test_broken_off_in_the_middle_of_a_charge_it_takes_the_power_away() -> None:
    async with demo() as run:
        task = asyncio.create_task(run.walk(Hands(run.pilot)))
        await eventually(lambda: bool(run.pilot.relay))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await eventually(lambda: not run.pilot.relay)


# ---- on GPIO ----


@pytest.mark.parametrize(("deaf", "verdict"), [(False, "passed"), (True, "failed")])
async def test_the_residual_current_monitor_is_tested_without_load(deaf: bool, verdict: str) -> None:
    table = {
        "station": {"vendor": "V", "model": "M"},
        "bus": {"world": {"kind": "sim"}, "rcd": {"kind": "gpio"}, "watch": {"kind": "gpio"}},
        "evse": [
            {"id": 1, "pilot": {"driver": "sim_pilot", "bus": "world"}, "rcd": {"driver": "gpio_rcd", "bus": "rcd"}}
        ],
        "safety": [{"driver": "gpio_safety", "bus": "watch"}],
    }
    board = msgspec.convert(table, Board)
    async with EmulatedGpioRcd(speed=20) as part, EmulatedGpioSafety() as switch:
        part.deaf = deaf

        class Finger(Hands):
            async def asked(self, key: str, text: str) -> bool:
                {"press": switch.trip, "release": switch.heal}.get(key, lambda: None)()
                return key in ("press", "release")

        bench = Bench(board, {"rcd": part.device, "watch": switch.device})
        results: list[Result] = []
        await walk(bench, board.evse, Finger(None), QUICK, results.append)
        told = {each.title: each for each in results}
        assert told["Residual current monitor"].verdict == verdict
        assert told["Emergency stop and switches"].text == "EmergencyStop, and healed"


# ---- what a meter may say ----

GOOD = MeterSampled(
    1, import_wh=5.0, power_w=6900.0, voltage_v=(230.0, 231.0, 229.0), current_a=(10.0, 10.0, 10.0), frequency_hz=50.0
)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({}, ""),
        ({"voltage_v": (230.0, 231.0, 0.0)}, "L3 has 0.0 V"),
        ({"voltage_v": (400.0, 231.0, 229.0)}, "L1 has 400.0 V"),
        ({"voltage_v": (230.0,), "current_a": (10.0,), "power_w": 2300.0}, "1 phases measured"),
        ({"frequency_hz": 16.7}, "16.7 Hz"),
        ({"power_w": 9000.0}, "9000 W is more than its voltages and currents make (6900 VA)"),
        ({"power_w": -6900.0}, "run backwards"),
        ({"power_w": 0.0, "current_a": (0.0, 0.0, 0.0)}, ""),
    ],
)
def test_what_one_reading_says_against_itself(change: dict[str, Any], complaint: str) -> None:
    told = "; ".join(complaints_of(msgspec.structs.replace(GOOD, **change), 230.0, 3))
    assert (complaint in told) if complaint else told == ""


@pytest.mark.parametrize(("grown_wh", "good"), [(19.2, True), (18.0, True), (0.0, False), (100.0, False)])
def test_a_register_grows_as_the_power_says(grown_wh: float, good: bool) -> None:
    later = msgspec.structs.replace(GOOD, import_wh=5.0 + grown_wh)
    assert (energy_complaint([(0.0, GOOD), (10.0, later)]) is None) is good
    assert energy_complaint([(0.0, GOOD)]) is None


# ---- the report ----


def trace() -> Trace:
    made = Trace()
    made.seconds = 20.0
    made.said = [
        (0.0, PilotChanged(1, CpState.A)),
        (4.0, PilotChanged(1, CpState.B)),
        (8.0, PilotChanged(1, CpState.C)),
        (8.5, PowerChanged(1, True)),
        (9.0, GOOD),
        (12.0, PowerChanged(1, False)),
    ]
    made.offers[1] = [(7.0, 16.0), (11.0, None)]
    made.marks[1] = [(0.0, "first <step>"), (6.0, "second")]
    return made


def drawn(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text)


def test_the_drawing_is_well_formed_and_everything_is_inside_it() -> None:
    root = drawn(plot(trace(), 1))
    for line in root.iter("{http://www.w3.org/2000/svg}polyline"):
        for pair in line.attrib["points"].split():
            x, y = map(float, pair.split(","))
            assert 0 <= x <= WIDTH
            assert 0 <= y <= HEIGHT
    assert len(list(root.iter("{http://www.w3.org/2000/svg}polyline"))) == 3


def test_the_drawing_shows_when_the_contactor_was_closed() -> None:
    fills = [each.attrib for each in drawn(plot(trace(), 1)) if each.get("fill") == "#fff1c9"]
    band = fills[0]
    share = (WIDTH - 64 - 16) / 20
    assert float(band["x"]) == pytest.approx(64 + 8.5 * share, abs=0.1)
    assert float(band["width"]) == pytest.approx(3.5 * share, abs=0.1)


def test_the_drawing_of_an_evse_that_said_nothing_is_empty_and_well_formed() -> None:
    assert not list(drawn(plot(Trace(), 7)).iter("{http://www.w3.org/2000/svg}polyline"))


def test_nothing_in_the_report_is_taken_for_markup() -> None:
    board = msgspec.convert(
        {"station": {"vendor": "<script>", "model": "&"}, "evse": [{"id": 1, "pilot": {"driver": "<b>"}}]}, Board
    )
    result = Result("evse 1", "a <step>", "failed", "5 < 6 & so")
    text = page(Report(board, "<file>", datetime(2026, 1, 1, tzinfo=UTC), "1", (result,), trace()))
    assert "<script>" not in text
    assert "5 &lt; 6 &amp; so" in text
    assert "NOT good: 0 passed, 1 failed" in text


# ---- the command ----


async def test_a_question_takes_one_line_and_without_a_keyboard_it_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading) as keyboard:
        monkeypatch.setattr("sys.stdin", keyboard)
        os.write(writing, b"\ns\n")
        os.close(writing)
        technician = Technician()
        assert [await technician.asked("key", "Do it") for _ in range(3)] == [True, False, False]


def test_the_command_writes_the_report_and_its_exit_status_is_the_verdict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.shell.selftest.Patience", lambda: QUICK)
    report = tmp_path / "report.html"
    assert main(["board", "selftest", "sim", "--yes", "--evse", "2", "--report", str(report)]) == 0
    told = capsys.readouterr().out
    assert "passed   evse 2: Every part answers" in told
    assert "evse 1" not in told
    assert "<svg" in report.read_text()
    assert main(["board", "selftest", "demo", "--yes", "--device", "pilot=/nowhere", "--report", str(report)]) == 1
    assert "NOT good" in report.read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing.toml"], "no such board file"),
        (["sim", "--evse", "7"], "--evse 7: there are 1, 2"),
        (["sim", "--device", "roof=/dev/null"], "no such bus; buses: world"),
        (
            ["sim", "--yes", "--evse", "1", "--report", "/nowhere/report.html"],
            "--report /nowhere/report.html: No such file",
        ),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.shell.selftest.Patience", lambda: QUICK)
    assert main(["board", "selftest", *arguments]) == 2
    told = capsys.readouterr().err
    assert words in told
    assert len(told.splitlines()) == 1
