"""Instances of the JSON schemas: what hypothesis draws, the one with every field, and every way to break one rule."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Any

from hypothesis import strategies as st
from jsonschema import Draft6Validator, FormatChecker

from tests.tools.generate_messages import Schema, load_schemas

VERSIONS = {"ocpp2.0.1": "v201", "ocpp2.1": "v21"}

# Part 2: RFC 3339 with three decimals at most.
DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?(Z|[+-]\d\d:\d\d)")

formats = FormatChecker(formats=())


@formats.checks("date-time")
def is_date_time(value: object) -> bool:
    return isinstance(value, str) and DATE_TIME.fullmatch(value) is not None


@cache
def schemas(subprotocol: str) -> dict[str, Schema]:
    return load_schemas(VERSIONS[subprotocol])


@cache
def validator(subprotocol: str, name: str) -> Draft6Validator:
    return Draft6Validator(schemas(subprotocol)[name], format_checker=formats)


def every_schema() -> list[tuple[str, str]]:
    """Subprotocol and schema name of each of the 309."""
    return [(subprotocol, name) for subprotocol in VERSIONS for name in schemas(subprotocol)]


def resolved(node: Schema, root: Schema) -> Schema:
    return root["definitions"][node["$ref"].rpartition("/")[2]] if "$ref" in node else node


TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
INTEGERS = st.integers(-(2**31), 2**31 - 1)
NUMBERS = st.one_of(st.floats(allow_nan=False, allow_infinity=False), INTEGERS)
TIMES = st.datetimes(datetime(1970, 1, 1), datetime(2199, 1, 1)).map(
    lambda time: f"{time.isoformat(timespec='seconds')}Z"
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)


@cache
def instances(subprotocol: str, name: str) -> st.SearchStrategy[Any]:
    """What validates against a schema."""
    root = schemas(subprotocol)[name]
    return _strategy(root, root)


def _strategy(node: Schema, root: Schema) -> st.SearchStrategy[Any]:
    node = resolved(node, root)
    if "enum" in node:
        return st.sampled_from(node["enum"])
    match node.get("type"):
        case "object":
            return _objects(node, root)
        case "array":
            most = min(node.get("maxItems", 2), 2)
            return st.lists(_strategy(node["items"], root), min_size=1, max_size=most)
        case "string" if node.get("format") == "date-time":
            return TIMES
        case "string":
            longest = node.get("maxLength", 8)
            return st.text(st.characters(codec="utf-8"), max_size=min(longest, 8)) | st.just("é" * longest)
        case "integer":
            return st.integers(int(node.get("minimum", -(2**31))), int(node.get("maximum", 2**31 - 1)))
        case "number":
            bounded = {"min_value": node.get("minimum"), "max_value": node.get("maximum")}
            return st.floats(**bounded, allow_nan=False, allow_infinity=False)
        case "boolean":
            return st.booleans()
    return ANYTHING


def _objects(node: Schema, root: Schema) -> st.SearchStrategy[Any]:
    kinds = {name: st.deferred(lambda part=part: _strategy(part, root)) for name, part in node["properties"].items()}
    required = {name: kinds[name] for name in node.get("required", ())}
    optional = {name: kind for name, kind in kinds.items() if name not in required}
    if node.get("additionalProperties", True):
        optional["its own"] = ANYTHING  # CustomData
    return st.fixed_dictionaries(required, optional=optional)


def fullest(subprotocol: str, name: str) -> Any:
    """The instance that has every field, one item in each list."""
    root = schemas(subprotocol)[name]
    return _fullest(root, root)


def _fullest(node: Schema, root: Schema) -> Any:
    node = resolved(node, root)
    if "enum" in node:
        return node["enum"][0]
    match node.get("type"):
        case "object":
            return {name: _fullest(part, root) for name, part in node["properties"].items()}
        case "array":
            return [_fullest(node["items"], root)]
        case "string":
            return "2026-01-01T00:00:00Z" if node.get("format") == "date-time" else "x"
        case "integer":
            return int(node.get("minimum", 1))
        case "number":
            return float(node.get("maximum", 1.5))
        case "boolean":
            return True
    return {"anything": [None]}


Broken = tuple[str, str, Any]


def broken(subprotocol: str, name: str) -> Iterator[Broken]:
    """Every way to break one rule of a schema once: what was done where, the code it deserves, the payload."""
    root = schemas(subprotocol)[name]
    whole = _fullest(root, root)
    for path, change, code, breaking in _breakages(root, root, whole, ()):
        yield f"{'.'.join(map(str, path))}: {change}", code, _changed(whole, path, breaking)
    yield "an array", "ProtocolError", [whole]
    yield "a string", "ProtocolError", "x"


Breakage = tuple[tuple[Any, ...], str, str, Callable[[Any], Any]]
GONE = object()


def _breakages(node: Schema, root: Schema, value: Any, path: tuple[Any, ...]) -> Iterator[Breakage]:
    node = resolved(node, root)
    for change, code, breaking in _breaks(node):
        if path:
            yield path, change, code, breaking
    match node.get("type"):
        case "object":
            if not node.get("additionalProperties", True):
                yield (*path, "notAField"), "added", "FormatViolation", lambda _: 1
            for name in node.get("required", ()):
                yield (*path, name), "left out", "OccurrenceConstraintViolation", lambda _: GONE
            for name, part in node["properties"].items():
                yield from _breakages(part, root, value[name], (*path, name))
        case "array":
            yield from _breakages(node["items"], root, value[0], (*path, 0))


def _breaks(node: Schema) -> Iterator[tuple[str, str, Callable[[Any], Any]]]:
    """How a value of a kind can be wrong by itself."""
    kind = node.get("type")
    if kind is None:
        return
    yield "null", "TypeConstraintViolation", lambda _: None
    wrong = {"string": 12, "integer": "12", "number": "1.5", "boolean": "true", "array": {}, "object": 5}[kind]
    yield f"{wrong!r} for a {kind}", "TypeConstraintViolation", lambda _: wrong
    if kind == "integer":
        yield "a fraction", "TypeConstraintViolation", lambda _: 1.5
        yield "huge", "PropertyConstraintViolation", lambda _: 10**30
    if "enum" in node:
        yield "another word", "PropertyConstraintViolation", lambda _: "NoSuchWord"
    if node.get("format") == "date-time":
        yield "no time", "PropertyConstraintViolation", lambda _: "yesterday"
        yield "no zone", "PropertyConstraintViolation", lambda _: "2026-01-01T00:00:00"
    if "maxLength" in node:
        yield "too long", "PropertyConstraintViolation", lambda _: "x" * (node["maxLength"] + 1)
    if "minimum" in node:
        yield "too small", "PropertyConstraintViolation", lambda _: int(node["minimum"]) - 1
    if "maximum" in node:
        yield "too large", "PropertyConstraintViolation", lambda _: int(node["maximum"]) + 1
    if "minItems" in node:
        yield "empty", "OccurrenceConstraintViolation", lambda _: []
    if "maxItems" in node:
        yield "too many", "OccurrenceConstraintViolation", lambda items: items * (node["maxItems"] + 1)


def _changed(whole: Any, path: tuple[Any, ...], breaking: Callable[[Any], Any]) -> Any:
    changed = copy.deepcopy(whole)
    place = changed
    for step in path[:-1]:
        place = place[step]
    last = path[-1]
    value = breaking(place[last] if last != "notAField" else None)
    if value is GONE:
        del place[last]
    else:
        place[last] = value
    return changed


def now() -> datetime:
    return datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)
