"""The suite's datafiles are ones Optimizely would serve: its own SDK takes them in silence and decides with them."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optimizely.event.event_processor import ForwardingEventProcessor
from optimizely.helpers import validator
from optimizely.helpers.sdk_settings import OptimizelySdkSettings
from optimizely.optimizely import Optimizely

from optilocal import scenarios

FOLDER = Path(scenarios.__file__).parent / "suite" / "datafiles"
SHOP = json.loads((FOLDER / "shop.json").read_bytes())
# What a version-4 datafile of a current project holds (docs/optimizely.md, "Datafile CDN").
KEYS = {
    "version", "revision", "accountId", "projectId", "sdkKey", "environmentKey", "experiments", "groups",
    "featureFlags", "rollouts", "events", "attributes", "audiences", "typedAudiences", "variables", "anonymizeIP",
    "botFiltering", "sendFlagDecisions", "integrations", "holdouts", "localHoldouts", "region",
}  # fmt: skip


class Recorder:
    """An event dispatcher and a log handler: what the SDK sends and what it complains of."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.complaints: list[str] = []

    def dispatch_event(self, event: Any) -> None:
        self.sent.append(event.params)

    def decisions(self) -> list[dict[str, Any]]:
        return [
            decision
            for batch in self.sent
            for visitor in batch["visitors"]
            for snapshot in visitor["snapshots"]
            for decision in snapshot.get("decisions", [])
        ]


class Handler(logging.Handler):
    def __init__(self, recorder: Recorder) -> None:
        super().__init__(logging.WARNING)
        self.recorder = recorder

    def emit(self, record: logging.LogRecord) -> None:
        self.recorder.complaints.append(record.getMessage())


def client_for(datafile: dict[str, Any], recorder: Recorder) -> Optimizely:
    logger = logging.Logger("sdk under test", logging.WARNING)
    logger.addHandler(Handler(recorder))
    return Optimizely(
        datafile=json.dumps(datafile),
        event_processor=ForwardingEventProcessor(recorder, logger),
        logger=logger,
        settings=OptimizelySdkSettings(odp_disabled=True),
    )


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def shop(recorder: Recorder) -> Iterator[Optimizely]:
    client = client_for(SHOP, recorder)
    yield client
    client.close()


def all_experiments() -> dict[str, dict[str, Any]]:
    grouped = [experiment for group in SHOP["groups"] for experiment in group["experiments"]]
    return {experiment["key"]: experiment for experiment in [*SHOP["experiments"], *grouped]}


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.json")), ids=lambda file: str(file.name))
def test_the_sdk_takes_every_datafile_without_a_complaint(file: Path, recorder: Recorder) -> None:
    text = file.read_text(encoding="utf-8")
    assert validator.is_datafile_valid(text)
    client = client_for(json.loads(text), recorder)
    assert client.is_valid
    assert client.get_optimizely_config() is not None
    client.close()
    # That rule keys are unique within a flag only is what this datafile is for.
    shared = ["Duplicate experiment keys found in datafile: ab_rule"] if file.name == "two-flags.json" else []
    assert recorder.complaints == shared


def test_the_shop_has_every_part_of_a_datafile() -> None:
    assert set(SHOP) == KEYS
    assert SHOP["version"] == "4"
    assert SHOP["accountId"] == "12001"
    assert isinstance(SHOP["botFiltering"], bool)
    assert isinstance(SHOP["anonymizeIP"], bool)
    assert all(SHOP[part] for part in KEYS - {"variables", "integrations"})


@given(
    number=st.integers(min_value=0, max_value=10**9),
    plan=st.sampled_from(["gold", "free"]),
    points=st.integers(min_value=0, max_value=5000),
    staff=st.booleans(),
)
@settings(deadline=None, max_examples=40)
def test_whoever_comes_is_decided_without_a_complaint(
    number: int, plan: str, points: int, staff: bool
) -> None:
    recorder = Recorder()
    client = client_for(SHOP, recorder)
    attributes = {"plan": plan, "loyalty_points": points, "is_staff": staff, "country": "DE"}
    user = client.create_user_context(f"customer-{number}", attributes)
    decided = {flag["key"]: user.decide(flag["key"]) for flag in SHOP["featureFlags"]}
    client.close()
    assert recorder.complaints == []
    assert decided["checkout"].rule_key == "checkout_test"
    assert decided["checkout"].variation_key in ("control", "treatment")
    assert decided["pricing"].variation_key is None
    assert decided["express_delivery"].enabled is (plan == "gold")
    if staff:
        assert decided["search"].rule_key == "search_staff_holdout"
    else:
        in_audience = plan == "gold" or points >= 1000
        assert decided["search"].rule_key == (
            "search_ranking_test" if in_audience else "search_everyone_else"
        )
    assert decided["recommendations"].rule_key in ("recommend_similar_test", "recommend_bought_together_test")


