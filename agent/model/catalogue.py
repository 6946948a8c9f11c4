"""The variables of this station: one line each.  Every one of them is read by something; nothing here is for show.

Source: OCPP 2.0.1 Part 2, referenced components and variables; Part 4 section 8.
"""

from __future__ import annotations

from agent.model.variable import Variable

Names = Variable[tuple[str, ...]]

TX_POINTS = ("ParkingBayOccupancy", "EVConnected", "Authorized", "DataSigned", "PowerPathClosed", "EnergyTransfer")


def _comes_about(points: tuple[str, ...]) -> bool:
    """Whether one of the points comes about with every meter: few sign their values."""
    return any(point != "DataSigned" for point in points)


TX_START_POINT: Names = Variable("TxCtrlr", "TxStartPoint", ("PowerPathClosed",), choices=TX_POINTS, check=_comes_about)
TX_STOP_POINT: Names = Variable(  # DataSigned is none: erratum 2.24 of 2025-09
    "TxCtrlr",
    "TxStopPoint",
    ("EVConnected", "Authorized"),
    choices=tuple(point for point in TX_POINTS if point != "DataSigned"),
    check=bool,
)
EV_CONNECTION_TIMEOUT = Variable("TxCtrlr", "EVConnectionTimeOut", 60, "s", low=1)
STOP_TX_ON_EV_SIDE_DISCONNECT = Variable("TxCtrlr", "StopTxOnEVSideDisconnect", True)
STOP_TX_ON_INVALID_ID = Variable("TxCtrlr", "StopTxOnInvalidId", True)
MAX_ENERGY_ON_INVALID_ID = Variable("TxCtrlr", "MaxEnergyOnInvalidId", 0, "Wh", low=0)
TX_BEFORE_ACCEPTED_ENABLED = Variable("TxCtrlr", "TxBeforeAcceptedEnabled", False)

RESUMPTION_TIMEOUT = Variable("TxCtrlr", "ResumptionTimeout", 0, "s", low=0)  # of 2.1, where 2.0.1 says nothing
ALLOW_ENERGY_TRANSFER_RESUMPTION = Variable("TxCtrlr", "AllowEnergyTransferResumption", True)

ALLOW_NEW_SESSIONS_PENDING_UPDATE = Variable("ChargingStation", "AllowNewSessionsPendingFirmwareUpdate", False)
MINIMUM_STATUS_DURATION = Variable("ChargingStation", "MinimumStatusDuration", 0, "s", low=0, high=3600)
HEARTBEAT_INTERVAL = Variable("OCPPCommCtrlr", "HeartbeatInterval", 300, "s", low=1)
FILE_TRANSFER_PROTOCOLS: Names = Variable(
    "OCPPCommCtrlr",
    "FileTransferProtocols",
    ("HTTP", "HTTPS", "FTP", "FTPS"),
    choices=("HTTP", "HTTPS", "FTP", "FTPS"),
    mutability="ReadOnly",
)
MESSAGE_TIMEOUT = Variable("OCPPCommCtrlr", "MessageTimeout", 30, "s", low=1, instance="Default", mutability="ReadOnly")
MESSAGE_ATTEMPTS = Variable("OCPPCommCtrlr", "MessageAttempts", 3, low=1, instance="TransactionEvent")
MESSAGE_ATTEMPT_INTERVAL = Variable(
    "OCPPCommCtrlr", "MessageAttemptInterval", 60, "s", low=0, instance="TransactionEvent"
)
OFFLINE_THRESHOLD = Variable("OCPPCommCtrlr", "OfflineThreshold", 60, "s", low=0)
RETRY_BACK_OFF_REPEAT_TIMES = Variable("OCPPCommCtrlr", "RetryBackOffRepeatTimes", 5, low=0, high=16)
RETRY_BACK_OFF_RANDOM_RANGE = Variable("OCPPCommCtrlr", "RetryBackOffRandomRange", 10, "s", low=0)
RETRY_BACK_OFF_WAIT_MINIMUM = Variable("OCPPCommCtrlr", "RetryBackOffWaitMinimum", 5, "s", low=1)
WEB_SOCKET_PING_INTERVAL = Variable("OCPPCommCtrlr", "WebSocketPingInterval", 60, "s", low=0)
ACTIVE_NETWORK_PROFILE = Variable("OCPPCommCtrlr", "ActiveNetworkProfile", 1, mutability="ReadOnly")
NETWORK_CONFIGURATION_PRIORITY: Names = Variable(
    "OCPPCommCtrlr",
    "NetworkConfigurationPriority",
    ("1",),
    choices=("1", "2", "3"),
    data_type="SequenceList",
    reboot=True,
)
NETWORK_PROFILE_CONNECTION_ATTEMPTS = Variable("OCPPCommCtrlr", "NetworkProfileConnectionAttempts", 3, low=1)
RESET_RETRIES = Variable("OCPPCommCtrlr", "ResetRetries", 1, low=0, high=10)
UNLOCK_ON_EV_SIDE_DISCONNECT = Variable("OCPPCommCtrlr", "UnlockOnEVSideDisconnect", True)

