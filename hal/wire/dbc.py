"""Frames by a DBC: signals to numbers and back, matched by the whole identifier.  Knows no part and reads no file."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from hal.errors import BadOptions

Signals = dict[str, float]


class Dbc:
    """One protocol.  cantools takes 20 MB: only a board that names such a part pays for it."""

    def __init__(self, text: str) -> None:
        check_installed()
        from cantools.database import load_string

        database: Any = load_string(text, "dbc")
        self._by_id = {message.frame_id: message for message in database.messages}
        self._by_name = {message.name: message for message in database.messages}

    @property
    def ids(self) -> dict[str, int]:
        """Message name to identifier."""
        return {name: message.frame_id for name, message in self._by_name.items()}

    def decode(self, id: int, data: bytes) -> tuple[str, Signals] | None:
        """The name of the message and its signals, those that a short frame has; None: no such message, or no sense."""
        message = self._by_id.get(id)
        if message is None:
            return None
        try:
            return message.name, message.decode(data, decode_choices=False, allow_truncated=True)
        except Exception:  # whatever a bit-level decoder makes of bytes from a wire
            return None

    def encode(self, name: str, values: Mapping[str, float]) -> tuple[int, bytes]:
        """Identifier and data; a value out of its signal's range is brought to its end, what is left out is 0."""
        message = self._by_name[name]
        bounded = {signal.name: _bounded(values.get(signal.name, 0.0), signal) for signal in message.signals}
        return message.frame_id, bytes(message.encode(bounded, strict=False))


def check_installed() -> None:
    """Raises BadOptions, with what to do, where cantools is missing."""
    if find_spec("cantools") is None:
        raise BadOptions("this driver reads a DBC with cantools: pip install 'station-agent[can]'")


def _bounded(value: float, signal: Any) -> float:
    return float(min(max(value, signal.minimum), signal.maximum))
