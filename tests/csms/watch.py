"""The practice CSMS for people: one readable line a message.  ``python -m tests.csms.practice --port 9000``."""

import argparse
import asyncio
import signal
import sys
from decimal import Decimal
from typing import Any

from tests.csms.answers import Answers, Tariff
from tests.csms.practice import PracticeCsms
from tests.csms.record import Frame, Payload, StationRecord, registers_wh

# What is worth a word of each message, in this order: a dotted path into the payload.
WORTH_SAYING = {
    "Authorize": ("idToken.idToken", "idTokenInfo.status"),
    "BootNotification": ("reason", "chargingStation.vendorName", "chargingStation.model", "status", "interval"),
    "Heartbeat": ("currentTime",),
    "RequestStartTransaction": ("evseId", "idToken.idToken", "remoteStartId", "status", "transactionId"),
    "RequestStopTransaction": ("transactionId", "status"),
    "StatusNotification": ("evseId", "connectorId", "connectorStatus"),
    "TransactionEvent": (
        "eventType",
        "seqNo",
        "triggerReason",
        "transactionInfo.transactionId",
        "transactionInfo.chargingState",
        "transactionInfo.stoppedReason",
        "idToken.idToken",
        "offline",
        "idTokenInfo.status",
        "totalCost",
    ),
}


def find(payload: Any, path: str) -> Any:
    for key in path.split("."):
        payload = payload.get(key) if isinstance(payload, dict) else None
    return payload


def words(action: str, payload: Payload) -> str:
    """``Started seqNo=0 ...``: the well-known fields of a message, or all of an unknown one."""
    if action not in WORTH_SAYING:
        return " ".join(f"{key}={value}" for key, value in payload.items())[:160]
    found = [(path.rpartition(".")[2], find(payload, path)) for path in WORTH_SAYING[action]]
    return " ".join(f"{key}={value}" for key, value in found if value is not None)


def energy(payload: Payload) -> str:
    readings = list(registers_wh(payload))
    return f" meter={readings[-1]}Wh" if readings else ""


def line_of(record: StationRecord, frame: Frame) -> str:
    """One message as one line: when, which way, which station, what."""
    way = "<" if frame.from_station else ">"
    head = f"{frame.at.astimezone():%H:%M:%S} {way} {record.id} "
    match frame.message:
        case [2, _, str(), dict(payload)]:
            return f"{head}{frame.action} {words(frame.action, payload)}{energy(payload)}".rstrip()
        case [3, _, dict(payload)]:
            return f"{head}  {frame.action or 'answer'}: {words(frame.action, payload) or 'ok'}"
        case [4, _, code, description, *_]:
            return f"{head}  {frame.action or 'answer'}: refused, {code} {description}".rstrip()
    return f"{head}not OCPP: {str(frame.text)[:160]}"


class Watcher:
    """Prints frames, and what is wrong with them."""

    def __init__(self) -> None:
        self._told: dict[str, int] = {}

    def hear(self, record: StationRecord, frame: Frame) -> None:
        print(line_of(record, frame), flush=True)
        self.tell_violations(record)

    def tell_violations(self, record: StationRecord) -> None:
        for text in record.violations[self._told.get(record.id, 0) :]:
            print(f"         ! {record.id} {text}", flush=True)
        self._told[record.id] = len(record.violations)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.csms.practice",
        description="A practice CSMS for OCPP 2.0.1: accepts every station and prints one line a message.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=9000, help="TCP port; 0 takes a free one (default: %(default)s)")
    parser.add_argument("--interval", type=int, default=300, help="heartbeat interval in s (default: %(default)s)")
    parser.add_argument("--per-kwh", type=Decimal, default="0.42", help="price of a kWh (default: %(default)s)")
    parser.add_argument("--per-session", type=Decimal, default="0.50", help="price of a session (default: %(default)s)")
    parser.add_argument(
        "--reject", action="append", default=[], metavar="TOKEN", help="a token that is Invalid; may be repeated"
    )
    parser.add_argument(
        "--faults", type=float, default=0.0, metavar="RATE", help="answer wrongly with this probability, 0 to 1"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the faults: the same seed, the same run")
    return parser.parse_args()


async def watch(options: argparse.Namespace) -> None:
    """Serve until SIGINT or SIGTERM."""
    answers = Answers(
        tokens=dict.fromkeys(options.reject, "Invalid"),
        tariff=Tariff(options.per_kwh, options.per_session),
        interval_s=options.interval,
    )
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with PracticeCsms(host=options.host, port=options.port, answers=answers, listener=Watcher().hear) as csms:
        if options.faults:
            csms.script.at_random(options.seed, options.faults)
        print(f"practice CSMS: {csms.url} (a station appends its identity); Ctrl-C ends it", flush=True)
        await ended.wait()


def main() -> int:
    options = arguments()
    try:
        asyncio.run(watch(options))
    except OSError as error:
        print(f"cannot listen on {options.host}:{options.port}: {error.strerror}", file=sys.stderr)
        return 1
    return 0
