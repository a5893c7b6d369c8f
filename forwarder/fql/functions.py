"""The functions of the filter query language, by https://segment.com/docs/api/public-api/fql/#functions.

A missing field is null. For an argument of a wrong type a function returns its result for null. Where the page is
silent, the function's docstring says what is assumed.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from optilocal.forwarder.fql.glob import compile_glob
from optilocal.forwarder.javascript.json import to_json

Value = Any


class EvaluationError(ValueError):
    """A statement that is FQL but cannot be evaluated for this event: Segment logs an internal error then and drops
    the event (https://segment.com/docs/connections/destinations/destination-filters/#error-handling).
    """

    what = "could not be evaluated for this event"


@dataclass(frozen=True)
class Function:
    """The number of arguments, and the function of them."""

    takes: int
    call: Callable[..., Value]


def is_number(value: Value) -> bool:
    """Whether a value is a number; true and false are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def type_name(value: Value) -> str:
    """FQL's name of a value's type. The page names no type for an object."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, str):
        return "string"
    if isinstance(value, list):
        return "list"
    return "number" if is_number(value) else "object"


def _contains(text: Value, part: Value) -> bool:
    return isinstance(text, str) and isinstance(part, str) and part in text


def _length(value: Value) -> int | float:
    """The items of a list, the bytes of a string, 0 for null; NaN for any other value (npm `@segment/tsub`)."""
    if value is None:
        return 0
    if isinstance(value, str):
        return len(value) if value.isascii() else len(value.encode("utf-8", "surrogatepass"))
    return len(value) if isinstance(value, list) else math.nan


def _match(text: Value, pattern: Value) -> bool:
    return isinstance(text, str) and isinstance(pattern, str) and compile_glob(pattern)(text)


def _of_text(change: Callable[[str], str]) -> Callable[[Value], Value]:
    return lambda value: change(value) if isinstance(value, str) else None


def _title(text: str) -> str:
    """Capitalizes each word's first letter; the rest stays as it is (assumed: the page has one example, "Test String")."""
    return re.sub(r"(^| )([^ ])", lambda match: match[1] + match[2].upper(), text)


def _bool(value: Value) -> bool:
    """Null, zero, the empty string and the empty list are false (assumed: the page only says "converts")."""
    return bool(value)


def _string(value: Value) -> str:
    """A string as it is, any other value as JSON (assumed: the page only says "converts")."""
    return value if isinstance(value, str) else to_json(value)


def _number(value: Value) -> int | float:
    """A number as it is, a string parsed as a number; any other value is an error (assumed)."""
    if is_number(value):
        number: int | float = value
        return number
    if isinstance(value, str) and re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", value, re.ASCII):
        return float(value)
    raise EvaluationError(f"number() cannot convert {_string(value)[:40]!r}, {type_name(value)}")


FUNCTIONS: Final[Mapping[str, Function]] = {
    "contains": Function(2, _contains),
    "length": Function(1, _length),
    "lowercase": Function(1, _of_text(str.lower)),
    "uppercase": Function(1, _of_text(str.upper)),
    "snakecase": Function(1, _of_text(lambda text: text.replace(" ", "_"))),
    "kebabcase": Function(1, _of_text(lambda text: text.replace(" ", "-"))),
    "titlecase": Function(1, _of_text(_title)),
    "typeof": Function(1, type_name),
    "match": Function(2, _match),
    "bool": Function(1, _bool),
    "string": Function(1, _string),
    "number": Function(1, _number),
}
