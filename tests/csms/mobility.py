"""A CSMS as an integrator makes it with the ``ocpp`` library: its framing, its schemas, its handlers, none of ours."""

# mypy: disable-error-code="import-untyped,untyped-decorator"

from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote

from ocpp.exceptions import OCPPError
from ocpp.messages import Call, CallResult, unpack, validate_payload
from ocpp.routing import on
from ocpp.v201 import ChargePoint, call_result
from ocpp.v201.datatypes import IdTokenInfoType
from ocpp.v201.enums import Action, AuthorizationStatusEnumType, RegistrationStatusEnumType
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.csms.record import CALL, StationRecord
from tests.csms.waiting import Records

SUBPROTOCOL = Subprotocol("ocpp2.0.1")
ACCEPTED = IdTokenInfoType(status=AuthorizationStatusEnumType.accepted)


class MobilityStation(ChargePoint):  # type: ignore[misc]
    """The CSMS' end of one connection; what the library refuses is kept as a violation of the schema."""

    def __init__(self, connection: ServerConnection, record: StationRecord, csms: "MobilityCsms") -> None:
        super().__init__(record.id, connection, response_timeout=10)
        self.record = record
        self.csms = csms

    async def route_message(self, raw_msg: str) -> None:
        frame = self.record.add(raw_msg, from_station=True)
        try:
            message = unpack(raw_msg)
            if isinstance(message, Call | CallResult):
                message.action = frame.action
                await validate_payload(message, "2.0.1")
        except OCPPError as error:
            self.record.schema_violations.append(f"{type(error).__name__} {error.details}")
        else:
            if frame.kind == CALL:
                self.record.learn(frame.action, frame.payload)
        await super().route_message(raw_msg)
        self.csms.changed()

    async def _send(self, message: str) -> None:
        self.record.add(message, from_station=False)
        await super()._send(message)

    @on(Action.boot_notification)
    def on_boot_notification(self, **_: Any) -> call_result.BootNotification:
        self.record.registration = "Accepted"
        accepted = RegistrationStatusEnumType.accepted
        return call_result.BootNotification(current_time=now(), interval=300, status=accepted)

    @on(Action.heartbeat)
    def on_heartbeat(self, **_: Any) -> call_result.Heartbeat:
        return call_result.Heartbeat(current_time=now())

    @on(Action.authorize)
    def on_authorize(self, **_: Any) -> call_result.Authorize:
        return call_result.Authorize(id_token_info=ACCEPTED)

    @on(Action.status_notification)
    def on_status_notification(self, **_: Any) -> call_result.StatusNotification:
        return call_result.StatusNotification()

    @on(Action.transaction_event)
    def on_transaction_event(self, event_type: str, **fields: Any) -> call_result.TransactionEvent:
        info = ACCEPTED if "id_token" in fields else None
        return call_result.TransactionEvent(id_token_info=info, total_cost=0.0 if event_type == "Ended" else None)

    @on(Action.meter_values)
    def on_meter_values(self, **_: Any) -> call_result.MeterValues:
        return call_result.MeterValues()

    @on(Action.notify_report)
    def on_notify_report(self, **_: Any) -> call_result.NotifyReport:
        return call_result.NotifyReport()

    @on(Action.notify_event)
    def on_notify_event(self, **_: Any) -> call_result.NotifyEvent:
        return call_result.NotifyEvent()

    @on(Action.security_event_notification)
    def on_security_event_notification(self, **_: Any) -> call_result.SecurityEventNotification:
        return call_result.SecurityEventNotification()


class MobilityCsms(Records):
    """``async with MobilityCsms() as csms:`` serves ``csms.url``; records as the practice CSMS does."""

    def __init__(self) -> None:
        super().__init__()
        self._points: dict[str, MobilityStation] = {}
        self._server: Server | None = None

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"ws://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/ocpp"

    async def __aenter__(self) -> Self:
        self._server = await serve(self._serve, "127.0.0.1", 0, subprotocols=[SUBPROTOCOL], close_timeout=0.5)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def call(self, station_id: str, request: Any) -> Any:
        """Send a request of ``ocpp.v201.call``; the answer is one of ``ocpp.v201.call_result``.

        Raises:
            OCPPError: the station answered with a CALLERROR, or with what the library's schema forbids.

        """
        return await self._points[station_id].call(request, suppress=False)

    async def _serve(self, connection: ServerConnection) -> None:
        assert connection.request
        record = self.station(unquote(connection.request.path.rpartition("/")[2]))
        point = self._points[record.id] = MobilityStation(connection, record, self)
        record.connections += 1
        record.connected = True
        self.changed()
        try:
            await point.start()
        except ConnectionClosed:
            record.connected = self._points[record.id] is not point
            self.changed()


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
