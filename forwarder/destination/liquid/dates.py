"""Liquid's date filters: dates are parsed as in JavaScript and written by strftime's codes, by default in UTC."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from optilocal.forwarder.clock import SystemClock
from optilocal.forwarder.destination.liquid.values import is_nil, plain, text
from optilocal.forwarder.errors import JavaScriptRangeError
from optilocal.forwarder.javascript.calendar import DAY, MAX_TIME, civil, days_since_1970
from optilocal.forwarder.javascript.date_parser import parse
from optilocal.forwarder.javascript.values import (
    UNDEFINED,
    Value,
    number_to_string,
    to_number,
    to_primitive_string,
)

_MOST_DIGITS: Final = 10_000
_DEFAULT_FORMAT: Final = "%A, %B %-e, %Y at %-l:%M %P %z"
_CODE: Final = re.compile(r"%([-_0^#:]+)?([0-9]+)?([EO])?([^\n\r\u2028\u2029])")
_WIDTHS: Final = {
    "d": 2,
    "e": 2,
    "H": 2,
    "I": 2,
    "j": 3,
    "k": 2,
    "l": 2,
    "L": 3,
    "m": 2,
    "M": 2,
    "S": 2,
    "U": 2,
    "W": 2,
}
_PADDED_BY_SPACES: Final = frozenset("aAbBceklpP")
_DAYS: Final = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


@dataclass(frozen=True)
class _Moment:
    """A point in time in its zone, with the zone's offset (minutes west of UTC) and name."""

    milliseconds: int
    offset: float = 0
    zone: str = "UTC"

    @cached_property
    def civil(self) -> tuple[int, int, int]:
        """Year, month and day."""
        return civil(self.milliseconds // DAY)

    @cached_property
    def time(self) -> tuple[int, int, int, int]:
        """Hour, minute, second and millisecond."""
        seconds, milliseconds = divmod(self.milliseconds % DAY, 1000)
        return seconds // 3600, seconds // 60 % 60, seconds % 60, milliseconds

    @property
    def weekday(self) -> int:
        return (self.milliseconds // DAY + 4) % 7

    @property
    def day_of_year(self) -> int:
        return self.milliseconds // DAY - days_since_1970(self.civil[0], 0, 1) + 1

    def week(self, first_day: int) -> int:
        now = self.day_of_year + first_day - self.weekday
        # JavaScript takes a year below 100 for one of the twentieth century.
        year = self.civil[0] + (1900 if 0 <= self.civil[0] <= 99 else 0)
        new_year = (days_since_1970(year, 0, 1) + 4) % 7
        return (now - (7 - new_year + first_day)) // 7 + 1

    def offset_text(self, colon: bool) -> str:
        hours, minutes = divmod(abs(self.offset), 60)
        sign = "-" if self.offset > 0 else "+"
        return (
            f"{sign}{number_to_string(int(hours)):0>2}{':' if colon else ''}{number_to_string(minutes):0>2}"
        )


def _ordinal(day: int) -> str:
    if day in (11, 12, 13):
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")


def _time_text(moment: _Moment) -> str:
    hour, minute, second, _ = moment.time
    return f"{hour % 12 or 12}:{minute:02}:{second:02} {'AM' if hour < 12 else 'PM'}"


def _date_text(moment: _Moment) -> str:
    year, month, day = moment.civil
    # Years before 1 are written as years B.C.
    return f"{month}/{day}/{year}" if year > 0 else f"{month}/{day}/{1 - year} B"


def _convert(moment: _Moment, code: str, flags: str, width: str) -> str | None:
    (year, month, day), (hour, minute, second, milliseconds) = moment.civil, moment.time
    if code == "N":
        digits = min(int(width or 0), _MOST_DIGITS) or 9
        return str(milliseconds)[:digits].ljust(digits, "0")
    if code in "zZ":
        zone = moment.offset_text(":" in flags)
        return zone if code == "z" else moment.zone or zone
    codes: dict[str, Callable[[], Any]] = {
        "a": lambda: _DAYS[moment.weekday][:3],
        "A": lambda: _DAYS[moment.weekday],
        "b": lambda: _MONTHS[month - 1][:3],
        "B": lambda: _MONTHS[month - 1],
        "c": lambda: f"{_date_text(moment)}, {_time_text(moment)}",
        "C": lambda: int(str(year)[:2]),
        "d": lambda: day,
        "e": lambda: day,
        "h": lambda: _MONTHS[month - 1][:3],
        "H": lambda: hour,
        "I": lambda: hour % 12 or 12,
        "j": lambda: moment.day_of_year,
        "k": lambda: hour,
        "l": lambda: hour % 12 or 12,
        "L": lambda: milliseconds,
        "m": lambda: month,
        "M": lambda: minute,
        "p": lambda: "AM" if hour < 12 else "PM",
        "P": lambda: "am" if hour < 12 else "pm",
        "q": lambda: _ordinal(day),
        "s": lambda: math.floor(moment.milliseconds / 1000 + 0.5),
        "S": lambda: second,
        "u": lambda: moment.weekday or 7,
        "U": lambda: moment.week(0),
        "w": lambda: moment.weekday,
        "W": lambda: moment.week(1),
        "x": lambda: _date_text(moment),
        "X": lambda: _time_text(moment),
        "y": lambda: str(year)[2:4],
        "Y": lambda: year,
        "t": lambda: "\t",
        "n": lambda: "\n",
        "%": lambda: "%",
    }
    return str(codes[code]()) if code in codes else None


def strftime(moment: _Moment, pattern: str) -> str:
    """Formats a moment by Ruby's strftime codes, with their flags and widths."""

    def fill(match: re.Match[str]) -> str:
        flags, width, _, code = (part or "" for part in match.groups())
        written = _convert(moment, code, flags, width)
        if written is None:
            return match[0]
        if "^" in flags:
            written = written.upper()
        elif "#" in flags:
            has_lower = any("a" <= char <= "z" for char in written)
            written = written.upper() if has_lower else written.lower()
        fill_with = " " if code in _PADDED_BY_SPACES else "0"
        fill_with = " " if "_" in flags else "0" if "0" in flags else fill_with
        least = 0 if "-" in flags else int(width or 0) or _WIDTHS.get(code, 0)
        return written.rjust(min(least, _MOST_DIGITS), fill_with)

    return _CODE.sub(fill, pattern)


def _read(value: Value, zone: Value = UNDEFINED) -> _Moment | None:
    value = plain(value)
    if is_nil(value):
        return None
    milliseconds: float | None
    if value in ("now", "today") and isinstance(value, str):
        milliseconds = SystemClock().now_ms()
    elif isinstance(value, bool):
        milliseconds = int(value)
    elif isinstance(value, (int, float)):
        milliseconds = value * 1000
    elif isinstance(value, str) and value.isascii() and value.isdigit():
        milliseconds = to_number(value) * 1000
    else:
        milliseconds = parse(to_primitive_string(value))
    if milliseconds is None or not abs(milliseconds) <= MAX_TIME:
        return None
    return _in_zone(int(milliseconds), zone)


def _in_zone(milliseconds: int, zone: Value) -> _Moment | None:
    if is_nil(zone):
        return _Moment(milliseconds)
    if not isinstance(zone, str):
        offset = to_number(plain(zone))
        if math.isnan(offset):
            return None
        return _Moment(int(milliseconds - offset * 60_000), offset, "")
    try:
        # Python's calendar ends with the year 9999, far beyond the last change of any zone.
        near = max(-62_000_000_000_000, min(milliseconds, 250_000_000_000_000))
        here = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=near)).astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise JavaScriptRangeError(f"Invalid time zone specified: {zone}") from error
    ahead = (here.utcoffset() or timedelta()).total_seconds() / 60
    return _Moment(int(milliseconds + ahead * 60_000), -ahead, zone)


