"""JSON as JavaScript reads and writes it: numbers as doubles, key order, undefined and NaN, lone surrogates."""

import json
import math
import re
from json.encoder import encode_basestring
from typing import Any

from optilocal.forwarder.javascript.values import (
    MAX_SAFE,
    UNDEFINED,
    Function,
    Value,
    canonical,
    in_key_order,
    number_to_string,
)

_INDEX_KEY = re.compile(r'"(?:[0-9]|\\u003[0-9])[^"]*"\s*:')
_SURROGATE = re.compile("[\ud800-\udfff]")


class JsonSyntaxError(ValueError):
    """A text that JavaScript's `JSON.parse` refuses."""


def _parse_int(text: str) -> int | float:
    if len(text) < 16:
        return int(text)
    return canonical(float(text))


def _parse_float(text: str) -> int | float:
    number = float(text)
    return canonical(number) if math.isfinite(number) else number


def _refuse_constant(text: str) -> Any:
    raise JsonSyntaxError(f"{text} is not JSON")


def _ordered(pairs: list[tuple[str, Value]]) -> dict[str, Value]:
    return in_key_order(dict(pairs))


_PLAIN = json.JSONDecoder(parse_int=_parse_int, parse_float=_parse_float, parse_constant=_refuse_constant)
_WITH_INDEXES = json.JSONDecoder(
    parse_int=_parse_int,
    parse_float=_parse_float,
    parse_constant=_refuse_constant,
    object_pairs_hook=_ordered,
)


def parse_json(text: str) -> Value:
    """`JSON.parse`. Raises `JsonSyntaxError`."""
    # Keys are put in order, which is slow, only where one starts with a digit.
    decoder = _WITH_INDEXES if _INDEX_KEY.search(text) else _PLAIN
    try:
        return decoder.decode(text)
    except RecursionError as error:
        raise JsonSyntaxError("nested too deeply") from error
    except ValueError as error:
        raise JsonSyntaxError(str(error)) from error


def plain_json(value: Value) -> Value:
    """A value as JSON data: without undefined and functions, null for NaN and the infinities.

    UNDEFINED where the value itself is undefined or a function.
    """
    kind = type(value)
    if kind is str or kind is int or kind is bool or value is None:
        return value
    if isinstance(value, dict):
        members: dict[str, Value] = {}
        for key, member in value.items():
            kept = member if type(member) is str else plain_json(member)
            if kept is not UNDEFINED:
                members[key] = kept
        return members
    if isinstance(value, list):
        items = [plain_json(item) for item in value]
        return [None if item is UNDEFINED else item for item in items]
    if value is UNDEFINED or isinstance(value, Function):
        return UNDEFINED
    return value if math.isfinite(value) else None


def quote(text: str) -> str:
    """A string as JSON; lone surrogates are escaped, as in JavaScript."""
    quoted = encode_basestring(text)
    return quoted if quoted.isascii() else _SURROGATE.sub(lambda match: f"\\u{ord(match[0]):04x}", quoted)


def stringify(value: Value) -> Any:
    """`JSON.stringify(value)`: the text, or UNDEFINED."""
    plain = plain_json(value)
    return UNDEFINED if plain is UNDEFINED else to_json(plain)


def to_json(plain: Value) -> str:
    """The JSON text of plain data, without spaces, with numbers as JavaScript writes them."""
    if isinstance(plain, str):
        return quote(plain)
    if plain is None:
        return "null"
    if plain is True:
        return "true"
    if plain is False:
        return "false"
    if isinstance(plain, dict):
        return "{" + ",".join([f"{quote(key)}:{to_json(member)}" for key, member in plain.items()]) + "}"
    if isinstance(plain, list):
        return "[" + ",".join([to_json(item) for item in plain]) + "]"
    if isinstance(plain, int) and abs(plain) > MAX_SAFE:
        return number_to_string(float(plain))
    return number_to_string(plain)
