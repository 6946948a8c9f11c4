"""From the current that a pilot offers to its duty, IEC 61851-1 table A.7.  Knows no controller."""

LEAST_A, MOST_A = 6.0, 80.0
"""What a duty can say."""


def duty_for(limit_a: float, steps: int) -> int:
    """The duty that offers at most ``limit_a``, in ``steps`` to a full one; above 80 A it is that of 80 A.

    Raises:
        ValueError: below 6 A; steady +12 V offers nothing.

    """
    if limit_a < LEAST_A:
        raise ValueError(f"a duty offers {LEAST_A:g} A or more, not {limit_a:g} A")
    limit_a = min(limit_a, MOST_A)
    ratio = limit_a / 60 if limit_a <= 51 else limit_a / 250 + 0.64
    return int(ratio * steps + 1e-6)
