"""Holdouts and feature rollouts in the viewer: both groups with their figures, and the variation that the SDKs add."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import viewer_traffic
from playwright.sync_api import Page, expect

from optilocal.emulator.server import EmulatorServer
from optilocal.emulator.settings import Settings
from optilocal.scenarios.language.datafiles import SUITE
from optilocal.scenarios.running.emulator_client import EmulatorClient

HELD_OUT = f"""scenario: Held out and not
{viewer_traffic.CLOCK}
steps:
  - decide: {{user: dora, flag: checkout, attributes: {{holdout_panel: true}}}}
  - decide: {{user: emil, flag: checkout}}
  - decide: {{user: fay, flag: checkout}}
  - track: {{userId: dora, event: Order Completed, properties: {{revenue: 4999}}}}
  - track: {{userId: emil, event: Order Completed, properties: {{revenue: 2000}}}}
expect: {{tracks: [{{outcome: user_not_activated}}, {{outcome: counted}}]}}
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[EmulatorClient, str]]:
    """An emulator of these tests alone, and the namespace in which the scenario ran."""
    with EmulatorServer(Settings(port=0)) as server:
        client = EmulatorClient(server.base_url)
        run: dict[str, Any] = viewer_traffic.run(client, tmp_path_factory.mktemp("held"), "held", [HELD_OUT])
        assert run["counts"]["passed"] == 1
        yield client, str(run["scenarios"][0]["namespace"])


@pytest.fixture
def page(new_page: Any, own: tuple[EmulatorClient, str]) -> Page:
    opened: Page = new_page(base_url=own[0].base_url)
    return opened


@pytest.fixture
def namespace(own: tuple[EmulatorClient, str]) -> str:
    return own[1]


def test_a_holdouts_two_groups_stand_below_the_experiments(page: Page, namespace: str) -> None:
    page.goto(f"/#/experiments?ns={namespace}")
    card = page.get_by_role("region", name="Holdout shop_wide_holdout")
    expect(card).to_contain_text("3 visitors")
    orders = card.get_by_role("region", name="Order Completed in shop_wide_holdout")
    held, others = (
        orders.get_by_role("row", name=re.compile(name)) for name in ("Held out", "Everyone else")
    )
    expect(held).to_contain_text("100.0 %")
    expect(held).to_contain_text("49.99")
    expect(others).to_contain_text("50.0 %")
    expect(
        card.get_by_role("img", name=re.compile("Everyone else: 1 of 2 visitors converted")).first
    ).to_be_visible()
    expect(card).to_contain_text("9 metrics without a conversion left out.")
    expect(card.get_by_role("region", name=re.compile("Newsletter"))).to_have_count(0)


def test_a_holdout_has_a_page_of_its_own_with_all_its_metrics(page: Page, namespace: str) -> None:
    page.goto(f"/#/experiments?ns={namespace}")
    page.get_by_role("link", name="shop_wide_holdout", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("shop_wide_holdout")
    expect(page.get_by_role("region", name="Newsletter Subscribed in shop_wide_holdout")).to_be_visible()
    expect(page.get_by_role("region", name="Experiment checkout_test")).to_have_count(0)


def test_a_feature_rollout_shows_what_everyone_else_gets(page: Page, own: tuple[EmulatorClient, str]) -> None:
    place = own[0].in_namespace("rollout")
    datafile: Path = SUITE / "datafiles" / "rollout.json"
    place.call("PUT", "/_emulator/datafiles/KEY", data=datafile.read_bytes())
    page.goto("/#/datafiles/rollout/KEY")
    row = page.get_by_role("region", name="Experiments of the datafile").get_by_role(
        "row", name=re.compile("calendar_rollout")
    )
    expect(row).to_contain_text("Feature rollout")
    expect(row).to_contain_text("on, off (everyone else)")
    page.goto("/#/experiments/calendar_rollout?ns=rollout")
    expect(page.locator("main h1")).to_have_text("calendar_rollout")
    expect(page.get_by_role("row", name=re.compile("off"))).to_be_visible()


BATCHES = f"""scenario: Posted without an SDK
{viewer_traffic.CLOCK}
steps:
  - event_batch:
      visitors:
        - visitor_id: u-1
          snapshots:
            - decisions: [{{campaign_id: "1234", experiment_id: "9300000000001", variation_id: "20410070002"}}]
              events: [{{entity_id: "1234", type: campaign_activated}}]
  - event_batch:
      account_id: "55555"
      visitors:
        - visitor_id: u-2
          snapshots:
            - decisions: [{{campaign_id: "9300000000101", experiment_id: "9300000000001", variation_id: "20410070002"}}]
              events: [{{entity_id: "9300000000101", type: campaign_activated}}]
  - event_batch: {{visitors: [{{visitor_id: u-1, snapshots: [{{events: [{{uuid: posted-1, key: Order Completed, entity_id: "20410060001"}}]}}]}}]}}
expect: {{conversions: [{{outcome: counted}}]}}
"""


def test_decisions_set_aside_stand_below_their_experiment_and_posted_conversions_in_their_scenario(
    page: Page, own: tuple[EmulatorClient, str], tmp_path: Path
) -> None:
    run = viewer_traffic.run(own[0], tmp_path, "batches", [BATCHES])
    (entry,) = run["scenarios"]
    page.goto(f"/#/experiments?ns={entry['namespace']}")
    listed = page.get_by_role("region", name="Experiment checkout_test").get_by_role(
        "list", name="Decisions set aside"
    )
    expect(listed.get_by_role("listitem")).to_have_text(
        [
            "1 visitor set aside: the decision was sent for another account than the experiment's.",
            "1 visitor set aside: the decision's campaign_id is not the experiment's layer.",
        ]
    )
    page.goto("/#/runs/batches")
    expect(page.get_by_role("article", name="Difference")).to_contain_text("Conversion 1")
    page.get_by_role("link", name="Order Completed", exact=True).click()
    expect(page.get_by_role("region", name="Verdict", exact=True)).to_contain_text(
        entry["verdicts"][0]["explanation"]
    )
