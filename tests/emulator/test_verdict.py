"""Verdicts: every outcome, the first that applies, with its sentences, conditions and warnings."""

import json
from typing import Any

import pytest
from field_builders import NOW, SECOND, codes, conversion, datafile, decision, experiment, history
from hypothesis import given
from hypothesis import strategies as st

from emulator.datafile_history import DatafileHistory
from emulator.verdict import CONDITIONS, delivered_uuid, related_visitors, verdict

CDN = "https://cdn.optimizely.com/datafiles/sdk-1.json"
LOGX = "https://logx.optimizely.com/v1/events"


def delivery(outcome: str = "sent", **more: Any) -> dict[str, Any]:
    """A forwarder's report on a track call of user u."""
    properties = {"revenue": 4999, "value": 49.99}
    payload = {
        "eventKey": "Order Completed",
        "userId": "u",
        "uuid": "m-1",
        "attributes": {"plan": "gold"},
        "eventTags": properties,
        **properties,
    }
    return {
        "id": "delivery-1",
        "type": "track",
        "message_id": "m-1",
        "event": "Order Completed",
        "user_id": "u",
        "anonymous_id": "anon-1",
        "source_event": {
            "type": "track",
            "event": "Order Completed",
            "userId": "u",
            "properties": properties,
        },
        "received_at": NOW + SECOND,
        "outcome": outcome,
        "mapping": "Track Event",
        "trigger": 'type = "track"',
        "payload": payload,
        "visitor_id": "u",
        "event_key": "Order Completed",
        "error": None,
        "details": [],
        "requests": [],
        "attempts": [],
        "mappings": [],
        "warnings": [],
        **more,
    }


def sent(visitor: str = "u", **more: Any) -> Any:
    return conversion(visitor, uuid="m-1", client_name="Segment", number=7, **more)


def judged(
    report: Any = None, converted: Any = None, *decisions: Any, past: Any = None, **more: Any
) -> dict[str, Any]:
    return verdict(
        report, converted, decisions=decisions, history=history() if past is None else past, **more
    )


def conditions(
    key: bool | None, running: bool | None, identified: bool | None, activated: bool | None
) -> dict[str, Any]:
    return dict(zip(CONDITIONS, (key, running, identified, activated), strict=True))


NOTHING = conditions(None, None, None, None)
ANONYMOUS = {"user_id": None, "source_event": {}, "visitor_id": "anon-1"}
IN_CHECKOUT = decision("u", "checkout-b")
LATE = decision("u", "checkout-b", NOW + 60 * SECOND)

