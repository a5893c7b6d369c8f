"""What Optimizely's Python SDK refuses, held against the SDK itself; and statuses that nobody's SDK knows."""

import copy
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from field_builders import activation, batch, codes, datafile, experiment, purchase
from optimizely.error_handler import NoOpErrorHandler
from optimizely.helpers import validator
from optimizely.project_config import ProjectConfig
from space import Space

from optilocal.emulator.datafile.datafile import Datafile, is_running
from optilocal.emulator.datafile.problems import problems
from optilocal.emulator.datafile.sdk_demands import datafile_notes, python_sdk_demands, unknown_statuses

VARIATION = {"id": "1", "key": "on", "featureEnabled": True, "variables": [{"id": "9", "value": "x"}]}
TRAFFIC = [{"entityId": "1", "endOfRange": 10000}]
RULE = {
    **experiment("x"),
    "variations": [VARIATION],
    "trafficAllocation": TRAFFIC,
}
WHOLE: dict[str, Any] = json.loads(json.dumps({
    **datafile(),
    "groups": [{"id": "g", "policy": "random", "trafficAllocation": [], "experiments": [RULE | {"id": "in", "key": "in"}]}],
    "experiments": [RULE],
    "rollouts": [{"id": "r", "experiments": [RULE | {"id": "all", "key": "all"}]}],
    "featureFlags": [
        {
            "id": "f", "key": "flag", "experimentIds": ["exp-x", "in"], "rolloutId": "r",
            "variables": [{"id": "9", "key": "v", "type": "string", "defaultValue": ""}],
        }
    ],
    "holdouts": [RULE | {"id": "h", "key": "h"}],
    "localHoldouts": [RULE | {"id": "l", "key": "l", "includedRules": ["exp-x"]}],
    "audiences": [{"id": "a", "name": "All", "conditions": "[\"or\"]"}],
    "typedAudiences": [{"id": "t", "name": "T", "conditions": ["or"]}],
    "attributes": [{"id": "attr-1", "key": "plan"}],
    "integrations": [{"key": "odp", "host": "https://x", "publicKey": "k"}],
}))  # fmt: skip


def _takes(raw: dict[str, Any]) -> bool:
    """Whether Optimizely's Python SDK takes the datafile."""
    text = json.dumps(raw)
    if not validator.is_datafile_valid(text):
        return False
    try:
        ProjectConfig(text, logging.getLogger("sdk"), NoOpErrorHandler)
    except Exception:
        return False
    return True


