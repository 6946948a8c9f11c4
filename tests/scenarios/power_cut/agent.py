"""A station whose power goes at a chosen moment: ``python -m tests.scenarios.power_cut.agent ORDERS run ...``."""

import sys
from importlib import import_module
from pathlib import Path

import msgspec

import agent.edge.clock
import agent.powered
from agent.__main__ import main
from agent.edge.database import Contents
from agent.link.outbox import Outbox
from board.descriptor import Storage
from tests.scenarios.power_cut.blackbox import Recorder
from tests.scenarios.power_cut.moments import Blade, Orders
from tests.scenarios.power_cut.vfs import Layer
from tests.scenarios.power_cut.watched import watch


def prepare(orders: Orders) -> Layer:
    """Put the shim in its place; the layer lives as long as it is held."""
    traces = Path(orders.traces)
    recorder = Recorder(traces)
    blade = Blade(orders.moment, orders.nth, recorder.cut)
    layer = Layer(traces, blade)
    layer.register()
    watch(blade, recorder)
    for place, value in orders.constants.items():
        module, _, name = place.partition(":")
        setattr(import_module(module), name, value)
    if orders.most_events is not None:
        set_budget(orders.most_events)
    if orders.clock_known:
        agent.edge.clock.SYNCHRONIZED = Path(sys.executable)  # any file that is there
    if orders.broken is not None:
        from tests.scenarios.power_cut.broken import build_in

        build_in(orders.broken)
    return layer


def set_budget(events: int) -> None:
    """One so small that a short life is over it; no board file may have it."""
    make = agent.powered.outbox_from

    def outbox_from(contents: Contents, storage: Storage) -> Outbox:
        return make(contents, msgspec.structs.replace(storage, events=events))

    agent.powered.outbox_from = outbox_from


if __name__ == "__main__":
    held = prepare(msgspec.json.decode(sys.argv[1], type=Orders))
    sys.exit(main(sys.argv[2:]))
