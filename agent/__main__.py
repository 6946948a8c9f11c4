"""The command line: ``station-agent run`` and what a technician types.  Puts nothing together itself."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import sys
from pathlib import Path
from typing import Any

from agent.version import VERSION

DEFAULT_BOARD = "/etc/station-agent/board.toml"
DEFAULT_DATA = "/var/lib/station-agent"
DEFAULT_CONTROL = "/run/station-agent/control.sock"
MAX_IDENTITY = 48

SWITCH_S = 0.001
"""A thread that computes lets the loop in after this long at the latest; Python's own 5 ms are a pilot's frame late."""

RUN_HELP = """\
Run the station: read the board file, start its drivers, connect to the CSMS, and charge.

  station-agent run --board demo --csms ws://csms.example.com/ocpp --id CS001
  station-agent run --board sim --control /tmp/station.sock --data /tmp/station --wait

What is said here wins over what is stored in the data directory, and that over the board file.
Ends with SIGTERM or Ctrl-C.  Exit status 2: the board file or the data directory cannot be used."""

DO_HELP = """\
Send one command to a running agent and print the answer.

  station-agent do status
  station-agent do plug_in evse=1
  station-agent do swipe token=04A2B3C4
  station-agent do watch topics='["facts"]'        (until Ctrl-C)

Values are JSON where they can be, text otherwise.  docs/control.md lists the commands."""


REPORT_HELP = """\
Print every deviation from OCPP that the running agent has heard from its CSMS since power-on: how often, whether it was
understood anyway, the clause, and a sample without tokens or passwords.  A text to mail to the backend's vendor.
How much is understood anyway is `csms.tolerance` in the board file: off, known (default) or all."""


SHELL_HELP = """\
Look into a running agent: tables for people, JSON for scripts.  It only looks; `station-agent do` does things.

  station-agent shell                             a conversation: TAB completes, Ctrl-D ends
  station-agent shell why 1                       one command
  station-agent shell variables changed=true
  station-agent shell watch ocpp hal              until Ctrl-C
  station-agent shell --json status               for scripts: the answer on stdout

Exit status: 0 done, 1 refused by the agent, 2 not said well or no agent there."""

WHY_HELP = """\
Say why an EVSE (none named: each of them) does not charge: the first thing that is missing, and what to do about it.

  station-agent why 1"""


BOARD_HELP = """\
Board files: what is wrong with one, which ones ship, whether a part answers.  No station is started.

  station-agent board check board.toml            every fault with its place (else exit status 2)
  station-agent board list                        boards that ship, and what each does when its host goes silent
  station-agent board try board.toml evse[0].meter              ten seconds of one part, in words
  station-agent board try demo openevse --device pilot=/dev/ttyACM0 --for 0      until Ctrl-C
  station-agent board selftest board.toml --report selftest.html        a walk through the whole board, with a report

A part is named by its place or by its driver.  A controller that is tried is told to permit no power; selftest permits
it, step by step, and asks for what needs a hand.  Stop the agent first: the parts belong to one process."""


LEDGER_HELP = """\
The ledger of everything that the CSMS must hear, kept in the data directory.

  station-agent ledger list [--state parked]      one line an event
  station-agent ledger export > events.jsonl      whole, as JSON lines
  station-agent ledger verify                     the hash chain is unbroken, no seqNo is missing (else exit status 1)
  station-agent ledger resend [ID ...]            parked events back into the queue (--control: of a running agent)

