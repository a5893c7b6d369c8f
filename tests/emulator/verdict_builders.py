"""A forwarder's report, its conversion and a short way to a verdict on them."""

from typing import Any

from field_builders import NOW, SECOND, conversion, decision, history

from optilocal.emulator.verdict.verdict import CONDITIONS, verdict

CDN = "https://cdn.optimizely.com/datafiles/sdk-1.json"
LOGX = "https://logx.optimizely.com/v1/events"


def delivery(outcome: str = "sent", **more: Any) -> dict[str, Any]:
    """A forwarder's report on a track call of user u."""
    properties = {"revenue": 4999, "value": 49.99}
    payload = {
        "eventKey": "Order Completed",
        "userId": "u",
        "uuid": "m-1",
        "attributes": {"plan": "gold"},
        "eventTags": properties,
        **properties,
    }
    return {
        "id": "delivery-1",
        "type": "track",
        "message_id": "m-1",
        "event": "Order Completed",
        "user_id": "u",
        "anonymous_id": "anon-1",
        "source_event": {
            "type": "track",
            "event": "Order Completed",
            "userId": "u",
            "properties": properties,
        },
        "received_at": NOW + SECOND,
        "outcome": outcome,
        "mapping": "Track Event",
        "trigger": 'type = "track"',
        "payload": payload,
        "visitor_id": "u",
        "event_key": "Order Completed",
        "error": None,
        "details": [],
        "requests": [],
        "attempts": [],
        "mappings": [],
        "warnings": [],
        **more,
    }


def sent(visitor: str = "u", **more: Any) -> Any:
    return conversion(visitor, uuid="m-1", client_name="Segment", number=7, **more)


def judged(
    report: Any = None, converted: Any = None, *decisions: Any, past: Any = None, **more: Any
) -> dict[str, Any]:
    return verdict(
        report, converted, decisions=decisions, history=history() if past is None else past, **more
    )


def conditions(
    key: bool | None, running: bool | None, identified: bool | None, activated: bool | None
) -> dict[str, Any]:
    return dict(zip(CONDITIONS, (key, running, identified, activated), strict=True))


NOTHING = conditions(None, None, None, None)
ANONYMOUS = {"user_id": None, "source_event": {}, "visitor_id": "anon-1"}
IN_CHECKOUT = decision("u", "checkout-b")
LATE = decision("u", "checkout-b", NOW + 60 * SECOND)
