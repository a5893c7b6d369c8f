"""Destination filters from configuration to verdict, over HTTP alone, and what is refused when they are configured."""

from __future__ import annotations

from typing import Any

import pytest
from pair import TRACK, Pair

NAME = "Optimizely Feature Experimentation (Actions)"
DROP = [{"type": "DROP"}]


def drop(statement: str, **more: Any) -> dict[str, Any]:
    return {"title": "No tests", "if": statement, "actions": DROP, **more}


def verdict_of(pair: Pair, filters: list[dict[str, Any]], **event: Any) -> dict[str, Any]:
    answer = pair.segment.put("/_forwarder/filters", filters)
    assert answer.ok, answer.text
    pair.segment.post("/v1/track", {**TRACK, "messageId": "m-1", **event})
    return pair.verdict("m-1")


def sent_tags(verdict: dict[str, Any]) -> dict[str, Any]:
    (events,) = [row for row in verdict["delivery"]["requests"] if row["to"] == "events"]
    tags: dict[str, Any] = events["json"]["visitors"][0]["snapshots"][0]["events"][0]["tags"]
    return tags


def test_an_event_that_a_filter_drops_names_the_filter_and_what_held(pair: Pair) -> None:
    verdict = verdict_of(pair, [drop("contains( userId, 'test' ) or userId = 'u-1'")])
    assert verdict["outcome"] == "filtered"
    assert set(verdict["conditions"].values()) == {None}
    assert "'No tests'" in verdict["explanation"]
    assert verdict["details"] == [
        "destination filter 'No tests' drops the event: contains( userId, 'test' ) or userId = 'u-1'",
        "the part that holds is userId = 'u-1'",
        "Segment's discard code is FILTERED_BY_RULES.",
    ]
    assert '"No tests"' in verdict["remedy"]
    (stage,) = verdict["delivery"]["stages"]
    assert (stage["stage"], stage["result"], stage["by"]) == ("destination_filters", "ended", "No tests")
    assert verdict["delivery"]["attempts"] == []
    assert verdict["delivery"]["requests"] == []


@pytest.mark.parametrize(
    ("filters", "outcome"),
    [
        ([drop("event = 'Something Else'")], "user_not_activated"),
        ([drop("all")], "filtered"),
        ([drop("all", enabled=False)], "user_not_activated"),
        # "Only send" is a drop of everything else; two that exclude each other let nothing pass.
        ([drop("!(event = 'Order Completed')")], "user_not_activated"),
        ([drop("!(event = 'Order Completed')"), drop("!(event = 'Product Added')")], "filtered"),
        ([{"title": "None", "if": "all", "actions": [{"type": "SAMPLE", "percent": 0}]}], "filtered"),
        ([{"title": "All", "if": "all", "actions": [{"type": "SAMPLE", "percent": 1}]}], "user_not_activated"),
    ],
)  # fmt: skip
def test_which_events_pass(pair: Pair, filters: list[dict[str, Any]], outcome: str) -> None:
    assert verdict_of(pair, filters)["outcome"] == outcome


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("userId = oops\"", "is not valid FQL: the text has no closing quote at character 14"),
        ("'x' in properties.features", "could not be evaluated for this event: `in` needs a list on its right, not null"),
    ],
)  # fmt: skip
def test_an_error_in_a_filter_drops_the_event_and_the_verdict_says_so(
    pair: Pair, statement: str, why: str
) -> None:
    verdict = verdict_of(pair, [drop(statement)])
    assert verdict["outcome"] == "filtered"
    assert why in verdict["explanation"]
    assert "Segment drops the event in this case and does not show the error" in verdict["details"]


def test_properties_are_taken_out_before_the_mapping(pair: Pair) -> None:
    properties = {"revenue": 4999, "email": "e", "note": "n", "products": [{"sku": "a", "price": 1}, "odd"]}
    filters = [
        {
            "title": "PII",
            "if": "all",
            "actions": [
                {"type": "DROP_PROPERTIES", "fields": {"properties": ["email"], "properties.products": ["price"]}}
            ],
        },
        {"title": "Few", "if": "all", "actions": [{"type": "ALLOW_PROPERTIES", "fields": {"properties": ["revenue", "products"]}}]},
    ]  # fmt: skip
    verdict = verdict_of(pair, filters, properties=properties)
    assert verdict["outcome"] == "user_not_activated"
    assert sent_tags(verdict)["products"] == [{"sku": "a"}, "odd"]
    assert not {"email", "note"} & set(sent_tags(verdict))
    assert verdict["delivery"]["source_event"]["properties"] == properties
    assert verdict["delivery"]["mapped_event"]["properties"]["products"] == [{"sku": "a"}, "odd"]
    told = [note["message"] for note in verdict["warnings"] if note["code"] == "changed_by_filter"]
    assert any("'PII' removes properties: email" in message for message in told)
    assert any("'Few' keeps only properties: revenue, products" in message for message in told)


def test_what_is_dropped_is_decided_before_properties_are_taken_out(pair: Pair) -> None:
    """Sample, Drop, Drop Properties, Allow Properties, whatever the filters' own order."""
    out = {"title": "Out", "if": "all", "actions": [{"type": "DROP_PROPERTIES", "fields": {"": ["userId"]}}]}
    assert verdict_of(pair, [out, drop("userId = 'u-1'")])["outcome"] == "filtered"


