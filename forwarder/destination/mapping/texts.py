"""Directives that change texts: @case, @replace."""

from __future__ import annotations

import re
from typing import Final

from optilocal.forwarder.destination.errors import DestinationError
from optilocal.forwarder.destination.mapping.directives import Directive, Resolve
from optilocal.forwarder.javascript.values import UNDEFINED, Value, to_primitive_string, truthy, utf16_length

MAX_PATTERN: Final = 10
MAX_REPLACEMENT: Final = 10
_CODES: Final = re.compile(r"\$[$&`']|[^$]+|\$")


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
    """Replaces a literal text; `$&` and its kin in the replacement mean what they mean in JavaScript.

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
    found = searched.find(wanted)
    while found >= 0:
        end = found + len(pattern)
        codes = {"$": "$", "&": text[found:end], "`": text[:found], "'": text[end:]}
        pieces += [
            text[start:found],
            "".join(codes.get(part[1:], part) if part[0] == "$" else part for part in parts),
        ]
        start = end
        found = searched.find(wanted, start) if everywhere else -1
    return "".join([*pieces, text[start:]])


def _folded(text: str) -> str:
    """Every character as JavaScript compares it without regard to case: its upper case, where that is one character."""
    if text.isascii():
        return text.upper()

    def fold(char: str) -> str:
        upper = char.upper()
        is_plain = len(upper) == 1 and ord(upper) < 0x10000 and not (ord(char) >= 128 > ord(upper))
        return upper if is_plain else char

    return "".join(map(fold, text))


DIRECTIVES: Final[dict[str, Directive]] = {"@case": _case, "@replace": _replace}
