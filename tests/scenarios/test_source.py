"""The source's memory is analytics.js's: who the user is, from one call to the next."""

from __future__ import annotations

from itertools import count

import pytest

from optilocal.scenarios.language.matchers import Matcher
from optilocal.scenarios.running.source import Source

NOW = 1768471200123


@pytest.fixture
def source() -> Source:
    numbers = count(1)
    return Source(lambda: f"id-{next(numbers)}")


def test_a_new_visitor_is_anonymous(source: Source) -> None:
    event = source.call("track", {"event": "Order Completed"}, NOW)
    assert (event["userId"], event["anonymousId"]) == (None, "id-1")
    assert event["messageId"] == f"ajs-next-{NOW}-id-2"
    assert event["timestamp"] == "2026-01-15T10:00:00.123Z"
    assert event["context"]["library"]["name"] == "analytics.js"
    assert event["properties"] == {} and event["integrations"] == {}


def test_identify_is_remembered_and_forget_ends_it(source: Source) -> None:
    identify = source.call("identify", {"userId": "u-1", "traits": {"plan": "gold"}}, NOW)
    assert (identify["userId"], identify["traits"]) == ("u-1", {"plan": "gold"})
    track = source.call("track", {"event": "x"}, NOW)
    assert (track["userId"], track["anonymousId"]) == ("u-1", "id-1")
    assert "traits" not in track["context"], "identify's traits do not ride along"
    source.forget()
    track = source.call("track", {"event": "x"}, NOW)
    assert track["userId"] is None
    assert track["anonymousId"] != "id-1"


def test_another_user_on_the_same_device_gets_another_anonymous_id(source: Source) -> None:
    source.call("identify", {"userId": "u-1"}, NOW)
    assert source.call("identify", {"userId": "u-1"}, NOW)["anonymousId"] == "id-1"
    assert source.call("identify", {"userId": "u-2"}, NOW)["anonymousId"] != "id-1"


@pytest.mark.parametrize("field", ["userId", "anonymousId", "messageId", "timestamp"])
def test_what_a_step_says_wins_and_absent_leaves_it_out(source: Source, field: str) -> None:
    assert source.call("track", {"event": "x", field: None}, NOW)[field] is None
    assert source.call("track", {"event": "x", field: 5}, NOW)[field] == 5
    assert field not in source.call("track", {"event": "x", field: Matcher("!absent")}, NOW)


def test_context_is_added_to_what_the_library_sends(source: Source) -> None:
    context = source.call("track", {"event": "x", "context": {"traits": {"plan": "gold"}}}, NOW)["context"]
    assert context["traits"] == {"plan": "gold"} and "library" in context


def test_group_alias_page_and_screen_have_their_own_fields(source: Source) -> None:
    assert source.call("group", {"groupId": "g"}, NOW)["groupId"] == "g"
    assert source.call("track", {"event": "x"}, NOW)["context"]["groupId"] == "g"
    assert source.call("alias", {"userId": "u-9"}, NOW)["previousId"] == "id-1"
    page = source.call("page", {"name": "Home"}, NOW)
    assert page["name"] == "Home" and page["properties"]["url"]
    assert source.call("screen", None, NOW)["type"] == "screen"
