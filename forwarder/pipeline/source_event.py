"""One source event: completed as Segment does it, its times, the shape of a deletion, and notes on what is odd in it."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any


def iso_time(at: int) -> str:
    """Epoch milliseconds as Segment writes a time: `2026-01-15T10:00:00.000Z`."""
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def deletion_event(
    user_id: str | None, *, message_id: str, at: int, anonymous_id: str | None = None
) -> dict[str, Any]:
    """The event that a destination gets for the deletion of a user. `at` in epoch ms.

    Source: https://segment.com/docs/privacy/user-deletion-and-suppression/.
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
    """The source event that Segment gives to its destinations, from the event that a client sent.

    `kind` is the call's type ("track", …); None takes the event's own `type`. `message_id` is used where the client gave
    none. A `batch`'s `context`, `integrations` and `sentAt` apply to its events; an event's own values win. The time is
    corrected by the client's clock: `timestamp = receivedAt - (sentAt - originalTimestamp)`
    (https://segment.com/docs/connections/spec/common/). Without `sentAt`, or with a time that cannot be parsed, the
    client's value stays as it is.
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


Note = dict[str, str]

MAX_MESSAGE_ID = 100
FUTURE_MS = int(timedelta(hours=24).total_seconds() * 1000)
TYPES = ("track", "identify", "page", "screen", "group", "alias")

CONSENT_EVENT = "Segment Consent Preference Updated"
_DISCARDS = "Segment lists this among the reasons for which it discards events at ingestion"


def event_notes(event: Mapping[str, Any], *, received_at: int) -> list[Note]:
    """Notes on mistakes in an event as a client sent it, with Segment's discard codes where it has one
    (https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/).

    Segment answers 200 to nearly all of them. The event is delivered here all the same, so that its verdict shows the
    effect.
    """
    return [{"code": code, "message": message} for code, message in _problems(event, received_at)]


def _problems(event: Mapping[str, Any], received_at: int) -> Iterator[tuple[str, str]]:
    kind = event.get("type")
    user, anonymous = event.get("userId"), event.get("anonymousId")
    if user in (None, "") and anonymous in (None, ""):
        yield "no_user_anon_id", f"neither userId nor anonymousId is given; {_DISCARDS}"
    for name, value in (("userId", user), ("anonymousId", anonymous)):
        if value is not None and not isinstance(value, str):
            yield "id_not_string", f"{name} is {_kind(value)}, not a string; {_DISCARDS}"
    yield from _of_type(kind, event)
    for name, code in (("properties", "properties_not_object"), ("traits", "traits_not_object")):
        if event.get(name) is not None and not isinstance(event[name], dict):
            yield code, f"{name} is {_kind(event[name])}, not an object; {_DISCARDS}"
    context = event.get("context")
    if context is not None and not isinstance(context, dict):
        yield "context_not_object", f"context is {_kind(context)}, not an object"
    message_id = event.get("messageId")
    if isinstance(message_id, str) and len(message_id) > MAX_MESSAGE_ID:
        yield (
            "message_id_too_long",
            f"messageId has {len(message_id)} characters; Segment allows {MAX_MESSAGE_ID}",
        )
    if kind == "track" and event.get("event") == CONSENT_EVENT:
        yield from _of_consent(context if isinstance(context, dict) else {})
    yield from _of_time(event, received_at)


def _of_consent(context: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Problems of the consent event (https://segment.com/docs/privacy/consent-management/consent-faq/)."""
    consent = context.get("consent")
    preferences = consent.get("categoryPreferences") if isinstance(consent, dict) else None
    start = f"{CONSENT_EVENT}: context.consent"
    if preferences is None:
        yield (
            "consent_categorypreferences_should_exist",
            f"{start}.categoryPreferences is required; {_DISCARDS}",
        )
    elif not isinstance(preferences, dict):
        code = "consent_categorypreferences_fields_should_be_object"
        yield code, f"{start}.categoryPreferences is {_kind(preferences)}, not an object; {_DISCARDS}"
    else:
        for category, value in preferences.items():
            if not isinstance(value, bool):
                code = "consent_categorypreferences_fields_should_be_bool"
                yield (
                    code,
                    f"{start}.categoryPreferences.{category} is {_kind(value)}, not a boolean; {_DISCARDS}",
                )
    version = consent.get("version") if isinstance(consent, dict) else None
    if version is not None and (isinstance(version, bool) or not isinstance(version, int | float)):
        yield (
            "consent_version_should_be_number",
            f"{start}.version is {_kind(version)}, not a number; {_DISCARDS}",
        )
    device = context.get("device")
    advertising = device.get("advertisingId") if isinstance(device, dict) else None
    if advertising is not None and not isinstance(advertising, str):
        code = "device_advertisingid_should_be_string"
        yield code, f"context.device.advertisingId is {_kind(advertising)}, not a string; {_DISCARDS}"


def _of_type(kind: Any, event: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if kind == "track":
        name = event.get("event")
        if name in (None, ""):
            yield "event_not_defined", f"a track call without an event name; {_DISCARDS}"
        elif not isinstance(name, str):
            yield "event_not_string", f"event is {_kind(name)}, not a string; {_DISCARDS}"
    if kind in ("page", "screen"):
        for name in ("name", "category"):
            if event.get(name) is not None and not isinstance(event[name], str):
                yield f"{name}_not_string", f"{name} is {_kind(event[name])}, not a string; {_DISCARDS}"
    needed = {"group": "groupId", "alias": "previousId"}.get(str(kind))
    if needed and event.get(needed) in (None, ""):
        yield "id_required", f"{kind} needs {needed}; {_DISCARDS}"


def _of_time(event: Mapping[str, Any], received_at: int) -> Iterator[tuple[str, str]]:
    for name in ("timestamp", "sentAt"):
        value = event.get(name)
        if value is None:
            continue
        at = parse_time(value)
        if at is None:
            yield f"{name.lower()}_unreadable", f"{name} {str(value)[:60]!r} is not an ISO 8601 time"
        elif at > received_at + FUTURE_MS:
            yield f"{name.lower()}_in_future", f"{name} {str(value)[:60]!r} is more than a day ahead"


def _kind(value: Any) -> str:
    names = {
        bool: "a boolean",
        int: "a number",
        float: "a number",
        str: "a string",
        list: "an array",
        dict: "an object",
    }
    return names.get(type(value), "null")
