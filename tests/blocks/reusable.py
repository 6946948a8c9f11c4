"""The reusable and memory states of Part 6, played and validated on the bench.  Knows no case and nothing of the agent.

An ``Octt`` is the test tool with its charging station (``octt.bench``), its driver and its CSMS.  A state first plays
those that it needs, as Part 6 has it, does its manual actions and validates every message that it is to see:

    def test_TC_E_06_CS_the_card_that_started_stops():
        octt = Octt({"AuthCtrlr.Enabled": True}, stop="Authorized")  # configuration state, set by the CSMS
        octt.energy_transfer_started()  # before
        octt.stop_authorized()  # main: 1. to 4.
        octt.ev_connected_post_session()
        octt.ev_disconnected()
        octt.parking_bay_unoccupied()
        octt.expect_nothing()

A step that is no reusable state is a manual action and what the tool expects then, validated as far as it is named; the
first message of its kind that was not expected yet is taken, and the general tool rules hold for every one of them:

        octt.connect()
        octt.expect_status("Occupied")
        octt.expect_event("Started", trigger=("CablePluggedIn", "ChargingStateChanged"), state="EVConnected")

``remote=True`` authorizes and stops with RequestStartTransaction and RequestStopTransaction, as the tool may be set.
Everything else is the bench's: ``octt.bench.disconnect()``, ``octt.bench.script[...]``, ``octt.bench.pass_time(60)``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.bench import CARD, Payload
from tests.blocks.octt import Tool, token_info

DURATION_S = 20.0
"""How long the tool lets a transaction last: its <Configured Transaction Duration>."""

BAY = {"ParkingBayOccupancy": "EVConnected"}


class Octt(Tool):
    """The tool that can bring its station into the states of Part 6; ``reached`` has those of the present session."""

    def __init__(self, *configuration: Any, **options: Any) -> None:
        super().__init__(*configuration, **options)
        self.reached: set[str] = set()
        self._remote_start_id = 0
        self._stopped_by_csms = False

    # ---- the reusable states, in the order of a session ----

    def _due(self, *points: str) -> bool:
        """Whether a transaction runs, or one of the points starts one."""
        self._hear()
        bay = self.bench.layouts[0].has_bay  # without a sensor the EV that connects occupies the bay
        configured = self._start_points if bay else {BAY.get(point, point) for point in self._start_points}
        return self.running is not None or not configured.isdisjoint(points)

    def _ends_with(self, *points: str) -> bool:
        return not self._stop_points.isdisjoint(points)

    def _needs(self, *states: str) -> None:
        """One of them comes first: the last, where none is reached."""
        if self.reached.isdisjoint(states):
            getattr(self, states[-1])()

    def parking_bay_occupied(self) -> None:
        """Optional where there is no sensor."""
        self.drive_in()
        if self.bench.layouts[0].has_bay and self._due("ParkingBayOccupancy"):
            self.expect_event(trigger="EVDetected")
        self.reached.add("parking_bay_occupied")

    def ev_connected_pre_session(self, **vehicle: bool) -> None:
        """``wants=False``: the EV is not ready for energy transfer."""
        self._needs("parking_bay_occupied")
        authorized = "authorized" in self.reached
        due = self._due("EVConnected", *(("PowerPathClosed",) if authorized else ()))
        event_type = "Updated" if self.running else "Started"
        self.connect(**vehicle)
        self.expect_status("Occupied")
        if due:
            self.expect_event(
                event_type,
                trigger=("CablePluggedIn", "ChargingStateChanged"),
                state=("EVConnected", "SuspendedEVSE", "Charging") if authorized else "EVConnected",
            )
        self.reached.add("ev_connected_pre_session")

    def authorized(self, card: str = CARD, *, remote: bool | None = None, asks: bool = True, **more: object) -> None:
        """``asks`` False: the token is known here (cached, in the local list) and the CSMS is not asked.

        ``more`` goes into RequestStartTransaction.
        """
        self._needs("ev_connected_pre_session", "parking_bay_occupied")
        due = self._due("Authorized", *self._what_holds())
        self.token = {"idToken": card, "type": "ISO14443"}
        self._must_have["idToken"] = self.token
        if self.remote if remote is None else remote:
            self._request_start(**more)
            asks = asks and self.value("AuthCtrlr.AuthorizeRemoteStart") == "true"
        else:
            self.present(card)
        if asks:
            assert self.expect("Authorize")["idToken"] == self.token
        if due:
            self.expect_event(trigger="Authorized", token=True)
        self.reached.add("authorized")

    def asked_about(self, card: str, status: str, group: str | None = None) -> None:
        """A token is presented; the CSMS is asked about it, and answers with this status."""
        self.judge_tokens(status, group)
        self.present(card)
        assert self.expect("Authorize")["idToken"] == {"idToken": card, "type": "ISO14443"}

    def refused_with_cable(self, card: str, status: str) -> None:
        """The EV is connected, the CSMS is asked about the token and does not accept it: nothing comes of it."""
        self.ev_connected_pre_session()
        self.asked_about(card, status)
        self.expect_silence()
        assert not self.transfers_energy()

    def _what_holds(self) -> tuple[str, ...]:
        """Start points that a driver finds when he comes; after the end of a transaction they start his own."""
        connected = "ev_connected_pre_session" in self.reached
        return ("ParkingBayOccupancy", *(("EVConnected", "PowerPathClosed") if connected else ()))

    def gave_up(self) -> None:
        """The driver did not connect in time: his token is told no more, and another may come."""
        self.reached.discard("authorized")
        self._must_have.clear()

    def _request_start(self, **more: object) -> None:
        self._remote_start_id += 1
        wanted = {"idToken": self.token, "remoteStartId": self._remote_start_id, "evseId": 1} | more
        told = self.ask("RequestStartTransaction", **wanted)
        assert told["status"] == "Accepted"
        assert told.get("transactionId") == self.running
        self._must_have["remoteStartId"] = self._remote_start_id

    def energy_transfer_started(self) -> None:
        self._needs("authorized")
        if "ev_connected_pre_session" not in self.reached:
            self._connect_to_charge()
        if not self._due("Authorized", "EVConnected", "PowerPathClosed") and self._due("DataSigned"):
            self.expect_event("Started", trigger="SignedDataReceived")
        self.expect_event(trigger="ChargingStateChanged", state="Charging")
        self.reached.add("energy_transfer_started")

    def _connect_to_charge(self) -> None:
        due = self._due("EVConnected", "PowerPathClosed")
        self.connect()
        self.expect_status("Occupied")
        if due:
            self.expect_event(trigger="CablePluggedIn", state="EVConnected")
        self.reached.add("ev_connected_pre_session")

    def energy_transfer_suspended(self) -> None:
        """By the EV."""
        self._needs("energy_transfer_started")
        self.bench.pass_time(DURATION_S)
        self.bench.vehicle_wants(False)
        event = self.expect_event(("Updated", "Ended"), state=("EVConnected", "SuspendedEV"))
        if event["transactionInfo"]["chargingState"] == "SuspendedEV":
            assert event["triggerReason"] == "ChargingStateChanged"
        if event["eventType"] == "Ended":
            assert event["transactionInfo"]["stoppedReason"] == "StoppedByEV"
        self.reached.add("energy_transfer_suspended")

    def stop_authorized(self, card: str | None = None, *, remote: bool | None = None, asks: bool = False) -> None:
        """With the token that started it, or with ``card``, another one of its group, or by the CSMS (erratum 6.2.117).

        ``asks``: the other token is not known here, and the CSMS is asked first.
        """
        self._needs("energy_transfer_started")
        self.bench.pass_time(DURATION_S)
        self._stopped_by_csms = by_csms = self.remote if remote is None else remote
        if by_csms:
            answer = self.ask("RequestStopTransaction", transactionId=self.running)
            assert answer["status"] == "Accepted"
            last = self.expect_event(trigger="RemoteStop")
        else:
            last = self._present_to_stop({**self.token, "idToken": card} if card else None, asks)
        ends = self._ends_with("Authorized", "PowerPathClosed", "EnergyTransfer")
        if ends and last["eventType"] != "Ended":
            last = self.expect_event(trigger="ChargingStateChanged", state="EVConnected")
        assert last["eventType"] == ("Ended" if ends else "Updated")
        if ends:
            assert last["transactionInfo"].get("stoppedReason") in (("Remote",) if by_csms else ("Local", None))
        self.reached.add("stop_authorized")

    def _present_to_stop(self, other: Payload | None, asks: bool) -> Payload:
        token = other or self.token
        self.present(token["idToken"])
        if asks:
            assert self.expect("Authorize")["idToken"] == token
        event = self.expect_event(trigger="StopAuthorized")
        assert event.get("idToken", None if other else token) == token
        return event

    def deauthorized(self) -> None:
        """What it says of the token in a TransactionEvent is ``judge_tokens("Invalid")`` before (erratum 6.2.118)."""
        self._needs("authorized")
        self._go_on_to_the_first_event()
        if self.value("TxCtrlr.StopTxOnInvalidId") == "true":
            ends = self._ends_with("Authorized", "PowerPathClosed", "EnergyTransfer")
            self.expect_event(
                "Ended" if ends else "Updated",
                trigger="Deauthorized",
                state=("EVConnected", "SuspendedEVSE"),
                reason="DeAuthorized" if ends else (),
            )
        if self.bench.plants[1].locked.get(1) == "locked":
            assert self.ask("UnlockConnector", evseId=1, connectorId=1)["status"] == "Unlocked"
        self.reached |= {"stop_authorized", "ev_connected_post_session"}

    def _go_on_to_the_first_event(self) -> None:
        """The next states in their order, until an event has told the token."""
        self._hear()
        if "idToken" in self._must_have:
            self.ev_connected_pre_session()
        if any("idToken" in said.payload for said in self._waiting if said.action == "TransactionEvent"):
            self.energy_transfer_started()

    def ev_connected_post_session(self) -> None:
        """The energy has stopped, and does not flow again without a new authorization."""
        self._needs("stop_authorized")
        self._hear()
        if self.running:
            self.expect_event(trigger="ChargingStateChanged", state="EVConnected")
        self.reached.add("ev_connected_post_session")

    def ev_disconnected(self) -> None:
        """At both ends of the cable."""
        self._needs("ev_connected_post_session")
        was_running = self.running
        self.bench.unplug()
        self.expect_status("Available")
        if was_running:
            self.expect_event(trigger="EVCommunicationLost", state="Idle")
        self.reached.add("ev_disconnected")

    def parking_bay_unoccupied(self) -> None:
        """The EV left; whatever ended the authorization is why the transaction stopped."""
        self._needs("ev_disconnected")
        was_running = self.running
        self.drive_out()
        if was_running and self._ends_with("ParkingBayOccupancy"):
            self.expect_event("Ended", trigger="EVDeparted", reason="Remote" if self._stopped_by_csms else "Local")
        self.reached.clear()

    # ---- the reusable states of the station ----

    def booting(self) -> None:
        """By a reset: the station goes down, and is up again with ``bench.power_cycle(off_s=0)``."""
        assert self.ask("Reset", type="Immediate")["status"] == "Accepted"
        asked_before = len(self.bench.restarts)
        self.bench.pass_time(5)
        assert len(self.bench.restarts) == asked_before + 1

    def booted(self, *, by_power: bool = False) -> None:
        """By a reset, or because the power was off."""
        if not by_power:
            self.booting()
        self.bench.security.clear()
        self.bench.power_cycle(off_s=5.0 if by_power else 0.0)
        self.bench.accept()
        self.expect("BootNotification")
        self._expect_statuses("Available")
        assert any(each["type"] in ("StartupOfTheDevice", "ResetOrReboot") for each in self.bench.security)

    def unavailable(self, evse: int = 0, connector: int = 0) -> None:
        """A connector, an EVSE with all of its connectors, or (0) the whole station."""
        place: Payload = {}
        if evse:
            place = {"evse": {"id": evse} | ({"connectorId": connector} if connector else {})}
        assert self.ask("ChangeAvailability", operationalStatus="Inoperative", **place)["status"] == "Accepted"
        self._expect_statuses("Unavailable", evse, connector)

    def _expect_statuses(self, status: str, evse: int = 0, connector: int = 0) -> None:
        wanted = {
            (there.id, each.id, status)
            for there in self.bench.layouts
            for each in there.connectors
            if evse in (0, there.id) and connector in (0, each.id)
        }
        told = [self.expect("StatusNotification") for _ in wanted]
        assert {(each["evseId"], each["connectorId"], each["connectorStatus"]) for each in told} == wanted

    # ---- the memory states ----

    def id_token_local_auth_list(self, card: str = CARD, group: str | None = None, status: str = "Accepted") -> None:
        """The token is on the local authorization list, and nothing else is."""
        self.id_tokens_local_auth_list({card: status}, group)

    def id_tokens_local_auth_list(self, statuses: Mapping[str, str], group: str | None = None) -> None:
        """These tokens are on it, and nothing else is."""
        self.configure({"LocalAuthListCtrlr.Enabled": True})  # erratum 6.2.121
        entries = [
            {"idToken": {"idToken": card, "type": "ISO14443"}, "idTokenInfo": token_info(status, group)}
            for card, status in statuses.items()
        ]
        version = self.ask("GetLocalListVersion")["versionNumber"] + 1
        told = self.ask("SendLocalList", versionNumber=version, updateType="Full", localAuthorizationList=entries)
        assert told["status"] == "Accepted"

    def id_token_cached(self, card: str = CARD, group: str | None = None, status: str = "Accepted") -> None:
        """A whole session with this token, or, where the CSMS does not accept it, its refusal (erratum 6.2.120)."""
        if status != "Accepted":
            self.asked_about(card, status, group)
            self.judge_tokens("Accepted")
            return
        self.judge_tokens("Accepted", group)
        self.authorized(card, remote=False)
        self.energy_transfer_started()
        self.stop_authorized(remote=False)
        self.parking_bay_unoccupied()
        self.judge_tokens("Accepted")

    def start_offline_transaction(self, card: str = CARD) -> None:
        """The link is back at the end of it."""
        self.bench.disconnect()
        self.drive_in()
        self.present(card)
        self.bench.plug_in()
        self.bench.connect()

    def transaction_events_in_queue_ended(self, card: str = CARD) -> None:
        """A whole session without a link, which is back at the end of it."""
        self.bench.disconnect()
        self.drive_in()
        self.bench.plug_in()
        self.present(card)
        self.bench.pass_time(DURATION_S)
        self.present(card)
        self.bench.unplug()
        self.drive_out()
        self.bench.connect()
