"""What an older release stored: taken up where it still fits, carried to a new name, dropped where nothing has it."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from agent.model import migrations
from agent.model.catalogue import OFFLINE_THRESHOLD
from agent.model.device import DeviceModel, Spot
from agent.model.migrations import Name, carried, restore
from agent.model.variable import Variable
from tests.bench import Bench
from tests.csms.practice import PracticeCsms
from tests.csms.waiting import PATIENT_S
from tests.scenarios.station import ID, AgentInLoop

LIFE_TIME = {"component": {"name": "AuthCacheCtrlr"}, "variable": {"name": "LifeTime"}}

OLD = {
    # Written by release 0.1.0, in its words; what is true of each today is said behind it.
    "variable/AuthCacheCtrlr////LifeTime/": (
        b'{"spot":{"component":"AuthCacheCtrlr","variable":"LifeTime","instance":null,"evse":null,'
        b'"connector":null,"component_instance":null},"text":"77"}'
    ),  # fits
    "variable/OCPPCommCtrlr////Gone/": (
        b'{"spot":{"component":"OCPPCommCtrlr","variable":"Gone","instance":null,"evse":null,'
        b'"connector":null,"component_instance":null},"text":"1"}'
    ),  # removed
    "variable/OCPPCommCtrlr////OfflineThreshold/": (
        b'{"spot":{"component":"OCPPCommCtrlr","variable":"OfflineThreshold","instance":null,"evse":null,'
        b'"connector":null,"component_instance":null},"text":"a minute"}'
    ),  # was a text
    "variable/EVSE//1//Power/": (
        b'{"spot":{"component":"EVSE","variable":"Power","instance":null,"evse":1,'
        b'"connector":null,"component_instance":null},"text":"11000"}'
    ),  # is measured by now
}


def test_a_value_that_fits_is_taken_up():
    model = DeviceModel()
    assert restore(model, Spot("OCPPCommCtrlr", "OfflineThreshold"), "90") == ""
    assert model[OFFLINE_THRESHOLD] == 90


def test_a_whole_number_becomes_a_decimal():
    model = DeviceModel()
    model.declare(Variable("Box", "Share", 0.5))
    assert restore(model, Spot("Box", "Share"), "1") == ""
    assert model.read(Spot("Box", "Share")) == ("Accepted", "1")


@pytest.mark.parametrize(
    ("spot", "text", "why"),
    [
        (Spot("OCPPCommCtrlr", "Gone"), "1", "OCPPCommCtrlr.Gone is not there any more"),
        (Spot("OCPPCommCtrlr", "OfflineThreshold"), "soon", "not of type integer"),
        (Spot("OCPPCommCtrlr", "OfflineThreshold"), "-1", "not between"),
        (Spot("TxCtrlr", "TxStopPoint"), "Sunset", "not one of"),
        (Spot("EVSE", "Power", evse=1), "11000", "cannot be set any more"),
    ],
)
def test_a_value_that_does_not_fit_changes_nothing_and_says_why(spot: Spot, text: str, why: str):
    model = DeviceModel()
    model.declare(Variable("EVSE", "Power", 0.0, "W"), evse=1, live=lambda: 3680.0)
    before = [(slot.spot, slot.read()) for slot in model.slots()]
    assert why in restore(model, spot, text)
    assert [(slot.spot, slot.read()) for slot in model.slots()] == before


def test_a_value_that_the_hardware_cannot_do_any_more_is_dropped():
    model = DeviceModel()
    model.restrict(OFFLINE_THRESHOLD, lambda value: "no clock" if value > 80 else "")
    assert restore(model, Spot("OCPPCommCtrlr", "OfflineThreshold"), "90") == "no clock"
    assert model[OFFLINE_THRESHOLD] == 60


def test_a_renamed_variable_is_found_under_its_new_name_wherever_it_is():
    renamed = {Name("Crate", "Waiting"): Name("Box", "Patience", "Long")}
    assert carried(Spot("Crate", "Waiting", None, 2, 1, "left"), renamed) == Spot(
        "Box", "Patience", "Long", 2, 1, "left"
    )
    assert carried(Spot("Crate", "Lid"), renamed) == Spot("Crate", "Lid")


def test_every_name_that_is_carried_leads_to_a_variable_of_today():
    model = DeviceModel()
    for old, new in migrations.RENAMED.items():
        assert model.find(Spot(*old)) is None, old
        assert model.find(Spot(*new)) is not None, new


def test_a_station_starts_from_the_records_of_an_older_release(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(migrations, "RENAMED", {Name("OCPPCommCtrlr", "Gone"): Name("TxCtrlr", "EVConnectionTimeOut")})
    bench = Bench()
    bench.records = dict(OLD)
    bench.power_cycle()
    assert bench.station.settings.dropped == [
        "OCPPCommCtrlr.OfflineThreshold = 'a minute' is not of type integer",
        "EVSE(1).Power cannot be set any more",
    ]
    assert sorted(key for key in bench.records if key.startswith("variable/")) == [
        "variable/AuthCacheCtrlr////LifeTime/",
        "variable/TxCtrlr////EVConnectionTimeOut/",
    ]
    bench.power_cycle()
    assert bench.station.settings.dropped == []
    assert bench.station.model.read(Spot("TxCtrlr", "EVConnectionTimeOut")) == ("Accepted", "1")
    assert bench.station.model.read(Spot("AuthCacheCtrlr", "LifeTime")) == ("Accepted", "77")


def test_what_was_set_under_the_new_name_wins_over_the_old_record(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(migrations, "RENAMED", {Name("OCPPCommCtrlr", "Gone"): Name("TxCtrlr", "EVConnectionTimeOut")})
    for old_first in (True, False):
        bench = Bench()
        bench.accept()
        bench.set("TxCtrlr.EVConnectionTimeOut", 99)
        old = {key: record for key, record in OLD.items() if "/Gone/" in key}
        bench.records = {**old, **bench.records} if old_first else {**bench.records, **old}
        bench.power_cycle()
        assert bench.station.model.read(Spot("TxCtrlr", "EVConnectionTimeOut")) == ("Accepted", "99")
        assert not any("/Gone/" in key for key in bench.records)


GONE = {"variable/OCPPCommCtrlr////Gone/", "variable/OCPPCommCtrlr////OfflineThreshold/", "variable/EVSE//1//Power/"}


def remembered(path: Path) -> set[str]:
    """The keys of what is on disk."""
    with closing(sqlite3.connect(path)) as database:
        return {key for (key,) in database.execute("SELECT key FROM memory")}


async def test_a_database_of_an_older_release_is_taken_up_and_what_is_dropped_is_said(
    csms: PracticeCsms, agent: AgentInLoop
) -> None:
    agent.data.mkdir(exist_ok=True)
    with sqlite3.connect(agent.data / "station.db") as database:
        database.execute("CREATE TABLE memory (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID")
        database.executemany("INSERT INTO memory VALUES (?, ?)", OLD.items())
    database.close()
    await agent.start(csms.url)
    await csms.wait_for("StatusNotification", count=2)
    for name in ("Gone is not there", "OfflineThreshold = 'a minute'", "EVSE(1).Power cannot"):
        await agent.said(name)
    assert agent.said_times("! stored variable dropped: ") == 3
    async with asyncio.timeout(PATIENT_S):
        # A power cut takes what is not on disk yet.
        while GONE & remembered(agent.data / "station.db"):  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.01)
    await agent.cmd("power_cycle", off_ms=0)
    await csms.wait_for("BootNotification", count=2)
    assert agent.said_times("! stored variable dropped: ") == 3
    told = await csms.call(ID, "GetVariables", {"getVariableData": [LIFE_TIME]})
    assert told["getVariableResult"][0]["attributeValue"] == "77"
