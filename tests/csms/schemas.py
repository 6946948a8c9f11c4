"""The JSON schemas that the ``ocpp`` library ships, compiled once each.  Knows no connection and no order."""

import json
import re
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from jsonschema import Draft6Validator, FormatChecker  # type: ignore[import-untyped]
from jsonschema.exceptions import ValidationError  # type: ignore[import-untyped]

# RFC 3339 section 5.6: the zone is not optional.
DATE_TIME = re.compile(
    r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])[Tt]([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?"
    r"([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)"
)
# Part 4 section 4.3; what is not named here is a value that its property does not allow.
CODES = {
    "required": "OccurrenceConstraintViolation",
    "minItems": "OccurrenceConstraintViolation",
    "maxItems": "OccurrenceConstraintViolation",
    "type": "TypeConstraintViolation",
    "additionalProperties": "FormatViolation",
}
FORMATS = FormatChecker(formats=())


class Violation(NamedTuple):
    """What is wrong with a payload: the CALLERROR code that fits, and a line for people."""

    code: str
    text: str


def is_date_time(value: object) -> bool:
    return not isinstance(value, str) or DATE_TIME.fullmatch(value) is not None


FORMATS.checks("date-time")(is_date_time)


@cache
def validator(name: str) -> Draft6Validator | None:
    """The schema of ``BootNotificationRequest`` and its like; None when OCPP 2.0.1 has no such message."""
    file = files("ocpp.v201").joinpath("schemas", f"{name}.json")
    if not name.isalnum() or not file.is_file():
        return None
    # Some of the files open with a byte order mark.
    return Draft6Validator(json.loads(file.read_text("utf-8-sig")), format_checker=FORMATS)


def violation_of(name: str, payload: Any) -> Violation | None:
    """The first thing wrong with ``payload`` as a message of this name, or None."""
    schema = validator(name)
    if schema is None:
        return Violation("NotImplemented", f"{name}: no such message in OCPP 2.0.1")
    error = next(schema.iter_errors(payload), None)
    return None if error is None else Violation(code_of(error), f"{name}{error.json_path[1:]}: {error.message}")


def code_of(error: ValidationError) -> str:
    return CODES.get(str(error.validator), "PropertyConstraintViolation")
