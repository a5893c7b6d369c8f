"""Liquid's filters for lists and JSON."""

import json
import math
from collections.abc import Callable
from typing import Any, Final

from optilocal.forwarder.destination.liquid.expressions import Path, read_variable
from optilocal.forwarder.destination.liquid.reader import Reader
from optilocal.forwarder.destination.liquid.values import (
    Word,
    array,
    equal,
    is_nil,
    is_true,
    own_property,
    plain,
    read_path,
    text,
    tidy,
)
from optilocal.forwarder.javascript.json import plain_json, to_json
from optilocal.forwarder.javascript.values import (
    UNDEFINED,
    Value,
    to_number,
    to_primitive_string,
    truthy,
    utf16_length,
    utf16_slice,
)


def _join(value: Value, separator: Value = UNDEFINED, *_: Value) -> str:
    between = plain(separator)
    between = " " if is_nil(between) else text(between)
    return between.join("" if is_nil(item) else to_primitive_string(plain(item)) for item in array(value))


def _end(value: Value, from_the_end: bool) -> Value:
    value = plain(value)
    length = own_property(value, "length") if truthy(value) else UNDEFINED
    if isinstance(length, bool) or not isinstance(length, (int, float)):
        return ""
    if isinstance(value, str):
        at = int(length) - 1 if from_the_end else 0
        return utf16_slice(value, at, at + 1)
    return own_property(value, tidy(length - 1) if from_the_end else 0)


def _size(value: Value, *_: Value) -> Value:
    length = own_property(value, "length") if truthy(value) else 0
    return length if truthy(length) else 0


def _sum(value: Value, name: Value = UNDEFINED, *_: Value) -> Value:
    total = 0.0
    for item in array(value):
        amount = to_number(plain(read_path(item, list(text(name).split("."))) if truthy(name) else item))
        total += 0 if math.isnan(amount) else amount
    return tidy(total)


def _slice(value: Value, begin: Value = UNDEFINED, length: Value = 1, *_: Value) -> Value:
    value = plain(value)
    if is_nil(value):
        return []
    value = value if isinstance(value, list) else text(value)
    size = len(value) if isinstance(value, list) else utf16_length(value)
    begin, length = plain(begin), 1 if length is UNDEFINED else plain(length)
    first = to_number(begin)
    first = size + first if first < 0 else first
    is_text = isinstance(begin, str) and not to_number(begin) < 0
    end = (
        to_number(text(begin) + text(length))
        if is_text or isinstance(length, str)
        else first + to_number(length)
    )
    start, stop = _index(first, size), _index(end, size)
    if isinstance(value, list):
        return value[start:stop]
    return utf16_slice(value, start, stop) if stop > start else ""


def _index(position: float, size: int) -> int:
    """A position as JavaScript's `slice` takes it: an integer, from the end where negative, within the bounds."""
    if math.isnan(position):
        return 0
    whole = int(max(-1e15, min(1e15, position)))
    return max(0, size + whole) if whole < 0 else min(whole, size)


def _where(value: Value, name: Value = UNDEFINED, expected: Value = UNDEFINED, *_: Value) -> list[Value]:
    path = read_variable(Reader(text(name)))

    def member(item: Value) -> Value:
        if not isinstance(path, Path):
            return UNDEFINED
        keys = [key if isinstance(key, str) else getattr(key, "value", UNDEFINED) for key in path.keys]
        return read_path(item, keys) if own_property(item, keys[0]) is not UNDEFINED else UNDEFINED

    matches = is_true if expected is UNDEFINED else lambda item: equal(item, expected)
    return [item for item in array(value) if matches(member(item))]


def _sample(value: Value, count: Value = 1, *_: Value) -> Value:
    # Segment's engine picks items at random; here they are the first ones, the same every time.
    value = plain(value)
    if is_nil(value):
        return []
    items = value if isinstance(value, list) else list(text(value))
    if count == 1:
        return items[0] if items else UNDEFINED
    return items[: _index(to_number(plain(count)), len(items))]


def _json(value: Value, space: Value = 0, *_: Value) -> Value:
    shown = plain_json(_without_words(value))
    if shown is UNDEFINED:
        return UNDEFINED
    indent: int | str = (
        space if isinstance(space, str) else max(0, min(10, int(space))) if _is_number(space) else 0
    )
    indent = indent[:10] if isinstance(indent, str) else indent
    return json.dumps(shown, indent=indent, ensure_ascii=False) if indent else to_json(shown)


def _is_number(value: Value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and not math.isnan(value)


def _without_words(value: Value) -> Value:
    if isinstance(value, list):
        return [_without_words(item) for item in value]
    return {} if isinstance(value, Word) else value


FILTERS: Final[dict[str, Callable[..., Any]]] = {
    "compact": lambda value, *_: [item for item in array(value) if not is_nil(plain(item))],
    "first": lambda value, *_: _end(value, False),
    "inspect": _json,
    "join": _join,
    "json": _json,
    "jsonify": _json,
    "last": lambda value, *_: _end(value, True),
    "pop": lambda value, *_: array(value)[:-1],
    "push": lambda value, added=UNDEFINED, *_: [*array(value), added],
    "sample": _sample,
    "shift": lambda value, *_: array(value)[1:],
    "size": _size,
    "slice": _slice,
    "sum": _sum,
    "unshift": lambda value, added=UNDEFINED, *_: [added, *array(value)],
    "where": _where,
}
