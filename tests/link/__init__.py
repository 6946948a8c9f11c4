"""Tests of framing, queue and reconnection."""
