"""``make conformance``: runs the tests that claim something, prints the table, writes docs/conformance.md."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.conformance.catalogue import BLOCKS, read_catalogue
from tests.conformance.claims import TESTS, Claim, claims_in
from tests.conformance.ids import spelled
from tests.conformance.outcomes import ON_EVERY_CORE, ROOT, NoResults, key_of, passed, run
from tests.conformance.page import overview, page
from tests.conformance.standing import standing

DOCUMENT = ROOT / "docs" / "conformance.md"
RESULTS = ROOT / "build" / "conformance.xml"


def main(arguments: Sequence[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    catalogue = read_catalogue()
    try:
        claims = list(claims_in(TESTS, catalogue.known))
        if options.results is None:
            run((claim.file for claim in claims), RESULTS, more=ON_EVERY_CORE)
        outcomes = passed(options.results or RESULTS)
    except (NoResults, SyntaxError) as error:  # a test file that is no Python proves nothing
        print(f"conformance: {error}", file=sys.stderr)
        return 2
    not_passed = [claim for claim in claims if not outcomes.get(key_of(claim))]
    found = standing(catalogue, claims, not_passed)
    options.document.write_text(page(found), encoding="utf-8")
    print(overview(found))
    tell(not_passed, outcomes)
    missing = found.missing(options.strict)
    if missing:
        print(f"neither a passing test nor a reason: {spelled(missing)}", file=sys.stderr)
    return 1 if missing else 0


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    made.add_argument("--results", type=Path, help="a file of pytest's --junit-xml; without it the tests are run")
    made.add_argument(
        "--document", type=Path, default=DOCUMENT, help="the page to write (default: docs/conformance.md)"
    )
    made.add_argument(
        "--strict",
        type=blocks,
        default="",
        metavar="BLOCKS",
        help="as CDEJ: exit status 1 when a station requirement there has neither a passing test nor a reason",
    )
    return made


def blocks(text: str) -> str:
    if unknown := sorted(set(text) - set(BLOCKS)):
        raise argparse.ArgumentTypeError(f"no block {', '.join(unknown)}; blocks: {''.join(BLOCKS)}")
    return text


def tell(not_passed: Sequence[Claim], outcomes: dict[str, bool]) -> None:
    for claim in not_passed:
        what = "did not pass" if key_of(claim) in outcomes else "was not run"
        print(f"{claim.name}: {claim.node} {what}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
