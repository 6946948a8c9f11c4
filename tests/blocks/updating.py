"""An update on the bench: the CSMS that asks for it, and whoever fetches and installs bundles, played by hand."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from agent.vocabulary.firmware import FirmwareOrder, FirmwareStepEnded, SignerJudged, Step, Trial
from tests.bench import Bench, Payload, Reply

URL = "https://files.example/2.0.0.raucb"
CERTIFICATE, SIGNATURE = "-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----\n", "c2lnbmF0dXJl"


class Updating:
    """``charging``: there are two EVSEs, and somebody charges at the first."""

    def __init__(self, bench: Bench | None = None, *, charging: bool = False) -> None:
        self.bench = bench or Bench(evses=2 if charging else 1, slot="A")
        if not self.bench.station.desk.accepted:
            self.bench.accept()
        if charging:
            self.bench.plug_in()
            self.bench.swipe()
        self.bench.take_sent()
        self.bench.security.clear()
        self._seen = 0
        self.message_id = ""
        self._request_id = 0

    # ---- the CSMS ----

    def ask(
        self,
        requestId: int = 7,  # noqa: N803 - as the message has it
        *,
        location: str = URL,
        retrieve_in_s: float = -7200.0,
        install_in_s: float | None = None,
        certificate: str | None = CERTIFICATE,
        **more: object,
    ) -> Payload | None:
        """What is answered at once, if anything."""
        now = self.bench.now.wall
        firmware: Payload = {
            "location": location,
            "retrieveDateTime": (now + timedelta(seconds=retrieve_in_s)).isoformat(),
        }
        if certificate is not None:
            firmware |= {"signingCertificate": certificate, "signature": SIGNATURE}
        if install_in_s is not None:
            firmware["installDateTime"] = (now + timedelta(seconds=install_in_s)).isoformat()
        told: Reply = self.bench.ask("UpdateFirmware", requestId=requestId, firmware=firmware, **more)
        assert not isinstance(told, str), told
        self.message_id = self.bench.station.desk.message_id
        return told

    def start(self, requestId: int = 7, **more: object) -> None:  # noqa: N803
        """Asked for and accepted."""
        assert self.ask(requestId, **more) is None  # type: ignore[arg-type]
        self._request_id = requestId
        self.judge("trusted")

    def answer(self) -> Payload:
        """To the last request."""
        told = self.bench.last_answer()
        assert isinstance(told, dict), told
        return told

    def trigger(self) -> None:
        """The CSMS wants to hear how far it is."""
        assert self.bench.ask("TriggerMessage", requestedMessage="FirmwareStatusNotification") == {"status": "Accepted"}

    def heard(self) -> list[tuple[str, int | None]]:
        """What the CSMS was told since the last call, as (status, requestId); nothing else of it is dropped."""
        found = [said for said in self.bench.sent if said.action == "FirmwareStatusNotification"]
        self.bench.sent = [said for said in self.bench.sent if said not in found]
        return [(said.payload["status"], said.payload.get("requestId")) for said in found]

    def security(self) -> list[str]:
        """Security events that were told, oldest first."""
        return [each["type"] for each in self.bench.security]

    def boot_reason(self) -> str:
        """As the last BootNotification said it."""
        return str([said for said in self.bench.sent if said.action == "BootNotification"][-1].payload["reason"])

    # ---- whoever fetches and installs ----

    def orders(self) -> list[FirmwareOrder]:
        """Since the last power-on, or the first request."""
        return self.bench.firmware[self._seen :]

    def judge(self, verdict: Literal["trusted", "invalid", "unable"], reason: str = "") -> None:
        self.bench.notice(SignerJudged(self.message_id, verdict, reason))

    def end(
        self,
        step: Step,
        outcome: Literal["done", "unfit", "failed"] = "done",
        reason: str = "",
        *,
        request_id: int | None = None,
        version: str = "2.0.0",
    ) -> None:
        """This step ended; one that was not begun is no matter."""
        version = version if (step, outcome) == ("install", "done") else ""
        self.bench.notice(FirmwareStepEnded(request_id or self._request_id, step, outcome, reason, version))

    def comes_up(self, slot: str, trial: Trial = "") -> None:
        """The machine starts from this slot; what was not kept is gone."""
        self.bench.take_sent()
        self._seen = len(self.bench.firmware)
        self.bench.slot, self.bench.trial = slot, trial
        self.bench.power_cycle()
        self.bench.accept()

    # ---- how far ----

    def written(self) -> None:
        """To the other slot."""
        self.goes_to("written")

    def tried(self) -> None:
        """The board is about to restart into it."""
        self.written()
        self.end("try")
        self.heard()

    def goes_to(self, stage: str) -> None:
        """As far as this; a board on which nobody charges goes on from ``written`` by itself."""
        self.start(retrieve_in_s=3600 if stage == "scheduled" else -1, install_in_s=3600 if stage == "ready" else None)
        if stage == "paused":
            self.end("download", "failed", "cut")
        if stage in ("scheduled", "downloading", "paused"):
            return
        self.end("download")
        if stage == "checking":
            return
        self.end("check")
        if stage in ("ready", "installing"):
            return
        self.end("install")
