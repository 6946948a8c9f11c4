"""A NetworkConnectionProfile as the CSMS writes it."""

from __future__ import annotations

from tests.bench import Payload


def connection(url: str, security_profile: int = 0, **more: object) -> Payload:
    return {
        "ocppVersion": "OCPP20",
        "ocppTransport": "JSON",
        "ocppCsmsUrl": url,
        "messageTimeout": 30,
        "securityProfile": security_profile,
        "ocppInterface": "Wired0",
        **more,
    }
