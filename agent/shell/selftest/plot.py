"""A drawing of one EVSE over time as inline SVG: control pilot above, current below, the contactor behind both.

Pure: what was said in, text out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from itertools import pairwise

from agent.shell.selftest.bench import Trace
from hal.events import CpState, MeterSampled, PilotChanged, PowerChanged

WIDTH, LEFT, RIGHT = 960, 64, 16
CP_TOP, CP_HEIGHT = 34, 150
CURRENT_TOP, CURRENT_HEIGHT = 214, 170
HEIGHT = CURRENT_TOP + CURRENT_HEIGHT + 40

LEVELS = {CpState.A: 12, CpState.B: 9, CpState.C: 6, CpState.D: 3, CpState.E: 0, CpState.F: -12}
"""The nominal positive peak of a state, IEC 61851-1; F is -12 V steady."""

ROWS = tuple(LEVELS)
"""From above; evenly spaced, for the 12 V between E and F would leave no room for the rest."""

Points = Sequence[tuple[float, float]]


def plot(trace: Trace, evse: int) -> str:
    """The drawing; it needs no style sheet and no script."""
    seconds = max(trace.seconds, 1.0)
    events = [(at, event) for at, event in trace.said if getattr(event, "evse", None) == evse]
    pilot = [(at, event.state) for at, event in events if isinstance(event, PilotChanged)]
    power = [(at, event.closed) for at, event in events if isinstance(event, PowerChanged)]
    amps = [
        (at, max(abs(each) for each in event.current_a))
        for at, event in events
        if isinstance(event, MeterSampled) and event.current_a
    ]
    offers = [(at, offer or 0.0) for at, offer in trace.offers.get(evse, [])]
    top_a = _round_up(max([6.0, *(value for _, value in amps), *(value for _, value in offers)]))
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
            f'font-family="sans-serif" font-size="12" role="img" aria-label="EVSE {evse}: pilot and current">',
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
            *_contactor(power, seconds),
            *_frame(seconds, top_a),
            *_marks(trace.marks.get(evse, []), seconds),
            _line(_steps([(at, _cp_y(state)) for at, state in pilot], seconds), seconds, "#1a4fa3", "2"),
            _line(
                _steps([(at, _a_y(value, top_a)) for at, value in offers], seconds), seconds, "#c05a00", "1.5", "5 4"
            ),
            _line([(at, _a_y(value, top_a)) for at, value in amps], seconds, "#0b7a3b", "2"),
            *_legend(),
            "</svg>",
        ]
    )


def _x(at: float, seconds: float) -> float:
    return LEFT + at / seconds * (WIDTH - LEFT - RIGHT)


def _cp_y(state: CpState) -> float:
    return CP_TOP + ROWS.index(state) * CP_HEIGHT / (len(ROWS) - 1)


def _a_y(amps: float, top_a: float) -> float:
    return CURRENT_TOP + CURRENT_HEIGHT * (1 - amps / top_a)


def _round_up(amps: float) -> float:
    return next(each for each in (10, 20, 40, 80, 160, 320, 640, 1280) if each >= min(amps, 1280))


def _steps(points: Points, seconds: float) -> Points:
    """What holds until it is told otherwise."""
    stepped: list[tuple[float, float]] = []
    for (at, value), (until, _) in pairwise([*points, (seconds, 0.0)]):
        stepped += [(at, value), (until, value)]
    return stepped


def _line(points: Points, seconds: float, colour: str, width: str, dashes: str = "") -> str:
    if not points:
        return ""
    told = " ".join(f"{_x(at, seconds):.1f},{y:.1f}" for at, y in points)
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<polyline fill="none" stroke="{colour}" stroke-width="{width}"{dashed} points="{told}"/>'


def _contactor(power: Iterable[tuple[float, bool]], seconds: float) -> Iterator[str]:
    for (at, closed), (until, _) in pairwise([*power, (seconds, False)]):
        if closed:
            x, width = _x(at, seconds), _x(until, seconds) - _x(at, seconds)
            height = CURRENT_TOP + CURRENT_HEIGHT - CP_TOP
            yield f'<rect x="{x:.1f}" y="{CP_TOP}" width="{width:.1f}" height="{height}" fill="#fff1c9"/>'


def _frame(seconds: float, top_a: float) -> Iterator[str]:
    for state, volts in LEVELS.items():
        yield from _rule(_cp_y(state), f"{state} {volts:+d} V" if volts else f"{state} 0 V")
    for share in range(5):
        amps = top_a * share / 4
        yield from _rule(_a_y(amps, top_a), f"{amps:g} A")
    step = next(each for each in (1, 2, 5, 10, 20, 60, 120, 300, 600, 3600) if seconds / each <= 16 or each == 3600)
    for tick in range(0, int(seconds) + 1, step):
        x, y = _x(tick, seconds), CURRENT_TOP + CURRENT_HEIGHT
        yield f'<line x1="{x:.1f}" y1="{y}" x2="{x:.1f}" y2="{y + 5}" stroke="#555"/>'
        yield f'<text x="{x:.1f}" y="{y + 18}" text-anchor="middle" fill="#333">{tick} s</text>'


def _rule(y: float, label: str) -> Iterator[str]:
    yield f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="#ddd"/>'
    yield f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end" fill="#333">{label}</text>'


def _marks(marks: Sequence[tuple[float, str]], seconds: float) -> Iterator[str]:
    """The steps by their number; of several that are close together, the last."""
    nexts = [_x(at, seconds) for at, _ in marks[1:]] + [float("inf")]
    for number, ((at, label), next_x) in enumerate(zip(marks, nexts, strict=False), start=1):
        x = _x(at, seconds)
        bottom = CURRENT_TOP + CURRENT_HEIGHT
        yield (
            f'<line x1="{x:.1f}" y1="{CP_TOP}" x2="{x:.1f}" y2="{bottom}" stroke="#bbb" stroke-dasharray="2 4">'
            f"<title>{number}. {escape(label)}</title></line>"
        )
        if next_x - x >= 15:
            yield f'<text x="{x:.1f}" y="{CP_TOP - 8}" text-anchor="middle" fill="#777" font-size="10">{number}</text>'


def _legend() -> Iterator[str]:
    entries = (
        ("#1a4fa3", "control pilot"),
        ("#0b7a3b", "current"),
        ("#c05a00", "offered"),
        ("#fff1c9", "contactor closed"),
    )
    for index, (colour, words) in enumerate(entries):
        x, y = LEFT + index * 150, HEIGHT - 14
        yield f'<rect x="{x}" y="{y}" width="18" height="8" fill="{colour}" stroke="#999" stroke-width="0.5"/>'
        yield f'<text x="{x + 24}" y="{y + 8}" fill="#333">{words}</text>'
