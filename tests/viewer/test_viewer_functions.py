"""The viewer's pure functions: addresses, filters, aligned differences, journeys, texts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page
from viewer_traffic import ENDS

STATIC = Path(__file__).parents[2] / "static" / "js"
PURE = ("route", "filter", "diff", "words", "journey", "texts")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)


@pytest.fixture(scope="module")
def pure(browser: Browser) -> Iterator[Page]:
    """An empty page that knows the pure functions and nothing else: they need no page."""
    page = browser.new_page()
    for name in PURE:
        page.add_script_tag(path=STATIC / f"{name}.js")
    yield page
    page.close()


def call(page: Page, function: str, *arguments: Any) -> Any:
    """The function's answer. Arguments and answer travel as JSON, which keeps a key `__proto__` a key."""
    given = json.dumps(arguments)
    answer = page.evaluate(
        f"given => JSON.stringify(optilocal.{function}(...JSON.parse(given)) ?? null)", given
    )
    return json.loads(answer)


@settings(deadline=None, max_examples=60)
@given(
    page_name=WORDS.filter(bool),
    parts=st.lists(WORDS.filter(bool)),
    params=st.dictionaries(WORDS, WORDS.filter(bool)),
)
def test_an_address_leads_back_to_what_it_was_made_of(
    pure: Page, page_name: str, parts: list[str], params: dict[str, str]
) -> None:
    route = {"page": page_name, "parts": parts, "params": params}
    assert call(pure, "route.parse", call(pure, "route.format", route)) == route


def test_an_empty_or_broken_address_is_still_one(pure: Page) -> None:
    assert call(pure, "route.parse", "") == {"page": "runs", "parts": [], "params": {}}
    assert call(pure, "route.parse", "#/event/%E0%A4%A")["parts"] == ["%E0%A4%A"]


def test_a_scenario_is_found_whether_its_slashes_are_escaped_or_not(pure: Page) -> None:
    for address, found in (
        ("#/runs/r1/a%2Fb.yaml%3A3", "a/b.yaml:3"),
        ("#/runs/r1/a/b.yaml:3", "a/b.yaml:3"),
        ("#/runs/r1//a/b.yaml:3", "/a/b.yaml:3"),
        ("#/runs/r1/", None),
    ):
        assert call(pure, "route.scenarioOf", call(pure, "route.parse", address)) == found


FIELDS = ["status", "tag", "event", "text"]
TOKENS = st.lists(
    st.fixed_dictionaries(
        {"field": st.sampled_from(FIELDS), "value": WORDS.filter(str.strip), "not": st.booleans()}
    )
)


@settings(deadline=None, max_examples=80)
@given(tokens=TOKENS)
def test_a_filter_reads_back_as_it_was_written(pure: Page, tokens: list[dict[str, Any]]) -> None:
    assert call(pure, "filter.parse", call(pure, "filter.format", tokens), FIELDS) == tokens


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ["one", "two", "three"]),
        ("status:failed", ["two"]),
        ("s:failed", ["two"]),
        ("!s:failed", ["one", "three"]),
        ("@smoke", ["one", "three"]),
        ("@smoke !three", ["one"]),
        ('"two words"', ["two"]),
        ("TWO", ["two"]),
        ("unknown:thing", []),
    ],
)
def test_the_filter_keeps_the_rows_it_names(pure: Page, text: str, found: list[str]) -> None:
    rows = [
        {"name": "one", "status": "passed", "tag": ["smoke"]},
        {"name": "two", "status": "failed", "tag": ["slow"], "more": "has two words"},
        {"name": "three", "status": "passed", "tag": ["smoke", "slow"]},
    ]
    kept = pure.evaluate(
        """([text, rows]) => {
          const tokens = optilocal.filter.parse(text, ["status", "tag", "text"]);
          const read = {status: (r) => r.status, tag: (r) => r.tag, text: (r) => [r.name, r.more]};
          return rows.filter((row) => optilocal.filter.matches(tokens, row, read)).map((row) => row.name);
        }""",
        [text, rows],
    )
    assert kept == found