TABLE = {
    "suppressed": (delivery("suppressed_user"), None, (), "suppressed_user", NOTHING),
    "duplicate at Segment": (delivery("duplicate"), sent(), (IN_CHECKOUT,), "duplicate", NOTHING),
    "not subscribed": (delivery("not_subscribed"), None, (), "not_subscribed", NOTHING),
    "invalid": (delivery("invalid_payload"), None, (IN_CHECKOUT,), "invalid_payload", NOTHING),
    "no datafile": (delivery("datafile_unavailable"), None, (IN_CHECKOUT,), "datafile_unavailable", NOTHING),
    "deactivated": (delivery("project_deactivated"), None, (IN_CHECKOUT,), "project_deactivated", NOTHING),
    "unmatched": (
        delivery("unmatched_event_key", event_key="order completed"),
        None,
        (IN_CHECKOUT,),
        "unmatched_event_key",
        conditions(False, None, None, None),
    ),
    "not delivered": (
        delivery("delivery_failed"),
        None,
        (IN_CHECKOUT,),
        "delivery_failed",
        conditions(True, None, None, None),
    ),
    "lost on the way": (
        delivery("sent"),
        None,
        (IN_CHECKOUT,),
        "delivery_failed",
        conditions(True, None, None, None),
    ),
    "no experiment": (
        delivery(),
        sent(event_id="ev-free"),
        (IN_CHECKOUT,),
        "no_experiment",
        conditions(True, False, True, None),
    ),
    "paused": (
        delivery(),
        sent(event_id="ev-old"),
        (IN_CHECKOUT,),
        "experiment_not_running",
        conditions(True, False, True, False),
    ),
    "unidentified": (
        delivery(**ANONYMOUS),
        sent("anon-1"),
        (),
        "unidentified_user",
        conditions(True, True, False, False),
    ),
    "unidentified but activated elsewhere": (
        delivery(**ANONYMOUS),
        sent("anon-1"),
        (decision("anon-1", "banner-a"),),
        "user_not_activated",
        conditions(True, True, False, False),
    ),
    "not activated": (delivery(), sent(), (), "user_not_activated", conditions(True, True, True, False)),
    "activated elsewhere": (
        delivery(),
        sent(),
        (decision("u", "banner-a"),),
        "user_not_activated",
        conditions(True, True, True, False),
    ),
    "too late": (delivery(), sent(), (LATE,), "activated_too_late", conditions(True, True, True, False)),
    "holdback": (
        delivery(),
        sent(),
        (decision("u", "checkout-a", holdback=True),),
        "excluded",
        conditions(True, True, True, False),
    ),
    "bot": (
        delivery(),
        sent(user_agent_bot=True, attributes=[{"key": "$opt_bot_filtering", "value": True}]),
        (IN_CHECKOUT,),
        "excluded",
        conditions(True, True, True, True),
    ),
    "counted": (delivery(), sent(), (IN_CHECKOUT,), "counted", conditions(True, True, True, True)),
    "counted anonymously": (
        delivery(**ANONYMOUS),
        sent("anon-1"),
        (decision("anon-1", "checkout-a"),),
        "counted",
        conditions(True, True, False, True),
    ),
    "an SDK's": (None, conversion("u"), (IN_CHECKOUT,), "counted", conditions(True, True, None, True)),
    "an SDK's without a decision": (
        None,
        conversion("u"),
        (),
        "user_not_activated",
        conditions(True, True, None, False),
    ),
    "an SDK's of an unknown event": (
        None,
        conversion("u", "nowhere"),
        (),
        "no_experiment",
        conditions(False, False, None, None),
    ),
}


@pytest.mark.parametrize(
    ("report", "converted", "decisions", "outcome", "expected"), TABLE.values(), ids=TABLE
)
def test_every_outcome_has_its_conditions_and_its_sentences(report, converted, decisions, outcome, expected):
    found = judged(report, converted, *decisions)
    assert (found["outcome"], found["conditions"]) == (outcome, expected)
    assert found["kind"] == "event"
    assert found["explanation"].endswith(".") and found["remedy"].endswith(".")
    assert bool(found["attributed_to"]) == (outcome == "counted")
    assert found["delivery"] == report
    json.dumps(found, allow_nan=False)


def test_the_fields_of_a_counted_event():
    found = judged(delivery(), sent(), IN_CHECKOUT)
    assert found["attributed_to"] == [
        {
            "experiment": "checkout",
            "variation": "b",
            "experiment_id": "exp-checkout",
            "variation_id": "checkout-b",
        }
    ]
    named = (
        "message_id",
        "event",
        "user_id",
        "anonymous_id",
        "visitor_id",
        "uuid",
        "event_number",
        "timestamp",
    )
    assert [found[name] for name in named] == [
        "m-1",
        "Order Completed",
        "u",
        "anon-1",
        "u",
        "m-1",
        7,
        NOW + SECOND,
    ]
    assert found["warnings"] == []
    assert found["explanation"] == '"Order Completed" counts for visitor "u" in "b" of "checkout".'


def test_an_sdks_event_goes_by_its_own_names():
    found = judged(None, conversion("u", uuid="c-9", number=3), IN_CHECKOUT)
    assert (found["event"], found["visitor_id"], found["uuid"]) == ("Order Completed", "u", "c-9")
    assert found["message_id"] is found["user_id"] is found["delivery"] is None


def test_a_verdict_needs_something_to_speak_of():
    with pytest.raises(ValueError, match="needs a delivery or a conversion"):
        judged()


