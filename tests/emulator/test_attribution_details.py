"""What a judgement says of each experiment that it looked at, and the edges of de-duplication: mutants lived here."""

import pytest
from field_builders import NOW, SECOND, conversion, datafile, decision, experiment, history
from plain_counting import deduplicate

from optilocal.emulator.counting.attribution import judge
from optilocal.emulator.counting.standing import Rules

RULES = Rules()


def judged(converted, *decisions, past=None):
    return judge(converted, decisions, past or history(), RULES)


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (NOW, "the visitor has been in \"b\" since "),
        (NOW + SECOND, "the visitor has been in \"b\" since "),
        (NOW + SECOND + 1, "the visitor entered \"b\" only at "),
    ],
)  # fmt: skip
def test_a_decision_is_described_by_when_it_came(at, said):
    (detail,) = judged(conversion("u", at=NOW + SECOND), decision("u", "checkout-b", at)).details
    assert said in detail and detail.endswith(" after the event.") is (at > NOW + SECOND)


def test_a_visitor_without_a_decision_is_described_as_such():
    (detail,) = judged(conversion("u")).details
    assert detail.endswith("is running; the visitor has no decision in it.")


def test_a_paused_experiment_is_described_with_when_the_visitor_entered_it():
    paused = datafile(
        revision="2", experiments=[experiment("checkout", "Paused"), experiment("old", "Paused")]
    )
    past = history((0, datafile()), (NOW + 500, paused))
    (entered,) = judged(conversion("u"), decision("u", "checkout-b"), past=past).details
    assert '; the visitor entered "b" at ' in entered
    (never,) = judged(conversion("u"), past=past).details
    assert "entered" not in never and never.endswith(".")


def test_an_event_that_was_a_metric_before_is_told_apart_from_one_that_never_was():
    events = [
        event | {"experimentIds": []} if event["id"] == "ev-order" else event
        for event in datafile()["events"]
    ]
    never = judged(conversion("u"), past=history((0, datafile(events=events))))
    assert never.outcome == "no_experiment"
    assert never.details == ('The datafile attaches "Order Completed" to no experiment.',)


def test_a_metric_that_was_removed_since_is_told_by_its_experiment():
    events = [
        event | {"experimentIds": []} if event["id"] == "ev-order" else event
        for event in datafile()["events"]
    ]
    past = history((0, datafile()), (NOW + 10 * SECOND, datafile(revision="2", events=events)))
    removed = judged(conversion("u"), past=past)
    assert removed.outcome == "no_experiment"
    assert removed.details == ('It was a metric of "checkout" when it happened, and has been removed since.',)


@pytest.mark.parametrize(
    ("entity_id", "key", "said"),
    [
        ("gone", "Order Completed", ['no event with the id "gone"', 'has the event "Order Completed", but with the id "ev-order"']),
        ("gone", "Nothing", ['no event with the id "gone"', 'no event with the key "Nothing"']),
        ("gone", "gone", ['no event with the id "gone"']),
        ("gone", None, ['no event with the id "gone"']),
        (None, "Nothing", ['no event with the key "Nothing"']),
    ],
)  # fmt: skip
def test_an_event_that_the_datafile_lacks_is_named_by_what_names_it(entity_id, key, said):
    details = judged(conversion("u", entity_id=entity_id, key=key)).details
    assert len(details) == len(said)
    assert all(part in detail for part, detail in zip(said, details, strict=True))


@pytest.mark.parametrize(
    ("at", "problems", "activated"),
    [(NOW, [], True), (NOW + 1, [], False), (NOW, [{"code": "x", "message": "x"}], False)],
)
def test_a_decision_in_an_experiment_that_the_datafile_leaves_out(at, problems, activated):
    events = [
        event | {"experimentIds": ["exp-gone"]} if event["id"] == "ev-order" else event
        for event in datafile()["events"]
    ]
    past = history((0, datafile(events=events)))
    shown = decision("u", "gone-a", at, problems=problems)
    judgement = judged(conversion("u", at=NOW), shown, past=past)
    assert judgement.left_out == ("exp-gone",)
    assert judgement.user_activated is activated


def test_without_an_entity_id_the_key_tells_two_events_apart():
    first, second = (
        conversion("u", uuid="c", entity_id=None, key=key) for key in ("Order Completed", "Signed Up")
    )
    assert deduplicate([first, second]) == [first, second]
    assert deduplicate([first, dict(first)]) == [first]


def test_the_lowest_number_was_received_first_and_none_is_before_all():
    later, earlier, unnumbered = (conversion("u", uuid="c", tags={"n": n}) for n in (2, 1, 0))
    later["number"], earlier["number"] = 2, 1
    assert deduplicate([later, earlier]) == [earlier]
    assert deduplicate([later, earlier, unnumbered]) == [unnumbered]


def test_a_rule_that_is_no_experiment_has_no_results_for_a_metric():
    past = history((0, datafile(rollouts=[{"id": "rollout-1", "experiments": [experiment("delivery")]}])))
    judgement = judged(conversion("u", "ev-rollout"), past=past)
    assert judgement.outcome == "no_experiment" and "the delivery" in judgement.details[0]


@pytest.mark.parametrize(
    ("shown", "named"),
    [({"variation_id": "z"}, '"z"'), ({"variation_id": None}, "none"), ({"variation_id": ""}, "none")],
)
def test_a_decision_for_no_variation_of_the_experiment_says_which(shown, named):
    (detail,) = judged(conversion("u"), decision("u", "checkout-a", **shown)).details
    assert detail.endswith(f"the datafile has no such variation of the experiment: {named}.")
