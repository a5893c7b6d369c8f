"""What all directives share: how one is recognised, and the shape of the function that runs it."""

from __future__ import annotations

from collections.abc import Callable

from optilocal.forwarder.javascript.values import Value, utf16_length, utf16_slice

# (options, event, resolve) → value; `resolve` resolves a part of the options against an event.
Resolve = Callable[[Value, Value], Value]
Directive = Callable[[Value, Value, Resolve], Value]


def directive_name(mapping: dict[str, Value]) -> str | None:
    """The directive that an object is, or None for a plain object: only @-keys, and perhaps `_metadata`."""
    found = None
    for key in mapping:
        if key[:1] == "@":
            found = found or key
        elif key != "_metadata":
            return None
    return found


def spread(value: Value) -> dict[str, Value]:
    """`{...value}`: objects by key, arrays and texts by index, anything else empty."""
    if isinstance(value, dict):
        return dict(value)
    if isinstance(value, list):
        return {str(index): item for index, item in enumerate(value)}
    if isinstance(value, str):
        return {str(index): utf16_slice(value, index, index + 1) for index in range(utf16_length(value))}
    return {}
