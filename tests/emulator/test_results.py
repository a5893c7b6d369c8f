"""Judgements folded into counts."""

from fractions import Fraction
from itertools import pairwise

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
    read,
)
from hypothesis import given
from hypothesis import strategies as st
from plain_counting import deduplicate, results, totals

from optilocal.emulator.counting.rest_results import rest_results
from optilocal.emulator.counting.results import Totals, visitor_contribution
from optilocal.emulator.counting.standing import Rules
from optilocal.emulator.datafile.history import DatafileHistory

RULES = Rules()
ZERO = {"unique": 0, "total": 0, "revenue": 0, "value": 0}


def count(*rows, past=None):
    return results(rows, past or history(), RULES)["experiments"]


def test_without_events_every_experiment_stands_at_zero():
    assert count() == {
        key: {
            "id": f"exp-{key}",
            "status": status,
            "variations": {
                letter: {"id": f"{key}-{letter}", "visitors": 0, "metrics": dict.fromkeys(events, ZERO)}
                for letter in "ab"
            },
            "set_aside": [],
        }
        for key, status, events in (
            ("checkout", "Running", ["Order Completed", "Signed Up"]),
            ("old", "Paused", ["Signed Up", "Plan Upgraded"]),
            ("banner", "Running", ["Signed Up"]),
        )
    }


def test_unique_counts_visitors_total_counts_events_and_money_is_summed():
    counted = count(
        decision("u", "checkout-b"),
        decision("v", "checkout-b"),
        decision("w", "checkout-a"),
        conversion("u", at=NOW + 1, revenue=4999, value=49.99),
        conversion("u", at=NOW + 2, revenue=1, value=0.01),
        conversion("v", at=NOW + 3, revenue=None, value=None),
        conversion("w", at=NOW - 1, revenue=700),
    )["checkout"]["variations"]
    assert counted["b"]["visitors"] == 2 and counted["a"]["visitors"] == 1
    assert counted["b"]["metrics"]["Order Completed"] == {
        "unique": 2,
        "total": 3,
        "revenue": 5000,
        "value": 50,
    }
    assert counted["a"]["metrics"]["Order Completed"] == ZERO


def test_values_are_summed_without_binary_noise():
    rows = [conversion("u", at=NOW + i, value=0.1) for i in range(1, 4)]
    metric = count(decision("u", "checkout-a"), *rows)["checkout"]["variations"]["a"]["metrics"][
        "Order Completed"
    ]
    assert metric["value"] == 0.3


def test_visitors_count_only_by_decisions_that_count():
    counted = count(
        decision("a", "checkout-a", holdback=True),
        decision("b", "old-a"),
        decision("c", "checkout-a", problems=[{"code": "x", "message": "x"}]),
        decision("d", "kept_out-a"),
        decision("e", "checkout-a"),
        decision("e", "checkout-b", NOW + 1),
        decision("e", "checkout-b", NOW + 2),
    )
    visitors = {
        f"{key}-{letter}": arm["visitors"]
        for key, found in counted.items()
        for letter, arm in found["variations"].items()
    }
    assert {name for name, number in visitors.items() if number} == {"checkout-a"}
    assert visitors["checkout-a"] == 1


def test_replays_count_once():
    rows = [decision("u", "checkout-a"), conversion("u", revenue=5)]
    assert count(*rows, *rows, *rows) == count(*rows)


def test_an_experiment_that_left_the_datafile_is_shown_while_it_has_visitors():
    gone = datafile(revision="2", experiments=[])
    past = history((NOW, datafile()), (NOW + 10 * SECOND, gone))
    assert "checkout" not in count(past=past)
    shown = count(decision("u", "checkout-a"), conversion("u", revenue=9), past=past)["checkout"]
    assert shown["variations"]["a"]["metrics"]["Order Completed"]["revenue"] == 9


def test_two_environments_with_one_experiment_key_are_told_apart():
    rule = experiment("checkout") | {"id": "exp-dev"}
    development = datafile(environmentKey="development", experiments=[rule], groups=[], events=[])
    both = DatafileHistory({"a": [(0, datafile())], "b": [(0, development)]})
    assert {"checkout", "checkout (development)"} <= set(count(past=both))


def test_huge_values_stay_json():
    rows = [conversion("u", at=NOW + i, value=1.7e308) for i in range(1, 4)]
    metric = count(decision("u", "checkout-a"), *rows)["checkout"]["variations"]["a"]["metrics"][
        "Order Completed"
    ]
    assert metric["value"] == 1.7976931348623157e308


def test_rest_results_have_the_shape_of_the_real_api():
    rows = [
        decision("u", "checkout-a"),
        decision("v", "checkout-b"),
        decision("w", "checkout-b"),
        conversion("u", at=NOW + 1, revenue=100, value=1.5),
        conversion("v", at=NOW + 2, revenue=50),
        conversion("v", at=NOW + 3, revenue=50),
        conversion("v", "ev-both", at=NOW + 3, revenue=1000),
    ]
    body = rest_results("exp-checkout", totals(rows, history(), RULES), history())
    assert body is not None
    assert body["reach"]["total_count"] == 3
    assert body["reach"]["variations"]["checkout-b"] == {
        "variation_id": "checkout-b",
        "name": "b",
        "count": 2,
        "variation_reach": 2 / 3,
    }
    named = {(m["name"], m["aggregator"], m["field"]): m for m in body["metrics"]}
    assert len(named) == 2 * 4 + 1
    value = {name: {v: r["value"] for v, r in m["results"].items()} for name, m in named.items()}
    assert value["Order Completed", "unique", None] == {"checkout-a": 1, "checkout-b": 1}
    assert value["Order Completed", "count", None] == {"checkout-a": 1, "checkout-b": 2}
    assert value["Order Completed", "sum", "revenue"] == {"checkout-a": 100, "checkout-b": 100}
    assert value["Order Completed", "sum", "value"] == {"checkout-a": 1.5, "checkout-b": 0}
    assert value["Overall revenue", "sum", "revenue"] == {"checkout-a": 100, "checkout-b": 1100}
    overall = named["Overall revenue", "sum", "revenue"]
    assert overall["event_id"] is None
    compared = overall["results"]["checkout-b"]
    assert (compared["samples"], compared["rate"], compared["is_baseline"]) == (2, 550.0, False)
    assert compared["lift"]["value"] == pytest.approx(4.5)


