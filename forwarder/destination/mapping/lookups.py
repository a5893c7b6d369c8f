"""Directives that look things up in the event: @path, @template, @arrayPath."""

from __future__ import annotations

import re
from typing import Final

from optilocal.forwarder.destination.errors import DestinationError
from optilocal.forwarder.destination.mapping.directives import Directive, Resolve
from optilocal.forwarder.destination.mapping.paths import get
from optilocal.forwarder.javascript.values import (
    UNDEFINED,
    WHITESPACE,
    Value,
    real_type_of,
    to_primitive_string,
)

_PLACEHOLDERS: Final = (re.compile(r"\{\{\{([^}]+)\}\}\}"), re.compile(r"\{\{([^}]+)\}\}"))


def _text(name: str, value: Value, event: Value, resolve: Resolve) -> str:
    text = resolve(value, event)
    if not isinstance(text, str):
        raise DestinationError(f"{name}: expected string, got {real_type_of(text)}")
    return text


def _from_root(event: Value, path: str) -> Value:
    return get(event, path.replace("$.", "", 1))


def _path(value: Value, event: Value, resolve: Resolve) -> Value:
    return _from_root(event, _text("@path", value, event, resolve))


def _template(value: Value, event: Value, resolve: Resolve) -> str:
    def fill(found: re.Match[str]) -> str:
        value = get(event, found[1].strip(WHITESPACE))
        return "" if value is None or value is UNDEFINED else to_primitive_string(value)

    text = _text("@template", value, event, resolve)
    for placeholder in _PLACEHOLDERS:
        text = placeholder.sub(fill, text)
    return text


def _array_path(value: Value, event: Value, resolve: Resolve) -> Value:
    if not isinstance(value, list):
        raise DestinationError(f"@arrayPath expected array, got {real_type_of(value)}")
    path, shape = [*value, UNDEFINED, UNDEFINED][:2]
    found = _from_root(event, path) if isinstance(path, str) else resolve(path, event)
    if isinstance(found, (dict, list)) and isinstance(shape, dict) and shape:
        items = found if isinstance(found, list) else [found]
        return [resolve(shape, item) for item in items]
    return found


DIRECTIVES: Final[dict[str, Directive]] = {"@path": _path, "@template": _template, "@arrayPath": _array_path}
