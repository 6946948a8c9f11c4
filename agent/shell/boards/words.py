"""What hardware says and what a board is, in words for a technician.  Prints nothing."""

from __future__ import annotations

from collections.abc import Iterator
from re import sub

from hal.events import (
    BayChanged,
    CableRated,
    CardPresented,
    ContractCertificateAsked,
    ContractPresented,
    CpState,
    DcCapability,
    DcDemanded,
    DcOutput,
    DeviceFound,
    DeviceLost,
    EimChosen,
    Event,
    EvNeedsTold,
    EvScheduleChosen,
    HardwareFaulted,
    HardwareHealed,
    HardwareWarned,
    InsulationMeasured,
    InsulationTested,
    LockMoved,
    MeterSampled,
    PilotChanged,
    PowerChanged,
    ResidualCurrentTested,
    TemperatureMeasured,
    VehicleEnded,
)
from hal.ports import DcTraits, PilotTraits

WHERE = ("evse", "connector", "part")
PILOT_WORDS = {
    CpState.A: "no vehicle",
    CpState.B: "vehicle, not ready",
    CpState.C: "vehicle asks for power",
    CpState.D: "vehicle asks for power with ventilation",
    CpState.E: "no pilot: short to earth, or no supply",
    CpState.F: "station not available, or fault",
}


def event_words(event: Event) -> str:
    """One event in a line."""
    match event:
        case DeviceFound(detail=detail):
            return f"answers{f': {detail}' if detail else ''}"
        case DeviceLost(reason=reason):
            return f"lost: {reason}"
        case HardwareWarned(text=text):
            return f"warns: {text}"
        case HardwareFaulted(code=code, vendor_code=vendor_code, text=text):
            own = f" ({vendor_code})" if vendor_code else ""
            return f"fault {code}{own}{f': {text}' if text else ''}"
        case HardwareHealed(code=code):
            return f"fault {code} is gone"
        case PilotChanged(state=state, pwm=pwm):
            oscillator = {True: ", oscillator on", False: ", oscillator off", None: ""}[pwm]
            return f"pilot {state}: {PILOT_WORDS[state]}{oscillator}"
        case PowerChanged(closed=closed, phases=phases):
            return f"contactor {'closed' if closed else 'open'}{f', {phases} phases' if phases else ''}"
        case CableRated(limit_a=limit_a):
            return "no cable coding" if limit_a is None else f"cable for {limit_a:g} A"
        case MeterSampled():
            return f"meter: {', '.join(_reading_words(event)) or 'an empty reading'}"
    return _rarer_words(event)


def _rarer_words(event: Event) -> str:
    match event:
        case LockMoved(position=position):
            return f"lock {position}"
        case CardPresented(uid=uid, kind=kind):
            return f"{kind} token {uid}"
        case BayChanged(occupied=occupied):
            return f"bay {'occupied' if occupied else 'free'}"
        case TemperatureMeasured(spot=spot, celsius=celsius):
            return f"{spot or 'temperature'} {celsius:g} degrees Celsius"
        case ResidualCurrentTested(passed=passed, text=text):
            return f"residual current monitor: test {'passed' if passed else 'failed'}{f', {text}' if text else ''}"
        case ContractPresented(contract=contract):
            return f"vehicle pays by contract {contract.emaid}, whose chain is {contract.verdict}"
        case ContractCertificateAsked(action=action):
            return f"vehicle asks for a contract certificate ({action})"
        case EvNeedsTold(needs=needs):
            return f"vehicle can take {needs.max_a:g} A ({needs.transfer})"
        case EvScheduleChosen(schedule_id=schedule_id):
            return f"vehicle follows schedule {schedule_id}"
        case EimChosen():
            return "vehicle leaves payment to a card or an app"
        case VehicleEnded():
            return "vehicle wants no more"
    return _dc_words(event)


def _dc_words(event: Event) -> str:
    match event:
        case DcDemanded(phase=phase, voltage_v=voltage_v, current_a=current_a):
            return f"DC session: {phase.replace('_', ' ')}, wants {voltage_v:g} V, {current_a:g} A"
        case DcOutput(voltage_v=voltage_v, current_a=current_a):
            return f"output {voltage_v:g} V, {current_a:g} A"
        case DcCapability(modules=modules, min_v=min_v, max_v=max_v, max_a=max_a, max_w=max_w):
            return f"{modules} power module(s): {min_v:g} to {max_v:g} V, {max_a:g} A, {max_w / 1000:g} kW"
        case InsulationMeasured(ohm=ohm):
            return "insulation: no valid value" if ohm is None else f"insulation {ohm / 1000:g} kohm"
        case InsulationTested(passed=passed):
            return f"insulation monitor: test {'passed' if passed else 'failed'}"
    return _plain_words(event)


def _plain_words(event: Event) -> str:
    """What is rare, or of a driver of somebody else: its name and its values."""
    name = sub(r"(?<!^)(?=[A-Z])", " ", type(event).__name__).lower()
    values = {field: getattr(event, field) for field in event.__struct_fields__ if field not in WHERE}
    told = ", ".join(f"{field} {value}" for field, value in values.items() if value not in (None, "", ()))
    return f"{name}: {told}" if told else name


def _reading_words(sample: MeterSampled) -> Iterator[str]:
    for value, words in (
        (sample.import_wh, "{:.10g} Wh taken"),
        (sample.export_wh, "{:.10g} Wh given back"),
        (sample.power_w, "{:.10g} W"),
        (sample.frequency_hz, "{:g} Hz"),
        (sample.power_factor, "power factor {:g}"),
        (sample.soc_percent, "{:g} % charged"),
    ):
        if value is not None:
            yield words.format(round(value, 3))
    for values, unit in ((sample.voltage_v, "V"), (sample.current_a, "A")):
        if values:
            yield f"{' / '.join(f'{each:g}' for each in values)} {unit}"
    if sample.signed is not None:
        yield f"signed ({sample.signed.encoding})"


def silence_words(traits: PilotTraits | DcTraits) -> str:
    """What a part does by itself when its host goes silent."""
    within = "" if traits.keepalive_s is None else f" within {traits.keepalive_s:g} s of the last keep-alive"
    if isinstance(traits, DcTraits):
        return f"stops{within}" if traits.on_host_loss == "stops" else "continues as it was told last"
    if traits.on_host_loss == "stops":
        return "stops: the part opens its contactor"
    if traits.on_host_loss == "continues":
        return "continues at the current that was offered last"
    return f"goes on charging; falls to {traits.fallback_a:g} A{within}"
