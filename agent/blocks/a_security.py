"""Block A, security events: what an attacker may have done is kept, and the CSMS hears of what is critical.

Keeps no log itself and knows no certificate.
"""

from __future__ import annotations

from agent.blocks.base import Block
from agent.model.catalogue import TIME_ADJUSTMENT_REPORTING_THRESHOLD
from agent.ocpp.messages.a_security import SecurityEventNotificationRequest
from agent.vocabulary.commands import LogSecurityEvent, Send
from agent.vocabulary.facts import SecurityNoted
from agent.vocabulary.incoming import SecurityNoticed
from agent.vocabulary.values import Now

UNCRITICAL = frozenset(
    {
        "FailedToAuthenticateAtCsms",
        "CsmsFailedToAuthenticate",
        "ReconfigurationOfSecurityParameters",
        "InvalidMessages",
        "AttemptedReplayAttacks",
    }
)
"""What stays in the log (Part 2, appendix 1)."""

LONGEST_TECH_INFO = 255


class SecurityEvents(Block):
    """A04: every event into the security log; a critical one is queued with guaranteed delivery."""

    letter = "A"

    def started(self, remark: str, now: Now) -> None:
        """The station has booted; ``remark`` is what is wrong with what it remembers."""
        reason = self.desk.boot_reason
        detail = self.desk.boot_detail
        if reason != "PowerUp":
            self.noted(SecurityNoted(0, "ResetOrReboot", f"{reason}: {detail}" if detail else reason), now)
        self.noted(SecurityNoted(0, "StartupOfTheDevice", remark), now)

    def clock_moved(self, by_s: float, now: Now) -> None:
        """The time of day was corrected; at the first start of a station without a battery, by years."""
        threshold_s = self.desk.model[TIME_ADJUSTMENT_REPORTING_THRESHOLD]
        if threshold_s and abs(by_s) > threshold_s:
            self.noted(SecurityNoted(0, "SettingSystemTime", f"by {by_s:+.0f} s"), now)

    def noted(self, fact: SecurityNoted, now: Now) -> None:
        """A04.FR.01, A04.FR.02, A04.FR.04."""
        tech_info = fact.tech_info[:LONGEST_TECH_INFO] or None
        self.desk.tell(LogSecurityEvent(fact.type, now.wall, tech_info or ""))
        if fact.type not in UNCRITICAL:
            request = SecurityEventNotificationRequest(type=fact.type, timestamp=now.wall, tech_info=tech_info)
            self.desk.tell(Send(request, durable=True))

    facts = {SecurityNoted: noted}

    def noticed(self, event: SecurityNoticed, now: Now) -> None:
        """An edge saw it."""
        self.desk.post(SecurityNoted(0, event.type, event.tech_info))

    incoming = {SecurityNoticed: noticed}
