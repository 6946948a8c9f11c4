"""What OCPP requires: one file a functional block."""
