"""Comparing: partial and whole, matchers, pairing, and every difference a record with the right place."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from optilocal.scenarios.comparing.compare import Difference, compare, compare_unordered
from optilocal.scenarios.comparing.pairing import Nearest, pair
from optilocal.scenarios.language.matchers import Matcher, as_text, read_matcher

UUID = "0b7f4a52-9a5e-4f0e-8f0a-3a4a5f6b7c8d"


def partial(expected: Any, captured: Any) -> list[tuple[str, str]]:
    return [
        (difference.where, difference.kind) for difference in compare(expected, captured, ("x",), whole=False)
    ]


def whole(expected: Any, captured: Any) -> list[tuple[str, str]]:
    return [
        (difference.where, difference.kind) for difference in compare(expected, captured, ("x",), whole=True)
    ]


def test_only_what_is_named_is_compared_unless_the_whole_is_asked_for() -> None:
    assert partial({"a": {"b": 1}}, {"a": {"b": 1, "c": 2}, "d": 3}) == []
    assert whole({"a": {"b": 1}}, {"a": {"b": 1, "c": 2}, "d": 3}) == [
        ("x.a.c", "unexpected"),
        ("x.d", "unexpected"),
    ]


@pytest.mark.parametrize(
    ("expected", "captured", "where", "kind"),
    [
        (1, 2, "x", "changed"),
        (1, "1", "x", "type"),
        (1, True, "x", "type"),
        (None, 0, "x", "type"),
        ("a", None, "x", "type"),
        ({"a": None}, {}, "x.a", "missing"),
        ([1, 2], [1], "x[1]", "missing"),
        ([1], [1, 2], "x[1]", "unexpected"),
        ([{"a": 1}], [{"a": 2}], "x[0].a", "changed"),
        ({"a": {"b": [1]}}, {"a": {"b": {}}}, "x.a.b", "type"),
    ],
)
def test_each_difference_names_its_place_and_kind(
    expected: Any, captured: Any, where: str, kind: str
) -> None:
    assert partial(expected, captured) == [(where, kind)]


@pytest.mark.parametrize(
    ("expected", "captured", "reason"),
    [
        ("Order Completed", "order completed", "differs in case only"),
        ("Order Completed", "OrderCompleted ", "differs in spacing only"),
        (4999, 49.99, "is a hundredth of it: currency units where cents are meant?"),
        (19.99, 1999, "is a hundred times it: cents where currency units are meant?"),
        (1, "1", "is the text 1, not the number"),
        (1, 2, "is another value"),
    ],
)
def test_the_reason_says_how_two_values_differ(expected: Any, captured: Any, reason: str) -> None:
    (difference,) = compare(expected, captured, ("x",), whole=False)
    assert difference.reason == reason


@pytest.mark.parametrize(
    ("expected", "captured", "reason"),
    [
        (
            {"treatmnt": {"visitors": 1}},
            {"control": {}, "treatment": {}},
            "is not there (did you mean 'treatment'?)",
        ),
        ({"order completed": 1}, {"Order Completed": 1}, "is not there (did you mean 'Order Completed'?)"),
        ({"revenue": 1}, {"tags": {}}, "is not there"),
        ({"sent": {}}, {"event": "Order Completed"}, "is not there"),
        ({"total": 1, "totals": 2}, {"total": 1}, "is not there"),
        ({"uuid": Matcher("!regex", "^a")}, {}, 'is not there; !regex "^a" was expected'),
        ({"list": Matcher("!contains", [{"code": "late"}])}, {"list": []}, 'contains no {"code": "late"}'),
    ],
)
def test_the_reason_says_what_a_missing_name_may_have_meant(
    expected: Any, captured: Any, reason: str
) -> None:
    found = compare({"x": expected}, {"x": captured}, (), whole=False)
    assert [difference.reason for difference in found] == [reason]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"!any": None}, "!any"),
        ({"!regex": "^o"}, '!regex "^o"'),
        (Matcher("!approx", [50, 0.5]), "!approx [50, 0.5]"),
        ({"a": {"!any": None}}, '{"a": {"!any": null}}'),
        ({"!else": 1}, '{"!else": 1}'),
        ("ä", '"ä"'),
    ],
)
def test_a_matcher_reads_as_its_author_wrote_it(value: Any, shown: str) -> None:
    assert as_text(value) == shown


def test_every_difference_is_found_not_only_the_first() -> None:
    expected = {"a": 1, "b": [1, {"c": "x"}], "d": Matcher("!uuid")}
    assert partial(expected, {"a": 2, "b": [3, {"c": "y"}], "d": "no"}) == [
        ("x.a", "changed"),
        ("x.b[0]", "changed"),
        ("x.b[1].c", "changed"),
        ("x.d", "matcher"),
    ]


def test_a_number_is_a_number_whether_json_wrote_a_fraction_or_not() -> None:
    assert partial(20, 20.0) == []
    assert partial(49.99, 49.98) == [("x", "changed")]
    assert partial(2**53 + 1, 2**53) == [("x", "changed")]


@pytest.mark.parametrize(
    ("tag", "argument", "accepts", "refuses"),
    [
        ("!any", None, [None, 0, "x", {}], []),
        ("!uuid", None, [UUID, UUID.upper(), f"ajs-next-1768471200000-{UUID}"], ["", "x" + UUID, 5, None]),
        (
            "!timestamp",
            None,
            [1768471200000, "2026-01-15T10:00:00Z", "2026-01-15"],
            [1768471200, True, "soon", None, 1.5e21],
        ),
        ("!regex", "^order-[0-9]+$", ["order-12"], ["order-", 12, None]),
        ("!approx", 49.99, [49.99, 49.990001], [50, "49.99", None, True]),
        ("!approx", [50, 0.5], [49.5, 50.5, 50], [49.4, 50.6]),
        ("!contains", "late", ["too late"], ["early", 5]),
        (
            "!contains",
            [{"code": "a"}],
            [[{"code": "b"}, {"code": "a", "message": "m"}]],
            [[], [{"code": "b"}], "x"],
        ),
        ("!contains", {"a": 1}, [{"a": 1, "b": 2}], [{"a": 2}, {}]),
        ("!unordered", [1, 2, 2], [[2, 1, 2]], [[1, 2], [1, 1, 2], {}, None]),
        (
            "!unordered",
            [{"a": Matcher("!uuid")}, {"a": 1}],
            [[{"a": 1}, {"a": UUID}]],
            [[{"a": 1}, {"a": 2}]],
        ),
    ],
)
def test_matchers(tag: str, argument: Any, accepts: list[Any], refuses: list[Any]) -> None:
    matcher = read_matcher(tag, argument)
    for captured in accepts:
        assert partial({"f": matcher}, {"f": captured}) == [], captured
    for captured in refuses:
        assert partial({"f": matcher}, {"f": captured}) != [], captured
    assert partial({"f": matcher}, {}) == [("x.f", "missing")]


def test_absent_wants_the_key_gone_even_where_it_is_null() -> None:
    assert partial({"f": Matcher("!absent")}, {}) == []
    assert partial({"f": Matcher("!absent")}, {"f": None}) == [("x.f", "unexpected")]


def test_unordered_lists_are_paired_by_uuid_before_anything_else() -> None:
    expected = [{"uuid": "a", "revenue": 1}, {"uuid": "b", "revenue": 2}]
    captured = [{"uuid": "b", "revenue": 2}, {"uuid": "a", "revenue": 2}]
    (difference,) = compare_unordered(expected, captured, ("received",), whole=True)
    assert (difference.where, difference.expected, difference.captured) == ("received[0].revenue", 1, 2)


def test_a_lost_event_is_one_difference_and_names_its_nearest() -> None:
    events = [{"visitor_id": f"u-{n}", "key": "Order Completed", "revenue": n} for n in range(5)]
    (difference,) = compare_unordered(events, events[1:], ("received",), whole=True)
    assert (difference.where, difference.kind) == ("received[0]", "missing")
    assert difference.nearest == {"index": 0, "score": "1/3"}


def test_a_record_leaves_out_the_side_that_is_not_there() -> None:
    record = Difference(("a", 0), "missing", "is not there", expected=Matcher("!regex", "x")).as_json()
    assert record == {
        "where": "a[0]", "path": ["a", 0], "kind": "missing", "reason": "is not there",
        "expected": {"!regex": "x"}, "nearest": None,
    }  # fmt: skip


def test_a_key_that_looks_private_is_compared_like_any_other() -> None:
    assert whole({"__a": 1}, {"__a": 2, "__b": 3}) == [("x.__a", "changed"), ("x.__b", "unexpected")]


LEAF = st.none() | st.booleans() | st.integers(-3, 3) | st.text("ab", max_size=2)
JSON = st.recursive(
    LEAF,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)


@given(JSON, JSON)
@example([False, False], [False, 0])
def test_no_difference_means_the_same_json_and_the_other_way_round(left: Any, right: Any) -> None:
    same = json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)
    assert (compare(left, right, (), whole=True) == []) == same


@given(
    st.lists(st.dictionaries(st.sampled_from("abc"), LEAF, min_size=1), max_size=6),
    st.randoms(use_true_random=False),
)
def test_order_does_not_matter_where_it_is_said_not_to(items: list[Any], rng: random.Random) -> None:
    shuffled = list(items)
    rng.shuffle(shuffled)
    assert compare_unordered(items, shuffled, (), whole=True) == []


@given(st.lists(JSON, max_size=5), st.lists(JSON, max_size=5))
def test_pairing_uses_each_item_once(left: list[Any], right: list[Any]) -> None:
    pairing = pair(left, right)
    both = [*pairing.same, *pairing.pairs]
    assert sorted([one for one, _ in both] + list(pairing.missing)) == list(range(len(left)))
    assert sorted([other for _, other in both] + list(pairing.unexpected)) == list(range(len(right)))


@given(JSON)
def test_an_item_scores_fully_against_itself(item: Any) -> None:
    nearest = Nearest([item]).to(item)
    assert nearest is not None
    same, total = nearest["score"].split("/")
    assert same == total


def crowd(count: int) -> list[dict[str, Any]]:
    """Events that nothing but the amount tells apart."""
    return [{"visitor_id": "u", "key": "Order Completed", "revenue": number} for number in range(count)]


def test_very_many_alike_are_paired_by_where_they_stand() -> None:
    pairing = pair(crowd(2_000), [{**event, "value": 1} for event in crowd(2_000)])
    assert (pairing.same, pairing.missing, pairing.unexpected) == ((), (), ())
    assert pairing.pairs == tuple((number, number) for number in range(2_000))


def test_of_very_many_lost_the_first_name_their_nearest_and_all_are_told_of() -> None:
    expected = [{"visitor_id": f"u-{number}", "key": "Order Completed"} for number in range(2_000)]
    lost = compare_unordered(expected, expected[:1_000], ("received",), whole=True)
    assert [(difference.kind, difference.path[1]) for difference in lost] == [
        ("missing", number) for number in range(1_000, 2_000)
    ]
    assert lost[0].nearest == {"index": 0, "score": "1/2"}
    assert lost[-1].nearest is None
    came = compare_unordered(expected[:1_000], expected, ("received",), whole=True)
    assert [(difference.kind, difference.path[1]) for difference in came] == [
        ("unexpected", number) for number in range(1_000, 2_000)
    ]


def test_contains_finds_one_item_among_many() -> None:
    wanted = Matcher("!contains", [{"revenue": 700}])
    assert compare(wanted, crowd(1_000), ("received",), whole=True) == []
    (difference,) = compare(wanted, crowd(600), ("received",), whole=True)
    assert difference.reason == 'contains no {"revenue": 700}'


CONTAINS = [
    (["Order", "was recorded"], "Order was recorded", None),
    (["Order", "lost", "gone"], "Order was recorded", "does not contain 'lost'"),
    ("lost", "Order was recorded", "does not contain 'lost'"),
    ({"code": "late"}, [{"code": "late", "message": "m"}], None),
    ({"code": "early"}, [{"code": "late"}], 'contains no {"code": "early"}'),
    ("code", {"code": "late"}, "is neither a list, a mapping nor a text, so it contains nothing"),
    ({"code": "late"}, 5, "is neither a list, a mapping nor a text, so it contains nothing"),
]


@pytest.mark.parametrize(("wanted", "captured", "reason"), CONTAINS)
def test_what_contains_takes_of_texts_lists_and_mappings(
    wanted: Any, captured: Any, reason: str | None
) -> None:
    found = compare(Matcher("!contains", wanted), captured, ("x",), whole=False)
    assert [difference.reason for difference in found] == ([] if reason is None else [reason])


@pytest.mark.parametrize(
    ("expected", "captured", "reason"),
    [
        (1, {"a": 1}, "is an object, not a number"),
        ({"a": 1}, "a", "is a text, not an object"),
        ([1], None, "is null, not a list"),
        (None, True, "is a boolean, not null"),
    ],
)
def test_another_type_is_named_with_its_article(expected: Any, captured: Any, reason: str) -> None:
    (found,) = compare({"k": expected}, {"k": captured}, ("x",), whole=False)
    assert (found.kind, found.reason) == ("type", reason)


def test_differences_come_in_the_order_of_their_places() -> None:
    expected = {"b": list(range(12)), "a": 1}
    captured = {"b": [0, 1, "two", *range(3, 11), 0], "a": 2}
    found = compare(expected, captured, (), whole=True)
    assert [difference.where for difference in found] == ["a", "b[2]", "b[11]"]
