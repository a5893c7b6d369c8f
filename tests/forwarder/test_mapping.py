"""The mapping kit: every directive, against the behaviour of Segment's own."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optilocal.forwarder.destination.mapping import check_mapping, transform
from optilocal.forwarder.errors import AggregateError, DestinationError, JavaScriptTypeError, ValidationError
from optilocal.forwarder.javascript.values import UNDEFINED

EVENT: dict[str, Any] = {
    "event": "Order Completed",
    "userId": "u-1",
    "name": None,
    "a": {
        "b": [{"c": 1}, {"c": 2}],
        "n": None,
        "z": 0,
        "s": "",
        "f": False,
        "text": "Ab-ab",
        "list": [1, None, "x"],
    },
    "properties": {"revenue": 19.99, "plan": "gold"},
}


def _value(directive: Any) -> Any:
    return transform({"x": directive}, EVENT).get("x", UNDEFINED)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$.event", "Order Completed"),
        ("event", "Order Completed"),
        ("a.b.0.c", 1),
        ("a.b[1].c", 2),
        ("$.a..b[0]['c']", 1),
        ("a.n.deep", None),
        ("a.z.deep", 0),
        ("a.s.deep", ""),
        ("a.f.deep", False),
        ("event.length", 15),
        ("event.0", "O"),
        ("a.constructor.name", "Object"),
        ("missing.deep", UNDEFINED),
        ("a.b[*]", UNDEFINED),
        ("a.b[-1]", UNDEFINED),
        ("$", UNDEFINED),
        ("", EVENT),
        (".", EVENT),
        ({"@template": "a.z"}, 0),
    ],
)
def test_path(path: Any, value: Any) -> None:
    assert _value({"@path": path}) == value


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{event}}/{{{userId}}}", "Order Completed/u-1"),
        ("{{ a.list }}", "1,,x"),
        ("{{a}}", "[object Object]"),
        ("{{missing}}{{name}}", ""),
        ("{{a.z}}{{a.f}}", "0false"),
        ("{{$.event}}", ""),
        ("{{}}", "{{}}"),
        ("{{ }}", "[object Object]"),
        ("{{{event}}", ""),
        ("{{event}}}", "Order Completed}"),
    ],
)
def test_template(template: str, text: str) -> None:
    assert _value({"@template": template}) == text


@pytest.mark.parametrize(
    ("options", "value"),
    [
        ({"exists": {"@path": "a.s"}, "then": 1, "else": 2}, 1),
        ({"exists": {"@path": "name"}, "then": 1, "else": 2}, 2),
        ({"exists": {"@path": "missing"}, "then": 1}, UNDEFINED),
        ({"exists": {"@path": "missing"}, "then": 1, "else": ""}, UNDEFINED),
        ({"exists": {"@path": "event"}, "then": None}, None),
        ({"blank": {"@path": "event"}, "then": 1, "else": 2}, 1),
        ({"blank": {"@path": "a.z"}, "then": 1, "else": 2}, 2),
        ({"blank": {"@literal": []}, "then": 1, "else": 2}, 2),
        ({"blank": {"@literal": {}}, "then": 1, "else": 2}, 1),
        ({"blank": {"@literal": " "}, "then": 1, "else": 2}, 1),
        ({"exists": {"@path": "missing"}, "blank": {"@path": "event"}, "then": 1, "else": 2}, 2),
    ],
)
def test_if(options: Any, value: Any) -> None:
    assert _value({"@if": options}) == value


@pytest.mark.parametrize(
    ("directive", "value"),
    [
        ({"@literal": {"a": {"@path": "userId"}, "b": "{{userId}}"}}, {"a": "u-1", "b": "{{userId}}"}),
        ({"@case": {"operator": "upper", "value": {"@path": "event"}}}, "ORDER COMPLETED"),
        ({"@case": {"operator": "lower", "value": {"@path": "a.z"}}}, 0),
        ({"@case": {"operator": "lower", "value": ""}}, UNDEFINED),
        ({"@replace": {"pattern": "ab", "value": {"@path": "a.text"}}}, "Ab-"),
        ({"@replace": {"pattern": "ab", "value": {"@path": "a.text"}, "ignorecase": True, "replacement": "[$&]"}}, "[Ab]-[ab]"),
        ({"@replace": {"pattern": "b", "value": {"@path": "a.text"}, "global": False, "replacement": "x"}}, "Ax-ab"),
        ({"@replace": {"pattern": ".", "value": {"@path": "properties.revenue"}, "replacement": ","}}, "19,99"),
        ({"@replace": {"pattern": "a", "value": {"@path": "a.b"}}}, ""),
        ({"@replace": {"pattern": "b", "replacement": "c", "value": "abc", "pattern2": "c", "replacement2": "d"}}, "add"),
        ({"@replace": {"pattern": "b", "value": "abc", "replacement": "$`$'$$$1"}}, "aac$$1c"),
        ({"@arrayPath": ["$.a.b", {"id": {"@path": "$.c"}}]}, [{"id": 1}, {"id": 2}]),
        ({"@arrayPath": ["$.properties", {"p": {"@path": "plan"}}]}, [{"p": "gold"}]),
        ({"@arrayPath": ["$.event", {"p": {"@path": "plan"}}]}, "Order Completed"),
        ({"@arrayPath": ["$.a.b"]}, EVENT["a"]["b"]),
        ({"@merge": {"objects": [{"a": 1, "b": 1}, {"b": 2}], "direction": "right"}}, {"a": 1, "b": 2}),
        ({"@merge": {"objects": [{"a": 1, "b": 1}, {"b": 2}], "direction": "left"}}, {"b": 1, "a": 1}),
        ({"@merge": {"objects": [{"a": 1}, {"a": {"@path": "missing"}}], "direction": "LEFT"}}, {}),
        ({"@merge": {"objects": [{"@literal": "hi"}, {"@path": "name"}], "direction": "right"}}, {"0": "h", "1": "i"}),
        ({"@json": {"mode": "encode", "value": {"@path": "a.list"}}}, '[1,null,"x"]'),
        ({"@json": {"mode": "encode", "value": {"@path": "missing"}}}, UNDEFINED),
        ({"@json": {"mode": "decode", "value": '{"b":1}'}}, {"b": 1}),
        ({"@json": {"mode": "decode", "value": "{oops"}}, "{oops"),
        ({"@json": {"mode": "ENCODE", "value": "x"}}, UNDEFINED),
        ({"@flatten": {"separator": ".", "value": {"@path": "a.b"}}}, {"0.c": 1, "1.c": 2}),
        ({"@flatten": {"separator": "_", "value": {"@path": "a"}, "omitArrays": True}},
         {"b": EVENT["a"]["b"], "n": None, "z": 0, "s": "", "f": False, "text": "Ab-ab", "list": [1, None, "x"]}),
        ({"@flatten": {"separator": ".", "value": {"@path": "event"}}}, {"": "Order Completed"}),
        ({"@flatten": {"separator": ".", "value": {"@path": "missing"}}}, {}),
        ({"@transform": {"apply": {"k": {"@path": "userId"}}, "mapping": {"id": {"@path": "$.k"}}}}, {"id": "u-1"}),
        ({"@excludeWhenNull": {"@path": "name"}}, UNDEFINED),
        ({"@excludeWhenNull": {"a": None, "b": {"c": None, "d": [None]}}}, {"b": {"d": [None]}}),
    ],
)  # fmt: skip
def test_other_directives(directive: Any, value: Any) -> None:
    assert _value(directive) == value


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"x": {"@path": {"@path": "missing"}}}, "@path: expected string, got undefined"),
        ({"x": {"@template": {"@path": "a"}}}, "@template: expected string, got object"),
        ({"x": {"@if": {"then": 1}}}, '@if requires an "exists" key or a "blank" key'),
        (
            {"x": {"@case": {"operator": "up", "value": "a"}}},
            'operator key should have a value of "lower" or "upper"',
        ),
        ({"x": {"@case": {"value": "a"}}}, '@case requires a "operator" key'),
        ({"x": {"@merge": {"objects": []}}}, '@merge requires a "direction" key'),
        ({"x": {"@json": {"mode": "encode", "value": 0}}}, '@json requires a "value" key'),
        ({"x": {"@flatten": {"value": "a", "separator": ""}}}, '@flatten requires a "separator" key'),
        ({"x": [{"@bad": 1}]}, "@bad is not a valid directive, got undefined"),
        (
            {"x": {"@replace": {"pattern": "a", "value": "a", "pattern2": "a" * 11}}},
            '@replace requires a "pattern" less than 10 characters',
        ),
        ({"__segment_internal_directive": {"@path": "x"}}, "The root directive must be an object"),
        (
            {"__segment_internal_directive": {"@path": {}, "@if": {}}},
            "The root mapping must only have a single directive object",
        ),
    ],
)
def test_directives_that_fail(mapping: Any, message: str) -> None:
    with pytest.raises(DestinationError) as caught:
        transform(mapping, EVENT)
    assert caught.value.message == message
    assert caught.value.name == "Error"


def test_a_directive_around_the_whole_mapping() -> None:
    mapping = {
        "__segment_internal_directive": {"@transform": {"apply": {"k": {"@path": "userId"}}}},
        "id": {"@path": "k"},
    }
    assert transform(mapping, EVENT) == {"id": "u-1"}
    assert "mapping" not in mapping["__segment_internal_directive"]["@transform"]


def test_undefined_goes_from_objects_and_stays_in_arrays() -> None:
    assert transform(
        {"a": {"@path": "missing"}, "b": [{"@path": "missing"}], "c": {"d": {"@path": "missing"}}}, EVENT
    ) == {
        "b": [UNDEFINED],
        "c": {},
    }
    assert transform({"@path": "missing"}, EVENT) is UNDEFINED


def test_keys_of_the_prototype_never_arrive() -> None:
    event = {"properties": {"__proto__": {"x": 1}, "constructor": 2}}
    assert transform({"p": {"@path": "properties"}}, event) == {"p": {"constructor": 2}}


@pytest.mark.parametrize(("event", "kind"), [([], "array"), ("x", "string"), (None, "null"), (5, "number")])
def test_an_event_that_is_no_object(event: Any, kind: str) -> None:
    with pytest.raises(DestinationError, match=f"data must be an object, got {kind}"):
        transform({}, event)


@given(
    st.dictionaries(
        st.text(max_size=3).filter(lambda key: not key.startswith("@") and key != "__proto__"), st.integers()
    )
)
def test_a_mapping_of_literals_is_itself(mapping: dict[str, int]) -> None:
    assert transform(mapping, {}) == mapping


NO_BOOLEAN = {"@replace": {"pattern": "a", "replacement": "b", "value": "A", "ignorecase": "yes"}}


def test_a_mapping_is_validated_unless_it_was_before() -> None:
    with pytest.raises(AggregateError):
        transform(NO_BOOLEAN, {})
    assert transform(NO_BOOLEAN, {}, checked=True) == ""


@pytest.mark.parametrize("mapping", [None, UNDEFINED])
def test_no_mapping_at_all_is_refused_as_in_javascript(mapping: Any) -> None:
    with pytest.raises(JavaScriptTypeError, match="Cannot convert undefined or null to object"):
        transform(mapping, {})


def test_directives_are_counted_before_other_keys() -> None:
    with pytest.raises(ValidationError, match="it has 2 keys"):
        check_mapping({"@path": "$.a", "@literal": 1, "x": 2})
    with pytest.raises(ValidationError, match="it has 3 keys"):
        check_mapping({"@path": "$.a", "x": 1, "y": 2})


def test_a_pattern_may_be_replaced_by_nothing() -> None:
    assert transform({"@replace": {"pattern": ",", "replacement": "", "value": "1,999"}}, {}) == "1999"


@pytest.mark.parametrize(
    ("pattern", "value", "expected"),
    [
        ("SS", "Strasse", "Stra-e"),
        ("ss", "Straße", "Straße"),
        ("É", "café", "caf-"),
        ("k", "\u212a", "\u212a"),
    ],
)
def test_case_is_ignored_as_javascript_ignores_it(pattern: str, value: str, expected: str) -> None:
    """A letter whose upper case is two letters, or an ASCII one, is itself alone."""
    replace = {"pattern": pattern, "replacement": "-", "value": value, "ignorecase": True}
    assert transform({"@replace": replace}, {}) == expected


def test_notes_beside_a_directive_change_nothing() -> None:
    assert transform({"v": {"@path": "$.userId", "_metadata": {"x": 1}}}, EVENT) == {"v": "u-1"}


def test_only_the_first_root_of_a_path_is_taken_off() -> None:
    assert transform({"@path": "$.a.$.b"}, {"a": {"$": {"b": 1}}}) == 1


@pytest.mark.parametrize("left", ["apply", "mapping"])
def test_a_transformation_without_one_of_its_parts_says_which(left: str) -> None:
    given = {name: {} for name in ("apply", "mapping") if name != left}
    with pytest.raises(DestinationError, match=f'@transform requires a "{left}" key'):
        transform({"@transform": given}, {}, checked=True)


def test_a_pattern_of_ten_letters_is_replaced() -> None:
    assert transform({"@replace": {"pattern": "a" * 10, "replacement": "b", "value": "a" * 11}}, {}) == "ba"
