"""The residual current monitor on chargebyte's safety controller, which opens the contactor by itself.

Asks for its test and tells what it finds; knows no session.
"""

from __future__ import annotations

from collections.abc import Iterator
from time import monotonic
from typing import Annotated

import msgspec
from msgspec import Meta

from hal.bus.serial import SerialBus
from hal.drivers.chargebyte_line import SafetyLine, line_of
from hal.drivers.chargebyte_states import RCM_TEST_FAILED, RCM_TRIPPED
from hal.drivers.pilot_news import Fault, PilotNews, Words
from hal.drivers.presence import Presence
from hal.errors import PartRefused
from hal.events import ResidualCurrentTested
from hal.ports import Place, Post
from hal.wire.chargebyte import (
    ACTION,
    CHARGE_STATE,
    RCM_SELF_TEST,
    READERS,
    ChargeState,
    Frame,
    Layout,
    Malformed,
    Version,
    action,
    layout_of,
)

ASK_AGAIN_S, TIMES = 0.5, 3


class ChargebyteRcm:
    """On the bus of the ``chargebyte`` pilot, where a monitor is in the parameter block.

    What it has latched is the controller's safe state: the reset is the pilot's.
    """

    bus_type = SerialBus
    line_type = SafetyLine

    class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
        """``test_s``: how long a test may take."""

        test_s: Annotated[float, Meta(ge=0.5, le=60)] = 5.0

    def __init__(self, config: Config, place: Place, bus: SerialBus, post: Post) -> None:
        self._config = config
        self._place = place
        self._post = post
        self._line = line_of(bus, place.part)
        self._presence = Presence(place, post)
        self._news = PilotNews(place.evse, place.connector)
        self._layout: Layout = "three_contactors"
        self._test: _Test | None = None

    @property
    def counters(self) -> dict[str, int]:
        return self._line.counters

    def self_test(self) -> None:
        self._test = _Test(monotonic() + self._config.test_s)

    def reset(self) -> None:
        """The pilot resets the controller when a fault of the EVSE is cleared; there is no lesser way."""

    async def run(self) -> None:
        await self._line.attend(self)

    def begin(self, version: Version) -> None:
        try:
            self._layout = layout_of(version)
        except Malformed as error:
            raise PartRefused(str(error)) from None

    def lost(self, reason: str) -> None:
        self._presence.lost(reason)

    def hear(self, frame: Frame) -> None:
        if frame.com == ACTION and self._test is not None and frame.word >> 56 == RCM_SELF_TEST:
            self._test.confirmed = True
        elif frame.com == CHARGE_STATE:
            state = READERS[self._layout](frame.word)
            if state.rcm == "absent":
                self._presence.lost("no residual current monitor in the controller's parameters")
            else:
                self._presence.found("residual current monitor")
            for event in self._news.look_at_faults(dict(_faults(state))):
                self._post(event)
            self._go_on(state)

    def _go_on(self, state: ChargeState) -> None:
        """Take the test a step further with every state that is heard."""
        test, now = self._test, monotonic()
        if test is None:
            return
        verdict = test.verdict(state, now, shows_test=self._layout == "three_contactors")
        if verdict is not None:
            self._test = None
            self._post(ResidualCurrentTested(self._place.evse, not verdict, verdict))
        elif not test.confirmed and test.asked < TIMES and now >= test.ask_at:
            test.asked += 1
            test.ask_at = now + ASK_AGAIN_S
            self._line.send(action(RCM_SELF_TEST))


class _Test:
    """A test that runs."""

    def __init__(self, by_mono: float) -> None:
        self.by_mono = by_mono
        self.ask_at = 0.0
        self.asked = 0
        self.confirmed = self.seen = False

    def verdict(self, state: ChargeState, now: float, shows_test: bool) -> str | None:
        """What is wrong, empty: nothing; None: it is not over."""
        self.seen = self.seen or state.rcm == "testing"
        if state.rcm in ("fault", "test failed") or state.safe_state:
            return "not passed" if self.asked else "it has tripped, or the controller is in its safe state"
        if self.seen and state.rcm == "monitoring":
            return ""
        if now < self.by_mono:
            return None
        if not self.confirmed:
            return "the controller has not acknowledged the test"
        return "no test was seen" if shows_test else ""


def _faults(state: ChargeState) -> Iterator[tuple[Fault, Words]]:
    reason = state.reason if state.safe_state else 0
    if state.rcm == "test failed" or reason == RCM_TEST_FAILED:
        yield ("InternalError", None), ("RCM test", "the self test of the residual current monitor failed")
    elif state.rcm == "fault" or reason == RCM_TRIPPED:
        yield ("GroundFailure", None), ("RCM", "the residual current monitor has tripped, or is broken")
