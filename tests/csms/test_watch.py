"""The command line of the practice CSMS is readable and ends cleanly."""

import asyncio
import socket
import subprocess
import sys

from websockets.asyncio.client import connect

from tests.csms.raw_station import BOOT, SUBPROTOCOL, TOKEN, RawStation, event


def test_the_command_line_tells_the_story_and_ends_on_a_signal():
    TRIGGER = "triggerReason=Trigger transactionId=t1"

    async def session(url: str) -> None:
        async with connect(f"{url}/CS001", subprotocols=[SUBPROTOCOL]) as connection:
            raw = RawStation(connection)
            await raw.ask("BootNotification", BOOT)
            await raw.ask("TransactionEvent", event("Started", 0, 100, idToken=TOKEN))
            await raw.ask("TransactionEvent", event("Ended", 1, 2100))
            await raw.ask("Heartbeat", {"extra": 1})

    command = [sys.executable, "-m", "tests.csms.practice", "--port", "0", "--reject", "ABC"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        url = process.stdout.readline().split()[2]
        asyncio.run(session(url))
        process.terminate()
        lines = [line[9:].rstrip() for line in process.stdout]
    assert process.returncode == 0
    assert lines[:6] == [
        "< CS001 BootNotification reason=PowerUp vendorName=V model=M",
        "> CS001   BootNotification: status=Accepted interval=300",
        f"< CS001 TransactionEvent eventType=Started seqNo=0 {TRIGGER} idToken=ABC meter=100Wh",
        "> CS001   TransactionEvent: status=Invalid",
        "< CS001 TransactionEvent eventType=Ended seqNo=1 triggerReason=Trigger transactionId=t1 meter=2100Wh",
        "> CS001   TransactionEvent: totalCost=1.34",
    ]
    assert "Heartbeat: refused, FormatViolation" in lines[7]
    assert "! CS001 HeartbeatRequest" in lines[8]


def test_a_port_in_use_is_one_line_and_no_traceback():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "tests.csms.practice", "--port", str(port)]
        ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=20)
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert f"cannot listen on 127.0.0.1:{port}" in ended.stderr
