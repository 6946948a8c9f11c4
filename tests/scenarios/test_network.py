"""From one CSMS to another, by network profiles: with events that wait, back again, over TLS, with a full disk."""

import ssl
from pathlib import Path

import pytest
import trustme

from tests.blocks.network import connection
from tests.csms.line import NotConnected
from tests.csms.practice import PracticeCsms
from tests.scenarios.sessions import all_ended, charge, energies_wh, faults_of, visit
from tests.scenarios.station import ID, AgentInLoop, AgentProcess, sim_board
from tests.scenarios.test_disk import fill_disk, make_room

PASSWORD = "sixteen letters!"
PRIORITY, ACTIVE = "NetworkConfigurationPriority", "ActiveNetworkProfile"

SOON = """
[[variable]]
component = "OCPPCommCtrlr"
variable = "RetryBackOffRandomRange"
value = "1"
"""


async def put(csms: PracticeCsms, url: str, security_profile: int = 0, slot: int = 2) -> str:
    asked = {"configurationSlot": slot, "connectionData": connection(url, security_profile)}
    return str((await csms.call(ID, "SetNetworkProfile", asked))["status"])


async def prefer(csms: PracticeCsms, slots: str) -> str:
    item = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": PRIORITY}, "attributeValue": slots}
    told = await csms.call(ID, "SetVariables", {"setVariableData": [item]})
    return str(told["setVariableResult"][0]["attributeStatus"])


async def value_of(csms: PracticeCsms, component: str, variable: str) -> str:
    item = {"component": {"name": component}, "variable": {"name": variable}}
    told = await csms.call(ID, "GetVariables", {"getVariableData": [item]})
    return str(told["getVariableResult"][0].get("attributeValue"))


async def here(csms: PracticeCsms) -> None:
    """The station has booted at this CSMS and told every connector."""
    await csms.wait_for("StatusNotification", count=2)


@pytest.mark.proves("B10.FR.06")
async def test_a_station_moves_to_another_CSMS_with_a_reset(csms: PracticeCsms, agent: AgentInLoop) -> None:
    async with PracticeCsms() as new:
        await agent.start(csms.url)
        await here(csms)
        assert await put(csms, new.url) == "Accepted"
        assert await prefer(csms, "2,1") == "RebootRequired"
        assert ID not in new.stations  # B09: nothing changes before the reset
        assert await csms.call(ID, "Reset", {"type": "OnIdle"}) == {"status": "Accepted"}
        await new.wait_for(lambda: ID in new.stations)
        with pytest.raises(NotConnected):
            csms.line(ID)
        await here(new)
        assert [boot["reason"] for boot in new.station(ID).boots] == ["RemoteReset"]
        assert await value_of(new, "OCPPCommCtrlr", ACTIVE) == "2"
        await charge(agent, 1, "ABCD", 1000)
        assert faults_of(await all_ended(new, 1)) == []
        assert csms.station(ID).connections == 1
        assert csms.station(ID).transactions == {}


async def test_what_waits_is_told_to_the_new_CSMS(csms: PracticeCsms, process: AgentProcess) -> None:
    """Sessions while the old one is away, then a restart: all that waits arrives, once, where it goes now."""
    async with PracticeCsms() as new:
        await process.start(csms.url, AuthCtrlr_Enabled=False)
        await here(csms)
        assert await put(csms, new.url) == "Accepted"
        assert await prefer(csms, "2,1") == "RebootRequired"
        await csms.stop()
        await process.fact("WentOffline")
        played = [await visit(process, 1, 1000 * number) for number in (1, 2, 3)]
        assert (await process.cmd("status"))["waiting"] > 0
        assert await process.end() == 0
        await process.spawn()
        await process.start(csms.url)
        record = await all_ended(new, 3)
        assert energies_wh(record, played) == [1000] * 3
        assert faults_of(record) == []


async def test_a_new_CSMS_that_is_not_there_brings_the_station_back(csms: PracticeCsms, agent: AgentInLoop) -> None:
    async with PracticeCsms() as new:
        nobody = new.url
    await agent.start(csms.url, OCPPCommCtrlr_NetworkProfileConnectionAttempts=2)
    await here(csms)
    assert await put(csms, nobody) == "Accepted"
    assert await prefer(csms, "2,1") == "RebootRequired"
    await csms.call(ID, "Reset", {"type": "OnIdle"})
    await csms.wait_for("BootNotification", count=2)
    assert csms.station(ID).boots[-1]["reason"] == "RemoteReset"
    assert await value_of(csms, "OCPPCommCtrlr", ACTIVE) == "1"
    await agent.said(f"= by the network profile of slot 2: {nobody}")
    await agent.said(f"= by the network profile of slot 1: {csms.url}")
    await charge(agent, 1, "ABCD", 1000)
    assert faults_of(await all_ended(csms, 1)) == []


async def test_a_CSMS_that_goes_away_for_good_is_left_for_the_next_one_which_is_told_who_comes(
    csms: PracticeCsms, agent: AgentInLoop
) -> None:
    """B10.FR.10: without a reboot; a transaction that runs goes on there."""
    async with PracticeCsms() as new:
        await agent.start(csms.url, OCPPCommCtrlr_NetworkProfileConnectionAttempts=1)
        await here(csms)
        assert await put(csms, new.url) == "Accepted"
        assert await prefer(csms, "1,2") == "RebootRequired"
        await csms.call(ID, "Reset", {"type": "OnIdle"})
        await csms.wait_for("BootNotification", count=2)
        await here(csms)
        await csms.stop()
        await here(new)
        assert len(new.station(ID).boots) == 1
        await charge(agent, 1, "ABCD", 1000)
        assert faults_of(await all_ended(new, 1)) == []


