"""The words of an update: what is to be done with a bundle, and how it went.  Says nothing of what OCPP requires."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from agent.vocabulary.commands import Command
from agent.vocabulary.incoming import Incoming

Step = Literal["download", "check", "install", "try"]

Trial = Literal["", "waits", "on trial", "installed", "rolled back"]
"""What became of a release on trial by this start: nothing is, the board was not restarted yet, it runs and is not
proved, it is, the boot loader went back."""


class FirmwareOrder(Command, frozen=True):
    """For whoever fetches, judges and installs bundles; what comes of it is a ``FirmwareNews``."""


class JudgeSigner(FirmwareOrder, frozen=True):
    """Whether the manufacturer lets this certificate sign; comes back as ``SignerJudged``."""

    message_id: str
    pem: str
    at: datetime | None = None


class DownloadFirmware(FirmwareOrder, frozen=True):
    """Fetch it, behind what is there of it already."""

    request_id: int
    url: str


class CheckFirmware(FirmwareOrder, frozen=True):
    """Whether what was fetched is what the owner of this certificate signed."""

    request_id: int
    pem: str
    signature: str


class InstallFirmware(FirmwareOrder, frozen=True):
    """Write it to the other slot, which is not started before it is tried."""

    request_id: int


class TryFirmware(FirmwareOrder, frozen=True):
    """Keep the state for a way back, and let the other slot be the one that starts next."""

    request_id: int
    version: str


class RestartBoard(FirmwareOrder, frozen=True):
    """Start the machine anew, not only the program: which slot comes up is the boot loader's business."""

    reason: str


class DropFirmware(FirmwareOrder, frozen=True):
    """Nobody wants the bundle any more, nor a way back: end what is under way with it."""


class FirmwareNews(Incoming, frozen=True):
    """Of the bundle, or of the slot that runs."""


class SignerJudged(FirmwareNews, frozen=True):
    """``unable``: there is nobody here who could install anything."""

    message_id: str
    verdict: Literal["trusted", "invalid", "unable"]
    reason: str = ""


class FirmwareStepEnded(FirmwareNews, frozen=True):
    """How it went; ``unfit``: the bundle, or its place, will never do."""

    request_id: int
    step: Step
    outcome: Literal["done", "unfit", "failed"]
    reason: str = ""
    version: str = ""


class FirmwareProved(FirmwareNews, frozen=True):
    """What the release that runs is worth, as the boot loader was told."""

    good: bool
