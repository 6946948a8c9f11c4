"""What the tests say that they prove: read from their source, without running or importing them.

A test claims by its name (``test_E05_FR_02_...``, ``test_TC_E_03_CS_...``) or, for what a name cannot carry, by
``@pytest.mark.proves("E04.FR.01", "TC_E_40_CS")``.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.conformance.ids import claimed

TESTS = Path(__file__).parents[1]

NOT_OF_THE_STATION = ("conformance", "csms", "emulators")
"""Folders whose tests prove something of what plays the other side."""

CLAIMS_SOMETHING = re.compile(r"_FR_\d|_CS_|_CS\(|mark\.proves")
"""What is in every file with a claim; the others need not be parsed."""


@dataclass(frozen=True)
class Claim:
    """One id, and the test that claims it: file below the project, and name within the file."""

    name: str
    file: str
    test: str

    @property
    def node(self) -> str:
        """As pytest says it, without parameters."""
        return f"{self.file}::{self.test}"


def claims_in(folder: Path, known: Collection[str], root: Path = TESTS.parent) -> Iterator[Claim]:
    for path in sorted(folder.rglob("test_*.py")):
        if path.relative_to(folder).parts[0] in NOT_OF_THE_STATION:
            continue
        source, file = path.read_text(encoding="utf-8"), path.relative_to(root).as_posix()
        for test, function in tests_of(ast.parse(source, file)) if CLAIMS_SOMETHING.search(source) else ():
            for name in dict.fromkeys((*claimed(function.name, known), *marked(function))):
                yield Claim(name, file, test)


def tests_of(module: ast.Module | ast.ClassDef) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for node in module.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("test"):
            yield node.name, node
        elif isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            yield from ((f"{node.name}::{name}", function) for name, function in tests_of(node))


def marked(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    for mark in function.decorator_list:
        if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.proves":
            yield from (str(ast.literal_eval(argument)) for argument in mark.args)
