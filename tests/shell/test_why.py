"""`why` of the control socket: what the driver, the vehicle and the CSMS do is in the sentence."""

from pathlib import Path
from typing import Any

import pytest

from agent.session.why import Refusal
from agent.shell.why import REFUSAL_COUNTS_S, Refusals
from agent.vocabulary.facts import AuthorizationGranted, TokenRefused
from agent.vocabulary.values import Token
from tests.csms.practice import PracticeCsms
from tests.scenarios.control import Refused
from tests.scenarios.station import AgentInLoop, sim_board


@pytest.fixture
async def online(csms: PracticeCsms, agent: AgentInLoop) -> AgentInLoop:
    await agent.start(csms.url)
    await csms.wait_for("StatusNotification", count=2)
    return agent


async def why(agent: AgentInLoop, evse: int = 1) -> dict[str, Any]:
    (told,) = (await agent.cmd("why", evse=evse))["evses"]
    return dict(told)


async def test_the_reason_follows_a_session(online: AgentInLoop) -> None:
    assert (await why(online))["reason"] == "no_cable"
    await online.cmd("plug_in", evse=1, ev={"ready_after_ms": 3_600_000})
    assert (await why(online))["reason"] == "not_authorized"
    await online.cmd("swipe", token="ABCD", evse=1)
    await online.fact("AuthorizationGranted", 1)
    assert (await why(online))["reason"] in ("lock_moving", "vehicle_thinking")
    await online.cmd("settle")
    assert (await why(online))["reason"] == "vehicle_thinking"
    await online.cmd("ev", evse=1, state="ready")
    await online.fact("PowerPathClosed", 1)
    await online.cmd("meter", evse=1, power_w=7000)
    assert (await why(online))["charges"] is True
    await online.cmd("fault", evse=1, code="GroundFailure")
    told = await why(online)
    assert (told["link"], told["reason"]) == ("fault", "fault")
    assert "GroundFailure" in told["sentence"]
    assert (await why(online, 2))["reason"] == "no_cable"


async def test_all_evses_are_told_where_none_is_named(online: AgentInLoop) -> None:
    assert [told["evse"] for told in (await online.cmd("why"))["evses"]] == [1, 2]
    with pytest.raises(Refused, match="no such evse 9; there are 1, 2"):
        await online.cmd("why", evse=9)


async def test_a_refused_card_is_the_reason_until_another_is_accepted(csms: PracticeCsms, online: AgentInLoop) -> None:
    await online.cmd("auth_cache_put", token="BLOCKED1", status="Blocked")
    await online.cmd("local_list_put", token="BLOCKED1", status="Blocked")
    await online.cmd("set_variable", component="AuthCtrlr", variable="DisableRemoteAuthorization", value=True)
    await online.cmd("plug_in", evse=1)
    await online.cmd("swipe", token="BLOCKED1", evse=1)
    await online.fact("TokenRefused", 1)
    told = await why(online)
    assert (told["reason"], told["sentence"]) == ("refused", "The driver's identifier ...KED1 was refused: Blocked.")
    await online.cmd("local_list_put", token="ABCD", status="Accepted")
    await online.cmd("swipe", token="ABCD", evse=1)
    await online.fact("AuthorizationGranted", 1)
    await online.cmd("swipe", token="ABCD", evse=1)
    await online.fact("AuthorizationEnded", 1)
    assert (await why(online))["reason"] != "refused"


async def test_a_CSMS_that_is_not_there_is_a_reason(online: AgentInLoop) -> None:
    await online.cmd("plug_in", evse=1)
    await online.cmd("link", up=False)
    await online.fact("WentOffline")
    assert (await why(online))["reason"] == "offline"


async def test_a_station_that_nobody_accepted_says_so(agent: AgentInLoop) -> None:
    await agent.start("ws://127.0.0.1:1/nobody", AuthCtrlr_Enabled=True)
    await agent.cmd("set_variable", component="TxCtrlr", variable="TxBeforeAcceptedEnabled", value=False)
    await agent.cmd("plug_in", evse=1)
    assert (await why(agent))["reason"] == "not_accepted"


async def test_a_reader_that_is_lost_or_never_was(csms: PracticeCsms, online: AgentInLoop, folder: Path) -> None:
    await online.cmd("plug_in", evse=1)
    online.world.lose(0, "reader")
    assert (await why(online))["reason"] == "reader_lost"
    online.world.find(0, "reader")
    assert (await why(online))["reason"] == "not_authorized"


async def test_a_board_without_a_reader_says_how_else_to_start(csms: PracticeCsms, folder: Path) -> None:
    board = sim_board(folder, "")
    board.write_text(board.read_text().partition("[[reader]]")[0])
    async with AgentInLoop(folder, board) as agent:
        await agent.start(csms.url)
        await csms.wait_for("StatusNotification", count=2)
        await agent.cmd("plug_in", evse=1)
        assert (await why(agent))["reason"] == "no_reader"


async def test_a_limit_that_pauses_is_named(online: AgentInLoop) -> None:
    await online.cmd("limit", evse=1, source="site", limit_a=0)
    await online.cmd("plug_in", evse=1)
    await online.cmd("swipe", token="ABCD", evse=1)
    await online.fact("AuthorizationGranted", 1)
    await online.cmd("settle")
    told = await why(online)
    assert (told["link"], told["reason"]) == ("limits", "limit")
    assert "load management" in told["sentence"]


# What was refused, without a station.


class Time:
    def __init__(self) -> None:
        self.s = 0.0

    def __call__(self) -> float:
        return self.s


def test_a_refusal_counts_for_a_while_where_it_was_heard_and_at_the_stations_reader_everywhere() -> None:
    time = Time()
    refusals = Refusals(time)
    refusals.see("facts", TokenRefused(1, Token("04AABBCC"), "Blocked"))
    first, second = Refusal("...BBCC", "Blocked"), Refusal("...EEFF", "Unknown")
    assert (refusals.lately(1), refusals.lately(2)) == (first, None)
    time.s = 1.0
    refusals.see("facts", TokenRefused(0, Token("04DDEEFF"), "Unknown"))
    assert (refusals.lately(1), refusals.lately(2)) == (second, second)
    time.s = REFUSAL_COUNTS_S
    assert refusals.lately(1) == second
    time.s = REFUSAL_COUNTS_S + 1.0
    assert refusals.lately(1) is None


def test_a_key_code_is_not_shown_and_who_may_charge_ends_it() -> None:
    refusals = Refusals(Time())
    refusals.see("facts", TokenRefused(1, Token("123456", "KeyCode"), "Invalid"))
    assert refusals.lately(1) == Refusal("...", "Invalid")
    refusals.see("facts", AuthorizationGranted(1))
    assert refusals.lately(1) is None
    refusals.see("facts", TokenRefused(0, Token("04DDEEFF"), "Unknown"))
    refusals.see("facts", AuthorizationGranted(1))
    assert refusals.lately(2) is None
