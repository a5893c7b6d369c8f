"""The journal's lists, experiments, datafiles, faults, erasure, namespaces, and what a page is while there is nothing."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from optilocal.emulator.server import EmulatorServer
from optilocal.emulator.settings import Settings
from optilocal.scenarios.language.datafiles import SHOP
from optilocal.scenarios.running.emulator_client import EmulatorClient

TOKEN = {"Authorization": "Bearer pat-1"}


def conversion(uuid: str, visitor: str = "v-1", **fields: Any) -> dict[str, Any]:
    event = {"key": "Order Completed", "entity_id": "1", "uuid": uuid, "timestamp": 1768471200000, **fields}
    return {"account_id": "12001", "visitors": [{"visitor_id": visitor, "snapshots": [{"events": [event]}]}]}


@pytest.fixture
def place(client: EmulatorClient, request: pytest.FixtureRequest) -> EmulatorClient:
    """A namespace of the test's own."""
    return client.in_namespace(re.sub(r"[^A-Za-z0-9]+", "-", request.node.name)[:60])


def test_events_are_listed_with_their_verdicts_newest_first(page: Page, traffic: Any) -> None:
    page.goto("/#/events")
    rows = page.get_by_role("region", name="Events and their verdicts").locator("tbody tr")
    expect(rows.first).to_be_visible()
    last = traffic.one["scenarios"][3]["verdicts"][0]
    expect(page.locator(f"a[href*='{last['message_id']}']").first).to_be_visible()
    page.get_by_role("combobox", name="Outcome").select_option("unmatched_event_key")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("Unmatched event key")
    expect(page).to_have_url(re.compile("q=outcome%3Aunmatched_event_key"))
    rows.first.click()
    expect(page.get_by_role("region", name="Verdict", exact=True)).to_contain_text("Not counted")
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", level=1)).to_have_text("Events")
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Events").click()
    second = rows.nth(1).get_by_role("link").first
    second.press("Enter")
    expect(page.get_by_role("region", name="Verdict", exact=True)).to_be_visible()
    page.keyboard.press("Escape")
    expect(second).to_be_focused()


def test_a_filter_that_matches_nothing_says_so_and_a_chip_takes_it_away(page: Page, traffic: Any) -> None:
    page.goto("/#/events?q=visitor%3Anobody")
    expect(page.get_by_text("No row matches")).to_be_visible()
    page.get_by_role("button", name="Take visitor:nobody out of the filter").click()
    expect(
        page.get_by_role("region", name="Events and their verdicts").locator("tbody tr").first
    ).to_be_visible()


def test_rows_that_arrive_show_by_themselves_but_never_move_under_the_pointer(
    page: Page, place: EmulatorClient
) -> None:
    page.goto(f"/#/received?ns={place.namespace}")
    expect(page.get_by_text("Nothing received yet")).to_be_visible()
    place.call("POST", "/v1/events", json=conversion("one"))
    rows = page.get_by_role("region", name="Decisions and conversions received").locator("tbody tr")
    expect(rows).to_have_count(1)
    rows.first.hover()
    place.call("POST", "/v1/events", json=conversion("two", visitor="v-2"))
    bar = page.get_by_role("button", name=re.compile("new row"))
    expect(bar).to_have_text("1 new row: show")
    expect(rows).to_have_count(1)
    bar.click()
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("v-2")


def test_an_exchange_shows_raw_and_parsed_its_violations_and_its_answer(
    page: Page, place: EmulatorClient
) -> None:
    broken = conversion("bad", visitor="v-1", timestamp="yesterday")
    place.call("POST", "/v1/events", json=broken, headers={"X-Test": "seen"})
    page.goto(f"/#/exchanges?ns={place.namespace}")
    row = page.get_by_role("region", name="Exchanges").locator("tbody tr")
    expect(row).to_contain_text(re.compile("violations?"))
    row.click()
    expect(page.get_by_role("tabpanel")).to_contain_text('"timestamp": "yesterday"')
    page.keyboard.press("]")
    expect(page.get_by_role("tabpanel")).to_contain_text("seen")
    page.keyboard.press("]")
    expect(page.get_by_role("tabpanel")).to_contain_text("timestamp")
    expect(page).to_have_url(re.compile("tab=violations"))
    page.get_by_role("tab", name="Answer").click()
    expect(page.get_by_role("tabpanel")).to_contain_text("204")


