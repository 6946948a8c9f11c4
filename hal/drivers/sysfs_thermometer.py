"""A thermometer that the kernel reads (hwmon, IIO, 1-wire), by its file in /sys.  Does not know what heat does."""

from __future__ import annotations

import asyncio
from math import isfinite
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from hal.drivers.presence import Presence
from hal.errors import NoAnswer
from hal.events import TemperatureMeasured
from hal.ports import Place, Post

LOWEST_C, HIGHEST_C = -100.0, 400.0
"""What is outside is no temperature of a charging station but an open or a shorted sensor."""


class SysfsThermometer:
    """The file has a number: millidegrees in hwmon (``tempN_input``), in 1-wire (``temperature``) and in thermal zones.

    An IIO channel gives ``(raw + offset) * scale``, from the files beside it, in millidegrees as well.
    """

    bus_type = type(None)

    class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
        """``path`` with ``*`` in it (``/sys/bus/w1/devices/28-*/temperature``) is the only file that fits."""

        path: Annotated[str, Meta(min_length=1)] = "/sys/class/hwmon/hwmon0/temp1_input"
        period_s: Annotated[float, Meta(ge=0.5, le=3600)] = 10.0
        add_c: Annotated[float, Meta(ge=-20, le=20)] = 0.0

    def __init__(self, config: Config, place: Place, bus: None, post: Post) -> None:
        self._config = config
        self._place = place
        self.spot = place.spot
        self._post = post
        self._presence = Presence(place, post)
        self.counters = {"readings": 0, "failed": 0}

    async def run(self) -> None:
        while True:
            try:
                # A 1-wire conversion takes most of a second, inside the read.
                celsius = await asyncio.to_thread(read_celsius, self._config.path)
            except NoAnswer as error:
                self.counters["failed"] += 1
                self._presence.lost(str(error))
            else:
                self.counters["readings"] += 1
                self._presence.found(self._config.path)
                self._post(TemperatureMeasured(self._place.evse, self._place.spot, celsius + self._config.add_c))
            await asyncio.sleep(self._config.period_s)


def read_celsius(pattern: str) -> float:
    """The temperature in the file that fits.

    Raises:
        NoAnswer: no file or several, not readable, no number, or not a temperature of this world.

    """
    path = _only(pattern)
    celsius = _number(path) / 1000
    if path.name.endswith("_raw"):
        offset, scale = (_beside(path, name, default) for name, default in (("_offset", 0.0), ("_scale", 1.0)))
        celsius = (celsius + offset / 1000) * scale
    if not (isfinite(celsius) and LOWEST_C <= celsius <= HIGHEST_C):
        raise NoAnswer(f"{path}: {celsius:g} degrees Celsius cannot be: an open or shorted sensor")
    return celsius


def _only(pattern: str) -> Path:
    path = Path(pattern)
    if "*" not in pattern:
        return path
    found = sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor))))
    if len(found) != 1:
        raise NoAnswer(f"{pattern}: {len(found)} files fit, it should be one")
    return found[0]


def _beside(path: Path, ending: str, default: float) -> float:
    beside = path.with_name(path.name.removesuffix("_raw") + ending)
    return _number(beside) if beside.exists() else default


def _number(path: Path) -> float:
    try:
        return float(path.read_text(encoding="ascii", errors="replace"))
    except OSError as error:
        raise NoAnswer(f"{path}: {error.strerror or error}") from None
    except ValueError:
        raise NoAnswer(f"{path}: no number") from None
