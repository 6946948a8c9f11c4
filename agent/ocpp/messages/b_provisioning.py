"""Block B, provisioning: boot, variables, reports, network profiles, reset.  No behaviour."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from agent.ocpp.messages.base import In201, Message, Natural, OneOrMore, Request, Response, Since21, Time
from agent.ocpp.messages.common import (
    Component,
    ComponentVariable,
    GenericDeviceModelStatus,
    StatusInfo,
    String6,
    String16,
    String20,
    String25,
    String48,
    String50,
    String64,
    String255,
    String1000,
    String2000,
    String2500,
    Variable,
)

APNAuthentication = Literal["PAP", "CHAP", "NONE", "AUTO"]

Attribute = Literal["Actual", "Target", "MinSet", "MaxSet"]

BootReason = Literal[
    "ApplicationReset",
    "FirmwareUpdate",
    "LocalReset",
    "PowerUp",
    "RemoteReset",
    "ScheduledReset",
    "Triggered",
    "Unknown",
    "Watchdog",
]

ComponentCriterion = Literal["Active", "Available", "Enabled", "Problem"]

Data = Literal["string", "decimal", "integer", "dateTime", "boolean", "OptionList", "SequenceList", "MemberList"]

GetVariableStatus = Literal["Accepted", "Rejected", "UnknownComponent", "UnknownVariable", "NotSupportedAttributeType"]

Mutability = Literal["ReadOnly", "WriteOnly", "ReadWrite"]

OCPPInterface = Annotated[
    Literal["Wired0", "Wired1", "Wired2", "Wired3", "Wireless0", "Wireless1", "Wireless2", "Wireless3", "Any"],
    Since21("Any"),
]

OCPPTransport = Literal["SOAP", "JSON"]

OCPPVersion = Annotated[
    Literal["OCPP12", "OCPP15", "OCPP16", "OCPP20", "OCPP201", "OCPP21"], Since21("OCPP201", "OCPP21")
]

RegistrationStatus = Literal["Accepted", "Pending", "Rejected"]

ReportBase = Literal["ConfigurationInventory", "FullInventory", "SummaryInventory"]

Reset = Annotated[Literal["Immediate", "OnIdle", "ImmediateAndResume"], Since21("ImmediateAndResume")]

ResetStatus = Literal["Accepted", "Rejected", "Scheduled"]

SetNetworkProfileStatus = Literal["Accepted", "Rejected", "Failed"]

SetVariableStatus = Literal[
    "Accepted", "Rejected", "UnknownComponent", "UnknownVariable", "NotSupportedAttributeType", "RebootRequired"
]

VPNEnum = Literal["IKEv2", "IPSec", "L2TP", "PPTP"]


class APN(Message, frozen=True):
    apn: Annotated[String2000, In201(max_length=512)]
    apn_authentication: APNAuthentication
    apn_user_name: Annotated[String50, In201(max_length=20)] | None = None
    apn_password: Annotated[String64, In201(max_length=20)] | None = None
    sim_pin: int | None = None
    preferred_network: String6 | None = None
    use_only_preferred_network: bool | None = None


class GetVariableData(Message, frozen=True):
    component: Component
    variable: Variable
    attribute_type: Attribute | None = None


class GetVariableResult(Message, frozen=True):
    attribute_status: GetVariableStatus
    component: Component
    variable: Variable
    attribute_status_info: StatusInfo | None = None
    attribute_type: Attribute | None = None
    attribute_value: String2500 | None = None


class Modem(Message, frozen=True):
    iccid: String20 | None = None
    imsi: String20 | None = None


class SetVariableData(Message, frozen=True):
    attribute_value: Annotated[String2500, In201(max_length=1000)]
    component: Component
    variable: Variable
    attribute_type: Attribute | None = None


class SetVariableResult(Message, frozen=True):
    attribute_status: SetVariableStatus
    component: Component
    variable: Variable
    attribute_type: Attribute | None = None
    attribute_status_info: StatusInfo | None = None


class VPN(Message, frozen=True):
    server: Annotated[String2000, In201(max_length=512)]
    user: Annotated[String50, In201(max_length=20)]
    password: Annotated[String64, In201(max_length=20)]
    key: String255
    type: VPNEnum
    group: Annotated[String50, In201(max_length=20)] | None = None


class VariableAttribute(Message, frozen=True):
    type: Attribute | None = None
    value: String2500 | None = None
    mutability: Mutability | None = None
    persistent: bool | None = None
    constant: bool | None = None


class VariableCharacteristics(Message, frozen=True):
    data_type: Data
    supports_monitoring: bool
    unit: String16 | None = None
    min_limit: float | None = None
    max_limit: float | None = None
    max_elements: Annotated[Annotated[int, Meta(ge=1)] | None, Since21] = None
    values_list: String1000 | None = None


class ChargingStation(Message, frozen=True):
    model: String20
    vendor_name: String50
    serial_number: String25 | None = None
    modem: Modem | None = None
    firmware_version: String50 | None = None


class NetworkConnectionProfile(Message, frozen=True):
    ocpp_interface: OCPPInterface
    ocpp_transport: OCPPTransport
    message_timeout: int
    ocpp_csms_url: Annotated[String2000, In201(max_length=512)]
    security_profile: Natural
    apn: APN | None = None
    ocpp_version: Annotated[OCPPVersion | None, In201(required=True)] = None
    identity: Annotated[String48 | None, Since21] = None
    basic_auth_password: Annotated[String64 | None, Since21] = None
    vpn: VPN | None = None


class ReportData(Message, frozen=True):
    component: Component
    variable: Variable
    variable_attribute: Annotated[OneOrMore[VariableAttribute], Meta(max_length=4)]
    variable_characteristics: VariableCharacteristics | None = None


class BootNotificationResponse(Response, frozen=True):
    action = "BootNotification"

    current_time: Time
    interval: int
    status: RegistrationStatus
    status_info: StatusInfo | None = None


class BootNotificationRequest(Request, frozen=True):
    """Sent by the station."""

    action = "BootNotification"
    response = BootNotificationResponse

    charging_station: ChargingStation
    reason: BootReason


class GetBaseReportResponse(Response, frozen=True):
    action = "GetBaseReport"

    status: GenericDeviceModelStatus
    status_info: StatusInfo | None = None


class GetBaseReportRequest(Request, frozen=True):
    """Sent by the CSMS."""

    action = "GetBaseReport"
    response = GetBaseReportResponse

    request_id: int
    report_base: ReportBase


class GetReportResponse(Response, frozen=True):
    action = "GetReport"

    status: GenericDeviceModelStatus
    status_info: StatusInfo | None = None


class GetReportRequest(Request, frozen=True):
    """Sent by the CSMS."""

    action = "GetReport"
    response = GetReportResponse

    request_id: int
    component_variable: OneOrMore[ComponentVariable] | None = None
    component_criteria: Annotated[OneOrMore[ComponentCriterion], Meta(max_length=4)] | None = None


class GetVariablesResponse(Response, frozen=True):
    action = "GetVariables"

    get_variable_result: OneOrMore[GetVariableResult]


class GetVariablesRequest(Request, frozen=True):
    """Sent by the CSMS."""

    action = "GetVariables"
    response = GetVariablesResponse

    get_variable_data: OneOrMore[GetVariableData]


class NotifyReportResponse(Response, frozen=True):
    action = "NotifyReport"


class NotifyReportRequest(Request, frozen=True):
    """Sent by the station."""

    action = "NotifyReport"
    response = NotifyReportResponse

    request_id: int
    generated_at: Time
    seq_no: Natural
    report_data: OneOrMore[ReportData] | None = None
    tbc: bool | None = None


class ResetResponse(Response, frozen=True):
    action = "Reset"

    status: ResetStatus
    status_info: StatusInfo | None = None


class ResetRequest(Request, frozen=True):
    """Sent by the CSMS."""

    action = "Reset"
    response = ResetResponse

    type: Reset
    evse_id: Natural | None = None


class SetNetworkProfileResponse(Response, frozen=True):
    action = "SetNetworkProfile"

    status: SetNetworkProfileStatus
    status_info: StatusInfo | None = None


class SetNetworkProfileRequest(Request, frozen=True):
    """Sent by the CSMS."""

    action = "SetNetworkProfile"
    response = SetNetworkProfileResponse

    configuration_slot: int
    connection_data: NetworkConnectionProfile


class SetVariablesResponse(Response, frozen=True):
    action = "SetVariables"

    set_variable_result: OneOrMore[SetVariableResult]


class SetVariablesRequest(Request, frozen=True):
    """Sent by the CSMS."""

    action = "SetVariables"
    response = SetVariablesResponse

    set_variable_data: OneOrMore[SetVariableData]
