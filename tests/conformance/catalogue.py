"""What there is to prove: the ids of requirements and certification cases, and which of them do not apply here."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

HERE = Path(__file__).parent

BLOCKS = {
    "A": "security",
    "B": "provisioning",
    "C": "authorization",
    "D": "local authorization list",
    "E": "transactions",
    "F": "remote control",
    "G": "availability",
    "H": "reservation",
    "I": "tariff and cost",
    "J": "meter values",
    "K": "smart charging",
    "L": "firmware",
    "M": "certificates",
    "N": "diagnostics",
    "O": "display messages",
    "P": "data transfer",
}


class Reason(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why some ids do not apply; ``E01`` stands for all that begins with ``E01.``, ``TC_H`` for all with ``TC_H_``."""

    ids: tuple[str, ...]
    reason: str

    def covers(self, name: str) -> bool:
        return any(name == each or name.startswith((f"{each}.", f"{each}_")) for each in self.ids)


@dataclass(frozen=True)
class Catalogue:
    """Ids in the order of the specification."""

    requirements: tuple[str, ...]
    cases: tuple[str, ...]
    others: frozenset[str]
    reasons: tuple[Reason, ...]

    @property
    def known(self) -> frozenset[str]:
        """What a test may claim: also what binds the CSMS, and cases that belong to no certification profile."""
        return self.others | {*self.requirements, *self.cases}

    def reason(self, name: str) -> str | None:
        return next((each.reason for each in self.reasons if each.covers(name)), None)


def block_of(name: str) -> str:
    return name[3] if name.startswith("TC_") else name[0]


def read_catalogue(folder: Path = HERE) -> Catalogue:
    requirements = list(rows(folder / "requirements.csv"))
    cases = list(rows(folder / "testcases.csv"))
    of_station = tuple(row["id"] for row in requirements if row["side"] in ("station", "both"))
    certified = tuple(row["id"] for row in cases if row["obligation"])
    every = {row["id"] for row in (*requirements, *cases)}
    return Catalogue(of_station, certified, frozenset(every.difference(of_station, certified)), read_reasons(folder))


def rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def read_reasons(folder: Path) -> tuple[Reason, ...]:
    entries = tomllib.loads((folder / "not_applicable.toml").read_text(encoding="utf-8"))["not_applicable"]
    return msgspec.convert(entries, tuple[Reason, ...])