def test_sampling_by_a_path_decides_alike_for_the_same_value(pair: Pair) -> None:
    half = [{"title": "Half", "if": "all", "actions": [{"type": "SAMPLE", "percent": 0.5, "path": "userId"}]}]
    pair.segment.put("/_forwarder/filters", half)
    outcomes: dict[str, set[str]] = {}
    for number in range(40):
        user = f"u-{number % 20}"
        pair.segment.post("/v1/track", {**TRACK, "userId": user, "messageId": f"m-{number}"})
        outcomes.setdefault(user, set()).add(pair.verdict(f"m-{number}")["outcome"])
    assert all(len(found) == 1 for found in outcomes.values())
    assert set.union(*outcomes.values()) == {"filtered", "user_not_activated"}


def test_integrations_are_looked_at_before_filters(pair: Pair) -> None:
    verdict = verdict_of(pair, [drop("all")], integrations={"All": False})
    assert verdict["outcome"] == "not_subscribed"
    assert "Segment's discard code is FILTERED_BY_INTEGRATIONS_OBJECT." in verdict["details"]


def test_a_retry_is_not_filtered_again_and_a_replay_is(pair: Pair) -> None:
    pair.call("PUT", "/_emulator/faults", [{"on": "events", "status": 503, "times": 1}])
    pair.segment.post("/v1/track", {**TRACK, "messageId": "m-1"})
    assert pair.verdict("m-1")["delivery"]["outcome"] == "pending"
    pair.segment.put("/_forwarder/filters", [drop("all")])
    pair.clock.advance(5)
    (done,) = pair.segment.ended()
    assert done["outcome"] == "sent"

    pair.segment.put("/_forwarder/filters", [])
    pair.call("PUT", "/_emulator/faults", [{"on": "events", "status": 400}])
    pair.segment.post(
        "/v1/track", {**TRACK, "messageId": "m-2", "integrations": {"All": False, NAME: {"x": 1}}}
    )
    (dead,) = pair.segment.deliveries(1, state="dead")
    assert dead["outcome"] == "delivery_failed"
    pair.segment.put("/_forwarder/filters", [drop("integrations.All = false")])
    assert pair.segment.post(f"/_forwarder/deliveries/{dead['id']}/replay").status_code == 202
    verdict = pair.verdict("m-2", outcome="filtered")
    assert verdict["delivery"]["mapped_event"]["integrations"] == {"All": False, NAME: True}
    assert verdict["delivery"]["mapping"] is None
    assert len(verdict["delivery"]["attempts"]) == 1


def test_filters_outlive_the_forwarder_and_belong_to_a_namespace(pair: Pair) -> None:
    pair.segment.put("/_forwarder/filters", {"filters": [drop("all", description="d", sourceId="s")]})
    shown = pair.segment.get("/_forwarder/filters").json()["filters"]
    assert shown == [
        {
            "sourceId": "s",
            "title": "No tests",
            "if": "all",
            "enabled": True,
            "actions": DROP,
            "description": "d",
        }
    ]
    assert pair.segment.namespace("other").get("/_forwarder/filters").json() == {"filters": []}


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"title": "x" * 65}, 'filters[0].title: "title" length must be less than or equal to 64 characters long'),
        ({"title": ""}, 'filters[0].title: "title" is not allowed to be empty'),
        ({"if": None}, 'filters[0].if: "if" is required'),
        ({"if": "a = '" + "x" * 5120 + "'"}, 'filters[0].if: "if" must be at most 5120 bytes long'),
        ({"actions": []}, 'filters[0].actions: "actions" must contain at least 1 items'),
        ({"actions": [{"type": "drop"}]}, 'filters[0].actions[0].type: "type" must be one of [ALLOW_PROPERTIES, DROP, DROP_PROPERTIES, SAMPLE]'),
        ({"actions": [{"type": "SAMPLE"}]}, 'filters[0].actions[0].percent: "percent" is required'),
        ({"actions": [{"type": "SAMPLE", "percent": 1.5}]}, 'filters[0].actions[0].percent: "percent" must be less than or equal to 1'),
        ({"actions": [{"type": "SAMPLE", "percent": -1}]}, 'filters[0].actions[0].percent: "percent" must be greater than or equal to 0'),
        ({"actions": [{"type": "SAMPLE", "percent": "1"}]}, 'filters[0].actions[0].percent: "percent" must be a number'),
        ({"actions": [{"type": "DROP_PROPERTIES"}]}, 'filters[0].actions[0].fields: "fields" is required'),
        ({"actions": [{"type": "DROP_PROPERTIES", "fields": {"properties": "email"}}]}, 'filters[0].actions[0].fields.properties: "properties" must be an array'),
        ({"actions": [{"type": "DROP", "extra": 1}]}, 'filters[0].actions[0].extra: "extra" is not allowed'),
        ({"enabled": "yes"}, 'filters[0].enabled: "enabled" must be a boolean'),
        ({"name": "x"}, 'filters[0].name: "name" is not allowed'),
    ],
)  # fmt: skip
def test_what_segments_api_refuses_is_refused_with_its_text_and_the_place(
    pair: Pair, changed: dict[str, Any], problem: str
) -> None:
    kept = [drop("event = 'kept'")]
    pair.segment.put("/_forwarder/filters", kept)
    answer = pair.segment.put("/_forwarder/filters", [{**drop("all"), **changed}])
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["code"], error["message"].startswith(problem)) == ("invalid_platform", True), error
    assert pair.segment.get("/_forwarder/filters").json()["filters"][0]["if"] == "event = 'kept'"


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ([drop("all")] * 11, 'filters: "filters" must contain less than or equal to 10 items'),
        ("all", 'filters: "filters" must be an array'),
        ([1], 'filters[0]: "filters[0]" must be of type object'),
        ({"filter": []}, 'filters: "filters" is required'),
    ],
)
def test_what_is_no_list_of_filters_is_refused(pair: Pair, body: Any, problem: str) -> None:
    answer = pair.segment.put("/_forwarder/filters", body)
    assert (answer.status_code, answer.json()["error"]["message"]) == (400, problem)
