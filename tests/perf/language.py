"""What a message costs, ours and with the ``ocpp`` library as it comes: ``python -m tests.perf.language``.

Both do the whole of it, from the message as a value to the text and from the text to the handler and its answer.
"""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from ocpp.routing import on
from ocpp.v201 import ChargePoint, call, call_result
from ocpp.v201 import datatypes as parts

from agent.link.rpc import Rpc
from agent.link.rpc_events import CallAnswered, CallReceived
from agent.ocpp.dialect import dialect_for
from agent.ocpp.messages.common import EVSE, MeterValue, SampledValue, UnitOfMeasure
from agent.ocpp.messages.e_transactions import Transaction, TransactionEventRequest
from agent.ocpp.messages.k_smart_charging import SetChargingProfileRequest, SetChargingProfileResponse
from tests.perf.report import Figure, Goal, Section

GOALS = {"transaction_event_ratio": 50.0, "set_charging_profile_ratio": 80.0, "import_cpu_ms": 40.0, "import_mb": 6.0}

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
TEXT_NOW = "2026-01-01T12:00:00Z"
PHASES = ("L1-N", "L2-N", "L3-N", "L1", "L2", "L3", "N", "L1-L2")
HOURS = ",".join(f'{{"startPeriod":{3600 * hour},"limit":{8 + hour % 9}.5,"numberPhases":3}}' for hour in range(24))
PROFILE = (
    '{"evseId":1,"chargingProfile":{"id":7,"stackLevel":0,"chargingProfilePurpose":"TxDefaultProfile",'
    '"chargingProfileKind":"Absolute","chargingSchedule":[{"id":1,"startSchedule":"2026-01-01T12:00:00Z",'
    f'"chargingRateUnit":"A","chargingSchedulePeriod":[{HOURS}]}}]}}}}'
)


def section() -> Section:
    """The same as a part of the bench's table: messages a second, and what importing all of them costs."""
    taken = figures()
    rates = [
        Figure(name, "1/s", 1e6 / taken[f"{key}_us"], 1e6 / taken[f"{key}_library_us"], (Goal(">=", goal),))
        for name, key, goal in (
            ("TransactionEvent said, eight values", "transaction_event", 50),
            ("SetChargingProfile heard", "set_charging_profile", 80),
        )
    ]
    costs = [
        Figure("import of all messages, CPU", "ms", taken["import_cpu_ms"], None, (Goal("<=", 40, of="ours"),)),
        Figure("import of all messages, memory", "MB", taken["import_mb"], None, (Goal("<=", 6, of="ours"),)),
    ]
    return Section("language", "ocpp library", rates + costs)


def figures() -> dict[str, float]:
    """Microseconds a message, the ratios, and what importing every message takes."""
    logging.getLogger("ocpp").setLevel(logging.ERROR)
    ours_said, ours_heard = best(said_by_us(), 500), best(heard_by_us(), 500)
    theirs_said, theirs_heard = asyncio.run(library_figures())
    cpu_ms, grown_mb = import_of_all_messages()
    return {
        "transaction_event_us": ours_said,
        "transaction_event_library_us": theirs_said,
        "transaction_event_ratio": theirs_said / ours_said,
        "set_charging_profile_us": ours_heard,
        "set_charging_profile_library_us": theirs_heard,
        "set_charging_profile_ratio": theirs_heard / ours_heard,
        "import_cpu_ms": cpu_ms,
        "import_mb": grown_mb,
    }


def said_by_us() -> Callable[[], None]:
    """A TransactionEvent with eight values: built, validated, written, its answer read."""
    rpc = Rpc(timeout_s=30.0, max_frame_bytes=65536)
    rpc.opened(dialect_for("ocpp2.0.1"), 0.0)

    def said() -> None:
        unit = UnitOfMeasure(unit="V")
        values = tuple(
            SampledValue(value=230.1, measurand="Voltage", context="Sample.Periodic", phase=phase, unit_of_measure=unit)  # type: ignore[arg-type]
            for phase in PHASES
        )
        request = TransactionEventRequest(
            event_type="Updated",
            timestamp=NOW,
            trigger_reason="MeterValuePeriodic",
            seq_no=7,
            transaction_info=Transaction(transaction_id="1-20260101120000", charging_state="Charging"),
            evse=EVSE(id=1, connector_id=1),
            meter_value=(MeterValue(timestamp=NOW, sampled_value=values),),
        )
        rpc.call(request, "m1", 0.0)
        [frame] = rpc.take_frames()
        assert frame.startswith('[2,"m1"')
        rpc.receive_frame('[3,"m1",{}]', 0.0)
        assert isinstance(rpc.take_events()[0], CallAnswered)

    return said


