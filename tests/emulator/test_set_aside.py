"""Decisions that do not count, by the reason, in the results; and when one more decision of a visitor changes nothing."""

import pytest
from field_builders import NOW, conversion, datafile, decision, experiment, history
from hypothesis import given
from hypothesis import strategies as st
from plain_counting import deduplicate, results, totals

from optilocal.emulator.counting.attribution import judge_by
from optilocal.emulator.counting.results import Totals, visitor_contribution
from optilocal.emulator.counting.standing import Rules, Standings
from optilocal.emulator.datafile.history import DatafileHistory
from optilocal.emulator.json_text import loads
from optilocal.emulator.projection.visitor import Standpoint, Visitor

RULES = Rules()
UNDECIDED = Standpoint([], history(), RULES)
visitors = st.sampled_from(["u", "v"])
times = st.integers(NOW - 2, NOW + 2)


def count(*rows, past=None):
    return results(rows, past or history(), RULES)["experiments"]


def set_aside(*rows, past=None):
    """Reason → visitors, of the checkout experiment."""
    return {one["reason"]: one["visitors"] for one in count(*rows, past=past)["checkout"]["set_aside"]}


def test_visitors_whose_decisions_all_were_set_aside_are_counted_by_the_reason():
    rows = [
        decision("u", "checkout-a", campaign_id="1234"),
        decision("u", "checkout-b", NOW + 1, account_id="777"),
        decision("v", "checkout-a", campaign_id="layer-banner"),
        decision("v", "checkout-a", NOW + 1, campaign_id="layer-banner"),
        decision("w", "checkout-c"),
        decision("x", "checkout-a"),
        conversion("u"),
    ]
    assert set_aside(*rows) == {"wrong_account": 1, "wrong_campaign": 2, "unknown_variation": 1}
    (message,) = {
        one["message"] for one in count(*rows)["checkout"]["set_aside"] if one["reason"] == "wrong_campaign"
    }
    assert message == "the decision's campaign_id is not the experiment's layer"
    assert set_aside() == {}


@pytest.mark.parametrize("at", [NOW - 1, NOW + 1])
def test_a_decision_that_counts_makes_those_set_aside_not_matter(at):
    rows = [decision("u", "checkout-a", campaign_id="1234"), decision("u", "checkout-a", at)]
    assert set_aside(*rows) == set_aside(*reversed(rows)) == {}


@given(
    st.lists(
        st.tuples(visitors, st.sampled_from(["layer-checkout", "1"]), st.sampled_from(["12001", "7"]), times)
    )
)
def test_counting_visitor_by_visitor_sets_aside_what_counting_at_once_does(drawn):
    rows = [
        decision(visitor, "checkout-a", at, campaign_id=campaign, account_id=account)
        for visitor, campaign, account, at in drawn
    ]
    step_by_step = Totals()
    known = {visitor: Visitor(UNDECIDED).as_text() for visitor, *_ in drawn}
    numbered = dict(enumerate(deduplicate(rows)))
    for number, row in numbered.items():
        text = known[row["visitor_id"]]
        visitor = Visitor(UNDECIDED, text, {each: numbered[each] for each in loads(text)["decisions"]})
        assert visitor.decide(number, row, step_by_step)
        known[row["visitor_id"]] = visitor.as_text()
    kept = Totals(step_by_step.as_text())
    assert kept.results(history()) == totals(rows, history(), RULES).results(history())


@pytest.mark.parametrize(
    ("more", "settled"),
    [
        (decision("u", "checkout-a"), True),
        (decision("u", "checkout-b", NOW + 1), True),
        (decision("u", "checkout-b", NOW - 1), False),
        (decision("u", "banner-a"), False),
        (decision("u", "checkout-a", NOW + 1, experiment_id="unknown"), True),
        (decision("u", "checkout-a", NOW + 1, experiment_id=None), True),
        (decision("u", "checkout-a", NOW + 1, experiment_id="exp-delivery"), True),
        (decision("u", "banner-a", NOW + 1, account_id="777"), False),
    ],
)
def test_one_more_decision_is_settled_where_it_changes_nothing(more, settled):
    """What changes nothing is not remembered; what may change something makes the visitor be judged anew."""
    visitor, summed = Visitor(UNDECIDED), Totals()
    assert visitor.decide(1, decision("u", "checkout-a"), summed)
    purchase_row = conversion("u")
    visitor.convert(judge_by(purchase_row, visitor.standings), purchase_row, summed)
    assert visitor.decide(2, more, summed) is settled


def test_the_first_decision_of_all_is_never_settled():
    assert Standings([], history(), RULES).settle(decision("u", "unknown-a")) is False


def test_a_decision_of_before_the_experiment_was_listed_is_set_aside():
    bare = datafile(experiments=[experiment("banner")])
    past = history((0, bare), (NOW, datafile(revision="2")))
    assert set_aside(decision("u", "checkout-a", NOW - 1), past=past) == {"not_running": 1}
    assert set_aside(decision("u", "checkout-a", NOW - 1, campaign_id="1"), past=past) == {
        "wrong_campaign": 1
    }


def accounts_apart(first, second):
    """Two datafiles of the accounts 12001 and 777, with these experiments."""
    own = datafile(groups=[], experiments=[experiment(key) for key in first])
    other = datafile(
        accountId="777", sdkKey="sdk-2", groups=[], experiments=[experiment(key) for key in second]
    )
    return DatafileHistory({"sdk-1": [(0, own)], "sdk-2": [(0, other)]})


@pytest.mark.parametrize(
    ("past", "account"),
    [
        (accounts_apart(["checkout"], ["checkout"]), "777"),
        (accounts_apart(["banner"], ["checkout"]), "777"),
        (accounts_apart(["checkout"], ["banner"]), "12001"),
    ],
)
def test_a_decision_for_another_account_that_is_known_is_not_settled(past, account):
    before = decision("u", "old-a", account_id=account)
    if past.experiment("exp-banner") is None:
        before = decision("u", "checkout-a", account_id="12001")
    standings = Standings([before], past, RULES)
    assert standings.settle(decision("u", "checkout-b", NOW + 1, account_id=account)) is False


def test_of_two_accounts_each_experiment_counts_its_own_accounts_visitors():
    past = accounts_apart(["checkout"], ["banner"])
    shown = count(
        decision("u", "checkout-a"),
        decision("v", "checkout-a", account_id="777"),
        decision("w", "banner-a", account_id="777"),
        past=past,
    )
    assert shown["checkout"]["variations"]["a"]["visitors"] == 1
    assert [one["reason"] for one in shown["checkout"]["set_aside"]] == ["wrong_account"]
    assert shown["banner"]["variations"]["a"]["visitors"] == 1 and shown["banner"]["set_aside"] == []


@pytest.mark.parametrize(
    "more", [{"experiment_id": "unknown"}, {"experiment_id": "exp-delivery"}, {"experiment_id": None}]
)
def test_what_is_decided_outside_of_experiments_adds_nothing(more):
    added = visitor_contribution([decision("u", "checkout-a", **more)], history(), RULES)
    assert added.shares.keys() <= {"exp-kept_out"} and added.set_aside == {}
