"""The layer and the unit that ship, held against the agent; ``step_*.py`` are slow, for ``make image-test``."""
