"""OCPP 2.1: the shape that the messages are kept in, with what only 2.1 asks for."""

from __future__ import annotations

from agent.ocpp.dialect import Capability, Dialect


class V21(Dialect):
    version, subprotocol = "2.1", "ocpp2.1"
    newer = True
    capabilities = frozenset((Capability.SEND, Capability.CALL_RESULT_ERROR))
