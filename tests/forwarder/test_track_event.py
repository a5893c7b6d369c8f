"""Action trackEvent: a payload and a datafile become one event batch."""

from __future__ import annotations

import math
from typing import Any

import pytest

from optilocal.forwarder.destination.track_event import event_batch
from optilocal.forwarder.errors import JavaScriptTypeError, PayloadValidationError
from optilocal.forwarder.javascript.json import to_json
from optilocal.forwarder.preview import run_line

PAYLOAD: dict[str, Any] = {
    "eventKey": "A",
    "userId": "u-1",
    "timestamp": "2024-01-02T03:04:05.678Z",
    "uuid": "m-1",
}
DATAFILE: dict[str, Any] = {
    "accountId": "12001",
    "anonymizeIP": True,
    "events": [{"key": "A", "id": "1"}, {"key": "A", "id": "2"}, {"key": "falsy", "id": ""}],
    "attributes": [
        {"key": "plan", "id": "p"},
        {"key": "age", "id": "g"},
        {"key": "vip", "id": "v"},
        {"key": "list", "id": "l"},
    ],
}


def test_the_whole_batch_in_segments_order() -> None:
    payload = {
        **PAYLOAD,
        "attributes": {"vip": True, "plan": "gold", "age": 5, "list": [1], "unknown": "x"},
        "revenue": 20,
        "value": 1.5,
        "eventTags": {"revenue": 20, "value": 1.5, "deep": {"revenue": 1}, "none": None},
    }
    assert to_json(event_batch(payload, {**DATAFILE, "botFiltering": False})) == (
        '{"account_id":"12001","anonymize_ip":true,"client_name":"Segment","enrich_decisions":true,"visitors":[{"snapshots":'
        '[{"events":[{"entity_id":"1","timestamp":1704164645678,"uuid":"m-1","key":"A","revenue":20,"value":1.5,'
        '"tags":{"deep":{"revenue":1},"none":null}}],"decisions":[]}],"visitor_id":"u-1","attributes":['
        '{"entity_id":"v","key":"vip","value":true,"type":"custom"},{"entity_id":"p","key":"plan","value":"gold","type":"custom"},'
        '{"entity_id":"g","key":"age","value":5,"type":"custom"},'
        '{"entity_id":"$opt_bot_filtering","key":"$opt_bot_filtering","type":"custom","value":false}]}]}'
    )


def test_what_is_absent_is_left_out() -> None:
    batch = event_batch(PAYLOAD, {"events": DATAFILE["events"], "anonymizeIP": None})
    assert batch["anonymize_ip"] is None
    assert "account_id" not in batch
    (event,) = batch["visitors"][0]["snapshots"][0]["events"]
    assert event == {"entity_id": "1", "timestamp": 1704164645678, "uuid": "m-1", "key": "A", "tags": {}}
    assert batch["visitors"][0]["attributes"] == []


def test_numbers_that_do_not_travel_are_null() -> None:
    batch = event_batch({**PAYLOAD, "value": math.inf, "timestamp": 9e15}, DATAFILE)
    (event,) = batch["visitors"][0]["snapshots"][0]["events"]
    assert event["value"] is None
    assert event["timestamp"] is None


@pytest.mark.parametrize("key", ["a", "A ", "falsy", "constructor", "__proto__", "toString"])
def test_an_event_that_the_datafile_lacks(key: str) -> None:
    with pytest.raises(PayloadValidationError) as caught:
        event_batch({**PAYLOAD, "eventKey": key}, DATAFILE)
    assert caught.value.message == f"Event with name {key} is not defined"
    assert (caught.value.code, caught.value.status) == ("PAYLOAD_VALIDATION_FAILED", 400)


@pytest.mark.parametrize(
    "datafile", [{}, [], "text", 5, True, {"events": None}, {"events": 5}, {"events": "xA"}, {"events": {}}]
)
def test_a_datafile_of_another_shape_defines_nothing(datafile: Any) -> None:
    with pytest.raises(PayloadValidationError):
        event_batch(PAYLOAD, datafile)