async def test_what_was_answered_is_on_disk(csms: PracticeCsms, process: AgentProcess) -> None:
    async with PracticeCsms() as new:
        await process.start(csms.url)
        await here(csms)
        await put(csms, new.url)
        await prefer(csms, "2")
        await process.kill()
        await process.spawn()
        await process.start(csms.url)
        await here(new)
        assert new.station(ID).boots[0]["reason"] == "PowerUp"


async def test_who_watches_sees_no_password(csms: PracticeCsms, agent: AgentInLoop) -> None:
    await agent.start(csms.url)
    await here(csms)
    await agent.control.cmd("watch", topics=["ocpp"])
    data = connection("ws://127.0.0.1:9/ocpp") | {
        "apn": {"apn": "a", "apnAuthentication": "PAP", "apnPassword": PASSWORD}
    }
    told = await csms.call(ID, "SetNetworkProfile", {"configurationSlot": 2, "connectionData": data})
    assert told["status"] == "Rejected"
    shown = await agent.control.events.find(lambda event: "SetNetworkProfile" in str(event))
    assert PASSWORD not in str(shown)
    assert PASSWORD not in "\n".join(agent.log.items)


async def test_B09_FR_03_a_disk_that_refuses_is_told_to_the_CSMS(csms: PracticeCsms, process: AgentProcess) -> None:
    await process.start(csms.url)
    await here(csms)
    fill_disk(process.pid)
    assert await put(csms, "ws://127.0.0.1:9/ocpp") == "Failed"
    make_room(process.pid)
    await process.said("= the disk takes writes again")
    assert await put(csms, "ws://127.0.0.1:9/ocpp") == "Accepted"


@pytest.fixture
def authority(folder: Path) -> trustme.CA:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    return authority


async def test_from_a_password_to_TLS_and_never_back_to_plain(
    authority: trustme.CA, agent: AgentInLoop, folder: Path
) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(tls)
    secret = {"security_profile": 1, "password": PASSWORD, "ca_file": str(folder / "ca.pem")}
    async with (
        PracticeCsms(passwords={ID: PASSWORD}) as plain,
        PracticeCsms(passwords={ID: PASSWORD}, tls=tls, host_name="localhost") as secure,
    ):
        await agent.start(plain.url, station=secret, OCPPCommCtrlr_NetworkProfileConnectionAttempts=1)
        await here(plain)
        assert await put(plain, secure.url.replace("wss", "ws"), 2) == "Rejected"
        assert await put(plain, secure.url, 2) == "Accepted"
        assert await prefer(plain, "2,1") == "RebootRequired"
        await plain.call(ID, "Reset", {"type": "OnIdle"})
        await here(secure)
        assert await value_of(secure, "SecurityCtrlr", "SecurityProfile") == "2"
        assert await value_of(secure, "OCPPCommCtrlr", PRIORITY) == "2"
        assert await put(secure, plain.url, 1, slot=3) == "Rejected"
        assert await put(secure, secure.url, 2, slot=3) == "Accepted"  # what came before is on disk, too
        await secure.stop()
        await agent.said("! csms:")
        await agent.cmd("power_cycle")
        await secure.start()
        await secure.wait_for("BootNotification", count=2)
        assert plain.station(ID).connections == 1
    assert PASSWORD not in "\n".join(agent.log.items)


def product(folder: Path) -> Path:
    """The simulated board as one that is no bench."""
    board = sim_board(folder, SOON)
    board.write_text(board.read_text().replace("bench = true", "bench = false"))
    return board


async def test_after_a_blackout_a_product_does_not_connect_at_once_and_after_a_reset_it_does(
    csms: PracticeCsms, folder: Path
) -> None:
    """Part 4, 8.2: the random range holds for the first attempt, too; a board on a bench is alone and does not wait."""
    line = "= the power came back"
    async with AgentInLoop(folder, product(folder), identity=ID, csms_url=csms.url) as agent:
        agent.machine.power_on()
        await agent.said(line)
        await here(csms)
        await csms.call(ID, "Reset", {"type": "Immediate"})
        await csms.wait_for("BootNotification", count=2)
        assert agent.said_times(line) == 1


async def test_a_program_that_is_restarted_while_the_machine_runs_does_not_say_that_the_power_came_back(
    csms: PracticeCsms, folder: Path
) -> None:
    for start in (1, 2):
        async with AgentInLoop(folder, product(folder), identity=ID, csms_url=csms.url) as agent:
            agent.machine.power_on()
            await csms.wait_for("BootNotification", count=start)
    assert [boot["reason"] for boot in csms.station(ID).boots] == ["PowerUp", "LocalReset"]


async def test_security_profile_2_speaks_no_plain_word_also_where_the_technician_gave_a_plain_URL(
    csms: PracticeCsms, agent: AgentInLoop
) -> None:
    await agent.start(csms.url, station={"security_profile": 2})
    await agent.said("! csms: security profile 2 wants wss://")
    assert ID not in csms.stations
