"""Certification cases of block L, secure firmware update, and TC_F_19; whoever fetches and installs is played."""

from __future__ import annotations

from typing import Any

import pytest

from agent.vocabulary.firmware import FirmwareProved, RestartBoard, Step, Trial
from tests.bench import OTHER_CARD, Bench, Payload
from tests.blocks.reusable import Octt
from tests.blocks.updating import Updating

QUIET = {"SampledDataCtrlr.TxUpdatedInterval": 0}
PENDING = "ChargingStation.AllowNewSessionsPendingFirmwareUpdate"


class Firmware(Octt):
    """The tool with a station that has two slots, its file server, and the station's installer."""

    def __init__(self, *configuration: Any, evses: int = 2, **options: Any) -> None:
        super().__init__(*configuration, bench=Bench(evses=evses, slot="A"), **options)
        self.update = Updating(self.bench)
        self.request_id = 7

    def accepted(self, request_id: int = 7, **firmware: Any) -> str:
        """UpdateFirmware with a certificate that is good; returns the status of the answer."""
        told = self.update.ask(request_id, **firmware)
        if told is None:
            self.update.judge("trusted")
            told = self.update.answer()
        if told["status"].startswith("Accepted"):
            self.request_id = request_id
        return str(told["status"])

    def ends(self, step: Step, outcome: Any = "done") -> None:
        """The station's installer is done with it."""
        self.update.end(step, outcome, request_id=self.request_id)

    def expect_firmware(self, *statuses: str) -> None:
        """In this order, with the number of the request."""
        for status in statuses:
            assert self.expect("FirmwareStatusNotification") == {"status": status, "requestId": self.request_id}

    def expect_security(self, type: str) -> None:
        assert self.bench.security.pop(0)["type"] == type

    def expect_connectors(self, status: str, *evses: int) -> None:
        """The CSMS is notified of these, in any order."""
        told = [self.expect("StatusNotification") for _ in evses]
        assert {(each["evseId"], each["connectorStatus"]) for each in told} == {(evse, status) for evse in evses}

    def downloads(self, request_id: int = 7, **firmware: Any) -> None:
        """The first steps of a case whose request is taken."""
        assert self.accepted(request_id, **firmware) == "Accepted"
        self.expect_firmware("Downloading")

    def is_verified(self, *then: str) -> None:
        """From the end of the download on; the signature is good."""
        self.ends("download")
        self.expect_firmware("Downloaded")
        self.ends("check")
        self.expect_firmware("SignatureVerified", *then)

    def is_installed(self) -> None:
        """From the end of the download on, as most cases have it."""
        self.is_verified()
        self.expect_connectors("Unavailable", *self.bench.plants)
        self.expect_firmware("Installing")

    def comes_up(self, slot: str, trial: Trial) -> Payload:
        """The board restarts; returns the BootNotification."""
        assert isinstance(self.update.orders()[-1], RestartBoard)
        self.bench.slot, self.bench.trial = slot, trial
        self.bench.power_cycle(off_s=0)
        self.bench.accept()
        self.bench.security.clear()
        return self.expect("BootNotification")

    def reboot_before_firmware_activation(self) -> None:
        """The reusable state: the new slot comes up, with its connectors closed until it has shown that it works."""
        self.expect_firmware("InstallRebooting")  # 1, 2
        self.ends("try")
        assert self.comes_up("B", "on trial")["reason"] == "FirmwareUpdate"  # 3, 4
        self.expect_connectors("Unavailable", *self.bench.plants)  # 5, 6

    def activated(self) -> None:
        """The last steps of a case that goes well: the restart, and then what may come in any order."""
        self.ends("install")
        self.reboot_before_firmware_activation()
        self.installed()

    def installed(self) -> None:
        self.bench.notice(FirmwareProved(good=True))
        self.expect_connectors("Available", *self.bench.plants)
        self.expect_firmware("Installed")
        self.expect_security("FirmwareUpdated")
        self.expect_nothing()


def test_TC_L_01_CS_an_installation_that_goes_well():
    octt = Firmware()
    octt.downloads()  # 1 to 4
    octt.is_installed()  # 5 to 13
    octt.activated()  # 14 to 21


def test_TC_L_02_CS_the_installation_is_scheduled():
    octt = Firmware()
    octt.downloads(install_in_s=120)  # 1 to 4
    octt.is_verified("InstallScheduled")  # 5 to 10
    octt.bench.pass_time(119)
    octt.expect_nothing()
    octt.bench.pass_time(2)
    octt.expect_connectors("Unavailable", 1, 2)  # 11, 12
    octt.expect_firmware("Installing")  # 14, 15
    octt.activated()  # 16 to 23


def test_TC_L_03_CS_the_download_is_scheduled():
    octt = Firmware()
    assert octt.accepted(retrieve_in_s=120) == "Accepted"  # 1, 2
    octt.expect_firmware("DownloadScheduled")  # 3, 4
    octt.bench.pass_time(119)
    octt.expect_nothing()
    octt.bench.pass_time(2)
    octt.expect_firmware("Downloading")  # 5, 6
    octt.is_installed()  # 7 to 15
    octt.activated()  # 16 to 23


def test_TC_L_05_CS_a_certificate_that_is_none_of_the_manufacturer():
    octt = Firmware()
    assert octt.update.ask() is None  # 1
    octt.update.judge("invalid", "no authority of the manufacturer issued it")
    assert octt.update.answer()["status"] == "InvalidCertificate"  # 2
    octt.expect_security("InvalidFirmwareSigningCertificate")  # 3, 4
    octt.expect_nothing()