def heard_by_us() -> Callable[[], None]:
    """A SetChargingProfile for a day: read, validated, handled, its answer validated and written."""
    rpc = Rpc(timeout_s=30.0, max_frame_bytes=65536)
    rpc.opened(dialect_for("ocpp2.0.1"), 0.0)
    calls = {SetChargingProfileRequest: accept}
    frames = (f'[2,"{number}","SetChargingProfile",{PROFILE}]' for number in range(10**9))

    def heard() -> None:
        rpc.receive_frame(next(frames), 0.0)
        [event] = rpc.take_events()
        assert isinstance(event, CallReceived)
        assert isinstance(event.request, SetChargingProfileRequest)
        rpc.answer(event.message_id, calls[type(event.request)](event.request), 0.0)
        [frame] = rpc.take_frames()
        assert frame.startswith("[3")

    return heard


def accept(request: SetChargingProfileRequest) -> SetChargingProfileResponse:
    return SetChargingProfileResponse(status="Accepted" if request.evse_id == 1 else "Rejected")


class Station(ChargePoint):  # type: ignore[misc]
    """The library's station, with a handler as its documentation has it."""

    @on("SetChargingProfile")  # type: ignore[misc]
    def on_set_charging_profile(self, evse_id: int, charging_profile: dict[str, Any], **_: Any) -> Any:
        return call_result.SetChargingProfile(status="Accepted" if evse_id == 1 else "Rejected")


class Line:
    """The end of a WebSocket where a CSMS answers every call at once."""

    def __init__(self) -> None:
        self.station: Station
        self.said: list[str] = []

    async def send(self, frame: str) -> None:
        self.said.append(frame)
        if frame.startswith("[2"):
            await self.station.route_message('[3,"m1",{}]')


async def library_figures() -> tuple[float, float]:
    line = Line()
    line.station = station = Station("CS001", line)

    async def said() -> None:
        unit = parts.UnitOfMeasureType(unit="V")
        values = [
            parts.SampledValueType(
                value=230.1, measurand="Voltage", context="Sample.Periodic", phase=phase, unit_of_measure=unit
            )
            for phase in PHASES
        ]
        request = call.TransactionEvent(
            event_type="Updated",
            timestamp=TEXT_NOW,
            trigger_reason="MeterValuePeriodic",
            seq_no=7,
            transaction_info=parts.TransactionType(transaction_id="1-20260101120000", charging_state="Charging"),
            evse=parts.EVSEType(id=1, connector_id=1),
            meter_value=[parts.MeterValueType(timestamp=TEXT_NOW, sampled_value=values)],
        )
        assert await station.call(request, unique_id="m1") is not None
        assert line.said.pop().startswith('[2,"m1"')

    async def heard() -> None:
        await station.route_message(f'[2,"1","SetChargingProfile",{PROFILE}]')
        assert line.said.pop().startswith("[3")

    return await best_awaited(said, 20), await best_awaited(heard, 20)


def best(work: Callable[[], None], times: int) -> float:
    """Microseconds a call in the quietest of nine rounds."""
    rounds = []
    for _ in range(9):
        begun = time.perf_counter()
        for _ in range(times):
            work()
        rounds.append(time.perf_counter() - begun)
    return min(rounds) / times * 1e6


async def best_awaited(work: Callable[[], Awaitable[None]], times: int) -> float:
    rounds = []
    for _ in range(9):
        begun = time.perf_counter()
        for _ in range(times):
            await work()
        rounds.append(time.perf_counter() - begun)
    return min(rounds) / times * 1e6


IMPORT = """
import time, datetime, typing, importlib, msgspec, agent.ocpp.messages
from agent.ocpp.messages.actions import ACTIONS
def resident_kb():
    with open("/proc/self/smaps_rollup") as rollup:
        return next(int(line.split()[1]) for line in rollup if line.startswith("Rss:"))
before, begun = resident_kb(), time.process_time()
for module in sorted(set(ACTIONS.values())):
    importlib.import_module("agent.ocpp.messages." + module)
print((time.process_time() - begun) * 1000, (resident_kb() - before) / 1024)
"""


def import_of_all_messages() -> tuple[float, float]:
    """CPU in ms (the quietest of five) and memory in MB (the most) that all messages take beside msgspec."""
    taken = []
    for _ in range(5):
        done = subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, text=True, check=True)
        cpu_ms, grown_mb = map(float, done.stdout.split())
        taken.append((cpu_ms, grown_mb))
    return min(cpu_ms for cpu_ms, _ in taken), max(grown_mb for _, grown_mb in taken)


def main() -> int:
    taken = figures()
    for name, figure in taken.items():
        print(f"{name:32} {figure:10.2f}" + (f"   goal {GOALS[name]:g}" if name in GOALS else ""))
    missed = [name for name, goal in GOALS.items() if (taken[name] < goal) == name.endswith("ratio")]
    print(f"missed: {', '.join(missed)}" if missed else "every goal met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
