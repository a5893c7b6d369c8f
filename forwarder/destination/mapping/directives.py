"""The directives of Segment's mapping kit, except @transform and @liquid; paths into an event.

Source: @segment/actions-core mapping-kit/index.ts.
"""

import re
from collections.abc import Callable
from typing import Final

from optilocal.forwarder.errors import DestinationError
from optilocal.forwarder.javascript.json import JsonSyntaxError, parse_json, stringify
from optilocal.forwarder.javascript.values import (
    UNDEFINED,
    WHITESPACE,
    Value,
    get_property,
    in_key_order,
    loosely_equals_empty,
    real_type_of,
    to_primitive_string,
    truthy,
    type_of,
    utf16_length,
    utf16_slice,
)

# (options, event, resolve) → value; `resolve` resolves a part of the options against an event.
Resolve = Callable[[Value, Value], Value]
Directive = Callable[[Value, Value, Resolve], Value]

MAX_PATTERN: Final = 10
MAX_REPLACEMENT: Final = 10
_CODES: Final = re.compile(r"\$[$&`']|[^$]+|\$")
_PLACEHOLDERS: Final = (re.compile(r"\{\{\{([^}]+)\}\}\}"), re.compile(r"\{\{([^}]+)\}\}"))
_SEPARATORS: Final = re.compile(r"""\[(?=["'0-9])|\.|(?<=["'0-9])\]+""")


def directive_name(mapping: dict[str, Value]) -> str | None:
    """The name of the directive if an object is one: it has @-keys alone, and perhaps `_metadata`. None for others."""
    name = None
    for key in mapping:
        if key[:1] == "@":
            name = name or key
        elif key != "_metadata":
            return None
    return name


def spread(value: Value) -> dict[str, Value]:
    """`{...value}`: objects by key, arrays and texts by index, anything else empty."""
    if isinstance(value, dict):
        return dict(value)
    if isinstance(value, list):
        return {str(index): item for index, item in enumerate(value)}
    if isinstance(value, str):
        return {str(index): utf16_slice(value, index, index + 1) for index in range(utf16_length(value))}
    return {}


def _keys(path: str) -> tuple[str, ...]:
    return tuple(key.replace("'", "").replace('"', "") for key in _SEPARATORS.split(path) if key)


def get(value: Value, path: str) -> Value:
    """The value at a path; a falsy value on the way is the result."""
    if path in ("", "."):
        return value
    for key in _keys(path):
        if not truthy(value):
            return value
        value = get_property(value, key)
    return value


# @path, @template, @arrayPath


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
    def fill(match: re.Match[str]) -> str:
        value = get(event, match[1].strip(WHITESPACE))
        return "" if value is None or value is UNDEFINED else to_primitive_string(value)

    text = _text("@template", value, event, resolve)
    for placeholder in _PLACEHOLDERS:
        text = placeholder.sub(fill, text)
    return text


def _array_path(value: Value, event: Value, resolve: Resolve) -> Value:
    if not isinstance(value, list):
        raise DestinationError(f"@arrayPath expected array, got {real_type_of(value)}")
    path, shape = [*value, UNDEFINED, UNDEFINED][:2]
    resolved = _from_root(event, path) if isinstance(path, str) else resolve(path, event)
    if isinstance(resolved, (dict, list)) and isinstance(shape, dict) and shape:
        items = resolved if isinstance(resolved, list) else [resolved]
        return [resolve(shape, item) for item in items]
    return resolved


# @if, @literal, @excludeWhenNull


def _if(options: Value, event: Value, resolve: Resolve) -> Value:
    if not isinstance(options, dict):
        raise DestinationError('@if requires an object with an "exists" key')
    if not truthy(options.get("exists")) and not truthy(options.get("blank")):
        raise DestinationError('@if requires an "exists" key or a "blank" key')
    # For "blank" too, a value that is not blank takes the then branch (@segment/actions-core mapping-kit/index.ts).
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


# @merge, @flatten, @json


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


