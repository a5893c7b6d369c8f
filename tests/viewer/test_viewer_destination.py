"""The destination in the viewer: settings, mappings, what comes before them, deliveries with their replay."""

from __future__ import annotations

import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from viewer_traffic import HOSTILE

from optilocal.emulator.server import EmulatorServer
from optilocal.scenarios.running.emulator_client import EmulatorClient
from optilocal.scenarios.running.servers import LocalServers

ORDER = {"type": "track", "event": "Order Completed", "userId": "u-1", "properties": {"revenue": 4999}}


@pytest.fixture
def page(new_page: Any, sandbox: LocalServers) -> Page:
    # A refused setting is a 400, which the console tells.
    opened: Page = new_page(base_url=sandbox.emulator_url, noise="400")
    return opened


def forwarder(place: EmulatorClient, method: str, path: str, body: Any = None) -> Any:
    return place.call(method, f"/_emulator/forwarder/{path}", **({} if body is None else {"json": body}))


def send(place: EmulatorClient, *events: dict[str, Any]) -> None:
    for event in events:
        forwarder(place, "POST", "v1/track", {"writeKey": "k", **event})
    place.verdicts(wait=20, count=len(events))


def test_settings_are_saved_tested_and_refused_with_segments_words(
    page: Page, workbench: EmulatorClient
) -> None:
    page.goto(f"/#/destination?ns={workbench.namespace}")
    page.get_by_label("Account ID").fill("")
    page.get_by_role("button", name="Save settings").click()
    expect(page.get_by_text("The root value is missing the required field 'accountId'.")).to_be_visible()
    page.get_by_label("Account ID").fill("12001")
    page.get_by_label("Personal access token").fill("secret-1")
    page.get_by_role("button", name="Save settings").click()
    expect(page.get_by_text("Saved")).to_be_visible()
    expect(page.get_by_label("Personal access token")).to_have_value("********")
    page.get_by_role("button", name="Test authentication").click()
    expect(page.get_by_text("The datafile can be fetched")).to_be_visible()
    page.get_by_label("Datafile URL").fill("https://cdn.optimizely.com/datafiles/nobody.json")
    page.get_by_role("button", name="Test authentication").click()
    expect(page.get_by_text(re.compile("Segment says:"))).to_be_visible()
    page.reload()
    expect(page.get_by_label("Datafile URL")).to_have_value(re.compile("SHOPkA7pQ2mXv9Rt"))


def test_a_destination_that_is_switched_off_gets_no_event(page: Page, workbench: EmulatorClient) -> None:
    page.goto(f"/#/destination?ns={workbench.namespace}")
    page.get_by_label("The destination is on").uncheck()
    page.get_by_role("button", name="Save settings").click()
    expect(page.get_by_text("Saved")).to_be_visible()
    send(workbench, ORDER)
    [verdict] = workbench.verdicts()
    assert (verdict["outcome"], verdict["remedy"]) == (
        "not_subscribed",
        "Switch the destination on, in its settings.",
    )
    assert "switched off" in verdict["explanation"]
    page.reload()
    expect(page.get_by_label("The destination is on")).not_to_be_checked()


def test_a_mapping_is_made_explained_tried_and_switched_off(page: Page, workbench: EmulatorClient) -> None:
    send(workbench, ORDER, {**ORDER, "event": "Signed Up"})
    page.goto(f"/#/destination?tab=mappings&ns={workbench.namespace}")
    page.get_by_role("button", name="Edit Track Event").click()
    trigger = page.get_by_label("Trigger")
    trigger.fill('type = "track" && event = "order completed"')
    said = page.locator("#trigger-said")
    expect(said).to_contain_text("write `and` instead of &&")
    expect(said).to_contain_text("Cannot read properties of undefined (reading 'type')")
    expect(said).to_contain_text('write "Order Completed"')
    page.get_by_role("button", name="Save mapping").click()
    expect(page.get_by_text(re.compile("Invalid subscription"))).to_be_visible()
    trigger.fill('type = "track" and event = "Signed Up"')
    expect(said).to_contain_text("An event sets it off when type is “track” and event is “Signed Up”.")
    values = page.locator("#event-keys option").evaluate_all("all => all.map(one => one.value)")
    assert "Order Completed" in values
    page.get_by_label("Event Key", exact=True).fill("Plan Upgraded")
    page.get_by_label("Revenue", exact=True).fill("")
    page.get_by_role("button", name="Try on the last").click()
    expect(page.get_by_text("2 events of 2 would end otherwise.")).to_be_visible()
    table = page.get_by_role("region", name="Events that would end otherwise")
    expect(table).to_contain_text("Not subscribed")
    expect(table).to_contain_text("Experiment not running")
    assert forwarder(workbench, "GET", "_forwarder/mappings")["mappings"][0]["trigger"] == 'type = "track"'
    page.get_by_role("button", name="Save mapping").click()
    expect(page.get_by_role("switch", name="Track Event is on")).to_be_visible()
    [mapping] = forwarder(workbench, "GET", "_forwarder/mappings")["mappings"]
    assert mapping["fields"]["eventKey"] == "Plan Upgraded"
    assert "revenue" not in mapping["fields"]
    assert mapping["fields"]["value"] == {"@path": "$.properties.value"}
    page.get_by_role("switch").click()
    expect(page.get_by_role("switch")).to_have_attribute("aria-checked", "false")
    page.get_by_role("button", name="New mapping").click()
    page.get_by_label("Name", exact=True).fill(HOSTILE)
    page.get_by_role("button", name="Save mapping").click()
    expect(page.get_by_role("heading", name="Mappings (2 of at most 50)")).to_be_visible()
    page.get_by_role("button", name="Delete Track Event").click()
    expect(page.get_by_role("heading", name="Mappings (1 of at most 50)")).to_be_visible()
    page.get_by_role("button", name=re.compile("Undo")).click()
    expect(page.get_by_role("heading", name="Mappings (2 of at most 50)")).to_be_visible()
    assert page.evaluate("globalThis.broken") is None


