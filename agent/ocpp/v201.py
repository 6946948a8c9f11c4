"""OCPP 2.0.1: everything without what is newer."""

from __future__ import annotations

from agent.ocpp.dialect import Capability, Dialect


class V201(Dialect):
    version, subprotocol = "2.0.1", "ocpp2.0.1"
    newer = False
    capabilities = frozenset((Capability.UNKNOWN_TYPE_ANSWERED,))
