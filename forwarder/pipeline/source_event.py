"""One source event: the time it is given, and the shape of a deletion."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any


def iso_time(at: int) -> str:
    """Epoch milliseconds as Segment writes a time: `2026-01-15T10:00:00.000Z`."""
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def deletion_event(
    user_id: str | None, *, message_id: str, at: int, anonymous_id: str | None = None
) -> dict[str, Any]:
    """The event of which a destination hears when a user is deleted. `at` in epoch ms.

    Source: segment.com/docs/privacy/user-deletion-and-suppression.
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


def parse_time(value: Any) -> int | None:
    """An ISO 8601 time, or a number of epoch milliseconds, as epoch milliseconds; None for anything else.

    A time without a zone is UTC.
    """
    if isinstance(value, bool) or value is None:
        return None
    try:
        if isinstance(value, int | float):
            return round(value)
        when = datetime.fromisoformat(str(value).strip())
        return round((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None


def complete(
    sent: Mapping[str, Any],
    *,
    kind: str | None,
    received_at: int,
    message_id: str,
    batch: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A source event as Segment hands it to its destinations, from what a client sent.

    `kind` is the call's ("track", …); None takes the event's own `type`. `message_id` is used where the
    client gave none. A `batch`'s `context`, `integrations` and `sentAt` hold for its events; what an event
    says itself wins. The time is corrected by the client's own clock: `timestamp = receivedAt - (sentAt -
    originalTimestamp)` (segment.com/docs/connections/spec/common); without `sentAt`, or with a time
    that cannot be read, the client's value stays as it is.
    """
    around = batch or {}
    event = {key: value for key, value in sent.items() if key != "writeKey"}
    event["type"] = kind or sent.get("type")
    for key in ("context", "integrations"):
        outer, inner = around.get(key), event.get(key)
        if isinstance(outer, dict) and (inner is None or isinstance(inner, dict)):
            event[key] = {**outer, **(inner or {})}
        event.setdefault(key, {})
    if event.get("messageId") in (None, ""):
        event["messageId"] = message_id
    sent_at = event.get("sentAt", around.get("sentAt"))
    original = event.get("timestamp", event.get("originalTimestamp"))
    event["receivedAt"] = iso_time(received_at)
    event["sentAt"] = sent_at
    event["originalTimestamp"] = original
    event["timestamp"] = _corrected(original, sent_at, received_at)
    event.setdefault("version", 2)
    event.setdefault("channel", "server")
    return event


def _corrected(original: Any, sent_at: Any, received_at: int) -> Any:
    if original in (None, ""):
        return iso_time(received_at)
    written, left = parse_time(original), parse_time(sent_at)
    if written is None or left is None:
        return original
    try:
        return iso_time(received_at - (left - written))
    except (ValueError, OverflowError, OSError):
        return original
