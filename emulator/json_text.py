"""JSON that anybody may have sent: written, read, and looked into whatever its shape is."""

import json
import math
import sys
from typing import Any

import msgspec


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not valid JSON")


_encode = msgspec.json.Encoder().encode
# Strict JSON alone, and every whole number as it stands: what it refuses is read again by Python's own reader.
decode_strictly = msgspec.json.Decoder().decode
NOT_STRICT = (msgspec.MsgspecError, UnicodeError, RecursionError)


def dumps(value: Any) -> str:
    """Compact JSON in plain UTF-8; falls back to escapes when a string holds half a surrogate pair."""
    try:
        return _encode(value).decode()
    except UnicodeEncodeError:
        return json.dumps(msgspec.to_builtins(value), separators=(",", ":"))


def loads(text: str | bytes, *, bounded: bool = False) -> Any:
    """Parsed JSON. Raises ValueError for what is not valid JSON: NaN, Infinity, too deep nesting, too long numbers too.

    When `bounded`, a number beyond a double is the largest double, so that what is read can be written again.
    """
    try:
        return decode_strictly(text)
    except NOT_STRICT:
        pass
    try:
        return json.loads(text, parse_constant=_refuse, parse_float=_bounded if bounded else None)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _bounded(text: str) -> float:
    value = float(text)
    return math.copysign(sys.float_info.max, value) if math.isinf(value) else value


def names_twice(text: str) -> bool:
    """Whether an object in a JSON text has a name twice: readers take the last one, the first is in the text alone."""
    twice = False

    def look(pairs: list[tuple[str, Any]]) -> None:
        nonlocal twice
        twice = twice or len({name for name, _ in pairs}) < len(pairs)

    json.loads(text, object_pairs_hook=look)
    return twice


def storable(value: str | None) -> str | None:
    """The text with half surrogate pairs replaced, so that every store and encoder takes it."""
    if value is None:
        return None
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-8", "replace").decode()
    return value


def storable_text(value: object) -> str | None:
    """What anybody sent, as a text to look it up by: an id may have come as a number."""
    return storable(value if isinstance(value, str) else None if value is None else dumps(value))


def as_object(value: object) -> dict[str, Any]:
    """The value when it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_list(value: object) -> list[Any]:
    """The value when it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def objects(value: object) -> list[dict[str, Any]]:
    """The objects among the items of a list; none of any other value."""
    return [item for item in as_list(value) if isinstance(item, dict)]
