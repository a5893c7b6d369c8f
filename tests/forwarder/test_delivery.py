"""One source event through the platform: outcomes, attempts, several mappings, reports."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optimizely_double import DATAFILE, DATAFILE_URL, NOON, Answer, OptimizelyDouble

from forwarder.clock import ManualClock
from forwarder.delivery import ConfigurationError, Forwarder
from forwarder.destination import DEFAULT_MAPPING, Mapping
from forwarder.retry import RetryPolicy, is_retried_status

Make = Callable[..., Forwarder]
Event = dict[str, Any]
JSON = {"content-type": "application/json"}
DATAFILES, EVENTS = "/datafiles/", "/v1/events"
FIELDS = DEFAULT_MAPPING.fields


def test_an_event_is_sent_and_reported(
    make_forwarder: Make, double: OptimizelyDouble, order_completed: Event
) -> None:
    forwarder = make_forwarder()
    delivery = forwarder.deliver(order_completed)
    assert (delivery.outcome, delivery.number, delivery.retry_at) == ("sent", 41, None)
    (batch,) = double.to(EVENTS)
    sent = batch.json["visitors"][0]
    assert sent["visitor_id"] == "u-1"
    assert sent["snapshots"][0]["events"][0]["uuid"] == "m-1"
    (report,) = double.reports()
    assert report == delivery.report
    assert report["source_event"] == order_completed
    assert (report["message_id"], report["event"], report["user_id"]) == ("m-1", "Order Completed", "u-1")
    assert (report["mapping"], report["trigger"]) == ("Track Event", 'type = "track"')
    assert (report["visitor_id"], report["event_key"]) == ("u-1", "Order Completed")
    assert (report["received_at"], report["error"], report["details"]) == (NOON, None, [])
    assert [(row["to"], row["status"], row["attempt"]) for row in report["requests"]] == [
        ("datafile", 200, 1),
        ("events", 204, 1),
    ]
    expected = {"number": 1, "at": NOON, "outcome": "sent", "error": None, "retry_at": None}
    assert report["attempts"] == [expected]
    assert forwarder.request_counts == {"datafile": 1, "events": 1, "privacy": 0}


def test_without_reports_the_emulators_own_surface_is_left_alone(
    make_forwarder: Make, double: OptimizelyDouble, order_completed: Event
) -> None:
    delivery = make_forwarder(report=False).deliver(order_completed)
    assert (delivery.outcome, delivery.number, double.reports()) == ("sent", None, [])


def test_a_report_that_gets_lost_spoils_no_delivery(
    make_forwarder: Make, double: OptimizelyDouble, order_completed: Event
) -> None:
    double.usual["/_emulator/deliveries"] = Answer(500, "no")
    delivery = make_forwarder().deliver(order_completed)
    assert (delivery.outcome, delivery.number, delivery.reported) == ("sent", None, False)


class TestThePlatformInFront:
    def test_a_second_event_with_the_same_message_id_is_a_duplicate(
        self, make_forwarder: Make, double: OptimizelyDouble, clock: ManualClock, order_completed: Event
    ) -> None:
        forwarder = make_forwarder()
        first = forwarder.deliver(order_completed)
        clock.advance(24 * 3600 - 1)
        second = forwarder.deliver(order_completed)
        assert second.outcome == "duplicate"
        assert first.id in second.report["details"][0]
        assert (second.report["requests"], second.report["attempts"]) == ([], [])
        clock.advance(1)
        assert forwarder.deliver(order_completed).outcome == "sent"
        assert len(double.to(EVENTS)) == 2

    def test_a_suppressed_user_is_blocked_before_the_message_id_counts(
        self, make_forwarder: Make, double: OptimizelyDouble, order_completed: Event
    ) -> None:
        forwarder = make_forwarder()
        assert forwarder.delete("u-1", "SUPPRESS_ONLY") is None
        assert forwarder.suppressed == ["u-1"]
        assert forwarder.deliver(order_completed).outcome == "suppressed_user"
        assert forwarder.delete("u-1", "UNSUPPRESS") is None
        assert forwarder.suppressed == []
        assert forwarder.deliver(order_completed).outcome == "sent"
        assert double.to("/v2/") == []

    @pytest.mark.parametrize(
        ("integrations", "outcome"),
        [
            ({"All": False}, "not_subscribed"),
            ({"Optimizely Feature Experimentation (Actions)": False}, "not_subscribed"),
            ({"All": False, "Optimizely Feature Experimentation (Actions)": True}, "sent"),
            ({"All": False, "Optimizely Feature Experimentation (Actions)": {"x": 1}}, "sent"),
            ({"All": True}, "sent"),
            ({"optimizely feature experimentation (actions)": False}, "sent"),
            ({"Optimizely": False}, "sent"),
            (None, "sent"),
        ],
    )
    def test_the_integrations_object_decides_by_the_exact_name(
        self, make_forwarder: Make, order_completed: Event, integrations: Any, outcome: str
    ) -> None:
        delivery = make_forwarder().deliver({**order_completed, "integrations": integrations})
        assert delivery.outcome == outcome
        assert ("integrations" in " ".join(delivery.report["details"])) == (outcome != "sent")


@pytest.mark.parametrize(
    ("datafile", "outcome", "says", "error"),
    [
        (
            Answer(403, "no", JSON),
            "datafile_unavailable",
            "answered 403 Forbidden",
            ("HTTPError", "Forbidden"),
        ),
        (Answer(304, "", JSON), "datafile_unavailable", "answered 304", ("HTTPError", "Not Modified")),
        (
            Answer(body=json.dumps(DATAFILE), headers={"content-type": "text/plain"}),
            "datafile_unavailable",
            "'text/plain'",
            ("PayloadValidationError", "Event with name Order Completed is not defined"),
        ),
        (
            Answer(body="{}", headers=JSON),
            "datafile_unavailable",
            "no list of events",
            ("PayloadValidationError", "Event with name Order Completed is not defined"),
        ),
        (Answer(body="", headers=JSON), "datafile_unavailable", "empty", ("IntegrationError", "")),
        (
            Answer(body="\ufeff{}", headers=JSON),
            "datafile_unavailable",
            "byte order mark",
            ("IntegrationError", "\ufeff{}"),
        ),
        (
            Answer(body="<p>", headers=JSON),
            "datafile_unavailable",
            "no JSON: <p>",
            ("IntegrationError", "<p>"),
        ),
        (
            Answer(body="The project has been deactivated.", headers=JSON),
            "project_deactivated",
            "deactivated",
            ("IntegrationError", "The project has been deactivated."),
        ),
        (
            Answer(body='{"events": [{"id": "1", "key": "order completed"}]}', headers=JSON),
            "unmatched_event_key",
            "not defined",
            ("PayloadValidationError", "Event with name Order Completed is not defined"),
        ),
    ],
)
def test_what_the_datafile_can_do_to_an_event(
    make_forwarder: Make,
    double: OptimizelyDouble,
    order_completed: Event,
    datafile: Answer,
    outcome: str,
    says: str,
    error: tuple[str, str],
) -> None:
    double.usual[DATAFILES] = datafile
    delivery = make_forwarder().deliver(order_completed)
    assert delivery.outcome == outcome
    assert says in " ".join(delivery.report["details"])
    assert (delivery.report["error"]["name"], delivery.report["error"]["message"]) == error
    assert len(delivery.report["attempts"]) == 1
    assert delivery.report["visitor_id"] == "u-1"
    assert double.to(EVENTS) == []


def test_a_datafile_that_is_null_is_a_type_error_and_tried_again(
    make_forwarder: Make, double: OptimizelyDouble, order_completed: Event
) -> None:
    double.next(DATAFILES, Answer(body="null", headers=JSON))
    delivery = make_forwarder().deliver(order_completed)
    assert delivery.outcome == "sent"
    first = delivery.report["attempts"][0]
    assert (first["outcome"], first["error"]["name"]) == ("datafile_unavailable", "TypeError")


def test_every_message_of_an_invalid_event_is_kept(make_forwarder: Make, order_completed: Event) -> None:
    order_completed["properties"]["revenue"] = 19.99
    order_completed["userId"] = ""
    report = make_forwarder().deliver(order_completed).report
    assert report["outcome"] == "invalid_payload"
    assert report["details"] == [
        "The root value is missing the required field 'userId'.",
        "Revenue must be an integer but it was a number.",
    ]
    assert report["error"]["status"] == 400
    assert report["requests"] == []


@pytest.mark.parametrize(
    ("settings", "detail"),
    [
        (
            {"dataFileUrl": DATAFILE_URL},
            "destination settings: The root value is missing the required field 'accountId'.",
        ),
        (
            {"accountId": "1", "dataFileUrl": "not a url"},
            "destination settings: Datafile URL must be a valid URI string but it was not.",
        ),
    ],
)
def test_wrong_settings_stop_every_event_and_are_named(
    make_forwarder: Make, order_completed: Event, settings: dict[str, Any], detail: str
) -> None:
    report = make_forwarder(settings).deliver({**order_completed, "type": "page"}).report
    assert (report["outcome"], report["details"], report["mappings"]) == ("invalid_payload", [detail], [])


class TestRetries:
    def test_each_attempt_fetches_the_datafile_anew_and_waits_longer(
        self, make_forwarder: Make, double: OptimizelyDouble, clock: ManualClock, order_completed: Event
    ) -> None:
        double.next(EVENTS, Answer(503), Answer(broken="hang_up"), Answer(429))
        delivery = make_forwarder().deliver(order_completed)
        assert delivery.outcome == "sent"
        assert len(double.to(DATAFILES)) == len(double.to(EVENTS)) == 4
        assert [row["attempt"] for row in delivery.report["requests"]] == [1, 1, 2, 2, 3, 3, 4, 4]
        outcomes = [attempt["outcome"] for attempt in delivery.report["attempts"]]
        assert outcomes == ["delivery_failed"] * 3 + ["sent"]
        assert [round(sum(clock.slept[:n])) for n in (1, 2, 3)] == sorted(
            round(sum(clock.slept[:n])) for n in (1, 2, 3)
        )
        for expected, slept in zip((1, 8, 64), clock.slept, strict=True):
            assert 0.75 * expected <= slept <= 1.25 * expected

    def test_the_emulator_hears_of_a_pending_delivery_and_then_of_its_end_under_one_id(
        self, make_forwarder: Make, double: OptimizelyDouble, order_completed: Event
    ) -> None:
        double.next(EVENTS, Answer(500))
        make_forwarder().deliver(order_completed)
        pending, sent = double.reports()
        assert (pending["outcome"], sent["outcome"]) == ("pending", "sent")
        assert pending["id"] == sent["id"]
        assert pending["attempts"][0]["retry_at"] > NOON
        assert pending["details"][0].endswith("answered 500 Internal Server Error")

    def test_six_attempts_are_all(
        self, make_forwarder: Make, double: OptimizelyDouble, clock: ManualClock, order_completed: Event
    ) -> None:
        double.usual[EVENTS] = Answer(503)
        delivery = make_forwarder().deliver(order_completed)
        assert delivery.outcome == "delivery_failed"
        assert len(double.to(EVENTS)) == 6
        assert delivery.report["attempts"][-1]["retry_at"] is None
        assert clock.now_ms() - NOON < 4 * 3600 * 1000

    def test_no_attempt_is_later_than_the_limit(
        self, make_forwarder: Make, double: OptimizelyDouble, order_completed: Event
    ) -> None:
        double.usual[EVENTS] = Answer(503)
        retry = RetryPolicy(attempts=100, limit_s=3600, base_s=600, factor=1, jitter=0)
        delivery = make_forwarder(retry=retry).deliver(order_completed)
        assert [attempt["at"] - NOON for attempt in delivery.report["attempts"]] == [
            n * 600_000 for n in range(7)
        ]

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 413, 460, 501])
    def test_what_is_final_is_not_tried_again(
        self, make_forwarder: Make, double: OptimizelyDouble, order_completed: Event, status: int
    ) -> None:
        double.usual[EVENTS] = Answer(status)
        delivery = make_forwarder().deliver(order_completed)
        assert delivery.outcome == "delivery_failed"
        assert len(double.to(EVENTS)) == 1

    @given(st.integers(200, 999))
    def test_the_statuses_of_segments_framework(self, status: int) -> None:
        listed = {408, 423, 429} | (set(range(500, 1000)) - {501})
        assert is_retried_status(status) == (status in listed)

    def test_a_retry_is_no_duplicate_of_itself_and_a_replay_takes_up_a_dead_letter(
        self, make_forwarder: Make, double: OptimizelyDouble, order_completed: Event
    ) -> None:
        double.usual[EVENTS] = Answer(503)
        forwarder = make_forwarder()
        dead = forwarder.deliver(order_completed)
        double.usual[EVENTS] = Answer(204)
        replayed = forwarder.finish(forwarder.replay(dead))
        assert replayed.outcome == "sent"
        assert replayed.id == dead.id
        assert [attempt["number"] for attempt in replayed.report["attempts"]] == [1, 2, 3, 4, 5, 6, 7]


class TestSeveralMappings:
    PAGES = Mapping("Pages", 'type = "page"', FIELDS)
    OFF = Mapping("Off", 'type = "track"', FIELDS, enabled=False)
    UNKNOWN = Mapping("Unknown", 'type = "track"', {**FIELDS, "eventKey": "nowhere"})

    def test_the_one_that_got_furthest_speaks_and_all_are_listed(
        self, make_forwarder: Make, order_completed: Event
    ) -> None:
        mappings = (self.PAGES, self.OFF, self.UNKNOWN, DEFAULT_MAPPING)
        report = make_forwarder(mappings=mappings).deliver(order_completed).report
        assert (report["outcome"], report["mapping"]) == ("sent", "Track Event")
        assert [
            (row["name"], row["enabled"], row["matched"], row["outcome"]) for row in report["mappings"]
        ] == [
            ("Pages", True, False, "not_subscribed"),
            ("Off", False, False, "disabled"),
            ("Unknown", True, True, "unmatched_event_key"),
            ("Track Event", True, True, "sent"),
        ]
        assert [row["to"] for row in report["requests"]] == ["datafile", "datafile", "events"]
        assert report["mappings"][2]["payload"]["eventKey"] == "nowhere"

    def test_each_match_makes_its_own_requests(self, make_forwarder: Make, order_completed: Event) -> None:
        forwarder = make_forwarder(mappings=(DEFAULT_MAPPING, Mapping("Again", 'type = "track"', FIELDS)))
        assert forwarder.deliver(order_completed).outcome == "sent"
        assert forwarder.request_counts == {"datafile": 2, "events": 2, "privacy": 0}

    def test_only_the_mapping_that_failed_is_tried_again(
        self, make_forwarder: Make, double: OptimizelyDouble, order_completed: Event
    ) -> None:
        double.next(EVENTS, Answer(503))
        forwarder = make_forwarder(mappings=(DEFAULT_MAPPING, Mapping("Again", 'type = "track"', FIELDS)))
        report = forwarder.deliver(order_completed).report
        assert [row["outcome"] for row in report["mappings"]] == ["sent", "sent"]
        assert len(double.to(EVENTS)) == 3

    @pytest.mark.parametrize(
        ("mappings", "says"),
        [
            ((PAGES,), "no trigger matches: 'Pages' (type = \"page\")"),
            ((OFF,), "no mapping is enabled"),
            ((), "no mapping is enabled"),
        ],
    )
    def test_none_matching_is_said(
        self, make_forwarder: Make, order_completed: Event, mappings: tuple[Mapping, ...], says: str
    ) -> None:
        report = make_forwarder(mappings=mappings).deliver(order_completed).report
        assert (report["outcome"], report["requests"]) == ("not_subscribed", [])
        assert report["details"][0] == says

    def test_the_fifty_first_is_refused(self, make_forwarder: Make) -> None:
        make_forwarder(mappings=(DEFAULT_MAPPING,) * 50)
        with pytest.raises(ConfigurationError, match=r"51 mappings.*at most 50"):
            make_forwarder(mappings=(DEFAULT_MAPPING,) * 51)

    @pytest.mark.parametrize(
        ("mapping", "says"),
        [
            (
                Mapping("A", 'type = "track"', {"eventKey": {"@nope": 1}}),
                "mapping 'A': /eventKey has an invalid directive: @nope.",
            ),
            (Mapping("B", 'anonymousId = "x"', FIELDS), "mapping 'B': Invalid subscription : "),
            (Mapping("C", "", FIELDS), "mapping 'C': Failed to validate subscription"),
        ],
    )
    def test_a_mapping_that_cannot_work_is_refused_when_configured(
        self, make_forwarder: Make, mapping: Mapping, says: str
    ) -> None:
        with pytest.raises(ConfigurationError) as caught:
            make_forwarder(mappings=(mapping,))
        assert str(caught.value).startswith(says)

    def test_a_mapping_that_fails_on_this_event_makes_the_payload_invalid(
        self, make_forwarder: Make, order_completed: Event
    ) -> None:
        fields = {**FIELDS, "eventTags": {"@path": {"@path": "$.nowhere"}}}
        report = (
            make_forwarder(mappings=(Mapping("Inner", 'type = "track"', fields),))
            .deliver(order_completed)
            .report
        )
        assert (report["outcome"], len(report["attempts"])) == ("invalid_payload", 1)
        assert "@path: expected string, got undefined" in report["details"][0]


class TestDeletion:
    SETTINGS: ClassVar = {"accountId": "12001", "dataFileUrl": DATAFILE_URL, "accessToken": "pat-1"}

    def test_it_names_the_account_and_not_the_user(
        self, make_forwarder: Make, double: OptimizelyDouble
    ) -> None:
        forwarder = make_forwarder(self.SETTINGS)
        delivery = forwarder.delete("u-1")
        assert delivery is not None
        assert (delivery.outcome, delivery.report["type"], delivery.report["user_id"]) == (
            "deleted",
            "delete",
            "u-1",
        )
        (request,) = double.to("/v2/subject-access-requests")
        assert request.headers["authorization"] == "Bearer pat-1"
        assert request.json == {
            "data_type": "visitor",
            "identifier": "12001",
            "identifier_type": "dcp_id",
            "request_type": "delete",
        }
        assert "pat-1" not in json.dumps(delivery.report)
        assert forwarder.suppressed == ["u-1"]
        assert forwarder.request_counts["privacy"] == 1
        assert delivery.report["message_id"].startswith("delete-")

    @pytest.mark.parametrize(
        ("regulation", "reaches", "suppresses"),
        [
            ("SUPPRESS_WITH_DELETE", True, True),
            ("DELETE_ONLY", True, False),
            ("SUPPRESS_ONLY", False, True),
            ("UNSUPPRESS", False, False),
            ("DELETE_INTERNAL", False, False),
            ("SUPPRESS_WITH_DELETE_INTERNAL", False, True),
            ("DELETE_ARCHIVE_ONLY", False, False),
        ],
    )
    def test_which_regulation_does_what(
        self,
        make_forwarder: Make,
        double: OptimizelyDouble,
        regulation: str,
        reaches: bool,
        suppresses: bool,
    ) -> None:
        forwarder = make_forwarder(self.SETTINGS)
        assert (forwarder.delete("u-1", regulation) is not None) == reaches
        assert (len(double.to("/v2/")) == 1) == reaches
        assert (forwarder.suppressed == ["u-1"]) == suppresses

    def test_an_unknown_regulation_is_refused_in_one_line(self, make_forwarder: Make) -> None:
        with pytest.raises(
            ValueError, match=r"^regulation type 'ERASE' is not known; use one of DELETE_ARCHIVE_ONLY, "
        ):
            make_forwarder().delete("u-1", "ERASE")

    def test_without_a_token_nothing_is_sent(self, make_forwarder: Make, double: OptimizelyDouble) -> None:
        delivery = make_forwarder().delete("u-1")
        assert delivery is not None
        assert delivery.outcome == "delivery_failed"
        assert delivery.report["details"] == ["Access Token is required for user deletion."]
        assert delivery.report["error"]["code"] == "INVALID_AUTHENTICATION"
        assert double.to("/v2/") == []

    def test_a_failed_deletion_is_tried_again_and_a_refused_one_is_not(
        self, make_forwarder: Make, double: OptimizelyDouble
    ) -> None:
        double.next("/v2/subject-access-requests", Answer(502), Answer(201, "{}"), Answer(401, "{}"))
        forwarder = make_forwarder(self.SETTINGS)
        first, second = forwarder.delete("u-1"), forwarder.delete("u-2")
        assert first is not None and second is not None
        assert [attempt["outcome"] for attempt in first.report["attempts"]] == ["delivery_failed", "deleted"]
        assert (second.outcome, len(second.report["attempts"])) == ("delivery_failed", 1)


@settings(deadline=None, max_examples=60)
@given(
    event=st.dictionaries(
        st.sampled_from(
            [
                "type",
                "event",
                "userId",
                "anonymousId",
                "messageId",
                "timestamp",
                "properties",
                "context",
                "integrations",
            ]
        ),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: (
                st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
            ),
            max_leaves=6,
        ),
    )
)
def test_whatever_comes_in_ends_in_an_outcome_and_a_report(shared_forwarder: Forwarder, event: Event) -> None:
    delivery = shared_forwarder.deliver(event)
    assert delivery.outcome != "pending"
    assert delivery.retry_at is None
    assert delivery.number == 41
