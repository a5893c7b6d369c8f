"""Segment's mapping kit: validates a mapping and resolves it against an event."""

from typing import Final

from optilocal.forwarder.destination.mapping.directives import (
    DIRECTIVES,
    Directive,
    Resolve,
    directive_name,
    spread,
)
from optilocal.forwarder.destination.mapping.validate import validate
from optilocal.forwarder.errors import DestinationError, JavaScriptTypeError
from optilocal.forwarder.javascript.values import UNDEFINED, Value, real_type_of

ROOT_DIRECTIVE: Final = "__segment_internal_directive"


def check_mapping(mapping: Value) -> None:
    """Validates a mapping. Raises `ValidationError` or `AggregateError`, as `transform` does."""
    validate(_mapping_to_process(mapping))


def transform(mapping: Value, event: Value = UNDEFINED, *, checked: bool = False) -> Value:
    """The payload that a mapping makes from an event; UNDEFINED only where the whole mapping is a directive without
    result.

    A `checked` mapping is not validated again. Raises `ValidationError` or `AggregateError` for a mapping that is not
    valid, `DestinationError` for an event that is not an object and for a directive that fails. Source:
    @segment/actions-core mapping-kit/index.ts.
    """
    event = {} if event is UNDEFINED else event
    if not isinstance(event, dict):
        raise DestinationError(f"data must be an object, got {real_type_of(event)}")
    process = _mapping_to_process(mapping)
    if not checked:
        validate(process)
    return _without_undefined(resolve(process, event))


def resolve(mapping: Value, event: Value) -> Value:
    """Resolves a part of a mapping; members without a value are UNDEFINED."""
    if type(mapping) is str:
        return mapping
    if isinstance(mapping, dict):
        name = directive_name(mapping)
        if name is not None:
            run = _DIRECTIVES.get(name)
            if run is None:
                raise DestinationError(f"{name} is not a valid directive, got undefined")
            return run(mapping[name], event, resolve)
        # In JavaScript an assignment to `__proto__` adds no key.
        resolved = {key: resolve(member, event) for key, member in mapping.items()}
        resolved.pop("__proto__", None)
        return resolved
    if isinstance(mapping, list):
        return [resolve(item, event) for item in mapping]
    return mapping


def _transform_directive(options: Value, event: Value, _resolve: object) -> Value:
    if not isinstance(options, dict):
        raise DestinationError('@transform requires an object with an "apply" key and a "mapping" key')
    for key in ("mapping", "apply"):
        if not options.get(key) and not isinstance(options.get(key), (dict, list)):
            raise DestinationError(f'@transform requires a "{key}" key')
    if not isinstance(options["apply"], dict):
        raise DestinationError('@transform "apply" key should be an object')
    return resolve(options["mapping"], transform(options["apply"], event))


def _liquid_directive(template: Value, event: Value, resolve: Resolve) -> Value:
    # Imported on use: the template engine is slow to import, and few mappings have templates.
    from optilocal.forwarder.destination.liquid import liquid_directive  # noqa: PLC0415

    return liquid_directive(template, event, resolve)


_DIRECTIVES: Final[dict[str, Directive]] = {
    **DIRECTIVES,
    "@liquid": _liquid_directive,
    "@transform": _transform_directive,
}


def _mapping_to_process(mapping: Value) -> Value:
    if mapping is None or mapping is UNDEFINED:
        raise JavaScriptTypeError("Cannot convert undefined or null to object")
    if not isinstance(mapping, dict):
        return spread(mapping)
    if ROOT_DIRECTIVE not in mapping:
        return mapping
    root = mapping[ROOT_DIRECTIVE]
    fields = {key: value for key, value in mapping.items() if key not in (ROOT_DIRECTIVE, "__proto__")}
    if root is None:
        raise JavaScriptTypeError("Cannot convert undefined or null to object")
    members = spread(root)
    if len(members) > 1:
        raise DestinationError("The root mapping must only have a single directive object")
    options = next(iter(members.values()), None)
    if not isinstance(options, (dict, list)):
        raise DestinationError("The root directive must be an object")
    if isinstance(options, list):
        return root
    options = {**options, "mapping": fields}
    return [options] if isinstance(root, list) else {next(iter(members)): options}


def _without_undefined(value: Value) -> Value:
    if isinstance(value, dict):
        return {
            key: member if type(member) is str else _without_undefined(member)
            for key, member in value.items()
            if member is not UNDEFINED and key != "__proto__"
        }
    if isinstance(value, list):
        return [_without_undefined(item) for item in value]
    return value
