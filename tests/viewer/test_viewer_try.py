"""The page Try: look without sending, send, the same event as if something were otherwise, copies that others can run."""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any

import pytest
import yaml
from playwright.sync_api import Page, expect
from segment_source import SegmentSource
from viewer_traffic import HOSTILE

from optilocal.emulator.server import EmulatorServer
from optilocal.scenarios.running.emulator_client import EmulatorClient
from optilocal.scenarios.running.servers import LocalServers

ORDER = {"type": "track", "event": "Order Completed", "userId": "u-1", "properties": {"revenue": 4999}}


@pytest.fixture
def page(new_page: Any, sandbox: LocalServers) -> Page:
    opened: Page = new_page(base_url=sandbox.emulator_url)
    return opened


def write(page: Page, event: object) -> None:
    page.get_by_role("textbox", name="Event JSON").fill(
        event if isinstance(event, str) else json.dumps(event)
    )


def test_look_tells_stage_by_stage_and_sends_nothing(page: Page, workbench: EmulatorClient) -> None:
    page.goto(f"/#/try?ns={workbench.namespace}")
    write(page, {**ORDER, "event": "order completed"})
    page.get_by_role("button", name="Look").click()
    preview = page.get_by_role("region", name="Preview")
    expect(preview.locator("[data-stage=datafile]")).to_have_attribute("data-state", "ended")
    expect(preview.get_by_role("region", name="Verdict")).to_contain_text("Unmatched event key")
    expect(preview).to_contain_text("Order Completed")
    assert workbench.verdicts() == []
    assert workbench.exchanges() == []
    page.reload()
    expect(page.get_by_role("textbox", name="Event JSON")).to_have_value(re.compile('"order completed"'))


def test_send_opens_the_journey_and_from_there_it_is_edited_and_sent_again(
    page: Page, workbench: EmulatorClient
) -> None:
    page.goto(f"/#/try?ns={workbench.namespace}")
    write(page, {**ORDER, "context": {"traits": {"plan": "gold"}}})
    page.get_by_role("button", name="Send").click()
    expect(page).to_have_url(re.compile("#/event/try-"))
    expect(page.locator("main h1")).to_have_text("Order Completed")
    [sent] = workbench.verdicts()
    assert (sent["event"], sent["user_id"], sent["outcome"]) == (
        "Order Completed",
        "u-1",
        "user_not_activated",
    )
    page.get_by_role("link", name="Edit and send again").click()
    text = page.get_by_role("textbox", name="Event JSON")
    expect(text).to_have_value(re.compile('"plan": "gold"'))
    assert json.loads(text.input_value()) == {**ORDER, "context": {"traits": {"plan": "gold"}}}


def test_form_and_json_say_the_same_and_what_is_no_json_cannot_be_sent(
    page: Page, workbench: EmulatorClient
) -> None:
    page.goto(f"/#/try?ns={workbench.namespace}")
    write(page, ORDER)
    page.get_by_label("User ID").fill("7")
    page.get_by_label("Properties: name 2").fill("coupon")
    page.get_by_label("Properties: value 2").fill("SPRING")
    page.get_by_label("Properties: value 1").fill("12.5")
    page.get_by_label("Context traits: name 1").fill("vip")
    page.get_by_label("Context traits: value 1").fill("true")
    page.get_by_label("Type").focus()
    text = page.get_by_role("textbox", name="Event JSON")
    assert json.loads(text.input_value()) == {
        **ORDER,
        "userId": "7",
        "properties": {"revenue": 12.5, "coupon": "SPRING"},
        "context": {"traits": {"vip": True}},
    }
    page.get_by_label("Type").select_option("page")
    expect(page.get_by_label("Event name")).to_have_count(0)
    write(page, "{")
    expect(page.get_by_text("This is not valid JSON")).to_be_visible()
    for name in ("Look", "Send"):
        expect(page.get_by_role("button", name=name, exact=True)).to_be_disabled()
    write(page, [1])
    expect(page.get_by_text("An event is a JSON object")).to_be_visible()


