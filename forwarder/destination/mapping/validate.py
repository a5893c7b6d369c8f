"""Validates a mapping's configuration; every mistake has its place.

Source: @segment/actions-core mapping-kit/validate.ts.
"""

from collections.abc import Callable, Sequence
from typing import Final

from optilocal.forwarder.destination.mapping.directives import MAX_PATTERN, MAX_REPLACEMENT
from optilocal.forwarder.errors import AggregateError, DestinationError, ValidationError
from optilocal.forwarder.javascript.json import quote
from optilocal.forwarder.javascript.values import UNDEFINED, Value, real_type_of, utf16_length

Path = tuple[str, ...]
_Check = Callable[[Value, Path], None]


def validate(mapping: Value, path: Path = ()) -> None:
    """Raises `ValidationError` where the mapping itself is a wrong directive, `AggregateError` for mistakes inside it.

    As at Segment, arrays inside a mapping are not validated.
    """
    kind = _kind(mapping)
    if kind == "directive":
        _directive(mapping, path)
    elif kind == "object":
        _object(mapping, path)


def _kind(value: Value) -> str:
    if isinstance(value, dict):
        for key in value:
            if key[:1] == "@":
                return "directive"
    return real_type_of(value)


def _wrong(expected: str, kind: str, path: Path) -> ValidationError:
    article = "an" if kind[0] in "aeiou" else "a"
    return ValidationError(f"should be {expected} but it is {article} {kind}", path)


def _aggregate(errors: Sequence[DestinationError]) -> None:
    flat: list[DestinationError] = []
    for error in errors:
        flat.extend(error.errors if isinstance(error, AggregateError) else [error])
    if flat:
        raise AggregateError(flat)


def _directive(mapping: dict[str, Value], path: Path) -> None:
    names = [key for key in mapping if key[:1] == "@"]
    others = [key for key in mapping if key[:1] != "@" and key != "_metadata"]
    if len(names) > 1 or others:
        number = len(names) if len(names) > 1 else len(mapping)
        raise ValidationError(f"should only have one @-prefixed key but it has {number} keys", path)
    check = _DIRECTIVES.get(names[0])
    if check is None:
        raise ValidationError(f"has an invalid directive: {names[0]}", path)
    check(mapping[names[0]], (*path, names[0]))


def _object(value: Value, path: Path) -> None:
    kind = _kind(value)
    if kind != "object":
        raise _wrong("an object", kind, path)
    errors: list[DestinationError] = []
    for key, member in value.items():
        try:
            validate(member, (*path, key))
        except DestinationError as error:
            errors.append(error)
    _aggregate(errors)


def _directive_or(expected: str, *kinds: str) -> _Check:
    def check(value: Value, path: Path) -> None:
        kind = _kind(value)
        if kind == "directive":
            _directive(value, path)
        elif kind not in kinds:
            raise _wrong(f"{expected}", kind, path)
        elif kind == "object" and len(kinds) == 1:
            _object(value, path)

    return check


def _of_type(kind: str) -> _Check:
    def check(value: Value, path: Path) -> None:
        actual = real_type_of(value) if kind == "array" else _kind(value)
        if actual != kind:
            raise _wrong(f"{'an' if kind == 'array' else 'a'} {kind}", actual, path)

    return check


def _length(least: int, most: int) -> _Check:
    def check(value: Value, path: Path) -> None:
        _string(value, path)
        if utf16_length(value) < least:
            raise ValidationError(f"should be a string of length {least} or greater", path)
        if utf16_length(value) > most:
            raise ValidationError(f"should be a string of length {most} or less", path)

    return check


def _one_of(*allowed: str) -> _Check:
    def check(value: Value, path: Path) -> None:
        _string(value, path)
        if value.lower() not in allowed:
            raise ValidationError(f"should be one of {', '.join(allowed)} but it is {quote(value)}", path)

    return check


def _fields(**members: tuple[_Check, bool]) -> _Check:
    """A check of an object's members by name; the flag says whether the member is required."""

    def check(value: Value, path: Path) -> None:
        _object(value, path)
        errors: list[DestinationError] = []
        for key, (check_member, required) in members.items():
            member = value.get(key, UNDEFINED)
            try:
                if member is not UNDEFINED:
                    check_member(member, (*path, key))
                elif required:
                    raise ValidationError(f"should have field {quote(key)} but it doesn't", path)
            except DestinationError as error:
                errors.append(error)
        _aggregate(errors)

    return check


def _array_path(value: Value, path: Path) -> None:
    _array(value, path)
    first, second = [*value, UNDEFINED, UNDEFINED][:2]
    _directive_or_string(first, path)
    validate(second, path)


def _merge(value: Value, path: Path) -> None:
    _fields(direction=(_one_of("left", "right"), False), objects=(_array, True))(value, path)
    for item in value["objects"]:
        # At Segment the place is missing here.
        _directive_or_object(item, ())


_string: Final = _of_type("string")
_boolean: Final = _of_type("boolean")
_array: Final = _of_type("array")
_directive_or_string: Final = _directive_or("a string or a mapping directive", "string")
_directive_or_object: Final = _directive_or("a object or a mapping directive", "object")
_directive_or_raw: Final = _directive_or(
    "a mapping directive or a JSON value", "object", "array", "boolean", "string", "number", "null"
)

_DIRECTIVES: Final[dict[str, _Check]] = {
    "@if": _fields(
        exists=(_directive_or_raw, False),
        then=(_directive_or_raw, False),
        **{"else": (_directive_or_raw, False)},
    ),
    "@case": _fields(operator=(_string, False), value=(_directive_or_string, False)),
    "@replace": _fields(
        pattern=(_length(1, MAX_PATTERN), True),
        replacement=(_length(0, MAX_REPLACEMENT), False),
        value=(_directive_or_string, True),
        ignorecase=(_boolean, False),
        **{"global": (_boolean, False)},
    ),
    "@arrayPath": _array_path,
    "@path": _directive_or_string,
    "@json": _fields(value=(_directive_or_raw, True), mode=(_one_of("encode", "decode"), True)),
    "@flatten": _fields(separator=(_string, False), value=(_directive_or_raw, True)),
    "@merge": _merge,
    "@template": _directive_or_string,
    "@literal": _directive_or_raw,
    "@transform": _fields(apply=(_directive_or_object, True), mapping=(_directive_or_object, True)),
    "@excludeWhenNull": _directive_or_raw,
    "@liquid": _string,
}
