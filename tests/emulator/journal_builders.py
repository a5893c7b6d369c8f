"""Exchanges, reports and events as a journal takes them, each with only what a test is about."""

import json
from collections.abc import Callable
from typing import Any

from field_builders import NOW, activation, batch, purchase

from optilocal.emulator.journal.journal import Journal
from optilocal.emulator.journal.records import Event, Exchange, Query, Report, Step

HEAD = json.dumps(
    {
        "path": "/v1/events",
        "query": "",
        "headers": {"User-Agent": "test"},
        "response": "",
        "fault": None,
        "violations": None,
        "warnings": [],
    }
)


Open = Callable[..., Journal]
"""Opens the journal of a test, with the settings given; again after it was closed."""


def exchange(
    *visitors: dict[str, Any], namespace: str = "n", body: bytes | None = None, **more: Any
) -> Exchange:
    """An event batch of these visitors that was taken in."""
    sent = json.dumps(batch(*visitors)).encode() if body is None else body
    found = Exchange(namespace, "events", "POST", 204, NOW, True, HEAD, sent)
    return found._replace(**more)


def decide(visitor: str = "u-1", at: int = NOW, **more: Any) -> dict[str, Any]:
    return activation(visitor, at, f"d-{visitor}-{at}", **more)


def convert(visitor: str = "u-1", at: int = NOW + 1000, **more: Any) -> dict[str, Any]:
    return purchase(visitor, **{"uuid": f"c-{visitor}-{at}", "timestamp": at, **more})


def event(number: int, **more: Any) -> Event:
    """An event row of visitor u-1."""
    values: dict[str, Any] = {
        "number": number,
        "namespace": "n",
        "kind": "conversion",
        "visitor_id": "u-1",
        "account_id": "12001",
        "uuid": f"c-{number}",
        "key": "Order Completed",
        "entity_id": "ev-order",
        "timestamp": str(NOW),
        "experiment_id": None,
        "exchange": 1,
        "duplicate_of": None,
        "doc": json.dumps({"made": number}),
    }
    return Event(**{**values, **more})


def reported(name: str = "1", **more: Any) -> Report:
    """A report that sent the conversion `c-<name>`."""
    values: dict[str, Any] = {
        "delivery_id": f"delivery-{name}",
        "kind": "event",
        "message_id": f"c-{name}",
        "uuid": f"c-{name}",
        "visitor_id": "u-1",
        "user_id": "u-1",
        "anonymous_id": None,
        "event_key": "Order Completed",
        "timestamp": str(NOW),
        "sent": True,
        "waits": True,
        "delivery": json.dumps({"id": name, "outcome": "sent"}),
    }
    return Report(**{**values, **more})


def projected(journal: Journal, *events: Event, **more: Any) -> bool:
    """Write events as the journal's next step."""
    at = journal.position()
    last = max((each.number for each in events), default=at.event)
    told = {each.namespace: 0 for each in events} or {"n": 0}
    return journal.project(Step(at, at.exchange, last, namespaces=told, events=list(events), **more))


def numbers(journal: Journal, listing: str, **query: Any) -> list[int]:
    return [row["number"] for row in journal.rows(listing, Query("n", **query))]