def test_without_a_datafile_nothing_can_be_compared():
    found = judged(None, conversion("u"), IN_CHECKOUT, past=DatafileHistory([]))
    assert (found["outcome"], found["conditions"]) == ("no_experiment", NOTHING)
    assert "no datafile" in found["explanation"] and "/_emulator/datafiles/" in found["remedy"]
    assert judged(delivery("unmatched_event_key"), past=DatafileHistory([]))["nearest"] == []


# -- duplicates


def test_a_uuid_that_came_before_with_another_event_is_a_duplicate():
    first = sent(at=NOW)
    found = judged(delivery(), sent(), IN_CHECKOUT, duplicate_of=first, uuid_taken_by_other_delivery=True)
    assert found["outcome"] == "duplicate" and found["conditions"] == conditions(True, None, None, None)
    assert '"m-1"' in found["explanation"] and "2026-01-15 10:00:00 UTC" in found["explanation"]


def test_a_retry_of_the_same_delivery_is_none():
    assert judged(delivery(), sent(), IN_CHECKOUT, duplicate_of=sent(at=NOW))["outcome"] == "counted"


def test_what_an_sdk_sends_again_is_a_duplicate():
    found = judged(None, conversion("u"), IN_CHECKOUT, duplicate_of=conversion("u"))
    assert (found["outcome"], found["conditions"]) == ("duplicate", conditions(True, None, None, None))


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


# -- identity and activation


def test_decisions_under_the_anonymous_id_show_a_changed_identity():
    found = judged(delivery(), sent(), relatives={"anon-1": [decision("anon-1", "checkout-a")], "gone": []})
    assert found["outcome"] == "user_not_activated"
    assert "identity changed between decide and track" in " ".join(found["details"])
    assert '"anon-1"' in found["remedy"] and "gone" not in found["remedy"]


def test_a_visitor_id_that_differs_in_case_is_named():
    found = judged(delivery(), sent(), relatives={"U": [decision("U", "checkout-a")]})
    assert 'recorded under "U", which differs from "u" in case' in " ".join(found["details"])


def test_an_anonymous_visitor_learns_under_which_id_decisions_were_made():
    found = judged(
        delivery(**ANONYMOUS), sent("anon-1"), relatives={"ANON-1": [decision("ANON-1", "checkout-a")]}
    )
    assert found["outcome"] == "unidentified_user" and '"ANON-1"' in found["explanation"]


@pytest.mark.parametrize(
    ("known", "says"),
    [
        ((), 'No decision was ever recorded for visitor "u".'),
        (
            (decision("u", "banner-b"),),
            'The visitor is in "b" of "banner", of which "Order Completed" is no metric.',
        ),
        ((decision("u", "old-a"),), "the experiment was Paused"),
        ((decision("u", "delivery-a", rule_type="rollout"),), 'got the delivery "delivery"'),
        ((decision("u", "kept_out-a", rule_type="holdout"),), 'The holdout "kept_out" keeps the visitor out'),
        ((decision("u", "x-a", experiment_id="", variation_id=""),), "named no experiment"),
        (
            (decision("u", "x-a", experiment_id="", variation_id=None, flag_key="search"),),
            'On "search" the visitor got no experiment',
        ),
        ((decision("u", "gone-a"),), '"exp-gone", which no datafile lists'),
    ],
)
def test_what_is_known_of_a_visitor_that_was_not_activated_is_told(known, says):
    found = judged(delivery(), sent(), *known)
    assert found["outcome"] == "user_not_activated" and says in " ".join(found["details"])


@pytest.mark.parametrize(
    ("shown", "says"),
    [
        (decision("u", "checkout-z"), 'no such variation of the experiment: "checkout-z"'),
        (
            decision("u", "checkout-a", problems=[{"code": "x", "message": "it is odd"}]),
            "malformed (it is odd)",
        ),
    ],
)
def test_a_decision_that_does_not_count_says_why(shown, says):
    found = judged(delivery(), sent(), shown)
    assert found["outcome"] == "user_not_activated" and says in found["explanation"]


