"""Verdicts: every outcome, the first that applies, with its conditions; and no report that makes one fail."""

import json

import pytest
from field_builders import NOW, SECOND, codes, conversion, datafile, decision, history
from hypothesis import given
from hypothesis import strategies as st
from verdict_builders import ANONYMOUS, CDN, IN_CHECKOUT, LATE, NOTHING, conditions, delivery, judged, sent

from optilocal.emulator.counting.standing import Rules, Standings
from optilocal.emulator.datafile.history import DatafileHistory
from optilocal.emulator.verdict.verdict import CONDITIONS, outcome_alone

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


def test_a_delivery_without_a_conversion_is_stamped_and_compared_when_it_came():
    past = history((0, datafile(attributes=[])), (NOW + 5 * SECOND, datafile(revision="2")))
    early = judged(delivery("delivery_failed", received_at=NOW), past=past)
    late = judged(delivery("delivery_failed", received_at=NOW + 9 * SECOND), past=past)
    assert (early["timestamp"], late["timestamp"]) == (NOW, NOW + 9 * SECOND)
    assert [codes(found["warnings"]) for found in (early, late)] == [["attribute_not_in_datafile"], []]


def test_a_repetition_of_which_nothing_was_recorded_is_a_duplicate_of_the_first():
    first = sent(key="Order Completed", received_at=NOW)
    found = judged(delivery(), None, duplicate_of=first, uuid_taken_by_other_delivery=True)
    assert found["outcome"] == "duplicate" and found["event_number"] is None
    assert found["conditions"] == conditions(True, None, None, None)


@pytest.mark.parametrize(
    ("report", "event", "matches"),
    [(None, "ev-order", True), (None, "unknown", False), (delivery(), "unknown", True)],
)
def test_whether_a_duplicates_key_matches_is_asked_of_the_datafile_only_where_segment_did_not(
    report, event, matches
):
    row = conversion("u", event, key="What")
    found = judged(report, row, duplicate_of=row, uuid_taken_by_other_delivery=True)
    assert found["outcome"] == "duplicate" and found["conditions"] == conditions(matches, None, None, None)


REPORTS = [
    None,
    delivery(),
    delivery("delivery_failed"),
    delivery("not_subscribed"),
    delivery("deleted", type="delete"),
    delivery(type="delete"),
    delivery(**ANONYMOUS),
]


@pytest.mark.parametrize("report", REPORTS)
@pytest.mark.parametrize("shown", [[], [IN_CHECKOUT], [LATE], [decision("anon-1", "checkout-a")]])
def test_the_outcome_alone_is_that_of_the_verdict(report, shown):
    """None where only the whole verdict tells."""
    visitor = "anon-1" if report and report["user_id"] is None else "u"
    row = sent(visitor)
    own = [one for one in shown if one["visitor_id"] == visitor]
    found = outcome_alone(report, row, Standings(own, history(), Rules()))
    never_posted = report is not None and (
        report["type"] == "delete" or report["outcome"] == "not_subscribed"
    )
    if never_posted:
        assert found is None
    else:
        assert found is not None and found[0] == judged(report, row, *own)["outcome"]
