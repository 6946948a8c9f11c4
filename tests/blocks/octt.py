"""The test tool of Part 6 beside the bench: its CSMS, its manual actions, what it expects.  Knows no state, no case."""

from __future__ import annotations

from collections.abc import Mapping

from tests.bench import CARD, Bench, Payload, Said, spot, text

READINGS = ("MeterValuePeriodic", "MeterValueClock")
MESSAGE_TIMEOUT_S = 30.0
"""How long the tool waits for a message: its <Configured Message Timeout>."""

OneOf = str | None | tuple[str | None, ...]


class Tool:
    """``running`` is the id of the transaction that was told Started and not Ended, ``readings`` the periodic ones.

    ``events`` are all TransactionEvents, the readings among them.
    """

    def __init__(
        self,
        configuration: Mapping[str, object] | None = None,
        *,
        start: str | None = None,
        stop: str | None = None,
        remote: bool = False,
        bench: Bench | None = None,
        **options: object,
    ) -> None:
        self.bench = bench or Bench(**options)  # type: ignore[arg-type]
        if not self.bench.station.desk.accepted:
            self.bench.accept()
        self.bench.take_sent()
        self.remote = remote
        self.running: str | None = None
        self.transaction_id = ""
        self.token: Payload = {}
        self.readings: list[Payload] = []
        self.events: list[Payload] = []
        self._waiting: list[Said] = []
        self._numbers: dict[str, int] = {}
        self._must_have: Payload = {}
        self._after_remote_start: set[tuple[str, int]] = set()
        points = {"TxCtrlr.TxStartPoint": start, "TxCtrlr.TxStopPoint": stop}
        self.configure({name: value for name, value in points.items() if value is not None} | dict(configuration or {}))

    # ---- the CSMS ----

    def configure(self, variables: Mapping[str, object]) -> None:
        """The configuration state: what is not so already is set, and taken at once."""
        for name, value in variables.items():
            if self.value(name) != text(value):
                item = _variable(name) | {"attributeValue": text(value)}
                told = self.ask("SetVariables", setVariableData=[item])["setVariableResult"][0]
                assert told["attributeStatus"] == "Accepted", told
        self._start_points = set((self.value("TxCtrlr.TxStartPoint") or "").split(","))
        self._stop_points = set((self.value("TxCtrlr.TxStopPoint") or "").split(","))

    def value(self, name: str) -> str | None:
        """Of ``Component.Variable`` or ``Component.Variable[Instance]``."""
        told = self.ask("GetVariables", getVariableData=[_variable(name)])["getVariableResult"][0]
        assert told["attributeStatus"] == "Accepted", told
        value: str | None = told.get("attributeValue")
        return value

    def ask(self, action: str, **payload: object) -> Payload:
        """A call of the CSMS, answered with a payload."""
        told = self.bench.ask(action, **payload)
        assert isinstance(told, dict), (action, told)
        return told

    def judge_tokens(
        self, status: str, group: str | None = None, *, by: tuple[str, ...] = ("Authorize", "TransactionEvent")
    ) -> None:
        """What the CSMS answers from now on, wherever an idToken is in the request."""
        info = token_info(status, group)
        for action in by:
            self.bench.script[action] = lambda asked: {"idTokenInfo": info} if "idToken" in asked else {}

    # ---- the manual actions ----

    def drive_in(self) -> None:
        """Drive the EV into the parking bay, where there is a sensor for it."""
        if self.bench.layouts[0].has_bay:
            self.bench.bay(True)

    def drive_out(self) -> None:
        """Drive the EV out of the parking bay."""
        if self.bench.layouts[0].has_bay:
            self.bench.bay(False)

    def connect(self, **vehicle: bool) -> None:
        """Connect the EV and the EVSE."""
        self._must_have["evse"] = {"id": 1, "connectorId": 1}
        self.bench.plug_in(**vehicle)

    def present(self, card: str = CARD) -> None:
        """Present an idToken."""
        self.bench.swipe(card)

    # ---- what the tool expects ----

    def expect(self, action: str) -> Payload:
        """The next message of this kind."""
        self._hear()
        for said in self._waiting:
            if said.action == action:
                self._waiting.remove(said)
                return said.payload
        raise AssertionError(f"no {action}; waiting: {self._waiting}")

    def expect_status(self, status: str, connector: int = 1) -> None:
        """The CSMS is notified of the connector's status."""
        told = self.expect("StatusNotification")
        assert (told["evseId"], told["connectorId"], told["connectorStatus"]) == (1, connector, status)

    def expect_event(
        self, event_type: OneOf = (), *, trigger: OneOf = (), state: OneOf = (), reason: OneOf = (), token: bool = False
    ) -> Payload:
        """The next TransactionEvent that is no reading; each value is one of those that are named, None: left out.

        The trigger of the first one after RequestStartTransaction is RemoteStart, whatever the step says.
        """
        event = self.expect("TransactionEvent")
        info = event["transactionInfo"]
        if (info["transactionId"], event["seqNo"]) in self._after_remote_start:
            trigger = "RemoteStart"
        told = (event["eventType"], event["triggerReason"], info.get("chargingState"), info.get("stoppedReason"))
        for value, wanted in zip(told, (event_type, trigger, state, reason), strict=True):
            allowed = wanted if isinstance(wanted, tuple) else (wanted,)
            assert not allowed or value in allowed, (told, allowed)
        assert not token or event["idToken"] == self.token
        return event

    def expect_events(self) -> list[Payload]:
        """All TransactionEvents that were sent and not expected yet, but for the readings."""
        return self.expect_all("TransactionEvent")

    def expect_all(self, action: str) -> list[Payload]:
        """All messages of this kind that were sent and not expected yet."""
        self._hear()
        found = [said.payload for said in self._waiting if said.action == action]
        self._waiting = [said for said in self._waiting if said.action != action]
        return found

    def expect_nothing(self) -> None:
        """Nothing more was sent, but for readings."""
        self._hear()
        assert self._waiting == []

    def expect_silence(self) -> None:
        """Nothing is sent while the tool waits, and where no transaction runs no readings either."""
        readings = len(self.readings)
        self.bench.pass_time(MESSAGE_TIMEOUT_S)
        self.expect_nothing()
        assert self.running or len(self.readings) == readings

    def transfers_energy(self, evse: int = 1) -> bool:
        """What the driver sees."""
        return self.bench.intents[evse].permit_power and self.bench.plants[evse].closed

    def _hear(self) -> None:
        for said in self.bench.take_sent():
            if said.action == "TransactionEvent":
                self._general_rules(said.payload)
                if said.payload["triggerReason"] in READINGS:
                    self.readings.append(said.payload)
                    continue
            self._waiting.append(said)

    def _general_rules(self, event: Payload) -> None:
        """General tool rules; they hold for each event that is not sent again."""
        transaction_id, number = event["transactionInfo"]["transactionId"], event["seqNo"]
        due = self._numbers.get(transaction_id, -1) + 1
        if number < due:
            return
        assert number == due, event
        self.events.append(event)
        assert (number == 0) == (event["eventType"] == "Started"), event
        self._numbers[transaction_id] = number
        self.transaction_id = transaction_id
        self.running = None if event["eventType"] == "Ended" else transaction_id
        if "remoteStartId" in self._must_have:
            self._after_remote_start.add((transaction_id, number))
        for name, value in self._must_have.items():
            where = event["transactionInfo"] if name == "remoteStartId" else event
            assert where.get(name) == value, event
        self._must_have.clear()


def _variable(name: str) -> Payload:
    place = spot(name)
    instance = {"instance": place.instance} if place.instance else {}
    return {"component": {"name": place.component}, "variable": {"name": place.variable} | instance}


def token_info(status: str, group: str | None) -> Payload:
    """An idTokenInfo."""
    return {"status": status} | ({"groupIdToken": {"idToken": group, "type": "Central"}} if group else {})