def test_a_chip_puts_its_word_in_and_takes_it_out(pure: Page) -> None:
    once = call(pure, "filter.toggle", "shop status:passed", "status", "failed", FIELDS)
    assert once == "shop status:failed"
    assert call(pure, "filter.toggle", once, "status", "failed", FIELDS) == "shop"


@settings(deadline=None, max_examples=80)
@given(value=JSON)
def test_equal_trees_show_no_difference_and_every_leaf_once(pure: Page, value: Any) -> None:
    rows = call(pure, "diff.rows", {"tracks": value}, {"tracks": value}, [])
    assert {row["state"] for row in rows} <= {"same", "parent", "matched"}
    paths = [tuple(row["path"]) for row in rows]
    assert len(paths) == len(set(paths))


def test_names_that_every_object_inherits_are_fields_like_any_other(pure: Page) -> None:
    expected, captured = {"requests": {"constructor": 1}}, {"requests": {"toString": 2}}
    rows = call(pure, "diff.rows", expected, captured, [])
    states = {row["path"][-1]: row["state"] for row in rows}
    assert states["constructor"] == "missing"
    assert states["toString"] == "extra"
    assert call(pure, "words.outcome", "constructor")["label"] == "Constructor"
    assert call(pure, "filter.parse", "constructor:x", FIELDS) == [
        {"field": "text", "value": "constructor:x", "not": False}
    ]


@settings(deadline=None, max_examples=80)
@given(expected=JSON, captured=JSON)
def test_folding_hides_no_difference_and_loses_no_row(pure: Page, expected: Any, captured: Any) -> None:
    differences = [{"path": ["tracks"], "kind": "changed"}]
    rows = call(pure, "diff.rows", {"tracks": expected}, {"tracks": captured}, differences)
    folded = call(pure, "diff.fold", rows)
    loud = {"differs", "missing", "unexpected"}
    assert [row for row in rows if row["state"] in loud] == [
        row for row in folded if "fold" not in row and row["state"] in loud
    ]
    assert rows == [row for entry in folded for row in (entry.get("fold") or [entry])]
    assert any(row["index"] == 0 for row in rows)


def test_a_difference_marks_its_own_row_and_a_matchers_difference_the_matcher(pure: Page) -> None:
    expected = {
        "tracks": [{"sent": {"revenue": 4200, "uuid": {"!uuid": None}}, "details": {"!contains": [{"a": 1}]}}]
    }
    captured = {"tracks": [{"sent": {"revenue": "42", "uuid": "6f"}, "details": [{"a": 2}]}]}
    differences = [
        {"path": ["tracks", 0, "sent", "revenue"], "kind": "type"},
        {"path": ["tracks", 0, "details", 0, "a"], "kind": "changed"},
    ]
    rows = {tuple(row["path"]): row for row in call(pure, "diff.rows", expected, captured, differences)}
    assert rows["tracks", 0, "sent", "revenue"]["state"] == "differs"
    assert rows["tracks", 0, "sent", "uuid"]["state"] == "matched"
    assert rows["tracks", 0, "details"]["index"] == 1


def test_batches_that_came_in_another_order_stand_beside_their_own(pure: Page) -> None:
    expected = {"received": [{"v": "a", "n": 1}, {"v": "b", "n": 2}, {"v": "c", "n": 3}]}
    captured = {"received": [{"v": "b", "n": 2}, {"v": "a", "n": 9}, {"v": "z", "n": 0}]}
    differences = [
        {"path": ["received", 0, "n"], "kind": "changed"},
        {"path": ["received", 2], "kind": "missing"},
        {"path": ["received", 3], "kind": "unexpected"},
    ]
    rows = {tuple(row["path"]): row for row in call(pure, "diff.rows", expected, captured, differences)}
    assert rows["received", 0, "v"]["state"] == "same"
    assert rows["received", 0, "n"]["captured"] == 9
    assert rows["received", 1, "n"]["state"] == "same"
    assert rows["received", 2]["state"] == "missing"
    assert rows["received", 3]["captured"] == {"v": "z", "n": 0}