IDENTITY = Variable("SecurityCtrlr", "Identity", "", high=48, mutability="ReadOnly")
SECURITY_PROFILE = Variable("SecurityCtrlr", "SecurityProfile", 0, high=3, mutability="ReadOnly")
CERTIFICATE_ENTRIES = Variable("SecurityCtrlr", "CertificateEntries", 0, high=20, mutability="ReadOnly")
ADDITIONAL_ROOT_CERTIFICATE_CHECK = Variable(  # required, and false where the feature is not there
    "SecurityCtrlr", "AdditionalRootCertificateCheck", False, mutability="ReadOnly"
)
BASIC_AUTH_PASSWORD = Variable(  # A00.FR.205 with erratum 2.1 of 2025-09: any characters that can be printed
    "SecurityCtrlr", "BasicAuthPassword", "", check=str.isprintable, low=16, high=64, mutability="WriteOnly"
)
ORGANIZATION_NAME = Variable("SecurityCtrlr", "OrganizationName", "", high=64)
MAX_CERTIFICATE_CHAIN_SIZE = Variable(
    "SecurityCtrlr", "MaxCertificateChainSize", 10_000, low=0, high=10_000, mutability="ReadOnly"
)
CERT_SIGNING_WAIT_MINIMUM = Variable("SecurityCtrlr", "CertSigningWaitMinimum", 60, "s", low=1)
CERT_SIGNING_REPEAT_TIMES = Variable("SecurityCtrlr", "CertSigningRepeatTimes", 3, low=0, high=16)
ALLOW_CSMS_TLS_WILDCARDS = Variable("SecurityCtrlr", "AllowCSMSTLSWildcards", False)
ALLOW_SECURITY_PROFILE_DOWNGRADE = Variable("SecurityCtrlr", "AllowSecurityProfileDowngrade", False)

SMART_CHARGING_AVAILABLE = Variable("SmartChargingCtrlr", "Available", True, mutability="ReadOnly")
SMART_CHARGING_ENABLED = Variable("SmartChargingCtrlr", "Enabled", True)
PROFILE_STACK_LEVEL = Variable("SmartChargingCtrlr", "ProfileStackLevel", 9, low=0, mutability="ReadOnly")
RATE_UNIT: Names = Variable(
    "SmartChargingCtrlr", "RateUnit", ("A", "W"), choices=("A", "W"), check=bool, mutability="ReadOnly"
)
PERIODS_PER_SCHEDULE = Variable(
    "SmartChargingCtrlr", "PeriodsPerSchedule", 1024, low=1, high=1024, mutability="ReadOnly"
)
CHARGING_PROFILE_ENTRIES = Variable(
    "SmartChargingCtrlr", "Entries", 0, high=50, instance="ChargingProfiles", mutability="ReadOnly"
)
NOTIFY_CHARGING_LIMIT_WITH_SCHEDULES = Variable("SmartChargingCtrlr", "NotifyChargingLimitWithSchedules", False)
LIMIT_CHANGE_SIGNIFICANCE = Variable("SmartChargingCtrlr", "LimitChangeSignificance", 1.0, "Percent", low=0, high=100)