def test_TC_L_06_CS_a_signature_that_does_not_fit():
    octt = Firmware()
    octt.downloads()  # 1 to 4
    octt.ends("download")
    octt.expect_firmware("Downloaded")  # 5, 6
    octt.ends("check", "unfit")
    octt.expect_firmware("InvalidSignature")  # 7, 8
    octt.expect_security("InvalidFirmwareSignature")  # 9, 10
    octt.expect_nothing()


def test_TC_L_07_CS_a_file_that_is_not_there():
    octt = Firmware()
    octt.downloads()  # 1 to 4
    octt.ends("download", "unfit")
    octt.expect_firmware("DownloadFailed")  # 5, 6
    octt.expect_nothing()


@pytest.mark.parametrize(
    ("outcome", "told"), [("unfit", "InstallVerificationFailed"), ("failed", "InstallationFailed")]
)
def test_TC_L_08_CS_firmware_that_cannot_be_installed(outcome: str, told: str):
    octt = Firmware()
    octt.downloads()  # 1 to 4
    octt.is_installed()  # 5 to 13
    octt.ends("install", outcome)
    octt.expect_connectors("Available", 1, 2)  # 14, 15
    octt.expect_firmware(told)  # 16, 17
    octt.expect_nothing()


def test_TC_L_08_CS_firmware_that_does_not_work_is_left_again():
    octt = Firmware()
    octt.accepted()
    octt.expect_firmware("Downloading")
    octt.is_installed()
    octt.ends("install")
    octt.reboot_before_firmware_activation()
    octt.bench.notice(FirmwareProved(good=False))
    octt.bench.pass_time(2)
    octt.comes_up("A", "rolled back")
    octt.expect_firmware("InstallationFailed")
    octt.expect_connectors("Available", 1, 2)
    octt.expect_nothing()


def test_TC_L_10_CS_a_new_request_cancels_the_one_under_way():
    octt = Firmware()
    octt.downloads(1)  # 1 to 4
    assert octt.accepted(2) == "AcceptedCanceled"  # 5, 6
    octt.expect_firmware("Downloading")  # 7, 8
    octt.is_installed()  # 9 to 17
    octt.activated()  # 18 to 25


def test_TC_L_14_CS_new_sessions_are_allowed_until_it_is_activated():
    octt = Firmware(QUIET | {PENDING: True})
    octt.energy_transfer_started()
    octt.downloads()  # 1 to 4
    octt.is_verified("Installing")  # 5 to 10
    octt.bench.plug_in(2)  # 11
    octt.bench.swipe(OTHER_CARD, evse=2)
    assert octt.transfers_energy(2)
    octt.expect_connectors("Occupied", 2)
    octt.expect_all("Authorize")
    octt.expect_events()
    octt.bench.pass_time(60)  # 11a
    octt.ends("install")
    octt.stop_authorized()
    octt.parking_bay_unoccupied()  # 12
    assert octt.expect_all("FirmwareStatusNotification") == []
    octt.bench.swipe(OTHER_CARD, evse=2)  # 13
    octt.bench.unplug(2)
    octt.expect_events()
    octt.expect_all("Authorize")
    octt.expect_firmware("InstallRebooting")  # 19
    octt.expect_all("StatusNotification")  # 14, 15
    octt.ends("try")
    assert octt.comes_up("B", "on trial")["reason"] == "FirmwareUpdate"
    octt.expect_connectors("Available", 1, 2)
    octt.bench.notice(FirmwareProved(good=True))
    octt.expect_firmware("Installed")  # 23, 24
    octt.expect_security("FirmwareUpdated")  # 25, 26
    octt.expect_nothing()


def test_TC_L_15_CS_no_new_session_begins_before_it_is_activated():
    octt = Firmware(QUIET | {PENDING: False})
    octt.energy_transfer_started()
    octt.downloads()  # 1 to 4
    octt.is_verified("Installing")  # 5 to 10
    octt.expect_connectors("Unavailable", 2)  # 11, 12
    octt.bench.pass_time(60)  # 12a
    octt.ends("install")
    octt.expect_nothing()
    octt.stop_authorized()  # 13
    octt.bench.unplug()
    octt.expect_events()
    octt.expect_connectors("Unavailable", 1)  # 14, 15
    octt.reboot_before_firmware_activation()  # 19
    octt.installed()  # 21 to 26


def test_TC_L_18_CS_neither_certificate_nor_signature():
    octt = Firmware()
    assert octt.accepted(certificate=None) == "Rejected"  # 1, 2
    octt.expect_silence()


@pytest.mark.proves("F06.FR.04", "F06.FR.05", "F06.FR.10", "L01.FR.26")
def test_TC_F_19_CS_firmware_that_is_downloaded():
    octt = Firmware()
    octt.downloads()  # 1 to 4
    assert octt.ask("TriggerMessage", requestedMessage="FirmwareStatusNotification")["status"] == "Accepted"  # 5, 6
    octt.expect_firmware("Downloading")  # 7, 8
    octt.ends("download")
    octt.expect_firmware("Downloaded")  # 9, 10 (erratum 6.2.59)
    octt.ends("check", "unfit")
    octt.expect_firmware("InvalidSignature")  # 11, 12
    octt.expect_security("InvalidFirmwareSignature")  # 13, 14
    octt.expect_nothing()
