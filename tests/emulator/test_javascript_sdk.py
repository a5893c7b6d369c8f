"""Optimizely's own JavaScript SDK, in Node, against the emulator; left out where it cannot run, but never in CI."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from node_packages import node_with
from space import Space

pytestmark = pytest.mark.node
HERE = Path(__file__).parent / "javascript_sdk"
SHOP: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "scenarios/suite/datafiles/shop.json").read_text("utf-8")
)
ROLLOUT: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "scenarios/suite/datafiles/rollout.json").read_text("utf-8")
)
KEY = SHOP["sdkKey"]


@pytest.fixture(scope="session")
def node() -> str:
    """Node, with the SDK installed beside the client."""
    return node_with(HERE, "Optimizely's JavaScript SDK")


def run(node: str, space: Space, *arguments: str, key: str = KEY, **environment: str) -> Any:
    command = [node, str(HERE / "client.mjs"), space.base_url, key, *arguments]
    variables = {**os.environ, **environment}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=variables)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_what_it_decides_and_tracks_is_counted(node: str, space: Space) -> None:
    space.put_datafile(SHOP, KEY)
    seen = run(node, space, "", "4", "u-1", "u-2")
    assert seen == {
        "revision": SHOP["revision"],
        "decided": {"u-1": "treatment", "u-2": "treatment"},
        "statuses": [204],
    }
    shown = space.json("results")["experiments"]["checkout_test"]["variations"]["treatment"]
    assert shown["visitors"] == 2
    assert shown["metrics"]["Order Completed"] == {"unique": 2, "total": 2, "revenue": 9998, "value": 99.98}
    assert [row["outcome"] for row in space.rows("verdicts")] == ["counted", "counted"]
    assert space.rows("events")[0]["client_name"] == "node-sdk"


def test_the_authenticated_datafile_opens_with_its_token(node: str, space: Space) -> None:
    space.call("PUT", f"/_emulator/datafiles/{KEY}?token=df-token", json=SHOP)
    assert run(node, space, "df-token", "1")["revision"] == SHOP["revision"]


def test_three_posts_of_one_event_after_lost_answers_count_once(node: str, space: Space) -> None:
    space.put_datafile(SHOP, KEY)
    space.put_faults({"on": "events", "status": 500, "phase": "after", "times": 2})
    seen = run(node, space, "", "2", "u-1")
    assert seen["statuses"] == [500, 500, 204]
    assert len(space.rows("events")) == 6
    shown = space.json("results")["experiments"]["checkout_test"]["variations"]["treatment"]
    assert (shown["visitors"], shown["metrics"]["Order Completed"]["total"]) == (1, 1)
    assert [row["outcome"] for row in space.rows("verdicts")] == ["counted"]


def test_both_sides_of_a_feature_rollout_count(node: str, space: Space) -> None:
    space.put_datafile(ROLLOUT, ROLLOUT["sdkKey"])
    seen = run(
        node, space, "", "4", "ada", "dora", key=ROLLOUT["sdkKey"], FLAG="new_calendar", EVENT="Visit Booked"
    )
    assert seen["decided"] == {"ada": "off", "dora": "on"}
    assert [row["outcome"] for row in space.rows("verdicts")] == ["counted", "counted"]
    variations = space.json("results")["experiments"]["calendar_rollout"]["variations"]
    assert {
        key: (one["visitors"], one["metrics"]["Visit Booked"]["unique"]) for key, one in variations.items()
    } == {"on": (1, 1), "off": (1, 1)}


def with_numbers(value: Any) -> Any:
    """The datafile with a number for every id of digits."""
    if isinstance(value, dict):
        return {key: member if key == "value" else with_numbers(member) for key, member in value.items()}
    if isinstance(value, list):
        return [with_numbers(member) for member in value]
    return int(value) if isinstance(value, str) and value.isdecimal() and len(value) > 4 else value


def test_ids_that_are_numbers_are_served_and_judged(node: str, space: Space) -> None:
    numbers = with_numbers(ROLLOUT)
    assert numbers["experiments"][0]["id"] == 9300000001001
    told = space.put_datafile(numbers, ROLLOUT["sdkKey"]).json()["warnings"]
    assert "python_sdk_refuses" in {note["code"] for note in told}
    seen = run(
        node, space, "", "4", "ada", "dora", key=ROLLOUT["sdkKey"], FLAG="new_calendar", EVENT="Visit Booked"
    )
    assert seen["decided"] == {"ada": "off", "dora": "on"}
    assert [row["outcome"] for row in space.rows("verdicts")] == ["counted", "counted"]
