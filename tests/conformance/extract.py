"""The ids of requirements and certification cases, taken from a folder of the specification; no sentence of it.

``python -m tests.conformance.extract FOLDER`` writes ``requirements.csv`` and ``testcases.csv`` beside this file.
FOLDER has ``requirements.csv`` (id, requirement), ``testcases.csv`` (id, profile, station, feature_no), ``errata*.md``
and ``part6/*.md``.  Whose requirement it is follows from its subject; ``SIDES`` says it where that is not enough.
"""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.conformance.ids import order

HERE = Path(__file__).parent

SUBJECT = re.compile(
    r"\b(Charging ?Station|CSMS|Local Controller)s?\b[^.;]{0,60}?\b(?:SHALL|MUST|SHOULD|MAY|RECOMMENDED)\b"
)
TOGETHER = re.compile(r"Charging Station (?:and|or) CSMS (?:SHALL|SHOULD|MUST)")

REQUIREMENT = re.compile(r"([A-P]\d\d\.FR\.\d+)(?: \(new\))?")
CASE = re.compile(r"Test case Id \| (TC_[A-P0]_\d+_CS)")

# ---- whose requirement it is, where the subject of the sentence does not say it ----

SAID_BY_CSMS = "the content of a message of the CSMS"
AUTHORITY = "who issues certificates: operator, manufacturer, their authorities"
DEPLOYMENT = "how a station is made, installed or connected, outside of its program"
BOTH_ENDS = "holds for both ends of the connection"
PROFILE = "written into a profile by the CSMS, checked by the station"
LIMIT = "the CSMS keeps a limit that a variable of the station tells"
CONTROLLER = "a Local Controller stands between stations and CSMS; this is a station"
DEFERRED = "the CSMS acts; the station is the object of the sentence"

