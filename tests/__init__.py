"""Tests, and the other side of every wire."""
