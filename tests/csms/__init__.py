"""The practice CSMS."""
