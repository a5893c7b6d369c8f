"""Forced variations in the viewer: set by a form, on a strip while they last, said by the verdict."""

from __future__ import annotations

import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from optilocal.scenarios.running.emulator_client import EmulatorClient
from optilocal.scenarios.running.servers import LocalServers


@pytest.fixture
def page(new_page: Any, sandbox: LocalServers) -> Page:
    opened: Page = new_page(base_url=sandbox.emulator_url)
    return opened


def test_a_variation_is_forced_by_form_and_the_strip_ends_it(page: Page, workbench: EmulatorClient) -> None:
    page.goto(f"/#/forced?ns={workbench.namespace}")
    page.get_by_label("Experiment", exact=True).select_option("pricing_page_test")
    page.get_by_label("Variation", exact=True).select_option("yearly_first")
    page.get_by_role("button", name="Force it", exact=True).click()
    expect(page.get_by_text("SDKs enter nobody into it")).to_be_visible()
    page.get_by_label("Experiment", exact=True).select_option("checkout_test")
    page.get_by_label("Variation", exact=True).select_option("treatment")
    page.get_by_label("User ID").fill("ada")
    page.get_by_role("button", name="Force it", exact=True).click()
    rows = page.get_by_role("region", name="Forced variations").locator("tbody tr")
    expect(rows).to_have_count(2)
    served = workbench.call("GET", "/datafiles/SHOPkA7pQ2mXv9Rt.json")
    assert served["experiments"][0]["forcedVariations"]["ada"] == "treatment"
    strip = page.locator("#strip")
    page.goto("/#/events")
    expect(strip).to_contain_text("2 variations are forced")
    expect(strip).to_contain_text("checkout_test › treatment for ada")
    axe = Axe().run(page, options={"resultTypes": ["violations"]})
    assert axe.violations_count == 0, axe.generate_report()
    strip.get_by_role("link", name="See").click()
    page.get_by_role("combobox", name="Namespace").select_option(workbench.namespace)
    page.get_by_role("button", name="End pricing_page_test for everybody").click()
    expect(rows).to_have_count(1)
    expect(strip).to_contain_text("1 variation is forced")
    axe = Axe().run(page, options={"resultTypes": ["violations"]})
    assert axe.violations_count == 0, axe.generate_report()
    strip.get_by_role("button", name="End it").click()
    expect(strip).to_be_empty()
    expect(page.get_by_text("No variation is forced", exact=True)).to_be_visible()
    assert "forced" not in workbench.call("GET", "/datafiles/SHOPkA7pQ2mXv9Rt.json")["revision"]


def test_the_verdict_says_forced_here(page: Page, workbench: EmulatorClient) -> None:
    workbench.force("checkout_test", "treatment")
    served = workbench.call("GET", "/datafiles/SHOPkA7pQ2mXv9Rt.json")
    checkout = served["experiments"][0]
    shown = checkout["trafficAllocation"][0]["entityId"]
    decided = {"campaign_id": checkout["layerId"], "experiment_id": checkout["id"], "variation_id": shown}
    now = workbench.call("GET", "/_emulator/clock")["now_ms"]
    impression = {
        "entity_id": checkout["layerId"],
        "key": "campaign_activated",
        "uuid": "d-1",
        "timestamp": now,
    }
    order = {
        "entity_id": served["events"][0]["id"],
        "key": "Order Completed",
        "uuid": "forced-1",
        "timestamp": now + 1,
    }
    visitor = {
        "visitor_id": "u-1",
        "attributes": [],
        "snapshots": [{"decisions": [decided], "events": [impression]}, {"events": [order]}],
    }
    batch = {
        "account_id": served["accountId"],
        "client_name": "x",
        "client_version": "1",
        "enrich_decisions": True,
    }
    workbench.call("POST", "/v1/events", json={**batch, "anonymize_ip": True, "visitors": [visitor]})
    page.goto(f"/#/event/forced-1?ns={workbench.namespace}")
    expect(page.get_by_role("complementary")).to_contain_text(re.compile("forced here, for everybody"))
    workbench.call("DELETE", "/_emulator/forced")


def test_the_keyboard_alone_forces_a_variation(page: Page, workbench: EmulatorClient) -> None:
    page.goto(f"/#/forced?ns={workbench.namespace}")
    page.get_by_label("Experiment", exact=True).focus()
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.type("ada")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    end = page.get_by_role("button", name="End checkout_test for ada")
    expect(end).to_be_visible()
    [rule] = workbench.call("GET", "/_emulator/forced")["forced"]
    assert (rule["variation"], rule["user"]) == ("treatment", "ada")
    end.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("No variation is forced", exact=True)).to_be_visible()
