"""Many power cuts: one station after the other, several at a time, and what came of all of them."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.scenarios.power_cut.story import Story
from tests.scenarios.power_cut.tally import Tally

CUTS_A_STATION = 10
LANES = 4


def unheard(tally: Tally) -> None:
    """Nobody wants to know how far it is."""


async def campaign(seed: str, cuts: int, *, lanes: int = LANES, told: Callable[[Tally], None] = unheard) -> Tally:
    """So many cuts, several stations at a time."""
    whole = Tally()
    left = iter(enumerate(shares(cuts)))

    async def lane(root: Path) -> None:
        for number, share in left:
            folder = root / str(number)
            whole.add(await Story(f"{seed}/{number}", folder).play(share))
            shutil.rmtree(folder)
            told(whole)

    with TemporaryDirectory(prefix="cut-") as root:
        await asyncio.gather(*(lane(Path(root)) for _ in range(lanes)))
    return whole


def shares(cuts: int) -> list[int]:
    """How many fall to each station."""
    whole, rest = divmod(cuts, CUTS_A_STATION)
    return [CUTS_A_STATION] * whole + [rest] * bool(rest)
