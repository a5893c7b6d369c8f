"""Times as texts and numbers, and a namespace's own time."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from optilocal.serving.clock import Clock

# From the year 1 to the year 9998: what is due a month or a year after any of them can still be written as a date.
_EARLIEST, _END = -62_135_596_800_000, 253_370_764_800_000


class ClockError(ValueError):
    """A time that cannot be read; the text is one line."""


def parse_time(value: object) -> int:
    """Epoch milliseconds of an ISO 8601 text with a zone, or of an integer of milliseconds, before the year 9999.

    Raises ClockError.
    """
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _END:
        return value
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            moment = None
        if moment is not None and moment.tzinfo is not None:
            milliseconds = round(moment.timestamp() * 1000)
            if _EARLIEST <= milliseconds < _END:
                return milliseconds
    raise ClockError(f'"now" must be a time with a zone such as "2026-01-15T10:00:00Z", not {value!r:.60}')


def iso(ms: int) -> str:
    """`2026-01-15T10:00:00.000Z` of epoch milliseconds."""
    moment = datetime.fromtimestamp(ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def namespace_time(system: Clock, setting: Mapping[str, Any] | None) -> int:
    """A namespace's time in epoch milliseconds: the system's, or what `PUT /_emulator/clock` made of it.

    `setting` is None or `{"now": ms, "set_at": ms of the system, "frozen": bool}`.
    """
    if setting is None:
        return system.now_ms()
    if setting["frozen"]:
        return int(setting["now"])
    return int(setting["now"]) + system.now_ms() - int(setting["set_at"])
