"""How requirements and certification cases are written: in the specification, in the name of a test, in a list."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from itertools import groupby

REQUIREMENT = re.compile(r"[A-P]\d\d\.FR\.\d{2,3}")
CASE = re.compile(r"TC_[A-P]_\d\d_CS")
USE_CASE = re.compile(r"[A-P]\d\d")
NUMBER = re.compile(r"\d{2,3}")
SPELLED = re.compile(r"([A-P]\d\d\.FR)\.(\d{2,3}(?: \d{2,3}\b)*)|(TC_[A-P]_\d\d_CS)")


def order(name: str) -> tuple[str, int, int]:
    """Sorts ids as the specification does: by block, use case and number; a block's cases follow its requirements."""
    if name.startswith("TC_"):
        return name[3], 100, int(name[5:-3])
    return name[0], int(name[1:3]), int(name.rpartition(".")[2])


def claimed(test: str, known: Collection[str]) -> Iterator[str]:
    """The ids in the name of a test.

    ``E01_FR_09``, ``G03_FR_01_02_03``, ``E14_FR_02_to_05``, ``B05_FR_04_to_B05_FR_10`` and ``TC_E_03_CS``.  A range
    claims its ends, and of what is between them that which is known.
    """
    yield from dict.fromkeys(walked(test.split("_"), known))


def walked(words: list[str], known: Collection[str]) -> Iterator[str]:
    while words:
        if words[0] == "TC" and words[3:4] == ["CS"]:
            yield "_".join(words[:4])
        elif USE_CASE.fullmatch(words[0]) and words[1:2] == ["FR"]:
            yield from numbered(words[0], words[2:], known)
        words = words[1:]


def numbered(use_case: str, words: list[str], known: Collection[str]) -> Iterator[str]:
    """The requirements of one use case that follow ``E01_FR``."""
    last = ""
    while words:
        through = last and words[0] == "to"
        words = words[1:] if through else words
        if through and words[:2] == [use_case, "FR"]:
            words = words[2:]
        if not words or not NUMBER.fullmatch(words[0]):
            return
        if through:
            yield from between(use_case, last, words[0], known)
        yield f"{use_case}.FR.{words[0]}"
        last, words = words[0], words[1:]


def between(use_case: str, first: str, last: str, known: Collection[str]) -> Iterator[str]:
    names = (f"{use_case}.FR.{number:0{len(first)}}" for number in range(int(first) + 1, int(last)))
    return (name for name in names if name in known)


def spelled(names: Iterable[str]) -> str:
    """``C01.FR.01 02 03, C02.FR.01``: a list, short and to be read back by ``read``."""
    groups = groupby(sorted(names, key=order), key=lambda name: name.rpartition(".")[0] or name)
    return ", ".join(
        group if group.startswith("TC_") else f"{group}." + " ".join(name.rpartition(".")[2] for name in members)
        for group, members in groups
    )


def read(text: str) -> Iterator[str]:
    """The ids in a list that ``spelled`` made."""
    for group, numbers, case in SPELLED.findall(text):
        yield from [case] if case else (f"{group}.{number}" for number in numbers.split())
