"""Tables and colours for a terminal: columns that keep to its width.  Does not know what stands in them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from textwrap import wrap
from typing import NamedTuple, TextIO

GAP = "  "
COMFORTABLE_WIDTH, LEAST_WIDTH = 16, 6
CUT = "…"

COLOURS = {"red": "31", "green": "32", "yellow": "33", "cyan": "36", "bold": "1", "dim": "2"}


class Cell(NamedTuple):
    """What stands in a table, with a colour or none."""

    text: str
    colour: str = ""


Row = Sequence[str | Cell]


class Screen:
    """How wide the output is (None: as wide as it gets), and whether it shows colours."""

    def __init__(self, width: int | None = None, *, colours: bool = False) -> None:
        self.width = width
        self._colours = colours

    def paint(self, text: str, colour: str) -> str:
        """The text in this colour, where there are any."""
        return f"\x1b[{COLOURS[colour]}m{text}\x1b[0m" if self._colours and colour and text else text

    def paragraph(self, text: str, indent: int = 0) -> list[str]:
        """Lines no longer than the screen is wide; those behind the first are indented."""
        if self.width is None:
            return [text]
        return wrap(text, max(self.width - 1, indent + LEAST_WIDTH), subsequent_indent=" " * indent) or [""]

    def table(self, heading: Sequence[str], rows: Sequence[Row]) -> list[str]:
        """A heading and its rows, aligned.

        A heading that begins with ``>`` has its column to the right, with ``*`` it is the last to become narrower.
        """
        titles = [Cell(title.lstrip(">*"), "bold") for title in heading]
        cells = [titles, *[[_cell(each) for each in row] for row in rows]]
        widths = [max(len(row[index].text) for row in cells) for index in range(len(heading))]
        gives_way = [index for index, title in enumerate(heading) if not title.startswith("*")]
        widths = self._fitted(widths, gives_way, COMFORTABLE_WIDTH)
        widths = self._fitted(widths, range(len(heading)), LEAST_WIDTH)
        right = [title.startswith(">") for title in heading]
        return [self._line(row, widths, right) for row in cells]

    def pairs(self, rows: Sequence[tuple[str, str | Cell]]) -> list[str]:
        """A name and what is said of it, line by line."""
        widest = max(len(name) for name, _ in rows)
        lines = []
        for name, said in rows:
            cell = _cell(said)
            first, *more = self.paragraph(f"{name:<{widest}}{GAP}{cell.text}", widest + len(GAP))
            lines.append(first[: widest + 2] + self.paint(first[widest + 2 :], cell.colour))
            lines.extend(self.paint(line, cell.colour) for line in more)
        return lines

    def _fitted(self, widths: list[int], gives_way: Sequence[int], least: int) -> list[int]:
        """The widest of those that may gives way first, until all fit or none can give any more."""
        room = None if self.width is None else self.width - 1 - len(GAP) * (len(widths) - 1)
        while room is not None and sum(widths) > room:
            widest = max(gives_way, key=widths.__getitem__)
            if widths[widest] <= least:
                break
            widths[widest] -= 1
        return widths

    def _line(self, row: Sequence[Cell], widths: list[int], right: list[bool]) -> str:
        shown = []
        for cell, width, to_right in zip(row, widths, right, strict=True):
            text = cell.text if len(cell.text) <= width else cell.text[: width - 1] + CUT
            pad = " " * (width - len(text))
            painted = self.paint(text, cell.colour)
            shown.append(pad + painted if to_right else painted + pad)
        return GAP.join(shown).rstrip()


def _cell(said: str | Cell) -> Cell:
    cell = said if isinstance(said, Cell) else Cell(said)
    return cell._replace(text=plain(cell.text))


def plain(text: str) -> str:
    """In one line, and without what a terminal would obey: a CSMS or a card may have written it."""
    return "".join(each if each.isprintable() else " " for each in text)


def screen_of(stream: TextIO) -> Screen:
    """The screen behind a stream: no colours where it is none, is a dumb one, or NO_COLOR is set."""
    if not stream.isatty():
        return Screen()
    colours = not os.environ.get("NO_COLOR") and os.environ.get("TERM", "dumb") != "dumb"
    try:
        width = os.get_terminal_size(stream.fileno()).columns
    except OSError:
        width = 0
    return Screen(width or 80, colours=colours)
