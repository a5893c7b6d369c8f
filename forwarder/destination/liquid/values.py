"""Values in Liquid: the words nil, empty and blank, truth, equality, order, and conversion to string and number."""

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
    """A literal with its own comparison: nil (or null), empty, blank."""

    def __init__(self, name: str, value: Value) -> None:
        self.name = name
        self.value = value

    def __contains__(self, _: object) -> bool:
        # In a list it is an object without properties.
        return False

    def equals(self, other: Value) -> bool:
        """Whether a value equals this word."""
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
    """The value of a word: null for nil, an empty string for empty and blank; any other value itself."""
    return value.value if isinstance(value, Word) else value


def is_nil(value: Value) -> bool:
    """Whether a value is null or undefined."""
    return value is None or value is UNDEFINED


def is_true(value: Value) -> bool:
    """Whether a value is true in Liquid: any but nil and false."""
    value = plain(value)
    return not (value is False or is_nil(value))


def text(value: Value) -> str:
    """A value as output: nothing for nil, a list's items without separators."""
    value = plain(value)
    if isinstance(value, str):
        return value
    if is_nil(value):
        return ""
    if isinstance(value, list):
        return "".join(text(item) for item in value)
    return to_primitive_string(value)


def number(value: Value) -> int | float:
    """A value as a number; 0 where it is not one."""
    converted = to_number(plain(value))
    return 0 if math.isnan(converted) else converted


def tidy(result: float) -> int | float:
    """The result of a calculation as `canonical` represents it."""
    return canonical(result) if math.isfinite(result) else result


def array(value: Value) -> list[Value]:
    """A value as a list: empty for nil, a list itself, else a list of one item."""
    value = plain(value)
    if is_nil(value):
        return []
    return value if isinstance(value, list) else [value]


def equal(left: Value, right: Value) -> bool:
    """`==` in Liquid: words by their own comparison, lists by items, objects by identity, others by type and value."""
    if isinstance(left, Word):
        return left.equals(right)
    if isinstance(right, Word):
        return right.equals(left)
    if isinstance(left, list):
        same_length = isinstance(right, list) and len(left) == len(right)
        return same_length and all(map(equal, left, right))
    if isinstance(left, dict) or isinstance(right, (dict, list)):
        return left is right
    if isinstance(left, bool) or isinstance(right, bool) or isinstance(left, str) or isinstance(right, str):
        return type(left) is type(right) and bool(left == right)
    return left is right or (not is_nil(left) and not is_nil(right) and bool(left == right))


def less(left: Value, right: Value, *, or_equal: bool = False) -> bool:
    """`<` and `<=` in Liquid, as in JavaScript; False for a word."""
    if isinstance(left, Word) or isinstance(right, Word):
        return False
    first, second = (
        to_primitive_string(side) if isinstance(side, (dict, list)) else side for side in (left, right)
    )
    if isinstance(first, str) and isinstance(second, str):
        lower, upper = (side.encode("utf-16-be", "surrogatepass") for side in (first, second))
        return lower <= upper if or_equal else lower < upper
    low, high = to_number(first), to_number(second)
    return low <= high if or_equal else low < high


def contains(whole: Value, part: Value) -> bool:
    """`contains` in Liquid: whether a list has an item, or a string a part."""
    whole = plain(whole)
    if isinstance(whole, list):
        return any(equal(item, part) for item in whole)
    return isinstance(whole, str) and to_primitive_string(plain(part)) in whole


def own_property(value: Value, key: Value) -> Value:
    """`value[key]` without JavaScript's built-in properties; UNDEFINED where there is none."""
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
    member = own_property(value, key)
    if member is not UNDEFINED or not isinstance(key, str):
        return member
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
