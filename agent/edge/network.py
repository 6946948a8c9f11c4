"""The way to the CSMS: one connection at a time, by the profile that is asked for, and a cable that a test can pull."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from msgspec.structs import replace

from agent.edge.websocket import CsmsSocket, Target, check_url
from agent.errors import told_of
from agent.vocabulary.values import NetworkProfile

log = logging.getLogger(__name__)

MAX_FRAME_BYTES = 1 << 20


class Listener(Protocol):
    """Who is told what the connection does."""

    def receive_opened(self, subprotocol: str | None) -> None: ...

    def receive_frame(self, frame: str | bytes) -> None: ...

    def receive_pong(self) -> None: ...

    def receive_closed(self, reason: str) -> None: ...

    def receive_alarm(self, type: str, reason: str) -> None: ...


class Network:
    """Obeys the loop: connect, send, ping, close.

    Args:
        target: where the CSMS is and as whom to connect, as the station was provisioned.
        context: makes the TLS context of a profile, when it is wanted.
        tasks: where attempts to connect run.

    """

    def __init__(
        self,
        target: Target | None,
        context: Callable[[NetworkProfile | None], ssl.SSLContext] | None,
        tasks: asyncio.TaskGroup,
    ) -> None:
        self.target = self._provisioned = target
        self._make_context = context
        self._tasks = tasks
        self._socket: CsmsSocket | None = None
        self._attempt: asyncio.Task[None] | None = None
        self.listener: Listener | None = None
        self._password, self._over_slots = "", False
        self.cable_in = True
        self.attempted = asyncio.Event()

    def use_password(self, password: str, *, over_slots: bool) -> None:
        """From the next attempt on; an empty one is the provisioned one.

        Args:
            password: what is set for all profiles.
            over_slots: whether it is newer than those of the profiles.

        """
        self._password, self._over_slots = password, over_slots

    def _target_by(self, profile: NetworkProfile | None) -> Target | None:
        if profile is None:
            return self._provisioned
        own = None if self._over_slots else profile.password
        common = self._password if profile.security_profile in (1, 2) else None
        return target_by(replace(profile, password=own or common or None), self._provisioned)

    def connect(self, profile: NetworkProfile | None = None) -> None:
        """Try once, by this profile; the outcome comes to the listener."""
        before = self.target
        self.target = target = self._target_by(profile)
        if profile is not None and (before is None or before.url != profile.url):
            log.info("= by the network profile of slot %d: %s", profile.slot, profile.url)
        refusal = self._refusal(target, profile)
        if target is None or refusal:
            asyncio.get_running_loop().call_soon(self._closed, None, refusal)
            return
        assert self.listener is not None
        self._socket = socket = CsmsSocket(
            target,
            on_open=self._opened,
            on_text=self.listener.receive_frame,
            on_pong=self.listener.receive_pong,
            on_close=lambda reason: self._closed(socket, reason),
            max_size=MAX_FRAME_BYTES,
        )
        self._attempt = self._tasks.create_task(self._connect(socket, profile))

    def _refusal(self, target: Target | None, profile: NetworkProfile | None) -> str:
        """What speaks against trying."""
        if target is None:
            return "no CSMS is configured"
        try:
            check_url(target.url)
        except ValueError as error:
            return str(error)
        if not self.cable_in:
            return "the network cable is out"
        if profile is not None and profile.security_profile >= 2 and not target.url.lower().startswith("wss:"):
            return f"security profile {profile.security_profile} wants wss://, not {target.url}"
        return ""

    async def _connect(self, socket: CsmsSocket, profile: NetworkProfile | None) -> None:
        try:
            await self._try(socket, profile)
        except Exception as error:  # the group that it runs in would end with it, and the station with the group
            log.error("! defect: %s", told_of(error))
            log.debug("traceback", exc_info=True)
            socket.abort()
            self._closed(socket, f"a defect of the agent: {type(error).__name__}")

    async def _try(self, socket: CsmsSocket, profile: NetworkProfile | None) -> None:
        try:
            context = self._make_context(profile) if socket.secure and self._make_context else None
        except (OSError, ssl.SSLError) as error:
            self._closed(socket, f"TLS cannot be set up: {error}")
            return
        await socket.connect(context)

    def send(self, text: str) -> None:
        """Send a text on the open connection."""
        if self._socket is not None:
            self._socket.send(text)

    def ping(self) -> None:
        """Send a ping."""
        if self._socket is not None:
            self._socket.ping()

    def close(self, reason: str) -> None:
        """Give the connection up."""
        if self._socket is not None:
            self._socket.close(reason)

    def check_certificate(self, wall: datetime) -> None:
        """The time of day became known while connected: now the CSMS's certificate can be judged by it."""
        certificate = None if self._socket is None else self._socket.certificate()
        if certificate is not None:
            from agent.edge.tls import out_of_date

            reason = out_of_date(certificate, wall)
            if reason is not None:
                if self.listener is not None:
                    self.listener.receive_alarm("InvalidCsmsCertificate", reason)
                self.close(reason)

    def cut(self) -> None:
        """As when the power or the cable goes: no farewell."""
        socket, self._socket = self._socket, None
        if self._attempt is not None:
            self._attempt.cancel()
        if socket is not None:
            socket.abort()

    def plug(self, cable_in: bool) -> None:
        """Cable in or out; the back-off goes on as it was."""
        was_open = self._socket is not None
        self.cable_in = cable_in
        if not cable_in and was_open:
            self.cut()
            if self.listener is not None:
                self.listener.receive_closed("the network cable is out")

    def _opened(self, subprotocol: str | None) -> None:
        if self.listener is not None:
            self.listener.receive_opened(subprotocol)
        self.attempted.set()

    def _closed(self, socket: CsmsSocket | None, reason: str) -> None:
        if socket is not self._socket:
            return
        self._socket = None
        self.attempted.set()
        if self._attempt is not None:
            self._attempt.cancel()
        if self.listener is not None:
            if socket is not None and socket.alarm:
                self.listener.receive_alarm(socket.alarm, reason)
            self.listener.receive_closed(reason)


def target_by(profile: NetworkProfile, provisioned: Target | None) -> Target:
    """Where this profile leads; what it leaves open is as the station was provisioned."""
    like = provisioned or Target(profile.url, "CS001")
    return replace(
        like,
        url=profile.url,
        identity=profile.identity or like.identity,
        subprotocols=like.subprotocols if profile.protocol is None else (profile.protocol,),
        password=None if profile.security_profile == 3 else profile.password or like.password,
    )
