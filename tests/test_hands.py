"""A technician's wish to leave a fault reaches the pilot controller and the residual current monitor of that EVSE."""

from __future__ import annotations

from typing import Any

import pytest

from agent.hands import Hands
from agent.vocabulary.commands import ClearFault


class FakePart:
    """A pilot controller, or a residual current monitor."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def clear_fault(self) -> None:
        self.told.append("clear_fault")

    def reset(self) -> None:
        self.told.append("reset")


class FakeBoard:
    """Two EVSEs, the second without a monitor."""

    def __init__(self) -> None:
        self.pilots: dict[int, Any] = {1: FakePart(), 2: FakePart()}
        self.rcds: dict[int, Any] = {1: FakePart()}


@pytest.mark.parametrize(("evse", "pilots", "monitor"), [(1, (1, 0), ["reset"]), (2, (0, 1), [])])
def test_a_fault_is_left_at_the_evse_that_is_meant(evse: int, pilots: tuple[int, int], monitor: list[str]) -> None:
    board: Any = FakeBoard()
    Hands(board).obey(ClearFault(evse))
    assert tuple(len(board.pilots[each].told) for each in (1, 2)) == pilots
    assert board.rcds[1].told == monitor
