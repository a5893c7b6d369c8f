"""Results and scenario: from a red scenario to the one field that differs."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page, expect
from viewer_traffic import growing

from optilocal.scenarios.running.emulator_client import EmulatorClient


def row(page: Page, name: str) -> Any:
    return page.get_by_role("region", name="Scenarios of this run").get_by_role("link", name=name)


def test_the_only_failure_shows_its_field_without_a_click(page: Page) -> None:
    page.goto("/#/runs/one")
    difference = page.get_by_role("article", name="Difference")
    expect(difference.get_by_role("heading")).to_contain_text("revenue")
    expect(difference.locator(".side-expected")).to_contain_text("4200")
    expect(difference.locator(".side-captured")).to_contain_text("42")
    expect(page).to_have_title(re.compile("A purchase keeps its revenue"))


def test_failures_come_first_and_say_in_one_line_what_is_wrong(page: Page, traffic: Any) -> None:
    page.goto("/#/runs/several")
    expect(page.get_by_role("heading", level=1)).to_have_text("3 of 6 scenarios not as expected")
    rows = page.get_by_role("list", name="Scenarios").get_by_role("listitem")
    expect(rows).to_have_count(6)
    for index, scenario in enumerate(traffic.several["scenarios"][3:]):
        expect(rows.nth(index)).to_contain_text(scenario["name"])
    expect(rows.nth(0)).to_contain_text("Track 1 › revenue: expected 4200, captured 42")
    expect(rows.nth(1)).to_contain_text(
        'Track 1 › outcome: expected "counted", captured "user_not_activated" (+'
    )
    expect(rows.nth(2)).to_contain_text(traffic.several["scenarios"][5]["reason"])
    expect(rows.nth(3)).to_contain_text("Passing 1")


def test_a_failing_scenarios_field_is_visible_after_one_click(page: Page) -> None:
    page.goto("/#/runs/several")
    row(page, "A purchase keeps its revenue").click()
    difference = page.get_by_role("article", name="Difference")
    expect(difference).to_be_visible()
    expect(difference).to_contain_text("revenue")
    pair = page.get_by_role("region", name="Expected beside captured").locator("tr.pair-differs")
    expect(pair).to_have_count(1)
    expect(pair).to_contain_text("revenue")
    expect(pair.get_by_role("cell").first).to_have_text("4200")
    expect(pair.get_by_role("cell").last).to_have_text("42")


def test_of_several_differences_each_is_one_click_or_key_away(page: Page, traffic: Any) -> None:
    scenario = traffic.several["scenarios"][4]
    count = len(scenario["differences"])
    assert count > 2
    page.goto("/#/runs/several")
    row(page, scenario["name"]).click()
    difference = page.get_by_role("article", name="Difference")
    expect(difference).to_contain_text(f"1 of {count}")
    page.get_by_role("region", name="Differences").get_by_role("link").nth(1).click()
    expect(difference).to_contain_text(f"2 of {count}")
    page.keyboard.press("n")
    expect(difference).to_contain_text(f"3 of {count}")
    page.keyboard.press("p")
    page.keyboard.press("p")
    expect(difference).to_contain_text(f"1 of {count}")
    expect(page).to_have_url(re.compile(r"d=1$"))


def test_types_are_shown_where_they_are_the_difference(page: Page, traffic: Any) -> None:
    scenario = traffic.several["scenarios"][4]
    index = next(i for i, one in enumerate(scenario["differences"]) if one["kind"] == "type")
    page.goto(f"/#/runs/several/{scenario['id']}?d={index + 1}")
    difference = page.get_by_role("article", name="Difference")
    expect(difference.locator(".side-expected")).to_have_text("Expected12001number")
    expect(difference.locator(".side-captured")).to_have_text('Captured"12001"text')


def test_what_is_missing_names_its_nearest_counterpart(page: Page, traffic: Any) -> None:
    scenario = traffic.several["scenarios"][4]
    index = next(i for i, one in enumerate(scenario["differences"]) if one.get("nearest"))
    nearest = scenario["differences"][index]["nearest"]
    page.goto(f"/#/runs/several/{scenario['id']}?d={index + 1}")
    expect(page.get_by_role("article", name="Difference")).to_contain_text(
        f"number {nearest['index'] + 1}, with {nearest['score']} fields equal"
    )


def test_the_source_marks_the_failing_lines(page: Page, traffic: Any) -> None:
    scenario = traffic.one["scenarios"][3]
    page.goto("/#/runs/one")
    marked = page.get_by_role("region", name="Scenario source").locator(".is-marked")
    expect(marked).to_have_count(1)
    expect(marked).to_contain_text("revenue: 4200")
    expect(marked).to_contain_text(str(scenario["differences"][0]["line"]))


def test_equal_fields_are_folded_and_unfold(page: Page) -> None:
    page.goto("/#/runs/one")
    pairs = page.get_by_role("region", name="Expected beside captured")
    expect(pairs.get_by_text("49.99")).to_have_count(0)
    pairs.get_by_role("button", name=re.compile("equal field")).last.click()
    expect(pairs.get_by_text("49.99").first).to_be_visible()


def test_a_scenario_that_could_not_run_says_why(page: Page, traffic: Any) -> None:
    page.goto("/#/runs/several")
    row(page, traffic.several["scenarios"][5]["name"]).click()
    expect(page.get_by_role("region", name="Scenario", exact=True)).to_contain_text(
        traffic.several["scenarios"][5]["reason"]
    )


def test_the_filter_lives_in_the_address_and_speaks_the_fields_words(page: Page) -> None:
    page.goto("/#/runs/several")
    rows = page.get_by_role("list", name="Scenarios").get_by_role("listitem")
    page.get_by_role("searchbox", name="Filter scenarios").fill('@smoke !"Passing 3"')
    expect(rows).to_have_count(2)
    expect(page).to_have_url(re.compile(r"q=%40smoke\+%21%22Passing"))
    page.reload()
    expect(rows).to_have_count(2)
    page.get_by_role("button", name="2 failed").click()
    expect(rows).to_have_count(0)
    page.get_by_role("button", name="6 in all").click()
    expect(rows).to_have_count(6)


def test_what_the_copy_buttons_copy(new_page: Any, emulator: Any, traffic: Any) -> None:
    page = new_page(base_url=emulator.base_url, permissions=["clipboard-read", "clipboard-write"])
    scenario = traffic.one["scenarios"][3]
    page.goto("/#/runs/one")
    copied = page.get_by_role("button", name="Copied")
    expect(page.get_by_role("article", name="Difference")).to_be_visible()

    def clipboard() -> str:
        text: str = page.evaluate("navigator.clipboard.readText()")
        return text

    page.keyboard.press("r")
    expect(copied).to_have_count(1)
    assert clipboard() == scenario["rerun"]
    page.get_by_role("button", name="Copy as text").click()
    expect(copied).to_have_count(2)
    text = clipboard()
    assert "expected  4200 (number)" in text
    assert "captured  42 (number)" in text
    assert scenario["rerun"] in text
    page.keyboard.press("c")
    expect(copied).to_have_count(3)
    link = clipboard()
    page.goto("about:blank")
    page.goto(link)
    expect(page.get_by_role("article", name="Difference")).to_contain_text("revenue")


def test_a_run_that_goes_on_is_followed_with_its_progress(
    new_page: Any, client: EmulatorClient, emulator: Any, traffic: Any
) -> None:
    page = new_page(base_url=emulator.base_url)
    scenarios = traffic.several["scenarios"]

    def post(done: list[dict[str, Any]], state: str = "running") -> None:
        client.post_run(growing(traffic.several, "going-on", 6, done, state))

    post([])
    page.goto("/#/runs/going-on")
    expect(page.get_by_role("heading", level=1)).to_have_text("Running: 0 of 6")
    post(scenarios[:4])
    expect(page.get_by_role("heading", level=1)).to_have_text("Running: 4 of 6")
    expect(page.get_by_role("progressbar")).to_have_attribute("value", "4")
    post(scenarios[:4] + scenarios[:2], "finished")
    expect(page.get_by_role("heading", level=1)).to_have_text("1 of 6 scenarios not as expected")
    expect(page.get_by_role("article", name="Difference")).to_contain_text("revenue")
