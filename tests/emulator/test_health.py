"""An experiment's funnel and health: what is told over HTTP, and the sample ratio against the formula of its white paper."""

import math
from itertools import accumulate
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
    purchase,
    report,
)
from hypothesis import given
from hypothesis import strategies as st
from space import Space

from optilocal.emulator.counting.health import health, watched
from optilocal.emulator.counting.sample_ratio import CONCENTRATION, sample_ratio
from optilocal.emulator.counting.standing import Rules
from optilocal.emulator.datafile.history import DatafileHistory

HALVES = [{"entityId": "checkout-a", "endOfRange": 5000}, {"entityId": "checkout-b", "endOfRange": 10000}]
QUARTER = [
    {"entityId": "checkout-a", "endOfRange": 1000},
    {"entityId": "", "endOfRange": 6000},
    {"entityId": "checkout-b", "endOfRange": 9000},
]
SPLIT = {"a": 0.5, "b": 0.5}


def bayes_factor(split: dict[str, float], counts: dict[str, int]) -> float:
    """ln BF as next to the white paper's formula as can be: beta functions, not steps."""
    alpha = {key: CONCENTRATION * share for key, share in split.items()}

    def log_beta(values: list[float]) -> float:
        return sum(map(math.lgamma, values)) - math.lgamma(sum(values))

    after = log_beta([alpha[key] + counts[key] for key in split])
    return after - log_beta(list(alpha.values())) - sum(n * math.log(split[key]) for key, n in counts.items())


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=200))
def test_the_p_value_is_the_least_so_far_of_the_formula(entered: list[str]) -> None:
    split = {"a": 0.5, "b": 0.3, "c": 0.2}
    counts = accumulate(
        entered, lambda seen, one: {**seen, one: seen[one] + 1}, initial=dict.fromkeys("abc", 0)
    )
    factors = [bayes_factor(split, seen) for seen in counts]
    found = sample_ratio((one, split) for one in entered)
    assert found is not None
    assert found.p_value == pytest.approx(min(1.0, math.exp(-max(factors))), rel=1e-6)
    assert found.visitors == {one: entered.count(one) for one in "abc"}


@pytest.mark.parametrize(("a", "b", "p_value"), [(5200, 4800, 0.026), (5300, 4700, 1.7e-4), (520, 480, 0.98)])
def test_known_figures_of_the_published_test(a: int, b: int, p_value: float) -> None:
    assert math.exp(-bayes_factor(SPLIT, {"a": a, "b": b})) == pytest.approx(p_value, rel=0.05)


def test_a_changed_split_begins_the_test_anew_and_a_variation_without_traffic_is_left_out() -> None:
    before = [("a", SPLIT)] * 3000
    found = sample_ratio([*before, *[("a", {"a": 1.0}), ("b", {"a": 1.0})] * 5])
    assert found is not None
    assert (found.p_value, found.visitors, found.expected) == (1.0, {"a": 5}, {"a": 5.0})
    mismatch = sample_ratio(before)
    assert mismatch is not None
    assert mismatch.p_value < 1e-6
    assert sample_ratio([]) is None
    assert sample_ratio([("b", {"a": 1.0}), ("a", {})]) is None


def examined(rows: Any, threshold: float = 0.01, **changes: Any) -> dict[str, Any]:
    """The health of checkout after these rows, with no loss on the way."""
    past = DatafileHistory([(0, datafile(experiments=[experiment("checkout", **changes)]))])
    by_visitor: dict[str, list[Any]] = {}
    for row in rows:
        by_visitor.setdefault(row["visitor_id"], []).append(row)
    seen = watched(by_visitor.values(), past, Rules())
    shown = {
        "variations": {key: {"id": f"checkout-{key}", "visitors": 1, "metrics": {}} for key in "ab"},
        "funnel": {"received": 0, "losses": []},
    }
    return health("exp-checkout", shown, seen["exp-checkout"], past, threshold)


def test_visitors_that_are_not_spread_as_intended_are_critical() -> None:
    rows = [decision(f"u-{n}", "checkout-a" if n % 4 else "checkout-b") for n in range(2000)]
    found = examined(rows, trafficAllocation=HALVES)
    ratio = found["sample_ratio"]
    assert (found["status"], ratio["status"], ratio["visitors"]) == (
        "critical",
        "critical",
        {"a": 1500, "b": 500},
    )
    assert ratio["expected"] == {"a": 1000.0, "b": 1000.0}
    assert "a 1500 of about 1000" in ratio["message"]
    assert examined(rows, trafficAllocation=QUARTER)["sample_ratio"]["expected"] == {"a": 500.0, "b": 1500.0}
    assert examined(rows, threshold=1e-300, trafficAllocation=HALVES)["sample_ratio"]["status"] == "good"
    for bandit in ({"type": "mab"}, {"type": "fr"}, {"cmab": {"attributeIds": []}}):
        shown = examined(rows, trafficAllocation=HALVES, **bandit)["sample_ratio"]
        assert shown["status"] == "not_applicable"


def test_the_first_decision_alone_is_looked_at_and_a_second_variation_is_told() -> None:
    rows = [
        decision("u-1", "checkout-b", NOW + SECOND),
        decision("u-1", "checkout-a"),
        decision("u-2", "checkout-a"),
    ]
    found = examined(rows, trafficAllocation=HALVES)
    assert found["sample_ratio"]["visitors"] == {"a": 2, "b": 0}
    assert (found["crossover"]["status"], found["crossover"]["visitors"], found["crossover"]["of"]) == (
        "attention",
        1,
        2,
    )