RESERVATION_AVAILABLE = Variable("ReservationCtrlr", "Available", True, mutability="ReadOnly")
RESERVATION_ENABLED = Variable("ReservationCtrlr", "Enabled", True)
RESERVATION_NON_EVSE_SPECIFIC = Variable("ReservationCtrlr", "NonEvseSpecific", True, mutability="ReadOnly")

AUTH_ENABLED = Variable("AuthCtrlr", "Enabled", True)
AUTHORIZE_REMOTE_START = Variable("AuthCtrlr", "AuthorizeRemoteStart", False)
OFFLINE_TX_FOR_UNKNOWN_ID = Variable("AuthCtrlr", "OfflineTxForUnknownIdEnabled", False)

LOCAL_AUTHORIZE_OFFLINE = Variable("AuthCtrlr", "LocalAuthorizeOffline", True)
LOCAL_PRE_AUTHORIZE = Variable("AuthCtrlr", "LocalPreAuthorize", False)
DISABLE_REMOTE_AUTHORIZATION = Variable("AuthCtrlr", "DisableRemoteAuthorization", False)
MASTER_PASS_GROUP_ID = Variable("AuthCtrlr", "MasterPassGroupId", "", high=36)

PNC_ENABLED = Variable("ISO15118Ctrlr", "PnCEnabled", True)
CONTRACT_CERTIFICATE_INSTALLATION_ENABLED = Variable("ISO15118Ctrlr", "ContractCertificateInstallationEnabled", True)
V2G_CERTIFICATE_INSTALLATION_ENABLED = Variable("ISO15118Ctrlr", "V2GCertificateInstallationEnabled", True)
ISO15118_SECC_ID = Variable("ISO15118Ctrlr", "SeccId", "", high=64)
ISO15118_COUNTRY_NAME = Variable(
    "ISO15118Ctrlr", "CountryName", "", high=2, check=lambda text: not text or (len(text) == 2 and text.isalpha())
)
ISO15118_ORGANIZATION_NAME = Variable("ISO15118Ctrlr", "OrganizationName", "", high=64)
CENTRAL_CONTRACT_VALIDATION_ALLOWED = Variable("ISO15118Ctrlr", "CentralContractValidationAllowed", True)
CONTRACT_VALIDATION_OFFLINE = Variable("ISO15118Ctrlr", "ContractValidationOffline", False)

CACHE_AVAILABLE = Variable("AuthCacheCtrlr", "Available", True, mutability="ReadOnly")
CACHE_ENABLED = Variable("AuthCacheCtrlr", "Enabled", True)
CACHE_LIFE_TIME = Variable("AuthCacheCtrlr", "LifeTime", 30 * 86_400, "s", low=1)
CACHE_POLICY = Variable("AuthCacheCtrlr", "Policy", "LRU", choices=("LRU", "LFU", "FIFO"), data_type="OptionList")
CACHE_STORAGE = Variable("AuthCacheCtrlr", "Storage", 0, "B", high=256 << 10, mutability="ReadOnly")
CACHE_DISABLE_POST_AUTHORIZE = Variable("AuthCacheCtrlr", "DisablePostAuthorize", False)