SIDES: dict[str, tuple[str, str]] = {
    **{f"A00.FR.{n}": ("other", DEPLOYMENT) for n in (201, 206, 801, 802, 803, 804, 805)},
    **{f"A00.FR.{n}": ("both", BOTH_ENDS) for n in (312, 314, 317, 321, 415, 417, 420, 424)},
    **{f"A00.FR.{n}": ("both", "certificates are made, and looked at, on both sides") for n in range(501, 510)},
    **{f"A00.FR.{n}": ("both", "certificates are made, and looked at, on both sides") for n in (512, 513, 514)},
    **{f"A00.FR.{n}": ("other", AUTHORITY) for n in (427, 601, 602, 603, 604, 701, 703, 704)},
    "A00.FR.406": ("csms", DEFERRED),
    "A00.FR.408": ("csms", "a log of the CSMS"),
    "A00.FR.707": ("csms", DEFERRED),
    "A01.FR.02": ("csms", DEFERRED),
    "A01.FR.05": ("csms", DEFERRED),
    "A01.FR.06": ("csms", "passwords are chosen by the CSMS"),
    "A01.FR.07": ("csms", "passwords are chosen by the CSMS"),
    "A02.FR.01": ("csms", "a key update that the CSMS begins"),
    "A02.FR.14": ("csms", SAID_BY_CSMS),
    "A03.FR.14": ("csms", SAID_BY_CSMS),
    "B01.FR.03": ("station", "the CSMS is the object of the sentence"),
    "B02.FR.06": ("both", BOTH_ENDS),
    "B08.FR.06": ("both", LIMIT),
    "B10.FR.05": ("csms", "what a CSMS does before it moves a station"),
    "C01.FR.07": ("csms", SAID_BY_CSMS),
    "C01.FR.10": ("csms", SAID_BY_CSMS),
    "C01.FR.11": ("csms", SAID_BY_CSMS),
    "C01.FR.17": ("csms", SAID_BY_CSMS),
    "C04.FR.05": ("csms", SAID_BY_CSMS),
    "C05.FR.04": ("csms", SAID_BY_CSMS),
    "C06.FR.04": ("csms", SAID_BY_CSMS),
    "C07.FR.04": ("csms", SAID_BY_CSMS),
    "C09.FR.02": ("csms", SAID_BY_CSMS),
    "C09.FR.10": ("csms", SAID_BY_CSMS),
    "C09.FR.13": ("csms", SAID_BY_CSMS),
    "D01.FR.01": ("both", "the CSMS gives the number, the station keeps it"),
    "D01.FR.03": ("csms", DEFERRED),
    "D01.FR.06": ("both", "sent by the CSMS, kept by the station"),
    "D01.FR.11": ("both", LIMIT),
    "D01.FR.18": ("csms", SAID_BY_CSMS),
    "F01.FR.04": ("both", "the CSMS gives the token, the station uses it"),
    "F01.FR.06": ("csms", SAID_BY_CSMS),
    "F01.FR.09": ("csms", SAID_BY_CSMS),
    "F01.FR.11": ("csms", SAID_BY_CSMS),
    "F02.FR.12": ("both", "the CSMS gives the token, the station uses it"),
    "F02.FR.14": ("csms", SAID_BY_CSMS),
    "F02.FR.17": ("csms", SAID_BY_CSMS),
    "F02.FR.19": ("csms", SAID_BY_CSMS),
    "G02.FR.03": ("csms", SAID_BY_CSMS),
    "K01.FR.02": ("both", "the CSMS sends the profile, the station keeps to it"),
    **{f"K01.FR.{n}": ("both", PROFILE) for n in (16, 31, 35, 38, 40, 41)},
    "K01.FR.34": ("csms", SAID_BY_CSMS),
    "K01.FR.42": ("csms", SAID_BY_CSMS),
    **{f"K03.FR.{n:02}": ("other", CONTROLLER) for n in (1, 2, 8)},
    "K04.FR.03": ("both", PROFILE),
    "K05.FR.02": ("both", PROFILE),
    **{f"K14.FR.{n:02}": ("other", CONTROLLER) for n in range(1, 7)},
    **{f"K{use_case}.FR.{n}": ("csms", DEFERRED) for use_case in (15, 17) for n in ("05", "11", "12", "13")},
    "K15.FR.16": ("csms", "how a CSMS configures a station"),
    **{f"K16.FR.{n:02}": ("csms", DEFERRED) for n in (6, 7, 8)},
    "L01.FR.08": ("csms", "how the firmware is offered for download"),
    "L01.FR.09": ("other", AUTHORITY),
    "L02.FR.05": ("csms", "how the firmware is offered for download"),
    **{f"L03.FR.{n:02}": ("other", CONTROLLER) for n in range(1, 10)},
    **{f"L04.FR.{n:02}": ("other", CONTROLLER) for n in range(1, 5)},
    "M05.FR.10": ("both", "the CSMS signs the new root with the old one, the station checks it and replaces"),
    "M06.FR.09": ("csms", SAID_BY_CSMS),
    "N01.FR.14": ("both", "a transport that both offer"),
    "N01.FR.18": ("csms", "what a server of the CSMS accepts"),
    "N02.FR.07": ("both", LIMIT),
    "N04.FR.09": ("both", LIMIT),
    "N04.FR.17": ("csms", SAID_BY_CSMS),
    "N09.FR.01": ("csms", SAID_BY_CSMS),
    "O01.FR.04": ("csms", SAID_BY_CSMS),
    "O01.FR.17": ("csms", SAID_BY_CSMS),
    "O02.FR.12": ("csms", SAID_BY_CSMS),
    "P01.FR.02": ("csms", SAID_BY_CSMS),
    "P01.FR.03": ("csms", SAID_BY_CSMS),
    "P01.FR.04": ("both", "agreed between the two"),
    "P01.FR.07": ("both", "agreed between the two"),
    "P02.FR.05": ("both", "agreed between the two"),
    "P02.FR.06": ("csms", "the recipient is the CSMS"),
    "P02.FR.07": ("csms", "the recipient is the CSMS"),
    "P02.FR.08": ("both", "agreed between the two"),
}

# ---- errata 2025-09, where its tables cannot be read by a program ----

ADDED = {"C16.FR.08": ("station", "erratum 2.22 prints C16.FR.07 twice; the second is C16.FR.08 in OCPP 2.1")}
REMOVED = {"A00.FR.003": "erratum 2.4, without a mark in the row"}

REMOVED_CASES = {"TC_A_13": "erratum 5.20", "TC_O_15": "erratum 5.17"}