@pytest.mark.parametrize(
    ("datafile", "message"),
    [
        (None, "Cannot read properties of null (reading 'events')"),
        ({"events": [None]}, "Cannot read properties of null (reading 'key')"),
        ({"events": {"length": 2, "0": {}}}, "Cannot read properties of undefined (reading 'key')"),
        ({**DATAFILE, "attributes": [None]}, "Cannot read properties of null (reading 'key')"),
    ],
)
def test_a_datafile_that_segments_code_stumbles_over(datafile: Any, message: str) -> None:
    with pytest.raises(JavaScriptTypeError) as caught:
        event_batch({**PAYLOAD, "attributes": {"plan": "x"}}, datafile)
    assert caught.value.message == message
    assert caught.value.status is None


def test_events_by_name_and_by_the_name_of_the_prototype() -> None:
    by_name = {"events": {"x": {"key": "A", "id": 7}}}
    assert event_batch(PAYLOAD, by_name)["visitors"][0]["snapshots"][0]["events"][0]["entity_id"] == 7
    hostile = {"events": [{"key": "__proto__", "id": "9"}]}
    batch = event_batch({**PAYLOAD, "eventKey": "__proto__"}, hostile)
    assert batch["visitors"][0]["snapshots"][0]["events"][0]["entity_id"] == "9"


def _id(events: Any, key: str = "A") -> Any:
    """The entity_id of an event of this key; None where the datafile's `events` define none."""
    try:
        batch = event_batch({**PAYLOAD, "eventKey": key}, {"events": events})
    except PayloadValidationError:
        return None
    return batch["visitors"][0]["snapshots"][0]["events"][0]["entity_id"]


@pytest.mark.parametrize(
    ("events", "id_"),
    [
        ({"length": 1, "0": {"key": "A", "id": "1"}}, "1"),
        ({"length": 2, "0": {"key": "A", "id": "1"}, "1": {"key": "A", "id": "2"}}, "1"),
        ({"length": 2, "0": {"key": "B", "id": "1"}, "1": {"key": "A", "id": "2"}}, "2"),
        ({"length": 1, "0": {"key": "B", "id": "1"}, "1": {"key": "A", "id": "2"}}, None),
        ({"length": 0, "x": {"key": "A", "id": "1"}}, None),
        ({"length": -1, "x": {"key": "A", "id": "1"}}, "1"),
        ({"length": 2**53, "x": {"key": "A", "id": "1"}}, "1"),
        ({"length": True, "x": {"key": "A", "id": "1"}}, "1"),
        ({"length": "2", "x": {"key": "A", "id": "1"}}, "1"),
    ],
)
def test_an_object_with_a_length_passes_for_an_array(events: Any, id_: Any) -> None:
    assert _id(events) == id_


def test_the_letters_of_a_text_are_entities_without_a_key() -> None:
    batch = event_batch({**PAYLOAD, "attributes": {"undefined": "v"}}, {**DATAFILE, "attributes": "x"})
    assert batch["visitors"][0]["attributes"] == [{"key": "undefined", "value": "v", "type": "custom"}]


def test_a_datafile_that_is_not_json_is_a_deactivated_project() -> None:
    event = {
        "type": "track",
        "event": "A",
        "userId": "u-1",
        "messageId": "m-1",
        "timestamp": "2024-01-02T03:04:05Z",
    }
    answer = run_line({"event": event, "datafile": "// deactivated"})
    assert answer["outcome"] == "error"
    error = answer["error"]
    assert (error["name"], error["message"], error["code"], error["status"]) == (
        "IntegrationError", "// deactivated", "PROJECT_DEACTIVATED", 400,
    )  # fmt: skip
    assert [request["method"] for request in answer["requests"]] == ["GET"]
