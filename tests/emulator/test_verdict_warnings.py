"""What a verdict warns of."""

from typing import Any

import pytest
from field_builders import NOW, codes, conversion, datafile, decision, history
from verdict_builders import (
    ANONYMOUS,
    IN_CHECKOUT,
    LOGX,
    delivery,
    judged,
    sent,
)

# -- warnings


def payload(**fields: Any) -> dict[str, Any]:
    return {**delivery()["payload"], **fields}


def properties(**fields: Any) -> dict[str, Any]:
    return {**delivery()["source_event"], "properties": fields}


WARNINGS = {
    "an unknown trait": (
        {"payload": payload(attributes={"plan": "gold", "shoe": 9})},
        {},
        "attribute_not_in_datafile",
    ),
    "a nested trait": ({"payload": payload(attributes={"plan": {"name": "gold"}})}, {}, "non_scalar_trait"),
    "an empty trait": ({"payload": payload(attributes={"plan": None})}, {}, "non_scalar_trait"),
    "revenue as text": ({"source_event": properties(revenue="4999")}, {}, "revenue_coerced"),
    "revenue as boolean": ({"source_event": properties(revenue=True)}, {}, "revenue_coerced"),
    "revenue as an empty text": (
        {"source_event": properties(revenue=""), "payload": payload(revenue=None, eventTags={})},
        {},
        "revenue_dropped",
    ),
    "value as text": ({"source_event": properties(value="49.99")}, {}, "value_coerced"),
    "revenue in dollars": (
        {"source_event": properties(revenue=20, value=20), "payload": payload(revenue=20)},
        {},
        "revenue_not_in_cents",
    ),
    "revenue not multiplied": (
        {"source_event": properties(revenue=49.99), "payload": payload(revenue=50)},
        {},
        "revenue_not_in_cents",
    ),
    "a lost cent": (
        {"source_event": properties(revenue=19.99), "payload": payload(revenue=1998)},
        {},
        "revenue_rounded",
    ),
    "a tag that is never sent": (
        {"payload": payload(revenue=None, eventTags={"revenue": 5})},
        {},
        "tag_stripped",
    ),
    "traits at the top": ({"source_event": {**properties(), "traits": {"a": 1}}}, {}, "traits_ignored"),
    "two mappings": ({"mappings": [{"outcome": "sent"}, {"outcome": "sent"}]}, {}, "several_mappings"),
    "another visitor": ({"user_id": "other"}, {}, "visitor_is_not_user_id"),
    "the forwarder's own": ({"warnings": [{"code": "slow", "message": "It took long."}]}, {}, "slow"),
    "the future": ({}, {"received_at": NOW - 10**8}, "timestamp_in_future"),
    "the row's own": ({}, {"warnings": [{"code": "odd", "message": "x", "path": "visitors[0]"}]}, "odd"),
}


@pytest.mark.parametrize(("reported", "recorded", "code"), WARNINGS.values(), ids=WARNINGS)
def test_what_is_worth_knowing_is_warned_of(reported, recorded, code):
    found = judged(delivery(**reported), sent(**recorded), IN_CHECKOUT)
    assert codes(found["warnings"]) == [code]
    assert set(found["warnings"][0]) == {"code", "message"}


def test_two_mappings_with_uuids_of_their_own_are_two_events():
    mappings = [{"outcome": "sent", "payload": {"uuid": uuid}} for uuid in ("m-1", "m-1-again")]
    assert judged(delivery(mappings=mappings), sent(), IN_CHECKOUT)["warnings"] == []


def test_counting_under_an_anonymous_id_is_warned_of():
    found = judged(delivery(**ANONYMOUS), sent("anon-1"), decision("anon-1", "checkout-a"))
    assert codes(found["warnings"]) == ["counted_under_anonymous_id"]


def test_a_visitor_seen_in_two_variations_is_warned_of():
    found = judged(delivery(), sent(), IN_CHECKOUT, decision("u", "checkout-a", NOW + 1))
    assert codes(found["warnings"]) == ["visitor_changed_variation"]
    assert found["attributed_to"][0]["variation"] == "b"


