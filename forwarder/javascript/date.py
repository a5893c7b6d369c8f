"""Dates as Segment parses them: dayjs on top of the JavaScript engine's own parser, in UTC.

Every time is in epoch milliseconds; None stands for JavaScript's invalid date.
"""

import math
import re

from optilocal.forwarder.javascript.calendar import DAY, MAX_TIME, clip, days_since_1970
from optilocal.forwarder.javascript.date_parser import parse
from optilocal.forwarder.javascript.values import WHITESPACE, Value, number_to_string, to_number

_DAYJS = re.compile(
    rf"([0-9]{{4}})[-/]?([0-9]{{1,2}})?[-/]?([0-9]{{0,2}})[Tt{WHITESPACE}]*([0-9]{{1,2}})?:?([0-9]{{1,2}})?:?([0-9]{{1,2}})?"
    r"[.:]?([0-9]+)?\Z"
)


def is_date_like(text: str) -> bool:
    """Whether Segment's format `date-like` accepts a string; digits are Unix seconds.

    Source: @segment/actions-core schema-validation.ts.
    """
    number = to_number(text)
    if number_to_string(number) == text:
        return math.isfinite(number) and abs(number * 1000) <= MAX_TIME
    return utc_milliseconds(text) is not None


def utc_milliseconds(value: Value) -> int | None:
    """`dayjs.utc(value).valueOf()` for a string or a number."""
    if not isinstance(value, str):
        return clip(value)
    if value[-1:] not in ("Z", "z"):
        match = _DAYJS.match(value)
        if match:
            return _rolled_over(match)
    return parse(value)


def _rolled_over(match: re.Match[str]) -> int | None:
    """The time of a match; parts out of range, such as month 13, roll over."""
    year = int(match[1])
    if year <= 99:
        year += 1900
    month = int(match[2]) - 1 if match[2] else 0
    day, hour, minute, second = (
        int(match[index] or default) for index, default in ((3, 1), (4, 0), (5, 0), (6, 0))
    )
    milliseconds = int((match[7] or "0")[:3])
    return clip(
        days_since_1970(year, month, day) * DAY
        + hour * 3_600_000
        + minute * 60_000
        + second * 1000
        + milliseconds
    )
