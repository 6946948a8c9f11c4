"""The report of a selftest: one HTML page that needs nothing else.  Pure: results in, text out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from html import escape

import msgspec

from agent.shell.boards.words import event_words
from agent.shell.selftest.bench import Trace
from agent.shell.selftest.plot import plot
from agent.shell.selftest.steps import Result
from board.descriptor import Board, parts_of
from hal.events import CardPresented, MeterSampled, TemperatureMeasured

STYLE = """\
body { font: 15px/1.45 sans-serif; margin: 2em auto; max-width: 62em; padding: 0 1em; color: #222; }
table { border-collapse: collapse; width: 100%; } td, th { border: 1px solid #ccc; padding: .3em .5em; text-align: left;
vertical-align: top; } .passed { background: #dff2e1; } .failed { background: #f8d4d0; font-weight: bold; }
.warned { background: #fdeebf; } .skipped { background: #eee; color: #555; } svg { max-width: 100%; height: auto; }
"""

QUIET = (MeterSampled, TemperatureMeasured)
"""What is said again and again stands in the drawing, not in the list."""


class Report(msgspec.Struct, frozen=True):
    """One run; ``whole`` False: it was broken off."""

    board: Board
    file: str
    began: datetime
    version: str
    results: tuple[Result, ...]
    trace: Trace
    whole: bool = True

    @property
    def good(self) -> bool:
        return self.whole and not any(each.verdict == "failed" for each in self.results)

    @property
    def verdict(self) -> str:
        """One line."""
        counts = {kind: sum(each.verdict == kind for each in self.results) for kind in ("failed", "warned", "skipped")}
        told = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)
        passed = sum(each.verdict == "passed" for each in self.results)
        begin = "good" if self.good else "broken off" if not self.whole else "NOT good"
        return f"{begin}: {passed} passed{f', {told}' if told else ''}"


def page(report: Report) -> str:
    """The whole page."""
    station = report.board.station
    name = f"{station.vendor} {station.model}{f', serial number {station.serial}' if station.serial else ''}"
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width">',
            f"<title>Selftest of {escape(name)}</title>",
            f"<style>{STYLE}</style></head><body>",
            f"<h1>Selftest: {escape(name)}</h1>",
            f"<p>{report.began:%Y-%m-%d %H:%M:%S %z}, board file {escape(report.file)}, "
            f"agent {escape(report.version)}, {report.trace.seconds:.0f} s</p>",
            f'<p class="{"passed" if report.good else "failed"}">{escape(report.verdict)}</p>',
            *_results(report),
            *(part for evse in report.board.evse for part in _drawing(report, evse.id)),
            *_parts(report),
            *_said(report),
            "</body></html>",
            "",
        ]
    )


def _results(report: Report) -> Iterator[str]:
    yield "<table><tr><th>#</th><th>where</th><th>step</th><th>verdict</th><th>found</th><th>at</th></tr>"
    numbers: dict[str, int] = {}
    for each in report.results:
        number = numbers[each.place] = numbers.get(each.place, 0) + 1
        yield (
            f"<tr><td>{number}</td><td>{escape(each.place)}</td><td>{escape(each.title)}</td>"
            f'<td class="{each.verdict}">{each.verdict}</td><td>{escape(each.text)}</td>'
            f"<td>{each.at_s:.1f}&nbsp;s</td></tr>"
        )
    yield "</table>"


def _drawing(report: Report, evse: int) -> Iterator[str]:
    if evse in report.trace.marks:
        yield f"<h2>EVSE {evse}: control pilot and current</h2>"
        yield plot(report.trace, evse)


def _parts(report: Report) -> Iterator[str]:
    yield "<h2>Parts</h2><table><tr><th>place</th><th>driver</th><th>bus</th></tr>"
    for place, part in parts_of(report.board):
        yield f"<tr><td>{escape(place)}</td><td>{escape(part.driver)}</td><td>{escape(part.bus or '-')}</td></tr>"
    yield "</table>"


def _said(report: Report) -> Iterator[str]:
    yield "<h2>What the parts said</h2><details><summary>everything but readings</summary><table>"
    for at, event in report.trace.said:
        if not isinstance(event, QUIET):
            words = "a card was read" if isinstance(event, CardPresented) else event_words(event)
            where = getattr(event, "part", None) or f"evse {getattr(event, 'evse', 0)}"
            yield f"<tr><td>{at:.2f}&nbsp;s</td><td>{escape(str(where))}</td><td>{escape(words)}</td></tr>"
    yield "</table></details>"
