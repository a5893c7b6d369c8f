"""Paths of fields, such as `properties.product\\ 1.price`: their parts, the value at a path, and changed copies of
events.

No function here changes an event: objects along the path are copied.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Parts = tuple[str, ...]
Get = Callable[[Any], Any]


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"


MISSING = _Missing()
"""The value where an event has none, not even null."""


def split_path(path: str) -> Parts:
    """The names on a path. A backslash escapes the next character, such as a dot."""
    if "\\" not in path:
        return tuple(path.split("."))
    parts, name, escaped = [], "", False
    for char in path:
        if escaped or char not in ".\\":
            name += char
            escaped = False
        elif char == "\\":
            escaped = True
        else:
            parts.append(name)
            name = ""
    return (*parts, name)


def join_path(parts: Sequence[str]) -> str:
    """The path of names; dots and backslashes in them are escaped."""
    return ".".join(part.replace("\\", "\\\\").replace(".", "\\.") for part in parts)


def value_at(event: Any, parts: Parts) -> Any:
    """The value at a path, or `MISSING`. A number is an index of a list."""
    value = event
    for part in parts:
        if isinstance(value, dict):
            value = value.get(part, MISSING)
        elif isinstance(value, list) and part.isascii() and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return MISSING
    return value


def getter(path: str) -> Get:
    """A function of the event: its value at a path, None where it has none."""
    parts = split_path(path)
    if len(parts) == 1:
        (name,) = parts
        return lambda event: event.get(name) if isinstance(event, dict) else None

    def get(event: Any) -> Any:
        value = value_at(event, parts)
        return None if value is MISSING else value

    return get


def changed_at(event: Any, parts: Parts, change: Callable[[Any], Any]) -> Any:
    """A copy of the event with `change` applied to the value at the path; the event itself where there is none."""
    if not parts:
        return change(event)
    inner = value_at(event, parts[:1])
    if inner is MISSING:
        return event
    after = changed_at(inner, parts[1:], change)
    return event if after is inner else _with(event, parts[0], after)


def set_at(event: Any, parts: Parts, value: Any) -> Any:
    """A copy of the event with the value at the path; missing objects on the path are created."""
    if not parts:
        return value
    inner = value_at(event, parts[:1])
    if not isinstance(inner, dict | list):
        inner = {}
    return _with(event, parts[0], set_at(inner, parts[1:], value))


def without(event: Any, parts: Parts) -> Any:
    """A copy of the event without the value at the path; the event itself where there is none."""

    def drop(holder: Any) -> Any:
        if not isinstance(holder, dict) or parts[-1] not in holder:
            return holder
        return {name: value for name, value in holder.items() if name != parts[-1]}

    return changed_at(event, parts[:-1], drop)


def _with(holder: Any, name: str, value: Any) -> Any:
    if isinstance(holder, Mapping):
        return {**holder, name: value}
    items = list(holder) if isinstance(holder, list) else []
    if name.isascii() and name.isdigit() and int(name) < len(items):
        items[int(name)] = value
        return items
    return holder
