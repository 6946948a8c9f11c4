"""Block D: the CSMS installs and changes the local authorization list.  Does not know who looks into it."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from agent.blocks.base import NO_ROOM, Block, entry_of, token_of
from agent.model.catalogue import (
    LOCAL_LIST_AVAILABLE,
    LOCAL_LIST_BYTES_PER_MESSAGE,
    LOCAL_LIST_ENABLED,
    LOCAL_LIST_ITEMS_PER_MESSAGE,
)
from agent.ocpp.messages import d_local_auth_list as m
from agent.ocpp.messages.common import StatusInfo
from agent.session.local_list import ListState
from agent.session.tokens import Entry, key_of
from agent.vocabulary.commands import Answer, ChangeLocalList, KeepRecord
from agent.vocabulary.incoming import TokenNoted
from agent.vocabulary.values import Now

STATE = "local-list/state"


class UpdateFailed(Exception):
    """The list stays as it was; the reason is one of the appendix' reason codes."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class LocalAuthList(Block):
    """Every update is one commit: all of it, with its version, or nothing (D01.FR.10)."""

    letter = "D"

    def remember(self, records: Mapping[str, bytes], now: Now) -> None:
        record = records.get(STATE)
        state = None if record is None else self.desk.read_record(STATE, record, ListState)
        if state is not None:
            self.desk.local_list.state = state

    def send(self, request: m.SendLocalListRequest, now: Now) -> m.SendLocalListResponse | None:
        """Stored before it is answered; after a Failed the CSMS sends the whole list (D01.FR.02)."""
        differential = request.update_type == "Differential"
        if self.enabled and differential and 0 < request.version_number <= self.desk.local_list.state.version:
            return m.SendLocalListResponse(status="VersionMismatch")  # D01.FR.19
        try:
            change = self._change(request)
        except UpdateFailed as failed:
            info = StatusInfo(reason_code=failed.reason, additional_info=str(failed))
            return m.SendLocalListResponse(status="Failed", status_info=info)
        self._tell(change)
        unkept = m.SendLocalListResponse(status="Failed", status_info=NO_ROOM)
        self.desk.tell(Answer(self.desk.message_id, m.SendLocalListResponse(status="Accepted"), unless_stored=unkept))
        return None

    def version(self, request: m.GetLocalListVersionRequest, now: Now) -> m.GetLocalListVersionResponse:
        version = self.desk.local_list.state.version if self.enabled else 0  # D02.FR.01, D02.FR.03
        return m.GetLocalListVersionResponse(version_number=version)

    calls = {m.SendLocalListRequest: send, m.GetLocalListVersionRequest: version}

    def note(self, event: TokenNoted, now: Now) -> None:
        """The service port puts an entry into the list; a list that was never installed becomes version 1."""
        if event.where != "list":
            return
        local_list = self.desk.local_list
        entry = Entry(status=event.status, group=event.group)
        change = local_list.differential(max(local_list.state.version, 1), {key_of(event.token): entry})
        if change is not None:
            self._tell(change)

    incoming = {TokenNoted: note}

    @property
    def enabled(self) -> bool:
        """Whether there is a list, and it is in use."""
        return self.desk.model[LOCAL_LIST_AVAILABLE] and self.desk.model[LOCAL_LIST_ENABLED]

    def _change(self, request: m.SendLocalListRequest) -> ChangeLocalList:
        self._check(request)
        entries = entries_in(request)
        local_list, version = self.desk.local_list, request.version_number
        if request.update_type == "Full":  # D01.FR.04, D01.FR.15
            change = local_list.full(version, {key: entry for key, entry in entries.items() if entry is not None})
        else:  # D01.FR.05, D01.FR.16, D01.FR.17
            change = local_list.differential(version, entries)
        if change is None:
            raise UpdateFailed("OutOfStorage", "the list would be larger than Entries or Storage allow")
        return change

    def _check(self, request: m.SendLocalListRequest) -> None:
        items = request.local_authorization_list or ()
        most_items = self.desk.model[LOCAL_LIST_ITEMS_PER_MESSAGE]
        most_bytes = self.desk.model[LOCAL_LIST_BYTES_PER_MESSAGE]
        if not self.enabled:
            raise UpdateFailed("NotEnabled", "LocalAuthListCtrlr.Enabled is false")
        if not self.desk.disk_works:  # where the list is
            raise UpdateFailed("InternalError", "the disk refuses writes")
        if request.version_number <= 0:  # D01.FR.18
            raise UpdateFailed("InvalidValue", f"versionNumber {request.version_number}: must be greater than 0")
        if len(items) > most_items:  # D01.FR.11
            raise UpdateFailed("TooManyElements", f"{len(items)} items; at most {most_items} in one message")
        if len(msgspec.json.encode(request)) > most_bytes:  # D01.FR.11
            raise UpdateFailed("TooLargeElement", f"more than {most_bytes} bytes in one message")

    def _tell(self, change: ChangeLocalList) -> None:
        self.desk.tell(change)
        self.desk.tell(KeepRecord(STATE, msgspec.json.encode(self.desk.local_list.state)))


def entries_in(request: m.SendLocalListRequest) -> dict[bytes, Entry | None]:
    """The entries of a message, by key.

    Raises:
        UpdateFailed: an identifier is there twice (D01.FR.06), or a full list says nothing of one.

    """
    entries: dict[bytes, Entry | None] = {}
    for number, item in enumerate(request.local_authorization_list or ()):
        key = key_of(token_of(item.id_token))
        if key in entries:
            raise UpdateFailed("InvalidValue", f"localAuthorizationList[{number}]: the same idToken twice")
        if item.id_token_info is None and request.update_type == "Full":
            raise UpdateFailed("MissingParam", f"localAuthorizationList[{number}]: no idTokenInfo in a full list")
        entries[key] = None if item.id_token_info is None else entry_of(item.id_token_info)
    return entries
