"""An impression's `cmab_uuid` is held against the predictions that were served in its namespace."""

from typing import Any

import pytest
import requests
from bandit_builders import BANDIT, CITY, RULE, SEA, UUID, ask, instance, set_table
from space import Space


@pytest.fixture
def bandit(space: Space) -> Space:
    assert space.put_datafile(BANDIT, BANDIT["sdkKey"]).status_code == 201
    return space


def codes(notes: list[dict[str, Any]]) -> list[str]:
    return [note["code"] for note in notes]


def impression(uuid: str | None, variation: str = SEA) -> dict[str, Any]:
    metadata = {
        "flag_key": "hero",
        "rule_key": "hero_bandit",
        "rule_type": "feature-test",
        "variation_key": "sea",
        "enabled": True,
    }
    decision: dict[str, Any] = {
        "campaign_id": "9300000002101",
        "experiment_id": RULE,
        "variation_id": variation,
    }
    decision["metadata"] = metadata | ({"cmab_uuid": uuid} if uuid is not None else {})
    event = {
        "entity_id": "9300000002101",
        "type": "campaign_activated",
        "key": "campaign_activated",
        "timestamp": 1_768_471_200_000,
    }
    return {
        "account_id": "12001", "client_name": "python-sdk", "enrich_decisions": True,
        "visitors": [{"visitor_id": "ada", "attributes": [], "snapshots": [{"decisions": [decision], "events": [{**event, "uuid": "d-1"}]}]}],
    }  # fmt: skip


def conversion() -> dict[str, Any]:
    event = {"entity_id": "20410062001", "key": "Trip Booked", "timestamp": 1_768_471_201_000, "uuid": "c-1"}
    return {
        "account_id": "12001", "client_name": "Segment", "enrich_decisions": True,
        "visitors": [{"visitor_id": "ada", "attributes": [], "snapshots": [{"decisions": [], "events": [event]}]}],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("uuid", "variation", "code"),
    [
        (UUID, SEA, None),
        (None, SEA, None),
        ("another", SEA, "prediction_not_served"),
        (UUID, CITY, "prediction_differs"),
    ],
)
def test_an_impression_is_held_against_the_prediction_it_names(
    bandit: Space, uuid: str | None, variation: str, code: str | None
) -> None:
    set_table(bandit, "sea")
    ask(bandit, instance())
    assert bandit.send(impression(uuid, variation)).status_code == 204
    assert bandit.send(conversion()).status_code == 204
    decision, _ = bandit.rows("events")
    assert decision["cmab_uuid"] == uuid
    wanted = [code] if code else []
    assert codes(decision["warnings"]) == wanted
    [verdict] = bandit.rows("verdicts")
    assert (verdict["outcome"], codes(verdict["warnings"])) == ("counted", wanted)
    for note in verdict["warnings"]:
        assert (
            uuid is not None
            and uuid in note["message"]
            and (code != "prediction_differs" or CITY in note["message"])
        )


def test_a_refused_question_serves_no_prediction(bandit: Space) -> None:
    bandit.put_faults({"on": "predictions", "status": 503, "times": 1})
    assert ask(bandit, instance()).status_code == 503
    bandit.send(impression(UUID))
    assert codes(bandit.rows("events")[0]["warnings"]) == ["prediction_not_served"]
    [exchange] = bandit.rows("exchanges", surface="predictions")
    assert exchange["fault"]["status"] == 503


def test_a_client_that_hangs_up_after_the_answer_was_made_was_served(bandit: Space) -> None:
    set_table(bandit, "sea")
    bandit.put_faults({"on": "predictions", "break": "hang_up", "phase": "after", "times": 1})
    with pytest.raises(requests.ConnectionError):
        ask(bandit, instance())
    bandit.send(impression(UUID))
    assert bandit.rows("events")[0]["warnings"] == []


def test_another_namespace_serves_for_itself(bandit: Space, other: Space) -> None:
    other.put_datafile(BANDIT, BANDIT["sdkKey"])
    set_table(other, "city")
    ask(other, instance())
    assert bandit.json("predictions") == {"predictions": []}
    bandit.send(impression(UUID))
    assert codes(bandit.rows("events")[0]["warnings"]) == ["prediction_not_served"]
    everywhere = bandit.json("predictions", ns="*")["predictions"]
    assert [row["namespace"] for row in everywhere if row["namespace"] in (bandit.name, other.name)] == [
        other.name
    ]


def test_an_erased_visitor_is_in_no_question(bandit: Space) -> None:
    for visitor in ("ada-lovelace", "grace"):
        ask(bandit, instance(visitor, f"uuid-of-{visitor[:3]}"))
    made = bandit.ask(identifier="ada-lovelace").json()
    bandit.process(made["id"])
    bandit.process(made["id"])
    first, second = bandit.rows("exchanges", surface="predictions")
    assert "ada-lovelace" not in str(first) and first["erased"]
    assert second["json"]["instances"][0]["visitorId"] == "grace" and "erased" not in second