def test_an_id_that_many_share_is_told() -> None:
    many = [decision("ANONYMOUS_USER", "checkout-a", NOW + n) for n in range(20)]
    others = [decision(f"u-{n}", "checkout-b") for n in range(20)]
    found = examined([*many, *others], trafficAllocation=HALVES)["one_visitor"]
    assert (found["status"], found["visitor_id"], found["events"], found["of"]) == (
        "attention",
        "ANONYMOUS_USER",
        20,
        40,
    )
    assert examined(many)["one_visitor"]["status"] == "attention"
    assert examined(many[:19])["one_visitor"]["status"] == "not_applicable"
    assert examined([*many[:5], *others])["one_visitor"]["status"] == "good"
    bought = [conversion("u-1", at=NOW + n) for n in range(1, 30)]
    assert examined([*others, *bought])["one_visitor"]["visitor_id"] == "u-1"


def lost(name: str, outcome: str, key: str = "Order Completed", **more: Any) -> dict[str, Any]:
    """A delivery that ended before anything was sent."""
    event = {"type": "track", "event": key, "userId": "u-9", "messageId": name}
    given = {"event": key, "event_key": key, "source_event": event, "requests": [], "payload": None}
    return report(name, outcome=outcome, user_id="u-9", visitor_id="u-9", **{**given, **more})


def fill(space: Space) -> None:
    """One order counts; others are lost in Segment, on the way, in the results; other calls are no orders."""
    space.put_datafile()
    space.send(batch(activation("u-1")))
    space.send(batch(purchase("u-1", uuid="c-1")))
    space.report(**report("1"))
    space.send(batch(purchase("u-2", uuid="c-2")))
    space.report(**lost("l-1", "unmatched_event_key", key="order completed"))
    space.report(**lost("l-2", "invalid_payload"))
    space.report(**lost("l-3", "delivery_failed", requests=report()["requests"]))
    space.report(**lost("l-4", "not_subscribed", key="Newsletter Subscribed"))
    space.report(
        **report("i", type="identify", event=None, event_key=None, outcome="not_subscribed", requests=[])
    )


def test_the_funnel_has_every_loss_of_the_experiments_own_events(space: Space) -> None:
    fill(space)
    shown = space.json("results", funnel="yes")
    funnel = shown["experiments"]["checkout"]["funnel"]
    assert {key: funnel[key] for key in ("tracked", "sent", "received", "counted")} == {
        "tracked": 5,
        "sent": 3,
        "received": 2,
        "counted": 1,
    }
    assert [(loss["outcome"], loss["before"], loss["by_event"]) for loss in funnel["losses"]] == [
        ("invalid_payload", "sent", {"Order Completed": 1}),
        ("unmatched_event_key", "sent", {"order completed": 1}),
        ("delivery_failed", "received", {"Order Completed": 1}),
        ("user_not_activated", "counted", {"Order Completed": 1}),
    ]
    assert shown["experiments"]["banner"]["funnel"]["tracked"] == 0
    # The newsletter is a metric of none, the identify call is no conversion at all.
    assert (shown["funnel"]["tracked"], shown["funnel"]["counted"]) == (6, 1)
    assert "health" not in shown["experiments"]["checkout"]
    assert "funnel" not in space.json("results")


def test_an_event_that_counts_elsewhere_only_is_a_loss_here(space: Space) -> None:
    space.put_datafile()
    space.send(batch(activation("u-1"), purchase("u-1", entity_id="ev-both", key="Signed Up")))
    shown = space.json("results", funnel="yes")["experiments"]
    assert shown["checkout"]["funnel"]["counted"] == 1
    assert shown["banner"]["funnel"]["losses"] == [
        {"outcome": "counted", "before": "counted", "events": 1, "by_event": {"Signed Up": 1}}
    ]


def test_health_and_its_course_over_http(space: Space) -> None:
    fill(space)
    checkout = space.json("results", health="yes")["experiments"]["checkout"]
    assert checkout["health"]["without_decision"] | {"message": ""} == {
        "status": "good",
        "user_id": 1,
        "anonymous_id": 0,
        "of": 2,
        "message": "",
    }
    assert checkout["health"]["idle_metrics"]["metrics"] == ["Signed Up"]
    assert checkout["health"]["status"] == "attention"
    course = checkout["over_time"]
    assert course["times"][0] == NOW
    assert course["times"][-1] == NOW + SECOND
    assert course["variations"]["a"]["visitors"] == [1] * len(course["times"])
    assert course["variations"]["a"]["metrics"]["Order Completed"][0] == 0
    assert course["variations"]["a"]["metrics"]["Order Completed"][-1] == 1
    assert space.json("results", health="yes")["experiments"]["old"]["over_time"] == {
        "times": [],
        "variations": {},
    }


@pytest.mark.parametrize("params", [{"srm_threshold": "0"}, {"srm_threshold": "much"}, {"health": "maybe"},
        {"funnel": "yes", "start_time": "2026-01-15T10:11:00Z"},
                                    {"health": "yes", "end_time": "2026-01-15T10:11:00Z"}])  # fmt: skip
def test_what_cannot_be_asked_is_refused_in_one_line(space: Space, params: dict[str, str]) -> None:
    answer = space.get("/_emulator/results", params=params)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_parameter")
