"""Which decision a conversion belongs to."""

import pytest
from field_builders import NOW, SECOND, conversion, datafile, decision, experiment, history
from hypothesis import given
from hypothesis import strategies as st
from plain_counting import deduplicate

from optilocal.emulator.counting.attribution import judge
from optilocal.emulator.counting.standing import Rules

RULES = Rules()


def outcome(converted, *decisions, past=None, rules=RULES):
    return judge(converted, decisions, past or history(), rules)


def credited(judgement):
    return [(place["experiment"], place["variation"]) for place in judgement.attributed_to]


def test_a_conversion_after_a_decision_counts_in_its_variation():
    judged = outcome(conversion("u"), decision("u", "checkout-b"))
    assert judged.outcome == "counted" and judged.user_activated is True
    assert judged.attributed_to == (
        {
            "experiment": "checkout",
            "variation": "b",
            "experiment_id": "exp-checkout",
            "variation_id": "checkout-b",
        },
    )


@pytest.mark.parametrize(("later", "expected"), [(-1, "counted"), (0, "counted"), (1, "activated_too_late")])
def test_a_decision_in_the_same_millisecond_is_early_enough(later, expected):
    judged = outcome(conversion("u", at=NOW), decision("u", "checkout-a", NOW + later))
    assert judged.outcome == expected
    assert judged.user_activated is (expected == "counted")


def test_the_first_variation_seen_counts_whatever_arrives_first():
    first, second = decision("u", "checkout-a", NOW), decision("u", "checkout-b", NOW + 1)
    for decisions in ((first, second), (second, first)):
        judged = outcome(conversion("u"), *decisions)
        assert credited(judged) == [("checkout", "a")]
        assert [v.key for v in judged.running[0].others] == ["b"]


def test_an_event_on_several_experiments_is_credited_in_each_running_one():
    shown = [decision("u", "checkout-a"), decision("u", "banner-b"), decision("u", "old-a")]
    judged = outcome(conversion("u", "ev-both"), *shown)
    assert sorted(credited(judged)) == [("banner", "b"), ("checkout", "a")]
    assert {standing.experiment.key for standing in judged.running} == {"checkout", "banner"}


def test_one_running_experiment_with_a_decision_is_enough():
    assert credited(outcome(conversion("u", "ev-both"), decision("u", "banner-a"))) == [("banner", "a")]


@pytest.mark.parametrize("event", ["ev-free", "ev-rollout", "nowhere"])
def test_an_event_that_is_a_metric_of_no_experiment_never_counts(event):
    judged = outcome(conversion("u", event), decision("u", "checkout-a"), decision("u", "delivery-a"))
    assert judged.outcome == "no_experiment" and judged.user_activated is None
    assert (judged.event is None) == (event == "nowhere")
    assert judged.details


def test_an_event_on_paused_experiments_only_is_not_running():
    judged = outcome(conversion("u", "ev-old"), decision("u", "checkout-a"))
    assert judged.outcome == "experiment_not_running" and judged.user_activated is False
    assert '"old" was Paused' in judged.details[0]


PAUSED = datafile(revision="2", experiments=[experiment("checkout", "Paused"), experiment("old", "Paused")])


def test_running_means_running_at_the_time_of_the_event():
    past = history((NOW, datafile()), (NOW + 10 * SECOND, PAUSED))
    early, late = conversion("u", at=NOW + SECOND), conversion("u", at=NOW + 11 * SECOND)
    shown = decision("u", "checkout-a")
    assert outcome(early, shown, past=past).outcome == "counted"
    judged = outcome(late, shown, past=past)
    assert judged.outcome == "experiment_not_running" and judged.user_activated is True
    lenient = outcome(late, shown, past=past, rules=Rules(count_after_pause=True))
    assert lenient.outcome == "counted"
    assert outcome(late, past=past, rules=Rules(count_after_pause=True)).outcome == "experiment_not_running"


def test_a_decision_made_while_the_experiment_was_paused_does_not_count():
    past = history((NOW, PAUSED), (NOW + 10 * SECOND, datafile(revision="3")))
    judged = outcome(
        conversion("u", at=NOW + 20 * SECOND), decision("u", "checkout-a", NOW + SECOND), past=past
    )
    assert judged.outcome == "user_not_activated" and judged.user_activated is False
    assert "the experiment was Paused" in judged.details[0]


def test_a_metric_attached_late_counts_unless_told_otherwise():
    before = datafile(events=[{"id": "ev-order", "key": "Order Completed", "experimentIds": []}])
    past = history((NOW, before), (NOW + 10 * SECOND, datafile(revision="2")))
    shown = decision("u", "checkout-a")
    assert outcome(conversion("u"), shown, past=past).outcome == "counted"
    strict = outcome(conversion("u"), shown, past=past, rules=Rules(count_late_metrics=False))
    assert strict.outcome == "no_experiment"


@pytest.mark.parametrize(
    ("at", "expected"),
    [(NOW, "excluded"), (NOW + 2 * SECOND, "activated_too_late")],
    ids=["earlier", "later"],
)
def test_a_holdback_decision_excludes_when_it_would_have_counted(at, expected):
    judged = outcome(conversion("u"), decision("u", "checkout-a", at, holdback=True))
    assert judged.outcome == expected and judged.user_activated is False