LOCAL_LIST_AVAILABLE = Variable("LocalAuthListCtrlr", "Available", True, mutability="ReadOnly")
LOCAL_LIST_ENABLED = Variable("LocalAuthListCtrlr", "Enabled", True)
LOCAL_LIST_DISABLE_POST_AUTHORIZE = Variable("LocalAuthListCtrlr", "DisablePostAuthorize", False)
LOCAL_LIST_SUPPORTS_EXPIRY = Variable("LocalAuthListCtrlr", "SupportsExpiryDateTime", True, mutability="ReadOnly")
LOCAL_LIST_ENTRIES = Variable("LocalAuthListCtrlr", "Entries", 0, high=100_000, mutability="ReadOnly")
LOCAL_LIST_STORAGE = Variable("LocalAuthListCtrlr", "Storage", 0, "B", high=32 << 20, mutability="ReadOnly")
LOCAL_LIST_ITEMS_PER_MESSAGE = Variable("LocalAuthListCtrlr", "ItemsPerMessage", 1000, mutability="ReadOnly")
LOCAL_LIST_BYTES_PER_MESSAGE = Variable("LocalAuthListCtrlr", "BytesPerMessage", 1_000_000, mutability="ReadOnly")

TIME_ADJUSTMENT_REPORTING_THRESHOLD = Variable("ClockCtrlr", "TimeAdjustmentReportingThreshold", 20, "s", low=0)
TIME_SOURCE: Names = Variable(
    "ClockCtrlr", "TimeSource", ("Heartbeat", "NTP"), choices=("Heartbeat", "NTP"), data_type="SequenceList", check=bool
)

ACTIVE_MONITORING_LEVEL = Variable("MonitoringCtrlr", "ActiveMonitoringLevel", 9, low=0, high=9, mutability="ReadOnly")
OFFLINE_QUEUING_SEVERITY = Variable("MonitoringCtrlr", "OfflineQueuingSeverity", 4, low=0, high=9)
ACTIVE_MONITORING_BASE = Variable(
    "MonitoringCtrlr",
    "ActiveMonitoringBase",
    "FactoryDefault",
    choices=("All", "FactoryDefault", "HardWiredOnly"),
    mutability="ReadOnly",
    data_type="OptionList",
)
MONITORING_AVAILABLE = Variable("MonitoringCtrlr", "Available", True, mutability="ReadOnly")
MONITORING_ENABLED = Variable("MonitoringCtrlr", "Enabled", True)
ITEMS_PER_SET_MONITORING = Variable(
    "MonitoringCtrlr", "ItemsPerMessage", 100, instance="SetVariableMonitoring", mutability="ReadOnly"
)
BYTES_PER_SET_MONITORING = Variable(
    "MonitoringCtrlr", "BytesPerMessage", 65_536, instance="SetVariableMonitoring", mutability="ReadOnly"
)
ITEMS_PER_CLEAR_MONITORING = Variable(
    "MonitoringCtrlr", "ItemsPerMessage", 1000, instance="ClearVariableMonitoring", mutability="ReadOnly"
)
BYTES_PER_CLEAR_MONITORING = Variable(
    "MonitoringCtrlr", "BytesPerMessage", 65_536, instance="ClearVariableMonitoring", mutability="ReadOnly"
)

