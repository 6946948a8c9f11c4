"""Which tests passed: pytest is run on the files that claim something, or a file with its results is read."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.conformance.claims import TESTS, Claim

ROOT = TESTS.parent
PATIENCE_S = 1200
ON_EVERY_CORE = ("-n", "auto", "--dist", "worksteal")
NOT_PASSED = {"failure", "error", "skipped"}


class NoResults(Exception):
    """There is nothing to report on: no file, or not one of pytest's."""


def run(files: Iterable[str], results: Path, root: Path = ROOT, more: Iterable[str] = ()) -> None:
    """Runs the tests of these files, with ``more`` options of pytest, and writes what came of them.

    Raises:
        NoResults: pytest could not begin, or did not end.

    """
    results.parent.mkdir(parents=True, exist_ok=True)
    results.unlink(missing_ok=True)
    options = ("--continue-on-collection-errors", "--tb=no", "-qq", f"--junit-xml={results}")
    command = [sys.executable, "-m", "pytest", *options, *more, *sorted(set(files))]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        raise NoResults(f"the tests did not end within {PATIENCE_S} s") from None
    if done.returncode not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        said = (done.stdout + done.stderr).strip().splitlines() or ["nothing"]
        error = next((line for line in said if line.startswith("ERROR")), said[-1])
        raise NoResults(f"pytest ended with status {done.returncode} and said: {error}")


def passed(results: Path) -> dict[str, bool]:
    """Test by test, as ``key_of`` names it, whether it passed with all of its parameters.

    Raises:
        NoResults: the file is not there, or not JUnit's.

    """
    try:
        cases = list(ElementTree.parse(results).getroot().iter("testcase"))
    except (OSError, ElementTree.ParseError) as error:
        raise NoResults(f"{results}: not the results of a test run: {error}; make it with --junit-xml") from error
    outcomes: dict[str, list[bool]] = defaultdict(list)
    for case in cases:
        ok = not any(child.tag in NOT_PASSED for child in case)
        outcomes[key(case.get("classname", ""), case.get("name", ""))].append(ok)
    return {test: all(each) for test, each in outcomes.items()}


def key(classname: str, name: str) -> str:
    return f"{classname}.{name.partition('[')[0]}"


def key_of(claim: Claim) -> str:
    """The same test as a JUnit file names it: a dotted module, classes, the function."""
    return f"{claim.file.removesuffix('.py').replace('/', '.')}.{claim.test.replace('::', '.')}"
