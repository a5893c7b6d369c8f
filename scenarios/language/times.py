"""Times as a scenario writes them, in milliseconds."""

import re
from datetime import UTC, datetime
from typing import Any

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}


def duration_ms(value: Any) -> int:
    """`5s`, `300ms`, `2m`, `4h`, `1d`, or a number of seconds → milliseconds. Raises ValueError."""
    if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
        return round(value * 1000)
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if not match:
        raise ValueError("wait takes a time such as 5s, 300ms, 2m, 4h")
    return round(float(match[1]) * _SECONDS[match[2]] * 1000)


def clock_ms(value: Any) -> int:
    """ISO 8601 text → epoch milliseconds, UTC where it names no zone. Raises ValueError."""
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError(
            f"clock takes an ISO 8601 time such as 2026-01-15T10:00:00Z, not {value!r}"
        ) from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)
