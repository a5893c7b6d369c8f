"""The fields of actions and settings: removes empty values, coerces as Ajv does, and validates with Segment's texts."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from optilocal.forwarder.destination.uri import is_uri
from optilocal.forwarder.errors import AggregateAjvError
from optilocal.forwarder.javascript.date import is_date_like
from optilocal.forwarder.javascript.values import UNDEFINED, Value, number_to_string, real_type_of, to_number


@dataclass(frozen=True)
class Field:
    """One field: `type` is string, integer, number, object or datetime (a string or number that is a date)."""

    key: str
    label: str
    type: str
    required: bool = False
    format: str | None = None


SETTINGS_FIELDS: Final = (
    Field("accessToken", "Personal Access Token", "string"),
    Field("accountId", "Optimizely Account Id", "string", required=True),
    Field("dataFileUrl", "Datafile URL", "string", required=True, format="uri"),
)

_EXPECTED: Final = {
    "string": "a string",
    "integer": "an integer",
    "number": "a number",
    "object": "an object",
    "datetime": "a string or number",
}
_FORMATS: Final = {"uri": (is_uri, "URI"), "date-like": (is_date_like, "date-like")}
_NOT_COERCED: Final = object()


@dataclass
class Findings:
    """Every message of one validation, in Segment's order."""

    messages: list[str] = field(default_factory=list)

    def raise_if_wrong(self) -> None:
        """Raises `AggregateAjvError` if there is a message."""
        if self.messages:
            raise AggregateAjvError(self.messages)


def remove_empty_values(payload: Value, fields: Sequence[Field]) -> Value:
    """Removes null and empty strings from a payload's top level.

    Source: @segment/actions-core remove-empty-values.ts.
    """
    if isinstance(payload, dict):
        known = {known.key for known in fields}
        return {
            key: value
            for key, value in payload.items()
            if value != "" and not (value is None and key in known)
        }
    return UNDEFINED if payload is None or payload == "" else payload


def check(payload: Value, fields: Sequence[Field]) -> Findings:
    """Coerces a payload in place, removes members that are not `fields`, and validates it.

    Source: @segment/actions-core schema-validation.ts.
    """
    if not isinstance(payload, dict):
        return Findings([f"The root value must be an object but it was {_kind(payload)}."])
    findings = Findings(
        [
            f"The root value is missing the required field '{known.key}'."
            for known in fields
            if known.required and known.key not in payload
        ]
    )
    keys = {known.key for known in fields}
    for key in [key for key in payload if key not in keys]:
        del payload[key]
    for known in fields:
        if known.key in payload:
            payload[known.key] = _check_field(payload[known.key], known, findings)
    return findings


def _check_field(value: Value, known: Field, findings: Findings) -> Value:
    kept = value
    if not _has_type(value, known.type):
        if isinstance(value, list) and len(value) == 1 and known.type != "object":
            value = value[0]
        # For two allowed types Ajv does not check whether an unwrapped item has the right type already.
        if value is kept or known.type == "datetime" or not _has_type(value, known.type):
            coerced = _coerce(value, known.type)
        else:
            coerced = value
        if coerced is _NOT_COERCED:
            findings.messages.append(
                f"{known.label} must be {_EXPECTED[known.type]} but it was {_kind(value)}."
            )
        else:
            kept = value = coerced
    name = "date-like" if known.type == "datetime" else known.format
    if name is not None and isinstance(value, str):
        accepts, label = _FORMATS[name]
        if not accepts(value):
            findings.messages.append(f"{known.label} must be a valid {label} string but it was not.")
    return kept


def _has_type(value: Value, type_name: str) -> bool:
    if type_name == "object":
        return isinstance(value, dict)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if type_name == "integer":
        return is_number and _is_whole(value)
    if type_name == "number":
        return is_number
    return isinstance(value, str) or (type_name == "datetime" and is_number)


def _is_whole(number: int | float) -> bool:
    return isinstance(number, int) or number.is_integer()


def _coerce(value: Value, type_name: str) -> Any:
    if type_name == "object":
        return _NOT_COERCED
    if type_name in ("string", "datetime"):
        if value is None:
            return ""
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, (int, float)):
            return number_to_string(value)
        if type_name == "string":
            return _NOT_COERCED
    if isinstance(value, bool) or value is None:
        return int(value or 0)
    if not isinstance(value, str) or not value:
        return _NOT_COERCED
    number = to_number(value)
    if math.isnan(number) or (type_name == "integer" and math.isfinite(number) and not _is_whole(number)):
        return _NOT_COERCED
    return number


def _kind(value: Value) -> str:
    kind = real_type_of(value)
    if kind in ("null", "undefined"):
        return kind
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"
