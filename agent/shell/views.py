"""What the answers of the control socket look like to people.  Asks nothing; the JSON is for programs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from agent.shell.tables import Cell, Row, Screen, plain

Answer = dict[str, Any]
View = Callable[[Answer, Screen], list[str]]

UNITS = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


def shown(cmd: str, answer: Answer, screen: Screen) -> list[str]:
    """The lines of an answer that is no refusal."""
    view = VIEWS.get(cmd)
    told = {name: value for name, value in answer.items() if name != "ok"}
    if view is not None:
        return view(told, screen)
    return json.dumps(told, indent=2).splitlines() if told else ["done"]


# ---- values ----


def text(value: Any) -> str:
    """A value in a table; a dash where there is none."""
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def amount(value: float | None, unit: str) -> str:
    """A number with its unit, to three digits."""
    if value is None:
        return "-"
    for factor, prefix in UNITS:
        if abs(value) >= factor:
            return f"{value / factor:.4g} {prefix}{unit}"
    return f"{value:.4g} {unit}"


def time(value: str) -> str:
    """A time of day (UTC) without its year and its milliseconds."""
    return date(value)[5:]


def date(value: str) -> str:
    """The same with its year."""
    return value[:19].replace("T", " ")


def place(item: Answer) -> str:
    """Component and variable of an item, as ``variables`` names them."""
    inner = [item["evse"], item["connector"], item["component_instance"]]
    where = ",".join(str(each) for each in inner if each is not None)
    instance = f"[{item['instance']}]" if item["instance"] else ""
    return f"{item['component']}{f'({where})' if where else ''}.{item['variable']}{instance}"


# ---- status and why ----

COLOURS = {"Faulted": "red", "Unavailable": "yellow"}

LINKS = {
    "fault": "no fault",
    "availability": "in service",
    "cable": "plugged in",
    "authorization": "authorized",
    "limits": "limits allow",
    "vehicle": "vehicle asks",
    "contactor": "contactor closed",
    "meter": "power flows",
}
"""What holds where a link of the chain does."""


def status(answer: Answer, screen: Screen) -> list[str]:
    """The station, then a row for each EVSE."""
    if not answer["on"]:
        return ["the station is off"]
    lines = screen.pairs(_of_station(answer))
    heading = ("EVSE", "STATUS", "TOKEN", "SESSION", ">POWER", ">REGISTER", ">OFFER")
    lines += ["", *screen.table(heading, [_of_evse(evse) for evse in answer["evses"]])]
    faults = [f"EVSE {evse['id']}: {plain(evse['fault'])}" for evse in answer["evses"] if evse["fault"]]
    return lines + [screen.paint(line, "red") for fault in faults for line in screen.paragraph(fault, 8)]


def _of_station(answer: Answer) -> list[tuple[str, str | Cell]]:
    registration = text(answer["registration"])
    up = Cell(f"connected, {registration}", "green" if registration == "Accepted" else "yellow")
    down = Cell(f"not connected: {text(answer['reason'])}", "red")
    flash = answer["flash"]
    written, budget = amount(flash["written_today_bytes"], "B"), amount(flash["budget_bytes_a_day"], "B")
    return [
        ("station", _identity(answer["station"])),
        ("CSMS", up if answer["connected"] else down),
        ("", _csms(answer["csms"])),
        ("queue", f"{answer['waiting']} events wait ({amount(answer['waiting_bytes'], 'B')}), {_thinned(answer)}"),
        ("clock", "known" if answer["clock_known"] else Cell("not known yet", "yellow")),
        ("flash", f"{written} written today, of {budget}"),
        ("upload", _upload(answer["upload"])),
        ("firmware", _firmware(answer["firmware"])),
    ]


def _identity(station: Answer) -> str:
    names = (station["vendor"], station["model"], station["serial"])
    firmware = f", firmware {station['firmware']}" if station["firmware"] else ""
    return plain(f"{' '.join(filter(None, names))}{firmware}; started: {station['boot_reason']}")


def _csms(csms: Answer) -> str:
    if csms["url"] is None:
        return "nobody has said where it is"
    how = f"slot {csms['slot']}, security profile {csms['security_profile']}"
    return plain(f"{csms['url']} as {csms['identity']}; {how}")


def _thinned(answer: Answer) -> str:
    return f"{answer['thinned']} readings were given up"


def _upload(upload: Answer | None) -> str:
    if upload is None:
        return "none"
    size = "unknown size" if not upload["size_bytes"] else amount(upload["size_bytes"], "B")
    return f"{upload['log_type']} as {upload['filename']}: {amount(upload['sent_bytes'], 'B')} of {size}"


def _firmware(update: Answer | None) -> str:
    if update is None:
        return "no update"
    progress, why = update["progress"], f": {update['reason']}" if update["reason"] else ""
    at_work = bool(progress and progress["size"])
    done = f", {progress['step']} {100 * progress['done'] // progress['size']} %" if at_work else ""
    return f"update {update['request_id']} {update['status']}{done}{plain(why)}"


def _connectors(evse: Answer) -> Cell:
    """As the CSMS is told it, and where the plug is when that does not say it."""
    told = {each["id"]: each["status"] for each in evse["connectors"]}
    words = list(told.values()) if len(told) == 1 else [f"{id} {status}" for id, status in told.items()]
    if evse["plugged"] and told[evse["connector"]] != "Occupied":
        words.append("plugged")
    colours = [colour for status, colour in COLOURS.items() if status in told.values()]
    return Cell(", ".join(words), colours[0] if colours else "")


def _of_evse(evse: Answer) -> Row:
    session, offer = evse["transaction"], evse["limits"]
    state = None if session is None else session["state"]
    return (
        str(evse["id"]),
        _connectors(evse),
        text(evse["authorized"]),
        Cell(text(state), "green" if state == "Charging" else ""),
        amount(evse["power_w"], "W"),
        amount(evse["energy_wh"], "Wh"),
        f"{offer['offer_a']:g} A x {offer['phases']}",
    )


def why(answer: Answer, screen: Screen) -> list[str]:
    """A paragraph for each EVSE: what is missing, what to do, and how far the chain holds."""
    return [line for told in answer["evses"] for line in _why(told, screen)]


def _why(told: Answer, screen: Screen) -> list[str]:
    name = f"EVSE {told['evse']}  "
    first, *more = screen.paragraph(name + plain(told["sentence"]), len(name))
    colour = "green" if told["charges"] else "bold"
    lines = [name + screen.paint(first[len(name) :], colour), *(screen.paint(line, colour) for line in more)]
    if told["charges"]:
        return lines
    looked_at = [(LINKS.get(link, link), holds) for link, holds in told["chain"].items() if holds is not None]
    chain = ", ".join(f"{link}: {'yes' if holds else 'NO'}" for link, holds in looked_at)
    indent = " " * len(name)
    lines += screen.paragraph(indent + told["advice"], len(name))
    return lines + [screen.paint(line, "dim") for line in screen.paragraph(indent + chain, len(name))]


# ---- lists ----


def variables(answer: Answer, screen: Screen) -> list[str]:
    """A row for each; a single one in full."""
    found = answer["variables"]
    if len(found) == 1:
        return _variable(found[0], screen)
    heading = ("*VARIABLE", "VALUE", "UNIT", "ACCESS", "DEFAULT")
    lines = screen.table(heading, [_variable_row(each) for each in found]) if found else []
    left = answer["total"] - len(found)
    return [*lines, f"{len(found)} variables" + (f"; {left} more (skip=, limit=)" if left else "")]


ACCESS = {"ReadOnly": "ro", "ReadWrite": "rw", "WriteOnly": "wo"}


def _value(item: Answer) -> str:
    return "(not told)" if item["value"] is None else text(item["value"])


def _variable_row(item: Answer) -> Row:
    value = Cell(_value(item), "yellow" if item["changed"] else "")
    default = text(item["default"]) if item["changed"] else ""
    return item["name"], value, item["unit"] or "", ACCESS[item["mutability"]], default


def _variable(item: Answer, screen: Screen) -> list[str]:
    unit = f" {item['unit']}" if item["unit"] else ""
    changed = "  (changed)" if item["changed"] else ""
    access = item["mutability"] + (", a new value works after the next restart" if item["reboot"] else "")
    rows: list[tuple[str, str | Cell]] = [
        ("variable", item["name"]),
        ("value", _value(item) + (unit if item["value"] else "") + changed),
        ("default", text(item["default"])),
        ("type", item["type"]),
        ("access", access),
    ]
    return screen.pairs(rows)


ORIGINS = {"HardWiredMonitor": "station", "PreconfiguredMonitor": "board file", "CustomMonitor": "CSMS"}
"""Who set a monitor."""


def monitors(answer: Answer, screen: Screen) -> list[str]:
    """Whether they may speak, then a row for each; ``!``: its threshold is exceeded."""
    enabled = "enabled" if answer["enabled"] else "disabled"
    told = f"monitoring is {enabled}; base {answer['base']}, severities 0 to {answer['level']} are told"
    heading = (">ID", "*VARIABLE", "TYPE", ">VALUE", ">ACTUAL", ">SEV", "SET BY")
    rows = [
        (
            str(item["id"]),
            place(item),
            item["type"],
            text(item["value"]),
            Cell(text(item["actual"]) + " !", "red") if item["exceeded"] else text(item["actual"]),
            str(item["severity"]),
            ORIGINS.get(item["origin"], item["origin"]),
        )
        for item in answer["monitors"]
    ]
    return [*screen.paragraph(told), *(["", *screen.table(heading, rows)] if rows else ["there are no monitors"])]


def events(answer: Answer, screen: Screen) -> list[str]:
    """Oldest first, as they were told."""
    heading = ("AT (UTC)", "*VARIABLE", "ACTUAL", ">SEV", "TRIGGER", "WAY", "INFO")
    rows = [
        (
            time(item["at"]),
            place(item),
            text(item["actual"]) + (" (over)" if item["cleared"] else ""),
            str(item["severity"]),
            item["trigger"],
            item["way"],
            text(item["info"]),
        )
        for item in answer["events"]
    ]
    return screen.table(heading, rows) if rows else ["no events since power-on"]


def security_log(answer: Answer, screen: Screen) -> list[str]:
    """Oldest first; a time that was not known has a question mark."""
    rows = [
        (date(item["at"]) + ("" if item["time_known"] else "?"), item["type"], text(item["info"]))
        for item in answer["events"]
    ]
    return screen.table(("*AT (UTC)", "TYPE", "INFO"), rows) if rows else ["the security log is empty"]


def log(answer: Answer, screen: Screen) -> list[str]:
    """Oldest first; times of this terminal would be others than those of the CSMS: they are UTC."""
    lines = [f"{time(item['at'])}  {item['line']}" for item in answer["lines"]]
    return [cut for line in lines for cut in screen.paragraph(plain(line), 16)] or ["no line says that"]


def csms_report(answer: Answer, screen: Screen) -> list[str]:
    """As it is mailed."""
    report: str = answer["report"]
    return report.splitlines()


def settle(answer: Answer, screen: Screen) -> list[str]:
    """It has no result."""
    return ["settled"]


def help(answer: Answer, screen: Screen) -> list[str]:
    """Each command that looks, with what it takes."""
    told = [each for each in answer["commands"] if each["role"] == "observe"]
    lines = screen.pairs([row for each in told for row in _command(each)])
    hint = (
        "Arguments by place or NAME=VALUE; --json shows the answer as it came; TAB completes; Ctrl-C ends what runs, "
        "Ctrl-D the shell."
    )
    return [*lines, "", *screen.paragraph(hint)]


def _command(command: Answer) -> list[tuple[str, str | Cell]]:
    takes = " ".join(_argument(argument) for argument in command["arguments"])
    return [(command["cmd"], command["says"]), *([("", Cell(takes, "dim"))] if takes else [])]


def _argument(argument: Answer) -> str:
    return argument["name"] if argument["required"] else f"[{argument['name']}]"


VIEWS: dict[str, View] = {
    "csms_report": csms_report,
    "events": events,
    "help": help,
    "monitors": monitors,
    "security_log": security_log,
    "log": log,
    "settle": settle,
    "status": status,
    "variables": variables,
    "why": why,
}
"""By the command whose answer it is; others are shown as JSON."""
