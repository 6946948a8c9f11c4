"""What of a frame may be shown: everything but its secrets.  Understands no message, changes nothing that is sent."""

from __future__ import annotations

import re

STRING = rb'"(?:[^"\\]|\\.)*"'
NETWORK = re.compile(rb'("(?:apnPassword|basicAuthPassword|password|key)"\s*:\s*)' + STRING)
SIM_PIN = re.compile(rb'("simPin"\s*:\s*)-?\d+')
VALUES = re.compile(rb'("attributeValue"\s*:\s*)' + STRING)
VEIL = rb'\1"***"'


def veiled(frame: str | bytes) -> str | bytes:
    """The frame with the secrets of a network profile, or beside ``BasicAuthPassword``, taken out."""
    data = frame.encode(errors="replace") if isinstance(frame, str) else frame
    if b"SetNetworkProfile" in data:
        shown = SIM_PIN.sub(VEIL, NETWORK.sub(VEIL, data))
    elif b"basicauthpassword" in data.lower():
        shown = VALUES.sub(VEIL, data)
    else:
        return frame
    return shown.decode() if isinstance(frame, str) else shown
