"""Charging profiles as a CSMS writes them, and what a bench makes of them.  Expects nothing."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from tests.bench import POWER_ON, Bench, Payload

Periods = tuple[tuple[int, float], ...]


def wire(at: datetime) -> str:
    """A time as it is written in a message."""
    return at.isoformat().replace("+00:00", "Z")


def at(seconds: float) -> str:
    """So long after the bench was switched on for the first time."""
    return wire(POWER_ON + timedelta(seconds=seconds))


def schedule(
    limit: float | Periods = 10.0,
    *,
    unit: str = "A",
    start: float | None = None,
    duration: int | None = None,
    phases: int | None = None,
    id: int = 1,
    **more: Any,
) -> Payload:
    """A ChargingSchedule; ``start`` in seconds after the bench was switched on."""
    periods = limit if isinstance(limit, tuple) else ((0, limit),)
    named = {} if phases is None else {"numberPhases": phases}
    told: Payload = {
        "id": id,
        "chargingRateUnit": unit,
        "chargingSchedulePeriod": [{"startPeriod": begins, "limit": value, **named} for begins, value in periods],
    }
    told |= {} if start is None else {"startSchedule": at(start)}
    return told | ({} if duration is None else {"duration": duration}) | more


def profile(
    limit: float | Periods = 10.0,
    *,
    id: int = 1,
    level: int = 0,
    purpose: str = "TxDefaultProfile",
    start: float | None = None,
    every: str | None = None,
    valid: tuple[float | None, float | None] = (None, None),
    transaction: str | None = None,
    **of_schedule: Any,
) -> Payload:
    """A ChargingProfile: Relative without ``start``, Absolute with one, Recurring ``every`` day or week."""
    kind = "Recurring" if every else "Relative" if start is None else "Absolute"
    told = {
        "id": id,
        "stackLevel": level,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": kind,
        "chargingSchedule": [schedule(limit, start=start, **of_schedule)],
    }
    extras = {
        "recurrencyKind": every,
        "validFrom": None if valid[0] is None else at(valid[0]),
        "validTo": None if valid[1] is None else at(valid[1]),
        "transactionId": transaction,
    }
    return told | {name: value for name, value in extras.items() if value is not None}


def send(bench: Bench, evse: int, wanted: Payload) -> Payload:
    """SetChargingProfile, and the answer."""
    told = bench.ask("SetChargingProfile", evseId=evse, chargingProfile=wanted)
    assert isinstance(told, dict), told
    return told


def install(bench: Bench, evse: int, limit: float | Periods = 10.0, **more: Any) -> None:
    """A profile that is taken."""
    told = send(bench, evse, profile(limit, **more))
    assert told == {"status": "Accepted"}, told


def refusal(bench: Bench, evse: int, wanted: Payload) -> str:
    """The reason code with which it is rejected."""
    told = send(bench, evse, wanted)
    assert told["status"] == "Rejected", told
    return str(told["statusInfo"]["reasonCode"])


def clear(bench: Bench, id: int | None = None, **criteria: Any) -> str:
    """ClearChargingProfile: by id, or by what is named."""
    asked = {} if id is None else {"chargingProfileId": id}
    told = bench.ask("ClearChargingProfile", **asked, **({"chargingProfileCriteria": criteria} if criteria else {}))
    assert isinstance(told, dict), told
    return str(told["status"])


def composite(bench: Bench, evse: int = 1, duration: int = 300, unit: str | None = "A") -> list[tuple[int, float]]:
    """The periods of the composite schedule: when each begins, and its limit."""
    asked = {} if unit is None else {"chargingRateUnit": unit}
    told = bench.ask("GetCompositeSchedule", evseId=evse, duration=duration, **asked)
    assert isinstance(told, dict) and told["status"] == "Accepted", told
    assert (told["schedule"]["evseId"], told["schedule"]["duration"]) == (evse, duration)
    assert unit in (None, told["schedule"]["chargingRateUnit"])
    return [(each["startPeriod"], each["limit"]) for each in told["schedule"]["chargingSchedulePeriod"]]


def reported(bench: Bench, evse: int | None = None, **criteria: Any) -> list[tuple[int, Payload]]:
    """GetChargingProfiles: where each profile that is reported is installed, and the profile; none: NoProfiles."""
    asked = {} if evse is None else {"evseId": evse}
    bench.take_sent()
    told = bench.ask("GetChargingProfiles", requestId=77, chargingProfile=criteria, **asked)
    assert isinstance(told, dict), told
    sent = [said.payload for said in bench.take_sent() if said.action == "ReportChargingProfiles"]
    assert (told["status"] == "NoProfiles") == (sent == []), told
    assert [each.get("tbc", False) for each in sent] == [True] * (len(sent) - 1) + [False] * bool(sent)
    assert all(each["requestId"] == 77 for each in sent)
    return [(each["evseId"], one) for each in sent for one in each["chargingProfile"]]


def offer(bench: Bench, evse: int = 1) -> float | None:
    """What the pilot offers."""
    return bench.intents[evse].limit_a
