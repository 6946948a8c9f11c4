"""The plan of the house, held against the code: which folder may import which, and where `await` may stand."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# The longest prefix that fits a module is its row.  A row always allows itself.
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "hal": ("hal",),
    "hal.wire": ("hal.wire", "hal.errors"),
    "board": ("board",),
    "agent.__init__": (),
    "agent.version": (),
    "agent.errors": (),
    "agent.__main__": ("agent", "board", "hal"),
    "agent.app": ("agent", "board", "hal"),
    "agent.powered": ("agent", "board", "hal"),
    "agent.parts": ("agent.errors", "agent.session", "board", "hal"),
    "agent.given": (
        "agent.blocks",
        "agent.edge",
        "agent.errors",
        "agent.model",
        "agent.ocpp",
        "agent.provision",
        "agent.version",
        "agent.vocabulary",
        "board",
    ),
    "agent.provision": (),
    "agent.vocabulary": ("agent.ocpp", "hal.events", "hal.ports"),
    "agent.edges": ("agent.link", "agent.vocabulary", "hal.ports"),
    "agent.grievances": ("agent.vocabulary",),
    "agent.hands": ("agent.edges", "agent.vocabulary", "hal.ports"),
    "agent.writing": ("agent.link", "agent.vocabulary"),
    "agent.timekeeping": ("agent.edges", "agent.link", "agent.station", "agent.vocabulary", "agent.writing"),
    "agent.loop": (
        "agent.edges",
        "agent.errors",
        "agent.grievances",
        "agent.hands",
        "agent.link",
        "agent.station",
        "agent.timekeeping",
        "agent.vocabulary",
        "agent.writing",
        "hal.events",
    ),
    "agent.functional_blocks": ("agent.blocks", "agent.model", "agent.ocpp", "agent.vocabulary"),
    "agent.station": (
        "agent.blocks",
        "agent.functional_blocks",
        "agent.instruments",
        "agent.inventory",
        "agent.model",
        "agent.ocpp",
        "agent.session",
        "agent.settings",
        "agent.vocabulary",
        "hal.events",
        "hal.ports",
    ),
    "agent.inventory": ("agent.instruments", "agent.model", "agent.session", "agent.vocabulary"),
    "agent.instruments": ("agent.model", "agent.session", "hal.events"),
    "agent.settings": ("agent.blocks.base", "agent.model", "agent.session", "agent.vocabulary"),
    "agent.pages": ("agent.station",),
    "agent.story": ("agent.vocabulary", "agent.ocpp", "hal.events"),
    "agent.session": ("agent.session", "agent.vocabulary", "hal.events", "hal.ports"),
    "agent.blocks": (
        "agent.blocks.base",
        "agent.model",
        "agent.ocpp",
        "agent.session",
        "agent.vocabulary",
        "hal.events",
    ),
    "agent.model": ("agent.model", "agent.vocabulary.times"),
    "agent.ocpp": ("agent.ocpp",),
    "agent.link": ("agent.link", "agent.ocpp", "agent.vocabulary"),
    "agent.edge": (
        "agent.edge",
        "agent.errors",
        "agent.link",
        "agent.provision",
        "agent.vocabulary",
        "hal.chain",
        "hal.events",
        "hal.liveness",
        "hal.ports",
    ),
    "agent.shell": ("agent", "hal"),
    "agent.shell.boards": ("agent", "board", "hal"),
    "agent.shell.selftest": ("agent", "board", "hal"),
}

SHARED_BY_BLOCKS = ("agent.blocks.base", "agent.blocks.events", "agent.blocks.paging", "agent.blocks.readings")

MAY_AWAIT = (
    "hal.bus",
    "hal.drivers",
    "hal.ports",
    "agent.edge",
    "agent.loop",
    "agent.app",
    "agent.powered",
    "agent.shell.server",
    "agent.shell.commands",
    "agent.shell.boards.trial",
    "agent.shell.selftest",
)

IMPURE = {"socket", "ssl", "asyncio", "threading", "subprocess", "sqlite3", "time", "secrets", "serial", "selectors"}
MAY_BE_IMPURE = (*MAY_AWAIT, "agent.__main__", "agent.shell", "hal.registry", "hal.liveness")


@cache
def modules() -> tuple[tuple[str, Path], ...]:
    paths = (path for folder in ("agent", "hal", "board") for path in sorted((ROOT / folder).rglob("*.py")))
    return tuple((".".join(path.relative_to(ROOT).with_suffix("").parts), path) for path in paths)


@cache
def names() -> frozenset[str]:
    return frozenset(name for name, _ in modules())


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def within(module: str, prefix: str) -> bool:
    return module == prefix or module.startswith(prefix + ".")


def row_of(module: str) -> tuple[str, ...]:
    package = module.removesuffix(".__init__") if module.count(".") > 1 else module
    rows = [row for row in MAY_IMPORT if within(package, row)]
    assert rows, f"{module} has no row in the plan"
    row = max(rows, key=len)
    return (*MAY_IMPORT[row], row)


def own_blocks(module: str) -> tuple[str, ...]:
    """A block may use the files that bear its own letter, and what all blocks share."""
    if not within(module, "agent.blocks"):
        return ()
    letter = module.rpartition(".")[2].partition("_")[0]
    siblings = [name for name in names() if name.startswith(f"agent.blocks.{letter}_") and len(letter) == 1]
    return (*SHARED_BY_BLOCKS, *siblings)


def imports(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield (full if full in names() else node.module), node.lineno


@pytest.mark.parametrize(("module", "path"), modules(), ids=[name for name, _ in modules()])
def test_a_module_imports_only_what_its_row_allows(module: str, path: Path) -> None:
    allowed = row_of(module)
    if within(module, "agent.blocks"):
        allowed = tuple(row for row in allowed if row != "agent.blocks") + own_blocks(module)
    for name, line in imports(path):
        if name.partition(".")[0] in ("agent", "hal", "board", "tests"):
            assert any(within(name, row) for row in allowed), f"{path}:{line}: {module} may not import {name}"


@pytest.mark.parametrize(("module", "path"), modules(), ids=[name for name, _ in modules()])
def test_await_clocks_sockets_and_threads_stand_only_in_the_edges(module: str, path: Path) -> None:
    if not any(within(module, edge) for edge in MAY_AWAIT):
        for node in ast.walk(tree_of(path)):
            assert not isinstance(node, (ast.Await, ast.AsyncFunctionDef, ast.AsyncWith, ast.AsyncFor)), (
                f"{path}:{getattr(node, 'lineno', 0)}: {module} is a core; it must not await"
            )
    if not any(within(module, edge) for edge in MAY_BE_IMPURE):
        for name, line in imports(path):
            assert name.partition(".")[0] not in IMPURE, f"{path}:{line}: {module} is a core; it must not use {name}"


def test_every_module_says_what_it_is_and_ends_its_sentence() -> None:
    for module, path in modules():
        docstring = ast.get_docstring(tree_of(path))
        assert docstring, f"{module} has no docstring"
        assert docstring.split("\n")[0].rstrip().endswith((".", ":")), f"{module}: the first line is a whole sentence"


def test_no_block_imports_another_is_caught() -> None:
    """The test has teeth: a block that imported its neighbour would be found."""
    allowed = tuple(row for row in row_of("agent.blocks.g_availability") if row != "agent.blocks")
    allowed += own_blocks("agent.blocks.g_availability")
    assert not any(within("agent.blocks.e_transactions", row) for row in allowed)
    assert any(within("agent.blocks.base", row) for row in allowed)