def test_filters_are_made_switched_and_deleted(page: Page, workbench: EmulatorClient) -> None:
    def saved() -> Any:
        return forwarder(workbench, "GET", "_forwarder/filters")["filters"]

    send(workbench, {**ORDER, "messageId": "m-filtered"})
    page.goto(f"/#/destination?tab=before&ns={workbench.namespace}")
    page.get_by_role("button", name="New filter").click()
    title = '<img src=x onerror="globalThis.broken=1">'
    page.get_by_label("Title").fill(title)
    page.get_by_label("Events for which").fill('event = "Order Completed"')
    page.get_by_role("button", name="Try on the last 100 events").click()
    expect(page.get_by_text("1 event of 1 would end otherwise.")).to_be_visible()
    assert saved() == []
    page.get_by_role("button", name="Save filter").click()
    expect(page.get_by_role("heading", name="Destination filters (1 of at most 10)")).to_be_visible()
    made = {
        "title": title,
        "if": 'event = "Order Completed"',
        "enabled": True,
        "actions": [{"type": "DROP"}],
    }
    assert saved() == [made]
    filters = page.get_by_role("region", name="Destination filters")
    filters.get_by_role("switch").click()
    expect(filters.get_by_role("switch")).to_have_attribute("aria-checked", "false")
    filters.get_by_role("button", name="Edit").click()
    page.get_by_label("What it does").select_option("Drop these fields")
    page.get_by_label("Field names").fill("coupon, email")
    page.get_by_role("button", name="Save filter").click()
    expect(filters.get_by_text("drops properties: coupon, email")).to_be_visible()
    fields = {"properties": ["coupon", "email"]}
    assert saved() == [{**made, "enabled": False, "actions": [{"type": "DROP_PROPERTIES", "fields": fields}]}]
    filters.get_by_role("button", name="Edit").click()
    page.get_by_label("What it does").select_option("Something else, as JSON")
    page.get_by_label("Actions").fill("[")
    page.get_by_role("button", name="Save filter").click()
    expect(page.get_by_text("This is not valid JSON")).to_be_visible()
    page.get_by_label("Actions").fill('[{"type": "SAMPLE", "percent": 0.25, "path": "userId"}]')
    page.get_by_label("Events for which").fill("event = ")
    page.get_by_role("button", name="Save filter").click()
    expect(page.get_by_text("its statement is not valid FQL")).to_be_visible()
    expect(filters.get_by_text("lets 25 % pass, the same for each userId")).to_be_visible()
    before = saved()
    filters.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="Destination filters (0 of at most 10)")).to_be_visible()
    assert saved() == []
    page.get_by_role("button", name=re.compile("Undo")).click()
    expect(page.get_by_role("heading", name="Destination filters (1 of at most 10)")).to_be_visible()
    assert saved() == before
    assert page.evaluate("globalThis.broken") is None


