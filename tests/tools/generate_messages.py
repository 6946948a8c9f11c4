"""Writes ``agent/ocpp/messages/`` from the schemas of the ``ocpp`` package: python -m tests.tools.generate_messages"""

from __future__ import annotations

import importlib.util
import json
import keyword
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Schema = dict[str, Any]

ROOT = Path(__file__).parents[2]
TARGET = ROOT / "agent" / "ocpp" / "messages"

# Which functional block of part 2 defines an action, and who sends it: s(tation), c(sms) or b(oth).
BLOCKS: dict[str, tuple[str, dict[str, str]]] = {
    "a_security": (
        "Block A, security: certificates of the station, security events.",
        {"CertificateSigned": "c", "SecurityEventNotification": "s", "SignCertificate": "s"},
    ),
    "b_provisioning": (
        "Block B, provisioning: boot, variables, reports, network profiles, reset.",
        {
            "BootNotification": "s",
            "GetBaseReport": "c",
            "GetReport": "c",
            "GetVariables": "c",
            "NotifyReport": "s",
            "Reset": "c",
            "SetNetworkProfile": "c",
            "SetVariables": "c",
        },
    ),
    "c_authorization": (
        "Block C, authorization: who may charge, the cache, payment.",
        {
            "Authorize": "s",
            "ClearCache": "c",
            "NotifySettlement": "s",
            "NotifyWebPaymentStarted": "c",
            "VatNumberValidation": "s",
        },
    ),
    "d_local_auth_list": (
        "Block D, the local authorization list.",
        {"GetLocalListVersion": "c", "SendLocalList": "c"},
    ),
    "e_transactions": (
        "Block E, transactions: what happened between plugging in and leaving.",
        {"GetTransactionStatus": "c", "TransactionEvent": "s"},
    ),
    "f_remote_control": (
        "Block F, remote control: start, stop, unlock, trigger.",
        {
            "RequestStartTransaction": "c",
            "RequestStopTransaction": "c",
            "TriggerMessage": "c",
            "UnlockConnector": "c",
        },
    ),
    "g_availability": (
        "Block G, availability: connector status, heartbeat, taking out of service.",
        {"ChangeAvailability": "c", "Heartbeat": "s", "StatusNotification": "s"},
    ),
    "h_reservation": (
        "Block H, reservation.",
        {"CancelReservation": "c", "ReservationStatusUpdate": "s", "ReserveNow": "c"},
    ),
    "i_tariff_cost": (
        "Block I, tariff and cost.",
        {
            "ChangeTransactionTariff": "c",
            "ClearTariffs": "c",
            "CostUpdated": "c",
            "GetTariffs": "c",
            "SetDefaultTariff": "c",
        },
    ),
    "j_meter_values": ("Block J, meter values outside a transaction.", {"MeterValues": "s"}),
    "k_smart_charging": (
        "Block K, smart charging: profiles, schedules, limits, the needs of the EV.",
        {
            "ClearChargingProfile": "c",
            "ClearedChargingLimit": "s",
            "GetChargingProfiles": "c",
            "GetCompositeSchedule": "c",
            "NotifyChargingLimit": "s",
            "NotifyEVChargingNeeds": "s",
            "NotifyEVChargingSchedule": "s",
            "NotifyPriorityCharging": "s",
            "PullDynamicScheduleUpdate": "s",
            "ReportChargingProfiles": "s",
            "SetChargingProfile": "c",
            "UpdateDynamicSchedule": "c",
            "UsePriorityCharging": "c",
        },
    ),
    "l_firmware": (
        "Block L, firmware: updating the station, publishing firmware to others.",
        {
            "FirmwareStatusNotification": "s",
            "PublishFirmware": "c",
            "PublishFirmwareStatusNotification": "s",
            "UnpublishFirmware": "c",
            "UpdateFirmware": "c",
        },
    ),
    "m_certificates": (
        "Block M, certificates: installed ones, their status, those of the EV.",
        {
            "DeleteCertificate": "c",
            "Get15118EVCertificate": "s",
            "GetCertificateChainStatus": "s",
            "GetCertificateStatus": "s",
            "GetInstalledCertificateIds": "c",
            "InstallCertificate": "c",
        },
    ),
    "n_diagnostics": (
        "Block N, diagnostics: logs, monitors, events, customer information, event streams.",
        {
            "AdjustPeriodicEventStream": "c",
            "ClearVariableMonitoring": "c",
            "ClosePeriodicEventStream": "s",
            "CustomerInformation": "c",
            "GetLog": "c",
            "GetMonitoringReport": "c",
            "GetPeriodicEventStream": "c",
            "LogStatusNotification": "s",
            "NotifyCustomerInformation": "s",
            "NotifyEvent": "s",
            "NotifyMonitoringReport": "s",
            "NotifyPeriodicEventStream": "s",
            "OpenPeriodicEventStream": "s",
            "SetMonitoringBase": "c",
            "SetMonitoringLevel": "c",
            "SetVariableMonitoring": "c",
        },
    ),
    "o_display_message": (
        "Block O, messages on the station's display.",
        {
            "ClearDisplayMessage": "c",
            "GetDisplayMessages": "c",
            "NotifyDisplayMessages": "s",
            "SetDisplayMessage": "c",
        },
    ),
    "p_data_transfer": ("Block P, data transfer: whatever two vendors agreed on.", {"DataTransfer": "b"}),
    "q_bidirectional": (
        "Block Q, bidirectional power transfer (2.1).",
        {"AFRRSignal": "c", "NotifyAllowedEnergyTransfer": "c"},
    ),
    "r_der_control": (
        "Block R, control of distributed energy resources (2.1).",
        {
            "ClearDERControl": "c",
            "GetDERControl": "c",
            "NotifyDERAlarm": "s",
            "NotifyDERStartStop": "s",
            "ReportDERControl": "s",
            "SetDERControl": "c",
        },
    ),
    "s_battery_swap": ("Block S, battery swapping (2.1).", {"BatterySwap": "s", "RequestBatterySwap": "c"}),
}
SENDERS = {"s": "Sent by the station.", "c": "Sent by the CSMS.", "b": "Sent by either side."}


