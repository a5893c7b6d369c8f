"""Verdicts on what ended at Segment, in its destination, at the datafile or on the way; and deletions."""

import json

import pytest
from field_builders import NOW, SECOND, codes, datafile, history
from verdict_builders import (
    CDN,
    IN_CHECKOUT,
    LOGX,
    NOTHING,
    delivery,
    judged,
    sent,
)

from optilocal.emulator.datafile.history import DatafileHistory

# -- unmatched keys


@pytest.mark.parametrize(
    ("key", "nearest", "how"),
    [
        ("order completed", "Order Completed", "differs in case"),
        ("Order Completed ", "Order Completed", "ends with a space"),
        ("order_completed", "Order Completed", "in case and spacing"),
        ("Order Compleet", "Order Completed", "in spelling"),
    ],
)
def test_an_unmatched_key_names_the_closest_and_how_it_differs(key, nearest, how):
    found = judged(delivery("unmatched_event_key", event_key=key))
    assert found["nearest"] == [nearest]
    assert json.dumps(nearest)[1:-1] in found["remedy"] and how in found["explanation"]
    assert any(how in detail for detail in found["details"])


def test_a_datafile_that_does_have_the_event_is_reported_as_another_one():
    found = judged(delivery("unmatched_event_key"))
    assert "another or an older one was fetched" in " ".join(found["details"])


def test_an_unmatched_key_far_from_all_others_has_none_nearest():
    found = judged(delivery("unmatched_event_key", event_key="Wishlist Shared"))
    assert found["nearest"] == [] and '"Wishlist Shared"' in found["remedy"]


def test_an_event_that_was_renamed_is_found_by_its_id():
    renamed = datafile(revision="2", events=[{"id": "ev-order", "key": "Order Placed", "experimentIds": []}])
    past = history((0, datafile()), (NOW, renamed))
    found = judged(delivery("unmatched_event_key"), past=past)
    assert found["nearest"] == ["Order Placed"] and '"Order Placed"' in found["remedy"]
    assert 'is now called "Order Placed"' in found["explanation"]


def test_the_datafile_that_was_fetched_is_the_one_looked_in():
    other = datafile(sdkKey="sdk-2", events=[{"id": "1", "key": "order completed", "experimentIds": []}])
    past = DatafileHistory({"sdk-1": [(0, datafile())], "sdk-2": [(0, other)]})
    fetched = [{"to": "datafile", "url": CDN.replace("sdk-1", "sdk-2"), "at": NOW, "status": 200}]
    found = judged(delivery("unmatched_event_key", requests=fetched), past=past)
    assert found["nearest"] == ["order completed"]
    assert any("another environment's" in detail for detail in found["details"])


SEGMENTS_TEXT = "Event with name order completed is not defined"


@pytest.mark.parametrize("told", [[], [SEGMENTS_TEXT], ["The datafile is of revision 7.", SEGMENTS_TEXT]])
def test_the_details_begin_with_segments_own_text(told):
    error = {"name": "PayloadValidationError", "message": SEGMENTS_TEXT, "status": 400}
    report = delivery("unmatched_event_key", event_key="order completed", error=error, details=told)
    details = judged(report)["details"]
    assert details[0] == SEGMENTS_TEXT and set(told) <= set(details)
    assert details.count(SEGMENTS_TEXT) == 1


@pytest.mark.parametrize("outcome", ["datafile_unavailable", "project_deactivated", "delivery_failed"])
def test_every_message_of_a_failure_is_a_detail(outcome):
    report = delivery(outcome, error={"message": "Forbidden"}, details=["the datafile answered 403", ""])
    assert judged(report)["details"] == ["Forbidden", "the datafile answered 403"]


def test_an_event_without_an_id_is_told_from_one_that_is_not_there():
    events = [{"id": "", "key": "Order Completed", "experimentIds": ["exp-checkout"]}]
    found = judged(delivery("unmatched_event_key"), past=history((0, datafile(events=events))))
    assert "without an id" in found["explanation"] and "its id" in found["remedy"]
    assert "no event with exactly" not in found["explanation"]


def test_what_was_served_decides_whether_the_event_had_an_id():
    served = json.dumps({"events": [{"id": 0, "key": "Order Completed"}, {"id": 5, "key": "Signed Up"}]})
    requests = [{"to": "datafile", "url": CDN, "status": 200, "response": served}]
    assert "without an id" in judged(delivery("unmatched_event_key", requests=requests))["explanation"]
    other = judged(delivery("unmatched_event_key", event_key="Signed up", requests=requests))
    assert "without an id" not in other["explanation"]


