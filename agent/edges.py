"""What the loop needs of its edges: the clock, the disk, the socket, files, the hardware.  No behaviour."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from agent.link.disk import Question, Write
from agent.vocabulary.certificates import CertificateOrder
from agent.vocabulary.commands import UploadLog
from agent.vocabulary.firmware import FirmwareOrder
from agent.vocabulary.values import NetworkProfile, Now
from hal.ports import (
    ConnectorLock,
    DcSecc,
    DcSource,
    EnergyMeter,
    InsulationMonitor,
    PilotController,
    ResidualCurrentMonitor,
    Secc,
    SignedMeter,
)

Stored = Callable[[bool], None]
"""Called when writes are on disk, or (False) when the disk refused them for now."""


class Clock(Protocol):
    """Tells the time, and is told."""

    @property
    def known(self) -> bool: ...

    @property
    def since(self) -> datetime: ...

    def now(self) -> Now: ...

    def system(self) -> datetime | None: ...

    def doubt(self) -> None: ...

    def set(self, wall: datetime, took_s: float) -> float: ...


class Store(Protocol):
    """The disk: what is handed in together is committed together."""

    def write(self, writes: Sequence[Write], done: Stored | None = None) -> None: ...

    def ask(self, question: Question, done: Callable[[Any], None]) -> None: ...


class Socket(Protocol):
    """The connection to the CSMS."""

    def connect(self, profile: NetworkProfile | None) -> None: ...

    def send(self, text: str) -> None: ...

    def ping(self) -> None: ...

    def close(self, reason: str) -> None: ...

    def check_certificate(self, wall: datetime) -> None: ...

    def use_password(self, password: str, *, over_slots: bool) -> None: ...


class Files(Protocol):
    """What is brought to other places."""

    def start(self, wanted: UploadLog) -> None: ...

    def cancel(self) -> None: ...


class Firmware(Protocol):
    """Bundles, and the slots of the machine."""

    def obey(self, order: FirmwareOrder) -> None: ...


class Certificates(Protocol):
    """Whom to trust, and who the station is, as files."""

    def obey(self, order: CertificateOrder) -> None: ...


class Hardware(Protocol):
    """The drivers, by what they belong to."""

    @property
    def pilots(self) -> Mapping[int, PilotController]: ...

    @property
    def meters(self) -> Mapping[int, EnergyMeter]: ...

    @property
    def signers(self) -> Mapping[int, SignedMeter]: ...

    @property
    def locks(self) -> Mapping[tuple[int, int], ConnectorLock]: ...

    @property
    def seccs(self) -> Mapping[int, Secc]: ...

    @property
    def rcds(self) -> Mapping[int, ResidualCurrentMonitor]: ...

    @property
    def dc_seccs(self) -> Mapping[int, DcSecc]: ...

    @property
    def supplies(self) -> Mapping[int, DcSource]: ...

    @property
    def insulation(self) -> Mapping[int, InsulationMonitor]: ...


Observer = Callable[[str, object], None]
"""Called with a topic (``hal``, ``facts``, ``ocpp``) and what was seen."""
