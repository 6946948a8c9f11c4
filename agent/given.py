"""What a station is given before it starts: who it is, its first values, its own components, where its CSMS is."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from agent.blocks.a_signing import SigningSetup
from agent.blocks.b_network import FACTORY_SLOT, NetworkSetup
from agent.edge.websocket import Target
from agent.errors import StartFailed
from agent.model.device import DeviceModel, Spot
from agent.model.monitors import Preset, Setting, objection_to
from agent.model.own import own_variable
from agent.model.variable import Variable
from agent.ocpp.messages.b_provisioning import ChargingStation
from agent.provision import SUBPROTOCOLS, Provision, VariableProvision
from agent.version import VERSION
from agent.vocabulary.values import NetworkProfile
from board.descriptor import Board, OwnVariable, VariableDefault

log = logging.getLogger(__name__)


def identity_of(board: Board, provision: Provision) -> ChargingStation:
    return ChargingStation(
        model=provision.model or board.station.model,
        vendor_name=provision.vendor or board.station.vendor,
        serial_number=provision.serial or board.station.serial,
        firmware_version=provision.firmware_version or VERSION,
    )


def manufacturer_roots_of(board: Board) -> tuple[str, ...]:
    """Whose firmware is taken whatever the CSMS installs, as PEM.

    Raises:
        OSError: the file that the board names cannot be read.

    """
    place = board.firmware.roots
    return () if place is None else (Path(place).read_text(encoding="ascii"),)


def defaults_of(board: Board, provision: Provision) -> dict[Spot, str]:
    defaults = {
        Spot(each.component, each.variable, each.instance, each.evse, each.connector): each.value
        for each in board.variable
    }
    for each in provision.variables or ():
        defaults[Spot(each.component, each.variable, each.instance, each.evse, each.connector)] = each.text()
    return defaults


def declare_own(board: Board, model: DeviceModel) -> None:
    """Add the components and variables of the board file to the device model.

    Raises:
        StartFailed: a description that contradicts itself, or a variable that is there already; the text has its place.

    """
    _refuse_first(faults_of_own(board, model))


def faults_of_own(board: Board, model: DeviceModel) -> Iterator[str]:
    """Add them; what is wrong with one is told with its place, and it is left out."""
    for number, component in enumerate(board.component):
        for index, each in enumerate(component.variables):
            place = f"component[{number}].variables[{index}]"
            try:
                variable = _own_variable(component.name, each)
            except ValueError as error:
                yield f"{place}.{error}"
                continue
            spot = Spot(
                component.name, each.name, each.instance, component.evse, component.connector, component.instance
            )
            if model.find(spot) is not None:
                yield f"{place}.name: {variable} is there already"
                continue
            model.declare(
                variable, evse=spot.evse, connector=spot.connector, component_instance=spot.component_instance
            )


def _refuse_first(faults: Iterator[str]) -> None:
    for fault in faults:
        raise StartFailed(fault)


def _own_variable(component: str, each: OwnVariable) -> Variable[Any]:
    return own_variable(
        component,
        each.name,
        each.type,
        value=each.value,
        unit=each.unit,
        low=each.low,
        high=each.high,
        values=each.values,
        mutability=each.mutability,
        instance=each.instance,
    )


def presets_of(board: Board) -> tuple[Preset, ...]:
    """The monitors that the board file brings along."""
    return tuple(
        Preset(
            Spot(each.component, each.variable, each.instance, each.evse, each.connector, each.component_instance),
            Setting(each.type, each.value, each.severity, each.transaction),
        )
        for each in board.monitor
    )


def check_presets(board: Board, model: DeviceModel) -> None:
    """See that every one of them can be set.

    Raises:
        StartFailed: a variable that is not there, that cannot be watched so, or that is; the text has its place.

    """
    _refuse_first(faults_of_presets(board, model))


def faults_of_presets(board: Board, model: DeviceModel) -> Iterator[str]:
    """Why monitors of the board file cannot be set, each with its place."""
    presets = presets_of(board)
    for index, preset in enumerate(presets):
        slot = model.find(preset.spot)
        if slot is None:
            status, _ = model.read(preset.spot)
            yield f"monitor[{index}]: {status} {preset.spot.component}.{preset.spot.variable}"
            continue
        objection = objection_to(slot.variable, preset.setting)
        if objection is not None:
            yield f"monitor[{index}]: {objection.text}"
        if any(preset.duplicates(other) for other in presets[:index]):
            yield f"monitor[{index}]: {slot.variable} has one of this type and severity already"


def check_defaults(board: Board, provision: Provision, model: DeviceModel) -> None:
    """See that every first value was taken: a board file is corrected, a tester may ask for more than we have.

    Raises:
        StartFailed: a variable of the board file that is not there, or a value that it cannot have.

    """
    _refuse_first(faults_of_defaults(board, model))
    for asked in provision.variables or ():
        if why := _refusal(asked, asked.text(), model):
            log.warning("! start: %s", why)
    model.take_changes()


def faults_of_defaults(board: Board, model: DeviceModel) -> Iterator[str]:
    """Why first values of the board file cannot be taken, each with its place."""
    for index, each in enumerate(board.variable):
        if why := _refusal(each, each.value, model):
            yield f"variable[{index}]: {why}"


def _refusal(asked: VariableDefault | VariableProvision, text: str, model: DeviceModel) -> str:
    spot = Spot(asked.component, asked.variable, asked.instance, asked.evse, asked.connector)
    status, why = model.write(spot, text, by_csms=False)
    taken = status in ("Accepted", "RebootRequired")
    return "" if taken else why or f"{status} {asked.component}.{asked.variable}"


def target_of(board: Board, provision: Provision) -> Target | None:
    """Where to connect; None when nobody has said."""
    url = provision.csms_url or board.csms.url
    if url is None:
        return None
    identity = provision.identity or board.csms.identity or board.station.serial or "CS001"
    protocols = SUBPROTOCOLS.get(provision.ocpp_version or "", board.csms.protocols)
    return Target(url, identity, protocols, provision.password)


def network_setup(board: Board, provision: Provision) -> NetworkSetup:
    """What the first configuration slot holds until the CSMS says something else, and what profiles may ask for."""
    target, factory = target_of(board, provision), None
    if target is not None:
        factory = NetworkProfile(FACTORY_SLOT, target.url, security_profile_of(provision, target))
    return NetworkSetup(
        factory=factory,
        identity="" if target is None else target.identity,
        interfaces=board.csms.interfaces,
        protocols=board.csms.protocols if target is None else target.subprotocols,
        has_root=provision.ca_file is not None or provision.certs_dir is not None,
        provisioned="" if target is None else sha256(f"{target.url}\n{target.password or ''}".encode()).hexdigest(),
    )


def signing_setup(board: Board, provision: Provision) -> SigningSetup:
    """Whom the certificates are for that the CSMS signs: the station, by its serial number (A00.FR.511)."""
    identity = identity_of(board, provision)
    return SigningSetup(identity.serial_number or "", identity.vendor_name, board.csms.key)


def security_profile_of(provision: Provision, target: Target) -> int:
    """As the station was provisioned, or as what it was given comes to."""
    if provision.security_profile is not None:
        return provision.security_profile
    if target.url.lower().startswith("wss:"):
        return 2 if provision.client_cert_file is None else 3
    return 0 if provision.password is None else 1
