"""Directives that choose: @if, @literal, @excludeWhenNull."""

from __future__ import annotations

from typing import Final

from optilocal.forwarder.destination.errors import DestinationError
from optilocal.forwarder.destination.mapping.directives import Directive, Resolve
from optilocal.forwarder.javascript.values import UNDEFINED, Value, loosely_equals_empty, truthy


def _if(options: Value, event: Value, resolve: Resolve) -> Value:
    if not isinstance(options, dict):
        raise DestinationError('@if requires an object with an "exists" key')
    if not truthy(options.get("exists")) and not truthy(options.get("blank")):
        raise DestinationError('@if requires an "exists" key or a "blank" key')
    # Read as "is there": a value that is not blank takes the then branch (@segment/actions-core mapping-kit/index.ts).
    key = "exists" if "exists" in options else "blank"
    value = resolve(options[key], event)
    there = value is not UNDEFINED and value is not None
    if key == "blank":
        there = there and not loosely_equals_empty(value)
    if there:
        return resolve(options["then"], event) if "then" in options else UNDEFINED
    otherwise = options.get("else", UNDEFINED)
    return resolve(otherwise, event) if truthy(otherwise) else UNDEFINED


def _literal(value: Value, event: Value, resolve: Resolve) -> Value:
    return resolve(value, event)


def _exclude_when_null(value: Value, event: Value, resolve: Resolve) -> Value:
    resolved = resolve(value, event)
    return UNDEFINED if resolved is None else _without_nulls(resolved)


def _without_nulls(value: Value) -> Value:
    if not isinstance(value, dict):
        return value
    return {key: UNDEFINED if member is None else _without_nulls(member) for key, member in value.items()}


DIRECTIVES: Final[dict[str, Directive]] = {
    "@if": _if,
    "@literal": _literal,
    "@excludeWhenNull": _exclude_when_null,
}
