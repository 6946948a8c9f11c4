"""Any order of requests, sessions, steps, power cuts and boot loaders: an update says one truth after the other."""

from __future__ import annotations

from collections import defaultdict
from typing import Literal

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from agent.blocks.l_course import MOST_TRIES
from agent.vocabulary.firmware import (
    CheckFirmware,
    DownloadFirmware,
    DropFirmware,
    FirmwareOrder,
    FirmwareProved,
    FirmwareStepEnded,
    InstallFirmware,
    JudgeSigner,
    RestartBoard,
    SignerJudged,
    Step,
    Trial,
    TryFirmware,
)
from tests.bench import Bench
from tests.blocks.updating import Updating

MAY_FOLLOW: dict[str, set[str]] = {
    "": {"DownloadScheduled", "Downloading"},
    "DownloadScheduled": {"Downloading"},
    "Downloading": {"Downloading", "Downloaded", "DownloadPaused", "DownloadFailed"},
    "DownloadPaused": {"Downloading"},
    "Downloaded": {"SignatureVerified", "InvalidSignature", "DownloadFailed"},
    "SignatureVerified": {"InstallScheduled", "Installing"},
    "InstallScheduled": {"Installing"},
    "Installing": {"Installing", "InstallRebooting", "InstallVerificationFailed", "InstallationFailed"},
    "InstallRebooting": {"InstallRebooting", "Installed", "InstallationFailed"},
}
"""Figure 118 of Part 2, with what a power cut makes begin anew; behind the end of an update nothing follows."""

STEPS: dict[type[FirmwareOrder], Step] = {
    DownloadFirmware: "download",
    CheckFirmware: "check",
    InstallFirmware: "install",
    TryFirmware: "try",
}
Outcome = Literal["done", "failed", "unfit"]
OUTCOMES = st.sampled_from([*["done"] * 8, "failed", "unfit"])
SELDOM = st.integers(0, 5).map(lambda number: number == 0)
"""What happens now and then only: else no update would ever come to its end."""


