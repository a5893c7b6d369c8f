"""Accounts: `account_id` is all that ties an event to an account, so events of different accounts never meet."""

from __future__ import annotations

from typing import Any

import pytest
from field_builders import NOW, SECOND, activation, batch, conversion, datafile, decision, purchase
from hypothesis import given
from hypothesis import strategies as st
from plain_counting import results
from space import Space
from verdict_builders import IN_CHECKOUT, conditions, delivery, judged, sent

from optilocal.emulator.counting.standing import Rules
from optilocal.emulator.datafile.history import DatafileHistory

OTHER = datafile(accountId="777", sdkKey="sdk-2")
BOTH = DatafileHistory({"sdk-1": [(0, datafile())], "sdk-2": [(0, OTHER)]})
SHOWN = ["checkout-a", "checkout-b", "banner-a"]

accounts = st.sampled_from(["12001", "777", "55555"])
times = st.integers(NOW - 5, NOW + 20)
decisions = st.builds(decision, st.just("u"), st.sampled_from(SHOWN), times, account_id=accounts)
conversions = st.builds(
    conversion, st.just("u"), st.sampled_from(["ev-order", "ev-both"]), times, account_id=accounts
)


@given(st.lists(decisions, max_size=6), conversions)
def test_other_accounts_change_nothing(rows: list[Any], event: Any) -> None:
    """Each verdict is what it would be had the other accounts' events and datafiles never been there."""
    account = event["account_id"]
    alone = DatafileHistory({} if account == "55555" else {"k": [(0, datafile(accountId=account))]})
    own = [row for row in rows if row["account_id"] == account]
    found = judged(None, event, *rows, past=BOTH)
    if account == "55555":
        assert found["outcome"] == "wrong_account" and found["attributed_to"] == []
    else:
        expected = judged(None, event, *own, past=alone)
        same = ("outcome", "attributed_to", "conditions")
        assert {key: found[key] for key in same} == {key: expected[key] for key in same}


def test_an_event_under_an_account_that_no_datafile_has_is_in_no_results() -> None:
    rows = [IN_CHECKOUT, conversion("u", account_id="55555"), decision("v", "checkout-b", account_id="55555")]
    found = judged(None, rows[1], IN_CHECKOUT)
    assert found["outcome"] == "wrong_account" and found["attributed_to"] == [] and found["warnings"] == []
    assert found["conditions"] == conditions(None, None, None, None)
    assert '"55555", but the datafile here belongs to "12001"' in found["explanation"]
    assert 'account_id "12001"' in found["remedy"]
    shown = results(rows, DatafileHistory([(0, datafile())]), Rules())["experiments"]["checkout"][
        "variations"
    ]["b"]
    assert shown["visitors"] == 1 and shown["metrics"]["Order Completed"]["total"] == 0


def test_any_revision_of_any_datafile_makes_an_account_known() -> None:
    past = DatafileHistory(
        {"sdk-1": [(0, datafile(accountId="777")), (NOW - SECOND, datafile(revision="2"))]}
    )
    event = conversion("u", account_id="777")
    assert judged(None, event, past=past)["outcome"] == "user_not_activated"
    assert (
        judged(None, event, decision("u", "checkout-a", account_id="777"), past=past)["outcome"] == "counted"
    )


def test_without_any_datafile_no_account_is_wrong() -> None:
    assert (
        judged(None, conversion("u", account_id="55555"), past=DatafileHistory([]))["outcome"]
        == "no_experiment"
    )


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"client_name": "python-sdk"}, "An SDK takes it from the datafile that it was given"),
        ({"client_name": "Optimizely/Agent"}, "An SDK takes it from the datafile that it was given"),
        ({"client_name": "Segment"}, "the datafile that its Datafile URL serves"),
        ({"client_name": "RudderStack"}, "setting Account ID"),
        ({"client_name": None}, "look where it comes from"),
    ],
)
def test_the_remedy_tells_where_the_sender_has_its_account_from(more: dict[str, Any], says: str) -> None:
    assert says in judged(None, conversion("u", account_id="55555", **more))["remedy"]


