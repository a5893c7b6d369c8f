"""A decision by Optimizely's SDK, then an event by Segment's Node library: what becomes of it, and why."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sdk_applications import Application
from segment_source import SegmentSource

from optilocal.scenarios.running.emulator_client import EmulatorClient

pytestmark = pytest.mark.node
SCRIPT = Path(__file__).parent / "segment_node.mjs"
Call = tuple[str, dict[str, Any]]


@pytest.fixture
def send(node: str, segment: SegmentSource) -> Callable[..., None]:
    """Sends calls, in one batch; comes back when the library has been told that they arrived."""

    def run(*calls: Call) -> None:
        command = [node, str(SCRIPT), segment.url, json.dumps(calls)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (0, "")

    return run


def order(message_id: str, **more: Any) -> Call:
    properties = {"revenue": 4999, "value": 49.99, "coupon": "SPRING"}
    return "track", {
        "event": "Order Completed",
        "messageId": message_id,
        "properties": properties,
        "context": {"traits": {"plan": "gold", "shoe_size": 42}},
        **more,
    }


def test_every_event_gets_the_verdict_that_it_should(
    javascript: Application,
    optimizely: EmulatorClient,
    segment: SegmentSource,
    shop: dict[str, Any],
    send: Callable[..., None],
) -> None:
    javascript.visit(optimizely.base_url, shop["sdkKey"], {"user": "u-1", "decide": "checkout"})
    send(
        order("counted", userId="u-1"),
        order("wrong-case", userId="u-1", event="order completed"),
        order("wrong-user", userId="U-1"),
        order("no-user", anonymousId="a-1"),
        order("fraction", userId="u-1", properties={"revenue": 49.99}),
        order("not-for-optimizely", userId="u-1", integrations={"All": False}),
    )
    segment.ended(4)
    found = {row["message_id"]: row for row in optimizely.verdicts(wait=15, count=6)}
    assert {message_id: row["outcome"] for message_id, row in found.items()} == {
        "counted": "counted",
        "wrong-case": "unmatched_event_key",
        "wrong-user": "user_not_activated",
        "no-user": "unidentified_user",
        "fraction": "invalid_payload",
        "not-for-optimizely": "not_subscribed",
    }
    assert found["wrong-case"]["nearest"] == ["Order Completed"]
    assert '"u-1"' in found["wrong-user"]["remedy"]
    counted = found["counted"]
    assert [row["variation"] for row in counted["attributed_to"]] == ["treatment"]
    assert counted["delivery"]["source_event"]["context"]["library"]["name"] == "@segment/analytics-node"
    shown = optimizely.results()["checkout_test"]["variations"]["treatment"]
    assert shown["metrics"]["Order Completed"] == {"unique": 1, "total": 1, "revenue": 4999, "value": 49.99}
    (conversion,) = optimizely.listing("events", uuid="counted")
    assert conversion["tags"] == {"coupon": "SPRING"}
    assert {row["key"]: row["value"] for row in conversion["attributes"] if row["key"][0] != "$"} == {
        "plan": "gold"
    }


def test_the_same_event_sent_by_two_processes_counts_once(
    javascript: Application,
    optimizely: EmulatorClient,
    segment: SegmentSource,
    shop: dict[str, Any],
    send: Callable[..., None],
) -> None:
    javascript.visit(optimizely.base_url, shop["sdkKey"], {"user": "u-1", "decide": "checkout"})
    send(order("m-1", userId="u-1"))
    segment.ended(1)
    send(order("m-1", userId="u-1"))
    segment.ended(2)
    assert [row["outcome"] for row in optimizely.verdicts()] == ["counted", "duplicate"]
    shown = optimizely.results()["checkout_test"]["variations"]["treatment"]
    assert shown["metrics"]["Order Completed"]["total"] == 1
