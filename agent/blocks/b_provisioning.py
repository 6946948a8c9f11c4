"""Block B: boot, from power-on to accepted (B01 to B04).  Does not know how a message travels."""

from __future__ import annotations

from agent.blocks.base import Block, Desk
from agent.model.catalogue import (
    HEARTBEAT_INTERVAL,
    MESSAGE_ATTEMPT_INTERVAL,
    MESSAGE_ATTEMPTS,
    MESSAGE_TIMEOUT,
    NETWORK_PROFILE_CONNECTION_ATTEMPTS,
    RETRY_BACK_OFF_RANDOM_RANGE,
    RETRY_BACK_OFF_REPEAT_TIMES,
    RETRY_BACK_OFF_WAIT_MINIMUM,
    WEB_SOCKET_PING_INTERVAL,
)
from agent.ocpp.messages import b_provisioning as m
from agent.vocabulary.commands import AdmitMessages, SetClock, TuneLink
from agent.vocabulary.facts import CameOnline, Registered, TriggerRequested, WentOffline
from agent.vocabulary.incoming import CallFailed, LinkLost, LinkOpened
from agent.vocabulary.values import Now

OWN_INTERVAL_S = 60.0
"""When the CSMS names no interval or does not answer (B02.FR.07, B03.FR.05)."""


class Provisioning(Block):
    """Who we are, and whether the CSMS takes us."""

    letter = "B"

    def __init__(self, desk: Desk, station: m.ChargingStation) -> None:
        super().__init__(desk)
        self.identity = station
        self._boot_again_at: float | None = None
        self._boot_asked = False
        self._lost_at_mono: float | None = None
        self._tuned: TuneLink | None = None

    # ---- boot ----

    def link_opened(self, event: LinkOpened, now: Now) -> None:
        """The connection stands: say who we are, unless the CSMS knows (Part 4, 5.3)."""
        self.desk.online = True
        if self.desk.registration is None:  # as for another CSMS than before
            self._boot_again_at = None
        if self.desk.accepted:
            lost_at = now.mono if self._lost_at_mono is None else self._lost_at_mono
            self.desk.tell(AdmitMessages("all"))
            self.desk.post(CameOnline(0, now.mono - lost_at))
        elif self._boot_again_at is None or now.mono >= self._boot_again_at:
            self._boot(self.desk.boot_reason)

    def link_lost(self, event: LinkLost, now: Now) -> None:
        """Offline; an attempt to connect that failed changes nothing."""
        if not self.desk.online:
            return
        self.desk.online = False
        self._boot_asked = False
        if self.desk.registration is None:  # no interval of the CSMS holds: the next connection is the next occasion
            self._boot_again_at = None
        self._lost_at_mono = now.mono
        self.desk.post(WentOffline(0, event.reason))

    incoming = {LinkOpened: link_opened, LinkLost: link_lost}

    def _boot(self, reason: str) -> None:
        if self._boot_asked:
            return
        self._boot_asked = True
        self._boot_again_at = None
        self.desk.send(m.BootNotificationRequest(charging_station=self.identity, reason=reason), asked_for=True)  # type: ignore[arg-type]

    def boot_answered(
        self, request: m.BootNotificationRequest, outcome: m.BootNotificationResponse | CallFailed, now: Now
    ) -> None:
        self._boot_asked = False
        if isinstance(outcome, CallFailed):
            if outcome.code not in ("Offline", "Timeout"):
                self._boot_again_at = now.mono + OWN_INTERVAL_S
            return
        self.desk.registration = outcome.status
        self.desk.tell(SetClock(outcome.current_time))  # B01.FR.06
        if outcome.status == "Accepted":
            self._accepted(outcome.interval)
        else:
            self.desk.tell(AdmitMessages("asked" if outcome.status == "Pending" else "boot"))
            self._boot_again_at = now.mono + (outcome.interval if outcome.interval > 0 else OWN_INTERVAL_S)
        self.desk.post(Registered(0, outcome.status))

    def _accepted(self, interval_s: int) -> None:
        if interval_s > 0:
            self.desk.model.set(HEARTBEAT_INTERVAL, interval_s)  # B01.FR.04
        self.desk.tell(AdmitMessages("all"))
        self.desk.post(CameOnline(0, float("inf")))

    answers = {m.BootNotificationRequest: boot_answered}

    def triggered(self, fact: TriggerRequested, now: Now) -> None:
        if fact.message == "BootNotification":
            self._boot("Triggered")

    def tune(self) -> None:
        """Tell the link its numbers, when they changed."""
        model = self.desk.model
        tuned = TuneLink(
            timeout_s=float(model[MESSAGE_TIMEOUT]),
            ping_interval_s=float(model[WEB_SOCKET_PING_INTERVAL]),
            back_off_minimum_s=float(model[RETRY_BACK_OFF_WAIT_MINIMUM]),
            back_off_random_s=float(model[RETRY_BACK_OFF_RANDOM_RANGE]),
            back_off_doublings=model[RETRY_BACK_OFF_REPEAT_TIMES],
            attempts=model[MESSAGE_ATTEMPTS],
            attempt_interval_s=float(model[MESSAGE_ATTEMPT_INTERVAL]),
            profile_attempts=model[NETWORK_PROFILE_CONNECTION_ATTEMPTS],
        )
        if tuned != self._tuned:
            self._tuned = tuned
            self.desk.tell(tuned)

    facts = {TriggerRequested: triggered}

    # ---- time ----

    def next_deadline(self) -> float | None:
        return self._boot_again_at if self.desk.online else None

    def expire(self, now: Now) -> None:
        if self.desk.online and self._boot_again_at is not None and now.mono >= self._boot_again_at:
            self._boot(self.desk.boot_reason)
