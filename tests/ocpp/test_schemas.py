"""Every schema of 2.0.1 and 2.1, both directions: what is valid is read and said again, what is broken is refused."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.ocpp.dialect import Dialect, dialect_for
from agent.ocpp.errors import Refused, Unsayable
from agent.ocpp.messages import ACTIONS, request_type, response_type, unconfirmed_type
from agent.ocpp.messages.base import Message
from tests.ocpp.instances import broken, every_schema, fullest, instances, schemas, validator
from tests.ocpp.messages_of import messages_of

FEW = settings(
    max_examples=8,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)


def kind_of(name: str) -> type[Message]:
    """The struct of a schema."""
    kind = (
        response_type(name.removesuffix("Response"))
        if name.endswith("Response")
        else request_type(name.removesuffix("Request")) or unconfirmed_type(name)
    )
    assert kind is not None, f"no struct for {name}"
    return kind


def heard(dialect: Dialect, name: str, instance: Any) -> Message:
    return dialect.decode(kind_of(name), msgspec.json.encode(instance))


def test_every_schema_has_its_struct_and_every_struct_its_schema():
    ours = {
        kind.__name__
        for action in ACTIONS
        for named in (request_type, response_type, unconfirmed_type)
        if (kind := named(action)) is not None
    }
    assert ours == set(schemas("ocpp2.1")) > set(schemas("ocpp2.0.1"))
    assert len(every_schema()) == 309


def test_a_version_knows_the_actions_of_its_schemas_and_no_others():
    for subprotocol in ("ocpp2.0.1", "ocpp2.1"):
        names = schemas(subprotocol)
        known = {action for action in ACTIONS if dialect_for(subprotocol).knows(action)}
        assert known == {name.removesuffix("Request").removesuffix("Response") for name in names}


@pytest.mark.parametrize(("subprotocol", "name"), every_schema())
def test_what_the_schema_allows_is_read_and_said_again_without_loss(
    subprotocol: str, name: str, counted: Counter[str]
) -> None:
    dialect, valid = dialect_for(subprotocol), validator(subprotocol, name)

    @FEW
    @given(st.just(fullest(subprotocol, name)) | instances(subprotocol, name))
    def read_and_said(instance: Any) -> None:
        valid.validate(instance)
        said = msgspec.json.decode(dialect.encode(heard(dialect, name, instance)))
        assert said == instance
        counted["instances of the schemas read"] += 1

    read_and_said()


@pytest.mark.parametrize(("subprotocol", "name"), every_schema())
def test_what_we_say_validates_whatever_a_block_builds(subprotocol: str, name: str, counted: Counter[str]) -> None:
    dialect, valid = dialect_for(subprotocol), validator(subprotocol, name)

    @FEW
    @given(messages_of(kind_of(name)))
    def said(message: Any) -> None:
        try:
            payload = dialect.encode(message)
        except Unsayable as error:
            assert "cannot be said in OCPP" in error.reason
            counted["messages of ours that one version has no words for"] += 1
        else:
            valid.validate(msgspec.json.decode(payload))
            counted["messages of ours validated"] += 1

    said()


@pytest.mark.parametrize(("subprotocol", "name"), every_schema())
def test_what_breaks_one_rule_is_refused_with_its_code_and_place(
    subprotocol: str, name: str, counted: Counter[str]
) -> None:
    dialect, valid = dialect_for(subprotocol), validator(subprotocol, name)
    for what, code, payload in broken(subprotocol, name):
        with pytest.raises(Refused) as refused:
            heard(dialect, name, payload)
        assert refused.value.code == code, what
        assert len(refused.value.reason) <= 255
        field = what.partition(":")[0].rpartition(".")[2]
        if not field.isdigit() and code != "ProtocolError":
            assert f"{field}`" in refused.value.reason, what
        counted["broken instances refused"] += 1
    assert not valid.is_valid([])
