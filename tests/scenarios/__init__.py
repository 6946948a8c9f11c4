"""Whole stations, played through the control socket."""
