"""Segment's Tracking API: every call, batches, limits, authentication, what browsers need, and what is noted."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st
from optimizely_double import NOON, Answer, OptimizelyDouble
from segment_side import SegmentSide

from optilocal.forwarder.clock import ManualClock

Make = Callable[..., SegmentSide]
TRACK = {"event": "Order Completed", "userId": "u-1", "properties": {"revenue": 100}}


def test_a_track_call_reaches_optimizely_and_the_report_the_emulator(
    segment: SegmentSide, double: OptimizelyDouble
) -> None:
    answer = segment.post("/v1/track", {**TRACK, "messageId": "m-1"})
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    (delivery,) = segment.ended()
    assert delivery["outcome"] == "sent"
    (batch,) = double.to("/v1/events")
    assert batch.json["visitors"][0]["snapshots"][0]["events"][0]["uuid"] == "m-1"
    assert segment.deliveries(id=delivery["id"])[0]["outcome"] == "sent"


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("track", "track"),
        ("identify", "identify"),
        ("page", "page"),
        ("screen", "screen"),
        ("group", "group"),
        ("alias", "alias"),
        ("t", "track"),
        ("i", "identify"),
        ("p", "page"),
        ("s", "screen"),
        ("g", "group"),
        ("a", "alias"),
    ],
)
def test_every_call_has_its_type(segment: SegmentSide, path: str, kind: str) -> None:
    body = {"userId": "u", "event": "Order Completed", "type": "other", "groupId": "g", "previousId": "p"}
    assert segment.post(f"/v1/{path}", body).status_code == 200
    (delivery,) = segment.ended()
    assert delivery["type"] == kind
    assert delivery["outcome"] == ("sent" if kind == "track" else "not_subscribed")


@pytest.mark.parametrize("path", ["batch", "b", "import"])
def test_a_batch_shares_its_context_and_its_clock(make_server: Make, path: str) -> None:
    segment = make_server(ManualClock(NOON))
    body = {
        "writeKey": "k",
        "sentAt": "2026-01-15T11:00:05Z",
        "context": {"app": "shop", "traits": {"plan": "basic"}},
        "integrations": {"Other": False},
        "batch": [
            {
                "type": "track",
                **TRACK,
                "timestamp": "2026-01-15T11:00:00Z",
                "context": {"traits": {"plan": "gold"}},
            },
            {"type": "identify", "userId": "u-1"},
        ],
    }
    assert segment.post(f"/v1/{path}", body, auth=None).status_code == 200
    track, identify = segment.ended(2)
    event = track["source_event"]
    assert event["context"] == {"app": "shop", "traits": {"plan": "gold"}}
    assert event["integrations"] == {"Other": False}
    # The client's clock is an hour slow; five seconds went by between the call and the sending.
    assert event["timestamp"] == "2026-01-15T11:59:55.000Z"
    assert event["originalTimestamp"] == "2026-01-15T11:00:00Z"
    assert event["receivedAt"] == "2026-01-15T12:00:00.000Z"
    assert "writeKey" not in event
    assert identify["outcome"] == "not_subscribed"


class TestAnswersAsSegment:
    @pytest.mark.parametrize("body", ["", "{", "not json", "[]", '"text"', "5", "null", "\xff\xfe"])
    def test_what_is_no_json_object_is_400(self, segment: SegmentSide, body: str) -> None:
        answer = segment.post("/v1/track", data=body.encode("latin-1"))
        assert (answer.status_code, answer.json()["success"]) == (400, False)
        assert segment.get("/_forwarder/refused").json()["refused"][0]["status"] == 400

    def test_the_limits(self, segment: SegmentSide) -> None:
        def event(size: int) -> dict[str, Any]:
            empty = {"event": "E", "userId": "u", "properties": {"x": ""}}
            room = size - len(json.dumps(empty, separators=(",", ":")))
            return {**empty, "properties": {"x": "x" * room}}

        assert segment.post("/v1/track", event(32 * 1024)).status_code == 200
        assert segment.post("/v1/track", event(32 * 1024 + 1)).status_code == 400
        big = {"batch": [{"type": "track", **event(30_000)} for _ in range(17)]}
        assert segment.post("/v1/batch", big).status_code == 200
        big["batch"].append({"type": "track", **event(30_000)})
        assert segment.post("/v1/batch", big).status_code == 400
        assert len(segment.deliveries(18)) == 18

    def test_too_many_events_get_200_and_none_is_kept(self, segment: SegmentSide) -> None:
        body = {"batch": [{"type": "page"}] * 2501}
        assert segment.post("/v1/batch", body).status_code == 200
        (refused,) = segment.get("/_forwarder/refused").json()["refused"]
        assert refused["reason"] == "the batch has 2501 events; Segment takes at most 2500"
        assert segment.get("/_forwarder/deliveries").json()["deliveries"] == []

    @pytest.mark.parametrize(
        "body", [{}, {"batch": []}, {"batch": 5}, {"batch": [None, {"type": "delete"}, {}]}]
    )
    def test_a_batch_of_nothing_gets_200_and_is_noted(
        self, segment: SegmentSide, body: dict[str, Any]
    ) -> None:
        assert segment.post("/v1/batch", body).status_code == 200
        assert segment.get("/_forwarder/refused").json()["refused"]

    @pytest.mark.parametrize("auth", [("", ""), ("", "x")])
    def test_an_empty_write_key_is_400(self, segment: SegmentSide, auth: tuple[str, str]) -> None:
        assert segment.post("/v1/track", TRACK, auth=auth).status_code == 400
        assert segment.post("/v1/track", {**TRACK, "writeKey": ""}, auth=None).status_code == 400

    def test_any_other_write_key_is_200_and_a_missing_one_noted(self, segment: SegmentSide) -> None:
        assert segment.post("/v1/track", {**TRACK, "writeKey": "nobody's"}, auth=None).status_code == 200
        assert segment.post("/v1/track", TRACK, auth=None).status_code == 200
        with_key, without = segment.ended(2)
        assert with_key["warnings"] == []
        assert [note["code"] for note in without["warnings"]] == ["write_key_missing"]

    @pytest.mark.parametrize(("depth", "status"), [(150, 200), (250, 400), (5_000, 400), (100_000, 400)])
    def test_a_tower_of_brackets_is_no_event(self, segment: SegmentSide, depth: int, status: int) -> None:
        text = (
            '{"event": "Order Completed", "userId": "u", "properties": {"x": '
            + "[" * depth
            + "]" * depth
            + "}}"
        )
        assert segment.post("/v1/track", data=text).status_code == status
        assert len(segment.get("/_forwarder/refused").json()["refused"]) == int(status == 400)
        if status == 200:
            assert segment.ended()[0]["outcome"] == "sent"

    def test_there_is_no_delete_call(self, segment: SegmentSide) -> None:
        assert segment.post("/v1/delete", {"userId": "u"}).status_code == 404

    def test_too_many_waiting_events_are_sent_away_with_a_time(
        self, make_server: Make, monkeypatch: pytest.MonkeyPatch, double: OptimizelyDouble
    ) -> None:
        monkeypatch.setattr("optilocal.forwarder.queue.dispatcher.MAX_WAITING", 3)
        double.usual["/v1/events"] = Answer(503)
        segment = make_server(ManualClock(NOON))
        statuses = [segment.post("/v1/track", TRACK).status_code for _ in range(5)]
        assert statuses[:3] == [200, 200, 200]
        last = segment.post("/v1/track", TRACK)
        assert (last.status_code, last.headers["retry-after"]) == (429, "5")


class TestEncodings:
    def test_gzip(self, segment: SegmentSide) -> None:
        packed = gzip.compress(json.dumps(TRACK).encode())
        headers = {"content-encoding": "gzip", "content-type": "application/json"}
        assert segment.post("/v1/track", data=packed, headers=headers).status_code == 200
        assert segment.post("/v1/track", data=packed[:-9], headers=headers).status_code == 400
        assert segment.post("/v1/track", data=b"plain", headers=headers).status_code == 400
        bomb = gzip.compress(b"[" + b" " * 50_000_000)
        assert segment.post("/v1/track", data=bomb, headers=headers).status_code == 400

    def test_text_plain_as_browsers_send(self, segment: SegmentSide) -> None:
        headers = {"content-type": "text/plain"}
        assert segment.post("/v1/t", data=json.dumps(TRACK), headers=headers).status_code == 200
        assert segment.ended()[0]["outcome"] == "sent"

    def test_numbers_are_javascripts(self, segment: SegmentSide, double: OptimizelyDouble) -> None:
        text = '{"event": "Order Completed", "userId": 12345678901234567890, "properties": {"revenue": 5.0, "n": 1e21}}'
        segment.post("/v1/track", data=text)
        segment.ended()
        (batch,) = double.to("/v1/events")
        assert b'"visitor_id":"12345678901234567000"' in batch.body
        assert b'"n":1e+21' in batch.body
        assert b'"revenue":5,' in batch.body


class TestBrowsers:
    def test_any_page_may_post(self, segment: SegmentSide) -> None:
        url = f"{segment.url}/v1/t"
        asked = requests.options(
            url,
            headers={"origin": "https://shop.example", "access-control-request-method": "POST"},
            timeout=10,
        )
        assert asked.status_code == 204
        assert asked.headers["access-control-allow-origin"] == "*"
        assert "content-type" in asked.headers["access-control-allow-headers"]
        answer = segment.post("/v1/t", TRACK, headers={"origin": "https://shop.example"})
        assert answer.headers["access-control-allow-origin"] == "*"

    def test_the_settings_send_analytics_js_back_here(self, segment: SegmentSide) -> None:
        blue = segment.namespace("blue")
        found = blue.get("/v1/projects/my-key/settings").json()
        home = found["integrations"]["Segment.io"]
        assert home["apiKey"] == "my-key"
        assert f"{home['protocol']}://{home['apiHost']}" == f"{blue.url}/v1"
        assert list(found["integrations"]) == ["Segment.io"]

    def test_metrics_are_taken_and_forgotten(self, segment: SegmentSide) -> None:
        assert segment.post("/v1/m", {"series": []}).json() == {"success": True}
        assert segment.get("/_forwarder/deliveries").json()["deliveries"] == []


def test_a_namespace_talks_to_the_same_namespace(segment: SegmentSide, double: OptimizelyDouble) -> None:
    blue = segment.namespace("blue")
    blue.put("/_forwarder/settings", {"dataFileUrl": "https://cdn.optimizely.com/datafiles/blue.json"})
    blue.post("/v1/track", TRACK)
    assert blue.ended()[0]["namespace"] == "blue"
    paths = [one.path for one in double.received]
    assert paths[:2] == ["/ns/blue/datafiles/blue.json", "/ns/blue/v1/events"]
    assert segment.get("/_forwarder/deliveries").json()["deliveries"] == []
    assert len(segment.get("/_forwarder/deliveries?ns=*").json()["deliveries"]) == 1
    assert segment.get("/_forwarder/settings").json()["dataFileUrl"].endswith("/default.json")


def test_a_bad_namespace_is_a_problem(segment: SegmentSide) -> None:
    answer = segment.get("/ns/a%20b/_forwarder/health")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_namespace")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
KEYS = (
    "type",
    "event",
    "userId",
    "messageId",
    "timestamp",
    "sentAt",
    "context",
    "integrations",
    "properties",
    "batch",
)


@pytest.fixture(scope="module")
def lasting_segment() -> Any:
    from optilocal.forwarder.server import ForwarderServer  # noqa: PLC0415
    from optilocal.forwarder.settings import ServerSettings  # noqa: PLC0415

    double = OptimizelyDouble()
    with ForwarderServer(ServerSettings(port=0, optimizely=double.url)) as server:
        yield SegmentSide(server.base_url, server)
    double.close()


@settings(deadline=None, max_examples=60)
@given(
    body=st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), JSON, max_size=6) | JSON,
    path=st.sampled_from(["track", "identify", "batch", "t", "m"]),
)
def test_nothing_a_client_sends_upsets_the_forwarder(
    lasting_segment: SegmentSide, body: Any, path: str
) -> None:
    answer = lasting_segment.post(f"/v1/{path}", data=json.dumps(body))
    assert answer.status_code in (200, 400)
    assert lasting_segment.get("/_forwarder/health").json()["status"] == "ok"


def test_after_all_that_everything_accepted_has_an_outcome(lasting_segment: SegmentSide) -> None:
    lasting_segment.post("/v1/track", {**TRACK, "messageId": "the-last"})
    lasting_segment.ended(message_id="the-last")
    stderr_free = lasting_segment.get("/_forwarder/deliveries?state=pending").json()["deliveries"]
    assert all(row["attempts"] or row["due"] for row in stderr_free)
