"""Thin I/O: socket, database, files, D-Bus, clocks."""
