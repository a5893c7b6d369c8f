"""JavaScript's values: types, truth, conversions, numbers as strings, properties, key order.

Values are those of JSON (None, bool, int, float, str, list, dict), `UNDEFINED` and `Function`. A whole number up to
2^53 is an int, every other number a float; negative zero is 0, since JSON text does not distinguish them.
"""

from __future__ import annotations

import math
import re
from typing import Any, Final

from optilocal.forwarder.errors import JavaScriptTypeError

Value = Any

MAX_SAFE: Final = 2**53
# JavaScript trims line terminators, the byte order mark and all of Unicode's space separators, and nothing else.
WHITESPACE: Final = (
    "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\Z")
_PREFIXED = re.compile(r"0(?:[xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)\Z")
_CANONICAL_INDEX = re.compile(r"(?:0|[1-9][0-9]{0,9})\Z")
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")


class Undefined:
    """The type of `UNDEFINED`, JavaScript's value for what is missing, which is not null."""

    _instance: Undefined | None = None

    def __new__(cls) -> Undefined:
        if cls._instance is None:
            cls._instance = super().__new__(cls)
        return cls._instance

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "undefined"


UNDEFINED: Final = Undefined()


class Function:
    """A built-in function or class, which a path can reach through an object's prototype."""

    __slots__ = ("length", "name")

    def __init__(self, name: str, length: int) -> None:
        self.name = name
        self.length = length


class Prototype(dict[str, Any]):
    """A built-in prototype, which a path can reach: an object without own keys."""


def _functions(listing: str) -> dict[str, Function]:
    pairs = (entry.split(":") for entry in listing.split())
    return {name: Function(name, int(length)) for name, length in pairs}


_OBJECT_METHODS = _functions(
    "__defineGetter__:2 __defineSetter__:2 hasOwnProperty:1 __lookupGetter__:1 __lookupSetter__:1 isPrototypeOf:1"
    " propertyIsEnumerable:1 toString:0 valueOf:0 toLocaleString:0"
)
_STRING_METHODS = _functions(
    "anchor:1 at:1 big:0 blink:0 bold:0 charAt:1 charCodeAt:1 codePointAt:1 concat:1 endsWith:1 fontcolor:1 fontsize:1"
    " fixed:0 includes:1 indexOf:1 italics:0 lastIndexOf:1 link:1 localeCompare:1 match:1 matchAll:1 normalize:0"
    " padEnd:1 padStart:1 repeat:1 replace:2 replaceAll:2 search:1 slice:2 small:0 split:2 strike:0 sub:0 substr:2"
    " substring:2 sup:0 startsWith:1 toString:0 trim:0 trimStart:0 trimLeft:0 trimEnd:0 trimRight:0"
    " toLocaleLowerCase:0 toLocaleUpperCase:0 toLowerCase:0 toUpperCase:0 valueOf:0 isWellFormed:0 toWellFormed:0"
)
_STRING_METHODS["trimLeft"] = _STRING_METHODS["trimStart"]
_STRING_METHODS["trimRight"] = _STRING_METHODS["trimEnd"]
_ARRAY_METHODS = _functions(
    "at:1 concat:1 copyWithin:2 fill:1 find:1 findIndex:1 findLast:1 findLastIndex:1 lastIndexOf:1 pop:0 push:1"
    " reverse:0 shift:0 unshift:1 slice:2 sort:1 splice:2 includes:1 indexOf:1 join:1 keys:0 entries:0 values:0"
    " forEach:1 filter:1 flat:0 flatMap:1 map:1 every:1 some:1 reduce:1 reduceRight:1 toLocaleString:0 toString:0"
    " toReversed:0 toSorted:1 toSpliced:2 with:2"
)
_NUMBER_METHODS = _functions("toExponential:1 toFixed:1 toPrecision:1 toString:1 valueOf:0 toLocaleString:0")
_BOOLEAN_METHODS = _functions("toString:0 valueOf:0")
_FUNCTION_METHODS = _functions("apply:2 bind:1 call:1 toString:0")
_CONSTRUCTORS = _functions("Object:1 String:1 Array:1 Number:1 Boolean:1 Function:1")
OBJECT_PROTOTYPE: Final = Prototype()
OBJECT_PROPERTIES: Final = frozenset({*_OBJECT_METHODS, "constructor", "__proto__"})


def type_of(value: Value) -> str:
    """JavaScript's `typeof`."""
    if isinstance(value, str):
        return "string"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    if value is UNDEFINED:
        return "undefined"
    return "function" if isinstance(value, Function) else "object"


def real_type_of(value: Value) -> str:
    """The type in Segment's messages: as `typeof`, but "null" and "array" have their own names."""
    if value is None:
        return "null"
    if isinstance(value, list):
        return "array"
    return type_of(value)


def truthy(value: Value) -> bool:
    """Whether a value is true in JavaScript, where an empty array or object is."""
    if isinstance(value, (dict, list)):
        return True
    return bool(value) and not (isinstance(value, float) and math.isnan(value))


def canonical(number: float) -> int | float:
    """A number as this module represents it: an int where it is whole and at most 2^53."""
    if -MAX_SAFE <= number <= MAX_SAFE and number == int(number):
        return int(number)
    return float(number)


