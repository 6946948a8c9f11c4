"""The test tool of Part 6 with what it does in block K: profiles of its time, in the unit it is set to, and reports."""

from __future__ import annotations

from typing import Any

from tests.bench import Payload
from tests.blocks.profiles import Periods, profile
from tests.blocks.reusable import Octt

MAX, DEFAULT, TX = "ChargingStationMaxProfile", "TxDefaultProfile", "TxProfile"
SIGNIFICANCE = {"SmartChargingCtrlr.LimitChangeSignificance": 1.0}


class Smart(Octt):
    """``unit`` is the tool's <Configured chargingRateUnit>; limits are in A, and 1000 times that in W."""

    def __init__(self, *configuration: Any, unit: str = "A", **options: Any) -> None:
        super().__init__(*configuration, **options)
        self.unit = unit

    def limit(self, value: float) -> float:
        """As the unit has it."""
        return value if self.unit == "A" else 1000 * value

    def profile(self, limit: float | Periods = 6.0, *, start: float | None = None, **more: Any) -> Payload:
        """``start`` and ``valid`` are in seconds from now."""
        periods = limit if isinstance(limit, tuple) else ((0, limit),)
        now_s = self.bench.mono - 1000
        valid = tuple(None if each is None else now_s + each for each in more.pop("valid", (None, None)))
        begins = None if start is None else now_s + start
        told = tuple((second, self.limit(value)) for second, value in periods)
        return profile(told, unit=self.unit, start=begins, valid=valid, phases=3, **more)

    def set(self, evse: int, wanted: Payload, status: str = "Accepted") -> Payload:
        """SetChargingProfile."""
        assert self.ask("SetChargingProfile", evseId=evse, chargingProfile=wanted)["status"] == status
        return wanted

    def clear(self, **asked: Any) -> str:
        """ClearChargingProfile."""
        return str(self.ask("ClearChargingProfile", **asked)["status"])

    def reported(self, evse: int | None = None, *, request_id: int = 9, **criteria: Any) -> list[tuple[int, Payload]]:
        """GetChargingProfiles and all reports; where each profile is, and the profile."""
        where = {} if evse is None else {"evseId": evse}
        told = self.ask("GetChargingProfiles", requestId=request_id, chargingProfile=criteria, **where)
        reports = self.expect_all("ReportChargingProfiles")
        assert told["status"] == ("Accepted" if reports else "NoProfiles")
        assert [each.get("tbc", False) for each in reports] == [True] * (len(reports) - 1) + [False] * bool(reports)
        assert all(each["requestId"] == request_id for each in reports)
        return [(each["evseId"], found) for each in reports for found in each["chargingProfile"]]

    def composite(self, evse: int, duration: int) -> list[tuple[int, float]]:
        """GetCompositeSchedule: the periods, in A again."""
        asked = {"evseId": evse, "duration": duration, "chargingRateUnit": self.unit}
        told = self.ask("GetCompositeSchedule", **asked)
        assert told["status"] == "Accepted"
        schedule = told["schedule"]
        assert {name: schedule[name] for name in asked} == asked
        factor = self.limit(1.0)
        return [(each["startPeriod"], each["limit"] / factor) for each in schedule["chargingSchedulePeriod"]]

    def still(self) -> None:
        """Only the new rate is told, if that."""
        self.expect_events()
        self.expect_nothing()
