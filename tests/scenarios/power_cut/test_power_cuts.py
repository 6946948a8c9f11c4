"""The power goes two hundred times, wherever it hurts: nothing is lost, doubled, altered or out of order."""

from pathlib import Path

import pytest

from tests.scenarios.power_cut.campaign import campaign
from tests.scenarios.power_cut.story import Story
from tests.scenarios.power_cut.tally import Tally

SEED = "1"
CUTS = 200


async def test_two_hundred_power_cuts_lose_nothing() -> None:
    tally = await campaign(SEED, CUTS)
    report = "\n".join([f"seed {SEED}", *tally.lines()])
    print(report)
    assert tally.violations == [], report
    assert tally.cuts.total() == CUTS
    assert_it_was_worth_it(tally, report)


def assert_it_was_worth_it(tally: Tally, report: str) -> None:
    """Cuts at most kinds of moments, unsynced writes lost in most ways, and a CSMS that heard a lot, also twice."""
    assert len(tally.cuts) >= 12, report
    assert len({loss.split()[0] for loss in tally.losses}) >= 4, report
    assert tally.counts["delivered"] > 2 * CUTS, report
    assert tally.counts["duplicates removed"] > 0, report
    assert tally.counts["lost by definition"] > 0, report


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        ("commits after sending", "was sent before it was on disk"),
        ("tells before it is synced", "was committed and is not on the disk"),
        ("forgets before the answer", "never taken by the CSMS"),
    ],
)
async def test_a_station_that_is_wrong_is_found_out(folder: Path, fault: str, found: str) -> None:
    """The harness has teeth.  A few stations of each: one life is short, and may end before it can go wrong."""
    violations: list[str] = []
    for number in range(6):
        story = Story(f"{SEED}/{fault}/{number}", folder / str(number), fault)
        violations += (await story.play(5)).violations
        if any(found in violation for violation in violations):
            return
    pytest.fail(f"{fault}: not found out, but {violations}")
