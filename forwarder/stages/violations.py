"""Violations of a JSON schema, draft 7, with the texts of Segment's Violations page.

Segment's own example (https://segment.com/docs/protocols/faq/) has the texts of the Go package gojsonschema: "Invalid
type. Expected: integer, given: number", "properties.products is required".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from jsonschema import Draft7Validator, ValidationError


@dataclass(frozen=True, slots=True)
class SchemaViolation:
    """One violation: Segment's type, the field's path, the text; `names` are the fields of `holder` that cause it."""

    type: str
    field: str
    description: str
    holder: str | None = None
    names: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """The text with the field's path."""
        return self.description if self.field in self.description else f"{self.field}: {self.description}"

    def as_json(self) -> dict[str, str]:
        """An item of `context.protocols.violations`."""
        return {"type": self.type, "field": self.field, "description": self.description}


class Validator:
    """Validates events by one JSON schema, which is compiled for the first event."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._schema = schema

    @cached_property
    def _draft7(self) -> Draft7Validator:
        from jsonschema import Draft7Validator, FormatChecker  # noqa: PLC0415 - slow to import
        from referencing import Registry  # noqa: PLC0415 - comes with jsonschema

        formats = FormatChecker(["email", "ipv4", "ipv6", "regex", "date", "time"])
        formats.checks("date-time")(_is_date_time)
        # An empty registry: nothing is fetched from anywhere for a `$ref`.
        return Draft7Validator(self._schema, registry=Registry(), format_checker=formats)

    def violations(self, event: Mapping[str, Any]) -> list[SchemaViolation]:
        """Every violation of an event, in the schema's order."""
        from referencing.exceptions import Unresolvable  # noqa: PLC0415 - comes with jsonschema

        try:
            return [_violation(error) for error in self._draft7.iter_errors(event)]
        except Unresolvable as error:
            return [
                SchemaViolation(
                    "Unresolvable Reference", "(root)", f"the schema's $ref {error.ref!r} leads nowhere"
                )
            ]


def schema_problem(schema: Any) -> str | None:
    """Why something is not a JSON schema of draft 7; None when it is."""
    from jsonschema import Draft7Validator, SchemaError  # noqa: PLC0415 - slow to import

    try:
        Draft7Validator.check_schema(schema)
    except SchemaError as error:
        where = "/".join(map(str, error.absolute_path))
        return f"{error.message}{f' at {where}' if where else ''}"
    return None


def _is_date_time(value: object) -> bool:
    if not isinstance(value, str):
        return True
    try:
        return "T" in value.upper() and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _violation(error: ValidationError) -> SchemaViolation:
    path = [str(part) for part in error.absolute_path]
    holder = path[0] if path else None
    keyword = str(error.validator)
    names: tuple[str, ...] = tuple(path[1:2])
    field = ".".join(path) or "(root)"
    wanted: Any = error.validator_value
    instance: Any = error.instance
    schema: Any = error.schema
    if keyword == "required":
        # jsonschema has one error for each missing name, which only its message names.
        missing = next(name for name in wanted if error.message.startswith(repr(name)))
        field = ".".join([*path, missing])
        return SchemaViolation("Required", field, f"{field} is required", holder, names)
    if keyword == "additionalProperties" and isinstance(instance, dict):
        extra = tuple(name for name in instance if name not in schema.get("properties", {}))
        description = f"Additional property {', '.join(extra)} is not allowed"
        return SchemaViolation("Additional Property", field, description, holder, names or extra)
    kind, describe = _KEYWORDS.get(keyword, ("Invalid", lambda error: error.message))
    return SchemaViolation(kind, field, describe(error), holder, names)


def _type_of(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    names = {float: "number", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "unknown")


def _wanted_types(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)


def _listed(value: Any) -> str:
    return ", ".join(map(repr, value))


_KEYWORDS: Final[Mapping[str, tuple[str, Callable[[ValidationError], str]]]] = {
    "type": (
        "Invalid Type",
        lambda error: (
            f"Invalid type. Expected: {_wanted_types(error.validator_value)}, given: {_type_of(error.instance)}"
        ),
    ),
    "enum": ("Enum", lambda error: f"must be one of the following: {_listed(error.validator_value)}"),
    "const": ("Const", lambda error: f"does not match: {error.validator_value!r}"),
    "pattern": ("Pattern", lambda error: f"Does not match pattern '{error.validator_value}'"),
    "format": ("Format", lambda error: f"Does not match format '{error.validator_value}'"),
    "minimum": ("Number Gte", lambda error: f"Must be greater than or equal to {error.validator_value}"),
    "maximum": ("Number Lte", lambda error: f"Must be less than or equal to {error.validator_value}"),
    "exclusiveMinimum": ("Number Gt", lambda error: f"Must be greater than {error.validator_value}"),
    "exclusiveMaximum": ("Number Lt", lambda error: f"Must be less than {error.validator_value}"),
    "minLength": (
        "String Gte",
        lambda error: f"String length must be greater than or equal to {error.validator_value}",
    ),
    "maxLength": (
        "String Lte",
        lambda error: f"String length must be less than or equal to {error.validator_value}",
    ),
    "minItems": ("Array Min Items", lambda error: f"Array must have at least {error.validator_value} items"),
    "maxItems": ("Array Max Items", lambda error: f"Array must have at most {error.validator_value} items"),
}
