"""What is timed and compared for one EVSE while block E looks after it.  Tells nobody, remembers nothing."""

from __future__ import annotations

from datetime import datetime

from agent.session.evse import Evse
from agent.session.evse_state import OFFER_GRACE_S
from agent.session.transaction import Reading

LAST_READING_PATIENCE_S = 6.0
"""How long an Ended waits for a reading that was taken after the power path opened; some boards take 3 s to open."""

SIGNATURE_PATIENCE_S = 30.0
"""The same where the meter signs the session: some take 15 s for that, and the record has to come over its line."""

OPENING_PATIENCE_S = 4.0
"""How long a Deauthorized waits for the power path to open, to be told with the state that this makes."""

FAULT_PATIENCE_S = 300.0
"""How long a transaction waits for a fault to heal that is not a reason to end it at once."""


class Watch:
    """The conditions that held last and the times that run; lost with the power, made anew at start."""

    def __init__(self, evse: Evse) -> None:
        self.held = evse.conditions()
        self._last_patience_s = SIGNATURE_PATIENCE_S if evse.layout.signs_sessions else LAST_READING_PATIENCE_S
        self.missed_start = False
        self.connect_by: float | None = None
        self.think_by: float | None = None
        self.settle_by: float | None = None
        self.heal_by: float | None = None
        self.resume_by: float | None = None
        self.deauthorized_by: float | None = None
        self.keep_at_mono = float("-inf")
        self.sampled_mono: float | None = None
        self.energy_cap_wh: float | None = None
        self.told_reading: Reading | None = None
        self.told_moment: datetime | None = None
        self.collected_mono: float | None = None
        self.collected_moment: datetime | None = None
        self.wants_reading = False
        self.signs = False

    def forget_transaction(self) -> None:
        """The transaction is over."""
        self.settle_by = self.heal_by = self.resume_by = self.sampled_mono = self.collected_mono = None
        self.deauthorized_by = None
        self.energy_cap_wh = self.told_reading = self.told_moment = self.collected_moment = None
        self.wants_reading = self.signs = False

    def await_last_reading(self, mono: float) -> None:
        """The transaction is over; its Ended waits so long for the reading that closes it."""
        self.settle_by = mono + self._last_patience_s

    def trigger_of(self, change: str) -> str:
        """A change of the charging state is told as Deauthorized where that is what made it, and was not told yet."""
        if self.deauthorized_by is None or change != "ChargingStateChanged":
            return change
        self.deauthorized_by = None
        return "Deauthorized"

    def offers(self, evse: Evse, mono: float) -> None:
        """Keep the time since when the vehicle could take energy."""
        if not evse.may_give_power():
            evse.offered_at_mono = self.think_by = None
        elif evse.offered_at_mono is None:
            evse.offered_at_mono = mono
            self.think_by = mono + OFFER_GRACE_S

    def next_deadline(self) -> float | None:
        """The earliest of its times."""
        times = (
            self.connect_by,
            self.think_by,
            self.settle_by,
            self.heal_by,
            self.resume_by,
            self.deauthorized_by,
        )
        return min((time for time in times if time is not None), default=None)
