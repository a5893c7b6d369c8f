"""A conversion that counts and its warnings: headline, warnings and remedy never contradict each other."""

from __future__ import annotations

from typing import Any

import pytest
from field_builders import NOW, SECOND, batch, conversion, datafile, decision, history, purchase, read
from hypothesis import given
from hypothesis import strategies as st
from plain_counting import results
from verdict_builders import ANONYMOUS, IN_CHECKOUT, LOGX, delivery, judged, sent

from optilocal.emulator.counting.standing import Rules
from optilocal.emulator.settings import read_settings
from optilocal.emulator.verdict.advice import ADVICE, NOTHING
from optilocal.serving.options import OptionsError

codes = st.lists(st.sampled_from([*sorted(ADVICE), "harmless"]), unique=True)


@given(codes)
def test_headline_warnings_and_remedy_agree(given_codes: list[str]) -> None:
    warnings = [{"code": code, "message": code} for code in given_codes]
    found = judged(None, conversion("u", warnings=warnings), IN_CHECKOUT)
    known = [ADVICE[code] for code in given_codes if code in ADVICE]
    costly = [advice.but for advice in known if advice.but]
    assert found["outcome"] == "counted"
    assert (found["remedy"] == NOTHING) is (not known)
    assert (" here, but " in found["explanation"]) is bool(costly)
    assert all(advice.remedy in found["remedy"] for advice in known)
    assert all(but in found["explanation"] for but in costly)


def test_an_event_of_the_eu_that_went_to_the_us_is_not_simply_counted() -> None:
    report = delivery(requests=[{"to": "events", "url": LOGX, "status": 204}])
    past = history((0, datafile(region="EU")))
    found = judged(report, sent(), IN_CHECKOUT, past=past)
    assert "at Optimizely it probably counts nowhere: the US Event API was used" in found["explanation"]
    assert found["remedy"].startswith("Have the event posted to eu.logx.optimizely.com")
    assert judged(report, sent(), IN_CHECKOUT)["remedy"] == NOTHING


def test_what_counts_under_an_anonymous_id_is_told_to_send_a_user_id() -> None:
    found = judged(delivery(**ANONYMOUS), sent("anon-1"), decision("anon-1", "checkout-b"))
    assert found["outcome"] == "counted" and found["remedy"].startswith("Send a userId with the event")


# -- nested tags

NESTED: list[dict[str, Any]] = [
    {"products": [{"sku": "a"}]},
    {"address": {"city": "Bern"}},
    {"a": [], "b": {}, "c": 1},
]
PLAIN: list[dict[str, Any]] = [{}, {"sku": "a", "count": 2, "gift": True, "coupon": None}]
PLAIN += [{"typed": '\ue000{"a":1}'}, {"$opt_event_properties": {"size": "l"}}]


@pytest.mark.parametrize("tags", NESTED)
def test_an_event_with_nested_tags_counts_and_may_not_at_optimizely(tags: dict[str, Any]) -> None:
    (row,) = read(batch(purchase("u", tags=tags))).conversions
    found = judged(None, row, IN_CHECKOUT)
    assert found["outcome"] == "counted" and [item["code"] for item in found["warnings"]] == ["nested_tag"]
    assert "Optimizely may drop the whole event for its nested tags" in found["explanation"]
    assert found["remedy"].startswith("Flatten the nested tags")


@pytest.mark.parametrize(
    ("tags", "outcome"), [(t, "excluded") for t in NESTED] + [(t, "counted") for t in PLAIN]
)
def test_nested_tags_can_be_rejected(tags: dict[str, Any], outcome: str) -> None:
    (row,) = read(batch(purchase("u", tags=tags))).conversions
    rules = Rules(nested_tags="reject")
    found = judged(None, row, IN_CHECKOUT, rules=rules)
    assert found["outcome"] == outcome
    shown = results([row, IN_CHECKOUT], history(), rules)["experiments"]["checkout"]["variations"]["b"]
    assert shown["metrics"]["Order Completed"]["total"] == (1 if outcome == "counted" else 0)
    if outcome == "excluded":
        assert "arrays or objects among its tags" in found["explanation"]
        assert found["remedy"].startswith("Flatten the nested tags")


def test_the_option_and_its_twin() -> None:
    assert read_settings([], {}).rules.nested_tags == "count"
    assert read_settings(["--nested-tags", "reject"], {}).rules.nested_tags == "reject"
    assert read_settings([], {"EMULATOR_NESTED_TAGS": "reject"}).rules.nested_tags == "reject"
    with pytest.raises(OptionsError, match="drop"):
        read_settings(["--nested-tags", "drop"], {})


# -- revenue under a name that nobody maps


@pytest.mark.parametrize(
    ("tags", "more", "hinted"),
    [
        ({"total": 49.99}, {}, True),
        ({"order_total": "49.99"}, {}, True),
        ({"Revenue": 4999}, {}, True),
        ({"revenue_usd": 49.99}, {}, True),
        ({"total": 49.99}, {"revenue": 4999}, False),
        ({"total": None}, {}, False),
        ({"total": True}, {}, False),
        ({"total": "much"}, {}, False),
        ({"price": 49.99}, {}, False),
        ({}, {}, False),
    ],
)
def test_a_sum_that_nobody_maps_is_hinted_at(
    tags: dict[str, Any], more: dict[str, Any], hinted: bool
) -> None:
    (row,) = read(batch(purchase("u", tags=tags, **more))).conversions
    found = judged(None, row, IN_CHECKOUT)
    told = [item["message"] for item in found["warnings"] if item["code"] == "revenue_under_other_name"]
    assert len(told) == hinted and found["outcome"] == "counted"
    if hinted:
        assert f'its tag "{next(iter(tags))}" is' in told[0] and "map revenue to it" in found["remedy"]


def test_segments_property_is_named_where_the_mapping_leaves_it_out_of_the_tags() -> None:
    source = {"type": "track", "event": "Order Completed", "userId": "u", "properties": {"total": 49.99}}
    found = judged(delivery(source_event=source, payload={}), sent(), IN_CHECKOUT)
    (told,) = [item["message"] for item in found["warnings"] if item["code"] == "revenue_under_other_name"]
    assert 'its property "total" is 49.99' in told


def test_a_timestamp_ahead_says_that_results_have_to_wait_for_it() -> None:
    early = conversion("u", at=NOW + 3 * 86_400_000, received_at=NOW + SECOND)
    found = judged(None, early, IN_CHECKOUT)
    assert (
        found["outcome"] == "counted"
        and "missing until the time of its timestamp has come" in found["explanation"]
    )
