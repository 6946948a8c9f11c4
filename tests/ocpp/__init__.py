"""Tests of the messages and dialects."""
