"""What is sent: event batches as Optimizely's own SDK makes them, for the datafile of the shipped suite's shop."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

from bench.machine import ROOT

DATAFILE = ROOT / "scenarios" / "suite" / "datafiles" / "shop.json"
SDK_KEY = "SHOPkA7pQ2mXv9Rt"
EXPERIMENT = "9300000000001"
VISITORS = 20_000
"""Visitor ids that a load chooses from, so that 100,000 events are five a visitor."""
_HOUR_MS = 3_600_000

Batch = dict[str, Any]


def kinds(now_ms: int) -> list[Batch]:
    """One decision and three conversions of it, an hour later, with `@VISITOR@` and `@UUID@` where the ids belong."""
    purchase = {"revenue": 4999, "value": 49.99, "tags": {"revenue": 4999, "value": 49.99, "sku": "shirt-7"}}
    added = {"tags": {"product_id": "shirt-7", "name": "Shirt, blue, large", "quantity": 2, "cart": "c-81"}}
    return [
        _batch([_decision()], "9300000000101", "campaign_activated", now_ms - _HOUR_MS),
        _batch(None, "20410060001", "Order Completed", now_ms, **purchase),
        _batch(None, "20410060002", "Product Added", now_ms, **added),
        _batch(None, "20410060006", "Signed Up", now_ms, tags={"source": "newsletter", "step": 3}),
    ]


def visitor(number: int) -> str:
    """The id of one of the visitors."""
    return f"v-{number:06d}"


def filled(kind: Batch, visitor_id: str, uuid: str) -> Batch:
    """A batch with its ids."""
    text = json.dumps(kind, separators=(",", ":"))
    return dict(json.loads(text.replace("@VISITOR@", visitor_id).replace("@UUID@", uuid)))


def uuid_of(random: Random) -> str:
    """An uuid of version 4."""
    return str(UUID(int=random.getrandbits(128), version=4))


def source_events() -> list[Batch]:
    """Track calls as analytics.js makes them, with `@VISITOR@` and `@UUID@` where the ids belong."""
    properties: list[tuple[str, Batch]] = [
        ("Order Completed", {"revenue": 4999, "value": 49.99, "order_id": "o-7", "currency": "EUR"}),
        ("Product Added", {"product_id": "shirt-7", "name": "Shirt, blue, large", "quantity": 2}),
        ("Product Viewed", {"product_id": "shirt-7", "category": "shirts", "url": "https://shop.example/7"}),
        ("Signed Up", {"source": "newsletter", "step": 3}),
    ]
    context = {
        "library": {"name": "analytics.js", "version": "next-1.84.1"},
        "page": {"path": "/cart", "title": "Cart", "url": "https://shop.example/cart", "referrer": ""},
        "traits": {"plan": "gold", "country": "DE"},
        "userAgent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    }
    return [
        {
            "writeKey": "bench",
            "event": name,
            "userId": "@VISITOR@",
            "messageId": "@UUID@",
            "properties": own,
            "context": context,
        }
        for name, own in properties
    ]


def write_kinds(folder: Path, bodies: Sequence[Batch]) -> Path:
    """Bodies in a file, a line each, for load.lua."""
    path = folder / "kinds.jsonl"
    lines = [json.dumps(body, separators=(",", ":")) for body in bodies]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def _decision() -> Batch:
    return {
        "campaign_id": "9300000000101",
        "experiment_id": EXPERIMENT,
        "variation_id": "20410070002",
        "metadata": {
            "flag_key": "checkout",
            "rule_key": "checkout_test",
            "rule_type": "experiment",
            "variation_key": "treatment",
            "enabled": True,
        },
    }


def _batch(decisions: list[Batch] | None, entity: str, key: str, timestamp: int, **more: Any) -> Batch:
    event = {"entity_id": entity, "uuid": "@UUID@", "key": key, "timestamp": timestamp, **more}
    snapshot = {"events": [event]} if decisions is None else {"decisions": decisions, "events": [event]}
    attributes = [
        {"entity_id": "20410040001", "key": "plan", "type": "custom", "value": "gold"},
        {"entity_id": "20410040002", "key": "country", "type": "custom", "value": "DE"},
        {
            "entity_id": "$opt_bot_filtering",
            "key": "$opt_bot_filtering",
            "type": "custom",
            "value": False,
        },
    ]
    return {
        "account_id": "12001",
        "project_id": "20410005001",
        "revision": "42",
        "client_name": "python-sdk",
        "client_version": "5.5.0",
        "anonymize_ip": True,
        "enrich_decisions": True,
        "visitors": [{"visitor_id": "@VISITOR@", "attributes": attributes, "snapshots": [snapshot]}],
    }
