"""Small builders for rows, batches and a datafile, so that each test names only what it is about."""

import json
from typing import Any

from optilocal.emulator.batch.parse import parse
from optilocal.emulator.batch.row import EventRow
from optilocal.emulator.datafile.history import DatafileHistory

NOW = 1_768_471_200_000  # 2026-01-15T10:00:00Z
SECOND = 1000


def experiment(key: str, status: object = "Running", **more: Any) -> dict[str, Any]:
    """An experiment `exp-<key>` with two variations `<key>-a` and `<key>-b`, keys `a` and `b`."""
    return {
        "id": f"exp-{key}",
        "key": key,
        "status": status,
        "layerId": f"layer-{key}",
        "variations": [{"id": f"{key}-{letter}", "key": letter} for letter in "ab"],
        "trafficAllocation": [],
        "audienceIds": [],
        "forcedVariations": {},
        **more,
    }


def datafile(**more: Any) -> dict[str, Any]:
    """Experiments checkout and banner run, old is paused; one rollout, one holdout; events by what they are
    metrics of.
    """
    return {
        "version": "4",
        "revision": "1",
        "accountId": "12001",
        "projectId": "20001",
        "sdkKey": "sdk-1",
        "environmentKey": "production",
        "botFiltering": False,
        "experiments": [experiment("checkout"), experiment("old", "Paused")],
        "groups": [
            {
                "id": "group-1",
                "policy": "random",
                "trafficAllocation": [],
                "experiments": [experiment("banner")],
            }
        ],
        "rollouts": [{"id": "rollout-1", "experiments": [experiment("delivery")]}],
        "holdouts": [experiment("kept_out")],
        "attributes": [{"id": "attr-1", "key": "plan"}],
        "audiences": [],
        "events": [
            {"id": "ev-order", "key": "Order Completed", "experimentIds": ["exp-checkout"]},
            {"id": "ev-both", "key": "Signed Up", "experimentIds": ["exp-checkout", "exp-banner", "exp-old"]},
            {"id": "ev-old", "key": "Plan Upgraded", "experimentIds": ["exp-old"]},
            {"id": "ev-free", "key": "Newsletter Subscribed", "experimentIds": []},
            {"id": "ev-rollout", "key": "Delivery Seen", "experimentIds": ["exp-delivery"]},
        ],
        **more,
    }


def history(*revisions: tuple[int, dict[str, Any]]) -> DatafileHistory:
    """The given revisions, or one that always held."""
    return DatafileHistory(revisions or [(0, datafile())])


def _row(kind: str, visitor: str, at: int, uuid: str, more: dict[str, Any]) -> EventRow:
    row: Any = {
        "kind": kind,
        "visitor_id": visitor,
        "account_id": "12001",
        "uuid": uuid,
        "key": None,
        "entity_id": None,
        "timestamp": at,
        "revenue": None,
        "value": None,
        "quantity": None,
        "tags": {},
        "attributes": [],
        "experiment_id": None,
        "variation_id": None,
        "campaign_id": None,
        "holdback": False,
        "rule_type": None,
        "flag_key": None,
        "rule_key": None,
        "variation_key": None,
        "cmab_uuid": None,
        "client_name": "python-sdk",
        "sent_to": None,
        "user_agent_bot": False,
        "received_at": at,
        "problems": [],
        "warnings": [],
    }
    unknown = set(more) - set(row) - {"number"}
    assert not unknown, unknown
    return {**row, **more}


def decision(visitor: str, shown: str, at: int = NOW, **more: Any) -> EventRow:
    """A decision row; `shown` is "checkout-b": experiment exp-checkout, variation checkout-b."""
    name = shown.rpartition("-")[0]
    fields = {"experiment_id": f"exp-{name}", "variation_id": shown, "campaign_id": f"layer-{name}"}
    return _row("decision", visitor, at, f"d-{visitor}-{shown}-{at}", {**fields, **more})


def conversion(visitor: str, event_id: str = "ev-order", at: int = NOW + SECOND, **more: Any) -> EventRow:
    """A conversion row of the event with this id."""
    keys = {event["id"]: event["key"] for event in datafile()["events"]}
    fields = {"entity_id": event_id, "key": keys.get(event_id)}
    return _row("conversion", visitor, at, f"c-{visitor}-{event_id}-{at}", {**fields, **more})


def batch(*visitors: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An event batch as an SDK sends it."""
    head = {
        "account_id": "12001",
        "client_name": "python-sdk",
        "client_version": "5.5.0",
        "enrich_decisions": True,
    }
    return {**head, "anonymize_ip": True, "visitors": list(visitors), **more}


def activation(visitor: str = "u-1", timestamp: int = NOW, uuid: str = "d-1", **more: Any) -> dict[str, Any]:
    """A visitor with one decision in the form of Optimizely's SDKs."""
    decided = {"campaign_id": "layer-checkout", "experiment_id": "exp-checkout", "variation_id": "checkout-a"}
    event = {"entity_id": "layer-checkout", "key": "campaign_activated", "uuid": uuid, "timestamp": timestamp}
    snapshot = {"decisions": [decided], "events": [event]}
    return {"visitor_id": visitor, "attributes": [], "snapshots": [snapshot], **more}


def purchase(visitor: str = "u-1", **event: Any) -> dict[str, Any]:
    """A visitor with one conversion."""
    sent = {
        "entity_id": "ev-order",
        "key": "Order Completed",
        "uuid": "c-1",
        "timestamp": NOW + SECOND,
        **event,
    }
    return {"visitor_id": visitor, "attributes": [], "snapshots": [{"events": [sent]}]}


def report(name: str = "1", **more: Any) -> dict[str, Any]:
    """A delivery that sent the conversion `c-<name>` of the visitor u-1."""
    sent = batch(purchase("u-1", uuid=f"c-{name}"), client_name="Segment")
    return {
        "id": f"delivery-{name}",
        "type": "track",
        "message_id": f"c-{name}",
        "event": "Order Completed",
        "user_id": "u-1",
        "visitor_id": "u-1",
        "event_key": "Order Completed",
        "outcome": "sent",
        "source_event": {
            "type": "track",
            "event": "Order Completed",
            "userId": "u-1",
            "messageId": f"c-{name}",
        },
        "payload": {"eventKey": "Order Completed", "userId": "u-1", "uuid": f"c-{name}"},
        "requests": [{"attempt": 1, "to": "events", "method": "POST", "status": 204, "json": sent}],
        **more,
    }


def read(body: object, headers: dict[str, str] | None = None, received_at: int = NOW) -> Any:
    """Parse a batch given as JSON value or as bytes."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return parse(raw, headers=headers or {}, received_at=received_at)


def codes(notes: Any) -> list[str]:
    """The codes of notes."""
    return [note["code"] for note in notes]
