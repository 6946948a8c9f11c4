"""Block D, the local authorization list.  No behaviour."""

from __future__ import annotations

from typing import Literal

from agent.ocpp.messages.base import Message, OneOrMore, Request, Response
from agent.ocpp.messages.common import IdToken, IdTokenInfo, StatusInfo

SendLocalListStatus = Literal["Accepted", "Failed", "VersionMismatch"]

Update = Literal["Differential", "Full"]


class AuthorizationData(Message, frozen=True):
    id_token: IdToken
    id_token_info: IdTokenInfo | None = None


class GetLocalListVersionResponse(Response, frozen=True):
    action = "GetLocalListVersion"

    version_number: int


class GetLocalListVersionRequest(Request, frozen=True):
    """Sent by the CSMS."""

    action = "GetLocalListVersion"
    response = GetLocalListVersionResponse


class SendLocalListResponse(Response, frozen=True):
    action = "SendLocalList"

    status: SendLocalListStatus
    status_info: StatusInfo | None = None


class SendLocalListRequest(Request, frozen=True):
    """Sent by the CSMS."""

    action = "SendLocalList"
    response = SendLocalListResponse

    version_number: int
    update_type: Update
    local_authorization_list: OneOrMore[AuthorizationData] | None = None
