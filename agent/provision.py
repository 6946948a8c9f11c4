"""What a station is told of itself from outside: identity, CSMS, EVSEs.  Merged here, stored elsewhere."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

Text = Annotated[str, Meta(max_length=2000)]


class ConnectorProvision(msgspec.Struct, frozen=True, omit_defaults=True):
    """A connector of ``start``."""

    id: Annotated[int, Meta(ge=1, le=99)]
    type: str = "cType2"


class EvseProvision(msgspec.Struct, frozen=True, omit_defaults=True):
    """An EVSE of ``start``."""

    id: Annotated[int, Meta(ge=1, le=999)]
    connectors: tuple[ConnectorProvision, ...] = (ConnectorProvision(1),)
    max_power_w: Annotated[float, Meta(gt=0, le=1e6)] | None = None
    phases: Literal[1, 2, 3] = 3
    voltage: Annotated[float, Meta(ge=50, le=1500)] = 230.0


class VariableProvision(msgspec.Struct, frozen=True, omit_defaults=True):
    """A variable of ``start``, and of the service port."""

    component: str
    variable: str
    value: str | int | float | bool = ""
    evse: int | None = None
    connector: int | None = None
    instance: str | None = None

    def text(self) -> str:
        """The value as OCPP writes it."""
        if isinstance(self.value, bool):
            return "true" if self.value else "false"
        return str(self.value)


class Provision(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """``station`` of the control socket's ``start``."""

    identity: Annotated[str, Meta(min_length=1, max_length=48)] | None = None
    csms_url: Text | None = None
    ocpp_version: Literal["1.6", "2.0.1", "2.1"] | None = None
    security_profile: Annotated[int, Meta(ge=0, le=3)] | None = None
    password: Text | None = None
    ca_file: Text | None = None
    verify_hostname: bool | None = None
    client_cert_file: Text | None = None
    client_key_file: Text | None = None
    client_key_password: Text | None = None
    certs_dir: Text | None = None
    vendor: Annotated[str, Meta(max_length=50)] | None = None
    model: Annotated[str, Meta(max_length=20)] | None = None
    serial: Annotated[str, Meta(max_length=25)] | None = None
    firmware_version: Annotated[str, Meta(max_length=50)] | None = None
    evses: tuple[EvseProvision, ...] | None = None
    variables: tuple[VariableProvision, ...] | None = None

    def over(self, other: Provision) -> Provision:
        """This, and what it leaves open from ``other``."""
        said: dict[str, Any] = {name: getattr(self, name) for name in self.__struct_fields__}
        return Provision(**{name: getattr(other, name) if value is None else value for name, value in said.items()})


SUBPROTOCOLS: dict[str, tuple[str, ...]] = {"2.0.1": ("ocpp2.0.1",), "2.1": ("ocpp2.1",)}
"""What is offered for ``ocpp_version``; 1.6 is not spoken yet."""
