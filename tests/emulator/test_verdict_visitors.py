"""Verdicts on visitors: who was not activated, and what is known of them."""

import json

import pytest
from field_builders import NOW, SECOND, conversion, datafile, decision, experiment, history
from verdict_builders import (
    ANONYMOUS,
    IN_CHECKOUT,
    LATE,
    conditions,
    delivery,
    judged,
    sent,
)

from optilocal.emulator.verdict.verdict import delivered_uuid, related_visitors

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
            'The visitor is in "b" of "banner", which does not have "Order Completed" as a metric.',
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


FLAGS = [
    {"id": "f-1", "key": "buying", "experimentIds": ["exp-checkout"]},
    {"id": "f-2", "key": "showing", "experimentIds": ["exp-banner"]},
]


def on_flag(flag, shown="none-a", **more):
    """A decision on a flag that put the visitor into no experiment."""
    return decision("u", shown, **{"experiment_id": "", "variation_id": None, "flag_key": flag, **more})


def test_a_visitor_outside_the_audience_is_not_told_to_let_the_sdk_decide():
    past = history((0, datafile(featureFlags=FLAGS)))
    found = judged(delivery(), sent(), on_flag("buying"), past=past)
    assert found["outcome"] == "user_not_activated"
    assert 'decision on "buying" did not put visitor "u" into it' in found["explanation"]
    assert "audience" in found["remedy"] and "Let the SDK" not in found["remedy"]


def test_a_rule_of_the_same_flag_that_took_the_visitor_is_a_decision_on_the_flag():
    flags = [{"id": "f-1", "key": "buying", "experimentIds": ["exp-banner", "exp-checkout"]}]
    past = history((0, datafile(featureFlags=flags)))
    found = judged(delivery(), sent(), decision("u", "banner-a"), past=past)
    assert 'decision on "buying"' in found["explanation"] and "Let the SDK" not in found["remedy"]


def test_a_flag_that_was_not_decided_on_is_the_one_to_decide_on():
    past = history((0, datafile(featureFlags=FLAGS)))
    found = judged(delivery(), sent(event_id="ev-both"), on_flag("buying"), past=past)
    assert 'on the flag "showing"' in found["remedy"] and '"buying"' in found["explanation"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, True),
        ({"sendFlagDecisions": True}, True),
        ({"featureFlags": FLAGS}, True),
        ({"featureFlags": FLAGS, "sendFlagDecisions": True}, False),
    ],
)
def test_a_visitor_without_a_decision_may_be_outside_the_audience_where_the_sdk_does_not_tell(more, said):
    found = judged(delivery(), sent(), past=history((0, datafile(**more))))
    assert ("outside the audience or the traffic" in found["remedy"]) is said


def test_a_holdout_that_covers_one_of_two_experiments_leaves_the_other_to_decide_on():
    local = datafile(holdouts=[], localHoldouts=[experiment("kept_out", includedRules=["exp-banner"])])
    held = decision("u", "kept_out-a", rule_type="holdout")
    found = judged(delivery(), sent(event_id="ev-both"), held, past=history((0, local)))
    assert "held out" not in found["explanation"] and "Let the SDK" in found["remedy"]


@pytest.mark.parametrize(
    ("shown", "remedy"),
    [
        (decision("u", "checkout-z"), "the same variations"),
        (decision("u", "checkout-a", problems=[{"code": "x", "message": "it is odd"}]), "Correct what sends"),
        (decision("u", "gone-a"), "Serve the datafile that the SDK decides with"),
    ],
)
def test_a_decision_that_was_made_but_does_not_count_has_a_remedy_of_its_own(shown, remedy):
    assert remedy in judged(delivery(), sent(), shown)["remedy"]


def test_a_visitor_that_entered_before_the_start_is_to_enter_again():
    draft = datafile(experiments=[experiment("checkout", "Not started")])
    past = history((0, draft), (NOW + 5 * SECOND, datafile(revision="2")))
    found = judged(delivery(), sent(at=NOW + 10 * SECOND), IN_CHECKOUT, past=past)
    assert found["outcome"] == "user_not_activated" and "decide again" in found["remedy"]


def test_an_event_before_the_start_learns_that_the_experiment_runs_by_now():
    draft = datafile(experiments=[experiment("checkout", "Not started")])
    past = history((0, draft), (NOW + 5 * SECOND, datafile(revision="2")))
    found = judged(delivery(), sent(), IN_CHECKOUT, past=past)
    assert found["outcome"] == "experiment_not_running" and 'By now "checkout" runs' in found["remedy"]


def test_an_event_that_names_no_visitor_says_so():
    found = judged(None, conversion(None, problems=[{"code": "missing_field", "message": "x"}]))
    assert "names no visitor" in found["explanation"] and "None" not in json.dumps(found["details"])


def test_an_unidentified_user_learns_where_segments_page_and_code_differ():
    found = judged(delivery(**ANONYMOUS), sent("anon-1"))
    assert "only identified users are sent" in found["details"][-1]


def test_only_the_experiment_that_holds_the_visitor_back_is_named():
    held = decision("u", "banner-a", holdback=True)
    found = judged(delivery(), sent(event_id="ev-both"), held)
    assert found["outcome"] == "excluded" and 'holdback of "banner".' in found["explanation"]


def test_holdback_in_one_experiment_and_a_bot_in_another_are_both_told():
    held = decision("u", "banner-a", holdback=True)
    filtered = [{"key": "$opt_bot_filtering", "value": True}]
    bot = decision("u", "checkout-a", user_agent_bot=True, attributes=filtered)
    found = judged(delivery(), sent(event_id="ev-both"), held, bot)
    assert 'holdback of "banner"' in found["explanation"] and "names a bot" in found["explanation"]


@pytest.mark.parametrize(
    ("experiment_ids", "says"),
    [
        ([], "attaches"),
        (["exp-delivery"], 'attached to the delivery "delivery"'),
    ],
)
def test_why_an_event_is_a_metric_of_nothing_is_told(experiment_ids, says):
    events = [{"id": "ev-free", "key": "Newsletter Subscribed", "experimentIds": experiment_ids}]
    found = judged(delivery(), sent(event_id="ev-free"), past=history((0, datafile(events=events))))
    assert found["outcome"] == "no_experiment" and says in found["details"][0]


def test_a_metric_that_was_removed_since_is_told():
    past = history((0, datafile()), (NOW + 60 * SECOND, datafile(revision="2", events=[])))
    found = judged(delivery(), sent(), IN_CHECKOUT, past=past)
    assert found["outcome"] == "no_experiment" and "removed since" in found["details"][0]
