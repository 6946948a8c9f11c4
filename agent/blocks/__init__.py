"""What OCPP requires: functional blocks, the files of each with its letter."""
