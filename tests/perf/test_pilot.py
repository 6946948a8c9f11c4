"""The bench of the pilot's wire: a tap, an agent and a CSMS that floods it, each a process of its own."""

from pathlib import Path

from tests.perf.pilot import times_of
from tests.perf.pilot_tap import PATIENCE_S


async def test_each_plug_in_is_answered_and_timed_while_a_CSMS_floods(tmp_path: Path) -> None:
    taken = await times_of(tmp_path, 2, flooded=True)
    assert len(taken) == 2
    assert all(0 < each < PATIENCE_S for each in taken)
