"""What Optimizely's own Python SDK sends is read without a complaint and counted."""

import json
from pathlib import Path

import pytest
from field_builders import read
from optimizely import event_dispatcher, optimizely
from optimizely.decision.optimizely_decide_option import OptimizelyDecideOption
from optimizely.event.event_processor import ForwardingEventProcessor
from plain_counting import results

from optilocal.emulator.counting.standing import Rules
from optilocal.emulator.datafile.history import DatafileHistory
from optilocal.emulator.verdict.verdict import verdict

SHOP = Path(__file__).parents[2] / "scenarios" / "suite" / "datafiles" / "shop.json"


class Kept(event_dispatcher.EventDispatcher):
    """Keeps the batches that the SDK would send."""

    def __init__(self):
        self.batches = []

    def dispatch_event(self, event):
        self.batches.append(event.params)


@pytest.fixture
def shop():
    return json.loads(SHOP.read_text())


def rows_of(kept):
    parsed = [read(batch, received_at=sent_at(batch)) for batch in kept.batches]
    for batch in parsed:
        assert batch.violations == () and batch.warnings == ()
    rows = [row for batch in parsed for row in batch.rows]
    for row in rows:
        assert row["problems"] == [] and row["warnings"] == []
    return rows


def sent_at(batch):
    return batch["visitors"][0]["snapshots"][0]["events"][0]["timestamp"]


def session(shop, user, attributes, *keys, track):
    """Decide on flags, then track one event, as an application does."""
    kept = Kept()
    client = optimizely.Optimizely(json.dumps(shop), event_processor=ForwardingEventProcessor(kept))
    context = client.create_user_context(user, attributes)
    decided = [context.decide(key, [OptimizelyDecideOption.INCLUDE_REASONS]) for key in keys]
    context.track_event(track, {"revenue": 4999, "value": 49.99, "sku": "a"})
    client.close()
    return decided, rows_of(kept)


def test_a_decision_and_a_conversion_of_the_sdk_count(shop):
    (decided,), rows = session(shop, "u-1", {"plan": "gold"}, "checkout", track="Order Completed")
    rule = next(e for e in shop["experiments"] if e["key"] == "checkout_test")
    assert decided.rule_key == rule["key"] and decided.variation_key
    history = DatafileHistory([(0, shop)])
    decisions = [row for row in rows if row["kind"] == "decision"]
    (converted,) = [row for row in rows if row["kind"] == "conversion"]
    found = verdict(None, converted, decisions=decisions, history=history)
    assert found["outcome"] == "counted", found["explanation"]
    assert {(a["experiment"], a["variation"]) for a in found["attributed_to"]} == {
        ("checkout_test", decided.variation_key)
    }
    counted = results(rows, history, Rules())["experiments"]["checkout_test"]["variations"][
        decided.variation_key
    ]
    assert counted["visitors"] == 1
    assert counted["metrics"]["Order Completed"] == {"unique": 1, "total": 1, "revenue": 4999, "value": 49.99}


def test_every_flag_of_the_shop_gives_rows_that_name_only_what_the_datafile_has(shop):
    keys = [flag["key"] for flag in shop["featureFlags"]]
    history = DatafileHistory([(0, shop)])
    for attributes in ({}, {"plan": "gold", "is_staff": True}, {"holdout_panel": "yes"}):
        _, rows = session(shop, "u-2", attributes, *keys, track="Order Completed")
        decided = [row for row in rows if row["kind"] == "decision"]
        assert len(decided) >= 1
        for row in decided:
            assert not row["experiment_id"] or history.experiment(row["experiment_id"]) is not None