def test_experiments_show_counts_and_who_was_not_counted_and_why(page: Page, traffic: Any) -> None:
    counted = traffic.verdict("counted")
    page.goto(f"/#/experiments/checkout_test?ns={counted['namespace']}")
    treatment = page.get_by_role("region", name="Order Completed in checkout_test").get_by_role(
        "row", name=re.compile("treatment")
    )
    expect(treatment).to_contain_text("100.0 %")
    expect(treatment).to_contain_text("49.99")
    orders = page.get_by_role("region", name="Metric Order Completed of checkout_test")
    expect(orders.get_by_role("img", name=re.compile("treatment: 1 of 1 visitors converted"))).to_be_visible()
    missed = traffic.verdict("user_not_activated")
    page.goto(f"/#/experiments?ns={missed['namespace']}")
    losses = page.get_by_role("list", name="Funnel of checkout_test").get_by_role(
        "list", name=re.compile("counted")
    )
    expect(losses).to_contain_text("User not activated")
    losses.get_by_role("link", name="Order Completed").click()
    expect(page).to_have_url(re.compile("outcome%3Auser_not_activated"))
    expect(page.get_by_role("region", name="Events and their verdicts").locator("tbody tr")).to_have_count(1)


def test_without_a_namespace_experiments_offer_those_with_traffic(page: Page, traffic: Any) -> None:
    name = traffic.verdict("counted")["namespace"]
    page.goto("/#/experiments")
    page.get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_role("region", name="Experiment checkout_test")).to_be_visible()


def test_a_datafile_shows_which_events_are_tracked(page: Page, place: EmulatorClient) -> None:
    datafile = SHOP.read_text(encoding="utf-8")
    place.call("PUT", "/_emulator/datafiles/KEY", data=datafile.encode())
    place.call("GET", "/datafiles/KEY.json")
    page.goto(f"/#/datafiles?ns={place.namespace}")
    page.get_by_role("link", name="KEY", exact=True).click()
    events = page.get_by_role("region", name="Events of the datafile")
    expect(events.get_by_role("row", name=re.compile("Order Completed"))).to_contain_text("Tracked")
    expect(events.get_by_role("row", name=re.compile("Newsletter"))).to_contain_text(
        "Metric of no experiment"
    )
    expect(page.get_by_role("region", name="Newest requests")).to_contain_text("200")


def test_a_strip_stands_on_every_page_while_a_fault_is_active_and_ends_it(
    page: Page, place: EmulatorClient
) -> None:
    page.goto("/#/events")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    place.call("PUT", "/_emulator/faults", json=[{"on": "events", "status": 503, "skip": 1, "times": 5}])
    for where in ("#/runs/latest", "#/datafiles", f"#/faults?ns={place.namespace}"):
        page.goto(f"/{where}")
        expect(page.get_by_text("1 fault is active")).to_be_visible()
    rules = page.get_by_role("region", name=f"Rules in {place.namespace}")
    expect(rules).to_contain_text("answers 503, after 1 request spared")
    expect(rules).to_contain_text("5 of 5")
    page.get_by_role("button", name="End it", exact=True).click()
    expect(page.get_by_text("No fault is set")).to_be_visible()
    expect(page.get_by_text("1 fault is active")).to_have_count(0)
    assert place.call("GET", "/_emulator/faults") == {"faults": []}