def test_a_malformed_event_is_excluded_with_its_reasons():
    odd = conversion("u", problems=[{"code": "missing_field", "message": "uuid is required"}])
    found = judged(None, odd, IN_CHECKOUT)
    assert found["outcome"] == "excluded" and "uuid is required" in found["explanation"]


def test_the_user_id_that_was_not_sent_as_the_visitor_is_named():
    report = delivery(visitor_id="anon-1")
    found = judged(report, sent("anon-1"), relatives={"u": [decision("u", "checkout-a")]})
    assert "the userId of this event, which was not sent as the visitor" in " ".join(found["details"])
    mapped = judged(report, sent("mail"), relatives={"elsewhere": [decision("elsewhere", "checkout-a")]})
    assert "another id of this event" in " ".join(mapped["details"])


def test_a_visitor_in_a_holdout_is_told_so_where_it_covers_the_experiment():
    held = decision("u", "kept_out-a", rule_type="holdout")
    found = judged(delivery(), sent(), held)
    assert 'is held out by "kept_out"' in found["explanation"] and "outside the holdout" in found["remedy"]
    for rules, expected in ((["exp-checkout"], True), (["exp-banner"], False)):
        local = datafile(holdouts=[], localHoldouts=[experiment("kept_out", includedRules=rules)])
        found = judged(delivery(), sent(), held, past=history((0, local)))
        assert ("is held out by" in found["explanation"]) is expected
        assert f'keeps the visitor out of "{rules[0][4:]}"' in " ".join(found["details"])


def test_the_remedy_names_the_flag_to_decide_on():
    flags = [{"id": "f", "key": "buying", "experimentIds": ["exp-checkout"]}]
    found = judged(delivery(), sent(), past=history((0, datafile(featureFlags=flags))))
    assert 'decide for "u" on the flag "buying"' in found["remedy"]
    assert 'activate "u" in the experiment "checkout"' in judged(delivery(), sent())["remedy"]


def test_being_too_late_names_both_times():
    found = judged(delivery(), sent(), LATE)
    assert "2026-01-15 10:01:00 UTC, 59 seconds after" in found["explanation"]
    assert "2026-01-15 10:00:01 UTC" in found["explanation"]


def test_a_paused_experiment_says_whether_the_visitor_had_entered_it():
    paused = datafile(revision="2", experiments=[experiment("checkout", "Paused")])
    past = history((0, datafile()), (NOW + SECOND, paused))
    found = judged(delivery(), sent(), IN_CHECKOUT, past=past)
    assert found["conditions"] == conditions(True, False, True, True)
    assert '"checkout" was Paused at 2026-01-15 10:00:01 UTC' in found["details"][0]


def test_relatives_are_the_other_ids_the_source_event_names():
    assert related_visitors(delivery(), sent()) == ("anon-1",)
    assert related_visitors(delivery(**ANONYMOUS), sent("anon-1")) == ()
    assert related_visitors(delivery(visitor_id="someone"), None) == ("u", "anon-1")
    assert related_visitors(None, conversion("u")) == ()
    assert delivered_uuid(delivery()) == "m-1" and delivered_uuid({}) is None


# -- warnings


def payload(**fields: Any) -> dict[str, Any]:
    return {**delivery()["payload"], **fields}


def properties(**fields: Any) -> dict[str, Any]:
    return {**delivery()["source_event"], "properties": fields}


