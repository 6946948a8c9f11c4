"""OCMF records and text in registers: put together and taken apart, whatever a meter says."""

from __future__ import annotations

from base64 import b64decode

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from hal.wire.ocmf import (
    assembled,
    bytes_of,
    checked,
    plain,
    tariff_text,
    text_of,
    tidied,
    told_key,
    words_of,
    words_of_bytes,
)
from hal.wire.registers import Malformed


@given(st.text(st.characters(codec="ascii", exclude_characters="\x00"), max_size=80))
def test_text_in_registers_is_read_as_it_was_written(text: str) -> None:
    assert text_of(words_of(text, 50)) == text


@given(st.text(max_size=80), st.integers(1, 20))
def test_text_always_fits_and_always_ends_with_a_zero(text: str, most: int) -> None:
    words = words_of(text, most)
    assert len(words) <= most
    assert b"\x00" in bytes_of(words)


@given(st.binary(max_size=99))
def test_bytes_in_registers_are_read_as_they_were_written(data: bytes) -> None:
    assert bytes_of(words_of_bytes(data), len(data)) == data


def test_a_record_is_made_of_its_two_sections() -> None:
    record = assembled('{"FV":"1.0","TT":"0.45 EUR abc"}', b"\x30\x01")
    assert record == 'OCMF|{"FV":"1.0","TT":"0.45 EUR abc"}|{"SD":"3001"}'
    assert checked(record + " \n") == record
    assert tariff_text(record) == "0.45 EUR abc"


def test_what_parts_the_sections_is_not_in_a_text() -> None:
    assert plain("a|b") == "a b"


@pytest.mark.parametrize("text", ["", "OCMF", "OCMF|{}", "ocmf|{}|{}", "\x00\x00"])
def test_what_is_no_record_is_told(text: str) -> None:
    with pytest.raises(Malformed, match="no OCMF record"):
        checked(text)


@given(st.text())
def test_no_record_makes_the_tariff_text_fail(text: str) -> None:
    assert isinstance(tariff_text("OCMF|" + text), str)
    assert isinstance(tariff_text(text), str)


@given(st.integers(1, 2**256 - 1), st.integers(1, 2**256 - 1), st.integers(0, 3))
def test_a_signature_with_too_many_zeros_is_the_same_signature_without_them(r: int, s: int, zeros: int) -> None:
    numbers = [number.to_bytes(33 + zeros, "big") for number in (r, s)]
    body = b"".join(bytes((2, len(number))) + number for number in numbers)
    assert tidied(bytes((0x30, len(body))) + body) == encode_dss_signature(r, s)
    assert decode_dss_signature(tidied(encode_dss_signature(r, s))) == (r, s)


@given(st.binary(max_size=80))
def test_whatever_is_no_signature_is_left_as_it_is(data: bytes) -> None:
    tidied(data)
    if data[:1] != b"\x30":
        assert tidied(data) == data


@pytest.mark.parametrize("data", ["304402", "30020300", "300102", "3003020201", "01", ""])
def test_a_broken_signature_is_left_as_it_is(data: str) -> None:
    assert tidied(bytes.fromhex(data)) == bytes.fromhex(data)


def test_the_key_is_told_as_the_oca_writes_it() -> None:
    assert b64decode(told_key(bytes.fromhex("3056AB"))) == b"oca:base16:asn1:3056ab"
