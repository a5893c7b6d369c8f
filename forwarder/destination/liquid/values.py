"""Values in Liquid: the words nil, empty and blank, truth, equality, order, and a value as text or number."""

from __future__ import annotations

import math
from typing import Final

from optilocal.forwarder.javascript.values import (
    UNDEFINED,
    WHITESPACE,
    Value,
    canonical,
    to_number,
    to_primitive_string,
    utf16_length,
)


class Word:
    """A literal that compares in a way of its own: nil (or null), empty, blank."""

    def __init__(self, name: str, value: Value) -> None:
        self.name = name
        self.value = value

    def __contains__(self, _: object) -> bool:
        # Inside a list it is an object without properties, and written as one.
        return False

    def equals(self, other: Value) -> bool:
        """Whether a value passes for this word."""
        if self is NIL:
            return is_nil(plain(other))
        if self is BLANK:
            if other is False or is_nil(plain(other)):
                return True
            if isinstance(other, str):
                return not other.strip(WHITESPACE)
        if isinstance(other, Word) and other is not NIL:
            return False
        other = plain(other)
        return isinstance(other, (str, list, dict)) and len(other) == 0


NIL: Final = Word("nil", None)
EMPTY: Final = Word("empty", "")
BLANK: Final = Word("blank", "")


def plain(value: Value) -> Value:
    """A value without its word: null for nil, an empty text for empty and blank."""
    return value.value if isinstance(value, Word) else value


def is_nil(value: Value) -> bool:
    """Whether a value is null or undefined."""
    return value is None or value is UNDEFINED


def is_true(value: Value) -> bool:
    """Liquid's truth: everything but nil and false."""
    value = plain(value)
    return not (value is False or is_nil(value))


def text(value: Value) -> str:
    """A value as it is printed: nothing for nil, arrays without separators."""
    value = plain(value)
    if isinstance(value, str):
        return value
    if is_nil(value):
        return ""
    if isinstance(value, list):
        return "".join(text(item) for item in value)
    return to_primitive_string(value)


def number(value: Value) -> int | float:
    """A value as a number; 0 for what is none."""
    found = to_number(plain(value))
    return 0 if math.isnan(found) else found


def tidy(result: float) -> int | float:
    """The result of a calculation as the rest of the forwarder keeps numbers."""
    return canonical(result) if math.isfinite(result) else result


def array(value: Value) -> list[Value]:
    """A value as a list: nothing for nil, itself for a list, else a list of one."""
    value = plain(value)
    if is_nil(value):
        return []
    return value if isinstance(value, list) else [value]


def equal(left: Value, right: Value) -> bool:
    """`==` in Liquid: words first, lists item by item, objects by identity, else by type and value."""
    if isinstance(left, Word):
        return left.equals(right)
    if isinstance(right, Word):
        return right.equals(left)
    if isinstance(left, list):
        same_length = isinstance(right, list) and len(left) == len(right)
        return same_length and all(equal(one, other) for one, other in zip(left, right, strict=True))
    if isinstance(left, dict) or isinstance(right, (dict, list)):
        return left is right
    if isinstance(left, bool) or isinstance(right, bool) or isinstance(left, str) or isinstance(right, str):
        return type(left) is type(right) and bool(left == right)
    return left is right or (not is_nil(left) and not is_nil(right) and bool(left == right))


def less(left: Value, right: Value, *, or_equal: bool = False) -> bool:
    """`<` and `<=` in Liquid, which are JavaScript's; a word is never less nor more."""
    if isinstance(left, Word) or isinstance(right, Word):
        return False
    first, second = (
        to_primitive_string(side) if isinstance(side, (dict, list)) else side for side in (left, right)
    )
    if isinstance(first, str) and isinstance(second, str):
        one, other = (side.encode("utf-16-be", "surrogatepass") for side in (first, second))
        return one <= other if or_equal else one < other
    low, high = to_number(first), to_number(second)
    return low <= high if or_equal else low < high


def contains(whole: Value, part: Value) -> bool:
    """`contains` in Liquid: an item of a list, or a text within a text."""
    whole = plain(whole)
    if isinstance(whole, list):
        return any(equal(item, part) for item in whole)
    return isinstance(whole, str) and to_primitive_string(plain(part)) in whole


def own_property(value: Value, key: Value) -> Value:
    """`value[key]` without what JavaScript adds; UNDEFINED where there is none."""
    name = to_primitive_string(plain(key))
    if isinstance(value, dict):
        return value.get(name, UNDEFINED)
    if isinstance(value, (list, str)):
        length = utf16_length(value) if isinstance(value, str) else len(value)
        if name == "length":
            return length
        if name.isdigit() and name.isascii() and str(int(name)) == name and int(name) < length:
            return value[int(name)]
    return UNDEFINED


def read_property(value: Value, key: Value) -> Value:
    """`value.key` in Liquid, with negative indexes and the names size, first and last."""
    key = plain(key)
    if isinstance(value, Word):
        return UNDEFINED
    if is_nil(value):
        return value
    if isinstance(value, list) and less(key, 0):
        return own_property(value, tidy(len(value) + to_number(key)))
    found = own_property(value, key)
    if found is not UNDEFINED or not isinstance(key, str):
        return found
    if key == "size":
        if isinstance(value, str):
            return utf16_length(value)
        return len(value) if isinstance(value, (list, dict)) else UNDEFINED
    if key in ("first", "last") and isinstance(value, list) and value:
        return value[0 if key == "first" else -1]
    return UNDEFINED


def read_path(value: Value, path: list[Value]) -> Value:
    """Follows a path of properties."""
    for key in path:
        value = read_property(value, key)
    return value