def main() -> None:
    write(TARGET)


def write(folder: Path) -> list[str]:
    """Writes all that is generated, sorted and formatted as the rest of the code; says which files."""
    files = written()
    for name, text in files.items():
        (folder / name).write_text(text)
    paths = [folder / name for name in files]
    for tidy in (["check", "--select", "I", "--fix"], ["format"]):
        command = [sys.executable, "-m", "ruff", *tidy, "--quiet", "--no-cache", "--config", "pyproject.toml", *paths]
        subprocess.run(command, check=True, cwd=ROOT)
    return list(files)


def written() -> dict[str, str]:
    """Name of each file to what belongs in it, before the formatter has seen it."""
    book = Book(load_schemas("v21"), load_schemas("v201"))
    files = {f"{module}.py": book.module(module) for module in BLOCKS}
    files["common.py"] = book.common()
    files["actions.py"] = book.actions()
    return files


def load_schemas(version: str) -> dict[str, Schema]:
    """Schema name (``ResetRequest``) to schema, as the ``ocpp`` package ships them."""
    found = importlib.util.find_spec("ocpp")
    assert found is not None and found.origin is not None, "the ocpp package is a test dependency"
    folder = Path(found.origin).parent / version / "schemas"
    return {path.stem: json.loads(path.read_text("utf-8-sig")) for path in sorted(folder.glob("*.json"))}


def definitions(schemas: dict[str, Schema]) -> dict[str, Schema]:
    """Every shared data type; the same name means the same thing in every schema."""
    return {name: kind for schema in schemas.values() for name, kind in schema["definitions"].items()}


def references(schema: Any) -> Iterator[str]:
    """Names of the data types a schema speaks of, in order."""
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key == "$ref":
                yield value.rpartition("/")[2]
            elif key != "definitions":
                yield from references(value)
    elif isinstance(schema, list):
        for item in schema:
            yield from references(item)


