"""N01 and its certification cases: what the CSMS hears of a log that is uploaded; how it travels is played here."""

from __future__ import annotations

from typing import Any

import pytest

from agent.vocabulary.commands import CancelUpload, UploadLog
from agent.vocabulary.incoming import UploadEnded
from tests.bench import Bench, Payload

URL = "http://logs.example/in"


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.accept()
    bench.take_sent()
    return bench


def get_log(bench: Bench, request_id: int = 7, **more: Any) -> Payload:
    log = {"remoteLocation": more.pop("url", URL), **more.pop("window", {})}
    answer = bench.ask("GetLog", logType=more.pop("log_type", "DiagnosticsLog"), requestId=request_id, log=log, **more)
    assert isinstance(answer, dict)
    return answer


def heard(bench: Bench) -> list[tuple[str, int | None]]:
    """What the CSMS was told, as (status, requestId)."""
    return [
        (said.payload["status"], said.payload.get("requestId"))
        for said in bench.take_sent()
        if said.action == "LogStatusNotification"
    ]


def end(bench: Bench, status: Any, request_id: int = 7) -> None:
    """An attempt is over."""
    bench.notice(UploadEnded(request_id, status))


@pytest.mark.proves("N01.FR.01", "N01.FR.02", "N01.FR.04", "N01.FR.07", "N01.FR.08", "N01.FR.09")
def test_TC_N_25_CS_a_diagnostics_log_is_uploaded(bench: Bench) -> None:
    answer = get_log(bench)
    assert answer == {"status": "Accepted", "filename": "diagnostics-20260101T000000Z.tar.gz"}
    assert heard(bench) == [("Uploading", 7)]
    assert bench.files == [UploadLog(7, "DiagnosticsLog", URL, answer["filename"])]
    end(bench, "Uploaded")
    assert heard(bench) == [("Uploaded", 7)]


@pytest.mark.proves("N01.FR.03")
def test_TC_N_35_CS_a_security_log_is_uploaded(bench: Bench) -> None:
    answer = get_log(bench, log_type="SecurityLog")
    assert answer == {"status": "Accepted", "filename": "security-20260101T000000Z.jsonl.gz"}
    assert [each.log_type for each in bench.files] == ["SecurityLog"]
    end(bench, "Uploaded")
    assert heard(bench) == [("Uploading", 7), ("Uploaded", 7)]


@pytest.mark.proves("N01.FR.10")
@pytest.mark.parametrize("failure", ["UploadFailure", "BadMessage", "PermissionDenied", "NotSupportedOperation"])
def test_TC_N_26_CS_four_attempts_with_the_interval_between_them(bench: Bench, failure: str) -> None:
    assert get_log(bench, retries=3, retryInterval=20)["status"] == "Accepted"
    began = bench.mono
    for attempt in range(4):
        assert heard(bench) == [("Uploading", 7)]
        assert len(bench.files) == attempt + 1
        end(bench, failure)
        assert heard(bench) == [(failure, 7)]
        if attempt < 3:
            bench.pass_time(19.9)
            assert heard(bench) == []
            bench.pass_time(0.1)
    assert bench.mono - began == pytest.approx(60)
    bench.pass_time(600)
    assert heard(bench) == []


@pytest.mark.proves("N01.FR.12", "N01.FR.20", "N01.FR.13")
def test_TC_N_36_CS_a_second_request_cancels_the_first(bench: Bench) -> None:
    get_log(bench, 7)
    assert heard(bench) == [("Uploading", 7)]
    assert get_log(bench, 8)["status"] == "AcceptedCanceled"
    assert heard(bench) == [("AcceptedCanceled", 7), ("Uploading", 8)]
    assert isinstance(bench.files[1], CancelUpload)
    end(bench, "UploadFailure", 7)  # of what was cancelled nobody hears
    end(bench, "Uploaded", 8)
    assert heard(bench) == [("Uploaded", 8)]


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"log_type": "DataCollectorLog"}, None),
        ({"url": "gopher://logs.example"}, "UnsupportedParam"),
        ({"url": "http:///nowhere"}, "UnsupportedParam"),
        ({"url": "http://logs.example:99999999/"}, "UnsupportedParam"),
        (
            {"window": {"oldestTimestamp": "2026-01-02T00:00:00Z", "latestTimestamp": "2026-01-01T00:00:00Z"}},
            "InvalidValue",
        ),
    ],
    ids=["a log that is not there", "protocol", "no host", "port", "window"],
)
@pytest.mark.proves("N01.FR.05")
def test_what_cannot_be_had_is_rejected_with_a_reason(bench: Bench, more: Payload, reason: str | None) -> None:
    if reason is None:  # a word of 2.1: the frame itself is refused in 2.0.1
        assert bench.ask("GetLog", logType="DataCollectorLog", requestId=7, log={"remoteLocation": URL}) in (
            "PropertyConstraintViolation",
            "FormatViolation",
        )
        return
    answer = get_log(bench, **more)
    assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Rejected", reason)
    assert bench.files == heard(bench) == []


@pytest.mark.proves("F06.FR.14", "F06.FR.15", "N01.FR.13")
def test_where_it_stands_is_told_on_request(bench: Bench) -> None:
    bench.ask("TriggerMessage", requestedMessage="LogStatusNotification")
    assert heard(bench) == [("Idle", None)]
    get_log(bench)
    heard(bench)
    bench.ask("TriggerMessage", requestedMessage="LogStatusNotification")
    assert heard(bench) == [("Uploading", 7)]


def test_the_last_word_reaches_a_csms_that_was_away(bench: Bench) -> None:
    get_log(bench)
    bench.disconnect()
    end(bench, "Uploaded")
    heard(bench)
    bench.connect()
    assert heard(bench) == [("Uploaded", 7)]


def test_an_upload_that_the_power_ended_has_failed_and_that_is_told(bench: Bench) -> None:
    get_log(bench)
    heard(bench)
    bench.power_cycle()
    bench.accept()
    assert heard(bench) == [("UploadFailure", 7)]
    bench.power_cycle()
    bench.accept()
    assert heard(bench) == []


def test_a_reset_on_idle_waits_for_the_upload(bench: Bench) -> None:
    get_log(bench)
    assert bench.ask("Reset", type="OnIdle") == {"status": "Scheduled"}
    bench.pass_time(60)
    assert bench.restarts == []
    end(bench, "Uploaded")
    bench.pass_time(60)
    assert len(bench.restarts) == 1


def test_a_window_goes_along(bench: Bench) -> None:
    get_log(bench, window={"oldestTimestamp": "2026-01-01T00:00:00Z", "latestTimestamp": "2026-01-02T00:00:00Z"})
    (wanted,) = bench.files
    assert wanted.oldest is not None and wanted.latest is not None
    assert (wanted.oldest.day, wanted.latest.day) == (1, 2)
