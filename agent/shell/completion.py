"""What may come next on a line of the shell: commands, arguments, EVSEs, variables.  Pure; asks nobody."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterable
from typing import Any

OWN = ("exit", "quit")
"""Words of the shell itself."""


class Unclear(Exception):
    """A line that cannot be said to the agent; the text says why."""


class Known:
    """The commands that the agent takes here, as its ``help`` tells them; EVSEs and variables are asked for late."""

    def __init__(
        self,
        told: dict[str, Any],
        evses: Callable[[], list[int]],
        variables: Callable[[], list[str]],
    ) -> None:
        self.commands: dict[str, list[dict[str, Any]]] = {
            each["cmd"]: each["arguments"] for each in told["commands"] if each["role"] == "observe"
        }
        self._others = {each["cmd"]: each["role"] for each in told["commands"] if each["role"] != "observe"}
        self._evses = evses
        self._variables = variables

    def candidates(self, before: str, word: str) -> list[str]:
        """What ``word`` may become, behind what stands ``before`` it; a space closes what is whole."""
        said = before.split()
        if not said:
            return _fitting(word, (*self.commands, *OWN), close=True)
        arguments = self.commands.get(said[0])
        if arguments is None:
            return []
        name, equals, value = word.partition("=")
        if equals:
            return [f"{name}={each}" for each in _fitting(value, self._values(said[0], name), close=True)]
        free = [each["name"] for each in arguments if not any(word.startswith(f"{each['name']}=") for word in said[1:])]
        return self._by_place(said, word) + _fitting(word, [f"{each}=" for each in free if each != "topics"])

    def _by_place(self, said: list[str], word: str) -> list[str]:
        """The argument whose turn it is."""
        places = _places(self.commands[said[0]], said[1:])[sum("=" not in each for each in said[1:]) :]
        if said[0] == "watch":
            return _fitting(word, [topic for topic in self._values("watch", "topics") if topic not in said], close=True)
        return _fitting(word, self._values(said[0], places[0]), close=True) if places else []

    def _values(self, cmd: str, name: str) -> list[str]:
        argument = next((each for each in self.commands[cmd] if each["name"] == name), None)
        if name == "evse":
            return [str(evse) for evse in self._evses()]
        if cmd == "variables" and name in ("text", "component", "variable"):
            return _parts(self._variables(), name)
        if argument is not None and isinstance(argument["default"], bool):
            return ["true", "false"]
        if argument is not None and isinstance(argument["default"], list):
            return [str(each) for each in argument["default"]]
        return []

    # ---- from a line to a command ----

    def understood(self, words: list[str]) -> tuple[str, dict[str, Any]]:
        """The command and its arguments, by place or by name.

        Raises:
            Unclear: no such command, one that does more than look, or an argument too many.

        """
        cmd, *said = words
        arguments = self.commands.get(cmd)
        if cmd in self._others:
            raise Unclear(f"{cmd} is for the role {self._others[cmd]}; the shell only looks.  See `station-agent do`.")
        if arguments is None:
            raise Unclear(f"unknown command {cmd!r}; known: {', '.join((*sorted(self.commands), *OWN))}")
        if cmd == "watch":
            return cmd, {"topics": said or [str(each) for each in arguments[0]["default"]]}
        return cmd, _fields(cmd, arguments, said)


def words_of(line: str) -> list[str]:
    """The words of a line; quotes keep spaces.

    Raises:
        Unclear: a quote that does not end.

    """
    try:
        return shlex.split(line)
    except ValueError as error:
        raise Unclear(f"{line.strip()!r}: {error}") from None


def _fields(cmd: str, arguments: list[dict[str, Any]], said: list[str]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    places = iter(_places(arguments, said))
    for word in said:
        name, equals, value = word.partition("=")
        if not equals:
            name, value = next(places, ""), word
            if not name:
                names = ", ".join(each["name"] for each in arguments) or "nothing"
                raise Unclear(f"{cmd}: {word!r} is too much; it takes {names}")
        default = next((each["default"] for each in arguments if each["name"] == name), None)
        fields[name] = value if isinstance(default, str) else _json_or_text(value)
    return fields


def _places(arguments: list[dict[str, Any]], said: list[str]) -> list[str]:
    """The arguments that go by place, in this order: those that are not named."""
    named = {word.partition("=")[0] for word in said if "=" in word}
    return [each["name"] for each in arguments if each["name"] not in named]


def _json_or_text(value: str) -> Any:
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        return value


def _fitting(word: str, choices: Iterable[str], *, close: bool = False) -> list[str]:
    """Those that begin with the word, whatever its case, as identifierString is."""
    end = " " if close else ""
    return [choice + ("" if choice.endswith(".") else end) for choice in choices if _begins(choice, word)]


def _begins(choice: str, word: str) -> bool:
    return choice.casefold().startswith(word.casefold())


def _parts(names: list[str], of: str) -> list[str]:
    """Whole names, or what stands before or behind their dot."""
    pairs = [name.partition(".") for name in names]
    if of == "component":
        return list(dict.fromkeys(component.partition("(")[0] for component, _, _ in pairs))
    if of == "variable":
        return list(dict.fromkeys(variable.partition("[")[0] for _, _, variable in pairs))
    return names
