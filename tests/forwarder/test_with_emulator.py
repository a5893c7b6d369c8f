"""Forwarder and emulator together, over HTTP alone: what one sends and reports, the other judges."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pair import SHOP, TRACK, Pair


def test_an_event_gets_a_verdict_with_its_delivery(pair: Pair) -> None:
    pair.segment.post("/v1/track", {**TRACK, "messageId": "m-1"})
    verdict = pair.verdict("m-1")
    assert verdict["outcome"] == "user_not_activated"
    assert verdict["delivery"]["outcome"] == "sent"
    assert verdict["delivery"]["source_event"]["userId"] == "u-1"
    assert [row["to"] for row in verdict["delivery"]["requests"]] == ["datafile", "events"]
    (exchange,) = [
        row for row in pair.call("GET", "/_emulator/exchanges")["exchanges"] if row["surface"] == "events"
    ]
    assert exchange["violations"] == []


@pytest.mark.parametrize(
    ("event", "outcome"),
    [
        ({"event": "order completed"}, "unmatched_event_key"),
        ({"properties": {"revenue": 19.99}}, "invalid_payload"),
        ({"integrations": {"All": False}}, "not_subscribed"),
        ({"type": "page"}, "not_subscribed"),
    ],
)
def test_what_never_leaves_segment_has_a_verdict_too(pair: Pair, event: dict[str, Any], outcome: str) -> None:
    sent = {"type": "track", **TRACK, "messageId": "m-1", **event}
    pair.segment.post("/v1/batch", {"batch": [sent]})
    assert pair.verdict("m-1")["outcome"] == outcome


def test_a_duplicate_and_a_suppressed_user(pair: Pair) -> None:
    pair.segment.post("/v1/track", {**TRACK, "messageId": "m-1"})
    pair.segment.ended()
    pair.segment.post("/v1/track", {**TRACK, "messageId": "m-1"})
    pair.segment.post("/regulations", {"regulationType": "SUPPRESS_ONLY", "subjectIds": ["u-1"]})
    pair.segment.post("/v1/track", {**TRACK, "messageId": "m-2"})
    assert pair.verdict("m-2")["outcome"] == "suppressed_user"
    assert pair.verdict("m-1", outcome="duplicate")["delivery"]["requests"] == []


def test_a_lost_answer_is_tried_again_and_counted_once(pair: Pair) -> None:
    pair.call("PUT", "/_emulator/faults", [{"on": "events", "phase": "after", "status": 503, "times": 1}])
    pair.segment.post("/v1/track", {**TRACK, "messageId": "m-1"})
    assert pair.verdict("m-1")["delivery"]["outcome"] == "pending"
    pair.clock.advance(5)
    (done,) = pair.segment.ended()
    assert [attempt["outcome"] for attempt in done["attempts"]] == ["delivery_failed", "sent"]
    received = pair.call("GET", "/_emulator/events?kind=conversion&wait=10&count=2")["events"]
    assert [row["uuid"] for row in received] == ["m-1", "m-1"]
    verdicts = pair.call("GET", "/_emulator/verdicts?message_id=m-1")["verdicts"]
    assert [row["outcome"] for row in verdicts] == ["user_not_activated"]


def test_a_deletion_names_the_account(pair: Pair) -> None:
    pair.segment.post("/regulations", {"regulationType": "DELETE_ONLY", "subjectIds": ["u-1"]})
    pair.segment.ended(1, type="delete")
    (verdict,) = pair.call("GET", "/_emulator/verdicts?kind=deletion&wait=10")["verdicts"]
    assert verdict["outcome"] is None
    assert "12001" in verdict["explanation"]


def test_event_keys_come_from_the_datafile(pair: Pair) -> None:
    keys = [choice["value"] for choice in pair.segment.get("/_forwarder/event-keys").json()["choices"]]
    assert keys == [event["key"] for event in json.loads(SHOP.read_text())["events"]]
    assert pair.segment.post("/_forwarder/test-authentication").json() == {"ok": True}