def test_rest_results_of_an_experiment_without_visitors_are_empty_and_of_an_unknown_one_an_error():
    assert rest_results("exp-checkout", Totals(), history()) is None
    for other in ("nowhere", "exp-delivery", "exp-kept_out"):
        with pytest.raises(KeyError):
            rest_results(other, Totals(), history())


times = st.integers(NOW - 4, NOW + 4)
visitors = st.sampled_from(["u", "v", "w"])
shown = st.sampled_from(["checkout-a", "checkout-b", "banner-a", "banner-b", "old-a", "kept_out-a"])
events = st.sampled_from(["ev-order", "ev-both", "ev-old", "ev-free"])
money = st.none() | st.integers(-(10**6), 10**6)
amounts = st.none() | st.floats(-1e9, 1e9, allow_nan=False)
rows_of = st.lists(
    st.builds(decision, visitors, shown, times, holdback=st.booleans())
    | st.builds(conversion, visitors, events, times, revenue=money, value=amounts),
    max_size=14,
    unique_by=lambda row: row["uuid"],
)


@given(rows_of, st.randoms())
def test_neither_order_nor_replays_matter(rows, random):
    mixed = rows + random.sample(rows, len(rows) // 2)
    random.shuffle(mixed)
    assert count(*mixed) == count(*rows)


@given(rows_of, st.integers(0, 14))
def test_splitting_what_was_sent_does_not_matter(rows, cut):
    whole = totals(rows, history(), RULES)
    split = Totals()
    kept: dict[str, list] = {}
    parts: dict[str, dict] = {}
    for part in (rows[:cut], rows[cut:]):
        for row in part:
            visitor = row["visitor_id"]
            if visitor in parts:
                split.subtract(parts[visitor])
            kept.setdefault(visitor, []).append(row)
            parts[visitor] = visitor_contribution(kept[visitor], history(), RULES)
            split.add(parts[visitor])
    assert split.results(history()) == whole.results(history())


wire_visitors = st.lists(
    st.builds(
        lambda visitor, event, at, uuid: purchase(visitor, entity_id=event, timestamp=at, uuid=uuid),
        visitors,
        events,
        times,
        st.uuids().map(str),
    )
    | st.builds(activation, visitors, timestamp=times, uuid=st.uuids().map(str)),
    max_size=8,
)


@given(wire_visitors, st.lists(st.integers(0, 8), max_size=3), st.randoms())
def test_splitting_a_batch_and_sending_parts_again_in_any_order_does_not_matter(sent, cuts, random):
    edges = [0, *sorted(cuts), len(sent)]
    parts = [sent[start:end] for start, end in pairwise(edges)]
    parts += parts[:1]
    random.shuffle(parts)
    split = [row for part in parts for row in read(batch(*part)).rows]
    assert count(*split) == count(*read(batch(*sent)).rows)


@given(rows_of)
def test_taking_every_visitor_away_again_leaves_nothing(rows):
    summed = Totals()
    parts = [
        visitor_contribution([r for r in rows if r["visitor_id"] == visitor], history(), RULES)
        for visitor in {row["visitor_id"] for row in rows}
    ]
    for part in parts:
        summed.add(part)
    for part in parts:
        summed.subtract(part)
    assert summed.results(history()) == Totals().results(history())


@given(rows_of)
def test_counts_are_bounded_by_what_was_sent(rows):
    counted = count(*rows)
    decided = {(row["visitor_id"], row["experiment_id"]) for row in rows if row["kind"] == "decision"}
    for found in counted.values():
        arms = found["variations"].values()
        assert sum(arm["visitors"] for arm in arms) <= sum(1 for _, id_ in decided if id_ == found["id"])
        for arm in arms:
            for metric in arm["metrics"].values():
                assert 0 <= metric["unique"] <= min(metric["total"], arm["visitors"])
    assert all(arm["visitors"] == 0 for arm in counted["old"]["variations"].values())


@given(st.lists(st.floats(-1e12, 1e12, allow_nan=False), max_size=8))
def test_the_sum_of_values_is_the_exact_sum_of_what_was_sent(values):
    rows = [conversion("u", at=NOW + i, value=value) for i, value in enumerate(values)]
    metric = count(decision("u", "checkout-a"), *rows)["checkout"]["variations"]["a"]["metrics"][
        "Order Completed"
    ]
    assert metric["value"] == float(sum(Fraction(repr(value)) for value in values))
    assert len(deduplicate(rows)) == metric["total"]


def test_a_variation_that_was_removed_is_shown_while_it_has_visitors():
    slim = experiment("checkout")
    slim["variations"] = slim["variations"][:1]
    past = history((NOW, datafile()), (NOW + SECOND, datafile(revision="2", experiments=[slim])))
    arms = count(decision("u", "checkout-b"), decision("v", "checkout-a"), past=past)["checkout"][
        "variations"
    ]
    assert {key: arm["visitors"] for key, arm in arms.items()} == {"a": 1, "b": 1}
    assert set(count(past=past)["checkout"]["variations"]) == {"a"}
