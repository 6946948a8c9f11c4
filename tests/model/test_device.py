"""Variables at their places: found by name, set by whoever may, remembered where they differ from a new station's."""

from __future__ import annotations

from agent.model.catalogue import HEARTBEAT_INTERVAL, MESSAGE_TIMEOUT, OFFLINE_THRESHOLD, UNLOCK_ON_EV_SIDE_DISCONNECT
from agent.model.device import DeviceModel, Spot
from agent.model.variable import Variable

INTERVAL = Spot("OCPPCommCtrlr", "HeartbeatInterval")


def changes(model: DeviceModel) -> dict[str, str | None]:
    return {slot.variable.name: text for slot, text in model.take_changes()}


def test_a_variable_has_its_default_and_its_type():
    assert DeviceModel()[OFFLINE_THRESHOLD] == 60


def test_names_are_compared_without_regard_to_case():
    model = DeviceModel()
    assert model.read(Spot("ocppcommctrlr", "HEARTBEATINTERVAL")) == ("Accepted", "300")


def test_B06_FR_06_unknown_component_and_B06_FR_07_unknown_variable():
    model = DeviceModel()
    assert model.read(Spot("Nowhere", "HeartbeatInterval"))[0] == "UnknownComponent"
    assert model.read(Spot("OCPPCommCtrlr", "Nothing"))[0] == "UnknownVariable"
    assert model.read(Spot("OCPPCommCtrlr", "HeartbeatInterval", evse=1))[0] == "UnknownComponent"


def test_B06_FR_15_without_the_instance_a_variable_that_has_one_is_not_found():
    model = DeviceModel()
    assert model.read(Spot("OCPPCommCtrlr", "MessageTimeout"))[0] == "UnknownVariable"
    assert model.read(Spot("OCPPCommCtrlr", "MessageTimeout", "Default")) == ("Accepted", "30")


def test_B06_FR_09_what_may_only_be_written_is_not_told():
    model = DeviceModel()
    model.declare(Variable("SecurityCtrlr", "BasicAuthPassword", "", mutability="WriteOnly"))
    assert model.read(Spot("SecurityCtrlr", "BasicAuthPassword"))[0] == "Rejected"


def test_B05_FR_09_what_may_only_be_read_is_not_set_by_the_csms_but_by_the_agent():
    model = DeviceModel()
    spot = Spot("OCPPCommCtrlr", "MessageTimeout", "Default")
    assert model.write(spot, "10") == ("Rejected", "OCPPCommCtrlr.MessageTimeout[Default] is read-only")
    assert model.set(MESSAGE_TIMEOUT, 10)
    assert model[MESSAGE_TIMEOUT] == 10


def test_what_is_live_is_asked_for_at_each_reading_and_not_set():
    model, power = DeviceModel(), [0.0]
    model.declare(Variable("EVSE", "Power", 0.0, "W"), evse=1, live=lambda: power[0])
    power[0] = 7360.0
    assert model.read(Spot("EVSE", "Power", evse=1)) == ("Accepted", "7360")
    assert model.write(Spot("EVSE", "Power", evse=1), "1")[0] == "Rejected"


def test_what_was_set_is_handed_out_once():
    model = DeviceModel()
    model.write(INTERVAL, "120")
    assert changes(model) == {"HeartbeatInterval": "120"}
    assert changes(model) == {}


def test_setting_what_it_is_already_changes_nothing():
    model = DeviceModel()
    assert model.write(INTERVAL, "300") == ("Accepted", "")
    assert changes(model) == {}


def test_a_refused_value_changes_nothing():
    model = DeviceModel()
    status, why = model.write(INTERVAL, "0")
    assert (status, "not between 1 and" in why) == ("Rejected", True)
    assert (model[HEARTBEAT_INTERVAL], changes(model)) == (300, {})


def test_the_default_of_the_board_is_the_value_of_a_new_station():
    model = DeviceModel()
    model.provide(INTERVAL, "60")
    assert (model[HEARTBEAT_INTERVAL], changes(model)) == (60, {})
    model.write(INTERVAL, "300")
    assert changes(model) == {"HeartbeatInterval": "300"}  # else a restart would bring 60 back
    model.write(INTERVAL, "60")
    assert changes(model) == {"HeartbeatInterval": None}


def test_reset_brings_back_the_value_of_a_new_station():
    model = DeviceModel()
    model.provide(INTERVAL, "60")
    model.write(INTERVAL, "120")
    assert model.reset(INTERVAL)
    assert (model[HEARTBEAT_INTERVAL], changes(model)) == (60, {"HeartbeatInterval": None})
    assert not model.reset(Spot("Nowhere", "Nothing"))


def test_what_a_board_knows_only_one_value_of_is_read_only():
    model = DeviceModel()
    model.fix(UNLOCK_ON_EV_SIDE_DISCONNECT, False)
    spot = Spot("OCPPCommCtrlr", "UnlockOnEVSideDisconnect")
    assert model.read(spot) == ("Accepted", "false")
    assert model.write(spot, "true")[0] == "Rejected"
    assert model.is_fixed(spot)
    assert changes(model) == {}


def test_the_key_on_disk_tells_places_apart():
    keys = {Spot("EVSE", "Power", evse=1).key(), Spot("EVSE", "Power", evse=2).key(), Spot("EVSE", "Power").key()}
    assert len(keys) == 3