held: waits or is in flight.  refused: the CSMS did not take it, it is said again.  answered: done, kept a while as
proof.  parked: given up after the attempts that the CSMS allows, kept until somebody decides.  thinned: an intermediate
reading that was given up because the queue was full."""

STATES = ("held", "refused", "answered", "parked", "thinned")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="station-agent",
        description="The agent on the Linux board inside an EV charging station: drives its hardware, speaks OCPP.",
    )
    top.add_argument("--version", action="version", version=f"station-agent {VERSION}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND", prog="station-agent")
    raw = argparse.RawDescriptionHelpFormatter
    run = commands.add_parser("run", help="run the station", description=RUN_HELP, formatter_class=raw)
    run.add_argument(
        "--board",
        default=os.environ.get("STATION_BOARD"),
        metavar="FILE",
        help=f"board file, or the name of one that ships: demo, sim (default: $STATION_BOARD, else {DEFAULT_BOARD})",
    )
    run.add_argument("--csms", metavar="URL", help="the CSMS's endpoint, ws:// or wss://, without the identity")
    run.add_argument("--id", metavar="ID", help="identity of this station at the CSMS")
    _add_data(run)
    run.add_argument(
        "--control",
        default=os.environ.get("STATION_CONTROL_SOCKET"),
        metavar="PATH",
        help="Unix socket for the field shell (default: $STATION_CONTROL_SOCKET, else none)",
    )
    run.add_argument(
        "--control-observe",
        default=os.environ.get("STATION_OBSERVE_SOCKET"),
        metavar="PATH",
        help="a second one on which only commands that look are taken (default: $STATION_OBSERVE_SOCKET, else none)",
    )
    _add_device(run)
    run.add_argument("--wait", action="store_true", help="wait for `start` on the control socket before powering on")
    run.add_argument("--log", choices=("debug", "info", "warning"), default="info", help="how much is told on stderr")
    do = commands.add_parser("do", help="send one command to a running agent", description=DO_HELP, formatter_class=raw)
    do.add_argument("cmd", metavar="CMD", help="status, watch, plug_in, swipe, ...")
    do.add_argument("arguments", nargs="*", metavar="NAME=VALUE", help="arguments of the command")
    _add_agents_socket(do)
    report = commands.add_parser(
        "csms-report", help="what the CSMS says against the specification", description=REPORT_HELP, formatter_class=raw
    )
    _add_agents_socket(report)
    shell = commands.add_parser("shell", help="look into a running agent", description=SHELL_HELP, formatter_class=raw)
    shell.add_argument("words", nargs="*", metavar="WORD", help="one command and its arguments (default: a prompt)")
    shell.add_argument("--json", action="store_true", help="answers as JSON; watch: one line an event")
    _add_agents_socket(shell)
    why = commands.add_parser("why", help="why does it not charge?", description=WHY_HELP, formatter_class=raw)
    why.add_argument("evse", nargs="?", type=int, metavar="EVSE", help="number of the EVSE (default: each of them)")
    _add_agents_socket(why)
    _add_board(commands)
    _add_ledger(commands)
    return top


def _add_agents_socket(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--control",
        default=os.environ.get("STATION_CONTROL_SOCKET", DEFAULT_CONTROL),
        metavar="PATH",
        help=f"the agent's socket (default: $STATION_CONTROL_SOCKET, else {DEFAULT_CONTROL})",
    )


def _add_data(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--data",
        default=os.environ.get("STATION_DATA_DIR", DEFAULT_DATA),
        metavar="DIR",
        help=f"where the station remembers (default: $STATION_DATA_DIR, else {DEFAULT_DATA})",
    )


def _add_board(commands: Any) -> None:
    raw = argparse.RawDescriptionHelpFormatter
    board = commands.add_parser("board", help="check, list, try boards", description=BOARD_HELP, formatter_class=raw)
    verbs = board.add_subparsers(dest="what", required=True, metavar="check|list|try|selftest")
    check = verbs.add_parser("check", help="every fault of a board file")
    check.add_argument("files", nargs="+", metavar="FILE", help="board file, or the name of one that ships")
    verbs.add_parser("list", help="the boards that ship")
    trial = verbs.add_parser("try", help="talk to one part and print what it says")
    trial.add_argument("file", metavar="FILE", help="board file, or the name of one that ships")
    trial.add_argument("part", metavar="PLACE|DRIVER", help="for instance evse[0].pilot, or openevse")
    trial.add_argument("--for", type=float, default=10.0, dest="seconds", metavar="S", help="how long (10); 0: no end")
    _add_device(trial)
    walk = verbs.add_parser("selftest", help="walk through a board and write a report")
    walk.add_argument("file", metavar="FILE", help="board file, or the name of one that ships")
    walk.add_argument("--evse", type=int, metavar="N", help="only this EVSE (default: each of them)")
    walk.add_argument("--yes", action="store_true", help="nobody is there: leave out what needs a hand")
    walk.add_argument("--report", default="selftest.html", metavar="FILE", help="where to write it (selftest.html)")
    _add_device(walk)


def _add_device(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--device",
        action="append",
        default=[],
        metavar="BUS=PATH",
        help="put another device in the place of a bus's, for instance pilot=/dev/ttyACM0; may be repeated",
    )


def _add_ledger(commands: Any) -> None:
    ledger = commands.add_parser(
        "ledger",
        help="what waits for the CSMS, what was parked, and proof of it",
        description=LEDGER_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    ledger.add_argument("what", choices=("list", "export", "verify", "resend"), help="see above")
    ledger.add_argument("ids", nargs="*", type=int, metavar="ID", help="parked events to send again (default: all)")
    ledger.add_argument("--state", choices=STATES, help="only events in this state")
    ledger.add_argument("--transaction", metavar="ID", help="only events of this transaction")
    _add_data(ledger)
    ledger.add_argument(
        "--control",
        default=os.environ.get("STATION_CONTROL_SOCKET"),
        metavar="PATH",
        help="the running agent's socket, for resend; without it the file is changed, for an agent that is not running",
    )


def main(arguments: list[str] | None = None) -> int:
    """Run a command; the exit status is 2 where the user has to correct something."""
    options = parser().parse_args(arguments)
    if options.command == "do":
        from agent.shell.client import do

        return do(Path(options.control), options.cmd, options.arguments)
    if options.command == "ledger":
        return ledger(options)
    if options.command in ("shell", "why"):
        return look(options)
    if options.command == "board":
        return board(options)
    if options.command == "csms-report":
        from agent.shell.client import report

        return report(Path(options.control))
    return run(options)


def look(options: argparse.Namespace) -> int:
    """``station-agent shell``, ``station-agent why``."""
    from agent.shell.interactive import shell

    if options.command == "why":
        words = ["why"] if options.evse is None else ["why", str(options.evse)]
        return shell(Path(options.control), words, as_json=False)
    if options.json and not options.words:
        print("station-agent: shell --json: expected a command, for instance status", file=sys.stderr)  # noqa: T201
        return 2
    return shell(Path(options.control), options.words, as_json=options.json)


def board(options: argparse.Namespace) -> int:
    """``station-agent board``."""
    from agent.errors import StartFailed
    from agent.shell.boards import run as on_boards
    from board.descriptor import BoardError

    try:
        devices = dict(_pair(device) for device in getattr(options, "device", ()))
        if options.what == "selftest":
            from agent.shell.selftest import run as on_selftest

            return on_selftest(options, devices)
        return on_boards(options, devices)
    except (StartFailed, BoardError) as error:
        print(f"station-agent: {error}", file=sys.stderr)  # noqa: T201
        return 2


def ledger(options: argparse.Namespace) -> int:
    """``station-agent ledger``."""
    if options.what == "resend" and options.control is not None:
        from agent.shell.client import do

        return do(Path(options.control), "ledger_resend", [f"ids={options.ids}"])
    from agent.shell.ledger import run as show

    data, ids = Path(options.data), tuple(options.ids)
    return show(options.what, data, state=options.state, transaction=options.transaction, ids=ids)


def run(options: argparse.Namespace) -> int:
    """``station-agent run``."""
    os.umask(0o077)  # the data directory holds tokens, perhaps a password; the socket is opened for its group
    sys.setswitchinterval(SWITCH_S)
    gc.disable()  # thousands of objects are made at start, none is garbage; the app enables it again
    from agent.app import Machine, run_machine
    from agent.errors import StartFailed
    from agent.provision import Provision
    from board.descriptor import BoardError, find_board, read_board

    tell(options.log)
    try:
        devices = dict(_pair(device) for device in options.device)
        board = read_board(find_board(options.board or ("sim" if options.wait else DEFAULT_BOARD)))
        unknown = sorted(set(devices) - set(board.bus))
        if unknown:
            raise StartFailed(f"--device {unknown[0]}: no such bus; buses: {', '.join(sorted(board.bus))}")
        if options.id is not None and not 0 < len(options.id) <= MAX_IDENTITY:
            raise StartFailed(f"--id {options.id!r}: expected 1 to {MAX_IDENTITY} characters")
        given = Provision(csms_url=options.csms, identity=options.id)
        machine = Machine(board, Path(options.data), given=given, devices=devices)
        control = None if options.control is None else Path(options.control)
        observe = None if options.control_observe is None else Path(options.control_observe)
        asyncio.run(run_machine(machine, control=control, observe=observe, wait=options.wait))
    except (StartFailed, BoardError) as error:
        print(f"station-agent: {error}", file=sys.stderr)  # noqa: T201
        return 2
    except OSError as error:
        print(f"station-agent: {options.data}: {error.strerror or error}", file=sys.stderr)  # noqa: T201
        return 2
    except KeyboardInterrupt:
        return 130
    return machine.exit_status


def _pair(text: str) -> tuple[str, str]:
    from agent.errors import StartFailed

    name, equals, path = text.partition("=")
    if not (name and equals and path):
        raise StartFailed(f"--device {text!r}: expected BUS=PATH")
    return name, path


def tell(level: str) -> None:
    """Log to stderr, one line each; journald adds the time where there is a journal."""
    stamp = "" if "JOURNAL_STREAM" in os.environ else "%(asctime)s.%(msecs)03d  "
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter(f"{stamp}%(message)s", datefmt="%H:%M:%S"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(level.upper())
    logging.getLogger("asyncio").setLevel(logging.WARNING)


if __name__ == "__main__":
    sys.exit(main())
