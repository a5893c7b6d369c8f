"""Timestamps that no clock shows: which they are, what unit was meant, and what becomes of them."""

from __future__ import annotations

import pytest
from field_builders import NOW, SECOND, activation, batch, codes, decision, purchase, read
from hypothesis import given
from hypothesis import strategies as st
from verdict_builders import judged

from optilocal.emulator.batch.row import event_time
from optilocal.emulator.batch.timestamp import YEAR, YEAR_2010, in_bounds, unit_meant

UNITS = {"seconds": (1, 1_000), "microseconds": (1_000, 1), "nanoseconds": (1_000_000, 1)}


@given(ms=st.integers(YEAR_2010 + 1_000, NOW + YEAR - 1), unit=st.sampled_from(sorted(UNITS)))
def test_a_time_in_another_unit_is_out_of_bounds_and_its_unit_is_named(ms: int, unit: str) -> None:
    times, divided_by = UNITS[unit]
    sent = ms * times // divided_by
    assert in_bounds(ms, NOW) and not in_bounds(sent, NOW)
    meant = unit_meant(sent, NOW)
    assert meant is not None and meant.unit == unit and abs(meant.ms - ms) < 1_000


@given(sent=st.integers(-(2**63), 2**63 - 1))
def test_any_other_timestamp_is_kept_as_sent_and_judged_by_its_arrival(sent: int) -> None:
    (row,) = read(batch(purchase(timestamp=sent))).conversions
    assert row["timestamp"] == sent
    if in_bounds(sent, NOW):
        assert row["problems"] == [] and event_time(row) == sent
    else:
        assert codes(row["problems"]) == ["timestamp_out_of_bounds"] and event_time(row) == NOW


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (1768471200, "1768471200 is 1970-01-21 11:14:31.200 UTC, before 2010; it was probably sent in seconds and would then be 2026-01-15 10:00:00 UTC"),
        (1768471200000000, "1768471200000000 is later than any calendar; it was probably sent in microseconds and would then be 2026-01-15 10:00:00 UTC"),
        (1768471200000000000, "nanoseconds and would then be 2026-01-15 10:00:00 UTC"),
        (1768471200.25, "1768471200.25 is 1970-01-21 11:14:31.200 UTC, before 2010; it was probably sent in seconds and would then be 2026-01-15 10:00:00.250 UTC"),
        (4102444800000, "4102444800000 is 2100-01-01 00:00:00 UTC, more than a year after the event arrived"),
        (-8_350_743_600_000, "is 1705-05-17 21:00:00 UTC, before 2010"),
        (0, "0 is 1970-01-01 00:00:00 UTC, before 2010"),
    ],
)  # fmt: skip
def test_the_note_says_what_the_timestamp_is_and_what_was_meant(sent: float, told: str) -> None:
    parsed = read(batch(purchase(timestamp=sent)))
    (row,) = parsed.conversions
    assert row["problems"][-1]["code"] == "timestamp_out_of_bounds"
    assert row["problems"][-1]["message"].endswith(told)
    # Out of bounds is no breach of the schema: a strict request is not refused for it.
    assert codes(parsed.violations) == (["timestamp_not_integer"] if isinstance(sent, float) else [])


@pytest.mark.parametrize(("sent", "code"), [(NOW + 0.5, "timestamp_not_integer"), (NOW // 1000, "timestamp_out_of_bounds")])  # fmt: skip
def test_a_decision_at_such_a_time_has_the_problem_too(sent: float, code: str) -> None:
    visitor = activation()
    visitor["snapshots"][0]["events"][0]["timestamp"] = sent
    (row,) = read(batch(visitor)).decisions
    assert codes(row["problems"]) == [code]


def test_a_whole_number_with_a_decimal_point_is_a_number_of_milliseconds() -> None:
    parsed = read(batch(purchase(timestamp=float(NOW))))
    assert parsed.conversions[0]["timestamp"] == NOW and parsed.violations == parsed.warnings == ()


@pytest.mark.parametrize(
    ("sent", "instead"),
    [
        (NOW // 1000, f"{NOW} instead of {NOW // 1000}"),
        (NOW * 1000, f"{NOW} instead of {NOW * 1000}"),
        (NOW * 10**6, f"{NOW} instead of {NOW * 10**6}"),
        (NOW + 0.5, "since 1970, UTC."),
        (str(NOW), "since 1970, UTC."),
        (253402300799000, "since 1970, UTC."),
        (1, "since 1970, UTC."),
    ],
)
def test_an_event_that_would_have_counted_is_excluded_and_told_what_to_send(
    sent: object, instead: str
) -> None:
    (row,) = read(batch(purchase(timestamp=sent)), received_at=NOW).conversions
    told = judged(None, row, decision("u-1", "checkout-b", NOW - SECOND))
    assert told["outcome"] == "excluded" and "excluded from the results: its timestamp" in told["explanation"]
    assert told["remedy"].startswith("Send the timestamp as a whole number of milliseconds")
    assert told["remedy"].rstrip(".").endswith(instead.rstrip("."))


def test_an_event_of_a_visitor_without_decision_is_not_activated_first_of_all() -> None:
    (row,) = read(batch(purchase(timestamp=NOW // 1000)), received_at=NOW).conversions
    assert judged(None, row)["outcome"] == "user_not_activated"


def test_a_decision_at_such_a_time_is_set_aside_with_the_reason() -> None:
    visitor = activation()
    visitor["snapshots"][0]["events"][0]["timestamp"] = NOW // 1000
    (decided,) = read(batch(visitor), received_at=NOW).decisions
    (row,) = read(batch(purchase()), received_at=NOW).conversions
    told = judged(None, row, decided)
    assert told["outcome"] == "user_not_activated" and "probably sent in seconds" in told["explanation"]
