"""Paths of fields, `properties.product\\ 1.price`: their parts, what an event has there, and changed copies of events.

Nothing here changes an event: what is changed is copied along the path.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Parts = tuple[str, ...]
Get = Callable[[Any], Any]


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"


MISSING = _Missing()
"""Where an event has nothing, not even a null."""


def split_path(path: str) -> Parts:
    """The names on a path. A backslash takes the character behind it, a dot say, into the name."""
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
    """The path of some names, dots and backslashes in them escaped."""
    return ".".join(part.replace("\\", "\\\\").replace(".", "\\.") for part in parts)


def value_at(event: Any, parts: Parts) -> Any:
    """What stands at a path, `MISSING` where nothing does. A number leads into a list."""
    found = event
    for part in parts:
        if isinstance(found, dict):
            found = found.get(part, MISSING)
        elif isinstance(found, list) and part.isascii() and part.isdigit() and int(part) < len(found):
            found = found[int(part)]
        else:
            return MISSING
    return found


def getter(path: str) -> Get:
    """What an event has at a path, None where it has nothing, as a function of the event."""
    parts = split_path(path)
    if len(parts) == 1:
        (name,) = parts
        return lambda event: event.get(name) if isinstance(event, dict) else None

    def get(event: Any) -> Any:
        found = value_at(event, parts)
        return None if found is MISSING else found

    return get


def changed_at(event: Any, parts: Parts, change: Callable[[Any], Any]) -> Any:
    """A copy of the event with what stands at the path replaced by what `change` makes of it; the event itself where
    nothing stands there.
    """
    if not parts:
        return change(event)
    inner = value_at(event, parts[:1])
    if inner is MISSING:
        return event
    after = changed_at(inner, parts[1:], change)
    return event if after is inner else _with(event, parts[0], after)


def set_at(event: Any, parts: Parts, value: Any) -> Any:
    """A copy of the event with the value at the path; objects on the way are made where there are none."""
    if not parts:
        return value
    inner = value_at(event, parts[:1])
    if not isinstance(inner, dict | list):
        inner = {}
    return _with(event, parts[0], set_at(inner, parts[1:], value))


def without(event: Any, parts: Parts) -> Any:
    """A copy of the event without what stands at the path; the event itself where nothing does."""

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
