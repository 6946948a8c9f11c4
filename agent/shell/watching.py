"""A line for each thing that ``watch`` brings: frames, hardware events, facts, the log.  Knows no socket."""

from __future__ import annotations

import json
from collections import OrderedDict
from typing import Any

from agent.shell.tables import Screen, plain

Seen = dict[str, Any]

TOPIC_WIDTH = 5

MOST_OPEN = 200
"""Calls whose answer may still come."""


class Watching:
    """Remembers which call an answer belongs to; a frame that is an answer has only its number."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._calls: OrderedDict[str, str] = OrderedDict()

    def line(self, clock: str, seen: Seen) -> str:
        """What is seen, behind the time at which it was and its topic."""
        mark, text, colour = self._told(seen)
        said = plain(f"{mark} {text}" if mark else text)
        where = f"{clock} {seen.get('event', ''):<{TOPIC_WIDTH}}"
        return f"{self._screen.paint(where, 'dim')} {self._screen.paint(said, colour)}"

    def _told(self, seen: Seen) -> tuple[str, str, str]:
        match seen.get("event"):
            case "ocpp":
                out = seen["direction"] == "out"
                return ">" if out else "<", self._frame(seen["frame"]), "green" if out else "cyan"
            case "log":
                line = str(seen["line"])
                return "", line, "red" if line.startswith("!") else ""
            case "hal":
                return "<", _fields(seen["what"], "event"), ""
            case "facts":
                return "=", _fields(seen["what"], "fact"), "yellow"
        return "", json.dumps(seen), ""

    def _frame(self, frame: str) -> str:
        try:
            told = json.loads(frame)
        except ValueError:
            return frame
        match told:
            case [2, str(id), str(action), payload]:
                self._calls[id] = action
                if len(self._calls) > MOST_OPEN:
                    self._calls.popitem(last=False)
                return f"{action} {_compact(payload)}"
            case [3, str(id), payload]:
                return f"{self._calls.pop(id, id)} answered {_compact(payload)}"
            case [4, str(id), code, description, *_]:
                return f"{self._calls.pop(id, id)} failed: {code} {description}".rstrip()
        return frame


def _compact(payload: Any) -> str:
    return json.dumps(payload, separators=(",", ":"), ensure_ascii=False)


def _fields(what: Seen, tag: str) -> str:
    fields = (f"{name}={_value(value)}" for name, value in what.items() if name != tag and value not in (None, "", []))
    return " ".join([str(what.get(tag)), *fields])


def _value(value: Any) -> str:
    return str(value) if isinstance(value, str) else _compact(value)