def test_a_real_decision_besides_the_holdback_counts():
    decisions = decision("u", "checkout-a", holdback=True), decision("u", "checkout-b", NOW + 1)
    assert credited(outcome(conversion("u"), *decisions)) == [("checkout", "b")]


@pytest.mark.parametrize(
    "shown",
    [
        decision("u", "kept_out-a", rule_type="holdout"),
        decision("u", "checkout-a", rule_type="holdout"),
        decision("u", "delivery-a", rule_type="rollout"),
        decision("u", "checkout-a", experiment_id="", variation_id=None),
        decision("u", "checkout-z"),
        decision("u", "checkout-a", problems=[{"code": "wrong_type", "message": "it is odd"}]),
        decision("u", "banner-a"),
    ],
    ids=[
        "holdout",
        "holdout in an experiment",
        "rollout",
        "no ids",
        "unknown variation",
        "malformed",
        "elsewhere",
    ],
)
def test_a_decision_that_does_not_count_activates_nobody(shown):
    judged = outcome(conversion("u"), shown)
    assert judged.outcome == "user_not_activated" and judged.attributed_to == ()


def test_a_variation_id_of_null_is_found_by_its_key():
    shown = decision("u", "checkout-b", variation_id=None, variation_key="b")
    assert credited(outcome(conversion("u"), shown)) == [("checkout", "b")]


FILTERING = history((0, datafile(botFiltering=True)))
SWITCH = [{"entity_id": "$opt_bot_filtering", "key": "$opt_bot_filtering", "type": "custom", "value": False}]


@pytest.mark.parametrize(
    ("past", "attributes", "rules", "expected"),
    [
        (FILTERING, [], RULES, "excluded"),
        (FILTERING, SWITCH, RULES, "counted"),
        (FILTERING, [], Rules(bot_filtering=False), "counted"),
        (history(), [], RULES, "counted"),
        (history(), [], Rules(bot_filtering=True), "excluded"),
    ],
)
def test_a_bot_is_excluded_where_bot_filtering_is_on(past, attributes, rules, expected):
    bot = {"user_agent_bot": True, "attributes": attributes}
    decided = outcome(conversion("u"), decision("u", "checkout-a", **bot), past=past, rules=rules)
    converted = outcome(conversion("u", **bot), decision("u", "checkout-a"), past=past, rules=rules)
    assert decided.outcome == converted.outcome == expected
    assert converted.user_activated is True and decided.user_activated is (expected == "counted")


def test_a_malformed_conversion_is_excluded_with_its_problems():
    odd = conversion("u", problems=[{"code": "missing_field", "message": "uuid is required"}])
    judged = outcome(odd, decision("u", "checkout-a"))
    assert judged.outcome == "excluded" and "uuid is required" in judged.details[0]


def test_replays_collapse_to_the_first_received_of_an_account():
    rows = [
        conversion("u", uuid="x", number=3, revenue=3),
        conversion("u", uuid="x", number=1, revenue=1),
        conversion("u", uuid="x", number=2, revenue=2, account_id="other"),
        conversion("u", uuid=None, number=4),
        conversion("u", uuid=None, number=5),
    ]
    assert [row["number"] for row in deduplicate(rows)] == [1, 2, 4, 5]


times = st.integers(NOW - 5, NOW + 5)
decisions = st.lists(
    st.builds(
        decision, st.just("u"), st.sampled_from(["checkout-a", "checkout-b", "banner-a", "old-a"]), times
    ),
    max_size=6,
)


@given(decisions, times, st.randoms())
def test_neither_the_order_nor_the_repetition_of_decisions_matters(shown, at, random):
    converted = conversion("u", "ev-both", at)
    plain = outcome(converted, *shown)
    mixed = shown + shown
    random.shuffle(mixed)
    again = outcome(converted, *mixed)
    assert (again.outcome, again.attributed_to) == (plain.outcome, plain.attributed_to)


@given(decisions, times)
def test_a_conversion_counts_exactly_where_an_earlier_decision_of_a_running_experiment_is(shown, at):
    judged = outcome(conversion("u", "ev-both", at), *shown)
    expected = {
        row["experiment_id"]
        for row in shown
        if row["experiment_id"] != "exp-old" and (row["timestamp"] or 0) <= at
    }
    assert {place["experiment_id"] for place in judged.attributed_to} == expected
    assert judged.user_activated is bool(expected)
    assert (judged.outcome == "counted") is bool(expected)


def test_an_unknown_event_says_what_the_datafile_has_instead():
    wrong_id = outcome(conversion("u", "ev-order", entity_id="999"))
    assert wrong_id.details == (
        'The datafile has no event with the id "999".',
        'It has the event "Order Completed", but with the id "ev-order".',
    )
    wrong_key = outcome(conversion("u", "ev-order", entity_id=None, key="Nothing"))
    assert wrong_key.details == ('The datafile has no event with the key "Nothing".',)
    assert wrong_id.outcome == wrong_key.outcome == "no_experiment"
