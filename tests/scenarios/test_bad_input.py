"""What is wrong with a board file or a command line is one line with its place and the choices, and exit status 2."""

import asyncio
from pathlib import Path

from board.descriptor import find_board
from tests.scenarios.station import AgentProcess, ended

PILOT = 'driver = "sim_pilot", bus = "world"'
METER = 'driver = "sim_meter", bus = "world"'
# What is written instead of what in the simulated board's file; what the line says, in this order.
BOARDS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "unknown key": ("[station]\n", '[station]\ncolour = "red"\n', ("`colour`", "$.station", "vendor, model, serial")),
    "unknown table": ("[control]\n", "[controls]\n", ("`controls`",)),
    "missing key": ('vendor = "StationAgent"\n', "", ("`vendor`", "$.station")),
    "value out of range": ("id = 1\n", "id = 1\nlimit_a = 3\n", (">= 6.0", "$.evse[0].limit_a")),
    "value of another type": ("id = 1\n", 'id = 1\nphases = "three"\n', ("`int`", "$.evse[0].phases")),
    "twice the same EVSE": ("id = 2\n", "id = 1\n", ("$.evse[...].id", "[1, 1]")),
    "reader of no EVSE": ('"sim_reader"\n', '"sim_reader"\nevse = 9\n', ("$.reader[0].evse", "no evse 9", "[1, 2]")),
    "unknown driver": ("sim_meter", "sim_metre", ("evse[0].meter", "'sim_metre'", "known: ", "sim_meter")),
    "driver of another kind": (PILOT, METER, ("evse[0].pilot", "'sim_meter'", "PilotController")),
    "unknown option": (PILOT, PILOT + ", options = { colour = 1 }", ("evse[0].pilot", "`colour`", "connectors")),
    "option out of range": (PILOT, PILOT + ", options = { connectors = 0 }", ("evse[0].pilot", ">= 1", "$.connectors")),
    "unknown bus": (METER, METER.replace("world", "wrld"), ("$.evse[0].meter.bus", "'wrld'", "buses: world")),
    "no bus": (METER, 'driver = "sim_meter"', ("evse[0].meter", "'sim'")),
    "unknown kind of bus": ('kind = "sim"', 'kind = "simm"', ("bus.world", "'simm'", "known: ", "serial, sim")),
    "unknown option of a bus": ('kind = "sim"', 'kind = "sim"\nspeeed = 2', ("bus.world", "`speeed`", "speed")),
    "no URL": ("[control]", '[csms]\nurl = "http://x/"\n[control]', ("'http://x/'", "ws://HOST[:PORT]/PATH")),
    "unknown variable": (
        "[[reader]]",
        '[[variable]]\ncomponent = "TxCtrlr"\nvariable = "Nothing"\nvalue = "1"\n[[reader]]',
        ("variable[0]", "TxCtrlr.Nothing"),
    ),
    "value that a variable cannot have": (
        "[[reader]]",
        '[[variable]]\ncomponent = "TxCtrlr"\nvariable = "TxStartPoint"\nvalue = "Whenever"\n[[reader]]',
        ("variable[0]", "'Whenever'", "PowerPathClosed"),
    ),
    "no TOML": ("[station]", "[station", ("not TOML", "line 2")),
}


async def test_a_board_file_that_cannot_be_used(folder: Path) -> None:
    whole = find_board("sim").read_text()

    async def told(name: str) -> list[str]:
        there, instead, _ = BOARDS[name]
        assert there in whole
        board = folder / f"{name.replace(' ', '_')}.toml"
        board.write_text(whole.replace(there, instead, 1))
        status, lines = await ended("run", "--board", str(board), "--data", str(folder / name))
        assert status == 2, lines
        return lines

    for name, (_, _, words) in BOARDS.items():
        (line,) = await told(name)
        assert line.startswith("station-agent: ")
        places = [line.find(word) for word in words]
        assert -1 not in places and places == sorted(places), line


async def test_a_board_file_that_is_no_text(folder: Path) -> None:
    board = folder / "board.toml"
    board.write_bytes(b"\xff\xfe\x00")
    status, (line,) = await ended("run", "--board", str(board), "--data", str(folder))
    assert (status, str(board) in line) == (2, True)


async def test_a_command_line_that_cannot_be_used(folder: Path) -> None:
    wrong: dict[tuple[str, ...], tuple[str, ...]] = {
        ("--board", "nope"): ("nope", "boards that ship: ", "demo", "sim"),
        ("--board", str(folder)): (str(folder), "boards that ship: ", "demo", "sim"),
        ("--device", "x=/dev/x"): ("--device x", "buses: world"),
        ("--device", "x"): ("--device 'x'", "BUS=PATH"),
        ("--csms", "http://csms.example.com"): ("csms", "'http://csms.example.com'", "ws://"),
        ("--csms", "ws://a..b/ocpp"): ("csms", "'ws://a..b/ocpp'", "ws://"),
        ("--id", "x" * 49): ("--id", "1 to 48"),
        ("--id", ""): ("--id", "1 to 48"),
    }
    for arguments, words in wrong.items():
        status, (line,) = await ended("run", "--board", "sim", "--data", str(folder / "data"), *arguments)
        assert status == 2
        assert all(word in line for word in words), line


async def test_a_control_socket_that_cannot_be_made(folder: Path) -> None:
    (folder / "file").write_text("kept")
    for path in (
        "/proc/nowhere/control",
        str(folder / ("x" * 120)),
        str(folder / "file" / "control"),
        str(folder / "file"),
    ):
        status, lines = await ended("run", "--wait", "--data", str(folder / "data"), "--control", path)
        assert (status, len(lines)) == (2, 1), lines
        assert lines[0].startswith(f"station-agent: control socket {path}: ")
    assert (folder / "file").read_text() == "kept"


async def test_a_first_station_that_starts_ends_with_status_0_when_it_is_told_to(folder: Path) -> None:
    """So that what ends with 2 above is not simply everything."""
    async with AgentProcess(folder, wait=False) as process:
        await process.said("no CSMS is configured")
        await asyncio.wait_for(process.cmd("status"), 10)
