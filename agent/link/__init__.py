"""How messages are delivered, pure."""
