"""What charging means: pilot, EVSE, transaction, authorization, limits."""
