"""A fraction of a cent that an SDK kept out of the revenue is noticed by what it left in the tags."""

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
        {"tags": {"revenue": "19.99"}, "revenue": 19},
        {"tags": {"revenue": 1.5}, "revenue": True},
        {"tags": {}},
    ],
)
def test_nothing_else_is(event: dict[str, Any]) -> None:
    (row,) = read(batch(purchase(**event))).conversions
    assert "revenue_lost" not in codes(row["warnings"])
