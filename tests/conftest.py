"""What tests of whole stations share: a short folder, a CSMS, a station in the loop, a station in a process."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.csms.practice import PracticeCsms
from tests.scenarios.station import AgentInLoop, AgentProcess


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
