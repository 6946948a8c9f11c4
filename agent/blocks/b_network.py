"""Block B: network profiles, what each slot holds and which are used (B09, B10).  Connects nothing.

Source: OCPP 2.0.1 Part 2 B09, B10 and A05 with the errata of 2025-09.  What is set here works after the next reset.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from urllib.parse import urlsplit

import msgspec
from msgspec.structs import replace

from agent.blocks.base import NO_ROOM, Block, Desk
from agent.model.catalogue import (
    ACTIVE_NETWORK_PROFILE,
    ALLOW_SECURITY_PROFILE_DOWNGRADE,
    IDENTITY,
    MESSAGE_TIMEOUT,
    NETWORK_CONFIGURATION_PRIORITY,
    SECURITY_PROFILE,
)
from agent.model.device import Spot
from agent.ocpp.messages import b_provisioning as m
from agent.ocpp.messages.common import StatusInfo
from agent.vocabulary.commands import KeepRecord, UseNetwork
from agent.vocabulary.facts import CameOnline, PasswordChanged
from agent.vocabulary.incoming import LinkOpened
from agent.vocabulary.values import NetworkProfile, Now

SLOTS = tuple(int(slot) for slot in NETWORK_CONFIGURATION_PRIORITY.choices)
FACTORY_SLOT = 1
"""Holds what the station was provisioned with, until the CSMS says something else."""

PROFILE = "network/profile/"
GOOD = "network/good"

PROTOCOLS = {"OCPP20": "ocpp2.0.1", "OCPP201": "ocpp2.0.1", "OCPP21": "ocpp2.1"}


class NetworkSetup(msgspec.Struct, frozen=True):
    """What the station was provisioned with, and what it can do."""

    factory: NetworkProfile | None = None
    identity: str = ""
    interfaces: tuple[str, ...] = ("Wired0",)
    protocols: tuple[str, ...] = ("ocpp2.0.1",)
    has_root: bool = True
    """Whether there is somebody to trust before the CSMS has installed a root."""
    provisioned: str = ""
    """A fingerprint of where and by which password the station was sent."""


class Good(msgspec.Struct, frozen=True):
    """The profile that worked last, and what the station was provisioned with at that time."""

    profile: NetworkProfile
    factory: NetworkProfile | None


class Network(Block):
    """Configuration slots.  ``used`` are those of this start: a change of a slot changes no connection (B09)."""

    letter = "B"

    def __init__(self, desk: Desk, setup: NetworkSetup) -> None:
        super().__init__(desk)
        self._setup = setup
        self._slots: dict[int, NetworkProfile] = {}
        self._used: tuple[NetworkProfile, ...] = ()
        self._good: Good | None = None
        self._active = setup.factory
        self._stood: NetworkProfile | None = None
        self._own_passwords = True  # those of the profiles in use
        self.has_installed_root: Callable[[], bool] = lambda: False
        self.has_own_certificate: Callable[[], bool] = lambda: False
        if setup.factory is not None:
            self._slots[FACTORY_SLOT] = setup.factory
        desk.model.declare(ACTIVE_NETWORK_PROFILE, live=self._active_slot)
        desk.model.declare(SECURITY_PROFILE, live=self._security_profile)
        desk.model.declare(IDENTITY, live=self._identity)

    def _active_slot(self) -> int:
        return FACTORY_SLOT if self._active is None else self._active.slot

    def _security_profile(self) -> int:
        return 0 if self._active is None else self._active.security_profile

    def _identity(self) -> str:
        """As whom it connects: a profile may name somebody else than it was provisioned with."""
        named = None if self._active is None else self._active.identity
        return named or self._setup.identity

    # ---- B09: a slot gets a profile ----

    def set_profile(self, request: m.SetNetworkProfileRequest, now: Now) -> m.SetNetworkProfileResponse | None:
        """Stored before it is answered; Failed where the disk refuses (B09.FR.03)."""
        slot, asked = request.configuration_slot, request.connection_data
        reason, why = self._refusal(slot, asked)
        if reason:
            info = StatusInfo(reason_code=reason, additional_info=why[:512])
            return m.SetNetworkProfileResponse(status="Rejected", status_info=info)
        profile = NetworkProfile(
            slot,
            asked.ocpp_csms_url,
            asked.security_profile,
            asked.message_timeout,
            PROTOCOLS[asked.ocpp_version or "OCPP20"],
            asked.identity,
            asked.basic_auth_password,
        )
        undo = partial(self._keep_slot, slot, self._slots.get(slot))
        self._keep_slot(slot, profile)
        failed = m.SetNetworkProfileResponse(status="Failed", status_info=NO_ROOM)
        self.desk.promise(m.SetNetworkProfileResponse(status="Accepted"), failed, undo)
        return None

    calls = {m.SetNetworkProfileRequest: set_profile}

    def _keep_slot(self, slot: int, profile: NetworkProfile | None) -> None:
        """What the slot holds from now on; None: nothing."""
        if profile is None:
            self._slots.pop(slot, None)
        else:
            self._slots[slot] = profile
        self.desk.tell(KeepRecord(f"{PROFILE}{slot}", msgspec.json.encode(profile)))

    def _refusal(self, slot: int, asked: m.NetworkConnectionProfile) -> tuple[str, str]:
        if slot not in SLOTS:  # B09.FR.05
            return "InvalidConfSlot", f"slot {slot} is not one of {', '.join(map(str, SLOTS))}"
        why = self._impossible(asked)
        if why:  # B09.FR.02
            return "InvalidNetworkConf", why
        why = self._downgrade(asked.security_profile)
        return ("NoSecurityDowngrade", why) if why else ("", "")

    def _impossible(self, asked: m.NetworkConnectionProfile) -> str:
        """What this station cannot do: modem and tunnel belong to the system below, which routes as it was set up."""
        if asked.ocpp_transport != "JSON":
            return f"ocppTransport {asked.ocpp_transport} is not spoken; there is JSON"
        if PROTOCOLS.get(asked.ocpp_version or "OCPP20") not in self._setup.protocols:
            return f"ocppVersion {asked.ocpp_version} is not spoken; there are {', '.join(self._setup.protocols)}"
        if asked.ocpp_interface not in (*self._setup.interfaces, "Any"):
            return f"ocppInterface {asked.ocpp_interface} is not here; there are {', '.join(self._setup.interfaces)}"
        if asked.apn is not None or asked.vpn is not None:
            return "apn and vpn cannot be set from here"
        if asked.message_timeout < 1:
            return f"messageTimeout {asked.message_timeout} is not positive"
        return url_objection(asked.ocpp_csms_url, asked.security_profile)

    def _downgrade(self, wanted: int) -> str:
        """A less secure profile is taken only where that is allowed, and profile 1 never (B09.FR.04, B09.FR.31)."""
        active = self._security_profile()
        if wanted >= active or (wanted > 1 and self.desk.model[ALLOW_SECURITY_PROFILE_DOWNGRADE]):
            return ""
        return f"security profile {wanted} is lower than {active}"

    # ---- B10: which slots are tried, in which order ----

    def _objection(self, priority: tuple[str, ...]) -> str:
        """B10.FR.02, A05.FR.02, A05.FR.03, A05.FR.08 to A05.FR.10."""
        if not priority or len(set(priority)) < len(priority):
            return f"{NETWORK_CONFIGURATION_PRIORITY} names every slot once, and at least one"
        for slot in priority:
            profile = self._slots.get(int(slot))
            if profile is None:
                return f"slot {slot} holds no profile"
            if profile.security_profile == 3 and not self.has_own_certificate():
                return f"slot {slot}: there is no certificate of the station for security profile 3"
            if self._lacks_root(profile):
                return f"slot {slot}: there is no root of the CSMS for security profile {profile.security_profile}"
            why = self._downgrade(profile.security_profile)
            if why:
                return f"slot {slot}: {why}"
        return ""

    def _lacks_root(self, profile: NetworkProfile) -> bool:
        """A05.FR.02: an upgrade to TLS that could trust nobody."""
        if profile.security_profile < 2 or profile.security_profile <= self._security_profile():
            return False
        return not self._setup.has_root and not self.has_installed_root()

    def remember(self, records: Mapping[str, bytes], now: Now) -> None:
        """What is stored wins, unless the station was provisioned anew since: then that is where it goes."""
        self.desk.model.restrict(NETWORK_CONFIGURATION_PRIORITY, self._objection)  # the stored list came before
        if GOOD in records:
            self._good = self.desk.read_record(GOOD, records[GOOD], Good)
        if self._good is not None and self._good.factory != self._setup.factory and self._setup.factory is not None:
            self._forget(records)
            return self._use()
        for key, value in records.items():
            if key.startswith(PROFILE):
                self._take(key, value)
        if self._good is not None:
            self._active = self._good.profile
        return self._use()

    def _take(self, key: str, value: bytes) -> None:
        slot = key.removeprefix(PROFILE)
        if value == b"null":
            self._slots.pop(int(slot), None)
            return
        profile = self.desk.read_record(key, value, NetworkProfile)
        if profile is not None and profile.slot in SLOTS:
            self._slots[profile.slot] = profile

    def _forget(self, records: Mapping[str, bytes]) -> None:
        self._good = None
        for key in records:
            if key.startswith("network/"):
                self.desk.tell(KeepRecord(key, None))
        self._prefer((str(FACTORY_SLOT),))

    def _use(self) -> None:
        priority = (int(slot) for slot in self.desk.model[NETWORK_CONFIGURATION_PRIORITY])
        entries = tuple(self._slots[slot] for slot in priority if slot in self._slots)
        self._used = entries or tuple(self._slots.values())
        self._tell()

    def _tell(self) -> None:
        if self._used:
            self.desk.tell(UseNetwork(self._used, None if self._good is None else self._good.profile))

    def _prefer(self, priority: tuple[str, ...]) -> None:
        if priority and priority != self.desk.model[NETWORK_CONFIGURATION_PRIORITY]:
            self.desk.model.set(NETWORK_CONFIGURATION_PRIORITY, priority)

    # ---- the connection stands ----

    def link_opened(self, event: LinkOpened, now: Now) -> None:
        """Which profile it stands on: behind another one than before nobody knows us (B10.FR.10)."""
        candidates = (*self._used, *([self._good.profile] if self._good is not None else []))
        profile = next((each for each in candidates if (each.slot, each.url) == (event.slot, event.url)), None)
        if self._stood is not None and profile != self._stood:
            self.desk.registration = None
        if profile is not None:
            self._stood = self._active = profile
            self._time_out_as(profile)

    incoming = {LinkOpened: link_opened}

    def accepted(self, fact: CameOnline, now: Now) -> None:
        """It works: a CSMS that takes the connection and not the station is none to come back to."""
        if self._stood is not None:
            self._keep_good(Good(self._stood, self._setup.factory))
            self._drop_lower_than(self._stood.security_profile)

    def password_changed(self, fact: PasswordChanged, now: Now) -> None:
        """The new one counts for every slot, as 2.1 says it (B09.FR.27 there); what is in use knows it already."""
        self._own_passwords = False
        for slot, profile in self._slots.items():
            if profile.password is not None:
                self._keep_slot(slot, replace(profile, password=None))
        if self._good is not None:
            self._keep_good(self._good)

    facts = {CameOnline: accepted, PasswordChanged: password_changed}

    def _keep_good(self, good: Good) -> None:
        if not self._own_passwords:
            good = Good(replace(good.profile, password=None), good.factory)
        if good != self._good:
            self._good = good
            self.desk.tell(KeepRecord(GOOD, msgspec.json.encode(good)))

    def _time_out_as(self, profile: NetworkProfile) -> None:
        """The profile says how long a call waits; the provisioned one leaves it as it was delivered."""
        if profile.message_timeout_s is not None:
            self.desk.model.set(MESSAGE_TIMEOUT, profile.message_timeout_s)
        elif any(each.message_timeout_s is not None for each in self._slots.values()):
            self.desk.model.reset(Spot(MESSAGE_TIMEOUT.component, MESSAGE_TIMEOUT.name, MESSAGE_TIMEOUT.instance))

    def _drop_lower_than(self, security_profile: int) -> None:
        """What is less secure than what works is not tried any more: who cuts TLS gains nothing (A05.FR.06)."""
        lower = [slot for slot, profile in self._slots.items() if profile.security_profile < security_profile]
        kept = tuple(profile for profile in self._used if profile.security_profile >= security_profile)
        for slot in lower:
            self._keep_slot(slot, None)
        if lower:
            self._prefer(tuple(x for x in self.desk.model[NETWORK_CONFIGURATION_PRIORITY] if int(x) in self._slots))
        if kept != self._used:
            self._used = kept
            self._tell()


def url_objection(url: str, security_profile: int) -> str:
    """Why this is no endpoint of a CSMS for this security profile; nothing where it is one."""
    scheme, schemes = "wss" if security_profile >= 2 else "ws", ("ws://", "wss://")
    try:
        parts = urlsplit(url)
        sound = bool(parts.hostname) and (parts.port is None or parts.port > 0) and url.isascii() and url.isprintable()
    except ValueError:
        sound = False
    if not sound or " " in url or not url.lower().startswith(schemes):
        return "ocppCsmsUrl is no URL of a CSMS; expected ws://HOST[:PORT]/PATH or wss://..."
    if "?" in url or "#" in url or parts.username is not None:  # the identity comes behind the path
        return "ocppCsmsUrl ends with its path and names no user"
    if security_profile > 3:
        return f"securityProfile {security_profile} is not one of 0, 1, 2, 3"
    return "" if parts.scheme == scheme else f"securityProfile {security_profile} wants {scheme}://"
