"""What ships for the image, read as data: the unit, the recipe, where they lie."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LAYER = ROOT / "yocto" / "meta-station-agent"
RECIPE_FOLDER = LAYER / "recipes-station-agent" / "station-agent"
UNIT = RECIPE_FOLDER / "files" / "station-agent.service"
SYSTEM = LAYER / "recipes-core" / "station-agent-system" / "files"
SYSTEM_CONF = LAYER / "dynamic-layers" / "rauc" / "recipes-core" / "rauc-conf-station-agent" / "files" / "system.conf"

_CONTINUED = re.compile(r"\\\n\s*")


def tool(name: str, of: str) -> str:
    """The path of a program; a step that cannot be run without it says so."""
    found = shutil.which(name, path="/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
    if found is None:
        pytest.skip(f"no {name} on this machine; it comes with {of}")
    return found


def settings(unit: Path) -> dict[str, list[str]]:
    """``{"Service.DeviceAllow": ["char-ttyS rw", ...]}`` of a systemd file."""
    found: dict[str, list[str]] = {}
    section = ""
    for line in unit.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.setdefault(f"{section}.{key}", []).append(value)
    return found


def assignments(recipe: Path) -> Iterator[tuple[str, str]]:
    """``RDEPENDS:${PN}`` and its value, of every assignment in a recipe."""
    text = _CONTINUED.sub(" ", recipe.read_text(encoding="utf-8"))
    for found in re.finditer(r'^([\w:${}\[\]-]+)\s*[?:+.]{0,2}=\s*"([^"]*)"', text, re.MULTILINE):
        yield found[1], found[2]


def value_of(recipe: Path, name: str) -> str:
    """Everything that is assigned to a name, in order."""
    return " ".join(value for each, value in assignments(recipe) if each == name).strip()
