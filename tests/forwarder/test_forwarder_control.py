"""The forwarder's own addresses: settings, mappings, deliveries and their replay, and who may use them."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest
import requests
from optimizely_double import DATAFILE_ANSWER, DATAFILE_URL, NOON, Answer, OptimizelyDouble
from segment_side import SegmentSide

from optilocal.forwarder.clock import ManualClock
from optilocal.forwarder.destination.destination import DEFAULT_SUBSCRIPTION

Make = Callable[..., SegmentSide]
TRACK = {"event": "Order Completed", "userId": "u-1", "properties": {"revenue": 100}}
EVENTS = "/v1/events"


def test_health(segment: SegmentSide, double: OptimizelyDouble) -> None:
    found = segment.get("/_forwarder/health").json()
    assert (found["status"], found["optimizely"], found["waiting"], found["spool"]) == (
        "ok",
        double.url,
        0,
        None,
    )


class TestSettings:
    def test_what_is_given_changes_and_the_token_is_never_shown(self, segment: SegmentSide) -> None:
        assert segment.get("/_forwarder/settings").json()["accountId"] == "12001"
        answer = segment.put("/_forwarder/settings", {"accessToken": "pat-1", "accountId": "7"})
        assert answer.json()["accessToken"] == "********"
        assert "pat-1" not in answer.text
        found = segment.get("/_forwarder/settings").json()
        assert (found["accountId"], found["dataFileUrl"]) == (
            "7",
            "https://cdn.optimizely.com/datafiles/default.json",
        )
        assert "accessToken" not in segment.put("/_forwarder/settings", {"accessToken": None}).json()

    @pytest.mark.parametrize(
        ("body", "says"),
        [
            ({"dataFileUrl": "no url"}, "Datafile URL must be a valid URI string but it was not."),
            ({"accountId": {}}, "Optimizely Account Id must be a string but it was an object."),
            ({"accountId": None}, "The root value is missing the required field 'accountId'."),
            (
                {"account": "1"},
                "unknown setting 'account'; known are accountId, dataFileUrl, accessToken, enabled",
            ),
            ([], "settings are an object {accountId, dataFileUrl, accessToken}"),
        ],
    )
    def test_wrong_ones_are_refused_with_segments_text_and_change_nothing(
        self, segment: SegmentSide, body: Any, says: str
    ) -> None:
        before = segment.get("/_forwarder/settings").json()
        answer = segment.put("/_forwarder/settings", body)
        assert answer.status_code == 400
        assert answer.json() == {"error": {"code": "invalid_settings", "message": says}}
        assert segment.get("/_forwarder/settings").json() == before

    def test_authentication_and_event_keys(self, segment: SegmentSide, double: OptimizelyDouble) -> None:
        assert segment.post("/_forwarder/test-authentication").json() == {"ok": True}
        choice = {"label": "Order Completed", "value": "Order Completed"}
        assert segment.get("/_forwarder/event-keys").json() == {"choices": [choice]}
        wanted = {"accountId": "1", "dataFileUrl": "no url"}
        refused = segment.post("/_forwarder/test-authentication", wanted).json()
        assert refused["error"]["message"] == "Datafile URL must be a valid URI string but it was not."
        assert segment.post("/_forwarder/test-authentication", [1]).status_code == 400
        double.usual["/datafiles/"] = Answer(403)
        failed = segment.post("/_forwarder/test-authentication").json()
        assert failed["ok"] is False
        assert failed["error"]["message"] == "Credentials are invalid: 403 Forbidden"
        keys = segment.get("/_forwarder/event-keys").json()
        assert keys == {"choices": [], "error": {"message": "Forbidden", "code": "403"}}


class TestMappings:
    def test_new_ones_decide_from_then_on(self, segment: SegmentSide) -> None:
        (default,) = segment.get("/_forwarder/mappings").json()["mappings"]
        assert default == {
            "name": "Track Event",
            "trigger": 'type = "track"',
            "enabled": True,
            "fields": DEFAULT_SUBSCRIPTION.fields,
        }
        pages = {**default, "name": "Pages", "trigger": 'type = "page"'}
        assert segment.put("/_forwarder/mappings", [pages]).json() == {"mappings": [pages]}
        segment.post("/v1/track", TRACK)
        segment.post("/v1/page", {"userId": "u", "event": "Order Completed"})
        assert [row["outcome"] for row in segment.ended(2)] == ["not_subscribed", "sent"]
        assert segment.put("/_forwarder/mappings", {"mappings": []}).json() == {"mappings": []}
        odd = {**default, "name": "Teas", "trigger": 'type = "track" and evnt = "Tea"'}
        (warning,) = segment.put("/_forwarder/mappings", [odd]).json()["warnings"]
        assert warning.startswith(
            "mapping 'Teas', trigger: a Segment event has no field evnt (did you mean event?)"
        )
        javascript = {**odd, "trigger": 'type = "track" && event = "Tea"'}
        refused = segment.put("/_forwarder/mappings", [javascript])
        assert refused.status_code == 400
        assert "; write `and` instead of &&" in refused.json()["error"]["message"]

    @pytest.mark.parametrize(
        ("body", "says"),
        [
            (
                [{"name": "A", "trigger": 'anonymousId = "x"', "fields": {}}],
                "mapping 'A': Invalid subscription : ",
            ),
            (
                [{"name": "A", "trigger": 'type = "track"', "fields": {"eventKey": {"@nope": 1}}}],
                "mapping 'A': /eventKey has an invalid directive: @nope.",
            ),
            ([{"trigger": 'type = "track"', "fields": {}}] * 51, "51 mappings: "),
            ([{"trigger": 'type = "track"'}], "mapping 1 needs 'fields', an object"),
            ([{"fields": {}}], "mapping 1 needs 'trigger', a text"),
            ([{"trigger": "", "fields": {}, "when": 1}], "mapping 1 has an unknown key 'when'"),
            ([5], "mapping 1 is not an object"),
            ({}, "mappings are a list"),
        ],
    )
    def test_one_that_cannot_work_is_refused_with_its_place(
        self, segment: SegmentSide, body: Any, says: str
    ) -> None:
        before = segment.get("/_forwarder/mappings").json()
        answer = segment.put("/_forwarder/mappings", body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_mappings")
        assert answer.json()["error"]["message"].startswith(says)
        assert segment.get("/_forwarder/mappings").json() == before


class TestDeliveries:
    def test_dead_letters_can_be_read_and_replayed(self, make_server: Make, double: OptimizelyDouble) -> None:
        double.usual["/datafiles/"] = Answer(403)
        segment = make_server()
        for number in range(3):
            segment.post("/v1/track", {**TRACK, "messageId": f"m-{number}"})
        dead = segment.deliveries(3, state="dead")
        assert {row["outcome"] for row in dead} == {"datafile_unavailable"}
        double.usual["/datafiles/"] = DATAFILE_ANSWER
        assert segment.post(f"/_forwarder/deliveries/{dead[1]['id']}/replay").status_code == 202
        (done,) = segment.ended(1)
        assert (done["message_id"], done["outcome"], len(done["attempts"])) == ("m-1", "sent", 2)
        assert segment.post("/_forwarder/deliveries/replay").json() == {"replayed": 2}
        assert len(segment.ended(3)) == 3
        assert segment.post(f"/_forwarder/deliveries/{dead[1]['id']}/replay").status_code == 404
        assert (
            segment.post("/_forwarder/deliveries/none/replay").json()["error"]["code"] == "unknown_delivery"
        )
        assert len(double.to(EVENTS)) == 3

    def test_a_retry_waits_for_its_time_and_one_delivery_is_reported_under_one_id(
        self, make_server: Make, double: OptimizelyDouble
    ) -> None:
        double.next(EVENTS, Answer(503))
        clock = ManualClock(NOON)
        segment = make_server(clock)
        segment.post("/v1/track", TRACK)
        double.wait_for("/_emulator/deliveries")
        (pending,) = segment.deliveries(state="pending", outcome="pending")
        assert 750 <= pending["retry_at"] - NOON <= 1250
        clock.advance(0.5)
        assert segment.get("/_forwarder/deliveries?state=done&wait=0.6").json()["deliveries"] == []
        clock.advance(1)
        segment.ended()
        reports = double.reports()
        assert [report["outcome"] for report in reports] == ["pending", "sent"]
        assert len({report["id"] for report in reports}) == 1

    def test_figures_tell_what_was_accepted_sent_and_tried_again(
        self, make_server: Make, double: OptimizelyDouble
    ) -> None:
        clock = ManualClock(NOON)
        segment = make_server(clock)
        segment.post("/v1/page", {"userId": "u"})
        segment.ended()
        double.next(EVENTS, Answer(503), Answer(503))
        segment.post("/v1/track", TRACK)
        for tried in (1, 2):
            # Reported with so many attempts: the next one waits for its time.
            double.wait_for("/_emulator/deliveries", 1 + tried)
            clock.advance(60)
        segment.ended(2)
        answer = segment.get("/_forwarder/metrics")
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        found = [line for line in answer.text.splitlines() if not line.startswith("#")]
        assert found == [
            "optilocal_accepted_total 2",
            "optilocal_waiting 0",
            'optilocal_deliveries{outcome="not_subscribed"} 1',
            'optilocal_deliveries{outcome="sent"} 1',
            'optilocal_retries_total{outcome="pending"} 1',
            'optilocal_retries_total{outcome="sent"} 1',
        ]

    def test_a_report_that_was_not_taken_is_told_again(
        self, make_server: Make, double: OptimizelyDouble
    ) -> None:
        double.next("/_emulator/deliveries", Answer(503), Answer(broken="reset"))
        segment = make_server()
        segment.post("/v1/track", TRACK)
        (told,) = segment.ended()
        assert told["number"] == 41
        assert len(double.to(EVENTS)) == 1
        assert len(double.reports()) == 3

    def test_the_listing_pages_filters_and_waits(self, segment: SegmentSide) -> None:
        for number in range(5):
            segment.post("/v1/page", {"userId": "u", "messageId": f"m-{number}"})
        segment.ended(5)
        first = segment.get("/_forwarder/deliveries?limit=2").json()
        second = segment.get(f"/_forwarder/deliveries?limit=2&after={first['next']}").json()
        newest = segment.get("/_forwarder/deliveries?limit=2&order=newest").json()["deliveries"]
        assert [one["row"] for one in newest] == sorted((one["row"] for one in newest), reverse=True)
        assert newest[0]["row"] > first["deliveries"][-1]["row"]
        ids = [row["message_id"] for row in first["deliveries"] + second["deliveries"]]
        assert ids == ["m-0", "m-1", "m-2", "m-3"]
        assert segment.deliveries(message_id="m-3")[0]["row"] == second["next"]
        assert segment.get("/_forwarder/deliveries?type=track").json()["deliveries"] == []
        assert len(segment.deliveries(5, state="ended")) == 5

    @pytest.mark.parametrize(
        "query", ["after=x", "limit=-1", "wait=soon", "wait=nan", "count=1.5", "colour=red", "state=odd"]
    )
    def test_a_parameter_that_is_none_is_refused(self, segment: SegmentSide, query: str) -> None:
        answer = segment.get(f"/_forwarder/deliveries?{query}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_parameter")


class TestGuard:
    PATHS = ("/_forwarder/health", "/_forwarder/deliveries", "/regulations", "/ns/blue/_forwarder/settings")

    @pytest.mark.parametrize("path", PATHS)
    @pytest.mark.parametrize(
        ("headers", "code"),
        [
            ({"host": "evil.example"}, "foreign_host"),
            ({"host": "127.0.0.1.evil.example"}, "foreign_host"),
            ({"origin": "https://evil.example"}, "foreign_origin"),
            ({"origin": "null"}, "foreign_origin"),
            ({"origin": "http://["}, "foreign_origin"),
            ({"origin": "http://192.0.2.7"}, "foreign_origin"),
            ({"origin": "http://localhost:8410"}, "foreign_origin"),
            ({"origin": "http://evil.localhost"}, "foreign_origin"),
            ({"sec-fetch-site": "cross-site"}, "foreign_origin"),
            ({"sec-fetch-site": "same-site", "sec-fetch-mode": "navigate"}, "foreign_origin"),
            ({"host": "8.8.8.8"}, "foreign_host"),
        ],
    )
    def test_strangers_are_refused(
        self, segment: SegmentSide, path: str, headers: dict[str, str], code: str
    ) -> None:
        answer = segment.get(path, headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, code)

    @pytest.mark.parametrize("path", PATHS)
    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"host": "localhost:8411"},
            {"host": "[::1]"},
            {"host": "localhost:8411", "origin": "http://localhost:8411", "sec-fetch-site": "same-origin"},
        ],
    )
    def test_this_machine_is_not(self, segment: SegmentSide, path: str, headers: dict[str, str]) -> None:
        assert segment.get(path, headers=headers).status_code == 200

    def test_a_name_can_be_allowed(self, make_server: Make) -> None:
        segment = make_server(allowed_hosts=("segment.test",))
        assert segment.get("/_forwarder/health", headers={"host": "Segment.test:8411"}).status_code == 200

    def test_containers_know_each_other_by_one_label(self, make_server: Make) -> None:
        everywhere, here = make_server(host="0.0.0.0"), make_server()
        name = {"host": "forwarder:8411"}
        assert everywhere.get("/_forwarder/health", headers=name).status_code == 200
        assert here.get("/_forwarder/health", headers=name).status_code == 403
        assert everywhere.get("/_forwarder/health", headers={"host": "evil.example"}).status_code == 403

    def test_events_are_taken_under_any_name(self, segment: SegmentSide) -> None:
        headers = {"host": "api.segment.io", "origin": "https://shop.example"}
        assert segment.post("/v1/track", TRACK, headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/_forwarder/none", 404),
        ("DELETE", "/_forwarder/health", 405),
        ("PUT", "/v1/track", 405),
        ("GET", "/regulations/x/y/z", 404),
    ],
)
def test_every_other_address_is_a_problem(segment: SegmentSide, method: str, path: str, status: int) -> None:
    answer = requests.request(method, segment.url + path, timeout=10)
    assert answer.status_code == status
    assert set(answer.json()["error"]) == {"code", "message"}


def test_the_settings_of_the_start_are_used(make_server: Make, double: OptimizelyDouble) -> None:
    segment = make_server(destination={"dataFileUrl": DATAFILE_URL, "accountId": "9"})
    segment.post("/v1/track", TRACK)
    segment.ended()
    assert [one.path for one in double.to("/datafiles/")] == ["/datafiles/shop.json"]


def test_idle_connections_keep_nobody_out_and_do_not_keep_it_from_stopping(make_server: Make) -> None:
    segment = make_server()
    address = ("127.0.0.1", segment.server.port)
    idle = [socket.create_connection(address) for _ in range(300)]
    assert segment.get("/_forwarder/health").status_code == 200
    segment.server.stop()
    for connection in idle:
        assert connection.recv(1) == b""
        connection.close()
