"""One source event through the platform: outcomes, attempts, several mappings, reports."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from in_process import InProcess
from optimizely_double import DATAFILE, DATAFILE_URL, NOON, Answer, OptimizelyDouble

from optilocal.forwarder.clock import ManualClock
from optilocal.forwarder.pipeline.offline import OfflineClient, datafile_answer

Make = Callable[..., InProcess]
Event = dict[str, Any]
JSON = {"content-type": "application/json"}
DATAFILES, EVENTS = "/datafiles/", "/v1/events"


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


def test_offline_nothing_is_sent_and_nothing_reported(
    make_forwarder: Make, double: OptimizelyDouble, clock: ManualClock, order_completed: Event
) -> None:
    served = datafile_answer('{"accountId": "1", "events": [{"key": "Order Completed", "id": "e"}]}')
    offline = make_forwarder(
        client=lambda attempt: OfflineClient(
            lambda: served, optimizely="http://emulator/ns/blue", clock=clock, attempt=attempt
        ),
        reporter=None,
    )
    delivery = offline.deliver(order_completed)
    assert (delivery.outcome, delivery.number, double.received) == ("sent", None, [])
    assert [(row["to"], row["sent_to"], row["status"], row["at"]) for row in delivery.report["requests"]] == [
        ("datafile", f"http://emulator/ns/blue{urlsplit(DATAFILE_URL).path}", 200, NOON),
        ("events", "http://emulator/ns/blue/v1/events", 204, NOON),
    ]


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
        assert forwarder.deliver(order_completed).outcome == "suppressed_user"
        assert forwarder.delete("u-1", "UNSUPPRESS") is None
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
            "not valid JSON: <p>",
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
def test_whatever_comes_in_ends_in_an_outcome_and_a_report(shared_forwarder: InProcess, event: Event) -> None:
    delivery = shared_forwarder.deliver(event)
    assert delivery.outcome != "pending"
    assert delivery.retry_at is None
    assert delivery.number == 41
