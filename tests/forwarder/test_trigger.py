"""Triggers: Segment's dialect of FQL with its real behaviour."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optilocal.forwarder.destination.trigger import compile_trigger
from optilocal.forwarder.errors import JavaScriptTypeError
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
        "properties.revenue > true",  # which is 1 as a number
        "properties.revenue > false",
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


TEXTS = ("", "A", "AB", "BA", "BAB", "B", "a")
NUMBERS = (-1, 0, 0.5, 1, 2)
NEITHER = (True, False, None, UNDEFINED, {}, [])
"""Values that are no text and no number."""
HELD_BY: dict[str, list[Any]] = {
    '= "A"': ["A"],
    '!= "A"': [text for text in TEXTS if text != "A"] + [*NUMBERS, *NEITHER],
    "= 1": [1],
    "!= 1": [-1, 0, 0.5, 2],
    "< 1": [-1, 0, 0.5],
    "<= 1": [-1, 0, 0.5, 1],
    "> 0": [0.5, 1, 2],
    ">= 0": [0, 0.5, 1, 2],
    'contains "A"': ["A", "AB", "BA", "BAB"],
    'not_contains "A"': ["", "B", "a"],
    'starts_with "A"': ["A", "AB"],
    'not_starts_with "A"': ["", "BA", "BAB", "B", "a"],
    'ends_with "A"': ["A", "BA"],
    'not_ends_with "A"': ["", "AB", "BAB", "B", "a"],
    "!= null": [*TEXTS, *NUMBERS, True, False, {}, []],
    "= null": [None, UNDEFINED],
    "= true": [True],
    "= false": [False],
    'is_sometimes "A"': [],
}
"""What follows a path in a trigger → the values for which it holds, out of all texts, numbers and others above."""


@pytest.mark.parametrize("condition", HELD_BY)
def test_an_operator_holds_for_these_values_and_for_no_other(condition: str) -> None:
    trigger = compile_trigger(f"properties.x {condition}")
    assert trigger.problem is None
    found = []
    for value in (*TEXTS, *NUMBERS, *NEITHER):
        properties = {} if value is UNDEFINED else {"x": value}
        if trigger.matches({"type": "track", "properties": properties}):
            found.append(value)
    assert list(map(repr, found)) == list(map(repr, HELD_BY[condition]))


@pytest.mark.parametrize(
    ("call", "operator"),
    [
        ('contains({}, "A")', 'contains "A"'),
        ('!contains({}, "A")', 'not_contains "A"'),
        ('match({}, "A*")', 'starts_with "A"'),
        ('!match({}, "A*")', 'not_starts_with "A"'),
        ('match({}, "*A")', 'ends_with "A"'),
        ('!match({}, "*A")', 'not_ends_with "A"'),
    ],
)
@pytest.mark.parametrize("path", ["event", "name", "userId", "properties.x", "traits.x", "context.x"])
def test_a_function_is_its_operator(call: str, operator: str, path: str) -> None:
    trigger = compile_trigger(call.format(path))
    root, _, key = path.partition(".")
    for text in TEXTS:
        event = {root: {key: text} if key else text}
        assert trigger.matches(event) is (text in HELD_BY[operator]), (call, text)


@pytest.mark.parametrize("word", ["true", "false"])
@pytest.mark.parametrize(
    "condition", ["event = {}", "type = {}", "contains(event, {})", "properties.x contains {}"]
)
def test_a_truth_value_is_a_word_where_texts_are_compared(condition: str, word: str) -> None:
    trigger = compile_trigger(condition.format(word))
    for other in ("true", "false"):
        assert trigger.matches({"type": other, "event": other, "properties": {"x": other}}) is (word == other)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("event = null", {"name": None, "event": None}),
        ("name = null", {}),
        ("name != null", {"name": "Home"}),
        ("userId = null", {"userId": None}),
        ("userId != null", {"userId": ""}),
        ("userId = true", {"userId": True}),
        ("userId = false", {"userId": False}),
    ],
)
def test_only_name_and_user_id_are_asked_whether_they_are_there(text: str, holds: dict[str, Any]) -> None:
    matched = compile_trigger(text).matches(holds)
    assert matched is not text.startswith("event")
    assert not compile_trigger(text).matches({"name": 7, "userId": 7} if " = " in text else {})


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
