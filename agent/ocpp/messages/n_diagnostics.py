"""Block N, diagnostics: logs, monitors, events, customer information, event streams.  No behaviour."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from agent.ocpp.messages.base import (
    In21,
    In201,
    Message,
    Natural,
    NonNegative,
    OneOrMore,
    Request,
    Response,
    Since21,
    Time,
    Unconfirmed,
)
from agent.ocpp.messages.common import (
    CertificateHashData,
    Component,
    ComponentVariable,
    GenericDeviceModelStatus,
    GenericStatus,
    IdToken,
    StatusInfo,
    String36,
    String50,
    String64,
    String255,
    String500,
    String512,
    String2000,
    String2500,
    Variable,
)

ClearMonitoringStatus = Literal["Accepted", "Rejected", "NotFound"]

CustomerInformationStatus = Literal["Accepted", "Rejected", "Invalid"]

EventNotification = Literal["HardWiredNotification", "HardWiredMonitor", "PreconfiguredMonitor", "CustomMonitor"]

EventTrigger = Literal["Alerting", "Delta", "Periodic"]

Log = Annotated[Literal["DiagnosticsLog", "SecurityLog", "DataCollectorLog"], Since21("DataCollectorLog")]

LogStatus = Literal["Accepted", "Rejected", "AcceptedCanceled"]

Monitor = Annotated[
    Literal[
        "UpperThreshold",
        "LowerThreshold",
        "Delta",
        "Periodic",
        "PeriodicClockAligned",
        "TargetDelta",
        "TargetDeltaRelative",
    ],
    Since21("TargetDelta", "TargetDeltaRelative"),
]

MonitoringBase = Literal["All", "FactoryDefault", "HardWiredOnly"]

MonitoringCriterion = Literal["ThresholdMonitoring", "DeltaMonitoring", "PeriodicMonitoring"]

SetMonitoringStatus = Literal[
    "Accepted", "UnknownComponent", "UnknownVariable", "UnsupportedMonitorType", "Rejected", "Duplicate"
]

UploadLogStatus = Literal[
    "BadMessage",
    "Idle",
    "NotSupportedOperation",
    "PermissionDenied",
    "Uploaded",
    "UploadFailure",
    "Uploading",
    "AcceptedCanceled",
]


class ClearMonitoringResult(Message, frozen=True):
    status: ClearMonitoringStatus
    id: Natural
    status_info: StatusInfo | None = None


class EventData(Message, frozen=True):
    event_id: Natural
    timestamp: Time
    trigger: EventTrigger
    actual_value: String2500
    component: Component
    event_notification_type: EventNotification
    variable: Variable
    cause: Natural | None = None
    tech_code: String50 | None = None
    tech_info: String500 | None = None
    cleared: bool | None = None
    transaction_id: String36 | None = None
    variable_monitoring_id: Natural | None = None
    severity: Annotated[NonNegative | None, Since21] = None


class LogParameters(Message, frozen=True):
    remote_location: Annotated[String2000, In201(max_length=512)]
    oldest_timestamp: Time | None = None
    latest_timestamp: Time | None = None


class PeriodicEventStreamParams(Message, frozen=True):
    interval: NonNegative | None = None
    values: NonNegative | None = None


class SetMonitoringResult(Message, frozen=True):
    status: SetMonitoringStatus
    type: Monitor
    component: Component
    variable: Variable
    severity: Natural
    id: Natural | None = None
    status_info: StatusInfo | None = None


class StreamDataElement(Message, frozen=True):
    t: float
    v: String2500


class VariableMonitoring(Message, frozen=True):
    id: Natural
    transaction: bool
    value: float
    type: Monitor
    severity: Natural
    event_notification_type: Annotated[EventNotification | None, Since21, In21(required=True)] = None


class ConstantStreamData(Message, frozen=True):
    id: NonNegative
    params: PeriodicEventStreamParams
    variable_monitoring_id: NonNegative


class MonitoringData(Message, frozen=True):
    component: Component
    variable: Variable
    variable_monitoring: OneOrMore[VariableMonitoring]


class SetMonitoringData(Message, frozen=True):
    value: float
    type: Monitor
    severity: Natural
    component: Component
    variable: Variable
    id: Natural | None = None
    periodic_event_stream: Annotated[PeriodicEventStreamParams | None, Since21] = None
    transaction: bool | None = None


class AdjustPeriodicEventStreamResponse(Response, frozen=True):
    action = "AdjustPeriodicEventStream"

    status: GenericStatus
    status_info: StatusInfo | None = None


class AdjustPeriodicEventStreamRequest(Request, frozen=True):
    """Sent by the CSMS."""

    action = "AdjustPeriodicEventStream"
    response = AdjustPeriodicEventStreamResponse

    id: NonNegative
    params: PeriodicEventStreamParams


class ClearVariableMonitoringResponse(Response, frozen=True):
    action = "ClearVariableMonitoring"

    clear_monitoring_result: OneOrMore[ClearMonitoringResult]


class ClearVariableMonitoringRequest(Request, frozen=True):
    """Sent by the CSMS."""

    action = "ClearVariableMonitoring"
    response = ClearVariableMonitoringResponse

    id: OneOrMore[Natural]


class ClosePeriodicEventStreamResponse(Response, frozen=True):
    action = "ClosePeriodicEventStream"


class ClosePeriodicEventStreamRequest(Request, frozen=True):
    """Sent by the station."""

    action = "ClosePeriodicEventStream"
    response = ClosePeriodicEventStreamResponse

    id: NonNegative


class CustomerInformationResponse(Response, frozen=True):
    action = "CustomerInformation"

    status: CustomerInformationStatus
    status_info: StatusInfo | None = None


class CustomerInformationRequest(Request, frozen=True):
    """Sent by the CSMS."""

    action = "CustomerInformation"
    response = CustomerInformationResponse

    request_id: Natural
    report: bool
    clear: bool
    customer_certificate: CertificateHashData | None = None
    id_token: IdToken | None = None
    customer_identifier: String64 | None = None


class GetLogResponse(Response, frozen=True):
    action = "GetLog"

    status: LogStatus
    status_info: StatusInfo | None = None
    filename: String255 | None = None


class GetLogRequest(Request, frozen=True):
    """Sent by the CSMS."""

    action = "GetLog"
    response = GetLogResponse

    log: LogParameters
    log_type: Log
    request_id: int
    retries: Natural | None = None
    retry_interval: int | None = None


class GetMonitoringReportResponse(Response, frozen=True):
    action = "GetMonitoringReport"

    status: GenericDeviceModelStatus
    status_info: StatusInfo | None = None


class GetMonitoringReportRequest(Request, frozen=True):
    """Sent by the CSMS."""

    action = "GetMonitoringReport"
    response = GetMonitoringReportResponse

    request_id: int
    component_variable: OneOrMore[ComponentVariable] | None = None
    monitoring_criteria: Annotated[OneOrMore[MonitoringCriterion], Meta(max_length=3)] | None = None


class GetPeriodicEventStreamResponse(Response, frozen=True):
    action = "GetPeriodicEventStream"

    constant_stream_data: OneOrMore[ConstantStreamData] | None = None


class GetPeriodicEventStreamRequest(Request, frozen=True):
    """Sent by the CSMS."""

    action = "GetPeriodicEventStream"
    response = GetPeriodicEventStreamResponse


class LogStatusNotificationResponse(Response, frozen=True):
    action = "LogStatusNotification"


class LogStatusNotificationRequest(Request, frozen=True):
    """Sent by the station."""

    action = "LogStatusNotification"
    response = LogStatusNotificationResponse

    status: UploadLogStatus
    request_id: int | None = None
    status_info: Annotated[StatusInfo | None, Since21] = None


class NotifyCustomerInformationResponse(Response, frozen=True):
    action = "NotifyCustomerInformation"


class NotifyCustomerInformationRequest(Request, frozen=True):
    """Sent by the station."""

    action = "NotifyCustomerInformation"
    response = NotifyCustomerInformationResponse

    data: String512
    seq_no: Natural
    generated_at: Time
    request_id: Natural
    tbc: bool | None = None


class NotifyEventResponse(Response, frozen=True):
    action = "NotifyEvent"


class NotifyEventRequest(Request, frozen=True):
    """Sent by the station."""

    action = "NotifyEvent"
    response = NotifyEventResponse

    generated_at: Time
    seq_no: Natural
    event_data: OneOrMore[EventData]
    tbc: bool | None = None


class NotifyMonitoringReportResponse(Response, frozen=True):
    action = "NotifyMonitoringReport"


class NotifyMonitoringReportRequest(Request, frozen=True):
    """Sent by the station."""

    action = "NotifyMonitoringReport"
    response = NotifyMonitoringReportResponse

    request_id: int
    seq_no: Natural
    generated_at: Time
    monitor: OneOrMore[MonitoringData] | None = None
    tbc: bool | None = None


class NotifyPeriodicEventStream(Unconfirmed, frozen=True):
    """Sent by the station."""

    action = "NotifyPeriodicEventStream"

    data: OneOrMore[StreamDataElement]
    id: NonNegative
    pending: NonNegative
    basetime: Time


class OpenPeriodicEventStreamResponse(Response, frozen=True):
    action = "OpenPeriodicEventStream"

    status: GenericStatus
    status_info: StatusInfo | None = None


class OpenPeriodicEventStreamRequest(Request, frozen=True):
    """Sent by the station."""

    action = "OpenPeriodicEventStream"
    response = OpenPeriodicEventStreamResponse

    constant_stream_data: ConstantStreamData


class SetMonitoringBaseResponse(Response, frozen=True):
    action = "SetMonitoringBase"

    status: GenericDeviceModelStatus
    status_info: StatusInfo | None = None


class SetMonitoringBaseRequest(Request, frozen=True):
    """Sent by the CSMS."""

    action = "SetMonitoringBase"
    response = SetMonitoringBaseResponse

    monitoring_base: MonitoringBase


class SetMonitoringLevelResponse(Response, frozen=True):
    action = "SetMonitoringLevel"

    status: GenericStatus
    status_info: StatusInfo | None = None


class SetMonitoringLevelRequest(Request, frozen=True):
    """Sent by the CSMS."""

    action = "SetMonitoringLevel"
    response = SetMonitoringLevelResponse

    severity: Natural


class SetVariableMonitoringResponse(Response, frozen=True):
    action = "SetVariableMonitoring"

    set_monitoring_result: OneOrMore[SetMonitoringResult]


class SetVariableMonitoringRequest(Request, frozen=True):
    """Sent by the CSMS."""

    action = "SetVariableMonitoring"
    response = SetVariableMonitoringResponse

    set_monitoring_data: OneOrMore[SetMonitoringData]
