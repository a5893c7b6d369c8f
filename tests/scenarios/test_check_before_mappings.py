"""The pre-flight against filters, plan and consent: what would be blocked is told, and what is not certain is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from optilocal.scenarios.cli import main
from optilocal.scenarios.suite_index import SUITE

SHOP = SUITE / "datafiles" / "shop.json"
PLAN = SUITE / "plans" / "shop-plan.json"
DROP = [{"type": "DROP"}]


def findings(folder: Path, settings: dict[str, Any], name: str, tracked: str) -> list[dict[str, Any]]:
    """What never counts of some events, in the order of the report."""
    (folder / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
    (folder / name).write_text(tracked, encoding="utf-8")
    report = folder / "report.json"
    arguments = ["--datafile", str(SHOP), "--settings", str(folder / "settings.json")]
    main(["check", *arguments, "--events", str(folder / name), "--json", str(report)])
    found = json.loads(report.read_text(encoding="utf-8"))["findings"]
    return [one for one in found if one["severity"] == "never_counts"]


def recorded(**event: Any) -> str:
    return json.dumps(
        {"type": "track", "event": "Order Completed", "userId": "u-1", "messageId": "m-1", **event}
    )


def test_a_name_in_source_code_that_the_plan_does_not_have_is_told_with_the_planned_one(
    tmp_path: Path,
) -> None:
    settings = {"schema": {"plan": str(PLAN), "settings": {"track": {"allowUnplannedEvents": False}}}}
    source = "analytics.track('order_completed', {})\nanalytics.track('Order Completed', {})\n"
    (found,) = findings(tmp_path, settings, "shop.js", source)
    assert (found["code"], found["event"]) == ("blocked_by_schema", "order_completed")
    assert "This event would be blocked by the source's schema controls" in found["message"]
    assert "discard code is unplanned." in found["message"]
    assert '"Order Completed"' in found["remedy"]


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"filters": [{"title": "F", "if": "event = 'Order Completed'", "actions": DROP}]}, "filtered"),
        ({"filters": [{"title": "F", "if": "all", "actions": [{"type": "SAMPLE", "percent": 0}]}]}, "filtered"),
        ({"filters": [{"title": "F", "if": "oops(", "actions": DROP}]}, "filtered"),
        ({"schema_filter": {"Order Completed": False}}, "filtered"),
        ({"schema": {"blockedEvents": {"track": ["Order Completed"]}}}, "blocked_by_schema"),
        ({"transformations": [{"name": "T", "if": "event = 'Order Completed'", "drop": True}]}, "filtered"),
        ({"transformations": [{"name": "T", "if": "event = 'Order Completed'", "newEventName": "x"}]}, "unmatched_event_key"),
        # Whether these lose the event depends on what the source code does not tell.
        ({"filters": [{"title": "F", "if": "length( userId ) < 1", "actions": DROP}]}, None),
        ({"filters": [{"title": "F", "if": "'x' in properties.flags", "actions": DROP}]}, None),
        ({"filters": [{"title": "F", "if": "all", "actions": [{"type": "SAMPLE", "percent": 0.5}]}]}, None),
        ({"filters": [{"title": "F", "if": "all", "actions": [{"type": "SAMPLE", "percent": 0.01, "path": "userId"}]}]}, None),
        ({"filters": [{"title": "F", "if": "all", "actions": DROP, "enabled": False}]}, None),
        ({"schema": {"plan": str(PLAN), "settings": {"track": {"allowEventOnViolations": False}}}}, None),
        ({"schema": {"plan": str(PLAN), "settings": {"track": {"commonEventOnViolations": "BLOCK"}}}}, None),
        ({"consent": {"categories": ["advertising"]}}, None),
        ({}, None),
    ],
)  # fmt: skip
def test_of_a_name_alone_only_what_is_certain_is_told(
    tmp_path: Path, settings: dict[str, Any], code: str | None
) -> None:
    found = findings(tmp_path, settings, "shop.js", "analytics.track('Order Completed')\n")
    assert [one["code"] for one in found] == ([code] if code else [])


@pytest.mark.parametrize(
    ("settings", "event", "code"),
    [
        ({"filters": [{"title": "F", "if": "userId = 'u-1'", "actions": DROP}]}, {}, "filtered"),
        ({"filters": [{"title": "F", "if": "userId = 'u-2'", "actions": DROP}]}, {}, None),
        ({"filters": [{"title": "F", "if": "all", "actions": [{"type": "SAMPLE", "percent": 0.5}]}]}, {}, None),
        ({"schema": {"plan": str(PLAN), "settings": {"track": {"allowEventOnViolations": False}}}}, {"properties": {"revenue": "1"}}, "blocked_by_schema"),
        ({"consent": {"categories": ["ad"]}}, {"context": {"consent": {"categoryPreferences": {"ad": False}}}}, "consent_refused"),
        ({"consent": {"categories": ["ad"]}}, {"context": {"consent": {"categoryPreferences": {"ad": True}}}}, None),
    ],
)  # fmt: skip
def test_a_recorded_event_is_judged_whole(
    tmp_path: Path, settings: dict[str, Any], event: dict[str, Any], code: str | None
) -> None:
    found = findings(tmp_path, settings, "events.jsonl", recorded(**event))
    assert [one["code"] for one in found] == ([code] if code else [])