def test_an_event_that_a_newer_revision_has_is_to_be_tracked_again():
    old = datafile(events=[])
    past = history((0, old), (NOW + 60 * SECOND, datafile(revision="2")))
    found = judged(delivery("unmatched_event_key"), past=past)
    assert "Create an event" not in found["remedy"] and "newer revision" in found["remedy"]


# -- delivery


@pytest.mark.parametrize(
    ("request_made", "says"),
    [
        ({"status": 403, "reason": "Forbidden"}, "SDK key it does not know"),
        ({"status": 403, "url": "https://config.optimizely.com/datafiles/auth/sdk-1.json"}, "access token"),
        ({"status": 404}, "answered 404"),
        ({"status": 503}, "answered 503"),
        ({"status": None, "error": "connect ECONNREFUSED"}, "connect ECONNREFUSED"),
        ({"status": None, "error": {"message": "Request timed out after 10000ms"}}, "timed out"),
        ({"status": 200, "response": ""}, "body is empty"),
        ({"status": 200, "response": "null"}, "body is null"),
        ({"status": 200, "response": "<html>"}, "not JSON"),
        ({"status": 200, "response": "{}"}, "no list of events"),
        ({"status": 200, "response": json.dumps(datafile())}, "content type"),
    ],
)
def test_why_there_was_no_datafile_is_told(request_made, says):
    requests = [{"to": "datafile", "url": CDN, **request_made}]
    found = judged(delivery("datafile_unavailable", requests=requests))
    assert says in found["explanation"] and found["conditions"] == NOTHING


def test_a_forwarder_that_knows_why_the_body_was_unusable_is_believed():
    requests = [{"to": "datafile", "url": CDN, "status": 200, "response": "{}"}]
    details = ["the datafile came with content type 'text/plain'"]
    error = {"message": "Event with name Order Completed is not defined"}
    found = judged(delivery("datafile_unavailable", requests=requests, details=details, error=error))
    assert details[0] in found["explanation"] and any(
        error["message"] in detail for detail in found["details"]
    )


def test_attempts_are_told_one_by_one():
    attempts = [
        {
            "number": n,
            "at": NOW + n * SECOND,
            "outcome": "delivery_failed",
            "error": {"message": "Busy"},
            "retry_at": None,
        }
        for n in (1, 2)
    ]
    requests = [{"to": "events", "url": LOGX, "status": 503}] * 2
    found = judged(delivery("delivery_failed", attempts=attempts, requests=requests))
    assert "2 attempts: the Event API answered 503" in found["explanation"]
    assert found["details"] == [
        f"Attempt {n} at 2026-01-15 10:00:0{n} UTC: delivery_failed (Busy)." for n in (1, 2)
    ]


@pytest.mark.parametrize(("last", "expected"), [("delivery_failed", True), ("datafile_unavailable", None)])
def test_a_pending_delivery_stands_where_its_last_attempt_ended(last, expected):
    attempts = [{"number": 1, "at": NOW, "outcome": last, "error": None, "retry_at": NOW + 5 * SECOND}]
    found = judged(delivery("pending", attempts=attempts))
    assert found["outcome"] == last and found["conditions"]["event_key_matches"] is expected
    assert "A retry is due at 2026-01-15 10:00:05 UTC." in found["explanation"]


@pytest.mark.parametrize(
    "outcome", ["delivery_failed", "pending", "datafile_unavailable", "project_deactivated"]
)
def test_an_event_that_was_recorded_is_judged_by_the_results_though_its_answer_was_lost(outcome):
    found = judged(delivery(outcome), sent(), IN_CHECKOUT)
    assert found["outcome"] == "counted" and codes(found["warnings"]) == ["answer_lost"]


@pytest.mark.parametrize(
    ("status", "final"), [(400, True), (404, True), (501, True), (429, False), (503, False)]
)
def test_a_final_answer_of_the_event_api_is_told_from_a_passing_one(status, final):
    requests = [{"to": "events", "url": LOGX, "status": status}]
    found = judged(delivery("delivery_failed", requests=requests))
    assert f"answered {status}" in found["explanation"]
    assert ("is final" in found["remedy"]) is final


def test_an_invalid_payload_gives_every_message_and_a_remedy_for_each():
    messages = [
        "Revenue must be an integer but it was a number.",
        "The root value is missing the required field 'uuid'.",
    ]
    found = judged(delivery("invalid_payload", details=messages))
    assert found["details"] == messages
    assert "cents" in found["remedy"] and "messageId" in found["remedy"]


