"""Transformations: what they change, in which order, and what Segment's page rules out."""

from __future__ import annotations

import base64
import hashlib
import hmac
from random import Random
from typing import Any

import pytest
from segment_side import SegmentSide

from optilocal.forwarder.stages.course import Course, run
from optilocal.forwarder.stages.platform import read_platform

HERE = "641d5acea88fa531b9068608"


def transformation(**parts: Any) -> dict[str, Any]:
    return {"name": "T", "if": "all", **parts}


def through(transformations: list[dict[str, Any]], event: dict[str, Any], **others: Any) -> Course:
    whole = {"type": "track", "event": "order_completed", "userId": "u-1", **event}
    return run(read_platform({"transformations": transformations, **others}), whole, Random(1))


@pytest.mark.parametrize(
    ("parts", "properties", "left"),
    [
        ({"propertyRenames": [{"oldName": "total", "newName": "revenue"}]}, {"total": 5, "a": 1}, {"a": 1, "revenue": 5}),
        ({"propertyRenames": [{"oldName": "total", "newName": "revenue"}]}, {"total": 0}, {"revenue": 0}),
        ({"propertyRenames": [{"oldName": "gone", "newName": "revenue"}]}, {"a": 1}, {"a": 1}),
        ({"propertyRenames": [{"oldName": "order.id", "newName": "order_id"}]}, {"order": {"id": 7, "x": 1}}, {"order": {"x": 1}, "order_id": 7}),
        ({"propertyRenames": [{"oldName": "a", "newName": "b"}, {"oldName": "b", "newName": "c"}]}, {"a": 1, "b": 2}, {"c": 2}),
        ({"propertyRenames": [{"oldName": "salad\\.kind", "newName": "kind"}]}, {"salad.kind": "y"}, {"kind": "y"}),
        ({"propertyValueTransformations": [{"propertyPaths": ["properties.currency", "properties.c"], "propertyValue": "USD"}]}, {"c": 1}, {"c": "USD", "currency": "USD"}),
        ({"fqlDefinedProperties": [{"fql": "uppercase(properties.c)", "propertyName": "properties.c"}]}, {"c": "us"}, {"c": "US"}),
        ({"fqlDefinedProperties": [{"fql": "length(properties.c)", "propertyName": "n"}]}, {"c": "us"}, {"c": "us", "n": 2}),
        ({"allowProperties": ["a"]}, {"a": 1, "b": 2}, {"a": 1}),
        ({"allowProperties": ["properties.a"]}, {"a": 1, "b": 2}, {"a": 1}),
        ({"allowProperties": []}, {"a": 1}, {"a": 1}),
        ({"enabled": False, "allowProperties": ["b"]}, {"a": 1}, {"a": 1}),
        ({"if": "event = 'other'", "allowProperties": ["b"]}, {"a": 1}, {"a": 1}),
        ({"destinationMetadataId": "547610a5db31d978f14a5c4e", "allowProperties": ["b"]}, {"a": 1}, {"a": 1}),
        ({"destinationMetadataId": HERE, "allowProperties": ["b"]}, {"a": 1}, {}),
    ],
)  # fmt: skip
def test_what_becomes_of_properties(parts: Any, properties: Any, left: Any) -> None:
    """A chain of renames loses the middle one, as in npm `@segment/tsub`: what moved in is moved out of the way."""
    found = through([transformation(**parts)], {"properties": properties})
    assert (found.ended, found.event["properties"]) == (None, left)
    assert found.event["userId"] == "u-1"


def test_traits_of_identify_are_renamed_too() -> None:
    renames = transformation(propertyRenames=[{"oldName": "Plan", "newName": "plan"}])
    found = through([renames], {"type": "identify", "traits": {"Plan": "gold"}})
    assert found.event["traits"] == {"plan": "gold"}


def test_an_event_is_renamed_for_track_calls_alone_and_the_next_sees_the_new_name() -> None:
    chain = [
        transformation(name="A", **{"if": "event = 'order_completed'"}, newEventName="Order Completed"),
        transformation(name="B", **{"if": "event = 'Order Completed'"}, newEventName="Purchase"),
    ]
    found = through(chain, {})
    assert found.event["event"] == "Purchase"
    assert found.rows[0]["details"] == [
        "transformation 'A' renames the event 'order_completed' to 'Order Completed'",
        "transformation 'B' renames the event 'Order Completed' to 'Purchase'",
    ]
    page = through([transformation(newEventName="X")], {"type": "page", "event": "y"})
    assert page.event["event"] == "y"


def test_a_drop_ends_the_event_and_says_who_did_it() -> None:
    found = through([transformation(name="No bots", drop=True, newEventName="X")], {})
    assert found.ended is not None
    assert (found.ended.outcome, found.ended.code, found.ended.by) == ("filtered", None, "No bots")


def test_the_source_comes_before_the_filters_and_the_destination_after() -> None:
    filters = [{"title": "F", "if": "event = 'New'", "actions": [{"type": "DROP"}]}]
    renaming = transformation(newEventName="New")
    before = through([renaming], {}, filters=filters)
    assert before.ended is not None
    assert before.ended.by == "F"
    after = through([{**renaming, "destinationMetadataId": HERE}], {}, filters=filters)
    assert (after.ended, after.event["event"]) == (None, "New")
    assert after.archived["event"] == "order_completed"


