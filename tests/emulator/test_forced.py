"""Forced variations: what is served is rewritten and taken up by the SDK, what is judged stays, and verdicts say so."""

from typing import Any

import pytest
from field_builders import NOW, SECOND, activation, batch, datafile, experiment, purchase
from space import Space

CDN = "/datafiles/sdk-1.json"
EVERYBODY = {"experiment": "checkout", "variation": "b"}
ONE = {**EVERYBODY, "user": "u-1"}


def served(space: Space) -> dict[str, Any]:
    found: dict[str, Any] = space.get(CDN).json()
    return found


def rule(name: str, given: dict[str, Any]) -> dict[str, Any]:
    return next(
        one for one in [*given["experiments"], *given["groups"][0]["experiments"]] if one["key"] == name
    )


def put(space: Space, *rules: dict[str, Any]) -> Any:
    answer = space.call("PUT", "/_emulator/forced", json=list(rules))
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_for_one_user_it_stands_in_the_allowlist_and_nothing_else_changes(space: Space) -> None:
    space.put_datafile()
    before = served(space)
    put(space, ONE)
    after = served(space)
    assert rule("checkout", after)["forcedVariations"] == {"u-1": "b"}
    assert after["revision"] != before["revision"]
    rule("checkout", after)["forcedVariations"] = {}
    assert {**after, "revision": "1"} == before


def test_for_everybody_traffic_audiences_holdouts_and_groups_make_way(space: Space) -> None:
    given = datafile(
        experiments=[
            experiment(
                "checkout", audienceIds=["a"], audienceConditions=["or", "a"], cmab={"attributeIds": []}
            )
        ],
        holdouts=[experiment("kept_out", trafficAllocation=[{"entityId": "x", "endOfRange": 500}])],
    )
    space.put_datafile(given)
    put(space, EVERYBODY, {"experiment": "exp-banner", "variation": "banner-a"})
    after = served(space)
    checkout = rule("checkout", after)
    assert checkout["trafficAllocation"] == [{"entityId": "checkout-b", "endOfRange": 10000}]
    assert checkout["audienceIds"] == []
    assert not {"audienceConditions", "cmab"} & set(checkout)
    assert after["holdouts"][0]["trafficAllocation"] == []
    assert after["groups"][0]["trafficAllocation"] == [{"entityId": "exp-banner", "endOfRange": 10000}]
    # What is judged by, and what the viewer shows, is the datafile as it was set.
    assert space.json("datafiles")["datafiles"][0]["datafile"] == given


def test_who_polls_is_told_of_every_change_and_of_the_end(space: Space) -> None:
    space.put_datafile()
    revisions, since = [], ""

    def poll() -> int:
        nonlocal since
        answer = space.get(CDN, headers={"If-Modified-Since": since})
        since = answer.headers.get("Last-Modified", since)
        if answer.status_code == 200:
            revisions.append(answer.json()["revision"])
        return answer.status_code

    assert [poll(), poll()] == [200, 304]
    put(space, ONE)
    assert [poll(), poll()] == [200, 304]
    put(space, ONE)
    assert poll() == 304
    put(space, EVERYBODY)
    assert poll() == 200
    assert space.call("DELETE", "/_emulator/forced").json() == {"forced": []}
    assert [poll(), poll()] == [200, 304]
    put(space, ONE)
    poll()
    space.call("POST", "/_emulator/reset")
    assert poll() == 200
    assert revisions[0] == revisions[3] == revisions[5] == "1"
    assert len(set(revisions)) == 4


def test_the_verdict_says_forced_here_only_of_what_was_decided_while_it_was(space: Space) -> None:
    space.put_clock("2026-01-15T09:59:00Z")
    space.put_datafile()
    put(space, {**EVERYBODY, "variation": "a"})
    for visitor in ("u-1", "u-2"):
        if visitor == "u-2":
            space.put_clock("2026-01-15T10:30:00Z")
            space.call("DELETE", "/_emulator/forced")
        bought = purchase(visitor, uuid=f"c-{visitor}", timestamp=NOW + SECOND)
        space.send(batch(activation(visitor, uuid=f"d-{visitor}"), bought))
    forced, free = space.rows("verdicts")
    assert (forced["outcome"], free["outcome"]) == ("counted", "counted")
    [note] = [one for one in forced["warnings"] if one["code"] == "forced_here"]
    assert note["message"] == 'The variation "a" of "checkout" was forced here, for everybody.'
    assert [one["code"] for one in free["warnings"]].count("forced_here") == 0


def test_a_rule_for_one_user_wins_over_one_for_everybody_and_the_later_of_two(space: Space) -> None:
    space.put_datafile()
    shown = put(space, {**ONE, "variation": "a"}, ONE, {**EVERYBODY, "variation": "a"})
    assert [(one["user"], one["variation"]) for one in shown["forced"]] == [("u-1", "b"), (None, "a")]
    assert rule("checkout", served(space))["forcedVariations"] == {"u-1": "b"}
    assert space.json("forced")["forced"] == shown["forced"]


def test_a_paused_experiment_is_warned_of(space: Space) -> None:
    space.put_datafile()
    [warning] = put(space, {"experiment": "old", "variation": "a"})["warnings"]
    assert "'Paused'" in warning


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"experiment": "chekout", "variation": "a"}, "did you mean 'checkout'"),
        ({"experiment": "checkout", "variation": "c"}, "there are a, b"),
        ({"experiment": "kept_out", "variation": "a"}, "no experiment 'kept_out'"),
        ({**ONE, "user": 7}, '"user" is a text'),
        ({**ONE, "who": "u-1"}, "a rule is"),
        (7, "a rule is"),
    ],
)
def test_a_rule_that_cannot_hold_is_refused_in_one_line_and_changes_nothing(
    space: Space, given: Any, told: str
) -> None:
    space.put_datafile()
    put(space, ONE)
    answer = space.call("PUT", "/_emulator/forced", json=[EVERYBODY, given])
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_forced")
    assert told in answer.json()["error"]["message"]
    assert answer.json()["error"]["message"].startswith("rule [1]: ")
    assert [one["user"] for one in space.json("forced")["forced"]] == ["u-1"]


def test_a_bandit_cannot_be_forced_for_one_user(space: Space) -> None:
    space.put_datafile(datafile(experiments=[experiment("checkout", cmab={"attributeIds": []})]))
    answer = space.call("PUT", "/_emulator/forced", json=[ONE])
    assert "contextual bandit" in answer.json()["error"]["message"]


def test_a_text_that_is_no_datafile_is_served_as_it_is(space: Space) -> None:
    space.put_datafile()
    put(space, EVERYBODY)
    space.call("PUT", "/_emulator/datafiles/sdk-1?raw=1", data=b"// nothing")
    assert space.get(CDN).text == "// nothing"
