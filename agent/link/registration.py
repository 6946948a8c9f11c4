"""What may be said before the CSMS has accepted us (B01.FR.08, B02.FR.02).  Knows no answer of the CSMS."""

from __future__ import annotations

from typing import Literal

Admission = Literal["boot", "asked", "all"]


class Registration:
    """Only BootNotification, also what the CSMS asked for, or everything."""

    def __init__(self) -> None:
        self.admits: Admission = "boot"

    def allows(self, action: str, *, asked_for: bool) -> bool:
        """Whether this message may go now."""
        if self.admits == "all" or action == "BootNotification":
            return True
        return self.admits == "asked" and asked_for