def test_what_else_comes_before_the_mappings_is_saved(page: Page, workbench: EmulatorClient) -> None:
    page.goto(f"/#/destination?tab=before&ns={workbench.namespace}")
    page.get_by_label("Consent").fill("advertising, functional")
    page.get_by_role("button", name="Save consent").click()
    expect(page.get_by_text("Saved")).to_have_count(1)
    page.get_by_label("Schema integration filter").fill("Order Completed\nApp, opened")
    page.get_by_role("button", name="Save schema integration filter").click()
    expect(page.get_by_text("Saved")).to_have_count(2)
    page.get_by_label("Transformations").fill("[")
    page.get_by_role("button", name="Save transformations").click()
    expect(page.get_by_text("This is not valid JSON")).to_be_visible()
    assert forwarder(workbench, "GET", "_forwarder/consent") == {
        "consent": {"categories": ["advertising", "functional"]}
    }
    kept = {"Order Completed": False, "App, opened": False}
    assert forwarder(workbench, "GET", "_forwarder/schema-filter") == {"schema_filter": kept}
    page.reload()
    expect(page.get_by_label("Consent")).to_have_value("advertising, functional")


def test_dead_letters_are_replayed_and_what_was_refused_is_told(
    page: Page, workbench: EmulatorClient
) -> None:
    send(workbench, {**ORDER, "event": "order completed", "messageId": "m-dead"}, ORDER)
    forwarder(workbench, "POST", "v1/batch", {"writeKey": "k", "batch": [{"type": "nonsense"}]})
    page.goto(f"/#/deliveries?ns={workbench.namespace}")
    rows = page.get_by_role("region", name="Deliveries").locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(page.get_by_role("region", name="Refused by the Tracking API")).to_contain_text("batch[0] is")
    page.get_by_role("navigation", name="States").get_by_role("link", name="Dead letters").click()
    expect(rows).to_have_count(1)
    mapping = forwarder(workbench, "GET", "_forwarder/mappings")["mappings"][0]
    mapping["fields"] = {**mapping["fields"], "eventKey": "Order Completed"}
    forwarder(workbench, "PUT", "_forwarder/mappings", [mapping])
    rows.get_by_role("button", name=re.compile("Replay")).click()
    expect(page.get_by_text("1 delivery sent again")).to_be_visible()
    expect(page.get_by_text("No such delivery")).to_be_visible()
    page.get_by_role("navigation", name="States").get_by_role("link", name="Sent").click()
    expect(rows).to_have_count(2)
    rows.get_by_role("link", name="order completed", exact=True).click()
    expect(page.get_by_role("region", name="Verdict", exact=True)).to_be_visible()


def test_the_keyboard_alone_changes_a_mapping(page: Page, workbench: EmulatorClient) -> None:
    page.goto(f"/#/destination?tab=mappings&ns={workbench.namespace}")
    edit = page.get_by_role("button", name="Edit Track Event")
    expect(edit).to_be_visible()
    page.get_by_role("switch").focus()
    page.keyboard.press("Space")
    expect(page.get_by_role("switch")).to_have_attribute("aria-checked", "false")
    expect(page.get_by_role("switch")).to_be_focused()
    page.keyboard.press("Tab")
    expect(edit).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("Orders")
    page.get_by_label("Unique ID", exact=True).focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=re.compile("Mappings"))).to_be_focused()
    assert forwarder(workbench, "GET", "_forwarder/mappings")["mappings"][0]["name"] == "Orders"


@pytest.mark.parametrize(
    "view", ["try", "destination", "destination?tab=mappings", "destination?tab=before", "deliveries"]
)
def test_axe_finds_nothing_in_either_theme_and_nothing_overflows_a_phone(
    new_page: Any, sandbox: LocalServers, workbench: EmulatorClient, view: str
) -> None:
    send(workbench, {**ORDER, "event": "order completed"})
    page: Page = new_page(base_url=sandbox.emulator_url)
    page.goto(f"/#/{view}{'&' if '?' in view else '?'}ns={workbench.namespace}")
    settled = {
        "try": page.get_by_role("region", name="Verdict"),
        "deliveries": page.locator("tbody tr").first,
    }
    expect(settled.get(view, page.locator(".panel .button").first)).to_be_visible()
    if view == "try":
        page.get_by_role("button", name="Compare").click()
        expect(page.get_by_role("region", name="The event under other conditions")).to_be_visible()
    if view.endswith("mappings"):
        page.get_by_role("button", name="Edit Track Event").click()
        page.get_by_role("button", name="Try on the last").click()
        expect(page.get_by_text("would end otherwise")).to_be_visible()
    rules: dict[str, Any] = {"resultTypes": ["violations"]}
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        found = Axe().run(page, options=rules)
        assert found.violations_count == 0, found.generate_report()
        # Nothing else depends on the theme.
        rules["runOnly"] = {"type": "rule", "values": ["color-contrast"]}
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


@pytest.mark.parametrize("view", ["destination", "deliveries"])
def test_an_emulator_that_was_started_alone_says_so(
    new_page: Any, emulator: EmulatorServer, view: str
) -> None:
    page = new_page(base_url=emulator.base_url)
    page.goto(f"/#/{view}")
    expect(page.get_by_text("No forwarder is known here")).to_be_visible()