@pytest.mark.parametrize(("region", "expected"), [("EU", ["sent_to_us_region"]), ("US", []), (None, [])])
def test_an_event_of_a_european_project_that_went_to_the_us_is_warned_of(region, expected):
    report = delivery(requests=[{"to": "events", "url": LOGX, "status": 204}])
    found = judged(report, sent(), IN_CHECKOUT, past=history((0, datafile(region=region))))
    assert codes(found["warnings"]) == expected and found["outcome"] == "counted"


@pytest.mark.parametrize(
    ("region", "host", "decided", "expected"),
    [
        ("EU", "logx.optimizely.com", None, "the event went"),
        ("EU", "logx.optimizely.com", "logx.optimizely.com", "the event went"),
        ("EU", "eu.logx.optimizely.com", "logx.optimizely.com", "the decision went"),
        ("EU", "eu.logx.optimizely.com", "eu.logx.optimizely.com", None),
        ("EU", None, None, None),
        ("US", "logx.optimizely.com", "logx.optimizely.com", None),
    ],
)
def test_what_an_sdk_of_a_european_project_sent_to_the_us_is_warned_of(region, host, decided, expected):
    past = history((0, datafile(region=region)))
    shown = decision("u", "checkout-b", sent_to=decided)
    found = judged(None, conversion("u", sent_to=host), shown, past=past)
    assert codes(found["warnings"]) == (["sent_to_us_region"] if expected else [])
    if expected:
        assert expected in found["warnings"][0]["message"]
        assert "eu.logx.optimizely.com" in found["remedy"] and "counts nowhere" in found["explanation"]


@pytest.mark.parametrize(
    ("given", "mapped", "row", "expected"),
    [
        ({"revenue": 4999}, {}, {}, ["revenue_taken_out"]),
        ({"revenue": 4999, "value": 49.99}, {"value": 49.99}, {"value": 49.99}, ["revenue_taken_out"]),
        ({"value": 49.99}, {"coupon": "X"}, {}, ["value_taken_out"]),
        ({"revenue": 4999}, {"total": 4999}, {"revenue": 4999}, []),
        ({"revenue": 4999}, {"revenue": 4999}, {"revenue": 4999}, []),
        ({"revenue": ""}, {}, {}, []),
        ({"coupon": "X"}, {}, {}, []),
        ({"revenue": 4999}, None, {}, ["revenue_taken_out"]),
    ],
)
def test_revenue_that_a_stage_before_the_mappings_took_out_is_told(given, mapped, row, expected):
    source = {"type": "track", "event": "Order Completed", "userId": "u"}
    left = {**source, "properties": mapped} if mapped is not None else source
    report = delivery(
        source_event={**source, "properties": given}, mapped_event=left, payload=payload(attributes={})
    )
    found = judged(report, sent(**row), IN_CHECKOUT)
    assert [code for code in codes(found["warnings"]) if "taken_out" in code] == expected
    assert ("in the stage that takes it out" in found["remedy"]) is bool(expected)


def test_revenue_of_an_event_that_no_stage_changed_is_not_taken_out():
    report = delivery(source_event=properties(revenue="4999"))
    assert "revenue_taken_out" not in codes(judged(report, sent(), IN_CHECKOUT)["warnings"])


def test_a_row_of_before_the_host_was_kept_is_judged():
    old = {key: value for key, value in conversion("u").items() if key != "sent_to"}
    past = history((0, datafile(region="EU")))
    assert judged(None, old, IN_CHECKOUT, past=past)["warnings"] == []


def test_a_key_that_is_not_the_one_of_the_id_is_warned_of():
    found = judged(None, conversion("u", key="Order Complete"), IN_CHECKOUT)
    assert codes(found["warnings"]) == ["key_is_not_of_entity_id"] and found["outcome"] == "counted"


def test_a_key_that_the_event_had_before_is_none():
    events = [{"id": "ev-order", "key": "Order Placed", "experimentIds": ["exp-checkout"]}]
    past = history((0, datafile()), (NOW, datafile(revision="2", events=events)))
    assert judged(None, conversion("u"), IN_CHECKOUT, past=past)["warnings"] == []


def test_what_the_parser_noted_stands_as_a_sentence():
    found = judged(None, conversion("u", warnings=[{"code": "odd", "message": "it is odd"}]), IN_CHECKOUT)
    assert found["warnings"] == [{"code": "odd", "message": "It is odd."}]
