"""One connection at a time: what an older one still brings is nobody's."""

import asyncio
from random import Random

from agent.edge.network import Network
from agent.edge.websocket import CLOSE_TIMEOUT_S, OPEN_TIMEOUT_S, Target
from tests.scenarios.lossy.csms import WireCsms
from tests.scenarios.lossy.virtual_time import VirtualLoop, run_virtually
from tests.scenarios.lossy.wire import SECONDS_ONE_WAY, Connection, Wire

HELLO = b"\x81\x05hello"
THERE_AND_BACK_S = 2 * SECONDS_ONE_WAY[1]


class Heard:
    """Who is told what the connection does."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def receive_opened(self, subprotocol: str | None) -> None:
        self.told.append("opened")

    def receive_frame(self, frame: str | bytes) -> None:
        self.told.append(frame.decode() if isinstance(frame, bytes) else frame)

    def receive_pong(self) -> None:
        self.told.append("pong")

    def receive_closed(self, reason: str) -> None:
        self.told.append(f"closed: {reason}")


class Line:
    """The network edge on a simulated wire."""

    def __init__(self, loop: VirtualLoop, tasks: asyncio.TaskGroup) -> None:
        self.wire = loop.internet = Wire(loop, WireCsms(loop, Random(1)), Random(2))
        self.network = Network(Target("ws://csms/ocpp", "CS001"), None, tasks)
        self.network.listener = self.heard = Heard()

    async def connect(self) -> Connection:
        self.network.connect()
        await asyncio.sleep(2 * THERE_AND_BACK_S)
        assert self.heard.told.pop() == "opened"
        return self.wire.connections[-1]


def test_a_connection_that_was_cut_brings_nothing_more() -> None:
    async def work(loop: VirtualLoop) -> None:
        async with asyncio.TaskGroup() as tasks:
            line = Line(loop, tasks)
            old = await line.connect()
            line.network.cut()
            old.client.protocol.data_received(HELLO)
            await asyncio.sleep(0)
            young = await line.connect()
            old.client.protocol.data_received(HELLO)
            assert line.heard.told == []
            young.down.put(HELLO)
            await asyncio.sleep(THERE_AND_BACK_S)
            assert line.heard.told == ["hello"]

    run_virtually(work)


def test_what_was_held_up_on_the_way_reaches_nobody_when_the_connection_was_given_up() -> None:
    async def work(loop: VirtualLoop) -> None:
        async with asyncio.TaskGroup() as tasks:
            line = Line(loop, tasks)
            old = await line.connect()
            old.hold(loop.time() + 60)
            old.down.put(HELLO)
            line.network.close("no answer")
            await asyncio.sleep(CLOSE_TIMEOUT_S)
            await asyncio.sleep(0)
            assert line.heard.told == ["closed: no answer"]
            await line.connect()
            await asyncio.sleep(120)
            assert line.heard.told == ["closed: no answer"]

    run_virtually(work)


def test_the_end_of_an_old_connection_ends_no_young_one() -> None:
    async def work(loop: VirtualLoop) -> None:
        async with asyncio.TaskGroup() as tasks:
            line = Line(loop, tasks)
            old = await line.connect()
            line.network.cut()
            await line.connect()
            old.client.protocol.connection_lost(None)
            line.network.ping()
            await asyncio.sleep(THERE_AND_BACK_S)
            assert line.heard.told == ["pong"]

    run_virtually(work)


def test_a_handshake_that_nobody_answers_is_given_up_in_time() -> None:
    async def work(loop: VirtualLoop) -> None:
        async with asyncio.TaskGroup() as tasks:
            line = Line(loop, tasks)
            line.network.connect()
            await asyncio.sleep(THERE_AND_BACK_S)
            (connection,) = line.wire.connections
            connection.die(connection.down)
            await asyncio.sleep(OPEN_TIMEOUT_S + 1)
            assert line.heard.told == ["closed: no answer to the handshake in time"]

    run_virtually(work)