def _places(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in items:
        yield (*path, key)
        yield from _places(member, (*path, key))


PLACES = list(_places(WHOLE))
# Values that change no meaning of their own: whether these may be anything is no question of missing keys.
_VALUES = {"variables", "value", "defaultValue", "type", "version", "conditions", "includedRules"}


def test_the_whole_datafile_lacks_nothing() -> None:
    assert _takes(WHOLE) and python_sdk_demands(WHOLE) == [] == problems(WHOLE)


@pytest.mark.parametrize("path", [place for place in PLACES if isinstance(place[-1], str)], ids=str)
def test_a_missing_key_is_told_exactly_where_the_sdk_refuses_the_datafile(
    path: tuple[str | int, ...],
) -> None:
    raw = copy.deepcopy(WHOLE)
    parent: Any = raw
    for key in path[:-1]:
        parent = parent[key]
    del parent[path[-1]]
    told = python_sdk_demands(raw)
    assert bool(told) is not _takes(raw), told
    assert all(note["path"] in note["message"] for note in told)


@pytest.mark.parametrize("value", [None, 7, "text", True], ids=repr)
def test_another_type_is_told_exactly_where_the_sdk_refuses_the_datafile(value: object) -> None:
    wrong = []
    for path in PLACES:
        if not _VALUES & set(map(str, path)):
            raw = copy.deepcopy(WHOLE)
            parent: Any = raw
            for key in path[:-1]:
                parent = parent[key]
            parent[path[-1]] = value
            # What is no datafile at all is refused before.
            if not problems(raw) and bool(python_sdk_demands(raw)) is _takes(raw):
                wrong.append(path)
    assert wrong == []


def test_every_missing_key_has_its_own_line() -> None:
    raw = datafile(
        experiments=[{k: v for k, v in experiment("a").items() if k not in ("audienceIds", "layerId")}],
        groups=[],
    )
    assert [note["message"] for note in python_sdk_demands(raw)][:2] == [
        f"experiments[0].{key} is missing: Optimizely's Python SDK refuses the datafile; SDKs that check less, as the"
        " JavaScript one does, take it"
        for key in ("layerId", "audienceIds")
    ]


def test_numbers_as_ids_and_no_status_are_served_and_judged_as_java_and_javascript_do() -> None:
    raw = datafile(
        version=4,
        revision=7,
        accountId=12001,
        projectId=20001,
        experiments=[
            experiment("a") | {"id": 61, "variations": [{"id": 81, "key": "on"}]},
            experiment("b", id=62, status=None),
            {key: value for key, value in experiment("c").items() if key != "status"},
        ],
        events=[{"id": 51, "key": "Booked", "experimentIds": [61, 62]}, {"id": 52, "key": "Free"}],
        attributes=None,
    )
    known = Datafile.from_json(raw)
    assert (known.revision, known.account_id, known.project_id) == ("7", "12001", "20001")
    [running, unset] = known.experiments_with_metric("51")
    assert running.id == "61" and is_running(running) and running.variation("81") is not None
    assert unset.status == "Not started" and not is_running(unset)
    assert known.event_by_id("52") is not None and known.experiments_with_metric("52") == ()
    paths = {note["path"]: note["message"] for note in python_sdk_demands(raw)}
    assert "experiments[0].id is a number, not a string" in paths["experiments[0].id"]
    assert "the Java and JavaScript ones take the rule as not started" in paths["experiments[1].status"]
    assert paths["experiments[2].status"].startswith("experiments[2].status is missing")
    assert paths["events[1].experimentIds"].startswith("events[1].experimentIds is missing")


@pytest.mark.parametrize(
    ("status", "meant"),
    [
        ("running", 'Optimizely writes "Running"'),
        ("not_started", 'Optimizely writes "Not started"'),
        ("active", '"Running", "Launched", "Paused", "Not started" or "Archived"'),
    ],
)
def test_a_status_that_optimizely_does_not_write_is_named_with_what_is_meant(status: str, meant: str) -> None:
    raw = datafile(experiments=[experiment("a", status)])
    [told] = unknown_statuses(raw)
    assert (told["code"], told["path"]) == ("unknown_status", "experiments[0].status")
    assert f'experiments[0].status is "{status}"' in told["message"] and meant in told["message"]
    assert codes(datafile_notes(raw))[0] == "unknown_status"


def test_statuses_of_groups_deliveries_and_holdouts_are_read_too() -> None:
    raw = datafile(
        groups=[{"id": "g", "experiments": [experiment("a", "PAUSED")]}],
        rollouts=[{"id": "r", "experiments": [experiment("b", "on")]}],
        holdouts=[experiment("c", "draft"), experiment("d", "Concluded")],
        localHoldouts=[experiment("e", "held")],
    )
    assert [note["path"] for note in unknown_statuses(raw)] == [
        "groups[0].experiments[0].status",
        "rollouts[0].experiments[0].status",
        "holdouts[0].status",
        "localHoldouts[0].status",
    ]
    assert '"Draft", "Running", "Concluded" or "Archived"' in unknown_statuses(raw)[-1]["message"]


@pytest.mark.parametrize(
    "status", ["Running", "Launched", "Paused", "Not started", "Archived", "Concluded", "Draft"]
)
def test_optimizelys_own_statuses_are_not_remarked_on(status: str) -> None:
    assert unknown_statuses(datafile(experiments=[experiment("a", status)])) == []


def test_the_verdict_names_a_status_that_optimizely_does_not_write(space: Space) -> None:
    space.put_datafile(datafile(experiments=[experiment("checkout", "running")]))
    space.send(batch(activation(), purchase()))
    [verdict] = space.rows("verdicts")
    assert verdict["outcome"] == "experiment_not_running"
    assert verdict["remedy"].startswith(
        'Write the status of "checkout" as Optimizely does: "Running" instead of "running"'
    )
    assert 'had the status "running", not "Running", at 2026-01-15' in " ".join(verdict["details"])
    space.put_datafile(datafile(revision="2", experiments=[experiment("checkout", "Paused")]))
    [verdict] = space.rows("verdicts")
    assert verdict["remedy"].startswith('Start "checkout"')
