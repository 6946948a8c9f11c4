"""Tests of what charging means."""
