"""Settings of the hardware tests."""

from __future__ import annotations

import pytest

from hal.bus import hotplug


@pytest.fixture
def quick_hotplug(monkeypatch: pytest.MonkeyPatch) -> None:
    """A device that is back is opened after 20 ms instead of half a second."""
    monkeypatch.setattr(hotplug, "DELAYS_S", (0.02,))
