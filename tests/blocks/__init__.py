"""Requirements, by block."""
