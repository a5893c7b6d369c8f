"""Feature rollouts: the variation that is added to a rule of the type `fr`, held against Optimizely's Python SDK."""

import json
import logging
from typing import Any

import pytest
from field_builders import NOW, SECOND, conversion, datafile, decision, experiment, history
from hypothesis import given, settings
from hypothesis import strategies as st
from optimizely.error_handler import NoOpErrorHandler
from optimizely.project_config import ProjectConfig
from plain_counting import results
from space import Space

from optilocal.emulator.counting.attribution import judge
from optilocal.emulator.counting.standing import Rules
from optilocal.emulator.datafile.datafile import Datafile


def rule(id_: str, *variations: tuple[str, str], type_: str | None = "fr") -> dict[str, Any]:
    return {
        **experiment(id_),
        "type": type_,
        "variations": [{"id": variation, "key": key} for variation, key in variations],
    }


def flag(key: str, *rules: str, rollout: str = "") -> dict[str, Any]:
    return {"id": key, "key": key, "experimentIds": list(rules), "rolloutId": rollout, "variables": []}


def rollout_datafile(**more: Any) -> dict[str, Any]:
    """A feature rollout of `on` to a part of the visitors; everyone else gets `off` of the rollout's last rule."""
    return datafile(
        experiments=[rule("calendar", ("v-on", "on"))],
        rollouts=[{"id": "r-1", "experiments": [rule("beta", ("v-beta", "beta")), rule("all", ("v-off", "off"))]}],
        featureFlags=[flag("new_calendar", "exp-calendar", rollout="r-1")],
        events=[{"id": "ev-order", "key": "Order Completed", "experimentIds": ["exp-calendar"]}],
        **more,
    )  # fmt: skip


def shown(raw: dict[str, Any], key: str = "calendar") -> list[tuple[str, str]]:
    found = Datafile.from_json(raw).experiment_by_key(key)
    assert found is not None
    return [(variation.id, variation.key) for variation in found.variations]


def test_the_first_variation_of_the_rollouts_last_rule_is_added() -> None:
    assert shown(rollout_datafile()) == [("v-on", "on"), ("v-off", "off")]


@pytest.mark.parametrize(
    "change",
    [
        {"featureFlags": [flag("new_calendar", "exp-calendar")]},
        {"featureFlags": [flag("new_calendar", "exp-calendar", rollout="unknown")]},
        {"featureFlags": []},
        {"rollouts": [{"id": "r-1", "experiments": []}]},
        {"rollouts": [{"id": "r-1", "experiments": [rule("all")]}]},
        {"experiments": [rule("calendar", ("v-on", "on"), type_="ab")]},
        {"experiments": [rule("calendar", ("v-on", "on"), type_=None)]},
    ],
)
def test_nothing_is_added_without_a_last_rule_or_to_another_type(change: dict[str, Any]) -> None:
    assert shown(rollout_datafile() | change) == [("v-on", "on")]


def test_a_variation_that_is_there_already_is_not_added_twice() -> None:
    raw = rollout_datafile() | {"experiments": [rule("calendar", ("v-on", "on"), ("v-off", "off"))]}
    assert shown(raw) == [("v-on", "on"), ("v-off", "off")]


def test_a_rule_of_two_flags_gets_the_variation_of_both() -> None:
    raw = rollout_datafile()
    raw["rollouts"].append({"id": "r-2", "experiments": [rule("rest", ("v-old", "old"))]})
    raw["featureFlags"].append(flag("other", "exp-calendar", rollout="r-2"))
    assert shown(raw) == [("v-on", "on"), ("v-off", "off"), ("v-old", "old")]


def test_a_rule_in_a_group_gets_it_too() -> None:
    group = {
        "id": "g",
        "policy": "random",
        "trafficAllocation": [],
        "experiments": [rule("calendar", ("v-on", "on"))],
    }
    raw = rollout_datafile() | {"experiments": [], "groups": [group]}
    assert shown(raw) == [("v-on", "on"), ("v-off", "off")]


def test_both_sides_of_a_feature_rollout_count() -> None:
    past = history((0, rollout_datafile()))
    rows = []
    for visitor, variation in (("u-1", "v-on"), ("u-2", "v-off")):
        rows.append(decision(visitor, "calendar-x", variation_id=variation))
        rows.append(conversion(visitor, at=NOW + SECOND))
        assert judge(rows[-1], rows[-2:-1], past, Rules()).outcome == "counted"
    variations = results(rows, past, Rules())["experiments"]["calendar"]["variations"]
    assert {
        key: (one["visitors"], one["metrics"]["Order Completed"]["unique"]) for key, one in variations.items()
    } == {
        "on": (1, 1),
        "off": (1, 1),
    }


def test_two_datafiles_at_once_add_it_too(space: Space) -> None:
    space.put_datafile(rollout_datafile())
    space.put_datafile(datafile(sdkKey="sdk-2", experiments=[experiment("seats")]), "sdk-2")
    experiments = space.json("results")["experiments"]
    assert list(experiments["calendar"]["variations"]) == ["on", "off"]
    assert list(space.json("results")["experiments"]["seats"]["variations"]) == ["a", "b"]


IDS = st.sampled_from(["1", "2", "3", "4"])
VARIATIONS = st.lists(st.tuples(IDS, st.sampled_from(["on", "off", "new"])), max_size=2, unique_by=(lambda v: v[0], lambda v: v[1]))  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["fr", "fr", "ab", None]), VARIATIONS), min_size=1, max_size=3),
    st.lists(st.lists(VARIATIONS, max_size=3), max_size=3),
    st.lists(st.tuples(st.lists(st.integers(0, 2), max_size=3), st.integers(-1, 2)), max_size=3),
)
def test_every_rule_has_the_variations_that_the_sdk_knows(rules: Any, rollouts: Any, flags: Any) -> None:
    raw = datafile(
        groups=[],
        holdouts=[],
        experiments=[rule(str(i), *variations, type_=type_) for i, (type_, variations) in enumerate(rules)],
        rollouts=[
            {
                "id": f"r{i}",
                "experiments": [rule(f"d{i}-{j}", *variations) for j, variations in enumerate(parts)],
            }
            for i, parts in enumerate(rollouts)
        ],
        featureFlags=[
            flag(
                f"f{i}",
                *(f"exp-{number}" for number in numbers if number < len(rules)),
                rollout=f"r{place}" if 0 <= place < len(rollouts) else "",
            )
            for i, (numbers, place) in enumerate(flags)
        ],
    )
    known = Datafile.from_json(raw)
    config: Any = ProjectConfig(json.dumps(raw), logging.getLogger("sdk"), NoOpErrorHandler)
    for one in known.experiments:
        if one.kind == "experiment":
            ours = {variation.id: variation.key for variation in one.variations}
            theirs = {id_: v.key for id_, v in config.variation_id_map_by_experiment_id[one.id].items()}
            assert ours == theirs
