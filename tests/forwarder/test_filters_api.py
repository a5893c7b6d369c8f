"""Segment's Public API for destination filters, as its clients use it."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from segment_side import SegmentSide

BODY = {"sourceId": "s-1", "title": "No tests", "if": "userId = 'test'", "actions": [{"type": "DROP"}], "enabled": True}  # fmt: skip


def create(segment: SegmentSide, **changed: Any) -> requests.Response:
    body = {key: value for key, value in {**BODY, **changed}.items() if value is not None}
    return segment.post("/destination/d-1/filters", body)


def test_a_filter_is_made_listed_changed_and_deleted(segment: SegmentSide) -> None:
    made = create(segment, description="why")
    assert made.headers["content-type"] == "application/vnd.segment.v1+json"
    found = made.json()["data"]["filter"]
    assert {key: found[key] for key in BODY} == BODY
    assert (found["destinationId"], found["description"]) == ("d-1", "why")
    assert found["createdAt"] == found["updatedAt"]
    address = f"/destination/d-1/filters/{found['id']}"
    assert segment.get(address).json() == {"data": {"filter": found}}
    assert segment.get("/destination/d-1/filters").json()["data"] == {
        "filters": [found],
        "pagination": {"current": "0", "totalEntries": 1},
    }
    changed = requests.patch(segment.url + address, json={"enabled": False}, timeout=20).json()["data"][
        "filter"
    ]
    assert changed == {**found, "enabled": False, "updatedAt": changed["updatedAt"]}
    assert changed["updatedAt"] >= found["updatedAt"]
    assert segment.get("/_forwarder/filters").json()["filters"] == [changed]
    gone = requests.delete(segment.url + address, timeout=20)
    assert gone.json() == {"data": {"status": "SUCCESS"}}
    assert segment.get(address).status_code == 404
    assert segment.get("/destination/d-1/filters").json()["data"]["filters"] == []


def test_a_filter_that_was_configured_otherwise_is_there_too(segment: SegmentSide) -> None:
    segment.put("/_forwarder/filters", [{key: BODY[key] for key in ("title", "if", "actions")}])
    (found,) = segment.get("/destination/any/filters").json()["data"]["filters"]
    assert found["title"] == "No tests"
    assert {"id", "sourceId", "destinationId", "createdAt", "updatedAt", "enabled"} <= set(found)
    changed = requests.patch(
        f"{segment.url}/destination/any/filters/{found['id']}", json={"if": "all"}, timeout=20
    )
    assert changed.json()["data"]["filter"]["if"] == "all"
    assert segment.get("/_forwarder/filters").json()["filters"][0]["if"] == "all"


def test_pages(segment: SegmentSide) -> None:
    for number in range(3):
        create(segment, title=f"t{number}")
    first = segment.get("/destination/d-1/filters", params={"pagination[count]": 2}).json()["data"]
    assert [one["title"] for one in first["filters"]] == ["t0", "t1"]
    assert first["pagination"] == {"current": "0", "next": "2", "totalEntries": 3}
    rest = segment.get(
        "/destination/d-1/filters", params={"pagination.count": 2, "pagination.cursor": "2"}
    ).json()["data"]
    assert [one["title"] for one in rest["filters"]] == ["t2"]
    assert rest["pagination"] == {"current": "2", "previous": "0", "totalEntries": 3}


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"title": None}, {"type": "input-validation", "message": '"title" is required', "field": "title"}),
        ({"sourceId": None}, {"type": "input-validation", "message": '"sourceId" is required', "field": "sourceId"}),
        ({"enabled": None}, {"type": "input-validation", "message": '"enabled" is required', "field": "enabled"}),
        ({"if": 1}, {"type": "input-validation", "message": '"if" must be a string', "field": "if"}),
        (
            {"actions": [{"type": "SAMPLE", "percent": 2}]},
            {"type": "input-validation", "message": '"percent" must be less than or equal to 1', "field": "actions[0].percent"},
        ),
    ],
)  # fmt: skip
def test_errors_have_segments_shape(
    segment: SegmentSide, changed: dict[str, Any], error: dict[str, str]
) -> None:
    answer = create(segment, **changed)
    assert (answer.status_code, answer.json()) == (422, {"errors": [error]})


def test_the_eleventh_filter_an_unknown_one_and_no_json(segment: SegmentSide) -> None:
    for number in range(10):
        assert create(segment, title=f"t{number}").ok
    eleventh = create(segment)
    assert eleventh.status_code == 422
    assert "at most 10 filters" in eleventh.json()["errors"][0]["message"]
    unknown = segment.get("/destination/d-1/filters/nobody")
    assert (unknown.status_code, unknown.json()["errors"][0]["type"]) == (404, "not-found")
    broken = segment.post("/destination/d-1/filters", data=b"{")
    assert (broken.status_code, "not JSON" in broken.json()["errors"][0]["message"]) == (400, True)


def test_an_invalid_statement_can_be_saved_as_at_segment(segment: SegmentSide) -> None:
    assert create(segment, **{"if": 'userId = oops"'}).ok


def test_a_statement_that_is_not_valid_is_told_when_all_filters_are_put(segment: SegmentSide) -> None:
    wrong, right = (
        {key: BODY[key] for key in ("title", "actions")} | {"if": text} for text in ("event =", "all")
    )
    (warning,) = segment.put("/_forwarder/filters", [wrong, right]).json()["warnings"]
    assert warning.startswith("'No tests' drops every event while it is on: its statement is not valid FQL: ")
    assert "warnings" not in segment.put("/_forwarder/filters", [right]).json()


@pytest.mark.parametrize(
    ("statement", "actions", "result"),
    [
        ("userId = 'test'", [{"type": "DROP"}], None),
        ("userId = 'other'", [{"type": "DROP"}], {"userId": "test", "properties": {"a": 1, "b": 2}}),
        ("all", [{"type": "DROP_PROPERTIES", "fields": {"properties": ["a"]}}], {"userId": "test", "properties": {"b": 2}}),
        ("all", [{"type": "ALLOW_PROPERTIES", "fields": {"": ["userId"]}}], {"userId": "test"}),
        ("all", [{"type": "SAMPLE", "percent": 0.0}], None),
        ("'x' in properties.a", [{"type": "DROP_PROPERTIES", "fields": {"": ["userId"]}}], None),
    ],
)  # fmt: skip
def test_a_preview_shows_what_is_left(
    segment: SegmentSide, statement: str, actions: list[Any], result: Any
) -> None:
    payload = {"userId": "test", "properties": {"a": 1, "b": 2}}
    body = {"filter": {"if": statement, "actions": actions}, "payload": payload}
    answer = segment.post("/destination/filters/preview", body)
    assert answer.json() == {"data": {"inputPayload": payload, "result": result}}


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ({"payload": {}}, "filter", '"filter" is required'),
        ({"filter": {"if": "all", "actions": [{"type": "DROP"}]}}, "payload", '"payload" is required'),
        ({"filter": {"if": "a =", "actions": [{"type": "DROP"}]}, "payload": {}}, "filter.if", '"if" is not valid FQL'),
        ({"filter": {"if": "all", "actions": [{"type": "X"}]}, "payload": {}}, "filter.actions[0].type", '"type" must be one of'),
    ],
)  # fmt: skip
def test_a_preview_refuses_what_it_cannot_show(
    segment: SegmentSide, body: dict[str, Any], field: str, message: str
) -> None:
    answer = segment.post("/destination/filters/preview", body)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert (error["field"], error["message"].startswith(message)) == (field, True)


def test_no_page_of_another_site_reaches_it(segment: SegmentSide) -> None:
    foreign = {"origin": "https://evil.example"}
    answer = requests.post(segment.url + "/destination/d-1/filters", json=BODY, headers=foreign, timeout=20)
    assert answer.status_code == 403
    assert segment.get("/_forwarder/filters").json()["filters"] == []
