"""What each command of the control socket takes, with its ranges.  Does nothing with it."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from agent.ocpp.messages.common import AuthorizationStatus
from agent.provision import Provision
from hal.events import TokenKind

Milliseconds = Annotated[float, Meta(ge=0, le=86_400_000)]


class Arguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a command takes; ``id`` and ``cmd`` are read before."""


class Nothing(Arguments, frozen=True):
    """No arguments."""


class Start(Arguments, frozen=True):
    """``start``."""

    station: Provision = Provision()


class PowerCycle(Arguments, frozen=True):
    """``power_cycle``."""

    off_ms: Milliseconds = 0.0


class Settle(Arguments, frozen=True):
    """``settle``."""

    quiet_ms: Milliseconds = 200.0
    timeout_ms: Milliseconds = 10_000.0


TOPICS = ("ocpp", "hal", "facts", "log")


class Watch(Arguments, frozen=True):
    """``watch``, which the server does for the connection itself."""

    topics: tuple[str, ...] = TOPICS


class Ids(Arguments, frozen=True):
    """``ledger_resend``."""

    ids: list[int] = []


class PlugIn(Arguments, frozen=True):
    """``plug_in``."""

    evse: int
    connector: int = 1
    ev: dict[str, Any] = {}


class OneEvse(Arguments, frozen=True):
    """``unplug``, ``clear_fault``, ``reset_fault``."""

    evse: int


class Ev(Arguments, frozen=True):
    """``ev``."""

    evse: int
    state: str


class Swipe(Arguments, frozen=True):
    """``swipe``."""

    token: Annotated[str, Meta(min_length=1, max_length=255)]
    type: str = "ISO14443"
    evse: int = 0


class Bay(Arguments, frozen=True):
    """``bay``."""

    evse: int
    occupied: bool


class Meter(Arguments, frozen=True):
    """``meter``."""

    evse: int
    energy_wh: float | None = None
    power_w: float | None = None
    soc: float | None = None


class Temperature(Arguments, frozen=True):
    """``temperature``."""

    evse: int
    spot: str
    celsius: float


class Fault(Arguments, frozen=True):
    """``fault``."""

    evse: int
    code: str
    connector: int | None = None
    vendor_code: str | None = None


class Link(Arguments, frozen=True):
    """``link``."""

    up: bool


class Group(Arguments, frozen=True):
    """A groupIdToken as OCPP writes it."""

    idToken: str  # noqa: N815
    type: TokenKind = "Central"


class TokenPut(Arguments, frozen=True):
    """``auth_cache_put``, ``local_list_put``."""

    token: str
    status: AuthorizationStatus
    group: Group | None = None
    type: TokenKind = "ISO14443"


def arguments_of(kind: type[msgspec.Struct]) -> list[dict[str, Any]]:
    """What a command takes, as ``help`` tells it; a default that is null may be left out as well."""
    return [_argument(field) for field in msgspec.structs.fields(kind)]


def _argument(field: msgspec.structs.FieldInfo) -> dict[str, Any]:
    default = None if field.required else field.default
    if not field.required and default is msgspec.NODEFAULT:
        default = msgspec.to_builtins(field.default_factory())
    return {"name": field.name, "required": field.required, "default": default}
