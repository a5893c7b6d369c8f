"""Triggers: Segment's dialect of FQL with its real behaviour."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optilocal.forwarder.destination.errors import JavaScriptTypeError
from optilocal.forwarder.destination.trigger import compile_trigger
from optilocal.forwarder.javascript.values import UNDEFINED

EVENT: dict[str, Any] = {
    "type": "track",
    "event": "Order Completed",
    "userId": "u-1",
    "properties": {
        "plan": "gold",
        "revenue": 20,
        "on": True,
        "text": "20",
        "x y": 1,
        "deep": {"a": "b"},
        "nothing": None,
    },
    "traits": {"age": 30},
    "context": {"ip": "1.2.3.4"},
}


@pytest.mark.parametrize(
    "text",
    [
        'type = "track"',
        "type = track",
        'event = "Order Completed"',
        'event != "Other"',
        'event != "a" and type != "b"',
        "properties.revenue = 20",
        "properties.revenue >= 19.5",
        'properties.revenue > "19"',
        "properties.on = true",
        "properties.on != true",
        "properties.missing = null",
        "properties.nothing = null",
        "properties.plan != null",
        'properties.missing != "x"',
        'contains(event, "Order")',
        '!contains(event, "Nope")',
        'match(event, "Order*")',
        'match(event, "*Completed")',
        'match(event, "A")',
        'type = "identify" or event = "Order Completed"',
        'type = "identify" and event = "x" or traits.age = 30',
        '(type = "identify" or type = "track") and context.ip = "1.2.3.4"',
        'type = "track" AND properties.plan = "gold"',
        "properties.x\\ y = 1",
        'properties.deep.a = "b"',
        '!type = "track"',
        'event starts_with "Order"',
        'type = "track")',
        'type = "track" and',
    ],
)
def test_triggers_that_match(text: str) -> None:
    assert compile_trigger(text).matches(EVENT)


@pytest.mark.parametrize(
    "text",
    [
        'type = "identify"',
        "type = 'track'",
        'type = "track" or event = "Order Completed" and userId = "nobody"',
        'properties.revenue = "20"',
        "properties.text = 20",
        "properties.missing != 5",
        "userId > 5",
        "event in track",
        'match(event, "*Order*")',
        'contains(properties.revenue, "2")',
        "event != null and event = null",
        "type =",
        'context.ip.0 = "1"',
    ],
)
def test_triggers_that_do_not(text: str) -> None:
    trigger = compile_trigger(text)
    assert trigger.problem is None
    assert not trigger.matches(EVENT)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('anonymousId = "a"', "Cannot read properties of undefined (reading 'type')"),
        ("", "Cannot read properties of undefined (reading 'type')"),
        ('((type = "track"))', "Cannot read properties of undefined (reading 'type')"),
        ('type = "track', "Cannot read properties of undefined (reading 'type')"),
        ("type", "Value token is missing"),
        ('event = "A"B', "Cannot read properties of undefined (reading 'type')"),
        ("length(event) = 1", "Value token is missing"),
        ("type é", "Cannot read properties of undefined (reading 'type')"),
        ("contains", "contains() is missing a 1st argument"),
        ("match(", "match() is missing a 2nd argument"),
    ],
)
def test_what_does_not_parse_never_matches(text: str, problem: str) -> None:
    trigger = compile_trigger(text)
    assert trigger.problem == problem
    assert not trigger.matches(EVENT)


def test_no_event_is_no_match_and_null_is_a_type_error() -> None:
    trigger = compile_trigger('type = "track"')
    assert not trigger.matches(UNDEFINED)
    with pytest.raises(JavaScriptTypeError, match=r"Cannot read properties of null \(reading 'type'\)"):
        trigger.matches(None)


def test_empty_parentheses_fail_only_when_they_are_reached() -> None:
    trigger = compile_trigger('type = "track" and ()')
    assert not trigger.matches({"type": "page"})
    with pytest.raises(JavaScriptTypeError):
        trigger.matches({"type": "track"})


@given(st.text(alphabet="()!=<>\"\\*.,' andortypeevcnulis05-é\n", max_size=40))
def test_any_text_is_a_trigger_or_has_a_problem(text: str) -> None:
    trigger = compile_trigger(text)
    assert (trigger.problem is None) or not trigger.matches(EVENT)
