"""How OCPP is written: messages and dialects."""
