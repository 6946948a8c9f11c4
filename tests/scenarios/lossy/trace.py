"""What a station said and when, held against the rules of the link while it goes on.  Changes nothing."""

import json
from typing import Any, NamedTuple

from agent.link.disk import Row
from agent.ocpp.messages import load
from agent.ocpp.messages.e_transactions import TransactionEventRequest
from agent.vocabulary.incoming import LinkLost, LinkOpened

MESSAGE_TIMEOUT_S = 30.0
DAY_S = 86_400.0
SLACK_S = 0.01

Number = tuple[str, int]
"""(transaction, seqNo)"""


class Made(NamedTuple):
    """An event when it was made: ``connection`` is the one that stood then, None when there was none."""

    at: float
    connection: int | None
    request: TransactionEventRequest


class Said(NamedTuple):
    """A CALL of the station on its n-th connection."""

    at: float
    connection: int
    id: str
    action: str
    payload: dict[str, Any]


class Lost(NamedTuple):
    """A connection that broke (``failures`` 0), or an attempt that failed: the how manieth in a row."""

    at: float
    failures: int
    stood: bool


class Trace:
    """An observer of the loop; what breaks a rule at once is in ``faults``."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.made: dict[Number, Made] = {}
        self.said: list[Said] = []
        self.heard_at: list[float] = []
        self.answered_at: dict[str, float] = {}
        self.opened_at: list[float] = []
        self.lost: list[Lost] = []
        self._stands = False
        self._failures = 0
        self._in_flight: Said | None = None
        self._ids: set[str] = set()

    def inserted(self, row: Row, now: float) -> None:
        """A durable message is about to be stored; those of transactions are looked at."""
        request = load(row.action, row.message)
        if not isinstance(request, TransactionEventRequest):
            return
        number = row.transaction_id, row.seq_no
        self._expect(number not in self.made, now, f"{number} is used twice")
        self.made[number] = Made(now, len(self.opened_at) if self._stands else None, request)

    def observe(self, topic: str, seen: Any, now: float) -> None:
        """Hear what the loop tells those who watch it."""
        if topic == "ocpp":
            way, frame = seen
            (self._sent if way == ">" else self._heard)(json.loads(frame), now)
        elif isinstance(seen, LinkOpened):
            self.opened_at.append(now)
            self._stands, self._failures = True, 0
        elif isinstance(seen, LinkLost):
            self.lost.append(Lost(now, self._failures, self._stands))
            self._stands, self._in_flight = False, None
            self._failures += 1

    def _sent(self, message: list[Any], now: float) -> None:
        self._expect(self._stands, now, f"says {message} on no connection")
        if message[0] != 2:
            return
        said = Said(now, len(self.opened_at), *message[1:])
        waiting = self._in_flight
        answered = waiting is None or now >= waiting.at + MESSAGE_TIMEOUT_S
        self._expect(answered, now, f"{said.action} while {waiting and waiting.action} is not answered")
        self._expect(said.id not in self._ids, now, f"message id {said.id} is used twice")
        self._ids.add(said.id)
        self._in_flight = said
        self.said.append(said)

    def _heard(self, message: list[Any], now: float) -> None:
        self._expect(self._stands, now, f"hears {message} on no connection")
        if message[0] != 2:
            self.heard_at.append(now)
            self.answered_at.setdefault(message[1], now)
            if self._in_flight is not None and message[1] == self._in_flight.id:
                self._in_flight = None

    def _expect(self, holds: bool, now: float, text: str) -> None:
        if not holds:
            self.faults.append(f"{now:.3f} s: {text}")
