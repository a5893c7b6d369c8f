"""Paths into an event: `a.b[0]["c"]`, built-in properties included.

Source: @segment/actions-core mapping-kit/index.ts, get.ts.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from optilocal.forwarder.javascript.values import UNDEFINED, Value, get_property, truthy

_SEPARATORS: Final = re.compile(r"""\[(?=["'0-9])|\.|(?<=["'0-9])\]+""")


@lru_cache(maxsize=4096)
def _keys(path: str) -> tuple[str, ...]:
    return tuple(key.replace("'", "").replace('"', "") for key in _SEPARATORS.split(path) if key)


def get(value: Value, path: str) -> Value:
    """What a path finds; walking through a falsy value gives that value."""
    if path in ("", "."):
        return value
    for key in _keys(path):
        if isinstance(value, dict):
            found = value.get(key, UNDEFINED)
            value = get_property(value, key) if found is UNDEFINED else found
        elif not truthy(value):
            return value
        else:
            value = get_property(value, key)
    return value