def test_a_delivery_of_another_accounts_datafile_is_told_to_change_the_url() -> None:
    found = judged(delivery(), sent(account_id="55555"), IN_CHECKOUT)
    assert (
        found["outcome"] == "wrong_account" and "point that URL at this account's datafile" in found["remedy"]
    )
    assert found["conditions"] == conditions(True, None, True, None)


@pytest.mark.parametrize(("account", "says"), [(" 12001", "in spacing"), ("12-001", "in spacing")])
def test_another_spelling_of_the_account_is_another_account_and_told(account: str, says: str) -> None:
    found = judged(None, conversion("u", account_id=account), IN_CHECKOUT)
    assert found["outcome"] == "wrong_account" and says in found["explanation"]


@pytest.mark.parametrize(
    ("account", "outcome"), [(12001, "counted"), (55555, "wrong_account"), (None, "excluded")]
)
def test_an_account_that_is_no_text_breaks_the_schema_and_is_compared_by_its_digits(
    account: object, outcome: str, space: Space
) -> None:
    space.put_datafile()
    assert space.send(batch(activation())).status_code == 204
    assert space.send(batch(purchase(), account_id=account)).status_code == 204
    (told,) = space.rows("verdicts", wait=20, count=1)
    assert told["outcome"] == outcome
    if outcome == "excluded":
        assert "its account_id must be a string" in told["explanation"]
    else:
        assert any("account_id" in item["message"] for item in told["warnings"])


def test_a_visitor_who_is_in_an_experiment_of_another_account_is_told_so() -> None:
    """The event may well be a metric there."""
    found = judged(None, conversion("u", account_id="55555"), IN_CHECKOUT)
    assert found["details"] == ['The visitor is in "b" of "checkout", which belongs to another account.']
    paused = decision("u", "old-a", account_id="12001")
    (told,) = judged(None, conversion("u", account_id="55555"), paused)["details"]
    assert told.startswith(
        'The visitor has decisions in "old", which belongs to another account; they do not'
    )


@pytest.mark.parametrize("account", ["55555", "777"])
def test_a_decision_of_another_account_is_set_aside_with_the_reason(account: str) -> None:
    found = judged(None, conversion("u"), decision("u", "checkout-a", account_id=account), past=BOTH)
    assert found["outcome"] == "user_not_activated"
    assert f'sent for account "{account}", the experiment belongs to account "12001"' in found["explanation"]
    assert "for the account of the datafile that is served here" in found["remedy"]


@pytest.mark.parametrize("campaign", ["layer-banner", "1234", "exp-checkout-2", "rollout-1-2"])
def test_a_decision_of_another_campaign_is_set_aside_with_the_reason(campaign: str) -> None:
    past = DatafileHistory([(0, datafile())])
    shown = decision("u", "checkout-a", campaign_id=campaign)
    found = judged(None, conversion("u"), shown, past=past)
    assert found["outcome"] == "user_not_activated"
    assert f'campaign_id is "{campaign}", the experiment\'s layer is "layer-checkout"' in found["explanation"]
    assert "layerId" in found["remedy"]
    variations = results([shown, conversion("u")], past, Rules())["experiments"]["checkout"]["variations"]
    assert [variation["visitors"] for variation in variations.values()] == [0, 0]


@pytest.mark.parametrize(
    ("layer", "campaign", "counts"),
    [
        ("93001", "93001", True),
        ("93001", "", True),
        ("93001", None, True),
        ("93001", "exp-checkout", False),
        # What SDKs send where the datafile has no layer, or one that is no number.
        ("", "exp-checkout", True),
        (None, "exp-checkout", True),
        ("layer_1", "exp-checkout", True),
        ("layer_1", "layer_1", True),
        ("layer_1", "layer_2", False),
    ],
)
def test_campaigns_as_sdks_send_them_are_taken(layer: str | None, campaign: str | None, counts: bool) -> None:
    given_experiments = [{**one, "layerId": layer} for one in datafile()["experiments"]]
    past = DatafileHistory([(0, datafile(experiments=given_experiments))])
    found = judged(None, conversion("u"), decision("u", "checkout-a", campaign_id=campaign), past=past)
    assert found["outcome"] == ("counted" if counts else "user_not_activated")