def utf16_length(text: str) -> int:
    """The length of a string in JavaScript: its UTF-16 code units."""
    return len(text) if text.isascii() else len(text) + len(_ASTRAL.findall(text))


def utf16_slice(text: str, start: int, end: int | None = None) -> str:
    """A slice by UTF-16 code units; a pair of surrogates that is cut leaves lone surrogates."""
    if utf16_length(text) == len(text):
        return text[start:end]
    units = text.encode("utf-16-le", "surrogatepass")
    stop = None if end is None else 2 * end
    return units[2 * start : stop].decode("utf-16-le", "surrogatepass")


def number_to_string(number: float) -> str:
    """A number as JavaScript writes it: the shortest digits, with an exponent below 1e-6 and from 1e21."""
    if isinstance(number, int):
        return str(number)
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    mantissa, _, exponent_text = repr(abs(number)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent_text or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    if not digits:
        return "0"
    sign = "-" if number < 0 else ""
    if len(digits) <= point <= 21:
        return sign + digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    exponent = point - 1
    tail = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{tail}e{'+' if exponent >= 0 else '-'}{abs(exponent)}"


def to_primitive_string(value: Value) -> str:
    """JavaScript's `String(value)`. Raises `JavaScriptTypeError` for an object whose `toString` is data."""
    if isinstance(value, str):
        return value
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, (int, float)):
        return number_to_string(value)
    if isinstance(value, list):
        return ",".join(
            "" if item is None or item is UNDEFINED else to_primitive_string(item) for item in value
        )
    if isinstance(value, Function):
        return f"function {value.name}() {{ [native code] }}"
    if value is UNDEFINED:
        return "undefined"
    if "toString" in value:
        raise JavaScriptTypeError("Cannot convert object to primitive value")
    return "[object Object]"


def to_number(value: Value) -> int | float:
    """JavaScript's `Number(value)`: NaN for a value that is not a number."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, (int, float)):
        return value
    if value is None:
        return 0
    if value is UNDEFINED:
        return math.nan
    text = to_primitive_string(value).strip(WHITESPACE)
    if not text:
        return 0
    if _DECIMAL.match(text):
        return canonical(float(text))
    if _PREFIXED.match(text):
        return canonical(_whole_to_double(int(text, 0)))
    if text.lstrip("+-") == "Infinity" and len(text) <= len("+Infinity"):
        return -math.inf if text[0] == "-" else math.inf
    return math.nan


def _whole_to_double(number: int) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf


def loosely_equals_empty(value: Value) -> bool:
    """`value == ''` in JavaScript, for a value that is neither undefined nor null."""
    if isinstance(value, (bool, int, float)):
        return value == 0
    return to_primitive_string(value) == ""


def is_array_index(key: str) -> bool:
    """Whether a property's name is an array index, a whole number below 2^32 - 1, which comes before other names."""
    return bool(_CANONICAL_INDEX.match(key)) and int(key) < 2**32 - 1


def in_key_order(members: dict[str, Value]) -> dict[str, Value]:
    """The same members in JavaScript's order: integer-like keys first, ascending, then in order of arrival."""
    indexes = [key for key in members if key[:1].isdigit() and is_array_index(key)]
    if not indexes:
        return members
    ordered = {key: members[key] for key in sorted(indexes, key=int)}
    ordered.update((key, value) for key, value in members.items() if key not in ordered)
    return ordered


def get_property(value: Value, key: str) -> Value:
    """`value[key]`, built-in properties included. `value` must be neither undefined nor null."""
    if isinstance(value, dict):
        if key in value:
            return value[key]
        if key not in OBJECT_PROPERTIES:
            return UNDEFINED
        return None if key == "__proto__" and value is OBJECT_PROTOTYPE else _inherited(key, "Object", {})
    if isinstance(value, str):
        if key == "length":
            return utf16_length(value)
        if _CANONICAL_INDEX.match(key):
            return utf16_slice(value, int(key), int(key) + 1) or UNDEFINED
        return _inherited(key, "String", _STRING_METHODS)
    if isinstance(value, list):
        if key == "length":
            return len(value)
        if _CANONICAL_INDEX.match(key):
            return value[int(key)] if int(key) < len(value) else UNDEFINED
        return _inherited(key, "Array", _ARRAY_METHODS)
    if isinstance(value, bool):
        return _inherited(key, "Boolean", _BOOLEAN_METHODS)
    if isinstance(value, (int, float)):
        return _inherited(key, "Number", _NUMBER_METHODS)
    if key in ("name", "length"):
        return getattr(value, key)
    return _inherited(key, "Function", _FUNCTION_METHODS)


def _inherited(key: str, type_name: str, methods: dict[str, Function]) -> Value:
    if key in methods:
        return methods[key]
    if key == "constructor":
        return _CONSTRUCTORS[type_name]
    if key == "__proto__":
        # Each prototype is an empty object of its own type.
        return {"Array": [], "String": "", "Number": 0, "Boolean": False}.get(type_name, OBJECT_PROTOTYPE)
    return _OBJECT_METHODS.get(key, UNDEFINED)
