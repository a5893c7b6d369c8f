"""Fields: what becomes of empty values, what is coerced, and what is said about the rest."""

from __future__ import annotations

import math
from typing import Any

import pytest

from optilocal.forwarder.destination.fields import SETTINGS_FIELDS, check, remove_empty_values
from optilocal.forwarder.destination.track_event import FIELDS
from optilocal.forwarder.errors import AggregateAjvError
from optilocal.forwarder.javascript.values import UNDEFINED

GOOD: dict[str, Any] = {"eventKey": "A", "userId": "u", "timestamp": 1, "uuid": "m"}


def _checked(**changes: Any) -> tuple[dict[str, Any], list[str]]:
    payload = {**GOOD, **changes}
    return payload, check(payload, FIELDS).messages


@pytest.mark.parametrize(
    ("field", "given", "coerced"),
    [
        ("revenue", "20", 20),
        ("revenue", "20.0", 20),
        ("revenue", "1e3", 1000),
        ("revenue", "0x10", 16),
        ("revenue", " 7 ", 7),
        ("revenue", True, 1),
        ("revenue", False, 0),
        ("revenue", [5], 5),
        ("revenue", [None], 0),
        ("revenue", " ", 0),
        ("revenue", "Infinity", math.inf),
        ("revenue", 1e300, 1e300),
        ("value", "1.5", 1.5),
        ("value", "Infinity", math.inf),
        ("userId", 123, "123"),
        ("userId", 0, "0"),
        ("userId", False, "false"),
        ("userId", ["x"], "x"),
        ("userId", [None], ""),
        ("userId", 1e21, "1e+21"),
        ("timestamp", [5], "5"),
        ("timestamp", ["5"], 5),
    ],
)
def test_coercion(field: str, given: Any, coerced: Any) -> None:
    payload, messages = _checked(**{field: given})
    assert messages == []
    assert payload[field] == coerced
    assert type(payload[field]) is type(coerced)


@pytest.mark.parametrize(
    ("field", "given", "message"),
    [
        ("revenue", 19.99, "Revenue must be an integer but it was a number."),
        ("revenue", "19.99", "Revenue must be an integer but it was a string."),
        ("revenue", "abc", "Revenue must be an integer but it was a string."),
        ("revenue", [19.99], "Revenue must be an integer but it was a number."),
        ("revenue", {}, "Revenue must be an integer but it was an object."),
        ("value", [], "Value must be a number but it was an array."),
        ("value", math.inf, "Value must be a number but it was a number."),
        ("userId", {}, "User ID must be a string but it was an object."),
        ("eventTags", "str", "Event Tags must be an object but it was a string."),
        ("eventTags", 5, "Event Tags must be an object but it was a number."),
        ("eventTags", [{}], "Event Tags must be an object but it was an array."),
        ("attributes", [], "Event Attributes must be an object but it was an array."),
        ("timestamp", "not a date", "Timestamp must be a valid date-like string but it was not."),
        ("timestamp", {}, "Timestamp must be a string or number but it was an object."),
        ("timestamp", ["2024-01-02"], "Timestamp must be a string or number but it was a string."),
    ],
)
def test_messages(field: str, given: Any, message: str) -> None:
    payload, messages = _checked(**{field: given})
    assert messages == [message]
    assert payload[field] == given


def test_a_timestamp_that_is_coerced_and_wrong_all_the_same() -> None:
    payload, messages = _checked(timestamp=True)
    assert messages == ["Timestamp must be a valid date-like string but it was not."]
    assert payload["timestamp"] == "true"


def test_missing_fields_come_first_and_all_messages_are_joined() -> None:
    payload = {"revenue": "x", "value": "y", "timestamp": {}, "unknown": 1}
    with pytest.raises(AggregateAjvError) as caught:
        check(payload, FIELDS).raise_if_wrong()
    assert caught.value.details == [
        "The root value is missing the required field 'eventKey'.",
        "The root value is missing the required field 'userId'.",
        "The root value is missing the required field 'uuid'.",
        "Revenue must be an integer but it was a string.",
        "Value must be a number but it was a string.",
        "Timestamp must be a string or number but it was an object.",
    ]
    assert caught.value.message == " ".join(caught.value.details)
    assert caught.value.status == 400
    assert "unknown" not in payload


@pytest.mark.parametrize(
    ("payload", "kind"), [("x", "a string"), ([], "an array"), (UNDEFINED, "undefined"), (5, "a number")]
)
def test_a_payload_that_is_no_object(payload: Any, kind: str) -> None:
    assert check(payload, FIELDS).messages == [f"The root value must be an object but it was {kind}."]


def test_empty_values_go_at_the_top_and_stay_below() -> None:
    payload = {
        "eventKey": "",
        "userId": None,
        "revenue": "",
        "eventTags": {"a": None, "b": ""},
        "value": 0,
        "other": None,
    }
    assert remove_empty_values(payload, FIELDS) == {
        "eventTags": {"a": None, "b": ""},
        "value": 0,
        "other": None,
    }
    assert remove_empty_values(None, FIELDS) is UNDEFINED
    assert remove_empty_values("", FIELDS) is UNDEFINED
    assert remove_empty_values([None], FIELDS) == [None]


@pytest.mark.parametrize(
    ("settings", "messages"),
    [
        ({"dataFileUrl": "https://a.b/c"}, ["The root value is missing the required field 'accountId'."]),
        ({"accountId": "", "dataFileUrl": "https://a.b/c"}, []),
        ({"accountId": None, "dataFileUrl": "https://a.b/c"}, []),
        ({"accountId": 5, "dataFileUrl": "x"}, ["Datafile URL must be a valid URI string but it was not."]),
        ({"accountId": "1", "dataFileUrl": {}}, ["Datafile URL must be a string but it was an object."]),
    ],
)
def test_settings(settings: dict[str, Any], messages: list[str]) -> None:
    assert check(settings, SETTINGS_FIELDS).messages == messages


@pytest.mark.parametrize(
    ("fields", "names"),
    [(FIELDS, ["eventKey", "userId", "timestamp", "uuid"]), (SETTINGS_FIELDS, ["accountId", "dataFileUrl"])],
)
def test_exactly_these_fields_are_required(fields: Any, names: list[str]) -> None:
    assert check({}, fields).messages == [
        f"The root value is missing the required field '{name}'." for name in names
    ]
