"""Dates as Segment reads them: dayjs on top of the JavaScript engine's own lenient parser, in UTC.

Every time is in epoch milliseconds; None stands for JavaScript's invalid date.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Final

from forwarder.javascript import WHITESPACE, Value, number_to_string, to_number

MAX_TIME: Final = 8.64e15
DAY: Final = 86_400_000
_DAYJS = re.compile(
    rf"([0-9]{{4}})[-/]?([0-9]{{1,2}})?[-/]?([0-9]{{0,2}})[Tt{WHITESPACE}]*([0-9]{{1,2}})?:?([0-9]{{1,2}})?:?([0-9]{{1,2}})?"
    r"[.:]?([0-9]+)?\Z"
)
_TOKEN = re.compile(
    rf"(?P<number>[0-9]+)|(?P<symbol>[:\-+.)])|(?P<space>[{WHITESPACE}])|(?P<word>[^\x00-@{WHITESPACE}]+)|(?P<paren>\()|.",
    re.DOTALL,
)
_MONTHS: Final = {
    name: index for index, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)
}
_HALF_DAYS: Final = {"am": 0, "pm": 12}
_ZONES: Final = {
    "ut": 0, "utc": 0, "z": 0, "gmt": 0,
    "est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7,
}  # fmt: skip


def is_date_like(text: str) -> bool:
    """Whether Segment's `date-like` format accepts a text; digits are tried as Unix seconds (Segment reference 4.3)."""
    number = to_number(text)
    if number_to_string(number) == text:
        return math.isfinite(number) and abs(number * 1000) <= MAX_TIME
    return utc_milliseconds(text) is not None


def utc_milliseconds(value: Value) -> int | None:
    """`dayjs.utc(value).valueOf()` for a text or a number."""
    if not isinstance(value, str):
        return _clip(value)
    if value[-1:] not in ("Z", "z"):
        found = _DAYJS.match(value)
        if found:
            return _roll_over(found)
    return parse(value)


def _roll_over(found: re.Match[str]) -> int | None:
    year = int(found[1])
    if year <= 99:
        year += 1900
    month = int(found[2]) - 1 if found[2] else 0
    day, hour, minute, second = (
        int(found[index] or default) for index, default in ((3, 1), (4, 0), (5, 0), (6, 0))
    )
    milliseconds = int((found[7] or "0")[:3])
    return _clip(
        days_since_1970(year, month, day) * DAY + hour * 3_600_000 + minute * 60_000 + second * 1000 + milliseconds
    )


def days_since_1970(year: int, month: int, day: int) -> int:
    """Days since 1970 in the proleptic Gregorian calendar; month (from 0) and day may be out of range and roll over."""
    year, month = year + month // 12, month % 12 + 1
    shifted = year - (month <= 2)
    era, year_of_era = divmod(shifted, 400)
    day_of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5
    day_of_era = year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year
    return era * 146_097 + day_of_era - 719_468 + day - 1


def civil(days: int) -> tuple[int, int, int]:
    """Year, month (from 1) and day of so many days since 1970, in the proleptic Gregorian calendar."""
    era, day_of_era = divmod(days + 719_468, 146_097)
    year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * day_of_year + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9
    return year_of_era + era * 400 + (month <= 2), month, day_of_year - (153 * shifted + 2) // 5 + 1


def _clip(milliseconds: float) -> int | None:
    return int(milliseconds) if math.isfinite(milliseconds) and abs(milliseconds) <= MAX_TIME else None


