"""What goes wrong with the language: whose fault it is, and what to answer.

LanguageError
 +-- Refused           they said what we cannot accept; ``code`` is our CALLERROR
 +-- Unsayable         we hold a message that the version spoken has no words for
 +-- NoCommonVersion   the handshake ended without a version that both speak
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

# The table in 4.3 of part 4; 2.0.1 and 2.1 have the same.
ErrorCode = Literal[
    "FormatViolation",
    "GenericError",
    "InternalError",
    "MessageTypeNotSupported",
    "NotImplemented",
    "NotSupported",
    "OccurrenceConstraintViolation",
    "PropertyConstraintViolation",
    "ProtocolError",
    "RpcFrameworkError",
    "SecurityError",
    "TypeConstraintViolation",
]

MAX_REASON = 255  # errorDescription is string[255]


class LanguageError(Exception):
    """Base of what this package raises."""


class Refused(LanguageError):
    """The peer's message breaks a rule; ``reason`` names the field."""

    def __init__(self, code: ErrorCode, reason: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(f"{code}: {reason}")
        self.code: ErrorCode = code
        self.reason = shortened(reason)
        self.details: Mapping[str, Any] = details or {}


class Unsayable(LanguageError):
    """Our own message cannot be said in this version: too new, too long, or broken."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NoCommonVersion(LanguageError):
    """The server agreed to none of the versions offered."""


def shortened(reason: str) -> str:
    """A text that fits an errorDescription and encodes, whatever went into it."""
    text = reason.encode("utf-8", "replace").decode("utf-8")
    return text if len(text) <= MAX_REASON else text[: MAX_REASON - 3] + "..."