MEASURANDS = (
    "Current.Import",
    "Energy.Active.Export.Register",
    "Energy.Active.Import.Register",
    "Energy.Apparent.Export",
    "Energy.Apparent.Import",
    "Energy.Reactive.Export.Register",
    "Energy.Reactive.Import.Register",
    "Frequency",
    "Power.Active.Export",
    "Power.Active.Import",
    "Power.Factor",
    "Power.Reactive.Export",
    "Power.Reactive.Import",
    "SoC",
    "Voltage",
)
SAMPLED_ENABLED = Variable("SampledDataCtrlr", "Enabled", True)
SAMPLED_TX_STARTED: Names = Variable(
    "SampledDataCtrlr", "TxStartedMeasurands", ("Energy.Active.Import.Register",), choices=MEASURANDS
)
SAMPLED_TX_UPDATED: Names = Variable(
    "SampledDataCtrlr",
    "TxUpdatedMeasurands",
    ("Energy.Active.Import.Register", "Power.Active.Import", "Current.Import", "Voltage"),
    choices=MEASURANDS,
)
SAMPLED_TX_UPDATED_INTERVAL = Variable("SampledDataCtrlr", "TxUpdatedInterval", 60, "s", low=0)
SAMPLED_TX_ENDED: Names = Variable(
    "SampledDataCtrlr", "TxEndedMeasurands", ("Energy.Active.Import.Register",), choices=MEASURANDS
)
SAMPLED_TX_ENDED_INTERVAL = Variable("SampledDataCtrlr", "TxEndedInterval", 0, "s", low=0)
SAMPLED_SIGN_READINGS = Variable("SampledDataCtrlr", "SignReadings", False)
REGISTER_VALUES_WITHOUT_PHASES = Variable("SampledDataCtrlr", "RegisterValuesWithoutPhases", False)
ALIGNED_ENABLED = Variable("AlignedDataCtrlr", "Enabled", True)
ALIGNED_MEASURANDS: Names = Variable(
    "AlignedDataCtrlr", "Measurands", ("Energy.Active.Import.Register",), choices=MEASURANDS
)
ALIGNED_INTERVAL = Variable("AlignedDataCtrlr", "Interval", 0, "s", low=0, high=86_400)
ALIGNED_TX_ENDED: Names = Variable("AlignedDataCtrlr", "TxEndedMeasurands", (), choices=MEASURANDS)
ALIGNED_TX_ENDED_INTERVAL = Variable("AlignedDataCtrlr", "TxEndedInterval", 0, "s", low=0, high=86_400)
ALIGNED_SIGN_READINGS = Variable("AlignedDataCtrlr", "SignReadings", False)
ALIGNED_SEND_DURING_IDLE = Variable("AlignedDataCtrlr", "SendDuringIdle", False)

PUBLIC_KEY_WITH_SIGNED_METER_VALUE = Variable(
    "OCPPCommCtrlr",
    "PublicKeyWithSignedMeterValue",
    "OncePerTransaction",
    choices=("Never", "OncePerTransaction", "EveryMeterValue"),
    data_type="OptionList",
)

ITEMS_PER_GET_REPORT = Variable("DeviceDataCtrlr", "ItemsPerMessage", 100, instance="GetReport", mutability="ReadOnly")
ITEMS_PER_GET_VARIABLES = Variable(
    "DeviceDataCtrlr", "ItemsPerMessage", 100, instance="GetVariables", mutability="ReadOnly"
)
ITEMS_PER_SET_VARIABLES = Variable(
    "DeviceDataCtrlr", "ItemsPerMessage", 100, instance="SetVariables", mutability="ReadOnly"
)
BYTES_PER_GET_VARIABLES = Variable(
    "DeviceDataCtrlr", "BytesPerMessage", 65_536, instance="GetVariables", mutability="ReadOnly"
)
BYTES_PER_SET_VARIABLES = Variable(
    "DeviceDataCtrlr", "BytesPerMessage", 131_072, instance="SetVariables", mutability="ReadOnly"
)
BYTES_PER_GET_REPORT = Variable(
    "DeviceDataCtrlr", "BytesPerMessage", 65_536, instance="GetReport", mutability="ReadOnly"
)
CONFIGURATION_VALUE_SIZE = Variable("DeviceDataCtrlr", "ConfigurationValueSize", 1000, high=1000, mutability="ReadOnly")
REPORTING_VALUE_SIZE = Variable("DeviceDataCtrlr", "ReportingValueSize", 2500, high=2500, mutability="ReadOnly")

STATION_VARIABLES: tuple[Variable[object], ...] = tuple(
    value for value in list(globals().values()) if isinstance(value, Variable)
)
"""All of the above: there is one of each on the station."""