def test_a_request_for_erasure_is_moved_on_and_says_what_it_erased(page: Page, place: EmulatorClient) -> None:
    place.call("POST", "/v1/events", json=conversion("gone", visitor="erase-me"))
    named = {
        "data_type": "visitor",
        "identifier": "erase-me",
        "identifier_type": "fullstack_id",
        "request_type": "delete",
    }
    place.call("POST", "/v2/subject-access-requests", json=named, headers=TOKEN)
    page.goto(f"/#/erasure?ns={place.namespace}")
    row = page.get_by_role("region", name="Subject access requests").locator("tbody tr")
    expect(row).to_contain_text("Pending")
    row.get_by_role("button").click()
    expect(row).to_contain_text("Processing")
    row.get_by_role("button").click()
    expect(row).to_contain_text("Completed")
    expect(row).to_contain_text("1 event, 1 exchange of erase-me")
    page.goto(f"/#/exchanges?ns={place.namespace}&surface=events")
    page.get_by_role("region", name="Exchanges").locator("tbody tr").click()
    expect(page.get_by_text("A visitor was erased from this exchange.")).to_be_visible()


def test_the_namespace_chosen_goes_along_from_page_to_page(
    page: Page, place: EmulatorClient, traffic: Any
) -> None:
    place.call("POST", "/v1/events", json=conversion("here"))
    page.goto("/#/received")
    page.get_by_role("combobox", name="Namespace").select_option(place.namespace)
    rows = page.get_by_role("region", name="Decisions and conversions received").locator("tbody tr")
    expect(rows).to_have_count(1)
    page.get_by_role("link", name="Exchanges").click()
    expect(page).to_have_url(re.compile(f"ns={place.namespace}"))
    expect(page.get_by_role("region", name="Exchanges").locator("tbody tr")).to_have_count(1)


def test_what_the_journal_dropped_is_said(new_page: Any) -> None:
    with EmulatorServer(Settings(port=0, max_events=20)) as small:
        client = EmulatorClient(small.base_url)
        for number in range(60):
            client.call("POST", "/v1/events", json=conversion(f"n-{number}"))
        page = new_page(base_url=small.base_url)
        page.goto("/#/received")
        expect(page.get_by_text(re.compile(r"older rows dropped: the journal is bounded"))).to_be_visible()


EMPTY = {
    "runs/latest": ("No run yet", "optilocal run --emulator {base}"),
    "events": ("No event yet", "optilocal run --emulator {base}"),
    "exchanges": ("No request yet", "{base}"),
    "experiments": ("Nothing counted yet", "optilocal run --emulator {base}"),
    "datafiles": (
        "No datafile yet",
        "curl -X PUT {base}/_emulator/datafiles/SDK_KEY --data-binary @datafile.json",
    ),
    "faults": ("No fault is set", "curl -X PUT {base}/_emulator/faults"),
    "erasure": ("No request yet", "curl -X POST http://127.0.0.1:8411/regulations"),
}


def test_an_empty_page_names_the_next_command(new_page: Any) -> None:
    with EmulatorServer(Settings(port=0)) as fresh:
        page = new_page(base_url=fresh.base_url)
        for where, (title, command) in EMPTY.items():
            page.goto(f"/#/{where}")
            expect(page.locator(".empty-title")).to_have_text(title)
            expect(page.locator(".empty code")).to_contain_text(command.format(base=fresh.base_url))


def test_opening_an_event_narrows_no_other_page_and_the_way_back_keeps_the_filter(
    page: Page, traffic: Any
) -> None:
    page.goto("/#/events")
    page.get_by_role("searchbox").fill("visitor:u-77")
    rows = page.get_by_role("region", name="Events and their verdicts").locator("tbody tr")
    expect(rows).to_have_count(1)
    rows.click()
    expect(page.get_by_role("region", name="Verdict", exact=True)).to_be_visible()
    expect(page.get_by_role("combobox", name="Namespace")).to_have_value("*")
    expect(page.get_by_role("link", name="Exchanges")).to_have_attribute("href", "#/exchanges")
    page.get_by_role("link", name="All events").click()
    expect(page.get_by_role("searchbox")).to_have_value("visitor:u-77")
    expect(rows).to_have_count(1)
