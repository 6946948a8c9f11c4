"""A minimal station as an integrator writes it with the ``ocpp`` library: boots, beats, charges, stores nothing.

``python -m tests.perf.mobility_station --url ws://127.0.0.1:9000/ocpp --id CS001 --control PATH`` runs it; the socket
takes the lines of the control protocol that a bench needs, ``plug_in`` and ``unplug``.
"""

# mypy: disable-error-code="import-untyped,untyped-decorator"

import argparse
import asyncio
import contextlib
import json
import logging
import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from ocpp.routing import on
from ocpp.v201 import ChargePoint, call, call_result
from ocpp.v201.datatypes import (
    ChargingStationType,
    EVSEType,
    MeterValueType,
    SampledValueType,
    TransactionType,
    UnitOfMeasureType,
)
from ocpp.v201.enums import (
    Action,
    BootReasonEnumType,
    ChargingStateEnumType,
    ConnectorStatusEnumType,
    MeasurandEnumType,
    ReadingContextEnumType,
    ReasonEnumType,
    RegistrationStatusEnumType,
    RequestStartStopStatusEnumType,
    TransactionEventEnumType,
    TriggerReasonEnumType,
)
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

EVSE_ID, CONNECTOR_ID = 1, 1
LOG = logging.getLogger(__name__)


class Station(ChargePoint):  # type: ignore[misc]
    """One EVSE, one connector, one transaction at a time."""

    def __init__(self, station_id: str, connection: Any) -> None:
        super().__init__(station_id, connection)
        self.transaction_id: str | None = None
        self.seq_no = 0
        self.energy_wh = 0.0

    async def run(self) -> None:
        """Register, say that the connector is there, and beat."""
        interval_s = await self.boot()
        await self.status(ConnectorStatusEnumType.available)
        while True:
            await asyncio.sleep(interval_s)
            await self.call(call.Heartbeat())

    async def boot(self) -> int:
        """The heartbeat interval, once the CSMS accepts us."""
        request = call.BootNotification(
            charging_station=ChargingStationType(model="Minimal", vendor_name="Integrator"),
            reason=BootReasonEnumType.power_up,
        )
        while True:
            answer = await self.call(request, suppress=False)
            if answer.status == RegistrationStatusEnumType.accepted:
                return int(answer.interval)
            await asyncio.sleep(answer.interval)

    async def plug_in(self) -> None:
        await self.status(ConnectorStatusEnumType.occupied)  # E02: before the transaction
        self.transaction_id, self.seq_no = str(uuid4()), 0
        await self.event(
            TransactionEventEnumType.started,
            TriggerReasonEnumType.cable_plugged_in,
            ReadingContextEnumType.transaction_begin,
            charging_state=ChargingStateEnumType.ev_connected,
        )

    async def unplug(self) -> None:
        self.energy_wh += 10.0
        await self.event(
            TransactionEventEnumType.ended,
            TriggerReasonEnumType.ev_communication_lost,
            ReadingContextEnumType.transaction_end,
            charging_state=ChargingStateEnumType.idle,
            stopped_reason=ReasonEnumType.ev_disconnected,
        )
        self.transaction_id = None
        await self.status(ConnectorStatusEnumType.available)

    async def status(self, status: ConnectorStatusEnumType) -> None:
        request = call.StatusNotification(
            timestamp=now(), connector_status=status, evse_id=EVSE_ID, connector_id=CONNECTOR_ID
        )
        await self.call(request)

    async def event(
        self,
        event_type: TransactionEventEnumType,
        reason: TriggerReasonEnumType,
        context: ReadingContextEnumType,
        **info: Any,
    ) -> None:
        request = call.TransactionEvent(
            event_type=event_type,
            timestamp=now(),
            trigger_reason=reason,
            seq_no=self.seq_no,
            transaction_info=TransactionType(transaction_id=self.transaction_id, **info),
            evse=EVSEType(id=EVSE_ID, connector_id=CONNECTOR_ID),
            meter_value=[self.meter_value(context)],
        )
        self.seq_no += 1
        await self.call(request)

    def meter_value(self, context: ReadingContextEnumType) -> MeterValueType:
        sample = SampledValueType(
            value=self.energy_wh,
            context=context,
            measurand=MeasurandEnumType.energy_active_import_register,
            unit_of_measure=UnitOfMeasureType(unit="Wh"),
        )
        return MeterValueType(timestamp=now(), sampled_value=[sample])

    @on(Action.request_start_transaction)
    def on_request_start_transaction(self, **_: Any) -> call_result.RequestStartTransaction:
        return call_result.RequestStartTransaction(status=RequestStartStopStatusEnumType.rejected)

    @on(Action.request_stop_transaction)
    def on_request_stop_transaction(self, **_: Any) -> call_result.RequestStopTransaction:
        return call_result.RequestStopTransaction(status=RequestStartStopStatusEnumType.rejected)


class Control:
    """The control socket: a line in, a line out; the work goes on behind the answer."""

    def __init__(self) -> None:
        self.station: Station | None = None
        self._work: asyncio.Queue[str] = asyncio.Queue()

    async def serve(self, path: Path) -> None:
        server = await asyncio.start_unix_server(self._client, path)
        async with server:
            await self._obey()

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async for line in reader:
            request = json.loads(line)
            answer = {"id": request.get("id"), "ok": request["cmd"] in ("plug_in", "unplug")}
            if answer["ok"]:
                self._work.put_nowait(request["cmd"])
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
        writer.close()

    async def _obey(self) -> None:
        while True:
            command = await self._work.get()
            if self.station is not None:
                await (self.station.plug_in() if command == "plug_in" else self.station.unplug())


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def keep_connected(url: str, station_id: str, control: Control) -> None:
    async for connection in connect(f"{url}/{station_id}", subprotocols=[Subprotocol("ocpp2.0.1")]):
        control.station = Station(station_id, connection)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(control.station.start())
                group.create_task(control.station.run())
        except* ConnectionClosed:
            LOG.warning("connection lost")


async def main() -> None:
    parser = argparse.ArgumentParser(description="A minimal OCPP 2.0.1 station on the `ocpp` library.")
    parser.add_argument("--url", required=True, help="of the CSMS; the identity is appended")
    parser.add_argument("--id", required=True, help="the station's identity")
    parser.add_argument("--control", required=True, type=Path, help="path of the control socket")
    options = parser.parse_args()
    this = asyncio.current_task()
    assert this is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, this.cancel)
    control = Control()
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.gather(control.serve(options.control), keep_connected(options.url, options.id, control))


if __name__ == "__main__":
    asyncio.run(main())