# Capitals inside one word; and a name that ``Request`` has taken.
WORDS = {"SoC": "Soc", "soC": "soc", "SoH": "Soh", "soH": "soh", "V2X": "V2x", "VRef": "Vref", "EMAIDs": "Emaids"}
TAKEN = {"action": "certificate_action"}


def python_name(wire: str) -> str:
    name = TAKEN.get(wire, wire)
    for written, word in WORDS.items():
        name = name.replace(written, word)
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    name = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name).lower()
    assert not keyword.iskeyword(name), f"{wire} needs a Python name"
    return name


def camel(name: str) -> str:
    """What msgspec's ``rename="camel"`` makes of a name."""
    first, *rest = name.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in rest)


@dataclass
class Book:
    """Both versions side by side; knows what goes into which file."""

    new: dict[str, Schema]
    old: dict[str, Schema]

    def __post_init__(self) -> None:
        self.new_types = definitions(self.new)
        self.old_types = definitions(self.old)
        self.types = {**self.old_types, **self.new_types}
        self.names = self._names()
        self.homes = self._homes()

    def _names(self) -> dict[str, str]:
        """Schema's type name to ours: without ``Type``; an enumeration also without ``Enum`` where that is free."""
        structs = {n: n.removesuffix("Type") for n in self.types if not n.endswith("EnumType")}
        taken = set(structs.values())
        names = dict(structs)
        for name in self.types:
            if name.endswith("EnumType"):
                short = name.removesuffix("EnumType")
                names[name] = f"{short}Enum" if short in taken else short
        assert len(set(names.values())) == len(names), "two types of one name"
        return names

    def _homes(self) -> dict[str, str]:
        """Data type to the module that declares it: its only block, or ``common``."""
        users: dict[str, set[str]] = defaultdict(set)
        for module, (_, actions) in BLOCKS.items():
            for name in schema_names(actions, self.new):
                for schema in (self.new[name], self.old.get(name, {})):
                    for kind in self._reach(schema):
                        users[kind].add(module)
        return {kind: next(iter(mods)) if len(mods) == 1 else "common" for kind, mods in users.items()}

    def _reach(self, schema: Schema) -> set[str]:
        seen: set[str] = set()
        queue = list(references(schema))
        while queue:
            name = queue.pop()
            if name not in seen:
                seen.add(name)
                queue += [*references(self.new_types.get(name, {})), *references(self.old_types.get(name, {}))]
        return seen

    def module(self, module: str) -> str:
        summary, actions = BLOCKS[module]
        kinds = [kind for kind, home in self.homes.items() if home == module]
        parts = [*self._aliases(kinds), *self._structs(kinds)]
        for action, sender in actions.items():
            parts += self._messages(action, SENDERS[sender])
        return self._page(f"{summary}  No behaviour.", parts, module)

    def common(self) -> str:
        kinds = [kind for kind, home in self.homes.items() if home == "common"]
        lengths = sorted({n for s in [*self.new.values(), *self.old.values()] for n in string_lengths(s)})
        used = "\n".join(self.module(module) for module in BLOCKS)
        parts = [*self._aliases(kinds), *self._structs(kinds)]
        used += "\n".join(parts)
        strings = [
            f"String{n} = Annotated[str, Meta(max_length={n})]\n" for n in lengths if re.search(rf"\bString{n}\b", used)
        ]
        return self._page(
            "Data types that more than one block uses.  No behaviour.", ["".join(strings), *parts], "common"
        )

    def actions(self) -> str:
        table = {action: module for module, (_, actions) in BLOCKS.items() for action in actions}
        rows = "".join(f'    "{action}": "{module}",\n' for action, module in sorted(table.items()))
        newer = [action for action in sorted(table) if not schema_names([action], self.old)]
        marked = "".join(f'        "{action}",\n' for action in newer)
        return (
            '"""Every action and the module of this package that declares it."""\n\n'
            f"ACTIONS = {{\n{rows}}}\n\n"
            f"ACTIONS_SINCE_21 = frozenset(\n    (\n{marked}    )\n)\n"
        )

    def _page(self, summary: str, parts: list[str], module: str) -> str:
        body = "\n\n".join(parts)
        words = set(re.findall(r"\b[A-Z][A-Za-z0-9_]*\b", re.sub(r'"[^"\n]*"', "", body)))
        head = [f'"""{summary}"""', "", "from __future__ import annotations", ""]
        typing = [word for word in ("Annotated", "Any", "Literal") if word in words]
        if typing:
            head += [f"from typing import {', '.join(typing)}", ""]
        msgspec = [word for word in ("Meta", "field") if re.search(rf"\b{word}\(", body)]
        if msgspec:
            head += [f"from msgspec import {', '.join(msgspec)}", ""]
        head.append(f"from agent.ocpp.messages.base import {', '.join(sorted(words & BASE))}")
        if module != "common":
            shared = {self.names[kind] for kind, home in self.homes.items() if home == "common"}
            shared |= {word for word in words if re.fullmatch(r"String\d+", word)}
            if shared & words:
                head.append(f"from agent.ocpp.messages.common import {', '.join(sorted(shared & words))}")
        return "\n".join(head) + "\n\n" + body

    def _aliases(self, kinds: Iterable[str]) -> list[str]:
        """The enumerations among ``kinds``."""
        return ["\n".join(self._alias(kind) for kind in sorted(kinds) if "enum" in self.types[kind])]

    def _alias(self, kind: str) -> str:
        words = self.types[kind]["enum"]
        literal = "Literal[" + ", ".join(f'"{word}"' for word in words) + "]"
        name = self.names[kind]
        if kind not in self.new_types:
            return f"{name} = {literal}  # 2.0.1; an open string since 2.1\n"
        newer = [word for word in words if word not in self.old_types.get(kind, {"enum": words})["enum"]]
        if not newer:
            return f"{name} = {literal}\n"
        marks = ", ".join(f'"{word}"' for word in newer)
        return f"{name} = Annotated[{literal}, Since21({marks})]\n"

    def _structs(self, kinds: Iterable[str]) -> list[str]:
        """The object types among ``kinds``, parts before wholes."""
        todo = sorted(kind for kind in kinds if "enum" not in self.types[kind] and kind != "CustomDataType")
        done: list[str] = []
        while todo:
            free = [k for k in todo if not (set(references(self.types[k])) - {k}) & set(todo)]
            assert free, f"a circle among {todo}"
            done += free
            todo = [kind for kind in todo if kind not in free]
        return [self._struct(self.names[k], "Message", self.types[k], self.old_types.get(k), []) for k in done]

    def _messages(self, action: str, sender: str) -> list[str]:
        if action in self.new:
            head = [f'"""{sender}"""\n', f'action = "{action}"']
            return [self._struct(action, "Unconfirmed", self.new[action], None, head)]
        request, response = f"{action}Request", f"{action}Response"
        named = f'action = "{action}"'
        answer = [named]
        ask = [f'"""{sender}"""\n', named, f"response = {response}"]
        return [
            self._struct(response, "Response", self.new[response], self.old.get(response), answer),
            self._struct(request, "Request", self.new[request], self.old.get(request), ask),
        ]

    def _struct(self, name: str, base: str, new: Schema, old: Schema | None, head: list[str]) -> str:
        lines = [f"class {name}({base}, frozen=True):", *(f"    {line}" for line in head)]
        fields = [self._field(wire, new, old) for wire in new["properties"] if wire != "customData"]
        fields.sort(key=lambda line: " = None" in line or "default=None" in line)  # the required ones first
        if head and fields:
            lines.append("")
        lines += [f"    {line}" for line in fields]
        if len(lines) == 1:
            lines.append("    pass")
        return "\n".join(lines) + "\n"

    def _field(self, wire: str, new: Schema, old: Schema | None) -> str:
        name = python_name(wire)
        required = wire in new.get("required", ())
        before = old["properties"].get(wire) if old is not None else None
        marks = []
        if old is not None and before is None:
            marks.append("Since21")
            if required:
                marks.append("In21(required=True)")
        if old is not None and before is not None and (wire in old.get("required", ())) and not required:
            marks.append("In201(required=True)")
        optional = not required or bool(marks)
        kind = self._kind(new["properties"][wire], before)
        if optional and kind != "Any":
            kind += " | None"
        if marks:
            kind = f"Annotated[{kind}, {', '.join(marks)}]"
        renamed = f'name="{wire}"' if camel(name) != wire else ""
        if renamed:
            return f"{name}: {kind} = field({'default=None, ' if optional else ''}{renamed})"
        return f"{name}: {kind}" + (" = None" if optional else "")

    def _kind(self, new: Schema, old: Schema | None) -> str:
        """The annotation for a value, with how 2.0.1 has it where that differs."""
        old = old if old is not None else new
        if "$ref" in new:
            return self._reference(new)
        match new.get("type"):
            case "array":
                return array(self._kind(new["items"], old["items"]), new, old)
            case "string":
                return self._string(new, old)
            case "integer" | "number":
                return number(new, old)
            case "boolean":
                return "bool"
            case None:
                return "Any"
        raise AssertionError(f"cannot write {new}")

    def _reference(self, schema: Schema) -> str:
        kind = schema["$ref"].rpartition("/")[2]
        return "CustomData" if kind == "CustomDataType" else self.names[kind]

    def _string(self, new: Schema, old: Schema) -> str:
        if new.get("format") == "date-time":
            return "Time"
        length = new.get("maxLength")
        kind = f"String{length}" if length else "str"
        if "$ref" in old:
            return f"Annotated[{kind}, In201({self._reference(old)})]"
        if old.get("maxLength") != length:
            return f"Annotated[{kind}, In201(max_length={old['maxLength']})]"
        return kind


