"""``python -m tests.scenarios.power_cut --cuts 10000``: so many power cuts, and what came of them."""

import argparse
import asyncio
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.scenarios.power_cut.campaign import CUTS_A_STATION, LANES, campaign
from tests.scenarios.power_cut.story import Story
from tests.scenarios.power_cut.tally import Tally


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.scenarios.power_cut", description=__doc__)
    parser.add_argument("--cuts", type=int, default=200, help="how many (default: %(default)s)")
    parser.add_argument("--seed", default="1", help="what is chosen, is chosen by it (default: %(default)s)")
    parser.add_argument("--story", metavar="SEED/N", help="only this station of a campaign, as violations name it")
    parser.add_argument("--lanes", type=int, default=LANES, help="stations at a time (default: %(default)s)")
    options = parser.parse_args()
    began = time.monotonic()

    def tell(tally: Tally) -> None:
        line = f"{tally.cuts.total()} cuts, {len(tally.violations)} violations, {time.monotonic() - began:.0f} s"
        print(line, file=sys.stderr, flush=True)

    if options.story is not None:
        tally = asyncio.run(story(options.story))
    else:
        tally = asyncio.run(campaign(options.seed, options.cuts, lanes=options.lanes, told=tell))
    name = f"story {options.story}" if options.story else f"seed {options.seed}"
    print(f"{name}, {time.monotonic() - began:.0f} s:", *tally.lines(), sep="\n")
    return 1 if tally.violations else 0


async def story(name: str) -> Tally:
    """One station, with all its cuts."""
    with TemporaryDirectory(prefix="cut-") as root:
        return await Story(name, Path(root) / "station").play(CUTS_A_STATION)


if __name__ == "__main__":
    sys.exit(main())
