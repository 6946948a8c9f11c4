"""Any order of vehicles, contracts, cards, answers and links: nobody charges by a contract that was not accepted."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from hal.events import ChainVerdict
from tests.bench import CARD, Bench, Payload
from tests.blocks.test_c_contract import CENTRAL, OFFLINE, PNC, SILENT, UNKNOWN_TOO, answers, contract

EVSES = st.integers(1, 2)
EMAIDS = st.sampled_from(["DEABCC00000001", "DEABCC00000002"])
VERDICTS = st.sampled_from(["valid", "valid", "unknown_root", "invalid"])
ANSWERS: st.SearchStrategy[Payload | str | None] = st.sampled_from(
    [answers(), answers(), answers("Invalid", "ContractCancelled"), answers("Accepted", "CertificateRevoked"), None]
)


class Contracts(RuleBasedStateMachine):
    """``shown`` is what the vehicle at an EVSE presented; a right by contract must be its own, and by a good chain."""

    @initialize(pnc=st.booleans(), central=st.booleans(), offline=st.booleans(), unknown=st.booleans())
    def install(self, pnc: bool, central: bool, offline: bool, unknown: bool) -> None:
        variables = {PNC: pnc, CENTRAL: central, OFFLINE: offline, UNKNOWN_TOO: unknown, **SILENT}
        self.bench = Bench(2, secc=True, variables=variables)
        self.bench.accept()
        self.pnc, self.central = pnc, central
        self.shown: dict[int, dict[str, ChainVerdict]] = {1: {}, 2: {}}

    @rule(evse=EVSES)
    def unplug(self, evse: int) -> None:
        self.shown[evse] = {}
        self.bench.unplug(evse)

    @rule(evse=EVSES, emaid=EMAIDS, verdict=VERDICTS, arrives=st.booleans())
    def present(self, evse: int, emaid: str, verdict: ChainVerdict, arrives: bool) -> None:
        if arrives:
            self.unplug(evse)
        if self.bench.plants[evse].connector is None:
            self.bench.plug_in(evse)
        right = self.bench.evse(evse).authorization
        if right is None or right.token.kind != "eMAID":
            self.shown[evse] = {emaid: verdict}
        self.bench.present_contract(contract(verdict, emaid), evse)

    @rule(evse=EVSES, emaid=EMAIDS, reply=ANSWERS)
    def present_while_the_csms_thinks(self, evse: int, emaid: str, reply: Any) -> None:
        """The vehicle leaves, and another comes, before the answer is there."""
        self.bench.script["Authorize"] = lambda request: self.unplug(evse) or reply  # type: ignore[func-returns-value]
        self.present(evse, emaid, "valid", True)
        del self.bench.script["Authorize"]
        self.bench.plug_in(evse)

    @rule(evse=EVSES)
    def choose_eim(self, evse: int) -> None:
        self.bench.choose_eim(evse)

    @rule(evse=EVSES)
    def swipe(self, evse: int) -> None:
        self.bench.swipe(CARD, evse)

    @rule(reply=ANSWERS)
    def csms_thinks(self, reply: Any) -> None:
        """Of everybody from now on."""
        self.bench.script["Authorize"] = reply

    @rule(seconds=st.sampled_from([1.0, 31.0, 120.0]))
    def wait(self, seconds: float) -> None:
        self.bench.pass_time(seconds)

    @rule()
    def lose_the_link(self) -> None:
        self.bench.disconnect()

    @rule()
    def find_the_link(self) -> None:
        if self.bench.link.state != "open":
            self.bench.connect()

    @rule()
    def stop(self) -> None:
        for evse in self.bench.station.site.running():
            assert evse.transaction is not None
            self.bench.ask("RequestStopTransaction", transactionId=evse.transaction.id)

    @invariant()
    def the_vehicle_hears_what_is_true(self) -> None:
        for evse, intent in self.bench.vehicle_heard.items():
            granted = self.bench.evse(evse).authorization is not None
            assert (intent.authorization == "granted") is granted
            assert self.pnc or not intent.contract

    @invariant()
    def a_right_by_contract_is_that_of_the_vehicle_that_is_there(self) -> None:
        for evse, shown in self.shown.items():
            right = self.bench.evse(evse).authorization
            if right is None or right.token.kind != "eMAID":
                continue
            assert self.pnc
            assert right.token.id in shown, (right, shown)
            assert shown[right.token.id] == "valid" or (shown[right.token.id] == "unknown_root" and self.central)


Contracts.TestCase.settings = settings(
    max_examples=100, stateful_step_count=30, suppress_health_check=list(HealthCheck)
)
TestContractsInAnyOrder = Contracts.TestCase
