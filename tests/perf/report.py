"""Figures side by side, with the goal beside them: as a table for people, as JSON for machines.  Measures nothing."""

import json
import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

BOUNDS: dict[str, Callable[[float, float], bool]] = {"<=": operator.le, ">=": operator.ge}


@dataclass(frozen=True)
class Goal:
    """``Goal("<=", 0.8)``: of the ratio; with ``of="ours"``, of our own figure in its unit."""

    bound: str
    limit: float
    of: str = "ratio"

    def met_by(self, figure: "Figure") -> bool | None:
        value = figure.ratio if self.of == "ratio" else figure.ours
        return None if value is None else BOUNDS[self.bound](value, self.limit)

    def words(self, unit: str) -> str:
        return f"{self.bound} {self.limit:g}{'x' if self.of == 'ratio' else f' {unit}'}"


@dataclass(frozen=True)
class Figure:
    """One measurement: ours, and what stands beside it.  None: not measured."""

    name: str
    unit: str
    ours: float | None
    beside: float | None = None
    goals: tuple[Goal, ...] = ()

    @property
    def ratio(self) -> float | None:
        return self.ours / self.beside if self.ours is not None and self.beside else None

    @property
    def met(self) -> bool | None:
        """Whether every goal is; None without a goal or a figure."""
        verdicts = [goal.met_by(self) for goal in self.goals]
        return None if not verdicts or None in verdicts else all(verdicts)


@dataclass(frozen=True)
class Section:
    """Figures that have the same thing beside them."""

    title: str
    beside: str
    figures: list[Figure] = field(default_factory=list)
    note: str = ""


def table(sections: Iterable[Section]) -> str:
    """Every section, its columns aligned."""
    blocks = [[heading(section), *map(row, section.figures)] for section in sections]
    rows = [cells for block in blocks for cells in block]
    widths = [max(len(cells[column]) for cells in rows) for column in range(len(rows[0]))]
    return "\n\n".join("\n".join(aligned(cells, widths) for cells in block) for block in blocks)


def heading(section: Section) -> list[str]:
    return [section.title, "agent", section.beside, "unit", "ratio", "goal", "met"]


def row(figure: Figure) -> list[str]:
    ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}x"
    goals = ", ".join(goal.words(figure.unit) for goal in figure.goals)
    met = {True: "yes", False: "NO", None: "?" if figure.goals else ""}[figure.met]
    return ["  " + figure.name, number(figure.ours), number(figure.beside), figure.unit, ratio, goals, met]


def number(value: float | None) -> str:
    """Three digits that count, and no exponent."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    """Words to the left, figures to the right."""
    sides = "<>><><<"
    return "  ".join(f"{cell:{side}{width}}" for cell, side, width in zip(cells, sides, widths, strict=True)).rstrip()


def as_json(sections: Iterable[Section], machine: dict[str, Any]) -> str:
    told = [
        {
            **asdict(section),
            "figures": [{**asdict(f), "ratio": f.ratio, "met": f.met} for f in section.figures],
        }
        for section in sections
    ]
    return json.dumps({"machine": machine, "sections": told}, indent=2)


def verdict(sections: Iterable[Section]) -> str:
    """One line: how many goals are met, which are not."""
    figures = [figure for section in sections for figure in section.figures if figure.goals]
    measured = [figure for figure in figures if figure.met is not None]
    missed = [figure.name for figure in measured if not figure.met]
    words = f"{len(measured) - len(missed)} of {len(figures)} goals met"
    return words + (f"; missed: {', '.join(missed)}" if missed else "")
