"""What a CSMS remembers of each station, across reconnections.  No socket, no answers."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from time import monotonic
from typing import Any

CALL, CALLRESULT, CALLERROR = 2, 3, 4
ENERGY = "Energy.Active.Import.Register"
Payload = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Frame:
    """One WebSocket message, either way."""

    at: datetime
    monotonic_s: float
    from_station: bool
    text: str | bytes
    message: list[Any] | None  # None: not a JSON array
    action: str = ""  # of the call, or of the call that this answers; "" when unknown

    @property
    def kind(self) -> Any:
        return self.message[0] if self.message else None

    @property
    def id(self) -> Any:
        return self.message[1] if self.message and len(self.message) > 1 else None

    @property
    def payload(self) -> Any:
        """Of a CALL or a CALLRESULT; None of anything else."""
        place = {CALL: 3, CALLRESULT: 2}.get(self.kind) if isinstance(self.kind, int) else None
        return self.message[place] if self.message and place and len(self.message) > place else None


def parse(text: str | bytes) -> list[Any] | None:
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, list) else None


@dataclass
class Transaction:
    """What a station told of one transaction, in order of arrival; what it told twice is kept apart."""

    id: str
    events: list[Payload] = field(default_factory=list)
    duplicates: list[Payload] = field(default_factory=list)

    def add(self, event: Payload) -> None:
        known = any(event.get("seqNo") == earlier.get("seqNo") for earlier in self.events)
        (self.duplicates if known else self.events).append(event)

    @property
    def types(self) -> list[str]:
        return [event["eventType"] for event in self.events]

    @property
    def ended(self) -> bool:
        return "Ended" in self.types

    @property
    def id_token(self) -> str | None:
        """The token of the driver: the first that the transaction named."""
        return next((event["idToken"]["idToken"] for event in self.events if "idToken" in event), None)

    @property
    def energy_wh(self) -> Decimal:
        """From the first to the last reading of the meter's register."""
        readings = [wh for event in self.events for wh in registers_wh(event)]
        return readings[-1] - readings[0] if readings else Decimal(0)

    def missing(self) -> list[int]:
        """The seqNos between the first and the last that never came."""
        numbers = {event["seqNo"] for event in self.events}
        return [n for n in range(min(numbers), max(numbers)) if n not in numbers] if numbers else []

    def faults(self) -> list[str]:
        """What a careful CSMS would hold against the station; [] for a transaction that was told well."""
        numbers = [event["seqNo"] for event in self.events]
        checks = {
            f"seqNo {self.missing()} never came": bool(self.missing()),
            f"seqNo out of order: {numbers}": numbers != sorted(numbers),
            f"does not open with Started: {self.types}": self.types[:1] != ["Started"],
            f"Started more than once: {self.types}": self.types.count("Started") > 1,
            f"goes on after Ended: {self.types}": "Ended" in self.types[:-1],
            "one seqNo, two events": any(not self._repeats(event) for event in self.duplicates),
        }
        return [f"transaction {self.id} {text}" for text, wrong in checks.items() if wrong]

    def _repeats(self, event: Payload) -> bool:
        # E11.FR.07: a message may become ``offline`` while it waits to be said again.
        said = without_offline(event)
        return any(said == without_offline(earlier) for earlier in self.events)


def without_offline(event: Payload) -> Payload:
    return {key: value for key, value in event.items() if key != "offline"}


def registers_wh(event: Payload) -> Iterator[Decimal]:
    for meter_value in event.get("meterValue", ()):
        for sample in meter_value["sampledValue"]:
            if sample.get("measurand", ENERGY) == ENERGY and "phase" not in sample:
                unit = sample.get("unitOfMeasure", {})
                factor = Decimal(1000) if unit.get("unit") == "kWh" else Decimal(1)
                yield Decimal(str(sample["value"])).scaleb(unit.get("multiplier", 0)) * factor


@dataclass
class StationRecord:
    """All that one station did, since the CSMS first heard of it."""

    id: str
    frames: list[Frame] = field(default_factory=list)
    attempts_s: list[float] = field(default_factory=list)  # monotonic; handshakes, refused ones included
    certificates: list[bytes | None] = field(default_factory=list)  # what it showed with each attempt, as DER
    connections: int = 0
    connected: bool = False
    registration: str | None = None  # the last answer to a BootNotification
    boots: list[Payload] = field(default_factory=list)
    statuses: dict[tuple[int, int], list[str]] = field(default_factory=dict)  # (evse, connector): in order
    transactions: dict[str, Transaction] = field(default_factory=dict)
    schema_violations: list[str] = field(default_factory=list)
    order_violations: list[str] = field(default_factory=list)
    strays: list[Frame] = field(default_factory=list)  # answers to nothing that we asked
    listener: Callable[["StationRecord", Frame], None] = lambda record, frame: None
    asked: dict[tuple[bool, str], str] = field(default_factory=dict)  # (by the station?, message id): action

    @property
    def violations(self) -> list[str]:
        return self.schema_violations + self.order_violations

    def calls(self, action: str) -> list[Payload]:
        """The payloads of every CALL of this action, oldest first, repetitions included."""
        return [f.payload for f in self.frames if f.from_station and f.kind == CALL and f.action == action]

    def transaction_faults(self) -> list[str]:
        return [fault for transaction in self.transactions.values() for fault in transaction.faults()]

    def add(self, text: str | bytes, from_station: bool) -> Frame:
        """Write a frame down."""
        message = parse(text)
        frame = Frame(datetime.now(UTC), monotonic(), from_station, text, message)
        frame = replace(frame, action=self._action_of(frame))
        self.frames.append(frame)
        self.listener(self, frame)
        return frame

    def _action_of(self, frame: Frame) -> str:
        match frame.message:
            case [2, str(id_), str(action), *_]:
                self.asked[frame.from_station, id_] = action
                return action
            case [_, str(id_), *_]:
                return self.asked.get((not frame.from_station, id_), "")
        return ""

    def learn(self, action: str, payload: Payload) -> None:
        """Take in what a well-formed CALL says."""
        if action == "BootNotification":
            self.boots.append(payload)
        elif action == "StatusNotification":
            place = (payload["evseId"], payload["connectorId"])
            self.statuses.setdefault(place, []).append(payload["connectorStatus"])
        elif action == "TransactionEvent":
            transaction_id = payload["transactionInfo"]["transactionId"]
            self.transactions.setdefault(transaction_id, Transaction(transaction_id)).add(payload)
