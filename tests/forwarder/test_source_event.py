"""The time a source event is given, what is filled in, and what a careful reader would say of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from optimizely_double import NOON

from optilocal.forwarder.pipeline.source_event import (
    complete,
    deletion_event,
    event_notes,
    iso_time,
    parse_time,
)

FIFTY_YEARS = 50 * 365 * 86_400_000


@given(
    written=st.integers(NOON - FIFTY_YEARS // 2, NOON + FIFTY_YEARS // 2),
    waited=st.integers(0, 86_400_000),
    travelled=st.integers(0, 60_000),
)
def test_a_wrong_clock_does_not_matter(written: int, waited: int, travelled: int) -> None:
    """Whatever the client's clock shows, the event happened `waited` before it was sent."""
    sent = {"timestamp": iso_time(written), "sentAt": iso_time(written + waited)}
    event = complete(sent, kind="track", received_at=NOON + travelled, message_id="m")
    assert parse_time(event["timestamp"]) == NOON + travelled - waited
    assert event["originalTimestamp"] == iso_time(written)


@given(st.integers(0, 4_102_444_800_000))
def test_times_go_there_and_back(at: int) -> None:
    assert parse_time(iso_time(at)) == at


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-15T12:00:00Z", NOON),
        ("2026-01-15T13:00:00+01:00", NOON),
        ("2026-01-15T12:00:00", NOON),
        ("2026-01-15T12:00:00.000000Z", NOON),
        (NOON, NOON),
        ("yesterday", None),
        ("", None),
        (True, None),
        (None, None),
        ({}, None),
        (float("nan"), None),
        (float("inf"), None),
    ],
)
def test_which_times_are_read(text: Any, expected: int | None) -> None:
    assert parse_time(text) == expected


@pytest.mark.parametrize(
    ("sent", "timestamp"),
    [
        ({}, "2026-01-15T12:00:00.000Z"),
        ({"sentAt": "2020-01-01T00:00:00Z"}, "2026-01-15T12:00:00.000Z"),
        ({"timestamp": "2024-02-03T04:05:06Z"}, "2024-02-03T04:05:06Z"),
        ({"originalTimestamp": "2024-02-03T04:05:06Z"}, "2024-02-03T04:05:06Z"),
        ({"timestamp": "soon", "sentAt": "2020-01-01T00:00:00Z"}, "soon"),
        ({"timestamp": "2024-02-03T04:05:06Z", "sentAt": "soon"}, "2024-02-03T04:05:06Z"),
        ({"timestamp": "9999-01-01T00:00:00Z", "sentAt": "0001-01-01T00:00:00Z"}, "9999-01-01T00:00:00Z"),
    ],
)
def test_without_a_usable_pair_of_times_the_clients_stays(sent: dict[str, Any], timestamp: str) -> None:
    assert complete(sent, kind="track", received_at=NOON, message_id="m")["timestamp"] == timestamp


def test_what_is_missing_is_filled_in_and_what_is_there_stays() -> None:
    event = complete({"event": "E", "x": 1}, kind="track", received_at=NOON, message_id="m-9")
    assert event == {
        "event": "E",
        "x": 1,
        "type": "track",
        "context": {},
        "integrations": {},
        "messageId": "m-9",
        "receivedAt": "2026-01-15T12:00:00.000Z",
        "sentAt": None,
        "originalTimestamp": None,
        "timestamp": "2026-01-15T12:00:00.000Z",
        "version": 2,
        "channel": "server",
    }
    kept = complete(
        {"messageId": "mine", "channel": "browser"}, kind="page", received_at=NOON, message_id="m-9"
    )
    assert (kept["messageId"], kept["channel"]) == ("mine", "browser")


def test_a_deletion_looks_as_segment_makes_it() -> None:
    event = deletion_event("u-1", message_id="delete-1", at=NOON)
    assert set(event) == {
        *("type", "channel", "messageId", "projectId", "userId", "context", "integrations"),
        *("timestamp", "receivedAt", "sentAt", "originalTimestamp"),
    }
    assert (event["type"], event["channel"], event["userId"]) == ("delete", "server", "u-1")


@pytest.mark.parametrize(
    ("event", "codes"),
    [
        ({"type": "track", "event": "E", "userId": "u"}, []),
        ({"type": "track", "event": "E"}, ["no_user_anon_id"]),
        ({"type": "track", "event": "E", "userId": "", "anonymousId": ""}, ["no_user_anon_id"]),
        ({"type": "track", "event": "E", "userId": 5}, ["id_not_string"]),
        ({"type": "track", "userId": "u"}, ["event_not_defined"]),
        ({"type": "track", "event": 5, "userId": "u"}, ["event_not_string"]),
        ({"type": "track", "event": "E", "userId": "u", "properties": []}, ["properties_not_object"]),
        ({"type": "identify", "userId": "u", "traits": "x"}, ["traits_not_object"]),
        (
            {"type": "page", "name": 1, "category": 2, "userId": "u"},
            ["name_not_string", "category_not_string"],
        ),
        ({"type": "group", "userId": "u"}, ["id_required"]),
        ({"type": "alias", "userId": "u", "previousId": "p"}, []),
        ({"type": "track", "event": "E", "userId": "u", "messageId": "m" * 101}, ["message_id_too_long"]),
        ({"type": "track", "event": "E", "userId": "u", "context": "x"}, ["context_not_object"]),
        ({"type": "track", "event": "E", "userId": "u", "timestamp": "soon"}, ["timestamp_unreadable"]),
        (
            {"type": "track", "event": "E", "userId": "u", "timestamp": "2026-01-17T12:00:00Z"},
            ["timestamp_in_future"],
        ),
    ],
)
def test_what_segment_hides_is_noted(event: dict[str, Any], codes: list[str]) -> None:
    found = event_notes(event, received_at=NOON)
    assert [note["code"] for note in found] == codes
    assert all(note["message"] for note in found)