def test_what_was_not_subscribed_names_every_trigger():
    mappings = [
        {"name": "Orders", "trigger": 'event = "Order"', "enabled": True, "matched": False},
        {"name": "Off", "trigger": 'type = "track"', "enabled": False, "matched": False},
    ]
    found = judged(delivery("not_subscribed", mappings=mappings))
    assert 'event = "Order"' in found["details"][0] and "disabled" in found["details"][1]
    identify = judged(delivery("not_subscribed", type="identify", event=None))
    assert "context.traits" in " ".join(identify["details"]) and "identify" in identify["explanation"]
    blocked = judged(delivery("not_subscribed", details=['integrations says {"All": false}']))
    assert "integrations" in blocked["explanation"] and "integrations" in blocked["remedy"]


def test_where_every_mapping_is_disabled_the_remedy_is_to_enable_one():
    off = [{"name": name, "trigger": 'type = "track"', "enabled": False} for name in ("Orders", "All")]
    found = judged(delivery("not_subscribed", mappings=off, details=["no mapping is enabled"]))
    assert "all of the destination's mappings are disabled" in found["explanation"]
    assert found["remedy"].startswith("Enable a mapping") and '"Orders" or "All"' in found["remedy"]
    none = judged(delivery("not_subscribed", details=["no mapping is enabled"]))
    assert "Add a mapping" in none["remedy"]


def test_a_message_on_the_settings_stands_in_segments_own_words():
    details = ["destination settings: The root value is missing the required field 'accountId'."]
    found = judged(delivery("invalid_payload", details=details))
    assert found["details"] == ["The root value is missing the required field 'accountId'."]
    assert "destination settings" in found["explanation"] and "settings" in found["remedy"]


# -- deletion


def test_a_deletion_says_where_segments_page_and_code_differ():
    found = judged(delivery("deleted", type="delete"))
    assert "never sends the user's id" in " ".join(found["details"])
    assert "body was" not in " ".join(found["details"]) and "None" not in found["explanation"]


def test_a_deletion_says_whom_the_request_really_named():
    body = {
        "data_type": "visitor",
        "identifier": "12001",
        "identifier_type": "dcp_id",
        "request_type": "delete",
    }
    requests = [{"to": "privacy", "status": 201, "json": body}]
    found = judged(
        delivery("deleted", type="delete", event=None, payload=None, visitor_id=None, requests=requests)
    )
    assert (found["kind"], found["outcome"], found["conditions"]) == ("deletion", None, NOTHING)
    assert '"12001"' in found["explanation"] and 'nothing of "u" was erased' in found["explanation"]
    assert "fullstack_id" in found["remedy"] and '"u"' in found["remedy"]


def test_a_deletion_for_an_account_that_is_not_the_datafiles_says_so():
    requests = [{"to": "privacy", "status": 201, "json": {"identifier": "999", "identifier_type": "dcp_id"}}]
    found = judged(delivery("deleted", type="delete", requests=requests))
    assert 'another account: "12001"' in " ".join(found["details"])


def test_a_deletion_without_a_token_gives_segments_error():
    error = {
        "name": "InvalidAuthenticationError",
        "message": "Access Token is required for user deletion.",
        "status": 401,
    }
    found = judged(
        delivery("delivery_failed", type="delete", error={**error, "code": "INVALID_AUTHENTICATION"})
    )
    assert found["outcome"] is None and error["message"][:-1] in found["explanation"]
    assert "Personal Access Token" in found["remedy"] and "fullstack_id" in found["remedy"]


def test_a_deletion_that_optimizely_refused_did_reach_it():
    requests = [{"to": "privacy", "status": 403, "json": {}}]
    found = judged(
        delivery("delivery_failed", type="delete", requests=requests, error={"message": "Forbidden"})
    )
    assert 'Optimizely refused the deletion of user "u": 403 Forbidden.' in found["explanation"]
    assert "Personal Access Token that Optimizely accepts" in found["remedy"]


def test_a_key_that_a_mapping_made_is_corrected_in_the_mapping():
    found = judged(delivery("unmatched_event_key", event="Bought", event_key="order completed"))
    assert found["remedy"].startswith('Correct the mapping "Track Event"')
    assert '"Order Completed" of the event "Bought"' in found["remedy"]


@pytest.mark.parametrize(("fields", "said"), [(None, False), ({"revenue": {"@path": "$.total"}}, True)])
def test_a_mapping_with_fields_of_its_own_may_be_what_is_wrong(fields, said):
    mappings = [{"name": "Track Event", "enabled": True, "fields": fields}]
    details = ["Revenue must be an integer but it was a string."]
    found = judged(delivery("invalid_payload", mappings=mappings, details=details))
    assert ('correct the mapping "Track Event"' in found["remedy"]) is said