class AnyUpdate(RuleBasedStateMachine):
    """A machine with two slots and a boot loader that may go back, or stay where it should not."""

    @initialize(allowed=st.booleans(), charging=st.booleans())
    def begin(self, allowed: bool, charging: bool) -> None:
        self.update = Updating(Bench(evses=2, slot="A"), charging=charging)
        self.bench = self.update.bench
        self.bench.set("ChargingStation.AllowNewSessionsPendingFirmwareUpdate", allowed)
        self.bench.take_sent()
        self.told: dict[int, list[str]] = defaultdict(list)
        self.done = 0
        self.request_id = 0
        self.step: FirmwareOrder | None = None
        self.next_slot = "A"
        self.note: Literal["", "on trial", "installed"] = ""
        self.note_from = "A"
        self.before: dict[str, bytes] = {}
        self.restart = False
        self.restarts = 0
        self.proved_in = ""

    # ---- what the station orders ----

    @invariant()
    def take_orders(self) -> None:
        for order in self.bench.firmware[self.done :]:
            self.obey(order)
        self.done = len(self.bench.firmware)
        for status, request_id in self.update.heard():
            assert request_id is not None
            last = self.told[request_id][-1] if self.told[request_id] else ""
            assert status in MAY_FOLLOW.get(last, set()), (request_id, self.told[request_id], status)
            self.told[request_id].append(status)
            assert status != "Installed" or self.proved_in == self.bench.slot

    def obey(self, order: FirmwareOrder) -> None:
        if isinstance(order, RestartBoard):
            assert not self.bench.station.site.running(), "somebody charges"
            self.restart, self.restarts = True, self.restarts + 1
            assert self.restarts <= 2 * MOST_TRIES
        elif isinstance(order, DropFirmware):
            self.step, self.note, self.next_slot = None, "", self.bench.slot
        elif not isinstance(order, JudgeSigner):
            self.step = order

    # ---- the CSMS ----

    @rule(
        retrieve_in_s=st.sampled_from([-1, -1, -1, 600]),
        install_in_s=st.sampled_from([None, None, None, 600]),
        retries=st.sampled_from([None, 0, 2]),
        verdict=st.sampled_from(["trusted", "trusted", "trusted", "invalid", "unable"]),
        ends_first=st.booleans(),
        insists=SELDOM,
    )
    def ask(
        self,
        retrieve_in_s: float,
        install_in_s: float | None,
        retries: int | None,
        verdict: Literal["trusted", "invalid", "unable"],
        ends_first: bool,
        insists: bool,
    ) -> None:
        """A step may end while the certificate is judged."""
        under_way = self.request_id and self.told[self.request_id][-1] in MAY_FOLLOW
        if under_way and not insists:
            return
        more = {} if retries is None else {"retries": retries}
        told = self.update.ask(self.request_id + 1, retrieve_in_s=retrieve_in_s, install_in_s=install_in_s, **more)
        if told is None:
            message_id = self.update.message_id
            self.take_orders()
            if ends_first and self.step is not None:
                self.step_ends("done")
                self.take_orders()
            self.bench.notice(SignerJudged(message_id, verdict))
            told = self.update.answer()
        if told["status"].startswith("Accepted"):
            self.request_id, self.restarts = self.request_id + 1, 0
        self.take_orders()

    @rule()
    def trigger(self) -> None:
        self.take_orders()
        self.update.trigger()
        [(status, request_id)] = self.update.heard()
        last = self.told[request_id][-1] if request_id is not None else "Installed"
        assert (status, last) == ("Idle", "Installed") or status == last

    # ---- whoever fetches and installs ----

    @rule(outcomes=st.lists(OUTCOMES, min_size=1, max_size=5))
    def steps_end(self, outcomes: list[Outcome]) -> None:
        """One after the other, as long as there is another."""
        for outcome in outcomes:
            if self.step is not None:
                self.step_ends(outcome)
                self.take_orders()

    def step_ends(self, outcome: Outcome) -> None:
        assert self.step is not None
        step, order = STEPS[type(self.step)], self.step
        self.step = None
        if step == "try" and outcome == "done":
            self.next_slot = "B" if self.bench.slot == "A" else "A"
            self.note, self.note_from, self.before = "on trial", self.bench.slot, dict(self.bench.records)
        request_id = order.request_id  # type: ignore[attr-defined]
        self.bench.notice(FirmwareStepEnded(request_id, step, outcome))

    @rule(good=st.booleans())
    def prove(self, good: bool) -> None:
        tried = self.note == "on trial" and self.bench.slot != self.note_from
        if not tried:
            return
        if good:
            self.note, self.proved_in = "installed", self.bench.slot
        else:
            self.next_slot = self.note_from
        self.bench.notice(FirmwareProved(good=good))

    # ---- the machine ----

    @rule(goes_back=st.booleans(), stays=st.booleans(), unasked=SELDOM)
    def power_cut(self, goes_back: bool, stays: bool, unasked: bool) -> None:
        """Or the restart that was asked for; the boot loader may go back from a release on trial, or not leave it."""
        if not self.restart and not unasked:
            return
        slot = self.next_slot
        if self.note == "on trial" and slot != self.note_from and goes_back:
            slot = self.next_slot = self.note_from
        elif self.note == "on trial" and slot == self.note_from and self.bench.slot != slot and stays:
            slot = self.bench.slot
        self.take_orders()
        trial: Trial = self.note
        if self.note == "on trial" and slot == self.note_from:
            trial = "rolled back"
            self.bench.records.clear()
            self.bench.records.update(self.before)
        self.bench.slot, self.bench.trial, self.restart, self.step = slot, trial, False, None
        self.bench.power_cycle()
        self.bench.accept()

    @rule(seconds=st.sampled_from([1, 15, 60, 700]))
    def pass_time(self, seconds: float) -> None:
        self.bench.pass_time(seconds)

    # ---- drivers ----

    @rule(evse=st.integers(1, 2))
    def come_or_go(self, evse: int) -> None:
        if self.bench.plants[evse].connector is None:
            self.bench.plug_in(evse)
            self.bench.swipe(f"0{evse}AABBCC", evse=evse)
        else:
            self.bench.swipe(f"0{evse}AABBCC", evse=evse)
            self.bench.unplug(evse)

    @invariant()
    def who_charges_is_never_cut_off(self) -> None:
        for evse in self.bench.station.site.evses.values():
            assert not (evse.updating and evse.transaction is not None)


AnyUpdate.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=50,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)
TestAnyUpdate = AnyUpdate.TestCase
