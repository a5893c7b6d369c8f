"""Revenue that an SDK or another sender kept out of the event's own field is noticed by what stands in the tags."""

from __future__ import annotations

from typing import Any

import pytest
from field_builders import batch, codes, purchase, read


@pytest.mark.parametrize(
    "event",
    [
        {"tags": {"revenue": 19.99}},
        {"tags": {"revenue": 19.99}, "revenue": 19},
        {"tags": {"revenue": -0.5}, "revenue": 0},
        {"tags": {"revenue": 19.99}, "revenue": None},
        {"tags": {"revenue": "1999"}},
        {"tags": {"revenue": "19.99"}},
        {"tags": {"revenue": "19.99"}, "revenue": 19},
        {"tags": {"revenue": "much"}},
        {"tags": {"revenue": True}},
        {"tags": {"revenue": 20.0}},
        {"tags": {"revenue": [1999]}},
    ],
)
def test_it_is_warned_of(event: dict[str, Any]) -> None:
    (row,) = read(batch(purchase(**event))).conversions
    assert "revenue_lost" in codes(row["warnings"])
    assert row["problems"] == []


@pytest.mark.parametrize(
    "event",
    [
        {"tags": {"revenue": 1999}, "revenue": 1999},
        {"tags": {"revenue": 20.0}, "revenue": 20},
        # In the currency's unit in the tags, and in cents where it counts.
        {"tags": {"revenue": 19.99}, "revenue": 1999},
        {"tags": {"revenue": "1999"}, "revenue": 1999},
        {"tags": {"revenue": 1.5}, "revenue": True},
        {"tags": {"revenue": None}},
        {"tags": {"revenue": ""}},
        {"tags": {}},
    ],
)
def test_nothing_else_is(event: dict[str, Any]) -> None:
    (row,) = read(batch(purchase(**event))).conversions
    assert "revenue_lost" not in codes(row["warnings"])


@pytest.mark.parametrize(
    ("event", "code"),
    [
        ({"tags": {"revenue": 1999}}, "revenue_only_in_tags"),
        ({"tags": {"revenue": 1999}, "revenue": None}, "revenue_only_in_tags"),
        ({"tags": {"value": 2.5}}, "value_only_in_tags"),
        ({"tags": {"value": "2.5"}}, "value_only_in_tags"),
        ({"tags": {"value": True}}, "value_lost"),
        ({"tags": {"value": "many"}}, "value_lost"),
    ],
)
def test_what_stands_only_in_the_tags_counts_for_nothing(event: dict[str, Any], code: str) -> None:
    (row,) = read(batch(purchase(**event))).conversions
    assert code in codes(row["warnings"]) and row["problems"] == []
    assert (row["revenue"], row["value"]) == (None, None)


def test_a_value_beside_its_tag_is_not_told() -> None:
    (row,) = read(batch(purchase(tags={"value": "2.5"}, value=2.5))).conversions
    assert row["warnings"] == []