BASE = {
    *("CustomData", "In201", "In21", "Message", "Natural", "NonNegative", "OneOrMore", "Request", "Response"),
    *("Since21", "Time", "Unconfirmed"),
}


def schema_names(actions: Iterable[str], schemas: dict[str, Schema]) -> list[str]:
    """The schemas of some actions: request and response, or the lone one of a SEND."""
    wanted = [name for action in actions for name in (action, f"{action}Request", f"{action}Response")]
    return [name for name in wanted if name in schemas]


def string_lengths(schema: Any) -> Iterator[int]:
    if isinstance(schema, dict):
        if schema.get("type") == "string" and "maxLength" in schema:
            yield schema["maxLength"]
        for value in schema.values():
            yield from string_lengths(value)


def array(item: str, new: Schema, old: Schema) -> str:
    assert new["minItems"] == old["minItems"] == 1
    assert new.get("maxItems") == old.get("maxItems")
    if "maxItems" in new:
        return f"Annotated[OneOrMore[{item}], Meta(max_length={new['maxItems']})]"
    return f"OneOrMore[{item}]"


def number(new: Schema, old: Schema) -> str:
    kind = {"integer": "int", "number": "float"}[new["type"]]
    if old["type"] != new["type"]:
        assert not limits(new) and not limits(old)
        return f"Annotated[{kind}, In201(int)]"
    now, before = limits(new), limits(old)
    if now == before:
        meta = "Meta"
    else:
        assert not before, "2.1 only adds limits"
        meta = "In21"
    shorthand = {("int", "Meta", "ge=0"): "NonNegative", ("int", "In21", "ge=0"): "Natural"}
    return shorthand.get((kind, meta, now), f"Annotated[{kind}, {meta}({now})]" if now else kind)


def limits(schema: Schema) -> str:
    words = {"minimum": "ge", "maximum": "le"}
    return ", ".join(f"{word}={schema[key]:g}" for key, word in words.items() if key in schema)


if __name__ == "__main__":
    main()
