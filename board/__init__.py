"""Boards as data: TOML that names drivers, buses and limits, and the reader of it."""
