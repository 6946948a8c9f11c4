"""The documentation, held against the code: tables, links, commands, paths and names that do not exist are found."""

from __future__ import annotations

import argparse
import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agent.__main__ import parser
from agent.shell.commands import LATER, Commands
from agent.shell.server import TOPICS
from agent.shell.status import evse_status, identity_status
from tests.bench import Bench
from tests.tools.docs_tables import ROOT, documents, rendered

PAGES = list(documents())
CONTROL = ROOT / "docs" / "control.md"
CONTRIBUTING = ROOT / "CONTRIBUTING.md"

LINK = re.compile(r"\[[^]]*\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]+))?\)")
HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)
SPAN = re.compile(r"`([^`]+)`")
MAKE = re.compile(r"(?:^|&& )make ([\w-]+(?: +[A-Z]+=\S+)*)")
AGENT = re.compile(r"(?:^|[\s/])station-agent ((?:--)?[a-z][^|#\n]*)")
PATH = re.compile(r"^(?:\.\.?/)?[\w.-]+(?:/[\w.<>-]*)+$|^\w+\.(?:py|md|toml|cfg|txt)$")
NAME_IN_FILE = re.compile(r"^([\w/]+\.py):([A-Za-z_][\w.]*)$")


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def code_in(page: Path) -> Iterator[str]:
    """What stands in backquotes, and every line of a block that is indented as code."""
    may_begin = block = False
    for line in page.read_text(encoding="utf-8").splitlines():
        block = line.startswith("    ") and (block or may_begin)
        may_begin = not line.strip()
        if block:
            yield line.strip()
        else:
            yield from SPAN.findall(line)


every_page = pytest.mark.parametrize("page", PAGES, ids=name_of)


@every_page
def test_tables_say_what_the_code_says(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert rendered(text) == text, f"{name_of(page)} is out of date: run `python -m tests.tools.docs_tables`"


@every_page
def test_every_mark_of_a_table_is_closed(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text.count("<!-- table:") == text.count("<!-- end of table -->")


# ---- links ----


def anchor(heading: str) -> str:
    """The anchor of a heading, as GitHub makes it."""
    text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)
    return re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")


@every_page
def test_every_link_leads_somewhere(page: Path) -> None:
    for target, fragment in LINK.findall(page.read_text(encoding="utf-8")):
        found = (page.parent / target).resolve() if target else page
        assert found.exists(), f"{name_of(page)}: no {target}"
        if fragment and found.suffix == ".md":
            anchors = {anchor(heading) for heading in HEADING.findall(found.read_text(encoding="utf-8"))}
            assert fragment in anchors, f"{name_of(page)}: no #{fragment} in {target or name_of(page)}"


# ---- commands ----


def make_targets() -> set[str]:
    return set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def make_variables() -> set[str]:
    return set(re.findall(r"\b([A-Z]+) \?=|\$\(if \$\(([A-Z]+)\)", (ROOT / "Makefile").read_text(encoding="utf-8")))


@every_page
def test_every_make_target_and_variable_exists(page: Path) -> None:
    variables = {name for pair in make_variables() for name in pair if name}
    for text in code_in(page):
        for said in MAKE.findall(text):
            target, *settings = said.split()
            assert target in make_targets(), f"{name_of(page)}: no target {target!r} in the Makefile"
            for setting in settings:
                name, _, value = setting.partition("=")
                assert name in variables, f"{name_of(page)}: make {target} knows no {name}"
                assert name != "BOARD" or (ROOT / value).exists(), f"{name_of(page)}: no {value}"


def test_every_make_target_is_in_the_documentation() -> None:
    said = {target.split()[0] for page in PAGES for text in code_in(page) for target in MAKE.findall(text)}
    assert make_targets() <= said


def subcommands() -> dict[str, argparse.ArgumentParser]:
    action = next(each for each in parser()._actions if isinstance(each, argparse._SubParsersAction))
    return dict(action.choices)


def commands_of_the_socket() -> set[str]:
    return {*Commands.table, "watch"}


@every_page
def test_every_station_agent_command_and_option_exists(page: Path) -> None:
    for text in code_in(page):
        for said in AGENT.findall(text):
            words = said.split()
            if words[0].startswith("--"):
                assert words[0] in parser()._option_string_actions, f"{name_of(page)}: no {words[0]}"
                continue
            command = re.split(r"[|,.`]", words[0])[0]
            assert command in subcommands(), f"{name_of(page)}: no command {command!r} in station-agent"
            options = {word.partition("=")[0] for word in words if word.startswith("--")}
            unknown = options - options_of(subcommands()[command])
            assert not unknown, f"{name_of(page)}: station-agent {command} has no {unknown}"
            choices = choices_of(command)
            if choices and len(words) > 1:
                assert words[1] in choices, f"{name_of(page)}: station-agent {command} has no {words[1]!r}"


def options_of(command: argparse.ArgumentParser) -> set[str]:
    """The options of a command and of those below it."""
    below = (each for each in command._actions if isinstance(each, argparse._SubParsersAction))
    inner = (options_of(each) for action in below for each in action.choices.values())
    return set(command._option_string_actions).union(*inner)


def choices_of(command: str) -> set[str]:
    """What may follow a command: of the socket, or of its own."""
    if command == "do":
        return commands_of_the_socket()
    words = (action for action in subcommands()[command]._actions if not action.option_strings)
    return set(next(words, argparse.Action([], "none")).choices or ())


def test_the_help_texts_name_commands_that_exist() -> None:
    """What --help shows is documentation as well."""
    for name, command in subcommands().items():
        for said in re.findall(r"station-agent do (\w+)", command.format_help()):
            assert said in commands_of_the_socket(), name


# ---- the control socket ----


def rows_behind(mark: str) -> list[list[str]]:
    """The cells of the table that follows a mark in docs/control.md."""
    rest = CONTROL.read_text(encoding="utf-8").partition(f"<!-- {mark} -->")[2].lstrip("\n")
    rows = rest.partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]


