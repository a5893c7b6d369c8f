"""The experiments page: the funnel with each loss and its events, health, rates with their spread over time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import viewer_traffic
from playwright.sync_api import Page, expect

from optilocal.emulator.server import EmulatorServer
from optilocal.emulator.settings import Settings
from optilocal.scenarios.running.emulator_client import EmulatorClient

LOST = f"""scenario: Orders on their way
{viewer_traffic.CLOCK}
steps:
  - activate: {{user: ada, experiment: checkout_test, variation: control}}
  - activate: {{user: ben, experiment: checkout_test, variation: treatment}}
  - activate: {{user: ben, experiment: checkout_test, variation: control}}
  - track: {{userId: ada, event: Order Completed}}
  - wait: 1h
  - track: {{userId: ben, event: Order Completed, properties: {{revenue: 4999}}}}
  - track: {{userId: ada, event: order completed}}
  - track: {{userId: ada, event: Order Completed, properties: {{revenue: 0.5}}}}
  - track: {{event: Order Completed}}
  - page: {{name: Home}}
expect: {{tracks: [{{outcome: counted}}, {{outcome: counted}}]}}
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """An emulator of these tests alone, and the namespace in which the scenario ran."""
    with EmulatorServer(Settings(port=0)) as server:
        client = EmulatorClient(server.base_url)
        run: dict[str, Any] = viewer_traffic.run(client, tmp_path_factory.mktemp("lost"), "lost", [LOST])
        yield server.base_url, str(run["scenarios"][0]["namespace"])


def test_losses_stand_between_the_stages_and_lead_to_their_events(
    new_page: Any, own: tuple[str, str]
) -> None:
    base, namespace = own
    page: Page = new_page(base_url=base)
    page.goto(f"/#/experiments/checkout_test?ns={namespace}")
    stages = page.get_by_role("list", name="Funnel of checkout_test").locator("[data-funnel]")
    expect(stages).to_have_count(4)
    for stage, said in zip(
        stages.all(), ("5 · 100.0 %", "3 · 60.0 %", "3 · 60.0 %", "2 · 40.0 %"), strict=True
    ):
        expect(stage.locator(".funnel-stage")).to_contain_text(said)
    expect(stages.nth(1)).to_contain_text("Invalid payload 1 (20.0 %)")
    expect(stages.nth(3)).to_contain_text("Unidentified user 1 (20.0 %)")
    stages.nth(1).get_by_role("link", name="order completed", exact=True).click()
    rows = page.get_by_role("region", name="Events and their verdicts").locator("tbody tr")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("Unmatched event key")


def test_health_says_what_is_doubtful_first_and_the_rates_have_a_picture(
    new_page: Any, own: tuple[str, str]
) -> None:
    base, namespace = own
    page: Page = new_page(base_url=base)
    page.goto(f"/#/experiments/checkout_test?ns={namespace}")
    checks = page.get_by_role("list", name="Health").get_by_role("listitem")
    expect(checks).to_have_count(5)
    expect(checks.first).to_have_attribute("data-status", "attention")
    expect(page.locator("[data-check=crossover]")).to_contain_text(
        "1 of 2 visitors were seen in more than one variation"
    )
    orders = page.get_by_role("region", name="Metric Order Completed of checkout_test")
    expect(
        orders.get_by_role("img", name=re.compile("Rate over time; at the end: control 100.0 %"))
    ).to_be_visible()
    expect(orders.get_by_role("row", name=re.compile("treatment"))).to_contain_text("+0.0 %")
    expect(
        orders.get_by_role("img", name=re.compile("treatment: 1 of 1 .* 20.7 % to 100.0 %"))
    ).to_be_visible()


def test_on_a_phone_every_figure_is_in_sight(new_page: Any, own: tuple[str, str]) -> None:
    base, namespace = own
    page: Page = new_page(width=390, height=800, base_url=base)
    page.goto(f"/#/experiments/checkout_test?ns={namespace}")
    cells = page.get_by_role("region", name="Order Completed in checkout_test").locator("td")
    expect(cells.first).to_be_visible()
    boxes = cells.evaluate_all("all => all.map(one => one.getBoundingClientRect().toJSON())")
    assert len(boxes) == 14
    assert [box for box in boxes if box["width"] == 0 or box["left"] < 0 or box["right"] > 390] == []


def test_the_interval_is_wilsons(page: Page) -> None:
    page.goto("/#/experiments")
    expect(page.locator("main h1")).to_be_visible()
    low, high = page.evaluate("optilocal.chart.spread(10, 100)")
    # Newcombe 1998, table I, method 3: 81 of 263.
    assert [round(one, 4) for one in page.evaluate("optilocal.chart.spread(81, 263)")] == [0.2553, 0.3662]
    assert 0.05 < low < 0.1 < high < 0.18
    assert page.evaluate("optilocal.chart.spread(0, 0)") is None
