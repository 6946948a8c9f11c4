"""What must not stand in the project: paths of one machine, hosts of registries, half-finished work."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]

FORBIDDEN = re.compile(
    r"/wo"
    r"rk/|/ro"
    r"ot/|pyp"
    r"i\.org|npm"
    r"js\.org|deb\.deb"
    r"ian\.org|TO"
    r"DO|FIX"
    r"ME|XX"
    r"X\b|@pytest\.mark\.sk"
    r"ip"
)


def test_no_forbidden_words() -> None:
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    for name in filter(None, files):
        path = ROOT / name
        if path.suffix in (".png", ".ico") or not path.is_file():
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
            found = FORBIDDEN.search(line)
            assert not found, f"{name}:{number}: {found and found[0]!r} must not stand here"
