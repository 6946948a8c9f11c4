"""The data that is shipped: complete, without doubles, and with reasons that name something."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec
import pytest

from tests.conformance.catalogue import BLOCKS, HERE, Catalogue, Reason, block_of, read_catalogue, read_reasons, rows
from tests.conformance.ids import CASE, REQUIREMENT, order


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return read_catalogue()


def test_every_requirement_is_written_as_one_and_has_a_side() -> None:
    found = list(rows(HERE / "requirements.csv"))
    assert all(REQUIREMENT.fullmatch(row["id"]) and row["block"] == row["id"][0] for row in found)
    assert {row["side"] for row in found} == {"station", "both", "csms", "other"}


def test_every_case_is_written_as_one_and_is_mandatory_conditional_or_in_no_profile() -> None:
    found = list(rows(HERE / "testcases.csv"))
    assert all(CASE.fullmatch(row["id"]) and row["block"] == row["id"][3] for row in found)
    assert {row["obligation"] for row in found} == {"M", "C", ""}
    assert all(bool(row["profile"]) == bool(row["obligation"]) for row in found)


@pytest.mark.parametrize("file", ["requirements.csv", "testcases.csv"])
def test_ids_stand_once_and_in_order(file: str) -> None:
    names = [row["id"] for row in rows(HERE / file)]
    assert names == sorted(set(names), key=order)


def test_every_block_has_something_to_prove(catalogue: Catalogue) -> None:
    assert {block_of(name) for name in catalogue.requirements} == set(BLOCKS)
    assert {block_of(name) for name in catalogue.cases} == set(BLOCKS)


def test_errata_are_in_it(catalogue: Catalogue) -> None:
    assert {"C01.FR.26", "B10.FR.10", "C16.FR.08", "C10.FR.10"} <= set(catalogue.requirements)
    assert not {"A00.FR.003", "E06.FR.05", "B09.FR.32", "K15.FR.20", "TC_O_15_CS"} & catalogue.known


# ---- reasons ----


def test_every_name_with_a_reason_stands_for_something_that_is_to_be_proved(catalogue: Catalogue) -> None:
    names = (*catalogue.requirements, *catalogue.cases)
    for reason in catalogue.reasons:
        for name in reason.ids:
            assert any(Reason((name,), "").covers(each) for each in names), f"not_applicable.toml: there is no {name}"


def test_nothing_has_two_reasons(catalogue: Catalogue) -> None:
    names = (*catalogue.requirements, *catalogue.cases)
    found = Counter(name for reason in catalogue.reasons for name in names if reason.covers(name))
    assert [name for name, times in found.items() if times > 1] == []


def test_a_reason_is_one_line(catalogue: Catalogue) -> None:
    assert all(reason.reason.strip() and "\n" not in reason.reason for reason in catalogue.reasons)


def test_a_name_stands_for_what_is_below_it_and_no_more() -> None:
    reason = Reason(("E01", "TC_H", "C08.FR.02"), "")
    assert all(map(reason.covers, ("E01.FR.04", "TC_H_01_CS", "C08.FR.02")))
    assert not any(map(reason.covers, ("E010.FR.01", "TC_HH_01_CS", "C08.FR.021", "C08.FR.01")))


def test_a_key_that_nothing_reads_is_an_error(tmp_path: Path) -> None:
    text = '[[not_applicable]]\nids = ["H01"]\nwhy = "no"\n'
    (tmp_path / "not_applicable.toml").write_text(text, encoding="utf-8")
    with pytest.raises(msgspec.ValidationError, match="why"):
        read_reasons(tmp_path)
