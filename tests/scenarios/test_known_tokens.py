"""The local list and the cache in a whole station: through the real disk, over a power cut, by hand and by the CSMS."""

import pytest

from tests.csms.practice import PracticeCsms
from tests.scenarios.control import Refused
from tests.scenarios.sessions import all_ended, begin, faults_of, finish
from tests.scenarios.station import ID, AgentInLoop


def entry(id: str, status: str = "Accepted") -> dict[str, object]:
    return {"idToken": {"idToken": id, "type": "ISO14443"}, "idTokenInfo": {"status": status}}


async def refused(agent: AgentInLoop, token: str) -> str:
    """Why a card is refused."""
    await agent.cmd("swipe", token=token)
    return str((await agent.fact("TokenRefused"))["reason"])


async def test_a_list_is_good_without_the_csms_and_after_a_power_cut(csms: PracticeCsms, agent: AgentInLoop) -> None:
    await agent.start(csms.url)
    await csms.wait_for("StatusNotification", count=2)
    update = {
        "versionNumber": 5,
        "updateType": "Full",
        "localAuthorizationList": [entry("GOOD"), entry("BAD", "Blocked")],
    }
    assert await csms.call(ID, "SendLocalList", update) == {"status": "Accepted"}
    await agent.cmd("power_cycle")
    await csms.wait_for(lambda: len(csms.station(ID).boots) == 2)
    assert await csms.call(ID, "GetLocalListVersion", {}) == {"versionNumber": 5}
    await agent.cmd("link", up=False)
    assert await refused(agent, "BAD") == "Blocked"
    assert await refused(agent, "NOBODY") == "Offline"
    await begin(agent, 1, "GOOD")
    await finish(agent, 1, "GOOD")
    await agent.cmd("link", up=True)
    await csms.wait_for(lambda: len(csms.station(ID).transactions) == 1)
    assert csms.station(ID).calls("Authorize") == []
    assert faults_of(csms.station(ID)) == []


async def test_C09_FR_07_what_the_service_port_puts_into_the_cache_is_good_until_it_is_cleared(
    csms: PracticeCsms, agent: AgentInLoop
) -> None:
    await agent.start(csms.url, AuthCtrlr_LocalPreAuthorize=True)
    await csms.wait_for("StatusNotification", count=2)
    await agent.cmd("auth_cache_put", token="GOOD", status="Accepted", group={"idToken": "US", "type": "Central"})
    await agent.cmd("auth_cache_put", token="MATE", status="Accepted", group={"idToken": "US", "type": "Central"})
    await begin(agent, 1, "GOOD")
    await finish(agent, 1, "MATE")
    assert csms.station(ID).calls("Authorize") == []
    await all_ended(csms, 1)  # what is said of GOOD in the answers would put it into the cache again
    await agent.cmd("auth_cache_clear")
    await begin(agent, 1, "GOOD")
    assert [told["idToken"]["idToken"] for told in csms.station(ID).calls("Authorize")] == ["GOOD"]


async def test_what_the_service_port_puts_into_the_list_is_found_at_once(
    csms: PracticeCsms, agent: AgentInLoop
) -> None:
    await agent.start(csms.url, AuthCtrlr_LocalPreAuthorize=True)
    await csms.wait_for("StatusNotification", count=2)
    await agent.cmd("local_list_put", token="GOOD", status="Accepted")
    await begin(agent, 1, "GOOD")
    assert csms.station(ID).calls("Authorize") == []
    assert await csms.call(ID, "GetLocalListVersion", {}) == {"versionNumber": 1}


async def test_a_status_that_ocpp_does_not_know_is_refused_with_the_choices(
    csms: PracticeCsms, agent: AgentInLoop
) -> None:
    await agent.start(csms.url)
    with pytest.raises(Refused, match="status"):
        await agent.cmd("auth_cache_put", token="GOOD", status="Welcome")
