"""Thin I/O: websocket, database."""