READERS = "C-30 or C-31 or C-32 or C-34"
CHANGED_CASES: dict[str, tuple[str, str]] = {
    "TC_A_20": ("C", "AQ-1 and C-61"),
    "TC_A_21": ("C", "AQ-3"),
    "TC_E_04": ("C", "C-30 or C-31 or C-32 or C-33 or C-35"),
    "TC_E_17": ("C", "C-10.2 and C-06.2 and AQ-9 and NOT (NOT C-52 and (C-10.1 or C-10.3 or C-10.4))"),
    "TC_E_45": ("C", f"({READERS}) and (Local Authorization List Management or C-49)"),
    "TC_E_52": ("C", f"C-58 and ({READERS}) and (Local Authorization List Management or C-49)"),
    "TC_F_06": ("C", 'HFS-1 and NOT Product Subtype "Mode 1/2-only Charging Station"'),
    "TC_F_27": ("C", "NOT AQ-11"),
    "TC_H_13": ("C", "NOT R-2"),
    "TC_H_15": ("C", "R-1"),
    "TC_H_16": ("C", "R-1"),
    "TC_N_48": ("C", "AQ-10"),
    **{f"TC_C_{n:02}": ("C", "C-49") for n in (8, 9, 10, 11, 12, 13, 32, 33, 34, 36, 37, 38)},
    **{f"TC_C_{n}": ("C", f"C-49 and ({READERS})") for n in (16, 17, 41, 44)},
    **{f"TC_C_{n}": ("C", f"C-49 and C-03 and ({READERS})") for n in (15, 18)},
    "TC_C_46": ("C", "C-49 and C-53"),
    "TC_C_57": ("C", "C-59 and C-49"),
    **{f"TC_C_{n}": ("M", "") for n in (27, 28, 29, 30, 31)},
    "TC_C_58": ("C", "LA-3"),
    **{f"TC_C_{n}": ("C", READERS) for n in (21, 22, 23, 24, 25, 40, 43)},
}


def main() -> int:
    if len(sys.argv) != 2 or not (folder := Path(sys.argv[1])).is_dir():
        print("usage: python -m tests.conformance.extract FOLDER", file=sys.stderr)
        return 2
    write(HERE / "requirements.csv", ("id", "block", "side"), requirement_rows(folder))
    write(HERE / "testcases.csv", ("id", "block", "profile", "obligation", "condition"), case_rows(folder))
    return 0


def write(path: Path, heading: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([heading, *sorted(rows, key=lambda row: order(row[0]))])


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# ---- requirements ----


def requirement_rows(folder: Path) -> Iterator[tuple[str, ...]]:
    texts = {row["id"]: row["requirement"] for row in table(folder / "requirements.csv")}
    for errata in sorted(folder.glob("errata*.md")):
        apply_errata(texts, errata.read_text(encoding="utf-8"))
    sides = {name: side_of(name, text) for name, text in texts.items() if name not in REMOVED}
    for name, (side, _) in ADDED.items():
        sides[name] = side
    for name, side in sides.items():
        yield name, name[0], side


def apply_errata(texts: dict[str, str], errata: str) -> None:
    """Rows of a table, in their order: what is said later wins."""
    for line in errata.partition("\n# 3. Part 3")[0].splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        for place, cell in enumerate(cells[:2]):
            found = REQUIREMENT.fullmatch(f"O{cell[1:]}" if cell.startswith("00") else cell)  # block O is printed as 0
            if found is None or len(cells) < place + 3 or cells[0].startswith("Old"):
                continue
            name, text = found[1], cells[place + 2]
            if cells[0] == "Delete" or text == "<Requirement removed>":
                texts.pop(name, None)
            else:
                texts[name] = text


def side_of(name: str, text: str) -> str:
    if name in SIDES:
        return SIDES[name][0]
    subjects = {subject.replace(" ", "") for subject in SUBJECT.findall(text)}
    if TOGETHER.search(text) or {"ChargingStation", "CSMS"} <= subjects:
        return "both"
    if "CSMS" in subjects:
        return "csms"
    return "other" if subjects == {"LocalController"} else "station"


# ---- certification cases ----


def case_rows(folder: Path) -> Iterator[tuple[str, ...]]:
    profiles: dict[str, list[str]] = {}
    conditions: dict[str, tuple[str, str]] = {}
    for row in table(folder / "testcases.csv"):
        name = row["id"].replace("TC_0_", "TC_O_")
        if not row["station"] or name in REMOVED_CASES:
            continue
        profiles.setdefault(name, []).append(row["profile"])
        conditions[name] = CHANGED_CASES.get(name, (row["station"], condition(row)))
    for name, (obligation, when) in conditions.items():
        yield f"{name}_CS", name[3], "; ".join(profiles[name]), obligation, when
    for name in described(folder) - set(conditions) - set(REMOVED_CASES):
        yield f"{name}_CS", name[3], "", "", ""


def condition(row: dict[str, str]) -> str:
    """The features that it depends on, by their numbers; those of a mandatory case are the CSMS's."""
    return row["feature_no"] if row["station"] == "C" else ""


def described(folder: Path) -> set[str]:
    """What Part 6 describes for a station; some of it is in no certification profile."""
    pages = (path.read_text(encoding="utf-8") for path in (folder / "part6").glob("*.md"))
    return {name.replace("TC_0_", "TC_O_").removesuffix("_CS") for page in pages for name in CASE.findall(page)}


if __name__ == "__main__":
    sys.exit(main())
