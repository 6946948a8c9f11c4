"""What each command of the control socket does, in a line for ``help``.  Does nothing."""

from __future__ import annotations

SAYS: dict[str, str] = {
    "help": "the commands that this socket takes",
    "status": "the station, its connection, and every EVSE",
    "why": "why an EVSE does not charge, and what to do about it",
    "variables": "the device model: values, units, defaults, what was changed",
    "monitors": "what is watched, and whether it is exceeded",
    "events": "what NotifyEvent told, newest last",
    "security_log": "the newest entries of the security log",
    "log": "the newest lines of the log, with `text` in them",
    "csms_report": "what the CSMS says against the specification",
    "settle": "wait until nothing is said to the CSMS any more",
    "watch": "OCPP frames, hardware events, facts and the log as they come",
    "ledger_resend": "send parked events again",
    "reset_fault": "let the pilot controller leave a fault that it keeps",
    "limit": "limit the current of an EVSE, or lift the limit",
    "start": "store settings and power on",
    "stop": "power off at once",
    "power_cycle": "power off and on again",
    "plug_in": "put a cable in",
    "unplug": "pull the cable",
    "ev": "what the vehicle wants",
    "swipe": "hold a card to the reader",
    "bay": "the parking-bay sensor",
    "meter": "set the simulated meter",
    "temperature": "how warm it is at a spot",
    "fault": "break something",
    "clear_fault": "mend what was broken",
    "link": "take the network cable out, or put it in",
    "set_variable": "set a variable by hand",
    "unset_variable": "put a variable back to its default",
    "auth_cache_put": "put an identifier into the authorization cache",
    "auth_cache_clear": "empty the authorization cache",
    "local_list_put": "put an identifier into the local authorization list",
}
"""By the command's name."""
