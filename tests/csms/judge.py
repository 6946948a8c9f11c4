"""Is what a station says allowed, in form and in order?  Pure: frames and seconds in, violations out."""

from dataclasses import dataclass, field
from typing import Any

from tests.csms.record import CALL, CALLERROR, CALLRESULT, Frame, StationRecord
from tests.csms.schemas import Violation, violation_of

ERROR_CODES = {  # Part 4 section 4.3
    "FormatViolation",
    "GenericError",
    "InternalError",
    "MessageTypeNotSupported",
    "NotImplemented",
    "NotSupported",
    "OccurrenceConstraintViolation",
    "PropertyConstraintViolation",
    "ProtocolError",
    "RpcFrameworkError",
    "SecurityError",
    "TypeConstraintViolation",
}
# Nothing is exact across two processes: a deadline kept within a tenth is kept.
LENIENCY = 0.9
# B02.FR.02: what a station may say before it is accepted, because we asked for it.
ASKED_FOR = {
    "GetBaseReport": "NotifyReport",
    "GetReport": "NotifyReport",
    "SignChargingStationCertificate": "SignCertificate",
    "SignV2GCertificate": "SignCertificate",
    "SignCombinedCertificate": "SignCertificate",
}


def shape_of(message: list[Any] | None) -> str | None:
    """What is wrong with the frame around a payload (Part 4 section 4.2), or None."""
    match message:
        case [2, str(id_), str(), dict()] | [3, str(id_), dict()]:
            return None if 0 < len(id_) <= 36 else f"message id of {len(id_)} characters"
        case [4, str(id_), str(code), str(description), dict()]:
            if code not in ERROR_CODES:
                return f"error code {code!r} is none of OCPP 2.0.1"
            return None if 0 < len(id_) <= 36 and len(description) <= 255 else "id or description too long"
    return "neither CALL nor CALLRESULT nor CALLERROR"


@dataclass
class Judge:
    """Holds one station against the rules of OCPP-J and of registration.

    ``message_timeout_s``: how long the station waits for an answer before it may say the next thing.
    """

    record: StationRecord
    schemas: bool = True
    message_timeout_s: float = 30.0
    in_flight: dict[str, float] = field(default_factory=dict)  # message id: when it came
    said_ids: set[str] = field(default_factory=set)
    asked_for: set[str] = field(default_factory=set)
    next_boot_s: float = 0.0

    def connected(self) -> None:
        """A connection is new: nothing is in flight, and a station that rebooted may boot at once."""
        self.in_flight.clear()
        self.next_boot_s = 0.0

    def receive_call(self, frame: Frame) -> Violation | None:
        """What to refuse the CALL for, or None."""
        self._check_id(frame)
        self._check_flight(frame)
        refusal = self._check_registration(frame)
        return refusal or self._check_schema(f"{frame.action}Request", frame)

    def receive_answer(self, frame: Frame) -> None:
        if frame.kind == CALLRESULT:
            self._check_schema(f"{frame.action}Response", frame)

    def check_shape(self, frame: Frame) -> bool:
        fault = shape_of(frame.message)
        if fault:
            self.record.schema_violations.append(f"{fault}: {str(frame.text)[:200]}")
        return fault is None

    def sent(self, frame: Frame) -> None:
        """Take in what the CSMS itself said: an answer frees the line, a request may invite."""
        if frame.kind in (CALLRESULT, CALLERROR):
            self.in_flight.pop(str(frame.id), None)
        if frame.action == "BootNotification" and frame.kind == CALLRESULT:
            self._registered(frame)
        if frame.kind == CALL and isinstance(frame.payload, dict):
            wanted = frame.payload.get("requestedMessage", frame.action)
            if isinstance(wanted, str):
                self.asked_for.add(ASKED_FOR.get(wanted, wanted))

    def stray(self, frame: Frame) -> None:
        self.record.order_violations.append(f"answer to nothing that was asked: {str(frame.text)[:200]}")

    def _registered(self, frame: Frame) -> None:
        payload = frame.payload if isinstance(frame.payload, dict) else {}
        status, interval_s = payload.get("status"), payload.get("interval", 0)
        self.record.registration = status if isinstance(status, str) else None
        # B02.FR.04: not again before the interval, unless it is Accepted.
        waits = status in ("Pending", "Rejected") and isinstance(interval_s, int) and interval_s > 0
        self.next_boot_s = frame.monotonic_s + interval_s * LENIENCY if waits else 0.0

    def _check_id(self, frame: Frame) -> None:
        if frame.id in self.said_ids:
            self.record.order_violations.append(f"message id {frame.id} used before")
        self.said_ids.add(frame.id)

    def _check_flight(self, frame: Frame) -> None:
        oldest_s = frame.monotonic_s - self.message_timeout_s * LENIENCY
        self.in_flight = {id_: at for id_, at in self.in_flight.items() if at > oldest_s}
        if self.in_flight:
            text = f"{frame.action} {frame.id} while {', '.join(self.in_flight)} is not answered"
            self.record.order_violations.append(text)
        self.in_flight[frame.id] = frame.monotonic_s

    def _check_registration(self, frame: Frame) -> Violation | None:
        if frame.action in self.asked_for and self.record.registration != "Rejected":
            return None
        if frame.action == "BootNotification":
            if frame.monotonic_s < self.next_boot_s:
                self.record.order_violations.append("BootNotification before the interval was over")
            self.record.registration = None  # B01.FR.08: it has rebooted, and waits for the answer
            return None
        if self.record.registration == "Accepted":
            return None
        text = f"{frame.action} while the registration is {self.record.registration}"
        self.record.order_violations.append(text)
        return Violation("SecurityError", text)  # B01.FR.10, B02.FR.09, B03.FR.07

    def _check_schema(self, name: str, frame: Frame) -> Violation | None:
        violation = violation_of(name, frame.payload) if self.schemas else None
        if violation:
            self.record.schema_violations.append(violation.text)
        return violation
