"""What came of a campaign, in numbers and in words."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Tally:
    """What came of it."""

    cuts: Counter[str] = field(default_factory=Counter)
    losses: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        self.cuts += other.cuts
        self.losses += other.losses
        self.counts.update(other.counts)
        self.violations += other.violations

    def lines(self) -> list[str]:
        """For people."""
        return [
            f"{self.cuts.total()} cuts",
            *(f"  {count:6} {moment}" for moment, count in self.cuts.most_common()),
            "unsynced writes that the disk lost",
            *(f"  {count:6} {way}" for way, count in self.losses.most_common()),
            *(f"{count:8} {what}" for what, count in self.counts.items()),
            f"{len(self.violations):8} violations",
            *(f"  ! {violation}" for violation in self.violations),
        ]
