"""``station-agent shell``: a person or a script asks a running agent, and only looks.  Decides nothing."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from agent.shell.completion import OWN, Known, Unclear, words_of
from agent.shell.connection import AgentGone, Answer, Connection
from agent.shell.history import History
from agent.shell.tables import plain, screen_of
from agent.shell.views import shown
from agent.shell.watching import Watching

PROMPT = "station> "
KNOCK_S = 1.0
"""How often a `watch` looks whether the agent is back."""

COMPLETION_S = 2.0
"""How long TAB may wait for the agent."""

AS_JSON = "--json"
"""A word that any command takes: the answer as the socket gives it."""

LOOKS_AGAIN = "The next command looks for it again."

DONE, REFUSED, UNABLE = 0, 1, 2
"""Exit statuses, as of ``station-agent do``."""


class Shell:
    """What is typed goes to the agent; what it answers is shown, as tables or as JSON."""

    def __init__(self, path: Path, *, as_json: bool = False) -> None:
        self._path = path
        self._as_json = as_json
        self._connection = Connection(path)
        self._known: Known | None = None
        self._known_since = 0

    # ---- one command ----

    def once(self, words: list[str]) -> int:
        """Do one command; returns the exit status."""
        try:
            return self._obey(words)
        except (AgentGone, Unclear) as error:
            _complain(str(error))
            return UNABLE
        except KeyboardInterrupt:
            return DONE
        finally:
            self._connection.close()

    def _obey(self, words: list[str]) -> int:
        as_json = self._as_json or AS_JSON in words
        cmd, fields = self._what_is_known().understood([word for word in words if word != AS_JSON])
        if cmd == "watch":
            return self._watch(fields["topics"], as_json=as_json)
        answer = self._connection.ask(cmd, **fields)
        self._show(cmd, answer, as_json=as_json)
        return DONE if answer["ok"] else REFUSED

    def _show(self, cmd: str, answer: Answer, *, as_json: bool) -> None:
        if as_json:
            _say([json.dumps(answer, indent=2)])
        elif answer["ok"]:
            _say(shown(cmd, answer, screen_of(sys.stdout)))
        else:
            _complain(plain(answer["error"]))

    def _what_is_known(self, timeout_s: float | None = None) -> Known:
        """The commands of the agent that is there now; another one may have others."""
        if self._known is None or self._known_since != self._connection.times_made:
            told = self._connection.ask("help", timeout_s)
            if not told["ok"]:
                raise Unclear(f"{told['error']}; this shell is newer than the agent")
            self._known = Known(told, once_asked(self._evses), once_asked(self._variables))
            self._known_since = self._connection.times_made
        return self._known

    def _evses(self) -> list[int]:
        return [evse["id"] for evse in self._connection.ask("status", COMPLETION_S).get("evses", ())]

    def _variables(self) -> list[str]:
        names: list[str] = []
        while True:
            told = self._connection.ask("variables", COMPLETION_S, skip=len(names))
            names += [each["name"] for each in told.get("variables", ())]
            if not told.get("variables") or len(names) >= told["total"]:
                return names

    # ---- watch ----

    def _watch(self, topics: list[str], *, as_json: bool) -> int:
        """Until Ctrl-C; an agent that goes away is waited for, but not by a script."""
        watching, connection = Watching(screen_of(sys.stdout)), Connection(self._path)
        gone = False
        try:
            while True:
                try:
                    answer = connection.ask("watch", topics=topics)
                    if not answer["ok"]:
                        self._show("watch", answer, as_json=as_json)
                        return REFUSED
                    if gone:
                        _complain("the agent is back")
                    gone = False
                    self._follow(connection, watching, as_json=as_json)
                except AgentGone:
                    if as_json or not connection.times_made:
                        raise
                    if not gone:
                        _complain("the agent went away; waiting for it (Ctrl-C ends)")
                    gone = True
                    time.sleep(KNOCK_S)
        except KeyboardInterrupt:
            _say([""])
            return DONE
        finally:
            connection.close()

    def _follow(self, connection: Connection, watching: Watching, *, as_json: bool) -> None:
        while True:
            seen = connection.next_event()
            _say([json.dumps(seen) if as_json else watching.line(_clock(), seen)])

    # ---- for people ----

    def run(self) -> int:
        """Ask and answer until Ctrl-D or ``quit``; lines that a script says have the exit status of the last one."""
        history = History()
        history.complete_with(self._complete)
        talks = sys.stdin.isatty()
        if talks:
            self._greet()
        status = DONE
        while True:
            try:
                line = input(PROMPT if talks else "")
                history.keep()
                if line.strip() in OWN:
                    return DONE
                status = self._answer(line)
            except EOFError:
                _say([""] * talks)
                return DONE if talks else status
            except KeyboardInterrupt:
                _say([""])

    def _greet(self) -> None:
        try:
            known = self._what_is_known()
        except (AgentGone, Unclear) as error:
            _complain(f"{error}\n{LOOKS_AGAIN}")
        else:
            _say([f"connected to {self._path}; {len(known.commands)} commands, `help` lists them"])

    def _answer(self, line: str) -> int:
        found_before = self._connection.times_made
        status = UNABLE
        try:
            words = words_of(line)
            status = self._obey(words) if set(words) - {AS_JSON} else DONE
        except Unclear as error:
            _complain(str(error))
        except AgentGone as error:
            _complain(f"{error}\n{LOOKS_AGAIN}")
        if 0 < found_before < self._connection.times_made:
            _complain("(the agent had gone and is back)")
        return status

    def _complete(self, before: str, word: str) -> list[str]:
        try:
            return self._what_is_known(COMPLETION_S).candidates(before, word)
        except (AgentGone, Unclear):
            return []


def once_asked(ask: Callable[[], Any]) -> Callable[[], Any]:
    """The same, asked only when it is first wanted."""
    kept: list[Any] = []

    def answer() -> Any:
        if not kept:
            kept.append(ask())
        return kept[0]

    return answer


def shell(path: Path, words: list[str], *, as_json: bool) -> int:
    """``station-agent shell``: one command when there are words, a conversation otherwise."""
    shell = Shell(path, as_json=as_json)
    try:
        return shell.once(words) if words else shell.run()
    except BrokenPipeError:  # whoever read it has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE


def _clock() -> str:
    return datetime.now().strftime("%H:%M:%S.%f")[:-3]  # of this terminal, as the log's


def _say(lines: list[str]) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def _complain(text: str) -> None:
    sys.stdout.flush()
    sys.stderr.write(f"station-agent: {text}\n")
    sys.stderr.flush()
