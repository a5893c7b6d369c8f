"""`new Date(text)` of V8, the JavaScript engine of Node.js: ISO 8601 first, then its lenient older grammar."""

import re
from dataclasses import dataclass, field
from typing import Final

from optilocal.forwarder.javascript.calendar import DAY, clip, days_since_1970
from optilocal.forwarder.javascript.date_tokens import END, Scanner, Token

# The format of nearly every library. Without this fast path `optilocal preview` takes a third longer.
_USUAL = re.compile(
    r"([0-9]{4})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])(?:\.([0-9]{3}))?Z\Z"
)
_MONTHS: Final = {
    "jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6,
    "jul": 7, "aug": 8, "sep": 9, "oct": 10, "nov": 11, "dec": 12,
}  # fmt: skip
_HALF_DAYS: Final = {"am": 0, "pm": 12}
_ZONES: Final = {
    "ut": 0, "utc": 0, "z": 0, "gmt": 0,
    "est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7,
}  # fmt: skip


class _Refused(Exception):
    """The text is not a date."""


@dataclass
class _Parts:
    """The parts of a date that have been read."""

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
        return clip(self._date() * DAY + self._time() - self._offset())

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
    """`new Date(text).valueOf()`; None for an invalid date. A text without a zone is in UTC."""
    usual = _USUAL.match(text)
    if usual:
        year, month, day, hour, minute, second, milliseconds = map(int, usual.groups("0"))
        return (
            days_since_1970(year, month - 1, day) * DAY
            + ((hour * 60 + minute) * 60 + second) * 1000
            + milliseconds
        )
    scanner = Scanner(text)
    parts = _Parts()
    try:
        left_over = _read_iso(scanner, parts)
        _read_leniently(scanner, parts, left_over)
        return parts.milliseconds()
    except _Refused:
        return None


def _read_iso(scanner: Scanner, parts: _Parts) -> Token:
    """Reads as much as ISO 8601 covers; returns the next token, or the end."""
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
    elif scanner.peek is not END:
        return scanner.next()
    if parts.zone_hour is None and not parts.times:
        parts.set_zone(0)
    parts.is_iso = True
    return END


def _two_digits(scanner: Scanner, limit: int) -> int:
    if not scanner.peek.is_fixed(2) or scanner.peek.number > limit:
        raise _Refused
    return scanner.next().number


def _read_iso_time(scanner: Scanner, parts: _Parts) -> None:
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
    if scanner.peek is not END:
        raise _Refused


def _read_leniently(scanner: Scanner, parts: _Parts, token: Token) -> None:
    """Reads the older grammar: numbers, month names and zones in nearly any order; other words only before the numbers."""
    has_read_number = bool(parts.days)
    if token is END:
        token = scanner.next()
    while token is not END:
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


def _read_number(scanner: Scanner, parts: _Parts, token: Token) -> None:
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
        if not (follower is END or follower.kind == "space" or follower.is_z or follower.sign):
            raise _Refused
    else:
        parts.add_day(number)
        scanner.skip("-")


def _read_word(scanner: Scanner, parts: _Parts, word: str, has_read_number: bool) -> None:
    # Only months may have more than three letters.
    if word in _HALF_DAYS and parts.times:
        parts.half_day = _HALF_DAYS[word]
    elif word[:3] in _MONTHS:
        parts.month = _MONTHS[word[:3]]
        scanner.skip("-")
    elif word in _ZONES and has_read_number:
        parts.set_zone(_ZONES[word])
    elif has_read_number or scanner.peek.kind == "number":
        raise _Refused


def _read_offset(scanner: Scanner, parts: _Parts, sign: int) -> None:
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
