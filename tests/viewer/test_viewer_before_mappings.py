"""The journey's stages before the mappings: schema, transformation, consent, integrations, filter; and which one ended it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import viewer_traffic
from playwright.sync_api import Page, expect

from optilocal.emulator.server import EmulatorServer
from optilocal.emulator.settings import Settings
from optilocal.scenarios.running.emulator_client import EmulatorClient

ALL_STAGES = """\
schema: {plan: {rules: {events: [{name: order_completed, rules: {type: object}}]}}, settings: {track: {allowUnplannedEvents: false}}}
transformations:
  - {name: Fix the name, if: "event = 'order_completed'", newEventName: Order Completed}
  - {name: Country, if: all, destinationMetadataId: 641d5acea88fa531b9068608, propertyValueTransformations: [{propertyPaths: [properties.country], propertyValue: NL}]}
consent: {categories: [advertising]}
schema_filter: {Order Refunded: false}
filters:
  - {title: No test users, if: "userId = 'tester'", actions: [{type: DROP}]}
  - {title: No coupons, if: all, actions: [{type: DROP_PROPERTIES, fields: {properties: [coupon]}}]}
"""
GIVEN = "context: {consent: {categoryPreferences: {advertising: true}}}"
STEPS = {
    "counted": f"userId: u-1, event: order_completed, properties: {{revenue: 4999, coupon: X}}, {GIVEN}",
    "blocked_by_schema": f"userId: u-1, event: Order completed, {GIVEN}",
    "consent_refused": "userId: u-1, event: order_completed, context: {consent: {categoryPreferences: {advertising: false}}}",
    "not_subscribed": f"userId: u-1, event: order_completed, integrations: {{All: false}}, {GIVEN}",
    "filtered": f"userId: tester, event: order_completed, {GIVEN}",
}
"""A track step by its outcome."""
SCENARIO = (
    f"scenario: Before the mappings\n{viewer_traffic.CLOCK}\n{ALL_STAGES}steps:\n"
    "  - activate: {user: u-1, experiment: checkout_test, variation: treatment}\n"
    + "".join(f"  - track: {{messageId: b-{outcome}, {step}}}\n" for outcome, step in STEPS.items())
    + f"expect: {{tracks: [{', '.join(f'{{outcome: {outcome}}}' for outcome in STEPS)}]}}\n"
)
ENDED = {
    "blocked_by_schema": ("Schema controls", "unplanned"),
    "consent_refused": ("Consent", "FILTERED_BY_END_USER_CONSENT"),
    "not_subscribed": ("Integrations object", "FILTERED_BY_INTEGRATIONS_OBJECT"),
    "filtered": ("Destination filters", "FILTERED_BY_RULES"),
}
"""Outcome → the stage that ended the event, and Segment's code."""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[EmulatorServer, dict[str, Any]]]:
    """An emulator of these tests alone, and the entry of the scenario that ran there."""
    with EmulatorServer(Settings(port=0)) as server:
        client = EmulatorClient(server.base_url)
        run = viewer_traffic.run(client, tmp_path_factory.mktemp("before"), "before", [SCENARIO])
        (entry,) = run["scenarios"]
        assert entry["status"] == "passed", entry["reason"]
        yield server, entry


@pytest.fixture
def here(own: tuple[EmulatorServer, dict[str, Any]], new_page: Any) -> Page:
    return new_page(base_url=own[0].base_url)  # type: ignore[no-any-return]


def verdict(own: tuple[EmulatorServer, dict[str, Any]], outcome: str) -> dict[str, Any]:
    return next(one for one in own[1]["verdicts"] if one["outcome"] == outcome)


@pytest.mark.parametrize("outcome", ENDED)
def test_the_stage_that_ended_an_event_is_named_with_segments_code(
    here: Page, own: tuple[EmulatorServer, dict[str, Any]], outcome: str
) -> None:
    here.goto(f"/#/event/b-{outcome}")
    told = here.get_by_role("region", name="Verdict", exact=True)
    expect(told).to_contain_text(verdict(own, outcome)["explanation"])
    expect(told).to_contain_text(verdict(own, outcome)["remedy"])
    between = here.locator("[data-stage=between]")
    stage, code = ENDED[outcome]
    expect(between).to_have_attribute("data-state", "ended")
    expect(between).to_contain_text(f"{stage}: {code}")
    row = between.get_by_role("row").filter(has_text="Ended")
    expect(row).to_have_count(1)
    expect(row.get_by_role("rowheader")).to_have_text(stage)
    expect(row).to_contain_text(f"Segment's code: {code}")
    expect(here.locator("[data-stage=trigger]")).to_have_attribute("data-state", "unreached")
    for name in ("event_key_matches", "user_activated"):
        expect(here.locator(f"[data-condition={name}] strong")).to_have_text("Not reached")


def test_an_event_that_passes_shows_every_stage_and_what_was_changed(here: Page) -> None:
    here.goto("/#/event/b-counted")
    between = here.locator("[data-stage=between]")
    expect(between).to_have_attribute("data-state", "passed")
    expect(between).to_contain_text("changed by transformations of the source")
    between.locator("summary").first.click()
    stages = between.get_by_role("table", name="Stages before the mappings")
    expected = [
        ("Schema controls", "Passed"),
        ("Transformations of the source", "Changed"),
        ("Consent", "Passed"),
        ("Schema integration filter", "Passed"),
        ("Destination filters", "Changed"),
        ("Transformations for this destination", "Changed"),
    ]
    for number, (name, result) in enumerate(expected, 1):
        row = stages.get_by_role("row").nth(number)
        expect(row.get_by_role("rowheader")).to_have_text(name)
        expect(row.get_by_role("cell").first).to_have_text(result)
    expect(stages).to_contain_text("Fix the name")
    expect(stages).to_contain_text("No coupons")
    between.get_by_text("The event as the mappings get it").click()
    expect(between).to_contain_text('"Order Completed"')
    expect(here.locator("[data-stage=source]")).to_contain_text("order_completed")


def test_an_event_without_any_of_them_has_no_such_stage(page: Page, traffic: Any) -> None:
    page.goto(f"/#/event/{traffic.verdict('counted')['message_id']}")
    expect(page.locator("[data-stage=trigger]")).to_have_count(1)
    expect(page.locator("[data-stage=between]")).to_have_count(0)
