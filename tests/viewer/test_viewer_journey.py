"""The journey of one event: why was this conversion not counted?"""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page, expect
from viewer_traffic import ENDS, JOURNEYS

from optilocal.scenarios.running.emulator_client import EmulatorClient


def test_a_message_id_tells_what_became_of_the_event_and_what_to_change(page: Page, traffic: Any) -> None:
    words = {True: "Yes", False: "No", None: "Not reached"}
    for outcome in JOURNEYS:
        verdict = traffic.verdict(outcome)
        page.goto(f"/#/event/{verdict['message_id']}")
        told = page.get_by_role("region", name="Verdict", exact=True)
        expect(told).to_contain_text(verdict["explanation"])
        for name, value in verdict["conditions"].items():
            expect(page.locator(f"[data-condition={name}] strong")).to_have_text(words[value])
        if outcome == "counted":
            expect(told).to_contain_text("checkout_test › treatment")
            expect(page.locator("[data-state=ended]")).to_have_count(0)
            expect(page.locator("[data-state=passed]")).to_have_count(8)
            continue
        expect(told).to_contain_text("Not counted")
        expect(told).to_contain_text(verdict["remedy"])
        stages = page.locator("[data-stage]")
        names = stages.evaluate_all("all => all.map((one) => one.dataset.stage)")
        states = stages.evaluate_all("all => all.map((one) => one.dataset.state)")
        at = names.index(ENDS[outcome])
        assert states[at] == "ended"
        assert set(states[:at]) <= {"passed"}
        assert set(states[at + 1 : -1]) <= {"unreached"}
        expect(stages.nth(at)).to_contain_text("The event went no further.")


def test_an_unmatched_key_stands_beside_the_nearest_with_its_letters_marked(page: Page, traffic: Any) -> None:
    verdict = traffic.verdict("unmatched_event_key")
    assert verdict["nearest"][0] == "Order Completed"
    page.goto(f"/#/event/{verdict['message_id']}")
    nearest = page.locator(".nearest")
    expect(nearest).to_contain_text("Order\u00a0Completed")
    assert nearest.locator("p").first.locator("mark").all_inner_texts() == ["o", "\u00a0c"]


def test_decisions_stand_against_the_time_of_the_event(page: Page, traffic: Any) -> None:
    page.goto(f"/#/event/{traffic.verdict('activated_too_late')['message_id']}")
    decisions = page.get_by_role("region", name="Decisions of u-5").get_by_role("row").nth(1)
    expect(decisions).to_contain_text("checkout_test")
    expect(decisions).to_contain_text("control")
    expect(decisions).to_contain_text("1.0 s after")


def test_warnings_and_every_stages_details_are_there(page: Page, traffic: Any) -> None:
    verdict = traffic.verdict("counted")
    assert verdict["warnings"]
    page.goto(f"/#/event/{verdict['message_id']}")
    for warning in verdict["warnings"]:
        expect(page.get_by_role("region", name="Worth knowing")).to_contain_text(warning["message"])
    payload = page.locator("[data-stage=payload]")
    payload.locator("summary").click()
    expect(payload).to_contain_text("eventKey")
    expect(payload).to_contain_text('"Order Completed"')
    received = page.locator("[data-stage=received]")
    received.locator("summary").click()
    expect(received).to_contain_text("49.99 (4\u202f999 cents)")
    received.get_by_role("link", name=re.compile("number")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("POST /v1/events")


def test_a_deletion_says_plainly_whom_its_request_named(page: Page, traffic: Any) -> None:
    verdict = next(one for one in traffic.journeys["scenarios"][-1]["verdicts"] if one["kind"] == "deletion")
    page.goto(f"/#/event/{verdict['message_id']}")
    expect(page.get_by_role("region", name="Verdict", exact=True)).to_contain_text(verdict["explanation"])
    expect(page.locator("[data-stage=named]")).to_contain_text("12001")
    expect(page.get_by_role("region", name="The four conditions")).to_have_count(0)


def test_an_sdks_conversion_is_found_by_its_uuid_and_skips_segments_stages(
    page: Page, client: EmulatorClient
) -> None:
    batch = {
        "account_id": "12001",
        "visitors": [
            {
                "visitor_id": "sdk-1",
                "snapshots": [{"events": [{"key": "x", "uuid": "sdk-uuid", "timestamp": 1}]}],
            }
        ],
    }
    client.in_namespace("sdk").call("POST", "/v1/events", json=batch)
    page.goto("/#/event/sdk-uuid")
    expect(page.locator("[data-state=skipped]")).to_have_count(6)
    expect(page.locator("[data-condition=user_identified] strong")).to_have_text("Does not apply")


def test_an_event_that_is_not_there_yet_appears_by_itself(page: Page, client: EmulatorClient) -> None:
    page.goto("/#/event/later-id")
    expect(page.get_by_role("heading", level=1)).to_have_text("No event with this id")
    report = {
        "id": "later",
        "type": "track",
        "message_id": "later-id",
        "event": "Late",
        "outcome": "not_subscribed",
    }
    client.in_namespace("later").call("POST", "/_emulator/deliveries", json=report)
    expect(page.get_by_role("heading", level=1)).to_have_text("Late")


def test_one_id_in_two_namespaces_shows_the_newest_and_leads_to_the_other(
    page: Page, client: EmulatorClient
) -> None:
    report = {"type": "track", "message_id": "twice", "outcome": "not_subscribed"}
    for name in ("twice-a", "twice-b"):
        client.in_namespace(name).call(
            "POST", "/_emulator/deliveries", json={**report, "id": name, "event": name}
        )
    page.goto("/#/event/twice")
    expect(page.get_by_role("heading", level=1)).to_have_text("twice-b")
    page.get_by_role("link", name=re.compile("twice-a")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("twice-a")