@pytest.mark.parametrize("parts", [{"if": "oops"}, {"if": "a ="}, {"if": "'x' in missing"}, {"fqlDefinedProperties": [{"fql": "number(event)", "propertyName": "n"}]}])  # fmt: skip
def test_a_statement_that_is_wrong_or_fails_drops_the_event(parts: dict[str, Any]) -> None:
    found = through([transformation(**parts, newEventName=None)], {"properties": {}})
    if parts == {"if": "oops"}:
        # A path alone is a statement: it holds where the field is true.
        assert found.ended is None
        return
    assert found.ended is not None
    assert found.ended.outcome == "filtered"
    assert "assumed" in found.ended.details[1]


@pytest.mark.parametrize(
    ("configuration", "expected"),
    [
        ({"algorithm": "SHA256"}, hashlib.sha256(b"e@x.y").hexdigest()),
        ({"algorithm": "sha-256", "encoding": "BASE64"}, base64.b64encode(hashlib.sha256(b"e@x.y").digest()).decode()),
        ({"algorithm": "MD5", "encoding": "BASE16"}, hashlib.md5(b"e@x.y").hexdigest().upper()),
        ({"algorithm": "SHA512", "key": "k"}, hmac.new(b"k", b"e@x.y", "sha512").hexdigest()),
    ],
)  # fmt: skip
def test_properties_are_hashed(configuration: dict[str, Any], expected: str) -> None:
    hashing = transformation(
        hashPropertiesConfiguration={**configuration, "paths": ["properties.email", "properties.none"]}
    )
    found = through([hashing], {"properties": {"email": "e@x.y", "none": None, "a": 1}})
    assert found.event["properties"] == {"email": expected, "none": None, "a": 1}


@pytest.mark.parametrize(
    ("transformations", "problem"),
    [
        ([{"if": "all"}], 'transformations[0].name: "name" is required'),
        ([transformation(newName="x")], 'transformations[0].newName: "newName" is not allowed'),
        ([transformation(newEventName="a"), transformation(name="U", newEventName="b")], "transformations[1].if: 'T' changes the event name of the same event already"),
        ([transformation(propertyValueTransformations=[{"propertyPaths": ["properties.a"], "propertyValue": "x"}] * 11)], 'transformations[0].propertyValueTransformations: "propertyValueTransformations" must contain less than or equal to 10 items'),
        ([transformation(propertyValueTransformations=[{"propertyPaths": ["properties.a"], "propertyValue": 1}])], 'transformations[0].propertyValueTransformations[0].propertyValue: "propertyValue" must be a string'),
        ([transformation(propertyValueTransformations=[{"propertyPaths": ["properties.a", "properties.a"], "propertyValue": "x"}])], "transformations[0].propertyValueTransformations: the property path 'properties.a' is set twice"),
        ([transformation(propertyRenames=[{"oldName": "a", "newName": "b"}], propertyValueTransformations=[{"propertyPaths": ["properties.b"], "propertyValue": "x"}])], "transformations[0].propertyValueTransformations: the property path 'properties.b' is also in propertyRenames"),
        ([transformation(fqlDefinedProperties=[{"fql": "event", "propertyName": "a"}] * 2)], 'transformations[0].fqlDefinedProperties: "fqlDefinedProperties" must contain less than or equal to 1 items'),
        ([transformation(fqlDefinedProperties=[{"fql": "event", "propertyName": "a"}], newEventName="x")], 'transformations[0].fqlDefinedProperties: "fqlDefinedProperties" is not allowed beside'),
        ([transformation(propertyRenames=[{"oldName": "a.b.c.d.e", "newName": "x"}])], "transformations[0].propertyRenames[0].oldName: 'a.b.c.d.e' is nested deeper than 4"),
        ([transformation(propertyRenames=[{"oldName": "products.$.id", "newName": "x"}])], "transformations[0].propertyRenames[0].oldName: 'products.$.id': properties of the objects in a list"),
        ([transformation(hashPropertiesConfiguration={"algorithm": "CRC", "paths": ["a"]})], 'transformations[0].hashPropertiesConfiguration.algorithm: "algorithm" must be one of'),
    ],
)  # fmt: skip
def test_what_segment_rules_out_is_refused(segment: SegmentSide, transformations: Any, problem: str) -> None:
    answer = segment.put("/_forwarder/transformations", transformations)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith(problem), answer.json()


def test_what_segment_exports_is_taken_as_it_is(segment: SegmentSide) -> None:
    """Segment's answers name every part, empty where it is not used."""
    exported = transformation(
        id="t-1", sourceId="s-1", destinationMetadataId=None, enabled=True, newEventName=None, drop=None,
        propertyRenames=[], propertyValueTransformations=[], fqlDefinedProperties=[], allowProperties=[],
        hashPropertiesConfiguration=None,
    )  # fmt: skip
    assert segment.put("/_forwarder/transformations", [exported]).json() == {"transformations": [exported]}
