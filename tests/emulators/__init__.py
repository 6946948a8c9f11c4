"""Boards and meters on a pseudo-terminal."""
