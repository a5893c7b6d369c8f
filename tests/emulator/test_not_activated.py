"""Verdicts on visitors who were decided for, only not where it counts: what was decided is named."""

from __future__ import annotations

from typing import Any

import pytest
from field_builders import (
    NOW,
    SECOND,
    activation,
    batch,
    conversion,
    datafile,
    decision,
    experiment,
    history,
    purchase,
    report,
)
from space import Space
from verdict_builders import conditions, delivery, judged, sent

BOTH_RUN = [experiment("checkout"), experiment("old"), experiment("banner")]
EVENT = {"id": "ev-order", "key": "Order Completed", "experimentIds": ["exp-checkout", "exp-old"]}
FIRST = datafile(groups=[], experiments=BOTH_RUN, events=[EVENT])
IN_OLD = decision("u", "old-b")


def paused(status: str) -> dict[str, Any]:
    """The second revision, in which the experiment `old` has this status; none leaves it out."""
    old = [experiment("old", status)] if status else []
    return datafile(revision="2", groups=[], experiments=[experiment("checkout"), *old], events=[EVENT])


@pytest.mark.parametrize(
    ("status", "was"),
    [("Paused", "was Paused"), ("Concluded", "was Concluded"), ("", "was no longer in the datafile"),
     ("running", 'had the status "running", not "Running"')],
)  # fmt: skip
def test_an_experiment_that_was_paused_meanwhile_is_named(status: str, was: str) -> None:
    past = history((0, FIRST), (NOW + SECOND // 2, paused(status)))
    found = judged(delivery(), sent(), IN_OLD, past=past)
    assert found["outcome"] == "user_not_activated"
    assert (
        f'visitor "u" entered "b" of "old" at 2026-01-15 10:00:00 UTC, which {was} when'
        in found["explanation"]
    )
    assert found["remedy"].startswith(
        'Start "old" again. Or let the SDK activate "u" in the experiment "checkout"'
    )


SAME_KEY = [{**experiment("checkout"), "key": "ab_rule"}, {**experiment("old"), "key": "ab_rule"}]
FLAGS = [
    {"id": "f-1", "key": "seats", "experimentIds": ["exp-checkout"]},
    {"id": "f-2", "key": "meals", "experimentIds": ["exp-old"]},
]


def two_flags(*metrics: str) -> dict[str, Any]:
    """Two flags, each with a rule of the key ab_rule; the event is a metric of these."""
    events = [{"id": "ev-order", "key": "Order Completed", "experimentIds": list(metrics)}]
    return datafile(groups=[], experiments=SAME_KEY, events=events, featureFlags=FLAGS)


def test_another_flags_rule_of_the_same_key_is_named_with_its_flag() -> None:
    found = judged(
        delivery(),
        sent(),
        decision("u", "old-b", flag_key="meals"),
        past=history((0, two_flags("exp-checkout"))),
    )
    assert found["outcome"] == "user_not_activated"
    assert (
        'the rule "ab_rule" of the flag "meals", which is another experiment than "ab_rule" of the flag "seats"'
        in found["explanation"]
    )
    assert 'decide for "u" on the flag "seats"' in found["remedy"]
    assert 'metric to the rule "ab_rule" of the flag "meals"' in found["remedy"]


def test_two_rules_of_one_key_are_told_apart_in_every_sentence() -> None:
    found = judged(
        delivery(), sent(), decision("u", "old-b"), past=history((0, two_flags("exp-checkout", "exp-old")))
    )
    assert found["outcome"] == "counted"
    told = " ".join([found["explanation"], *found["details"]])
    assert 'Experiment "ab_rule" of the flag "meals": the visitor has been in "b"' in told
    assert 'Experiment "ab_rule" of the flag "seats" is running; the visitor has no decision in it' in told
    assert '"b" of "ab_rule" of the flag "meals"' in found["explanation"]


def test_a_spelling_of_the_id_that_a_running_experiment_knows_comes_before_other_decisions() -> None:
    found = judged(
        delivery(), sent(), decision("u", "banner-a"), relatives={"U": [decision("U", "checkout-a")]}
    )
    assert found["explanation"].endswith(
        'the decision that would count was recorded for "U", not for visitor "u".'
    )
    assert 'the SDK decided for "U", the event was sent for "u"' in found["remedy"]


def test_a_decision_that_came_with_the_event_and_was_ignored_is_named() -> None:
    ignored = {"code": "decision_ignored", "message": "the decision in the same snapshot is ignored"}
    found = judged(None, conversion("u", warnings=[ignored]))
    assert found["explanation"].endswith("but the decision in the same snapshot is ignored.")
    assert "campaign_activated event of its own" in found["remedy"]


def test_decisions_with_another_datafile_are_named_with_their_flag_and_account() -> None:
    foreign = decision("u", "gone-a", account_id="777", flag_key="trial", rule_key="trial_rule")
    found = judged(delivery(), sent(), foreign)
    assert (
        'name "exp-gone" and were sent for account "777", which no datafile here lists'
        in found["explanation"]
    )
    assert '"exp-gone" (flag "trial", rule "trial_rule"), which no datafile lists' in " ".join(
        found["details"]
    )


def test_the_other_experiments_of_a_visitor_are_named() -> None:
    found = judged(delivery(), sent(), decision("u", "banner-b", NOW + 61 * SECOND))
    assert (
        'is in "b" of "banner" (entered 1 minute after the event), which does not have "Order Completed" as a metric'
        in found["explanation"]
    )


# -- experiments that the datafile leaves out

LEFT_OUT = [{"id": "ev-order", "key": "Order Completed", "experimentIds": ["6001"]}]


def test_an_experiment_that_the_datafile_leaves_out_is_not_running() -> None:
    found = judged(delivery(), sent(), past=history((0, datafile(events=LEFT_OUT))))
    assert found["outcome"] == "experiment_not_running"
    assert found["conditions"] == conditions(True, False, True, False)
    assert (
        '"Order Completed" is a metric of the experiment "6001", which the datafile leaves out'
        in found["explanation"]
    )
    assert "paused, concluded, archived or of another environment" in found["remedy"]
    assert "as a metric" not in found["remedy"]


def test_a_decision_in_it_is_an_activation() -> None:
    shown = decision("u", "x-a", experiment_id="6001")
    found = judged(delivery(), sent(), shown, past=history((0, datafile(events=LEFT_OUT))))
    assert found["conditions"] == conditions(True, False, True, True)


def test_beside_a_running_one_it_is_told_where_the_visitor_is_only_in_it() -> None:
    events = [{"id": "ev-order", "key": "Order Completed", "experimentIds": ["exp-checkout", "6001"]}]
    past = history((0, datafile(events=events)))
    found = judged(delivery(), sent(), decision("u", "x-a", experiment_id="6001"), past=past)
    assert found["outcome"] == "user_not_activated"
    assert (
        'name the experiment "6001", which the event also names and the datafile leaves out'
        in found["explanation"]
    )
    assert 'Start the experiment "6001" in this environment' in found["remedy"]
    counted = judged(delivery(), sent(), decision("u", "checkout-a"), past=past)
    assert counted["outcome"] == "counted" and "6001" not in " ".join(counted["details"])


def test_a_status_in_lower_case_is_the_thing_to_correct() -> None:
    found = judged(
        delivery(), sent(), past=history((0, datafile(experiments=[experiment("checkout", "running")])))
    )
    assert found["outcome"] == "experiment_not_running"
    assert 'had the status "running", not "Running"' in found["details"][0]
    assert (
        'Write the status of "checkout" as Optimizely does: "Running" instead of "running"' in found["remedy"]
    )


# -- the first decision of all


def test_a_first_decision_for_no_experiment_changes_the_outcome_that_listings_filter_by(space: Space) -> None:
    space.put_datafile()
    space.send(batch(purchase("anon-1"), client_name="Segment"))
    assert space.rows("verdicts", wait=20, count=1)
    source = {"type": "track", "event": "Order Completed", "anonymousId": "anon-1"}
    payload = {"eventKey": "Order Completed", "userId": "anon-1", "uuid": "c-1"}
    anonymous = {"user_id": None, "anonymous_id": "anon-1", "visitor_id": "anon-1"}
    space.report(**report("1", source_event=source, payload=payload, **anonymous))
    assert len(space.rows("verdicts", outcome="unidentified_user", wait=20, count=1)) == 1
    visitor = activation("anon-1")
    visitor["snapshots"][0]["decisions"][0].update(experiment_id="", campaign_id="", variation_id=None)
    visitor["snapshots"][0]["events"][0]["entity_id"] = ""
    space.send(batch(visitor))
    (told,) = space.rows("verdicts", outcome="user_not_activated", wait=20, count=1)
    assert told["outcome"] == "user_not_activated" and not space.rows("verdicts", outcome="unidentified_user")
