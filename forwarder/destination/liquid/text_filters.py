"""Liquid's filters for strings."""

import math
import re
from collections.abc import Callable
from typing import Any, Final

from optilocal.forwarder.destination.liquid.values import is_true, plain, text
from optilocal.forwarder.errors import DestinationError
from optilocal.forwarder.javascript.values import (
    UNDEFINED,
    WHITESPACE,
    Value,
    to_number,
    truthy,
    utf16_length,
    utf16_slice,
)

_SPACES: Final = re.compile(f"[{WHITESPACE}]+")
_CJK: Final = "\u4e00-\u9fff\uf900-\ufaff\u3400-\u4dbf\u3040-\u309f\u30a0-\u30ff\uac00-\ud7af"
_CJK_CHARACTER: Final = re.compile(f"[{_CJK}]")
_OTHER_WORD: Final = re.compile(f"[^{_CJK}{WHITESPACE}]+")


def _append(value: Value, *added: Value) -> str:
    if len(added) != 1:
        raise DestinationError("append expect 2 arguments")
    return text(value) + text(added[0])


def _prepend(value: Value, *added: Value) -> str:
    if len(added) != 1:
        raise DestinationError("prepend expect 2 arguments")
    return text(added[0]) + text(value)


def _stripper(strip: Callable[[str, str], str]) -> Callable[..., str]:
    def run(value: Value, chars: Value = UNDEFINED, *_: Value) -> str:
        return strip(text(value), text(chars) if truthy(chars) else WHITESPACE)

    return run


def _capitalize(value: Value, *_: Value) -> str:
    written = text(value)
    return written[:1].upper() + written[1:].lower()


def _remove(value: Value, removed: Value = UNDEFINED, *_: Value) -> str:
    return "".join(split(text(value), text(removed)))


def _replace(value: Value, pattern: Value = UNDEFINED, replacement: Value = UNDEFINED, *_: Value) -> str:
    return text(replacement).join(split(text(value), text(pattern)))


def _replace_first(
    value: Value, pattern: Value = UNDEFINED, replacement: Value = UNDEFINED, *_: Value
) -> str:
    return text(value).replace(text(pattern), text(replacement), 1)


def _replace_last(value: Value, pattern: Value = UNDEFINED, replacement: Value = UNDEFINED, *_: Value) -> str:
    written, wanted = text(value), text(pattern)
    at = written.rfind(wanted)
    return written if at < 0 else written[:at] + text(replacement) + written[at + len(wanted) :]


def split(written: str, separator: str) -> list[str]:
    """JavaScript's `split`: between all UTF-16 units for an empty separator."""
    if separator:
        return written.split(separator)
    return [utf16_slice(written, index, index + 1) for index in range(utf16_length(written))]


def _split(value: Value, separator: Value = UNDEFINED, *_: Value) -> list[str]:
    parts = split(text(value), text(separator))
    while parts and not parts[-1]:
        parts.pop()
    return parts


def _truncate(value: Value, length: Value = 50, ending: Value = "...", *_: Value) -> Value:
    written = text(value)
    length = 50 if length is UNDEFINED else to_number(plain(length))
    tail = "..." if ending is UNDEFINED else text(ending)
    if utf16_length(written) <= length:
        return value
    kept = length - utf16_length(tail)
    return utf16_slice(written, 0, 0 if math.isnan(kept) else max(0, int(kept))) + tail


def _truncate_words(value: Value, words: Value = 15, ending: Value = "...", *_: Value) -> str:
    written = text(value)
    count = 15 if words is UNDEFINED else to_number(plain(words))
    tail = "..." if ending is UNDEFINED else text(ending)
    count = 1 if count <= 0 else count
    parts = _SPACES.split(written)
    shown = " ".join(parts[: 0 if math.isnan(count) else int(min(count, 1000))])
    return shown + tail if len(parts) >= count else shown


def _number_of_words(value: Value, mode: Value = UNDEFINED, *_: Value) -> int:
    written = text(value).strip(WHITESPACE)
    if not written:
        return 0
    if mode == "cjk" or (mode == "auto" and _CJK_CHARACTER.search(written)):
        return len(_CJK_CHARACTER.findall(written)) + len(_OTHER_WORD.findall(written))
    return len(_SPACES.split(written))


def _default(value: Value, fallback: Value = UNDEFINED, *options: Value) -> Value:
    value = plain(value)
    if isinstance(value, (list, str)):
        return value or fallback
    allowed = {option[0]: option[1] for option in options if isinstance(option, list) and len(option) == 2}
    if value is False and truthy(allowed.get("allow_false")):
        return False
    return value if is_true(value) else fallback


def _strip_newlines(value: Value, *_: Value) -> str:
    return re.sub(r"\r?\n", "", text(value))


FILTERS: Final[dict[str, Callable[..., Any]]] = {
    "append": _append,
    "capitalize": _capitalize,
    "default": _default,
    "downcase": lambda value, *_: text(value).lower(),
    "lstrip": _stripper(str.lstrip),
    "normalize_whitespace": lambda value, *_: _SPACES.sub(" ", text(value)),
    "number_of_words": _number_of_words,
    "prepend": _prepend,
    "raw": lambda value, *_: value,
    "remove": _remove,
    "remove_first": lambda value, removed=UNDEFINED, *_: text(value).replace(text(removed), "", 1),
    "remove_last": lambda value, removed=UNDEFINED, *_: _replace_last(value, removed, ""),
    "replace": _replace,
    "replace_first": _replace_first,
    "replace_last": _replace_last,
    "rstrip": _stripper(str.rstrip),
    "split": _split,
    "strip": _stripper(str.strip),
    "strip_newlines": _strip_newlines,
    "truncate": _truncate,
    "truncatewords": _truncate_words,
    "upcase": lambda value, *_: text(value).upper(),
}
