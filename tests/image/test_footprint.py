"""What ``make footprint`` refuses; what it measures is printed by itself."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.image.footprint import MOST_BYTES, faults, of_the_tests, sizes
from tests.image.shipped import ROOT


def a_tree(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    return folder


def test_a_file_takes_whole_blocks(folder: Path) -> None:
    assert sizes(a_tree(folder, "agent/app.py", "agent/loop.py", "can.py")) == {"agent": (8192, 2), "can.py": (4096, 1)}


def test_what_is_small_and_belongs_there_may_ship(folder: Path) -> None:
    assert faults(a_tree(folder, "agent/app.py", "python_can-4.6.1.dist-info/METADATA"), MOST_BYTES) == []


def test_what_is_too_large_may_not(folder: Path) -> None:
    assert faults(folder, MOST_BYTES + 1) == [f"{MOST_BYTES + 1} bytes are more than {MOST_BYTES}"]


@pytest.mark.parametrize(
    "name",
    ["agent/tests/x.py", "hal/conftest.py", "pytest_asyncio-1.5.0.dist-info/METADATA", "ocpp-9.dist-info/METADATA"],
)
def test_nothing_of_the_tests_may(folder: Path, name: str) -> None:
    assert len(faults(a_tree(folder, "agent/app.py", name), 0)) == 1


def test_an_extra_that_a_board_has_is_not_of_the_tests_alone() -> None:
    assert {"pytest", "mypy", "oelint_adv"} <= of_the_tests()
    assert not {"python_can", "gpiod", "dbus_fast"} & of_the_tests()


def test_the_documentation_names_the_limit() -> None:
    text = (ROOT / "docs" / "image.md").read_text(encoding="utf-8")
    assert re.findall(r"at most (\d+) MB on disk", text) == [str(MOST_BYTES // 1_000_000)]