def arguments_in(cell: str) -> dict[str, Any]:
    """``"`evse`, `connector` = 1"``: the arguments, and the defaults of those that may be left out."""
    found = re.findall(r"`(\w+)`(?: = (\"[^\"]*\"|\{\}|\[\]|null|true|false|-?[\d.]+))?(?:,|$)", cell)
    return {name: msgspec.json.decode(default) if default else None for name, default in found}


def arguments_of(kind: type[msgspec.Struct]) -> dict[str, Any]:
    fields = msgspec.structs.fields(kind)
    return {field.name: None if field.required else default_of(field) for field in fields}


def default_of(field: Any) -> Any:
    default = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
    return {} if isinstance(default, msgspec.Struct) else default


def test_the_example_of_status_has_the_fields_that_status_has() -> None:
    text = CONTROL.read_text(encoding="utf-8").partition("$ station-agent do status\n")[2]
    example = json.loads(re.split(r"\n(?=\S)", text)[0])
    bench = Bench()
    assert list(example["evses"][0]) == list(evse_status(bench.evse(), bench.station))
    assert list(example["station"]) == list(identity_status(bench.station))


def test_every_topic_of_watch_is_documented() -> None:
    assert [row[0].strip("`") for row in rows_behind("topics")] == list(TOPICS)


def test_every_command_of_the_control_socket_is_documented_and_no_other() -> None:
    told = [row[0].strip("`") for row in rows_behind("commands")]
    assert sorted(told) == sorted(commands_of_the_socket())
    assert [row[0].strip("`") for row in rows_behind("later")] == list(LATER)


@pytest.mark.parametrize("row", rows_behind("commands"), ids=lambda row: str(row[0]).strip("`"))
def test_a_command_is_documented_with_its_role_and_arguments(row: list[str]) -> None:
    name, role, arguments, _ = row
    if name == "`watch`":  # done by the server, for the connection itself
        assert (role, arguments) == ("observe", "`topics` = all")
        return
    true_role, kind, _ = Commands.table[name.strip("`")]
    assert role == true_role
    assert arguments_in(arguments) == arguments_of(kind)


# ---- paths and names ----


@every_page
def test_every_path_in_code_exists(page: Path) -> None:
    if page.name == "CHANGELOG.md":  # what is gone stays in it
        return
    for text in code_in(page):
        said = text.partition(":")[0]
        if PATH.match(said) and said.partition("/")[0] in ("agent", "hal", "board", "tests", "docs"):
            assert (ROOT / said).exists(), f"{name_of(page)}: no {said}"


def names_in(path: Path) -> set[str]:
    """``function``, ``Class``, ``Class.method``, ``CONSTANT``: what a file defines."""
    found: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{name}" for name in assigned(node) | defined(node)}
        found |= assigned(node)
    return found


def defined(node: ast.ClassDef) -> set[str]:
    return {each.name for each in node.body if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))}


def assigned(node: ast.AST) -> set[str]:
    targets = [
        target
        for each in (node.body if isinstance(node, ast.ClassDef) else [node])
        if isinstance(each, (ast.Assign, ast.AnnAssign))
        for target in (each.targets if isinstance(each, ast.Assign) else [each.target])
    ]
    return {target.id for target in targets if isinstance(target, ast.Name)}


@every_page
def test_every_name_that_is_said_to_be_in_a_file_is_there(page: Path) -> None:
    for text in code_in(page):
        if (found := NAME_IN_FILE.match(text)) is not None:
            path, name = found.groups()
            assert name in names_in(ROOT / path), f"{name_of(page)}: {path} has no {name}"


def test_the_flows_of_the_code_name_functions() -> None:
    """The checker has teeth: there are names to check, and one that does not exist would be found."""
    said = [text for text in code_in(CONTRIBUTING) if NAME_IN_FILE.match(text)]
    assert len(said) > 20
    assert "Loop.post" in names_in(ROOT / "agent" / "loop.py")
    assert "Loop.mail" not in names_in(ROOT / "agent" / "loop.py")
