"""Every OCPP message as a typed, frozen struct, one file a block letter."""