def _formatted(value: Value, pattern: str, zone: Value = UNDEFINED) -> Value:
    moment = _read(value, zone)
    if moment is None:
        return value
    return strftime(moment, pattern)


def _date(value: Value, pattern: Value = UNDEFINED, zone: Value = UNDEFINED, *_: Value) -> Value:
    pattern = plain(pattern)
    return _formatted(value, _DEFAULT_FORMAT if is_nil(pattern) else text(pattern), zone)


def _to_string(month: str) -> Callable[..., Value]:
    def run(value: Value, kind: Value = UNDEFINED, style: Value = UNDEFINED, *_: Value) -> Value:
        if kind != "ordinal":
            return _formatted(value, f"%d {month} %Y")
        return _formatted(value, f"{month} %-d%q, %Y" if style == "US" else f"%-d%q {month} %Y")

    return run


FILTERS: Final[dict[str, Callable[..., Any]]] = {
    "date": _date,
    "date_to_long_string": _to_string("%B"),
    "date_to_rfc822": lambda value, *_: _formatted(value, "%a, %d %b %Y %H:%M:%S %z"),
    "date_to_string": _to_string("%b"),
    "date_to_xmlschema": lambda value, *_: _formatted(value, "%Y-%m-%dT%H:%M:%S%:z"),
}
