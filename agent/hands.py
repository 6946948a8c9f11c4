"""Commands to the hardware: which part hears which.  Waits for nothing: a part keeps its last wish."""

from __future__ import annotations

import logging

from agent.edges import Hardware
from agent.vocabulary.commands import (
    ApplyIntent,
    BeginSigned,
    BringContract,
    CheckInsulation,
    ClearFault,
    Command,
    EndSigned,
    LockConnector,
    OfferSchedules,
    SampleMeter,
    SupplyDc,
    TellSupply,
    TellVehicle,
    UnlockConnector,
)
from hal.ports import PlugAndChargeSecc, SchedulingSecc

log = logging.getLogger(__name__)


class Hands:
    """The parts of a board, as commands reach them."""

    def __init__(self, hardware: Hardware) -> None:
        self._hardware = hardware

    def obey(self, command: Command) -> None:
        """Tell the part that it is about; a command that is about none is somebody else's."""
        match command:
            case ApplyIntent(evse=evse, intent=intent):
                log.debug("> %s", command)
                self._hardware.pilots[evse].apply(intent)
            case ClearFault(evse=evse):
                log.warning("> %s", command)
                self._hardware.pilots[evse].clear_fault()
                if evse in self._hardware.rcds:
                    self._hardware.rcds[evse].reset()
            case SampleMeter(evse=evse, period_s=period_s) if evse in self._hardware.meters:
                self._hardware.meters[evse].sample_every(period_s)
            case BeginSigned(evse=evse, session=session):
                self._hardware.signers[evse].begin(session)
            case EndSigned(evse=evse, session=ended):
                self._hardware.signers[evse].end(ended)
            case TellVehicle(evse=evse, intent=intent):
                self._hardware.seccs[evse].tell_vehicle(intent)
            case BringContract(evse=evse, exi=exi):
                secc = self._hardware.seccs[evse]
                if isinstance(secc, PlugAndChargeSecc):
                    secc.bring_contract(exi)
            case OfferSchedules(evse=evse, offers=offers):
                secc = self._hardware.seccs[evse]
                if isinstance(secc, SchedulingSecc):
                    secc.offer(offers)
            case SupplyDc(evse=evse, wish=wish):
                log.debug("> %s", command)
                self._hardware.supplies[evse].supply(wish)
            case TellSupply(evse=evse, supply=supply):
                self._hardware.dc_seccs[evse].tell_supply(supply)
            case CheckInsulation(evse=evse):
                self._hardware.insulation[evse].self_test()
            case LockConnector(evse=evse, connector=connector):
                self._hardware.locks[evse, connector].lock()
            case UnlockConnector(evse=evse, connector=connector):
                self._hardware.locks[evse, connector].unlock()
