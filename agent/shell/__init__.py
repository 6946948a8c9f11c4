"""The control socket: its server and its commands."""
