"""A forwarder's report of one conversion that it sent, in the shape that docs/shapes.md gives it."""

from __future__ import annotations

from typing import Any

_TRIGGER = 'type = "track"'
_DATAFILE_URL = "https://cdn.optimizely.com/datafiles/SHOPkA7pQ2mXv9Rt.json"
_EVENTS_URL = "https://logx.optimizely.com/v1/events"


def report(batch: dict[str, Any], message_id: str, user_id: str, at: int) -> dict[str, Any]:
    """The delivery of a source event that came to be this event batch."""
    properties = {"revenue": 4999, "value": 49.99, "sku": "shirt-7"}
    source_event = {
        "type": "track",
        "event": "Order Completed",
        "userId": user_id,
        "anonymousId": f"anonymous-{user_id}",
        "messageId": message_id,
        "timestamp": "2026-01-15T10:00:00.000Z",
        "properties": properties,
        "context": {
            "library": {"name": "analytics.js", "version": "next-1.84.1"},
            "traits": {"plan": "gold"},
        },
    }
    payload = {
        "eventType": "track",
        "eventKey": "Order Completed",
        "userId": user_id,
        "uuid": message_id,
        "timestamp": "2026-01-15T10:00:00.000Z",
        "tags": properties,
        "attributes": {"plan": "gold"},
    }
    return {
        "id": f"delivery-{message_id}",
        "type": "track",
        "message_id": message_id,
        "event": "Order Completed",
        "user_id": user_id,
        "anonymous_id": f"anonymous-{user_id}",
        "source_event": source_event,
        "received_at": at,
        "outcome": "sent",
        "mapping": "Track Event",
        "trigger": _TRIGGER,
        "payload": payload,
        "visitor_id": user_id,
        "event_key": "Order Completed",
        "error": None,
        "details": [],
        "requests": [
            _request("datafile", "GET", _DATAFILE_URL, at=at, status=200),
            _request("events", "POST", _EVENTS_URL, batch, at=at, status=204),
        ],
        "attempts": [{"number": 1, "at": at, "outcome": "sent", "error": None, "retry_at": None}],
        "mappings": [
            {
                "name": "Track Event",
                "trigger": _TRIGGER,
                "enabled": True,
                "fields": None,
                "matched": True,
                "outcome": "sent",
                "payload": payload,
                "error": None,
                "details": [],
            }
        ],
        "warnings": [],
    }


def _request(to: str, method: str, url: str, json: Any = None, *, at: int, status: int) -> dict[str, Any]:
    return {
        "attempt": 1,
        "to": to,
        "method": method,
        "url": url,
        "sent_to": url.replace("https://logx.optimizely.com", "http://127.0.0.1:8410"),
        "json": json,
        "status": status,
        "reason": "",
        "response": "",
        "error": None,
        "at": at,
    }