def test_traffic_is_split_over_all_variations(shop: Optimizely, recorder: Recorder) -> None:
    seen: Counter[tuple[str, str]] = Counter()
    for number in range(300):
        user = shop.create_user_context(f"customer-{number}", {"plan": "gold"})
        for flag in ("checkout", "search", "recommendations"):
            decision = user.decide(flag)
            seen[decision.rule_key, decision.variation_key] += 1
    wanted = {
        (experiment["key"], variation["key"])
        for experiment in all_experiments().values()
        if experiment["status"] == "Running" and experiment["key"] != "homepage_banner_test"
        for variation in experiment["variations"]
    }
    assert set(seen) == wanted
    assert min(seen.values()) > 30
    assert recorder.complaints == []


@pytest.mark.parametrize("variation", ["control", "treatment"])
def test_a_forced_variation_activates_the_checkout_test(
    shop: Optimizely, recorder: Recorder, variation: str
) -> None:
    assert shop.set_forced_variation("checkout_test", "u-1", variation)
    assert shop.activate("checkout_test", "u-1") == variation
    wanted = next(
        item["id"] for item in all_experiments()["checkout_test"]["variations"] if item["key"] == variation
    )
    assert [decision["variation_id"] for decision in recorder.decisions()] == [wanted]
    assert recorder.complaints == []


def test_a_paused_experiment_activates_nobody(shop: Optimizely, recorder: Recorder) -> None:
    for key in ("pricing_page_test", "gift_wrap_test"):
        shop.set_forced_variation(key, "u-1", all_experiments()[key]["variations"][0]["key"])
        assert shop.activate(key, "u-1") is None
    assert recorder.decisions() == []


def test_the_allow_list_names_real_variations(shop: Optimizely) -> None:
    assert shop.create_user_context("qa-control").decide("checkout").variation_key == "control"
    assert shop.create_user_context("qa-treatment").decide("checkout").variation_key == "treatment"


def test_variables_have_values_of_their_types(shop: Optimizely) -> None:
    assert shop.create_user_context("qa-treatment").decide("checkout").variables == {
        "layout": "one_page",
        "pages": 1,
        "express_pay": True,
        "discount": 0.05,
        "texts": {"title": "Almost yours", "button": "Buy now"},
    }


def test_only_the_panel_is_held_out(shop: Optimizely, recorder: Recorder) -> None:
    outside = shop.create_user_context("dora").decide("checkout")
    panel = shop.create_user_context("dora", {"holdout_panel": True}).decide("checkout")
    assert (outside.rule_key, panel.rule_key) == ("checkout_test", "shop_wide_holdout")
    assert [decision["metadata"]["rule_type"] for decision in recorder.decisions()] == [
        "feature-test",
        "holdout",
    ]
    assert not panel.enabled


def test_events_hang_on_one_several_no_and_only_paused_experiments() -> None:
    status = {experiment["id"]: experiment["status"] for experiment in all_experiments().values()}
    kinds = {
        event["key"]: Counter(status[number] for number in event["experimentIds"]) for event in SHOP["events"]
    }
    assert kinds["Order Completed"] == {"Running": 1}
    assert kinds["Product Added"]["Running"] > 1
    assert kinds["Newsletter Subscribed"] == {}
    assert kinds["Plan Upgraded"] == {"Paused": 1}
    assert kinds["Gift Wrap Added"] == {"Paused": 2}
    assert kinds["Signed Up"] == {"Running": 1, "Paused": 1}


def test_ids_are_unique_and_references_lead_somewhere() -> None:
    experiments = all_experiments()
    ids = {experiment["id"] for experiment in experiments.values()}
    assert len(ids) == len(experiments)
    rules = ids | {rule["id"] for rollout in SHOP["rollouts"] for rule in rollout["experiments"]}
    assert {number for event in SHOP["events"] for number in event["experimentIds"]} <= ids
    assert {number for flag in SHOP["featureFlags"] for number in flag["experimentIds"]} <= ids
    assert {number for holdout in SHOP["localHoldouts"] for number in holdout["includedRules"]} <= rules
    audiences = {audience["id"] for audience in [*SHOP["audiences"], *SHOP["typedAudiences"]]}
    assert {
        number for experiment in experiments.values() for number in experiment["audienceIds"]
    } <= audiences
    for experiment in experiments.values():
        variations = [variation["id"] for variation in experiment["variations"]]
        assert [item["entityId"] for item in experiment["trafficAllocation"]] == variations
    for part in ("events", "attributes", "featureFlags", "rollouts"):
        numbers = [item["id"] for item in SHOP[part]]
        assert len(set(numbers)) == len(numbers)
        assert all(number.isdecimal() for number in numbers)
