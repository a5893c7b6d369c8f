"""A range of dates that results are asked for: its start is in it, its end is not."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from optilocal.emulator.clock import ClockError, parse_time

_STEP = 300_000
# A plus sign that was not percent-encoded arrives as a space.
_LOST_PLUS = re.compile(r" (\d\d:?\d\d)$")


class DateRangeError(ValueError):
    """A range that cannot be read. `name` is the parameter, the text one line that names it."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name} {message}")
        self.name, self.message = name, message


@dataclass(frozen=True)
class DateRange:
    """Epoch milliseconds; None is no bound."""

    start: int | None = None
    end: int | None = None

    def __bool__(self) -> bool:
        return self.start is not None or self.end is not None

    def contains(self, ms: int) -> bool:
        """Whether a time is in the range."""
        return (self.start is None or self.start <= ms) and (self.end is None or ms < self.end)

    def rounded(self) -> "DateRange":
        """Inwards to whole five minutes, as Optimizely's REST API does: the start up, the end down."""
        return DateRange(
            None if self.start is None else -(-self.start // _STEP) * _STEP,
            None if self.end is None else self.end // _STEP * _STEP,
        )


def read_range(start: str | None, end: str | None) -> DateRange:
    """A range of two ISO 8601 texts; one without a zone is UTC. Raises DateRangeError."""
    dates = DateRange(_moment("start_time", start), _moment("end_time", end))
    if dates.start is not None and dates.end is not None and dates.start >= dates.end:
        raise DateRangeError("end_time", "must be later than start_time")
    return dates


def _moment(name: str, text: str | None) -> int | None:
    if text is None:
        return None
    iso_text = _LOST_PLUS.sub(r"+\1", text)
    try:
        moment = datetime.fromisoformat(iso_text)
        if moment.tzinfo is None:
            iso_text = moment.replace(tzinfo=UTC).isoformat()
        return parse_time(iso_text)
    except (ValueError, ClockError, OverflowError):
        wanted = 'must be a time in ISO 8601 such as "2026-01-15T10:00:00Z"'
        raise DateRangeError(name, f"{wanted}, not {text!r:.60}") from None