def test_a_chain_of_single_parents_makes_one_row(pure: Page) -> None:
    tree = {"sent": {"visitors": [{"snapshots": [{"events": [{"a": 1, "b": 2}]}]}]}}
    rows = call(pure, "diff.compact", call(pure, "diff.rows", tree, tree, []))
    assert rows[0]["names"] == ["sent", "visitors", 0, "snapshots", 0, "events", 0]
    assert [(row["names"], row["depth"]) for row in rows[1:]] == [(["a"], 1), (["b"], 1)]
    assert call(pure, "words.names", rows[0]["names"]) == ["sent", "visitor 1", "snapshot 1", "event 1"]


def test_a_path_is_told_in_the_words_of_the_field(pure: Page) -> None:
    path = ["tracks", 1, "sent", "visitors", 0, "visitor_id"]
    assert call(pure, "words.where", path) == {
        "part": "Track 2",
        "field": "visitor_id",
        "through": ["sent", "visitor 1"],
    }


@pytest.mark.parametrize(
    ("key", "other", "marked"),
    [
        ("order completed", "Order Completed", "oc"),
        ("Order  Completed", "Order Completed", " "),
        ("same", "same", ""),
    ],
)
def test_the_letters_that_differ_between_two_keys_are_found(
    pure: Page, key: str, other: str, marked: str
) -> None:
    pieces = call(pure, "words.apart", key, other)
    assert "".join(piece["text"] for piece in pieces) == key
    assert "".join(piece["text"] for piece in pieces if not piece["same"]) == marked


@pytest.mark.parametrize(
    ("cents", "text"),
    [(4999, "49.99"), (0, "0.00"), (5, "0.05"), (123456789, "1\u202f234\u202f567.89"), (-250, "\u22122.50")],
)
def test_revenue_is_shown_in_units(pure: Page, cents: int, text: str) -> None:
    assert call(pure, "words.money", cents) == text


@pytest.mark.parametrize(("outcome", "stage"), ENDS.items())
def test_a_journey_stops_at_the_stage_that_ended_it(pure: Page, outcome: str, stage: str) -> None:
    stages = call(
        pure, "journey.stages", {"outcome": outcome, "kind": "event", "delivery": {"outcome": outcome}}
    )
    states = {one["id"]: one["state"] for one in stages}
    assert states.pop("verdict") == "verdict"
    assert states[stage] == "ended"
    names = list(states)
    assert {states[name] for name in names[: names.index(stage)]} <= {"passed"}
    assert {states[name] for name in names[names.index(stage) + 1 :]} <= {"unreached"}


def test_an_sdks_conversion_skips_segments_stages(pure: Page) -> None:
    stages = call(
        pure, "journey.stages", {"outcome": "counted", "kind": "event", "delivery": None, "event_number": 3}
    )
    assert [one["state"] for one in stages] == ["skipped"] * 6 + ["passed", "passed", "done"]


def test_a_duplicate_ends_where_it_was_noticed(pure: Page) -> None:
    by_segment = {"outcome": "duplicate", "kind": "event", "delivery": {"outcome": "duplicate"}}
    by_optimizely = {"outcome": "duplicate", "kind": "event", "delivery": {"outcome": "sent"}}
    assert call(pure, "journey.endOf", by_segment) == "source"
    assert call(pure, "journey.endOf", by_optimizely) == "received"


def test_the_curl_command_sends_the_same_and_quotes_what_the_shell_would_read(pure: Page) -> None:
    exchange = {
        "namespace": "shop",
        "method": "POST",
        "path": "/v1/events",
        "query": "",
        "headers": {"Content-Type": "application/json", "Content-Length": "9", "Authorization": "Bearer ***"},
        "body": '{"a": "it\'s $HOME"}',
    }
    text = call(pure, "texts.curl", exchange, "http://127.0.0.1:1/")
    assert "'http://127.0.0.1:1/ns/shop/v1/events'" in text
    assert "-H 'Content-Type: application/json'" in text
    assert "Content-Length" not in text
    assert "***" not in text
    assert """'{"a": "it'\\''s $HOME"}'""" in text
