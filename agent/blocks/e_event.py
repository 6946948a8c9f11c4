"""The TransactionEvent as a message: what goes into it once, and what every time.  Sends nothing, stores nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from agent.ocpp.messages import common
from agent.ocpp.messages import e_transactions as m
from agent.session.evse import Evse
from agent.session.transaction import ChargingState, Transaction
from agent.vocabulary.values import Token


def next_event(
    evse: Evse,
    transaction: Transaction,
    event_type: m.TransactionEvent,
    trigger: str,
    *,
    at: datetime,
    mono: float,
    values: tuple[common.MeterValue | None, ...] = (),
    token: Token | None = None,
) -> m.TransactionEventRequest:
    """The next message of this transaction; what may be told only once is marked as told in it."""
    state = evse.charging_state(mono)
    ending = transaction.ending
    request = m.TransactionEventRequest(
        event_type=event_type,
        timestamp=at,
        trigger_reason=cast("Any", _trigger(evse, transaction, trigger)),
        seq_no=transaction.take_seq_no(),
        transaction_info=m.Transaction(
            transaction_id=transaction.id,
            charging_state=state,
            stopped_reason=None if ending is None else cast("Any", ending.stopped_reason),
            remote_start_id=_remote_start_id(evse, transaction),
        ),
        meter_value=tuple(value for value in values if value is not None) or None,
        offline=True if ending is not None and ending.in_the_dark else None,  # E04.FR.03
        number_of_phases_used=_new_phases(evse, transaction, state),
        cable_max_current=_cable_limit(evse, transaction),
        reservation_id=_reservation_once(evse, transaction),
        evse=_evse_once(evse, transaction),
        id_token=_token_once(evse, transaction, token),
    )
    transaction.charging_state = state
    return request


def _new_phases(evse: Evse, transaction: Transaction, state: ChargingState) -> int | None:
    """When energy begins to flow, and when it flows on another number of phases (E02.FR.18, E02.FR.19)."""
    if state != "Charging" or evse.phases_used == transaction.told_phases:
        return None
    transaction.told_phases = evse.phases_used
    return evse.phases_used


def _trigger(evse: Evse, transaction: Transaction, trigger: str) -> str:
    right = evse.authorization
    if right is not None and right.remote_start_id is not None and not transaction.told_remote_start:
        return "RemoteStart"  # F01.FR.19
    return trigger


def _remote_start_id(evse: Evse, transaction: Transaction) -> int | None:
    right = evse.authorization
    if right is None or right.remote_start_id is None or transaction.told_remote_start:
        return None
    transaction.told_remote_start = True  # F01.FR.25
    return right.remote_start_id


def _reservation_once(evse: Evse, transaction: Transaction) -> int | None:
    """The next event says which reservation this transaction ends (E01.FR.13, E02.FR.03, E03.FR.03, H01.FR.15)."""
    right = evse.authorization
    if right is None or right.reservation_id is None or transaction.told_reservation:
        return None
    transaction.told_reservation = True
    return right.reservation_id


def _cable_limit(evse: Evse, transaction: Transaction) -> int | None:
    if evse.plugged is None or transaction.told_evse:
        return None
    limit_a = evse.connectors[evse.plugged].cable_limit_a
    return None if limit_a is None else int(limit_a)


def _evse_once(evse: Evse, transaction: Transaction) -> common.EVSE | None:
    """With the first event after every connection: the vehicle may come back at another connector (E01.FR.16)."""
    if evse.plugged is None or transaction.told_evse:
        transaction.told_evse = evse.plugged is not None
        return None
    transaction.told_evse, transaction.connector = True, evse.plugged
    return common.EVSE(id=evse.id, connector_id=evse.plugged)


def _token_once(evse: Evse, transaction: Transaction, token: Token | None) -> common.IdToken | None:
    right = evse.authorization
    if token is None and right is not None and not transaction.told_token:  # E02.FR.01
        transaction.told_token, transaction.token = True, right.token
        token = right.token
    return None if token is None else common.IdToken(id_token=token.id, type=token.kind)
