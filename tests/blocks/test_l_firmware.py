"""L01: how an update goes, step by step, and what the CSMS hears of it; whoever fetches and installs is played here."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from agent.blocks.l_course import FAREWELL_S, LAST_WORDS_S, MOST_TRIES
from agent.blocks.l_update import OWN_RETRIES, OWN_RETRY_S
from agent.ocpp.messages.l_firmware import FirmwareStatus
from agent.vocabulary.firmware import (
    CheckFirmware,
    DownloadFirmware,
    DropFirmware,
    FirmwareOrder,
    FirmwareProved,
    InstallFirmware,
    JudgeSigner,
    RestartBoard,
    TryFirmware,
)
from tests.bench import Bench
from tests.blocks.updating import CERTIFICATE, SIGNATURE, URL, Updating


@pytest.fixture
def update() -> Updating:
    return Updating()


# ---- the request ----


@pytest.mark.proves("L01.FR.21")
def test_the_certificate_is_judged_before_anything_is_answered(update: Updating) -> None:
    assert update.ask() is None
    assert update.orders() == [JudgeSigner(update.message_id, CERTIFICATE, update.bench.now.wall)]
    update.judge("trusted")
    assert update.answer() == {"status": "Accepted"}


@pytest.mark.proves("L01.FR.02", "L01.FR.22")
def test_a_certificate_of_somebody_else_is_refused_and_noted(update: Updating) -> None:
    update.ask()
    update.judge("invalid", "no authority of the manufacturer has issued it")
    told = update.answer()
    assert told["status"] == "InvalidCertificate"
    assert told["statusInfo"]["additionalInfo"] == "no authority of the manufacturer has issued it"
    assert update.security() == ["InvalidFirmwareSigningCertificate"]
    assert update.heard() == []
    assert update.orders()[1:] == []


def test_a_host_that_cannot_be_updated_says_so() -> None:
    bench = Bench()
    bench.accept()
    told = Updating(bench).ask()
    assert told is not None
    assert (told["status"], told["statusInfo"]["reasonCode"]) == ("Rejected", "UnsupportedRequest")
    assert "rauc.slot=" in told["statusInfo"]["additionalInfo"]


def test_a_host_whose_installer_does_not_answer_says_so(update: Updating) -> None:
    update.ask()
    update.judge("unable", "no system bus")
    assert update.answer()["statusInfo"] == {"reasonCode": "UnsupportedRequest", "additionalInfo": "no system bus"}


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("sftp://files.example/fw", "location: SFTP; known are HTTP, HTTPS, FTP, FTPS"),
        ("files.example/fw", "location: no protocol; known are HTTP, HTTPS, FTP, FTPS"),
        ("https:///fw", "location: no host"),
        ("http://files.example:x/fw", "location: Port could not be cast to integer value as 'x'"),
    ],
)
def test_a_place_that_cannot_be_reached_is_refused_at_once(update: Updating, url: str, why: str) -> None:
    told = update.ask(location=url)
    assert told is not None
    assert told["statusInfo"] == {"reasonCode": "InvalidURL", "additionalInfo": why}
    assert update.orders() == []


def test_with_a_disk_that_refuses_nothing_is_fetched(update: Updating) -> None:
    update.bench.station.desk.disk_works = False
    told = update.ask()
    assert told is not None
    assert (told["status"], told["statusInfo"]["reasonCode"]) == ("Rejected", "OutOfStorage")


@pytest.mark.parametrize("action", ["PublishFirmware", "UnpublishFirmware"])
def test_a_station_is_no_local_controller(update: Updating, action: str) -> None:
    more = {"location": URL, "requestId": 7} if action == "PublishFirmware" else {}
    assert update.bench.ask(action, checksum="d41d8cd98f00b204e9800998ecf8427e", **more) == "NotImplemented"


# ---- the usual way ----


@pytest.mark.proves("L01.FR.01", "L01.FR.10", "L01.FR.20", "L01.FR.28", "L01.FR.31", "L01.FR.32")
def test_every_step_is_told_with_the_number_of_the_request(update: Updating) -> None:
    update.start(requestId=12)
    assert update.heard() == [("Downloading", 12)]
    assert update.orders()[-1] == DownloadFirmware(12, URL)
    update.end("download")
    assert update.heard() == [("Downloaded", 12)]
    assert update.orders()[-1] == CheckFirmware(12, CERTIFICATE, SIGNATURE)
    update.end("check")
    assert update.heard() == [("SignatureVerified", 12), ("Installing", 12)]
    assert update.orders()[-1] == InstallFirmware(12)
    update.end("install", version="2.0.0")
    assert update.heard() == [("InstallRebooting", 12)]
    assert update.orders()[-1] == TryFirmware(12, "2.0.0")
    update.end("try")
    assert update.orders()[-1] == RestartBoard("release 2.0.0 is tried")
    update.comes_up("B", "on trial")
    assert update.boot_reason() == "FirmwareUpdate"
    assert update.heard() == []
    update.bench.notice(FirmwareProved(good=True))
    assert update.heard() == [("Installed", 12)]
    assert update.security()[-1] == "FirmwareUpdated"
    assert update.orders() == [DropFirmware()]


@pytest.mark.proves("L01.FR.03", "L01.FR.04")
def test_a_signature_that_does_not_fit_ends_it(update: Updating) -> None:
    update.start()
    update.end("download")
    update.end("check", "unfit", "signed by another key")
    assert update.heard()[-1] == ("InvalidSignature", 7)
    assert update.security() == ["InvalidFirmwareSignature"]
    assert update.orders()[-1] == DropFirmware()


@pytest.mark.proves("L01.FR.13")
def test_what_is_to_be_fetched_later_is_fetched_then(update: Updating) -> None:
    update.start(retrieve_in_s=3600)
    assert update.heard() == [("DownloadScheduled", 7)]
    update.bench.pass_time(3599)
    assert update.heard() == []
    update.bench.pass_time(1)
    assert update.heard() == [("Downloading", 7)]


@pytest.mark.proves("L01.FR.16")
def test_what_is_to_be_installed_later_is_installed_then(update: Updating) -> None:
    update.start(install_in_s=3600)
    update.end("download")
    update.end("check")
    assert update.heard()[-2:] == [("SignatureVerified", 7), ("InstallScheduled", 7)]
    update.bench.pass_time(3599)
    assert update.heard() == []
    update.bench.pass_time(1)
    assert update.heard() == [("Installing", 7)]


def test_a_clock_that_is_set_forward_is_heard_of_at_the_next_event(update: Updating) -> None:
    update.start(retrieve_in_s=3600)
    update.bench.clock_moved_s = 3600
    update.bench.read_meter()
    assert update.heard() == [("DownloadScheduled", 7), ("Downloading", 7)]


# ---- attempts ----


@pytest.mark.proves("L01.FR.14", "L01.FR.30")
def test_a_download_is_tried_as_often_as_the_csms_says_with_the_interval_between(update: Updating) -> None:
    update.start(retries=2, retryInterval=20)
    for _ in range(2):
        assert update.heard() == [("Downloading", 7)]
        update.end("download", "failed", "cut")
        assert update.heard() == [("DownloadPaused", 7)]
        update.bench.pass_time(19.9)
        assert update.heard() == []
        update.bench.pass_time(0.1)
    assert update.heard() == [("Downloading", 7)]
    update.end("download", "failed", "cut")
    assert update.heard() == [("DownloadFailed", 7)]
    update.bench.pass_time(3600)
    assert update.heard() == []


@pytest.mark.proves("L01.FR.30")
def test_no_retries_are_none(update: Updating) -> None:
    update.start(retries=0)
    update.end("download", "failed", "cut")
    assert update.heard() == [("Downloading", 7), ("DownloadFailed", 7)]


def test_without_a_number_a_cut_download_is_tried_again_and_a_missing_file_is_not(update: Updating) -> None:
    update.start()
    for _ in range(OWN_RETRIES):
        update.end("download", "failed", "cut")
        update.bench.pass_time(OWN_RETRY_S)
    update.end("download", "failed", "cut")
    assert update.heard() == [
        *[("Downloading", 7), ("DownloadPaused", 7)] * 3,
        ("Downloading", 7),
        ("DownloadFailed", 7),
    ]
    update.start(requestId=8)
    update.end("download", "unfit", "404")
    assert update.heard() == [("Downloading", 8), ("DownloadFailed", 8)]


@pytest.mark.proves("L01.FR.29")
@pytest.mark.parametrize(
    ("outcome", "told"), [("unfit", "InstallVerificationFailed"), ("failed", "InstallationFailed")]
)
def test_what_cannot_be_installed_is_told_and_the_station_opens_again(
    update: Updating, outcome: Any, told: str
) -> None:
    update.start()
    update.end("download")
    update.end("check")
    assert update.bench.evse().serves() is False
    update.end("install", outcome, "wrong compatible")
    assert update.heard()[-1] == (told, 7)
    assert update.bench.evse().serves()
    assert update.security() == []


def test_a_way_back_that_cannot_be_kept_leaves_the_release_untried(update: Updating) -> None:
    update.written()
    update.end("try", "failed", "no space left")
    assert update.heard()[-1] == ("InstallationFailed", 7)
    assert not any(isinstance(order, RestartBoard) for order in update.orders())
    update.comes_up("A")
    assert update.boot_reason() == "PowerUp"


# ---- another one ----


@pytest.mark.proves("L01.FR.24")
@pytest.mark.parametrize("until", ["scheduled", "downloading", "paused", "checking", "ready", "written"])
def test_a_new_request_takes_the_place_of_one_that_is_not_installed_yet(until: str) -> None:
    update = Updating(charging=True)
    update.goes_to(until)
    update.heard()
    update.start(requestId=8)
    assert update.answer() == {"status": "AcceptedCanceled"}
    assert update.heard() == [("Downloading", 8)]
    assert update.orders()[-2:] == [DropFirmware(), DownloadFirmware(8, URL)]
    update.end("download", request_id=7)  # late
    assert update.heard() == []


@pytest.mark.proves("L01.FR.27")
@pytest.mark.parametrize("until", ["installing", "rebooting"])
def test_what_is_being_installed_cannot_be_cancelled(update: Updating, until: str) -> None:
    update.goes_to(until)
    told = update.ask(requestId=8)
    assert told is not None
    assert (told["status"], told["statusInfo"]["reasonCode"]) == ("Rejected", "FwUpdateInProgress")


def test_a_request_that_is_refused_leaves_the_one_before_it_alone(update: Updating) -> None:
    update.start()
    update.ask(requestId=8)
    update.judge("invalid", "unknown")
    update.end("download")
    assert update.heard() == [("Downloading", 7), ("Downloaded", 7)]


def test_it_came_too_far_while_the_certificate_of_another_was_judged(update: Updating) -> None:
    update.start()
    update.end("download")
    update.ask(requestId=8)
    message_id = update.message_id
    update.end("check")
    update.judge("trusted")
    assert update.bench.answers[message_id]["status"] == "Rejected"  # type: ignore[index]


# ---- sessions ----


@pytest.mark.proves("L01.FR.33", "L01.FR.07")
def test_the_board_restarts_when_nobody_charges_any_more_and_nobody_begins_meanwhile() -> None:
    update = Updating(charging=True)
    update.start()
    update.end("download")
    assert update.bench.take_statuses() == []
    update.end("check")
    assert update.bench.take_statuses() == [(2, 1, "Unavailable")]
    update.end("install")
    update.bench.pass_time(3600)
    assert not any(isinstance(order, TryFirmware) for order in update.orders())
    update.bench.swipe()
    update.bench.unplug()
    assert update.bench.take_statuses()[-1] == (1, 1, "Unavailable")
    assert isinstance(update.orders()[-1], TryFirmware)


@pytest.mark.proves("L01.FR.05")
def test_it_is_installed_beside_a_session(update: Updating) -> None:
    update = Updating(charging=True)
    update.start()
    update.end("download")
    update.end("check")
    assert update.heard()[-1] == ("Installing", 7)
    assert update.bench.intents[1].permit_power


def test_where_new_sessions_are_allowed_they_are_until_the_board_restarts() -> None:
    update = Updating(charging=True)
    assert update.bench.set("ChargingStation.AllowNewSessionsPendingFirmwareUpdate", True) == "Accepted"
    update.start()
    update.end("download")
    update.end("check")
    update.end("install")
    update.bench.plug_in(2)
    update.bench.swipe("04112233", evse=2)
    assert update.bench.intents[2].permit_power
    update.bench.swipe()
    update.bench.unplug()
    assert update.bench.evse(1).serves()
    update.bench.swipe("04112233", evse=2)
    update.bench.take_sent()
    update.bench.unplug(2)
    assert not update.bench.evse(1).serves()
    assert isinstance(update.orders()[-1], TryFirmware)


def test_the_variable_works_at_once() -> None:
    update = Updating(charging=True)
    update.written()
    assert not update.bench.evse(2).serves()
    update.bench.set("ChargingStation.AllowNewSessionsPendingFirmwareUpdate", True)
    assert update.bench.evse(2).serves()


def test_a_reservation_outlives_the_update() -> None:
    update = Updating(charging=True)
    until = (update.bench.now.wall + timedelta(hours=1)).isoformat()
    token = {"idToken": "04112233", "type": "ISO14443"}
    update.bench.ask("ReserveNow", id=1, idToken=token, expiryDateTime=until, evseId=2)
    update.written()
    update.bench.pass_time(60)
    assert not any(said.action == "ReservationStatusUpdate" for said in update.bench.take_sent())
    assert 1 in [each.id for each in update.bench.station.site.reservations]


def test_a_reset_on_idle_waits_and_an_immediate_one_is_refused_while_it_is_installed(update: Updating) -> None:
    update.goes_to("installing")
    assert update.bench.ask("Reset", type="OnIdle") == {"status": "Scheduled"}
    told = update.bench.ask("Reset", type="Immediate")
    assert isinstance(told, dict)
    assert (told["status"], told["statusInfo"]["reasonCode"]) == ("Rejected", "FwUpdateInProgress")
    update.end("install", "failed", "full")
    update.bench.pass_time(60)
    assert update.bench.restarts == ["ScheduledReset"]


def test_a_scheduled_update_keeps_no_reset_waiting(update: Updating) -> None:
    update.start(retrieve_in_s=86_400)
    assert update.bench.ask("Reset", type="OnIdle") == {"status": "Accepted"}


def test_without_a_csms_the_board_restarts_all_the_same(update: Updating) -> None:
    update.goes_to("installing")
    update.bench.disconnect()
    update.end("install")
    assert isinstance(update.orders()[-1], InstallFirmware)
    update.bench.pass_time(FAREWELL_S)
    assert isinstance(update.orders()[-1], TryFirmware)
    update.end("try")
    update.comes_up("B", "on trial")
    update.bench.notice(FirmwareProved(good=True))
    assert [status for status, _ in update.heard()][-2:] == ["InstallRebooting", "Installed"]  # nothing was lost


def test_a_session_that_the_csms_has_not_heard_of_is_told_by_the_new_release() -> None:
    update = Updating(charging=True)
    update.written()
    transaction_id = update.bench.transaction_id
    update.bench.disconnect()
    update.bench.swipe()
    update.bench.unplug()
    update.bench.pass_time(FAREWELL_S)
    update.end("try")
    update.comes_up("B", "on trial")
    [ended] = [event for event in update.bench.take_events() if event["eventType"] == "Ended"]
    assert ended["transactionInfo"]["transactionId"] == transaction_id


# ---- power cuts ----


@pytest.mark.parametrize(
    ("stage", "told", "order"),
    [
        ("scheduled", [], None),
        ("downloading", ["Downloading"], DownloadFirmware),
        ("paused", ["Downloading"], DownloadFirmware),
        ("checking", [], CheckFirmware),
        ("ready", [], None),
        ("installing", ["Installing"], InstallFirmware),
        ("written", ["InstallRebooting"], TryFirmware),
        ("rebooting", ["InstallRebooting"], TryFirmware),
    ],
)
def test_it_goes_on_where_the_power_ended_it(
    update: Updating, stage: str, told: list[FirmwareStatus], order: type[FirmwareOrder] | None
) -> None:
    update.goes_to(stage)
    update.comes_up("A")
    assert [status for status, _ in update.heard()] == told
    assert [type(each) for each in update.orders()] == ([order] if order else [])


@pytest.mark.parametrize("until", ["installing", "rebooting"])
def test_a_board_that_is_cut_off_again_and_again_gives_up(update: Updating, until: str) -> None:
    update.goes_to(until)
    for _ in range(MOST_TRIES - 1):
        update.comes_up("A")
    update.heard()
    update.comes_up("A")
    assert update.heard() == [("InstallationFailed", 7)]
    assert update.orders()[-1] == DropFirmware()
    update.comes_up("A")
    assert (update.heard(), update.orders()) == ([], [])


def test_a_boot_loader_that_went_back_is_told_once_and_nothing_is_tried_again(update: Updating) -> None:
    update.tried()
    update.comes_up("A", "rolled back")
    assert update.heard() == [("InstallationFailed", 7)]
    assert update.orders() == [DropFirmware()]
    assert update.bench.evse().serves()
    update.comes_up("A")
    assert (update.heard(), update.orders()) == ([], [])


def test_a_restart_that_did_not_happen_is_asked_for_again_but_not_for_ever(update: Updating) -> None:
    update.tried()
    restarts = 1
    for _ in range(10):
        update.comes_up("A", "waits")
        if isinstance(update.orders()[-1], DropFirmware):
            break
        update.end("try")
        restarts += 1
    assert restarts == MOST_TRIES
    assert update.heard() == [("InstallationFailed", 7)]


def test_a_release_that_does_not_work_is_left_when_nobody_charges_and_all_is_told(update: Updating) -> None:
    update.bench.set("ChargingStation.AllowNewSessionsPendingFirmwareUpdate", True)
    update.tried()
    update.comes_up("B", "on trial")
    update.bench.plug_in()
    update.bench.swipe()
    update.bench.notice(FirmwareProved(good=False))
    assert update.orders() == []
    update.bench.disconnect()
    update.bench.swipe()
    update.bench.unplug()
    assert update.orders() == []  # the end of the session is not told yet
    update.bench.connect()
    assert update.orders() == [RestartBoard("the new release in slot B does not work here")]
    update.comes_up("A", "rolled back")
    assert update.heard()[-1] == ("InstallationFailed", 7)


def test_a_csms_that_is_away_does_not_keep_a_release_that_does_not_work_for_ever(update: Updating) -> None:
    update.bench.set("ChargingStation.AllowNewSessionsPendingFirmwareUpdate", True)
    update.tried()
    update.comes_up("B", "on trial")
    update.bench.plug_in()
    update.bench.swipe()
    update.bench.disconnect()
    update.bench.swipe()
    update.bench.unplug()
    update.bench.notice(FirmwareProved(good=False))
    update.bench.pass_time(LAST_WORDS_S - 1)
    assert update.orders() == []
    update.bench.pass_time(1)
    assert len(update.orders()) == 1


def test_a_boot_loader_that_stays_with_a_release_that_does_not_work_ends_no_endless_loop(update: Updating) -> None:
    update.tried()
    restarts = 0
    for _ in range(10):
        update.comes_up("B", "on trial")
        update.bench.notice(FirmwareProved(good=False))
        update.bench.pass_time(5)
        if isinstance(update.orders()[-1], DropFirmware):
            break
        restarts += 1
    assert restarts == MOST_TRIES - 1
    assert update.heard()[-1] == ("InstallationFailed", 7)
    assert update.bench.evse().serves()


def test_the_new_release_runs_although_the_note_of_the_trial_was_never_written(update: Updating) -> None:
    update.goes_to("installing")
    update.comes_up("B")
    assert update.orders() == []
    update.bench.notice(FirmwareProved(good=True))
    assert update.heard()[-1] == ("Installed", 7)


def test_installed_is_told_when_the_power_went_between_the_proof_and_the_word(update: Updating) -> None:
    update.tried()
    update.comes_up("B", "installed")
    assert update.heard() == [("Installed", 7)]
    update.comes_up("B", "installed")
    assert (update.heard(), update.orders()) == ([], [DropFirmware()])  # the way back is still there


def test_a_trial_that_nobody_remembers_is_ended() -> None:
    update = Updating()
    update.comes_up("A", "rolled back")
    assert update.orders() == [DropFirmware()]


def test_a_record_that_cannot_be_read_is_forgotten() -> None:
    update = Updating()
    update.start()
    update.bench.records["firmware/update"] = b"{"
    update.comes_up("A")
    assert "firmware/update" not in update.bench.records


# ---- what is asked for ----


@pytest.mark.proves("L01.FR.26")
@pytest.mark.parametrize(
    ("until", "told"),
    [
        ("scheduled", "DownloadScheduled"),
        ("downloading", "Downloading"),
        ("paused", "DownloadPaused"),
        ("checking", "Downloaded"),
        ("ready", "InstallScheduled"),
        ("installing", "Installing"),
        ("written", "Installing"),
        ("rebooting", "InstallRebooting"),
    ],
)
def test_the_last_status_is_told_when_it_is_asked_for(until: str, told: str) -> None:
    update = Updating(charging=until == "written")
    update.goes_to(until)
    update.heard()
    update.trigger()
    assert update.heard() == [(told, 7)]


@pytest.mark.proves("L01.FR.26")
def test_how_it_failed_is_told_when_it_is_asked_for_also_after_a_restart(update: Updating) -> None:
    update.start(retries=0)
    update.end("download", "failed", "cut")
    update.heard()
    update.comes_up("A")
    update.trigger()
    assert update.heard() == [("DownloadFailed", 7)]


@pytest.mark.proves("L01.FR.25")
def test_after_a_good_end_nothing_is_under_way(update: Updating) -> None:
    update.tried()
    update.comes_up("B", "on trial")
    update.bench.notice(FirmwareProved(good=True))
    update.heard()
    update.trigger()
    assert update.heard() == [("Idle", None)]


def test_people_see_how_far_it_is(update: Updating) -> None:
    assert update.bench.station.blocks.firmware.status() is None
    update.start()
    update.end("download", "failed", "files.example: connection refused")
    told = update.bench.station.blocks.firmware.status()
    assert told is not None
    assert (told["status"], told["reason"]) == ("DownloadPaused", "files.example: connection refused")
