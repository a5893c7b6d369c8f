"""Deletion and suppression through Segment's Public API: what is taken, whom it blocks, what the destination does."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from optimizely_double import DATAFILE_URL, Answer, OptimizelyDouble
from segment_side import SegmentSide

Make = Callable[..., SegmentSide]
TRACK = {"event": "Order Completed", "userId": "u-1", "anonymousId": "anon-1"}
SETTINGS = {"accountId": "12001", "dataFileUrl": DATAFILE_URL, "accessToken": "pat-1"}


@pytest.fixture
def segment(make_server: Make) -> SegmentSide:
    return make_server(destination=SETTINGS)


def regulate(segment: SegmentSide, kind: str, *subjects: str, subject_type: str = "USER_ID") -> str:
    body = {"regulationType": kind, "subjectType": subject_type, "subjectIds": list(subjects)}
    answer = segment.post("/regulations", body)
    assert answer.status_code == 200
    return str(answer.json()["data"]["regulateId"])


def test_suppress_with_delete_blocks_the_user_and_asks_for_each_subject(
    segment: SegmentSide, double: OptimizelyDouble
) -> None:
    regulation = regulate(segment, "SUPPRESS_WITH_DELETE", "u-1", "u-2", "u-1")
    deletions = segment.ended(2, type="delete")
    assert [(row["user_id"], row["outcome"]) for row in deletions] == [("u-1", "deleted"), ("u-2", "deleted")]
    assert [one.json["identifier"] for one in double.to("/v2/")] == ["12001", "12001"]
    assert segment.get("/_forwarder/suppressed").json()["suppressed"] == ["u-1", "u-2"]
    segment.post("/v1/track", TRACK)
    assert segment.ended(1, type="track")[0]["outcome"] == "suppressed_user"
    status = segment.get(f"/regulations/{regulation}").json()["data"]["regulation"]
    assert status["overallStatus"] == "FINISHED"
    (stream,) = status["streamStatus"]
    (destination,) = stream["destinationStatus"]
    assert destination["name"] == "Optimizely Feature Experimentation (Actions)"
    assert (destination["status"], destination["errString"]) == ("FINISHED", "")


@pytest.mark.parametrize(
    ("kind", "deletes", "suppresses"),
    [
        ("DELETE_ONLY", True, False),
        ("SUPPRESS_ONLY", False, True),
        ("DELETE_INTERNAL", False, False),
        ("SUPPRESS_WITH_DELETE_INTERNAL", False, True),
        ("DELETE_ARCHIVE_ONLY", False, False),
        ("UNSUPPRESS", False, False),
    ],
)
def test_each_other_regulation_type(
    segment: SegmentSide, double: OptimizelyDouble, kind: str, deletes: bool, suppresses: bool
) -> None:
    regulation = regulate(segment, kind, "u-1")
    segment.post("/v1/track", TRACK)
    (track,) = segment.ended(1, type="track")
    assert track["outcome"] == ("suppressed_user" if suppresses else "sent")
    if deletes:
        segment.ended(1, type="delete")
    assert len(double.to("/v2/")) == int(deletes)
    status = segment.get(f"/regulations/{regulation}").json()["data"]["regulation"]
    assert status["overallStatus"] == "FINISHED"
    assert bool(status["streamStatus"]) == deletes


def test_a_user_can_be_taken_off_the_list(segment: SegmentSide) -> None:
    regulate(segment, "SUPPRESS_ONLY", "u-1", "u-2")
    regulate(segment, "UNSUPPRESS", "u-1", "never-there")
    assert segment.get("/_forwarder/suppressed").json()["suppressed"] == ["u-2"]
    (row,) = segment.get("/suppressions").json()["data"]["suppressions"]
    assert row["attributes"] == ["u-2"]


def test_an_anonymous_id_blocks_the_events_that_carry_it(segment: SegmentSide) -> None:
    regulate(segment, "SUPPRESS_ONLY", "anon-1", subject_type="ANONYMOUS_ID")
    segment.post("/v1/track", TRACK)
    segment.post("/v1/track", {**TRACK, "anonymousId": "anon-2"})
    assert [row["outcome"] for row in segment.ended(2)] == ["suppressed_user", "sent"]


def test_an_object_id_is_nobodys(segment: SegmentSide, double: OptimizelyDouble) -> None:
    regulate(segment, "SUPPRESS_WITH_DELETE", "u-1", subject_type="OBJECT_ID")
    assert segment.get("/_forwarder/suppressed").json()["suppressed"] == []
    assert segment.get("/_forwarder/deliveries").json()["deliveries"] == []
    assert double.to("/v2/") == []


def test_lists_are_apart_by_namespace(segment: SegmentSide) -> None:
    regulate(segment.namespace("blue"), "SUPPRESS_ONLY", "u-1")
    assert segment.get("/_forwarder/suppressed").json()["suppressed"] == []
    assert segment.namespace("blue").get("/_forwarder/suppressed").json()["suppressed"] == ["u-1"]


@pytest.mark.parametrize(
    ("second", "status", "dead"),
    [(Answer(201, "{}"), "PARTIAL_SUCCESS", 1), (Answer(403), "FAILED", 2)],
)
def test_how_far_a_regulation_came(
    make_server: Make, double: OptimizelyDouble, second: Answer, status: str, dead: int
) -> None:
    segment = make_server(destination=SETTINGS, workers=1)
    double.next("/v2/subject-access-requests", Answer(403), second)
    regulation = regulate(segment, "DELETE_ONLY", "u-1", "u-2")
    segment.deliveries(dead, state="dead")
    if dead == 1:
        segment.ended(1)
    found = segment.get(f"/regulations/{regulation}").json()["data"]["regulation"]
    assert found["overallStatus"] == status
    (destination,) = found["streamStatus"][0]["destinationStatus"]
    assert destination["errString"].endswith("answered 403 Forbidden")


def test_a_deletion_that_is_tried_again_is_running(make_server: Make, double: OptimizelyDouble) -> None:
    double.usual["/v2/subject-access-requests"] = Answer(503)
    segment = make_server(destination=SETTINGS)
    regulation = regulate(segment, "DELETE_ONLY", "u-1")
    segment.deliveries(state="pending")
    found = segment.get(f"/regulations/{regulation}").json()["data"]["regulation"]
    assert (found["overallStatus"], found["finishedAt"]) == ("RUNNING", None)


def test_without_a_token_the_regulation_fails_with_segments_text(make_server: Make) -> None:
    segment = make_server()
    regulation = regulate(segment, "DELETE_ONLY", "u-1")
    segment.deliveries(state="dead")
    found = segment.get(f"/regulations/{regulation}").json()["data"]["regulation"]
    (destination,) = found["streamStatus"][0]["destinationStatus"]
    assert (destination["status"], destination["errString"]) == (
        "FAILED",
        "Access Token is required for user deletion.",
    )


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"subjectType": "USER_ID", "subjectIds": ["u"]}, "regulationType"),
        ({"regulationType": "ERASE", "subjectIds": ["u"]}, "regulationType"),
        ({"regulationType": ["x"], "subjectIds": ["u"]}, "regulationType"),
        ({"regulationType": "DELETE_ONLY", "subjectType": "EMAIL", "subjectIds": ["u"]}, "subjectType"),
        ({"regulationType": "DELETE_ONLY"}, "subjectIds"),
        ({"regulationType": "DELETE_ONLY", "subjectIds": []}, "subjectIds"),
        ({"regulationType": "DELETE_ONLY", "subjectIds": "u"}, "subjectIds"),
        ({"regulationType": "DELETE_ONLY", "subjectIds": [5]}, "subjectIds"),
        ({"regulationType": "DELETE_ONLY", "subjectIds": ["u"] * 5001}, "subjectIds"),
        ([], ""),
    ],
)
def test_what_cannot_be_used_is_422_and_changes_nothing(segment: SegmentSide, body: Any, field: str) -> None:
    answer = segment.post("/regulations", body)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert (error["field"], error["status"]) == (field, 422)
    assert segment.get("/regulations").json()["data"]["regulations"] == []


def test_regulations_and_settings_do_not_wait_for_each_other(segment: SegmentSide) -> None:
    blue = segment.namespace("blue")

    def configure() -> None:
        for number in range(15):
            assert blue.put("/_forwarder/settings", {"accountId": str(number)}).status_code == 200

    def regulations() -> None:
        for number in range(15):
            regulate(blue, "SUPPRESS_WITH_DELETE", f"u-{number}")

    threads = [threading.Thread(target=task, daemon=True) for task in (configure, regulations, configure)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert len(blue.deliveries(15, type="delete", state="ended")) == 15


def test_an_unknown_regulation_is_404_and_no_json_400(segment: SegmentSide) -> None:
    assert segment.get("/regulations/none").status_code == 404
    assert segment.post("/regulations", data=b"{").status_code == 400


def test_a_page_of_another_site_may_not_delete_anybody(segment: SegmentSide) -> None:
    body = {"regulationType": "DELETE_ONLY", "subjectIds": ["u"]}
    assert segment.post("/regulations", body, headers={"origin": "https://evil.example"}).status_code == 403
    assert segment.post("/regulations", body, headers={"host": "evil.example"}).status_code == 403
    assert segment.get("/_forwarder/deliveries").json()["deliveries"] == []
