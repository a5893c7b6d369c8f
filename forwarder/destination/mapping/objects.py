"""Directives that build objects: @merge, @flatten, @json."""

from __future__ import annotations

from typing import Final

from optilocal.forwarder.destination.errors import DestinationError
from optilocal.forwarder.destination.mapping.directives import Directive, Resolve, spread
from optilocal.forwarder.javascript.json import JsonSyntaxError, parse_json, stringify
from optilocal.forwarder.javascript.values import UNDEFINED, Value, in_key_order, truthy, type_of


def _merge(options: Value, event: Value, resolve: Resolve) -> Value:
    if not isinstance(options, dict):
        raise DestinationError('@merge requires an object with an "objects" key and a "direction" key')
    if not truthy(options.get("direction")):
        raise DestinationError('@merge requires a "direction" key')
    direction = resolve(options["direction"], event)
    objects = options.get("objects")
    if not truthy(objects):
        raise DestinationError('@merge requires a "objects" key')
    if not isinstance(objects, list):
        raise DestinationError(f"@merge: expected opts.array, got {type_of(objects)}")
    resolved = [resolve(item, event) for item in objects]
    if direction == "left":
        resolved.reverse()
    merged: dict[str, Value] = {}
    for item in resolved:
        merged.update(spread(item))
    merged.pop("__proto__", None)
    return in_key_order(merged)


def _flatten(options: Value, event: Value, resolve: Resolve) -> Value:
    if not isinstance(options, dict):
        raise DestinationError('@flatten requires an object with a "separator" key')
    if not truthy(options.get("separator")):
        raise DestinationError('@flatten requires a "separator" key')
    separator = resolve(options["separator"], event)
    if not isinstance(separator, str):
        raise DestinationError("@flatten requires a string separator")
    value = resolve(options.get("value", UNDEFINED), event)
    flat: dict[str, Value] = {}
    _add_flat(flat, value, "", separator, truthy(options.get("omitArrays")))
    return in_key_order(flat)


def _add_flat(flat: dict[str, Value], value: Value, prefix: str, separator: str, omit_arrays: bool) -> None:
    if isinstance(value, dict) or (isinstance(value, list) and not omit_arrays):
        for key, member in spread(value).items():
            name = f"{prefix}{separator}{key}" if prefix else key
            _add_flat(flat, member, name, separator, omit_arrays)
    else:
        flat[prefix] = value


def _json(options: Value, event: Value, resolve: Resolve) -> Value:
    if not isinstance(options, dict):
        raise DestinationError('@json requires an object with a "value" key')
    for key in ("mode", "value"):
        if not truthy(options.get(key)):
            raise DestinationError(f'@json requires a "{key}" key')
    value = resolve(options["value"], event)
    if options["mode"] == "encode":
        return stringify(value)
    if options["mode"] != "decode":
        return UNDEFINED
    if not isinstance(value, str):
        return value
    try:
        return parse_json(value)
    except JsonSyntaxError:
        return value


DIRECTIVES: Final[dict[str, Directive]] = {"@merge": _merge, "@flatten": _flatten, "@json": _json}
