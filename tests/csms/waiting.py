"""The stations that a CSMS knows, and how to wait for what they do.  Event driven, never polled; no socket."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.csms.record import CALL, Frame, Payload, StationRecord

PATIENT_S = 60.0
"""What comes at all comes on a busy machine too: only a test that fails waits this long."""


class Records:
    """The stations that a CSMS knows, and a way to wait for what they do: event driven, never polled."""

    def __init__(self, listener: Callable[[StationRecord, Frame], None] = lambda record, frame: None) -> None:
        self.stations: dict[str, StationRecord] = {}
        self._listener = listener
        self._waiters: list[tuple[Callable[[], Any], asyncio.Future[Any]]] = []

    def station(self, station_id: str) -> StationRecord:
        return self.stations.setdefault(station_id, StationRecord(station_id, listener=self._listener))

    async def wait_for(
        self,
        what: str | Callable[[], Any],
        timeout_s: float = PATIENT_S,
        *,
        station_id: str | None = None,
        count: int = 1,
        where: Callable[[Payload], Any] = lambda payload: True,
    ) -> Any:
        """Wait until something holds; at once when it already does.

        Args:
            what: a predicate, asked again after everything that happens, or an action: the ``count``-th CALL
                of it (since the record began) that satisfies ``where``.

        Returns:
            What the predicate returned, or the payload of that CALL.

        Raises:
            TimeoutError: with what was heard instead.

        """
        ask = Wanted(self, what, station_id, count, where) if isinstance(what, str) else what
        if answer := ask():
            return answer.payload if isinstance(answer, Frame) else answer
        waiter = (ask, asyncio.get_running_loop().create_future())
        self._waiters.append(waiter)
        try:
            answer = await asyncio.wait_for(waiter[1], timeout_s)
        except TimeoutError:
            raise TimeoutError(f"no {what} within {timeout_s} s; heard: {self._heard()}") from None
        finally:
            self._waiters.remove(waiter)
        return answer.payload if isinstance(answer, Frame) else answer

    def changed(self) -> None:
        """Something happened: ask every waiter's question again."""
        for ask, future in self._waiters:
            if not future.done():
                settle(future, ask)

    def _heard(self) -> str:
        frames = [frame for record in self.stations.values() for frame in record.frames]
        return "\n  ".join(["", *(str(frame.text)[:160] for frame in frames[-12:])]) or "nothing"


@dataclass
class Wanted:
    """The question whether a station has said something; looks at each frame once."""

    records: Records
    action: str
    station_id: str | None
    count: int
    where: Callable[[Payload], Any]
    found: list[Frame] = field(default_factory=list)
    looked_at: dict[str, int] = field(default_factory=dict)

    def __call__(self) -> Frame | None:
        for record in self.records.stations.values():
            if self.station_id in (None, record.id):
                self._look(record)
        return self.found[self.count - 1] if len(self.found) >= self.count else None

    def _look(self, record: StationRecord) -> None:
        start = self.looked_at.get(record.id, 0)
        self.found += filter(self._fits, record.frames[start:])
        self.looked_at[record.id] = len(record.frames)

    def _fits(self, frame: Frame) -> bool:
        said = frame.from_station and frame.kind == CALL and frame.action == self.action
        return said and isinstance(frame.payload, dict) and bool(self.where(frame.payload))


def settle(future: asyncio.Future[Any], ask: Callable[[], Any]) -> None:
    try:
        answer = ask()
    except Exception as error:
        future.set_exception(error)
        return
    if answer:
        future.set_result(answer)
