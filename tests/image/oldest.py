"""A plugin for the tests that run on the libraries of the oldest release: leaves out what needs newer ones itself.

The CSMS of the tests is the other side of the wire: it may be newer than the agent's side.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

OTHER_SIDE = ("tests.csms.practice", "tests.scenarios.station", "websockets.asyncio", "tests.tools", "user_mode_linux")


class _NotThere:
    """What the conftest imports, and no test that runs here uses."""


def _stand_in(name: str, *members: str) -> None:
    module = ModuleType(name)
    for member in members:
        setattr(module, member, _NotThere)
    sys.modules[name] = module


_stand_in("websockets.asyncio")
_stand_in("websockets.asyncio.server", "Server", "ServerConnection", "serve")


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out a file that has the other side of the wire in it."""
    if collection_path.suffix != ".py" or not collection_path.name.startswith("test_"):
        return None
    text = collection_path.read_text(encoding="utf-8")
    return True if any(name in text for name in OTHER_SIDE) else None
