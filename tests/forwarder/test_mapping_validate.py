"""Mistakes in a mapping's configuration: all of them, with their places and Segment's words."""

from __future__ import annotations

from typing import Any

import pytest

from optilocal.forwarder.destination.mapping.validate import validate
from optilocal.forwarder.errors import AggregateError, ValidationError


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


_NOPE = {"@nope": 1}
_DIRECTIVE = "has an invalid directive: @nope."
_NO_TEXT = "should be a string or a mapping directive but it is a number."
EVERY_MEMBER: list[tuple[str, Any, str]] = [
    *(("@if", {name: _NOPE}, f"/{name} {_DIRECTIVE}") for name in ("exists", "then", "else")),
    ("@case", {"operator": 5}, "/operator should be a string but it is a number."),
    ("@case", {"value": 5}, f"/value {_NO_TEXT}"),
    ("@replace", {"value": "a"}, ' should have field "pattern" but it doesn\'t.'),
    ("@replace", {"pattern": "a"}, ' should have field "value" but it doesn\'t.'),
    ("@replace", {"pattern": 5, "value": "a"}, "/pattern should be a string but it is a number."),
    ("@replace", {"pattern": "a", "value": 5}, f"/value {_NO_TEXT}"),
    ("@replace", {"pattern": "a", "value": "a", "replacement": 5}, "/replacement should be a string but it is a number."),
    ("@replace", {"pattern": "a", "value": "a", "replacement": "a" * 11}, "/replacement should be a string of length 10 or less."),
    ("@replace", {"pattern": "a", "value": "a", "ignorecase": 1}, "/ignorecase should be a boolean but it is a number."),
    ("@replace", {"pattern": "a", "value": "a", "global": 1}, "/global should be a boolean but it is a number."),
    ("@arrayPath", "a", " should be an array but it is a string."),
    ("@arrayPath", ["a", _NOPE], f" {_DIRECTIVE}"),
    ("@path", 5, f" {_NO_TEXT}"),
    ("@json", {"mode": "encode"}, ' should have field "value" but it doesn\'t.'),
    ("@json", {"mode": "encode", "value": _NOPE}, f"/value {_DIRECTIVE}"),
    ("@json", {"mode": "code", "value": 1}, '/mode should be one of encode, decode but it is "code".'),
    ("@json", {"mode": 1, "value": 1}, "/mode should be a string but it is a number."),
    ("@flatten", {"separator": "."}, ' should have field "value" but it doesn\'t.'),
    ("@flatten", {"separator": 5, "value": 1}, "/separator should be a string but it is a number."),
    ("@flatten", {"value": _NOPE}, f"/value {_DIRECTIVE}"),
    ("@merge", {}, ' should have field "objects" but it doesn\'t.'),
    ("@template", 5, f" {_NO_TEXT}"),
    ("@literal", _NOPE, f" {_DIRECTIVE}"),
    ("@transform", {"mapping": {}}, ' should have field "apply" but it doesn\'t.'),
    ("@transform", {"apply": {}}, ' should have field "mapping" but it doesn\'t.'),
    ("@transform", {"apply": {}, "mapping": 5}, "/mapping should be a object or a mapping directive but it is a number."),
    ("@transform", {"apply": {"a": _NOPE}, "mapping": {}}, f"/apply/a {_DIRECTIVE}"),
    ("@excludeWhenNull", _NOPE, f" {_DIRECTIVE}"),
    ("@liquid", [], " should be a string but it is an array."),
]  # fmt: skip
"""A directive with one mistake in one member, and what follows the directive's place in its one message."""


@pytest.mark.parametrize(("directive", "given", "message"), EVERY_MEMBER)
def test_every_member_of_every_directive_is_looked_at(directive: str, given: Any, message: str) -> None:
    assert _messages({"x": {directive: given}}) == [f"/x/{directive}{message}"]


@pytest.mark.parametrize("length", [1, 10])
def test_a_pattern_of_the_least_and_of_the_most_letters_is_taken(length: int) -> None:
    validate({"x": {"@replace": {"pattern": "a" * length, "replacement": "a" * 10, "value": "a"}}})
    validate({"x": {"@replace": {"pattern": "a", "replacement": "", "value": "a"}}})


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


def test_the_objects_of_a_transformation_are_looked_into() -> None:
    mapping = {"v": {"@transform": {"apply": {"x": {"@nope": 1}}, "mapping": {"y": {"@path": 5}}}}}
    assert _messages(mapping) == [
        "/v/@transform/apply/x has an invalid directive: @nope.",
        "/v/@transform/mapping/y/@path should be a string or a mapping directive but it is a number.",
    ]


def test_flatten_is_valid_without_a_separator() -> None:
    validate({"x": {"@flatten": {"value": {"@path": "$.a"}}}})
