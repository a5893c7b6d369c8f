"""Event batches after public reports, posted as their senders post them: what Optimizely makes of each."""

from __future__ import annotations

import itertools
import json
import time
from pathlib import Path
from typing import Any

import pytest
from optimizely.event.event_processor import ForwardingEventProcessor
from optimizely.helpers.sdk_settings import OptimizelySdkSettings
from optimizely.optimizely import Optimizely
from space import Space

SHOP: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "scenarios/suite/datafiles/shop.json").read_text("utf-8")
)
LAYER, EXPERIMENT, TREATMENT, ORDER = "9300000000101", "9300000000001", "20410070002", "20410060001"
_numbers = itertools.count()


@pytest.fixture
def shop(space: Space) -> Space:
    space.put_datafile(SHOP, SHOP["sdkKey"])
    return space


def batch(
    visitor: str, decisions: list[Any], event: dict[str, Any], account: str = "12001"
) -> dict[str, Any]:
    """One visitor's snapshot as an own sender posts it, half a second after the last."""
    number = next(_numbers)
    at = int(time.time() * 1000) - 3_600_000 + number * 500
    snapshot = {"decisions": decisions, "events": [{"uuid": f"public-{number}", "timestamp": at, **event}]}
    return {
        "account_id": account,
        "client_name": "own-sender",
        "client_version": "1",
        "anonymize_ip": True,
        "enrich_decisions": True,
        "visitors": [{"visitor_id": visitor, "attributes": [], "snapshots": [snapshot]}],
    }


def decided(visitor: str, account: str = "12001", campaign: str = LAYER) -> dict[str, Any]:
    decision = {"campaign_id": campaign, "experiment_id": EXPERIMENT, "variation_id": TREATMENT}
    return batch(visitor, [decision], {"entity_id": campaign, "type": "campaign_activated"}, account)


def order(visitor: str, account: str = "12001", **more: Any) -> dict[str, Any]:
    return batch(
        visitor, [], {"entity_id": ORDER, "key": "Order Completed", "revenue": 4999, **more}, account
    )


def treatment(space: Space) -> tuple[int, int]:
    """Visitors and conversions of the checkout test's treatment."""
    shown = space.json("results")["experiments"]["checkout_test"]["variations"]["treatment"]
    return shown["visitors"], shown["metrics"]["Order Completed"]["total"]


def set_aside(space: Space) -> dict[str, int]:
    """Why the checkout test does not count visitors → how many."""
    shown = space.json("results")["experiments"]["checkout_test"]["set_aside"]
    return {one["reason"]: one["visitors"] for one in shown}


def test_an_account_typed_by_hand_is_in_no_results(shop: Space) -> None:
    for sent in (decided("a-1"), order("a-1", "55555"), decided("a-2", "55555"), order("a-2")):
        assert shop.send(sent).status_code == 204
    wrong, stranger = shop.rows("verdicts", wait=20, count=2)
    assert wrong["outcome"] == "wrong_account" and '"12001"' in wrong["remedy"]
    assert stranger["outcome"] == "user_not_activated" and 'account "55555"' in stranger["explanation"]
    assert treatment(shop) == (1, 0)
    assert set_aside(shop) == {"wrong_account": 1}
    assert [row["number"] for row in shop.rows("verdicts", outcome="wrong_account")] == [wrong["number"]]


@pytest.mark.parametrize("campaign", ["9300000000102", "1234"])
def test_a_decision_of_another_campaign_puts_nobody_into_the_experiment(shop: Space, campaign: str) -> None:
    for sent in (decided("c-1", campaign=campaign), order("c-1")):
        assert shop.send(sent).status_code == 204
    (told,) = shop.rows("verdicts", wait=20, count=1)
    assert told["outcome"] == "user_not_activated"
    assert f'campaign_id is "{campaign}", the experiment\'s layer is "{LAYER}"' in told["explanation"]
    assert treatment(shop) == (0, 0)
    assert set_aside(shop) == {"wrong_campaign": 1}


def test_a_decision_inside_the_conversions_snapshot_is_ignored_and_told(shop: Space) -> None:
    sent = order("d-1")
    sent["visitors"][0]["snapshots"][0]["decisions"] = [
        {"campaign_id": LAYER, "experiment_id": EXPERIMENT, "variation_id": TREATMENT}
    ]
    assert shop.send(sent).status_code == 204
    (told,) = shop.rows("verdicts", wait=20, count=1)
    assert told["outcome"] == "user_not_activated"
    assert "is ignored, because enrich_decisions is true" in told["explanation"]
    assert "campaign_activated event of its own" in told["remedy"]
    assert treatment(shop) == (0, 0)


def test_revenue_that_pythons_sdk_does_not_take_is_lost_and_told(shop: Space) -> None:
    class Dispatcher:
        @staticmethod
        def dispatch_event(event: Any) -> None:
            assert shop.send(event.params).status_code == 204

    optimizely = Optimizely(
        datafile=json.dumps(SHOP),
        event_dispatcher=Dispatcher,
        event_processor=ForwardingEventProcessor(Dispatcher, None),
        settings=OptimizelySdkSettings(odp_disabled=True),
    )
    given = {"t-1": "1999", "t-2": 1999, "t-3": 19.99, "t-4": True, "t-5": "19.99"}
    for visitor, revenue in given.items():
        optimizely.set_forced_variation("checkout_test", visitor, "treatment")
        optimizely.activate("checkout_test", visitor)
        optimizely.track("Order Completed", visitor, None, {"revenue": revenue})
    told = {row["visitor_id"]: row for row in shop.rows("verdicts", wait=20, count=5)}
    assert {row["outcome"] for row in told.values()} == {"counted"}
    lost = {
        visitor for visitor, row in told.items() if "revenue_lost" in [w["code"] for w in row["warnings"]]
    }
    assert lost == {"t-1", "t-3", "t-4", "t-5"}
    shown = shop.json("results")["experiments"]["checkout_test"]["variations"]["treatment"]
    assert shown["metrics"]["Order Completed"] == {"unique": 5, "total": 5, "revenue": 1999, "value": 0}


@pytest.mark.parametrize(
    ("region", "host", "warned"),
    [
        ("EU", "logx.optimizely.com", True),
        ("EU", "LOGX.optimizely.com:443", True),
        ("EU", "eu.logx.optimizely.com", False),
        ("US", "logx.optimizely.com", False),
        ("EU", "localhost", False),
    ],
)
def test_the_host_of_a_batch_tells_the_region_that_it_went_to(
    space: Space, region: str, host: str, warned: bool
) -> None:
    """What `optilocal exec` catches keeps its real host."""
    space.put_datafile({**SHOP, "region": region}, SHOP["sdkKey"])
    for sent in (decided("e-1"), order("e-1")):
        assert space.send(sent, headers={"Host": host}).status_code == 204
    (told,) = space.rows("verdicts", wait=20, count=1)
    assert told["outcome"] == "counted"
    assert ("sent_to_us_region" in [item["code"] for item in told["warnings"]]) is warned
    assert ("counts nowhere" in told["explanation"]) is warned
