"""How times, names and lists read in the sentences of a verdict."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

_YEAR = 31_556_952_000
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def when(ms: int) -> str:
    """Epoch milliseconds as `2026-01-15 10:00:02 UTC`; a time no calendar holds as its number."""
    try:
        moment = datetime.fromtimestamp(ms / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return f"{ms} ms"
    fraction = f".{ms % 1000:03d}" if ms % 1000 else ""
    return f"{moment:%Y-%m-%d %H:%M:%S}{fraction} UTC"


def between(earlier: int, later: int) -> str:
    """The time from one epoch millisecond to another, in its largest fitting unit: "3 seconds"."""
    span = abs(later - earlier)
    if span >= 2 * _YEAR:
        return plural(round(span / _YEAR), "year")
    for size, unit in ((86_400_000, "day"), (3_600_000, "hour"), (60_000, "minute"), (1000, "second")):
        if span >= size:
            return plural(round(span / size), unit)
    return plural(span, "millisecond")


def plural(count: int, noun: str) -> str:
    """ "1 visitor", "2 visitors"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def quoted(name: object) -> str:
    """A name in quotation marks on one line, shortened when it is very long."""
    text = _CONTROL.sub(lambda match: repr(match[0])[1:-1], str(name))
    return f'"{text[:77]}…"' if len(text) > 80 else f'"{text}"'


def listed(names: Iterable[object], conjunction: str = "and") -> str:
    """`"a", "b" and "c"`."""
    return joined([quoted(name) for name in names], conjunction)


def joined(parts: Sequence[str], conjunction: str = "and") -> str:
    """`a, b and c`."""
    if len(parts) <= 1:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} {conjunction} {parts[-1]}"
