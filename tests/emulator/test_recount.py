"""Results of a segment, of a date range and with outliers smoothed, against plain reckonings of the same rules."""

import statistics
from collections import Counter
from typing import Any

import pytest
import test_plain_reckoning as plain
from field_builders import NOW, SECOND, conversion, datafile, decision, history
from hypothesis import given
from hypothesis import strategies as st
from plain_counting import deduplicate

from optilocal.emulator.counting.date_range import DateRange
from optilocal.emulator.counting.recount import Question, recount
from optilocal.emulator.counting.segmentation import Segment, value_text
from optilocal.emulator.counting.smoothing import smoothed_sums
from optilocal.emulator.counting.standing import Rules
from optilocal.emulator.datafile.history import DatafileHistory

RULES = Rules()
DAY = 86_400_000
GOLD = Segment("plan", "gold")
PLANS = [
    [],
    [{"entity_id": "attr-1", "key": "plan", "type": "custom", "value": "gold"}],
    [{"key": "plan", "value": "no"}],
]


def counted(rows: Any, question: Question, past: DatafileHistory | None = None) -> dict[str, Any]:
    by_visitor: dict[str, list[Any]] = {}
    for row in deduplicate(rows):
        by_visitor.setdefault(row["visitor_id"] or "", []).append(row)
    past = past or history()
    shown = recount(by_visitor.values(), question, past, RULES).results(past)["experiments"]
    assert isinstance(shown, dict)
    return shown


def checkout(rows: Any, **question: Any) -> dict[str, tuple[int, int, int]]:
    """Variation → visitors, order conversions, revenue."""
    shown = counted(rows, Question(**question))["checkout"]["variations"]
    orders = {key: arm["metrics"]["Order Completed"] for key, arm in shown.items()}
    return {key: (shown[key]["visitors"], orders[key]["total"], orders[key]["revenue"]) for key in shown}


GOLDEN, OTHERS = PLANS[1], PLANS[2]


@pytest.mark.parametrize(
    ("decided", "converted", "expected"),
    [
        (GOLDEN, GOLDEN, (1, 1, 5)),
        (GOLDEN, [], (1, 0, 0)),
        ([], GOLDEN, (1, 1, 5)),
        ([], [], (0, 0, 0)),
        (OTHERS, OTHERS, (0, 0, 0)),
        (OTHERS, GOLDEN, (1, 1, 5)),
    ],
)
def test_a_segment_has_who_carries_it_anywhere_and_the_conversions_that_carry_it(
    decided, converted, expected
):
    rows = [
        decision("u", "checkout-a", attributes=decided),
        conversion("u", revenue=5, attributes=converted),
        conversion("u", at=NOW + 2 * SECOND, revenue=7, attributes=OTHERS),
    ]
    assert checkout(rows, segment=GOLD)["a"] == expected


def test_the_variation_of_a_segment_is_the_first_one_seen_whoever_carried_it():
    rows = [
        decision("u", "checkout-a"),
        decision("u", "checkout-b", NOW + 1, attributes=GOLDEN),
        conversion("u"),
    ]
    assert checkout(rows, segment=GOLD) == {"a": (1, 0, 0), "b": (0, 0, 0)}


def test_a_conversion_before_its_decision_brings_nobody_into_a_segment():
    rows = [conversion("u", at=NOW - 1, attributes=GOLDEN), decision("u", "checkout-a")]
    assert checkout(rows, segment=GOLD)["a"] == (0, 0, 0)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("gold", "gold"),
        (5, "5"),
        (5.0, "5"),
        (1.5, "1.5"),
        (True, "true"),
        (False, "false"),
        ("", ""),
        (None, None),
    ],
)
def test_values_as_they_are_asked_for(value, text):
    assert value_text(value) == text


@pytest.mark.parametrize(
    ("attribute", "asked"),
    [
        ({"key": "plan", "entity_id": "attr-1", "value": "gold"}, "plan"),
        ({"key": "plan", "entity_id": "attr-1", "value": "gold"}, "attr-1"),
        ({"key": None, "entity_id": None, "type": "browser", "value": "gold"}, "browser"),
    ],
)
def test_an_attribute_is_asked_for_by_key_id_or_type(attribute, asked):
    row = decision("u", "checkout-a", attributes=[attribute])
    assert Segment(asked, "gold").carried_by(row)
    assert not Segment("custom", "gold").carried_by(row)


def test_in_a_date_range_the_first_variation_is_the_first_one_seen_in_it():
    rows = [
        decision("u", "checkout-a"),
        decision("u", "checkout-b", NOW + 10),
        conversion("u", at=NOW + 10, revenue=1),
        conversion("u", at=NOW + 20, revenue=2),
    ]
    assert checkout(rows) == {"a": (1, 2, 3), "b": (0, 0, 0)}
    assert checkout(rows, dates=DateRange(NOW + 1)) == {"a": (0, 0, 0), "b": (1, 2, 3)}
    assert checkout(rows, dates=DateRange(NOW, NOW + 20)) == {"a": (1, 1, 1), "b": (0, 0, 0)}
    assert checkout(rows, dates=DateRange(NOW + 10, NOW + 20)) == {"a": (0, 0, 0), "b": (1, 1, 1)}
    assert checkout(rows, dates=DateRange(NOW + 11)) == {"a": (0, 0, 0), "b": (0, 0, 0)}


@pytest.mark.parametrize(
    ("given", "rounded"),
    [
        ((0, 300_000), (0, 300_000)),
        ((1, 599_999), (300_000, 300_000)),
        ((None, 1), (None, 0)),
        ((299_999, None), (300_000, None)),
    ],
)
def test_dates_are_rounded_inwards(given, rounded):
    assert DateRange(*given).rounded() == DateRange(*rounded)