# @case, @replace


def _case(options: Value, event: Value, resolve: Resolve) -> Value:
    if not isinstance(options, dict):
        raise DestinationError('@case requires an object with a "operator" key')
    operator = options.get("operator")
    if not truthy(operator):
        raise DestinationError('@case requires a "operator" key')
    if not truthy(options.get("value")):
        return UNDEFINED
    value = resolve(options["value"], event)
    if not isinstance(value, str):
        return value
    if operator not in ("lower", "upper"):
        raise DestinationError('operator key should have a value of "lower" or "upper"')
    return value.lower() if operator == "lower" else value.upper()


def _replace(options: Value, event: Value, resolve: Resolve) -> Value:
    if not isinstance(options, dict):
        raise DestinationError('@replace requires an object with a "pattern" key')
    pattern: Value = options.get("pattern")
    if not truthy(pattern):
        raise DestinationError('@replace requires a "pattern" key')
    if not truthy(options.get("value")):
        return UNDEFINED

    def option(key: str, default: Value) -> Value:
        given = options.get(key)
        return default if given is None else given

    replacement, ignore_case, everywhere = (
        option("replacement", ""),
        option("ignorecase", False),
        option("global", True),
    )
    value = resolve(options["value"], event)
    if isinstance(value, (bool, int, float)):
        value = to_primitive_string(value)
    if not all(isinstance(given, str) for given in (value, pattern, replacement)):
        return ""
    if not (isinstance(ignore_case, bool) and isinstance(everywhere, bool)):
        return ""
    changed = replace(value, pattern, replacement, ignore_case=ignore_case, everywhere=everywhere)
    second: Value = option("pattern2", "")
    replacement = option("replacement2", "")
    if second and isinstance(second, str) and isinstance(replacement, str):
        changed = replace(changed, second, replacement, ignore_case=ignore_case, everywhere=everywhere)
    return changed


def replace(text: str, pattern: str, replacement: str, *, ignore_case: bool, everywhere: bool) -> str:
    """Replaces a literal string; `$&`, `$$` and the like in the replacement have their meaning in JavaScript.

    Raises `DestinationError` for a pattern or replacement of more than ten characters.
    """
    if utf16_length(pattern) > MAX_PATTERN:
        raise DestinationError(f'@replace requires a "pattern" less than {MAX_PATTERN} characters')
    if utf16_length(replacement) > MAX_REPLACEMENT:
        raise DestinationError(f'@replace requires a "replacement" less than {MAX_REPLACEMENT} characters')
    searched, wanted = (_folded(text), _folded(pattern)) if ignore_case else (text, pattern)
    parts = _CODES.findall(replacement)
    pieces: list[str] = []
    start = 0
    at = searched.find(wanted)
    while at >= 0:
        end = at + len(pattern)
        codes = {"$": "$", "&": text[at:end], "`": text[:at], "'": text[end:]}
        pieces += [
            text[start:at],
            "".join(codes.get(part[1:], part) if part[0] == "$" else part for part in parts),
        ]
        start = end
        at = searched.find(wanted, start) if everywhere else -1
    return "".join([*pieces, text[start:]])


def _folded(text: str) -> str:
    """The text for JavaScript's case-insensitive comparison: each character's upper case, where that is one character."""
    if text.isascii():
        return text.upper()

    def fold(char: str) -> str:
        upper = char.upper()
        is_plain = len(upper) == 1 and ord(upper) < 0x10000 and not (ord(char) >= 128 > ord(upper))
        return upper if is_plain else char

    return "".join(map(fold, text))


DIRECTIVES: Final[dict[str, Directive]] = {
    "@arrayPath": _array_path,
    "@case": _case,
    "@excludeWhenNull": _exclude_when_null,
    "@flatten": _flatten,
    "@if": _if,
    "@json": _json,
    "@literal": _literal,
    "@merge": _merge,
    "@path": _path,
    "@replace": _replace,
    "@template": _template,
}
