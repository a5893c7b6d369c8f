"""Made for people: keyboard alone, both themes, a phone, 200 %, screen readers, and no status by colour alone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

SHOTS = Path(__file__).parents[1] / "screenshots"
VIEWS = {
    "results": "/#/runs/several?all=1",
    "scenario": "/#/runs/one",
    "journey-unmatched": "/#/event/j-unmatched",
    "journey-counted": "/#/event/j-counted",
    "events": "/#/events?ns={ns}",
    "received": "/#/received?ns={ns}",
    "exchanges": "/#/exchanges?ns={ns}",
    "exchange": "/#/exchanges/{ns}/{exchange}",
    "experiments": "/#/experiments?ns={ns}",
    "datafiles": "/#/datafiles?ns={ns}",
    "datafile": "/#/datafiles/{ns}/SHOPkA7pQ2mXv9Rt",
    "faults": "/#/faults?ns=faulty",
    "erasure": "/#/erasure",
    "nothing": "/#/event/nobody-knows-this",
}


@pytest.fixture(scope="session")
def places(client: Any, traffic: Any) -> dict[str, str]:
    """The addresses of all kinds of page, each with something on it."""
    verdict = traffic.verdict("counted")
    client.in_namespace("faulty").call(
        "PUT", "/_emulator/faults", json=[{"on": "privacy", "status": 503, "times": 0}]
    )
    [row] = client.in_namespace(verdict["namespace"]).listing("events", kind="conversion")
    values = {"ns": verdict["namespace"], "exchange": row["exchange"]}
    return {name: address.format(**values) for name, address in VIEWS.items()}


OPEN_ALL = """() => {
  const closed = [...document.querySelectorAll("main details:not([open])")];
  closed.forEach((one) => { one.open = true; });
  return closed.length === 0;
}"""
ALL_RULES: dict[str, Any] = {"resultTypes": ["violations"]}
CONTRAST = {**ALL_RULES, "runOnly": {"type": "rule", "values": ["color-contrast"]}}


def audit(page: Page, rules: dict[str, Any]) -> None:
    result = Axe().run(page, options=rules)
    assert result.violations_count == 0, result.generate_report()


@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_nothing_in_either_theme_and_nothing_overflows_a_phone(
    new_page: Any, emulator: Any, places: dict[str, str], view: str
) -> None:
    page = new_page(base_url=emulator.base_url)
    page.goto(places[view])
    expect(page.locator("main h1")).to_be_visible()
    page.wait_for_function(OPEN_ALL)
    SHOTS.mkdir(exist_ok=True)
    audit(page, ALL_RULES)
    page.screenshot(path=SHOTS / f"{view}-light-1280.png")
    page.emulate_media(color_scheme="dark")
    audit(page, CONTRAST)
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    page.screenshot(path=SHOTS / f"{view}-dark-360.png")


def test_twice_the_size_needs_no_sideways_scrolling(
    new_page: Any, emulator: Any, places: dict[str, str]
) -> None:
    page = new_page(width=640, height=450, base_url=emulator.base_url, device_scale_factor=2)
    for view in ("results", "scenario", "journey-unmatched", "events", "experiments"):
        page.goto(places[view])
        expect(page.locator("main h1")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_a_phone_shows_the_list_or_the_detail(new_page: Any, emulator: Any, traffic: Any) -> None:
    page = new_page(width=360, height=740, base_url=emulator.base_url)
    page.goto("/#/runs/several")
    page.get_by_role("link", name="A purchase keeps its revenue").click()
    expect(page.get_by_role("article", name="Difference")).to_be_in_viewport()
    expect(page.get_by_role("list", name="Scenarios")).to_be_hidden()
    page.get_by_role("link", name="All scenarios").click()
    expect(page.get_by_role("list", name="Scenarios")).to_be_visible()
    expect(page.get_by_role("article", name="Difference")).to_have_count(0)


def test_the_keyboard_alone_finds_the_field_and_comes_back_to_the_row(page: Page, traffic: Any) -> None:
    page.goto("/#/runs/several")
    first = page.get_by_role("list", name="Scenarios").get_by_role("link").first
    expect(first).to_be_visible()
    page.keyboard.press("j")
    expect(first).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("k")
    second = page.get_by_role("list", name="Scenarios").get_by_role("link").nth(1)
    expect(second).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("article", name="Difference")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("article", name="Difference")).to_have_count(0)
    expect(second).to_be_focused()
    page.keyboard.press("f")
    expect(page.get_by_role("list", name="Scenarios").get_by_role("link")).to_have_count(2)
    page.keyboard.press("a")
    expect(page.get_by_role("list", name="Scenarios").get_by_role("link")).to_have_count(6)
    page.keyboard.press("/")
    search = page.get_by_role("searchbox", name="Filter scenarios")
    expect(search).to_be_focused()
    page.keyboard.type("jfn?")
    expect(search).to_have_value("jfn?")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keys")).to_be_hidden()


def test_a_list_is_one_tab_stop_and_the_first_stop_skips_to_the_page(page: Page, traffic: Any) -> None:
    page.goto("/#/runs/several?all=1")
    expect(page.get_by_role("list", name="Scenarios").get_by_role("link").first).to_be_visible()
    assert page.locator("[data-row][tabindex='0']").count() == 1
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the page")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    expect(page).to_have_url(re.compile("runs/several"))


def test_after_a_move_the_focus_is_on_the_new_pages_heading(page: Page, traffic: Any) -> None:
    page.goto("/#/runs/several?all=1")
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Datafiles").click()
    expect(page.get_by_role("heading", level=1, name="Datafiles")).to_be_focused()
    expect(page).to_have_title("Datafiles · optilocal")


def test_every_status_is_a_word_and_a_shape(page: Page, traffic: Any) -> None:
    page.goto("/#/event/j-not-activated")
    for name, word in (("experiment_running", "Yes"), ("user_activated", "No")):
        condition = page.locator(f"[data-condition={name}]")
        expect(condition.locator("strong")).to_have_text(word)
    shapes = [
        page.locator(f"[data-condition={name}] path").get_attribute("d")
        for name in ("experiment_running", "user_activated")
    ]
    assert shapes[0] != shapes[1]
    page.goto("/#/runs/several?all=1")
    expect(page.get_by_role("list", name="Scenarios").get_by_role("listitem").first).to_contain_text(
        "Failed:"
    )


def test_times_are_the_readers_with_utc_on_hover(page: Page, traffic: Any) -> None:
    page.goto("/#/event/j-counted")
    time = page.locator(".title-row time")
    expect(time).to_have_text("2026-01-15 11:00:01.000")
    expect(time).to_have_attribute("title", "2026-01-15 10:00:01.000 UTC")
    expect(time).to_have_attribute("datetime", "2026-01-15T10:00:01.000Z")


def test_the_theme_chosen_is_remembered(page: Page, traffic: Any) -> None:
    page.goto("/#/runs/one")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_role("combobox", name="Theme").select_option("dark")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert dark != light
    page.reload()
    expect(page.get_by_role("combobox", name="Theme")).to_have_value("dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == dark