@dataclass(frozen=True)
class _Token:
    """One piece of a date's text. `kind` is number, symbol, space, word, other or end."""

    kind: str
    text: str = ""

    @property
    def number(self) -> int:
        # The engine keeps nine significant digits and skips the rest.
        return int(self.text.lstrip("0")[:9] or "0")

    def is_fixed(self, digits: int) -> bool:
        return self.kind == "number" and len(self.text) == digits

    def is_symbol(self, *symbols: str) -> bool:
        return self.kind == "symbol" and self.text in symbols

    @property
    def sign(self) -> int:
        return {"+": 1, "-": -1}[self.text] if self.is_symbol("+", "-") else 0

    @property
    def is_z(self) -> bool:
        return self.kind == "word" and self.text in ("z", "Z")

    @property
    def milliseconds(self) -> int:
        digits = len(self.text)
        scale = 10 ** abs(min(digits, 9) - 3)
        return int(self.number * scale if digits < 3 else self.number // scale)


_END: Final = _Token("end")


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    position = 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        assert found is not None
        kind = found.lastgroup or "other"
        position = _after_parentheses(text, position) if kind == "paren" else found.end()
        tokens.append(_Token("other" if kind == "paren" else kind, found[0]))
    tokens.append(_END)
    return tokens


def _after_parentheses(text: str, position: int) -> int:
    balance = 0
    while position < len(text) and text[position] != "\0":
        balance += {"(": 1, ")": -1}.get(text[position], 0)
        position += 1
        if balance == 0:
            break
    return position


class _Scanner:
    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._at = 0

    @property
    def peek(self) -> _Token:
        return self._tokens[self._at]

    def next(self) -> _Token:
        token = self._tokens[self._at]
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token

    def skip(self, symbol: str) -> bool:
        if self.peek.is_symbol(symbol):
            self.next()
            return True
        return False


class _Refused(Exception):
    """The text is no date."""


@dataclass
class _Parts:
    """What has been read of a date so far."""

    days: list[int] = field(default_factory=list)
    month: int | None = None
    is_iso: bool = False
    times: list[int] = field(default_factory=list)
    half_day: int | None = None
    zone_sign: int | None = None
    zone_hour: int | None = None
    zone_minute: int | None = None

    def add_day(self, number: int) -> None:
        if len(self.days) == 3:
            raise _Refused
        self.days.append(number)

    def add_time(self, number: int) -> None:
        if len(self.times) == 4:
            raise _Refused
        self.times.append(number)

    def finish_time(self, number: int) -> None:
        self.times = [*self.times, number, 0, 0, 0, 0][:4] if len(self.times) < 4 else self.times

    def expects_time(self, number: int) -> bool:
        limits = (None, 60, 60, 1000)
        limit = limits[len(self.times)] if len(self.times) < 4 else None
        return limit is not None and number < limit

    def set_zone(self, hours: int) -> None:
        self.zone_sign, self.zone_hour, self.zone_minute = (-1 if hours < 0 else 1), abs(hours), 0

    @property
    def is_utc(self) -> bool:
        return self.zone_hour == 0 and self.zone_minute == 0

    def milliseconds(self) -> int | None:
        return _clip(self._date() * DAY + self._time() - self._offset())

    def _date(self) -> int:
        if not self.days:
            raise _Refused
        first, second, third = [*self.days, 1, 1][:3]
        if self.month is None:
            if self.is_iso or not 1 <= first <= 31:
                year, month, day = first, second, third
            else:
                month, day, year = first, second, third
        else:
            month = self.month
            year, day = (second, first) if 1 <= first <= 31 else (first, second)
        if not self.is_iso and 0 <= year <= 99:
            year += 2000 if year <= 49 else 1900
        if not (1 <= month <= 12 and 1 <= day <= 31) or abs(year) > 1_000_000:
            raise _Refused
        return days_since_1970(year, month - 1, day)

    def _time(self) -> int:
        hour, minute, second, milliseconds = [*self.times, 0, 0, 0, 0][:4]
        if self.half_day is not None:
            if hour > 12:
                raise _Refused
            hour = hour % 12 + self.half_day
        in_range = hour <= 23 and minute <= 59 and second <= 59 and milliseconds <= 999
        if not in_range and (hour, minute, second, milliseconds) != (24, 0, 0, 0):
            raise _Refused
        return ((hour * 60 + minute) * 60 + second) * 1000 + milliseconds

    def _offset(self) -> int:
        seconds = (self.zone_hour or 0) * 3600 + (self.zone_minute or 0) * 60
        if self.zone_sign is None:
            return 0
        if seconds >= 2**31:
            raise _Refused
        return self.zone_sign * seconds * 1000


def parse(text: str) -> int | None:
    """`new Date(text).valueOf()` as the engine behind Node.js has it: ISO 8601 first, then nearly anything."""
    scanner = _Scanner(text)
    parts = _Parts()
    try:
        left_over = _read_iso(scanner, parts)
        _read_leniently(scanner, parts, left_over)
        return parts.milliseconds()
    except _Refused:
        return None


def _read_iso(scanner: _Scanner, parts: _Parts) -> _Token:
    """Reads as much as ISO 8601 covers; returns the token it stopped at, or the end."""
    if scanner.peek.sign:
        sign = scanner.next()
        if not scanner.peek.is_fixed(6):
            return sign
        year = scanner.next().number
        if sign.sign < 0 and year == 0:
            return sign
        parts.add_day(sign.sign * year)
    elif scanner.peek.is_fixed(4):
        parts.add_day(scanner.next().number)
    else:
        return scanner.next()
    for limit in (12, 31):
        if not scanner.skip("-"):
            break
        if not scanner.peek.is_fixed(2) or not 1 <= scanner.peek.number <= limit:
            return scanner.next()
        parts.add_day(scanner.next().number)
    if scanner.peek.kind == "word" and scanner.peek.text in ("t", "T"):
        scanner.next()
        _read_iso_time(scanner, parts)
    elif scanner.peek is not _END:
        return scanner.next()
    if parts.zone_hour is None and not parts.times:
        parts.set_zone(0)
    parts.is_iso = True
    return _END


def _two_digits(scanner: _Scanner, limit: int) -> int:
    if not scanner.peek.is_fixed(2) or scanner.peek.number > limit:
        raise _Refused
    return scanner.next().number


def _read_iso_time(scanner: _Scanner, parts: _Parts) -> None:
    hour = _two_digits(scanner, 24)
    most = 0 if hour == 24 else 59
    parts.add_time(hour)
    if not scanner.skip(":"):
        raise _Refused
    parts.add_time(_two_digits(scanner, most))
    if scanner.skip(":"):
        parts.add_time(_two_digits(scanner, most))
        if scanner.skip("."):
            if scanner.peek.kind != "number" or (hour == 24 and scanner.peek.number > 0):
                raise _Refused
            parts.add_time(scanner.next().milliseconds)
    if scanner.peek.is_z:
        scanner.next()
        parts.set_zone(0)
    elif scanner.peek.sign:
        parts.zone_sign = scanner.next().sign
        if scanner.peek.is_fixed(4):
            parts.zone_hour, parts.zone_minute = divmod(scanner.next().number, 100)
            if parts.zone_hour > 23 or parts.zone_minute > 59:
                raise _Refused
        else:
            parts.zone_hour = _two_digits(scanner, 23)
            if not scanner.skip(":"):
                raise _Refused
            parts.zone_minute = _two_digits(scanner, 59)
    if scanner.peek is not _END:
        raise _Refused


def _read_leniently(scanner: _Scanner, parts: _Parts, token: _Token) -> None:
    """The engine's older grammar: numbers, month names, zones, in nearly any order; garbage only before the numbers."""
    has_read_number = bool(parts.days)
    if token is _END:
        token = scanner.next()
    while token is not _END:
        if token.kind == "number":
            has_read_number = True
            _read_number(scanner, parts, token)
        elif token.kind == "word":
            _read_word(scanner, parts, token.text.lower(), has_read_number)
        elif token.sign and (parts.is_utc or parts.times):
            _read_offset(scanner, parts, token.sign)
            has_read_number = True
        elif token.is_symbol("+", "-", ")") and has_read_number:
            raise _Refused
        token = scanner.next()


def _read_number(scanner: _Scanner, parts: _Parts, token: _Token) -> None:
    number = token.number
    if scanner.skip(":"):
        if scanner.skip(":"):
            if parts.times:
                raise _Refused
            parts.times = [number, 0]
        else:
            parts.add_time(number)
            scanner.skip(".")
    elif scanner.skip(".") and parts.expects_time(number):
        parts.add_time(number)
        if scanner.peek.kind != "number":
            raise _Refused
        parts.finish_time(scanner.next().milliseconds)
    elif parts.zone_hour is not None and parts.zone_minute is None and number < 60:
        parts.zone_minute = number
    elif parts.expects_time(number):
        parts.finish_time(number)
        follower = scanner.peek
        if not (follower is _END or follower.kind == "space" or follower.is_z or follower.sign):
            raise _Refused
    else:
        parts.add_day(number)
        scanner.skip("-")


def _read_word(scanner: _Scanner, parts: _Parts, word: str, has_read_number: bool) -> None:
    # Only months may be longer than their three letters.
    if word in _HALF_DAYS and parts.times:
        parts.half_day = _HALF_DAYS[word]
    elif word[:3] in _MONTHS:
        parts.month = _MONTHS[word[:3]]
        scanner.skip("-")
    elif word in _ZONES and has_read_number:
        parts.set_zone(_ZONES[word])
    elif has_read_number or scanner.peek.kind == "number":
        raise _Refused


def _read_offset(scanner: _Scanner, parts: _Parts, sign: int) -> None:
    parts.zone_sign = sign
    number, length = 0, 0
    if scanner.peek.kind == "number":
        token = scanner.next()
        number, length = token.number, len(token.text)
    if scanner.peek.is_symbol(":"):
        parts.zone_hour, parts.zone_minute = number, None
    elif length in (1, 2):
        parts.zone_hour, parts.zone_minute = number, 0
    elif length in (3, 4):
        parts.zone_hour, parts.zone_minute = divmod(number, 100)
    else:
        raise _Refused
