"""Schema controls: what a source blocks and omits by its tracking plan, and which plans and settings are refused."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from segment_side import SegmentSide

from optilocal.forwarder.settings import ServerSettings, SettingsError
from optilocal.forwarder.stages.course import Course, run
from optilocal.forwarder.stages.platform import read_platform


def rule(kind: str, properties: dict[str, Any], key: str | None = None, **more: Any) -> dict[str, Any]:
    holder = "traits" if kind in ("IDENTIFY", "GROUP") else "properties"
    inner = {"type": "object", "properties": properties, **more}
    return {
        "type": kind,
        "key": key,
        "version": 1,
        "jsonSchema": {"type": "object", "properties": {holder: inner}},
    }


RULES = [
    rule("TRACK", {"revenue": {"type": "integer"}, "coupon": {"type": "string"}}, "Order Completed", required=["revenue"]),
    rule("TRACK", {}, "Subscription Cancelled"),
    rule("IDENTIFY", {"plan": {"type": "string"}}),
    rule("GROUP", {"seats": {"type": "integer"}}),
    {"type": "COMMON", "version": 1, "jsonSchema": {"type": "object", "required": ["userId"],
     "properties": {"properties": {"type": "object", "properties": {"coupon": {"maxLength": 3}}}}}},
]  # fmt: skip


def through(settings: dict[str, Any], event: dict[str, Any], plan: Any = None) -> Course:
    schema = {"plan": {"rules": RULES} if plan is None else plan, "settings": settings}
    whole = {"type": "track", "event": "Order Completed", "userId": "u-1", **event}
    return run(read_platform({"schema": schema}).checked(), whole, Random(1))


def ended(settings: dict[str, Any], event: dict[str, Any], plan: Any = None) -> str | None:
    found = through(settings, event, plan).ended
    assert found is None or found.outcome == "blocked_by_schema"
    return found.code if found else None


BLOCK_UNPLANNED = {"track": {"allowUnplannedEvents": False}}
BLOCK_WRONG = {"track": {"allowEventOnViolations": False}}
BLOCK_COMMON = {"track": {"commonEventOnViolations": "BLOCK"}}


@pytest.mark.parametrize(
    ("settings", "event", "code"),
    [
        (BLOCK_UNPLANNED, {"event": "Order Completed", "properties": {"revenue": 1}}, None),
        (BLOCK_UNPLANNED, {"event": "subscription_cancelled"}, "unplanned"),
        (BLOCK_UNPLANNED, {"event": "order completed"}, "unplanned"),
        (BLOCK_UNPLANNED, {"event": 7}, "unplanned"),
        (BLOCK_UNPLANNED, {"type": "page", "name": "Home"}, None),
        ({}, {"event": "Nobody Planned This"}, None),
        (BLOCK_WRONG, {"properties": {"revenue": "1"}}, "schema_violation"),
        (BLOCK_WRONG, {"properties": {}}, "schema_violation"),
        (BLOCK_WRONG, {"properties": {"revenue": 1, "extra": True}}, None),
        (BLOCK_WRONG, {"event": "Nobody Planned This", "properties": {}}, None),
        (BLOCK_COMMON, {"properties": {"revenue": 1, "coupon": "long"}}, "common_schema_violation"),
        (BLOCK_COMMON, {"properties": {"revenue": "1"}}, None),
        ({"identify": {"commonEventOnViolations": "BLOCK"}}, {"properties": {"revenue": 1, "coupon": "long"}}, None),
    ],
)  # fmt: skip
def test_what_is_blocked_and_by_which_code(
    settings: dict[str, Any], event: dict[str, Any], code: str | None
) -> None:
    assert ended(settings, event) == code


def test_an_unplanned_event_that_breaks_the_common_schema_has_its_own_code() -> None:
    event = {"type": "track", "event": "order completed", "properties": {}}
    platform = read_platform({"schema": {"plan": {"rules": RULES}, "settings": BLOCK_UNPLANNED}})
    found = run(platform, event, Random(1)).ended
    assert found is not None
    assert (found.code, found.nearest) == ("unplanned_and_schema_violation", ("Order Completed",))
    assert "userId is required" in found.details


@pytest.mark.parametrize(
    ("settings", "event", "left", "protocols"),
    [
        ({"track": {"allowUnplannedEventProperties": False}},
         {"properties": {"revenue": 1, "x": 2, "y": 3}}, {"revenue": 1}, {"omitted": ["x", "y"]}),
        ({"track": {"allowPropertiesOnViolations": False}},
         {"properties": {"revenue": 1, "coupon": 7, "x": 2}}, {"revenue": 1, "x": 2},
         {"omitted_on_violation": ["coupon"], "violations": [
             {"type": "Invalid Type", "field": "properties.coupon", "description": "Invalid type. Expected: string, given: integer"}]}),
        ({"track": {"commonEventOnViolations": "OMIT_PROPERTIES"}},
         {"properties": {"revenue": 1, "coupon": "long"}}, {"revenue": 1},
         {"omitted_on_violation": ["coupon"], "violations": [
             {"type": "String Lte", "field": "properties.coupon", "description": "String length must be less than or equal to 3"}]}),
    ],
)  # fmt: skip
def test_what_is_omitted_is_listed_in_the_event(
    settings: dict[str, Any], event: dict[str, Any], left: dict[str, Any], protocols: dict[str, Any]
) -> None:
    given = {"context": {"ip": "1.2.3.4", "protocols": {"event_version": 1}}, **event}
    before = json.dumps(given)
    found = through(settings, given)
    assert found.ended is None
    assert found.event["properties"] == left
    assert found.event["context"] == {"ip": "1.2.3.4", "protocols": {"event_version": 1, **protocols}}
    assert json.dumps(given) == before
    assert found.rows[0]["result"] == "changed"


@pytest.mark.parametrize(("kind", "planned", "other"), [("identify", "plan", 7), ("group", "seats", "x")])
def test_traits_are_omitted_too(kind: str, planned: str, other: Any) -> None:
    event = {"type": kind, "traits": {planned: other, "name": "n"}}
    unplanned = through({kind: {"allowUnplannedTraits": False}}, event)
    assert unplanned.event["traits"] == {planned: other}
    violating = through({kind: {"allowTraitsOnViolations": False}}, event)
    assert violating.event["traits"] == {"name": "n"}
    without_rule = through({kind: {"allowUnplannedTraits": False}}, event, {"rules": RULES[:1]})
    assert without_rule.event["traits"] == {}


def test_unplanned_properties_go_before_violations_are_looked_for() -> None:
    plan = {"rules": [rule("TRACK", {"revenue": {}}, "Order Completed", additionalProperties=False)]}
    both = {"track": {"allowUnplannedEventProperties": False, "allowEventOnViolations": False}}
    event = {"properties": {"revenue": 1, "x": 2}}
    assert ended(BLOCK_WRONG, event, plan) == "schema_violation"
    assert ended(both, event, plan) is None


@pytest.mark.parametrize(
    "plan",
    [
        {"rules": RULES},
        RULES,
        {"data": {"rules": RULES, "pagination": {"current": "x"}}},
        {"trackingPlan": {"name": "p", "rules": RULES}},
        {"rules": {"events": [{"name": "Order Completed", "rules": RULES[0]["jsonSchema"]}]}},
        {"rules": [{**RULES[0], "jsonSchema": json.dumps(RULES[0]["jsonSchema"])}]},
        {"rules": [{**RULES[0], "jsonSchema": RULES[0]["jsonSchema"]["properties"]["properties"]}]},
    ],
    ids=[
        "rules",
        "list",
        "api answer",
        "in trackingPlan",
        "older",
        "schema as text",
        "schema of the properties alone",
    ],
)
def test_a_plan_is_read_however_segment_gives_it_out(plan: Any) -> None:
    assert ended(BLOCK_WRONG, {"properties": {"revenue": "1"}}, plan) == "schema_violation"
    assert ended(BLOCK_WRONG, {"properties": {"revenue": 1}}, plan) is None
    assert ended(BLOCK_UNPLANNED, {"event": "Nobody Planned This"}, plan) == "unplanned"


def test_a_deprecated_rule_plans_nothing() -> None:
    plan = {"rules": [{**RULES[0], "deprecatedAt": "2025-01-01T00:00:00Z"}, RULES[1]]}
    assert ended(BLOCK_UNPLANNED, {"properties": {"revenue": 1}}, plan) == "unplanned"
    kept = {"rules": [{**RULES[0], "deprecatedAt": "0001-01-01T00:00:00Z"}]}
    assert ended(BLOCK_UNPLANNED, {"properties": {"revenue": 1}}, kept) is None


def test_a_reference_to_elsewhere_is_not_fetched() -> None:
    plan = {
        "rules": [rule("TRACK", {"revenue": {"$ref": "http://127.0.0.1:9/other.json"}}, "Order Completed")]
    }
    assert ended(BLOCK_WRONG, {"properties": {"revenue": 1}}, plan) == "schema_violation"


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        ({"plan": {"name": "no rules"}}, "schema.plan: this is not a tracking plan"),
        ({"plan": {"rules": [rule("TRACK", {"a": {"type": "text"}}, "A")]}}, "schema.plan.rules[0].jsonSchema: the rule 'A' is not JSON schema"),
        ({"settings": {"track": {}}}, "schema.settings: these settings compare events with a tracking plan, and none is given"),
        ({"plan": {"rules": RULES}, "settings": {"track": {"allowUnplanned": True}}}, 'schema.settings.track.allowUnplanned: "allowUnplanned" is not allowed'),
        ({"plan": {"rules": RULES}, "settings": {"track": {"allowUnplannedEvents": "no"}}}, 'schema.settings.track.allowUnplannedEvents: "allowUnplannedEvents" must be a boolean'),
        ({"plan": {"rules": RULES}, "settings": {"track": {"commonEventOnViolations": "OMIT"}}}, 'schema.settings.track.commonEventOnViolations: "commonEventOnViolations" must be one of [ALLOW, BLOCK, OMIT_PROPERTIES]'),
        ({"plan": {"rules": RULES}, "settings": {"page": {}}}, 'schema.settings.page: "page" is not allowed'),
        ({"plan": {"rules": RULES}, "blockedEvents": {"track": ["A"]}}, "schema.blockedEvents: a source with a tracking plan has no blocked events"),
        ({"blockedEvents": {"track": [1]}}, 'schema.blockedEvents.track[0]: "track[0]" must be a string'),
    ],
)  # fmt: skip
def test_what_is_no_plan_or_setting_is_refused(segment: SegmentSide, schema: Any, problem: str) -> None:
    answer = segment.put("/_forwarder/schema", schema)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith(problem)
    assert segment.get("/_forwarder/schema").json() == {"schema": {}}


def test_a_plan_is_shown_as_it_was_given_and_can_be_taken_away(segment: SegmentSide) -> None:
    given = {"plan": {"rules": RULES}, "settings": BLOCK_UNPLANNED}
    assert segment.put("/_forwarder/schema", given).json() == {"schema": given}
    assert segment.put("/_forwarder/schema", {}).json() == {"schema": {}}


def test_a_settings_file_names_its_plan_from_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text(json.dumps({"rules": RULES}), encoding="utf-8")
    file = tmp_path / "settings.json"
    file.write_text(
        json.dumps({"schema": {"plan": "plan.json", "settings": BLOCK_UNPLANNED}}), encoding="utf-8"
    )
    platform = ServerSettings.load(file).platform
    event = {"type": "track", "event": "Nobody Planned This", "userId": "u-1"}
    assert getattr(run(platform, event, Random(1)).ended, "code", None) == "unplanned"
    for name, text, problem in (
        ("gone.json", None, "cannot be read"),
        ("bad.json", "{", "is not valid JSON"),
    ):
        if text is not None:
            (tmp_path / name).write_text(text, encoding="utf-8")
        file.write_text(json.dumps({"schema": {"plan": name}}), encoding="utf-8")
        with pytest.raises(SettingsError, match=problem):
            ServerSettings.load(file)
