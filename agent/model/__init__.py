"""The device model, typed."""
