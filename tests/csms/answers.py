"""What the practice CSMS answers when it behaves: tokens, tariff, registration, and a table.  No connection."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from tests.csms.record import Payload, StationRecord, Transaction

Answer = Callable[[StationRecord, Payload], Payload]

# What a CSMS that only practises says to the calls it takes no interest in.
PLAIN: dict[str, Payload] = {
    "ClearedChargingLimit": {},
    "DataTransfer": {"status": "UnknownVendorId"},
    "FirmwareStatusNotification": {},
    "Get15118EVCertificate": {"status": "Failed", "exiResponse": "-"},
    "GetCertificateStatus": {"status": "Failed"},
    "LogStatusNotification": {},
    "MeterValues": {},
    "NotifyChargingLimit": {},
    "NotifyCustomerInformation": {},
    "NotifyDisplayMessages": {},
    "NotifyEVChargingNeeds": {"status": "Rejected"},
    "NotifyEVChargingSchedule": {"status": "Accepted"},
    "NotifyEvent": {},
    "NotifyMonitoringReport": {},
    "NotifyReport": {},
    "PublishFirmwareStatusNotification": {},
    "ReportChargingProfiles": {},
    "ReservationStatusUpdate": {},
    "SecurityEventNotification": {},
    "SignCertificate": {"status": "Rejected"},  # it has no certificate authority
    "StatusNotification": {},
}


def utc_now() -> datetime:
    return datetime.now(UTC)


def rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True)
class Tariff:
    """A price that fits on a sticker."""

    per_kwh: Decimal = Decimal("0.42")
    per_session: Decimal = Decimal("0.50")

    def cost(self, transaction: Transaction) -> Decimal:
        total = self.per_session + self.per_kwh * transaction.energy_wh / 1000
        return total.quantize(Decimal("0.01"), ROUND_HALF_UP)


class Answers:
    """The behaviour of a CSMS in good health; any entry of ``table`` may be replaced.

    Args:
        tokens: token -> authorization status, or a whole ``idTokenInfo``.
        unknown_token: what every other token gets.
        interval_s: of an accepted BootNotification.
        boots: (status, interval) of the first BootNotifications; after these, Accepted.
        clock: what this CSMS takes for the time.

    """

    def __init__(
        self,
        *,
        tokens: Mapping[str, str | Payload] | None = None,
        unknown_token: str = "Accepted",
        tariff: Tariff | None = None,
        interval_s: int = 300,
        boots: list[tuple[str, int]] | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.tokens = {token.casefold(): info for token, info in (tokens or {}).items()}
        self.unknown_token = unknown_token
        self.tariff = tariff or Tariff()
        self.interval_s = interval_s
        self.boots = deque(boots or [])
        self.clock = clock
        self.table: dict[str, Answer] = {
            "Authorize": self._authorize,
            "BootNotification": self._boot_notification,
            "Heartbeat": self._heartbeat,
            "TransactionEvent": self._transaction_event,
            **{action: plainly(payload) for action, payload in PLAIN.items()},
        }

    def token_info(self, id_token: Payload) -> Payload:
        """``idTokenInfo``; tokens are case-insensitive (IdTokenType)."""
        info = self.tokens.get(id_token["idToken"].casefold(), self.unknown_token)
        return {"status": info} if isinstance(info, str) else info

    def _boot_notification(self, _record: StationRecord, _payload: Payload) -> Payload:
        status, interval_s = self.boots.popleft() if self.boots else ("Accepted", self.interval_s)
        return {"currentTime": rfc3339(self.clock()), "interval": interval_s, "status": status}

    def _heartbeat(self, _record: StationRecord, _payload: Payload) -> Payload:
        return {"currentTime": rfc3339(self.clock())}

    def _authorize(self, _record: StationRecord, payload: Payload) -> Payload:
        return {"idTokenInfo": self.token_info(payload["idToken"])}

    def _transaction_event(self, record: StationRecord, payload: Payload) -> Payload:
        answer: dict[str, Any] = {}
        if "idToken" in payload:
            answer["idTokenInfo"] = self.token_info(payload["idToken"])
        if payload["eventType"] == "Ended":  # I03.FR.02; never before the end
            transaction = record.transactions[payload["transactionInfo"]["transactionId"]]
            answer["totalCost"] = float(self.tariff.cost(transaction))
        return answer


def plainly(payload: Payload) -> Answer:
    return lambda _record, _payload: dict(payload)