def test_as_if_marks_the_first_stage_that_differs(page: Page, workbench: EmulatorClient) -> None:
    page.goto(f"/#/try?ns={workbench.namespace}")
    write(page, {**ORDER, "event": "Plan Upgraded"})
    page.get_by_role("button", name="Look").click()
    expect(page.get_by_role("region", name="Verdict")).to_contain_text("Experiment not running")
    for kind, value in (
        ("This experiment runs", "pricing_page_test"),
        ("Revenue is", "9.99"),
        ("Only this mapping is on", "none"),
    ):
        page.get_by_label("Condition", exact=True).select_option(kind)
        page.get_by_label("Value of the condition").fill(value)
        page.get_by_role("button", name="Compare").click()
        expect(page.get_by_role("columnheader", name=f"{kind} {value}")).to_be_visible()
    table = page.get_by_role("region", name="The event under other conditions")
    marked = table.locator("tr", has=page.locator(".differs"))
    expect(marked).to_have_count(3)
    assert [row.split("\n")[0].split("\t")[0] for row in marked.all_inner_texts()] == [
        "Trigger",
        "Payload",
        "Verdict",
    ]
    expect(table.get_by_role("row", name=re.compile("^Verdict")).last).to_contain_text("Not subscribed")
    page.get_by_role("button", name="Take the conditions away").click()
    expect(table).to_have_count(0)
    assert workbench.verdicts() == []


def test_copies_can_be_run_as_they_are(page: Page, workbench: EmulatorClient, sandbox: LocalServers) -> None:
    page.goto(f"/#/try?ns={workbench.namespace}")
    expect(page.get_by_role("button", name="Copy as Node")).to_be_visible()
    odd = {
        **ORDER,
        "event": 'it\'s "odd" $HOME \\ é',
        "properties": {"none": None, "yes": True, "list": [1, "a"]},
    }
    base = f"{sandbox.forwarder_url}/ns/{workbench.namespace}"
    curl, python, node, step = page.evaluate(
        "([event, base]) => ['curl', 'python', 'node', 'step'].map(name => optilocal.eventTexts[name](event, base))",
        [odd, base],
    )
    subprocess.run(["sh", "-c", f"{curl} -s --noproxy '*'"], check=True, timeout=30)
    SegmentSource(base).ended(1, state="ended")
    [verdict] = workbench.verdicts()
    source = verdict["delivery"]["source_event"]
    assert {name: source[name] for name in ("type", "event", "userId", "properties")} == odd
    calls: list[dict[str, Any]] = []
    code = python.replace("import segment.analytics as analytics", "")
    exec(
        code,
        {
            "analytics": type(
                "A",
                (),
                {
                    "track": staticmethod(lambda **given: calls.append(given)),
                    "flush": staticmethod(lambda: None),
                },
            )
        },
    )
    assert calls == [{"user_id": "u-1", "event": odd["event"], "properties": odd["properties"]}]
    assert yaml.safe_load(step) == [
        {"track": {name: odd[name] for name in ("event", "userId", "properties")}}
    ]
    assert f'path: "/ns/{workbench.namespace}/v1/batch"' in node


def test_what_was_typed_is_never_markup(page: Page, workbench: EmulatorClient) -> None:
    page.goto(f"/#/try?ns={workbench.namespace}")
    write(page, {**ORDER, "event": HOSTILE, "userId": HOSTILE, "properties": {HOSTILE: HOSTILE}})
    page.get_by_role("button", name="Look").click()
    expect(page.get_by_role("region", name="Verdict")).to_contain_text("<img")
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("region", name="The event under other conditions")).to_be_visible()
    assert page.evaluate("globalThis.broken") is None


def test_the_keyboard_alone_looks_and_sends(page: Page, workbench: EmulatorClient) -> None:
    page.goto(f"/#/try?ns={workbench.namespace}")
    expect(page.get_by_role("region", name="Verdict")).to_be_visible()
    page.get_by_label("Type").focus()
    page.keyboard.press("Tab")
    expect(page.get_by_label("Event name")).to_be_focused()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("Signed Upp")
    page.keyboard.press("Tab")
    expect(page.get_by_label("User ID")).to_be_focused()
    page.get_by_role("textbox", name="Event JSON").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Verdict")).to_contain_text("Signed Up")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("#/event/try-"))


def test_an_emulator_that_was_started_alone_says_so(new_page: Any, emulator: EmulatorServer) -> None:
    page = new_page(base_url=emulator.base_url)
    page.goto("/#/try")
    expect(page.get_by_text("No forwarder is known here")).to_be_visible()
    expect(page.locator(".empty code")).to_have_text("optilocal up")
