"""One source event: the time it is given, the shape of a deletion, and whether it is meant for this
destination.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

DISPLAY_NAME = "Optimizely Feature Experimentation (Actions)"
"""The key of this destination in an event's `integrations`, to the letter (Segment reference 0.1)."""


def iso_time(at: int) -> str:
    """Epoch milliseconds as Segment writes a time: `2026-01-15T10:00:00.000Z`."""
    when = datetime.fromtimestamp(at / 1000, UTC)
    return when.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at % 1000:03d}Z"


def filtered_by_integrations(event: Mapping[str, Any]) -> str | None:
    """Why the event's `integrations` keep it from this destination, or None.

    The destination's own entry wins over `All`; its name counts to the letter (Segment reference 0.1, 6.1).
    """
    chosen = event.get("integrations")
    if not isinstance(chosen, dict):
        return None
    if DISPLAY_NAME in chosen:
        own = chosen[DISPLAY_NAME]
        return f'integrations says {{"{DISPLAY_NAME}": false}}' if own is False else None
    return (
        'integrations says {"All": false} and does not name this destination'
        if chosen.get("All") is False
        else None
    )


def deletion_event(
    user_id: str, *, message_id: str, at: int, anonymous_id: str | None = None
) -> dict[str, Any]:
    """The event of which a destination hears when a user is deleted (Segment reference 7.1). `at` in epoch
    ms.
    """
    when = iso_time(at)
    event: dict[str, Any] = {
        "type": "delete",
        "channel": "server",
        "messageId": message_id,
        "projectId": None,
    }
    event.update(userId=user_id, context={}, integrations={})
    event.update(timestamp=when, receivedAt=when, sentAt=when, originalTimestamp=when)
    if anonymous_id is not None:
        event["anonymousId"] = anonymous_id
    return event