WARNINGS = {
    "an unknown trait": (
        {"payload": payload(attributes={"plan": "gold", "shoe": 9})},
        {},
        "attribute_not_in_datafile",
    ),
    "a nested trait": ({"payload": payload(attributes={"plan": {"name": "gold"}})}, {}, "non_scalar_trait"),
    "an empty trait": ({"payload": payload(attributes={"plan": None})}, {}, "non_scalar_trait"),
    "revenue as text": ({"source_event": properties(revenue="4999")}, {}, "revenue_coerced"),
    "revenue as boolean": ({"source_event": properties(revenue=True)}, {}, "revenue_coerced"),
    "revenue as an empty text": (
        {"source_event": properties(revenue=""), "payload": payload(revenue=None, eventTags={})},
        {},
        "revenue_dropped",
    ),
    "value as text": ({"source_event": properties(value="49.99")}, {}, "value_coerced"),
    "revenue in dollars": (
        {"source_event": properties(revenue=20, value=20), "payload": payload(revenue=20)},
        {},
        "revenue_not_in_cents",
    ),
    "revenue not multiplied": (
        {"source_event": properties(revenue=49.99), "payload": payload(revenue=50)},
        {},
        "revenue_not_in_cents",
    ),
    "a lost cent": (
        {"source_event": properties(revenue=19.99), "payload": payload(revenue=1998)},
        {},
        "revenue_rounded",
    ),
    "a tag that is never sent": (
        {"payload": payload(revenue=None, eventTags={"revenue": 5})},
        {},
        "tag_stripped",
    ),
    "traits at the top": ({"source_event": {**properties(), "traits": {"a": 1}}}, {}, "traits_ignored"),
    "two mappings": ({"mappings": [{"outcome": "sent"}, {"outcome": "sent"}]}, {}, "several_mappings"),
    "another visitor": ({"user_id": "other"}, {}, "visitor_is_not_user_id"),
    "the forwarder's own": ({"warnings": [{"code": "slow", "message": "It took long."}]}, {}, "slow"),
    "the future": ({}, {"received_at": NOW - 10**8}, "timestamp_in_future"),
    "the past": ({}, {"at": 1_000_000, "received_at": NOW}, "timestamp_before_2010"),
    "nanoseconds": ({}, {"at": NOW * 10**6}, "timestamp_nanoseconds"),
    "another account": ({}, {"account_id": "999"}, "account_mismatch"),
    "the row's own": ({}, {"warnings": [{"code": "odd", "message": "x", "path": "visitors[0]"}]}, "odd"),
}


@pytest.mark.parametrize(("reported", "recorded", "code"), WARNINGS.values(), ids=WARNINGS)
def test_what_is_worth_knowing_is_warned_of(reported, recorded, code):
    found = judged(delivery(**reported), sent(**recorded), IN_CHECKOUT)
    assert codes(found["warnings"]) == [code]
    assert set(found["warnings"][0]) == {"code", "message"}


def test_two_mappings_with_uuids_of_their_own_are_two_events():
    mappings = [{"outcome": "sent", "payload": {"uuid": uuid}} for uuid in ("m-1", "m-1-again")]
    assert judged(delivery(mappings=mappings), sent(), IN_CHECKOUT)["warnings"] == []


def test_counting_under_an_anonymous_id_is_warned_of():
    found = judged(delivery(**ANONYMOUS), sent("anon-1"), decision("anon-1", "checkout-a"))
    assert codes(found["warnings"]) == ["counted_under_anonymous_id"]


def test_a_visitor_seen_in_two_variations_is_warned_of():
    found = judged(delivery(), sent(), IN_CHECKOUT, decision("u", "checkout-a", NOW + 1))
    assert codes(found["warnings"]) == ["visitor_changed_variation"]
    assert found["attributed_to"][0]["variation"] == "b"


# -- deletion


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


# -- robustness

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
entries = st.lists(
    st.dictionaries(
        st.sampled_from(
            ["to", "url", "status", "response", "error", "at", "json", "name", "outcome", "retry_at"]
        ),
        anything | st.sampled_from(["datafile", "events", "privacy", CDN, 200, 403]),
    )
)
OUTCOMES = ["sent", "pending", "deleted", "suppressed_user", "duplicate", "not_subscribed", "invalid_payload"]
OUTCOMES += [
    "datafile_unavailable",
    "project_deactivated",
    "unmatched_event_key",
    "delivery_failed",
    "nonsense",
]
reports = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(delivery(), anything | entries)
    | {
        "outcome": st.sampled_from(OUTCOMES) | anything,
        "type": st.sampled_from(["track", "delete"]) | anything,
    },
)


@given(reports, st.booleans())
def test_no_report_makes_a_verdict_fail(report, recorded):
    found = judged(report, sent() if recorded else None, IN_CHECKOUT)
    assert found["explanation"] and found["remedy"]
    assert set(found["conditions"]) == set(CONDITIONS)
