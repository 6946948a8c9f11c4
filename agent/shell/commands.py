"""The commands of the control socket: what each needs and does.  Knows no socket."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Literal, get_args

import msgspec

from agent.app import Machine
from agent.errors import BenchRefused
from agent.model.device import Spot
from agent.ocpp.tolerance import csms_report
from agent.powered import DATABASE
from agent.provision import VariableProvision
from agent.shell.arguments import (
    Bay,
    Ev,
    Fault,
    Ids,
    Link,
    Meter,
    Nothing,
    OneEvse,
    PlugIn,
    PowerCycle,
    Settle,
    Start,
    Swipe,
    Temperature,
    TokenPut,
    Watch,
    arguments_of,
)
from agent.shell.limits import Limit, limit_set, limits_status
from agent.shell.log import LogAsked, log_status
from agent.shell.monitors import event_status, monitors_status
from agent.shell.security import SecurityLogAsked, newest
from agent.shell.status import csms_status, evse_status, identity_status
from agent.shell.variables import VariablesAsked, variables_status
from agent.shell.why import Refusals, WhyAsked, why_status
from agent.shell.words import SAYS
from agent.vocabulary.incoming import CacheCleared, TechnicianAsked, TokenNoted
from agent.vocabulary.values import Token

Role = Literal["observe", "operate", "bench"]
"""Who may do what: each may do what those before it may."""

Answer = dict[str, Any]
Method = Callable[["Commands", Any], Awaitable[Answer | None]]


class Commands:
    """Every command as a method; the table below says who may use it and what it takes."""

    def __init__(self, machine: Machine, granted: Role = "bench") -> None:
        self._machine = machine
        self.granted = granted
        self._refusals = Refusals(asyncio.get_running_loop().time)
        machine.observe(self._refusals.see)

    def may(self, role: Role) -> bool:
        """Whether the clients of this socket may use a command of this role."""
        return get_args(Role).index(role) <= get_args(Role).index(self.granted)

    async def help(self, arguments: Nothing) -> Answer:
        """Every command that is taken here."""
        known = [(name, role, kind) for name, (role, kind, _) in self.table.items()]
        known.append(("watch", "observe", Watch))
        return {
            "role": self.granted,
            "commands": [
                {"cmd": name, "role": role, "arguments": arguments_of(kind), "says": SAYS[name]}
                for name, role, kind in known
                if self.may(role) and (role != "bench" or self._machine.bench)
            ],
        }

    # ---- power and state ----

    async def start(self, arguments: Start) -> None:
        await self._machine.start(arguments.station)

    async def stop(self, arguments: Nothing) -> None:
        await self._machine.stop()

    async def power_cycle(self, arguments: PowerCycle) -> None:
        await self._machine.power_cycle(arguments.off_ms)

    async def status(self, arguments: Nothing) -> Answer:
        station = self._machine.station
        if station is None:
            return {"on": False, "connected": False, "registration": None, "evses": []}
        desk = station.station.desk
        return {
            "on": True,
            "station": identity_status(station.station),
            "csms": csms_status(station),
            "connected": station.link.state == "open",
            "reason": station.link.last_reason if station.link.state != "open" else "",
            "registration": desk.registration,
            "waiting": len(station.link.outbox),
            "waiting_bytes": station.link.outbox.waiting_bytes,
            "thinned": station.link.outbox.thinned_events,
            "clock_known": station.clock.known,
            "flash": station.flash_status(),
            "upload": station.uploads.status(),
            "firmware": station.firmware_status(),
            "evses": [evse_status(evse, station.station) for evse in station.station.site.evses.values()],
        }

    async def monitors(self, arguments: Nothing) -> Answer:
        return monitors_status(self._on().station)

    async def events(self, arguments: Nothing) -> Answer:
        """The last ones, oldest first."""
        return {"events": [event_status(noticed) for noticed in self._on().station.blocks.events.recent]}

    async def variables(self, arguments: VariablesAsked) -> Answer:
        return variables_status(self._on().station.model, arguments)

    async def why(self, arguments: WhyAsked) -> Answer:
        station = self._on()
        evses = station.station.site.evses
        if arguments.evse is not None and arguments.evse not in evses:
            raise BenchRefused(f"no such evse {arguments.evse}; there are {', '.join(map(str, evses))}")
        return why_status(station, self._refusals, evses if arguments.evse is None else [arguments.evse])

    async def security_log(self, arguments: SecurityLogAsked) -> Answer:
        """What was noted before it is asked for is on disk by then."""
        station = self._on()
        await self._stored(station)
        return await asyncio.to_thread(newest, station.data / DATABASE, arguments)

    async def log(self, arguments: LogAsked) -> Answer:
        """Also while the station is off: it may say why."""
        return log_status(self._machine.log_memory, arguments)

    async def csms_report(self, arguments: Nothing) -> Answer:
        """What the CSMS says that the specification does not allow, since power-on: text to mail to its vendor."""
        station = self._on()
        target = station.network.target
        csms = "the CSMS" if target is None else target.url
        return {"report": csms_report(csms, station.link.ear.deviations())}

    async def ledger_resend(self, arguments: Ids) -> Answer:
        """Parked events back into the queue; none named: all of them."""
        taken: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._on().loop.resend(tuple(arguments.ids), taken.set_result)
        return {"events": await asyncio.shield(taken)}

    async def limit(self, arguments: Limit) -> Answer:
        """Answered when what holds for good is on disk."""
        station = self._on()
        evses = station.station.site.evses
        if arguments.evse not in evses:
            raise BenchRefused(f"no such evse {arguments.evse}; there are {', '.join(map(str, evses))}")
        evse = evses[arguments.evse]
        station.loop.post(limit_set(arguments, evse.layout))
        await self._stored(station)
        return {"limits": limits_status(evse.limits)}

    async def settle(self, arguments: Settle) -> None:
        """Wait until nothing has been said for a while, and nothing is left to say."""
        loop = asyncio.get_running_loop()
        quiet_s, until = arguments.quiet_ms / 1000, loop.time() + arguments.timeout_ms / 1000
        heard = asyncio.Event()
        last = loop.time()

        def listen(topic: str, seen: object) -> None:
            nonlocal last
            if topic in ("ocpp", "csms"):
                last = loop.time()
                heard.set()

        unlisten = self._machine.observe(listen)
        try:
            while loop.time() < until and not self._settled(last + quiet_s <= loop.time()):
                heard.clear()
                wait_s = (last + quiet_s if self._idle() else until) - loop.time()
                try:
                    async with asyncio.timeout(max(0.0, min(wait_s, until - loop.time()))):
                        await heard.wait()
                except TimeoutError:
                    continue
        finally:
            unlisten()

    def _settled(self, quiet: bool) -> bool:
        station = self._machine.station
        if station is None:
            return True
        if station.link.state != "open" and len(station.link.outbox) == 0:
            return True
        return quiet and self._idle()

    def _idle(self) -> bool:
        station = self._machine.station
        return station is None or (station.link.state == "open" and station.link.idle)

    async def reset_fault(self, arguments: OneEvse) -> None:
        """The technician has seen to it: the pilot controller may leave a fault that it keeps."""
        station = self._on()
        if arguments.evse not in station.station.site.evses:
            raise BenchRefused(f"no such evse: {arguments.evse}")
        station.loop.post(TechnicianAsked("clear_fault", arguments.evse))

    # ---- vehicle and driver ----

    async def plug_in(self, arguments: PlugIn) -> None:
        from hal.bus.sim_evse import Vehicle

        try:
            vehicle = msgspec.convert(arguments.ev, Vehicle)
        except msgspec.ValidationError as error:
            raise BenchRefused(f"ev: {error}; it has {', '.join(Vehicle.__struct_fields__)}") from None
        self._world.plug_in(arguments.evse, arguments.connector, vehicle)

    async def unplug(self, arguments: OneEvse) -> None:
        self._world.unplug(arguments.evse)

    async def ev(self, arguments: Ev) -> None:
        self._world.ev(arguments.evse, arguments.state)

    async def swipe(self, arguments: Swipe) -> None:
        self._world.swipe(arguments.token, arguments.type, arguments.evse)

    async def bay(self, arguments: Bay) -> None:
        self._world.bay(arguments.evse, arguments.occupied)

    async def meter(self, arguments: Meter) -> None:
        self._world.meter(arguments.evse, arguments.energy_wh, arguments.power_w, arguments.soc)

    async def temperature(self, arguments: Temperature) -> None:
        self._world.temperature(arguments.evse, arguments.spot, arguments.celsius)

    # ---- faults and link ----

    async def fault(self, arguments: Fault) -> None:
        self._world.fault(arguments.evse, arguments.code, arguments.connector, arguments.vendor_code)

    async def clear_fault(self, arguments: OneEvse) -> None:
        self._world.clear_fault(arguments.evse)

    async def link(self, arguments: Link) -> None:
        self._on().network.plug(arguments.up)

    # ---- service port ----

    async def set_variable(self, arguments: VariableProvision) -> None:
        spot = spot_of(arguments)
        status, why = self._on().station.model.write(spot, arguments.text(), by_csms=False)
        if status not in ("Accepted", "RebootRequired"):
            raise BenchRefused(why or f"{status}: {arguments.component}.{arguments.variable}")
        self._on().loop.settle()

    async def unset_variable(self, arguments: VariableProvision) -> None:
        if not self._on().station.model.reset(spot_of(arguments)):
            raise BenchRefused(f"no variable {arguments.component}.{arguments.variable}")
        self._on().loop.settle()

    async def auth_cache_put(self, arguments: TokenPut) -> None:
        self._on().loop.post(noted("cache", arguments))

    async def auth_cache_clear(self, arguments: Nothing) -> None:
        self._on().loop.post(CacheCleared())

    async def local_list_put(self, arguments: TokenPut) -> None:
        """Wait until it is on disk: only there is it found."""
        station, event = self._on(), noted("list", arguments)
        station.loop.post(event)
        await self._stored(station)
        if station.station.desk.local_list.find(event.token) is None:
            raise BenchRefused("the list is full, or the disk does not take it")

    async def _stored(self, station: Any) -> None:
        """Wait until everything that was decided is on disk."""
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        station.loop.when_stored(lambda: stored.set_result(None))
        await asyncio.shield(stored)

    def _on(self) -> Any:
        if self._machine.station is None:
            raise BenchRefused("the station is off")
        return self._machine.station

    @property
    def _world(self) -> Any:
        self._on()
        return self._machine.world

    table: dict[str, tuple[Role, type[Any], Method]] = {
        "start": ("bench", Start, start),
        "stop": ("bench", Nothing, stop),
        "power_cycle": ("bench", PowerCycle, power_cycle),
        "help": ("observe", Nothing, help),
        "status": ("observe", Nothing, status),
        "why": ("observe", WhyAsked, why),
        "variables": ("observe", VariablesAsked, variables),
        "monitors": ("observe", Nothing, monitors),
        "events": ("observe", Nothing, events),
        "security_log": ("observe", SecurityLogAsked, security_log),
        "log": ("observe", LogAsked, log),
        "csms_report": ("observe", Nothing, csms_report),
        "ledger_resend": ("operate", Ids, ledger_resend),
        "reset_fault": ("operate", OneEvse, reset_fault),
        "limit": ("operate", Limit, limit),
        "settle": ("observe", Settle, settle),
        "plug_in": ("bench", PlugIn, plug_in),
        "unplug": ("bench", OneEvse, unplug),
        "ev": ("bench", Ev, ev),
        "swipe": ("bench", Swipe, swipe),
        "bay": ("bench", Bay, bay),
        "meter": ("bench", Meter, meter),
        "temperature": ("bench", Temperature, temperature),
        "fault": ("bench", Fault, fault),
        "clear_fault": ("bench", OneEvse, clear_fault),
        "link": ("bench", Link, link),
        "set_variable": ("bench", VariableProvision, set_variable),
        "unset_variable": ("bench", VariableProvision, unset_variable),
        "auth_cache_put": ("bench", TokenPut, auth_cache_put),
        "auth_cache_clear": ("bench", Nothing, auth_cache_clear),
        "local_list_put": ("bench", TokenPut, local_list_put),
    }


LATER = {
    "driver_limit": "unsupported: no limits are entered at this station",
}
"""Commands of the socket's version 1 that no board can do yet."""


def noted(where: Literal["cache", "list"], item: TokenPut) -> TokenNoted:
    """What is said of a token, as the station hears it."""
    group = None if item.group is None else Token(item.group.idToken, item.group.type)
    return TokenNoted(where, Token(item.token, item.type), item.status, group)


def spot_of(item: VariableProvision) -> Spot:
    """Where the variable is."""
    return Spot(item.component, item.variable, item.instance, item.evse, item.connector)
