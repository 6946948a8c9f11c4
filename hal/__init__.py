"""Electricity: volts, amps, bytes. Nothing in here has heard of OCPP."""
