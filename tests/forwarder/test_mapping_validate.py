"""Mistakes in a mapping's configuration: all of them, with their places and Segment's words."""

from __future__ import annotations

from typing import Any

import pytest

from optilocal.forwarder.destination.errors import AggregateError, ValidationError
from optilocal.forwarder.destination.mapping.validate import validate


def _messages(mapping: Any) -> list[str]:
    with pytest.raises(AggregateError) as caught:
        validate(mapping)
    return caught.value.details


@pytest.mark.parametrize(
    ("mapping", "messages"),
    [
        ({"x": {"@json": {"value": 1}}}, ['/x/@json should have field "mode" but it doesn\'t.']),
        ({"x": {"@path": "a", "@if": {}}}, ["/x should only have one @-prefixed key but it has 2 keys."]),
        ({"x": {"@path": "a", "y": 1}}, ["/x should only have one @-prefixed key but it has 2 keys."]),
        ({"x": {"@nope": 1}}, ["/x has an invalid directive: @nope."]),
        ({"x": {"@path": 5}}, ["/x/@path should be a string or a mapping directive but it is a number."]),
        ({"x": {"@if": "a"}}, ["/x/@if should be an object but it is a string."]),
        ({"x": {"@merge": {"objects": [], "direction": "up"}}}, ['/x/@merge/direction should be one of left, right but it is "up".']),
        ({"x": {"@merge": {"objects": "a"}}}, ["/x/@merge/objects should be an array but it is a string."]),
        ({"x": {"@merge": {"objects": [None]}}}, ["/ should be a object or a mapping directive but it is a null."]),
        ({"x": {"@replace": {"pattern": "", "value": "a"}}}, ["/x/@replace/pattern should be a string of length 1 or greater."]),
        ({"x": {"@replace": {"pattern": "a" * 11, "value": "a"}}}, ["/x/@replace/pattern should be a string of length 10 or less."]),
        ({"x": {"@replace": {"pattern": "a", "value": "a", "global": "yes"}}}, ["/x/@replace/global should be a boolean but it is a string."]),
        ({"x": {"@arrayPath": []}}, ["/x/@arrayPath should be a string or a mapping directive but it is an undefined."]),
        ({"x": {"@transform": {"apply": "a", "mapping": {}}}}, ["/x/@transform/apply should be a object or a mapping directive but it is a string."]),
        ({"a": {"@liquid": 1}, "b": {"c": {"@path": None}}}, ["/a/@liquid should be a string but it is a number.", "/b/c/@path should be a string or a mapping directive but it is a null."]),
    ],
)  # fmt: skip
def test_mistakes(mapping: Any, messages: list[str]) -> None:
    assert _messages(mapping) == messages


def test_the_text_of_several_mistakes_is_segments_less_its_stack_lines() -> None:
    with pytest.raises(AggregateError) as caught:
        validate({"a": {"@path": 1}, "b": {"@nope": 1}})
    assert caught.value.message == (
        "\n    ValidationError: /a/@path should be a string or a mapping directive but it is a number."
        "\n    ValidationError: /b has an invalid directive: @nope."
    )
    assert caught.value.status is None


def test_in_the_text_of_several_mistakes_backslashes_are_slashes() -> None:
    with pytest.raises(AggregateError) as caught:
        validate({"a": {"@merge": {"objects": [], "direction": "u\\p"}}})
    assert caught.value.message.endswith('but it is "u//p".')
    assert caught.value.details[0].endswith('but it is "u\\\\p".')


def test_a_mistake_of_the_mapping_itself_comes_alone() -> None:
    with pytest.raises(ValidationError) as caught:
        validate({"@nope": 1})
    assert caught.value.message == "/ has an invalid directive: @nope."


@pytest.mark.parametrize(
    "mapping",
    [{"x": [{"@nope": 1}]}, {"x": {"@path": "a", "_metadata": {}}}, {"x": {"@literal": None}}, [], "x", {}],
)
def test_what_is_not_looked_into(mapping: Any) -> None:
    validate(mapping)
