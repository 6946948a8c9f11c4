"""How tests run, and what those of whole stations share: a short folder, a CSMS, a station in loop or process."""

import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, settings

from tests.csms.practice import PracticeCsms
from tests.scenarios.station import AgentInLoop, AgentProcess

pytest_plugins = ("tests.ocpp.counted",)

# What passes once passes again: examples from the same seed in every run, and no clock that judges them.
settings.register_profile("steady", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")

# A shell that runs the tests in its background lets them, and the programs that they start, ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """``-n auto``: two a core, for many tests wait; there is no work for more than sixteen."""
    return min(2 * len(os.sched_getaffinity(0)), 16)


@pytest.fixture
def folder() -> Iterator[Path]:
    """Short: the path of a socket has room for 107 bytes."""
    with TemporaryDirectory(prefix="station-") as name:
        yield Path(name)


@pytest.fixture
async def csms() -> AsyncIterator[PracticeCsms]:
    async with PracticeCsms() as practice:
        yield practice


@pytest.fixture
async def agent(folder: Path) -> AsyncIterator[AgentInLoop]:
    """A machine without power: ``await agent.start(csms.url)``."""
    async with AgentInLoop(folder) as machine:
        yield machine


@pytest.fixture
async def process(folder: Path) -> AsyncIterator[AgentProcess]:
    """The same in a process of its own, to be killed."""
    async with AgentProcess(folder) as machine:
        yield machine
