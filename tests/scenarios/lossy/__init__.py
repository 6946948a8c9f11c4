"""A link that loses, stalls and lies: a simulated one for whole days, and a proxy for the real process."""
