"""Generators that the tests rerun."""