def orders(values: list[int], at: int = NOW) -> list[Any]:
    entered = [decision(f"u{n}", f"checkout-{'ab'[n % 2]}", at) for n in range(len(values))]
    return entered + [conversion(f"u{n}", at=at + 1 + n, revenue=value) for n, value in enumerate(values)]


def test_an_outlier_counts_as_the_mean():
    # Mean of eleven hundreds and one 12,000: 1,091.67; three deviations above it: about 10,956.
    values = [100] * 11 + [12_000]
    assert checkout(orders(values))["b"][2] == 500 + 12_000
    assert checkout(orders(values), smoothing=True) == {"a": (6, 6, 600), "b": (6, 6, 500 + 1_092)}


def test_of_few_values_none_is_an_outlier():
    # The farthest of ten values is at most 2.85 deviations from their mean.
    assert checkout(orders([1] * 9 + [10**9]), smoothing=True)["b"][2] == 4 + 10**9


def test_an_outlier_is_measured_by_its_day_and_the_six_before():
    cheap = [
        row
        for n in range(20)
        for row in orders([100], NOW - DAY * 9)[1:]
        for row in [{**row, "uuid": f"x{n}"}]
    ]
    early = [decision("u0", "checkout-a", NOW - 10 * DAY)]
    outlier = [conversion("u0", at=NOW, revenue=12_000)]
    near = [{**row, "timestamp": NOW - 6 * DAY} for row in cheap]
    assert checkout(early + cheap + outlier, smoothing=True)["a"][2] == 2_000 + 12_000
    assert checkout(early + near + outlier, smoothing=True)["a"][2] == 2_000 + round(14_000 / 21)


values_of_a_day = st.dictionaries(
    st.sampled_from("ab"),
    st.lists(st.integers(-50, 50) | st.integers(0, 10**9), min_size=1, max_size=30),
    min_size=1,
)


@given(st.dictionaries(st.integers(0, 12), values_of_a_day, max_size=5))
def test_smoothing_is_that_of_a_plain_reckoning(days):
    expected: Counter[str] = Counter()
    for day, by_variation in days.items():
        window = [v for d in range(day - 6, day + 1) for values in days.get(d, {}).values() for v in values]
        mean, deviation = statistics.fmean(window), statistics.pstdev(window)
        limit = mean + 3 * deviation
        for variation, values in by_variation.items():
            for value in values:
                expected[variation] += (
                    int((2 * sum(window) + len(window)) // (2 * len(window)))
                    if value > limit + 1e-3
                    else value
                )
    given_counts = {d: {v: Counter(values) for v, values in each.items()} for d, each in days.items()}
    assert smoothed_sums(given_counts) == dict(expected)


plans = st.sampled_from(PLANS)
rows_of = st.lists(
    st.builds(
        decision,
        plain.visitors,
        st.sampled_from(["checkout-a", "checkout-b", "banner-a"]),
        plain.times,
        uuid=plain.uuids,
        attributes=plans,
        holdback=st.sampled_from([False, False, True]),
    )
    | st.builds(
        conversion,
        plain.visitors,
        st.sampled_from(["ev-order", "ev-both"]),
        plain.times,
        uuid=plain.uuids,
        revenue=st.none() | st.integers(0, 9),
        attributes=plans,
    ),
    max_size=20,
    unique_by=lambda row: row["timestamp"],
)
ranges = st.tuples(st.none() | plain.times, st.none() | plain.times).map(lambda pair: DateRange(*pair))
questions = st.builds(Question, ranges, st.none() | st.just(GOLD), st.booleans())


@given(rows_of, questions, st.randoms())
def test_neither_order_nor_replays_nor_batches_matter(rows, question, random):
    rows = deduplicate(rows)
    shuffled = rows + [dict(row) for row in rows if random.random() < 0.5]
    random.shuffle(shuffled)
    cut = random.randint(0, len(shuffled))
    assert counted(shuffled[cut:] + shuffled[:cut], question) == counted(rows, question)


def is_gold(row: Any) -> bool:
    return any((a["key"], a["value"]) == ("plan", "gold") for a in row["attributes"])


@given(rows_of, ranges)
def test_a_segment_in_a_range_is_that_of_a_plain_reckoning(rows, dates):
    given_datafile = {
        **datafile(),
        "experiments": datafile()["experiments"] + datafile()["groups"][0]["experiments"],
    }
    kept = [
        row
        for row in deduplicate(rows)
        if (dates.start is None or row["timestamp"] >= dates.start)
        and (dates.end is None or row["timestamp"] < dates.end)
    ]
    reckoning = plain.Reckoning(kept, [given_datafile])
    credited = {id(row): reckoning.outcome(row)[1] for row in kept if row["kind"] == "conversion"}
    shown = counted(rows, Question(dates, GOLD))
    for key in ("checkout", "banner"):
        for variation in shown[key]["variations"].values():
            visitors = 0
            for visitor in ("u", "v"):
                first = reckoning.first(visitor, key)
                decided = [row for row in reckoning.decided(visitor, key) if not row["holdback"]]
                converted = [
                    row
                    for row in kept
                    if row["visitor_id"] == visitor and variation["id"] in credited.get(id(row), [])
                ]
                inside = any(is_gold(row) for row in decided + converted)
                visitors += first is not None and first["variation_id"] == variation["id"] and inside
            assert variation["visitors"] == visitors
            totals = sum(is_gold(row) and variation["id"] in credited.get(id(row), []) for row in kept)
            assert sum(metric["total"] for metric in variation["metrics"].values()) == totals
