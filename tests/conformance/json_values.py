"""Strategies for JSON values as they come in events: ordinary, odd and hostile."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st


def words(text: str, separator: str = " ") -> list[str]:
    """The words of a text."""
    return text.split(separator)


KEYS = words(
    "a b c revenue value plan id key name event type properties traits context userId length"
    " constructor __proto__ toString valueOf hasOwnProperty 0 1 2 10 01 -1 1.5 4294967294 4294967295"
    " a.b é @path @if _metadata"
)
KEYS += ["", "x y", "a'b", "😀", "\ud800"]
TEXTS = words(
    "a b A Order Completed true false null undefined NaN Infinity -Infinity 0 1 20 -5 19.99 1e3 1e21"
    " 1e-7 0x10 0b11 0o7 +5 5. .5 00 1 000 __proto__ constructor $& $$ é ß İ ſ K ΑΣ {{a}} {{{a}}}"
    ' {{$.a}} $.a a.b <b> & \' " \\ / | - plan 😀 {"a":1} [1]'
)
TEXTS += ["", " ", " 7 ", "\n", "\t1", "Order Completed", "\ud83d", "\ufeff", "a\u2028b"]
NUMBERS = [
    0, -0.0, 1, 2, 5, 20, -1, 1.5, 19.99, 0.1, 1e3, 1e-7, 1e20, 1e21, 1.5e300, 2**53, 2**53 + 2, -(2**53), 2**31, 2**32 - 1,
    123456789012345680, 1704164645, 1704164645678, 1.9, -1.9, 8.64e15, 8.65e15, 1e308,
]  # fmt: skip
DATES = words(
    "2024-01-02T03:04:05.678Z|2024-01-02T03:04:05Z|2024-01-02T03:04:05.6|2024-01-02T03:04:05.6Z"
    "|2024-01-02|20240102|2024|2024-13-45|2024-00-00|2024-02-30T25:61:61|2024-01-02 03:04:05"
    "|2024-01-02T03:04:05+02:00|2024-01-02T03:04:05+0200|2024-01-02T24:00:00Z|2024-01-02T24:00:01Z"
    "|0050-01-01|0000-01-01|9999-12-31|+012345-01-01T00:00:00Z|-000001-01-01|-000000-01-01"
    "|Tue Jan 02 2024 03:04:05 GMT+0100 (CET)|Jan 2, 2024|2 January 2024 5pm|1/2/2024|1/2/24|hello 5|5"
    "|not a date|2024-01-02T03:04Z|2024-1-2|1704164645|1704164645678|-5|-1704164645|99999999999999|NaN"
    "|Infinity|12:30|5:6:7.8|Thu, 01 Jan 1970 00:00:00 GMT+0200|2024-01-02T03:04:05.123456789Z"
    "|2024-01-02z|2024/01/02|2024-06-15T12:00:00 PST|1.2.3|(x) 2024 Feb 3|Dec 31 12:00 am"
    "|Dec 31 13:00 pm|1e3|1 2 3 4|2024-W01|T10:00|10:00 UTC|2024-01-02T03:04:05-00:00",
    "|",
)

# Stands for the number 1e999, which JavaScript reads as Infinity and Python's encoder cannot write.
BEYOND = "<1e999>"

keys = st.sampled_from(KEYS)
date_texts = st.sampled_from(DATES) | st.text("0123456789-/:.TZ +janfebmayJ()amptuc", max_size=14)
texts = st.sampled_from(TEXTS) | st.sampled_from(TEXTS) | st.text(max_size=4)
numbers = st.sampled_from(NUMBERS) | st.integers(-100, 100) | st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | numbers | texts


def _containers(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(children, max_size=3) | st.dictionaries(keys, children, max_size=4)


values = st.recursive(scalars, _containers, max_leaves=6)
objects = st.dictionaries(keys, values, max_size=4)


def sometimes(usual: st.SearchStrategy[Any], odd: st.SearchStrategy[Any] = values) -> st.SearchStrategy[Any]:
    """Mostly the first, now and then the second."""
    return st.integers(0, 9).flatmap(lambda roll: odd if roll == 0 else usual)


@st.composite
def members(draw: st.DrawFn, usual: dict[str, st.SearchStrategy[Any]], missing: int = 8) -> dict[str, Any]:
    """An object with these members; about one in `missing` is left out."""
    return {key: draw(value) for key, value in usual.items() if draw(st.integers(1, missing)) > 1}


def as_text(line: dict[str, Any]) -> str:
    """A line as JSON text."""
    return json.dumps(line).replace(f'"{BEYOND}"', "1e999")
