"""The station agent: events in, decisions, OCPP out."""
