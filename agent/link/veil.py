"""What of a frame may be shown: everything but its secrets.  Understands no message, changes nothing that is sent."""

from __future__ import annotations

import re
from typing import Any

STRING = rb'"(?:[^"\\]|\\.)*"'
NETWORK = re.compile(rb'("(?:apnPassword|basicAuthPassword|password|key)"\s*:\s*)' + STRING)
SIM_PIN = re.compile(rb'("simPin"\s*:\s*)-?\d+')
KEY_CODE = re.compile(rb'(\{[^{}]*?"idToken"\s*:\s*)' + STRING + rb'(?=[^{}]*"type"\s*:\s*"KeyCode")')
KEY_CODE_AFTER = re.compile(rb'(\{[^{}]*"type"\s*:\s*"KeyCode"[^{}]*?"idToken"\s*:\s*)' + STRING)
VALUES = re.compile(rb'("attributeValue"\s*:\s*)' + STRING)
HIDDEN = "***"
VEIL = rb'\1"***"'


def veiled(frame: str | bytes) -> str | bytes:
    """The frame with its secrets taken out: of a network profile, beside ``BasicAuthPassword``, and key codes."""
    data = frame.encode(errors="replace") if isinstance(frame, str) else frame
    if b"SetNetworkProfile" in data:
        shown = SIM_PIN.sub(VEIL, NETWORK.sub(VEIL, data))
    elif b"basicauthpassword" in data.lower():
        shown = VALUES.sub(VEIL, data)
    elif b'"KeyCode"' in data:  # C04.FR.04
        shown = KEY_CODE_AFTER.sub(VEIL, KEY_CODE.sub(VEIL, data))
    else:
        return frame
    return shown.decode() if isinstance(frame, str) else shown


def without_key_codes(what: Any) -> Any:
    """The same plain data without the key code that somebody entered (C04.FR.04)."""
    if not isinstance(what, dict):
        return what
    shown = {name: without_key_codes(value) for name, value in what.items()}
    if shown.get("kind") == "KeyCode":
        shown |= {name: HIDDEN for name in ("id", "uid") if name in shown}
    return shown
