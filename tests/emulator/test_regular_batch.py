"""The swift reader of event batches against the thorough one: it reads the same, or leaves the batch alone."""

import copy
import json
from typing import Any

from field_builders import NOW, activation, batch, purchase
from hypothesis import example, given, settings
from hypothesis import strategies as st

from optilocal.emulator.batch.parse import parse
from optilocal.emulator.batch.regular import read_regular

HEADERS = {"User-Agent": "Googlebot/2.1"}
ODD: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.sampled_from([0, NOW, NOW * 1000, NOW + 10**9, 1.0, 19.99, -0.0, 2**63, 2**63 - 1, -(2**63)]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(
        ["", "a", "custom", "campaign_activated", "client_activation", "other", "\ue0001", "\ue000{"]
    ),
    st.sampled_from([[], {}, [{}], {"revenue": 19.5}, {"a": {}}, {"revenue": "1"}, {"a": "\ue000[1]"}]),
)
NAMES = st.sampled_from(
    [
        *(
            "account_id",
            "client_name",
            "enrich_decisions",
            "visitors",
            "visitor_id",
            "session_id",
            "attributes",
        ),
        *(
            "snapshots",
            "decisions",
            "events",
            "uuid",
            "timestamp",
            "entity_id",
            "key",
            "type",
            "revenue",
            "value",
        ),
        *(
            "quantity",
            "tags",
            "properties",
            "campaign_id",
            "experiment_id",
            "variation_id",
            "metadata",
            "rule_type",
        ),
        *("is_campaign_holdback", "u", "t", "y", "e", "v", "region"),
    ]
)
ATTRIBUTES = [
    {"entity_id": "401", "key": "plan", "type": "custom", "value": "gold"},
    {"entity_id": "$opt_user_agent", "key": "$opt_user_agent", "type": "custom", "value": "x"},
]


def whole() -> dict[str, Any]:
    bought = purchase("u-2", revenue=1999, value=19.99, tags={"sku": "a", "revenue": 1999})
    return batch(activation(), {**bought, "attributes": ATTRIBUTES})


def places(value: Any) -> list[dict[str, Any]]:
    found = [value] if isinstance(value, dict) else []
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        found += places(item)
    return found


def check(given_batch: Any) -> bool:
    body = json.dumps(given_batch).encode()
    rows = read_regular(body, HEADERS, NOW)
    if rows is None:
        return False
    parsed = parse(body, headers=HEADERS, received_at=NOW)
    assert (list(parsed.rows), parsed.violations, parsed.warnings) == (rows, (), ())
    return True


def test_what_sdks_and_segment_send_is_regular() -> None:
    assert check(whole())
    segment = whole()
    segment["client_name"] = "Segment"
    segment["visitors"][1]["snapshots"][0]["decisions"] = []
    assert check(segment)
    java = whole()
    for place in places(java):
        if "uuid" in place:
            place["type"] = place["key"]
    assert check(java)
    browser = {**whole(), "client_name": "javascript-sdk"}
    assert check(browser)


@settings(max_examples=1_500, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), NAMES, ODD, st.booleans()), min_size=1, max_size=3))
@example([(0, "enrich_decisions", False, False)])
@example([(0, "client_name", "javascript-sdk", False)])
def test_whatever_is_odd_is_read_alike_or_left_alone(changes: list[tuple[int, str, Any, bool]]) -> None:
    odd = whole()
    for place, name, value, remove in changes:
        found = places(odd)
        target = found[place % len(found)]
        if remove:
            target.pop(name, None)
        else:
            target[name] = copy.deepcopy(value)
    check(odd)


@settings(max_examples=400, deadline=None)
@given(st.integers(0, 30), st.integers(0, 60), ODD)
def test_a_field_that_is_there_with_another_value(place: int, field: int, value: Any) -> None:
    odd = whole()
    found = [each for each in places(odd) if each]
    target = found[place % len(found)]
    target[list(target)[field % len(target)]] = copy.deepcopy(value)
    check(odd)
