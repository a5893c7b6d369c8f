"""Around the journey: where one begins, runs by theme and compared, a visitor's line of time, search, what is set by form."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from viewer_traffic import HOSTILE

from optilocal.emulator.server import EmulatorServer
from optilocal.emulator.settings import Settings
from optilocal.scenarios.language.datafiles import SHOP
from optilocal.scenarios.running.emulator_client import EmulatorClient
from optilocal.scenarios.running.servers import LocalServers

ORDER = {"type": "track", "event": "Order Completed", "userId": "Ada", "properties": {"revenue": 4999}}


@pytest.fixture
def page(new_page: Any, sandbox: LocalServers) -> Page:
    opened: Page = new_page(base_url=sandbox.emulator_url)
    return opened


def send(place: EmulatorClient, *events: dict[str, Any]) -> None:
    for event in events:
        place.call("POST", f"/_emulator/forwarder/v1/{event['type']}", json={"writeKey": "k", **event})
    place.verdicts(wait=20, count=len(events))


def scenario(number: int, theme: str, status: str = "passed") -> dict[str, Any]:
    return {
        "id": f"suite/{theme}/a.scenario.yaml:{number}",
        "name": f"{theme} {number}",
        "file": f"/very/long/place/suite/{theme}/a.scenario.yaml",
        "line": number,
        "namespace": f"n-{number}",
        "status": status,
        "reason": "it broke" if status == "error" else None,
        "tags": [],
        "duration_ms": 5,
        "steps": [],
        "differences": [],
        "verdicts": [],
    }


def run(run_id: str, scenarios: list[dict[str, Any]]) -> dict[str, Any]:
    counts = {
        status: sum(one["status"] == status for one in scenarios) for status in ("passed", "failed", "error")
    }
    return {
        "id": run_id,
        "version": 1,
        "state": "finished",
        "started_at": 1768471200000,
        "finished_at": 1768471201000,
        "duration_ms": 1000,
        "command": "optilocal run",
        "counts": {"total": len(scenarios), **counts},
        "scenarios": scenarios,
    }


@pytest.fixture(scope="module")
def runs() -> Iterator[str]:
    """An emulator with two runs of 30 scenarios in two themes: one failed in the first, another in the second."""
    with EmulatorServer(Settings(port=0)) as server:
        client = EmulatorClient(server.base_url)
        first = [scenario(n, "identity" if n % 2 else "revenue-and-tags") for n in range(30)]
        first[3]["status"] = "error"
        second = [scenario(n, "identity" if n % 2 else "revenue-and-tags") for n in range(1, 31)]
        second[0] |= {"status": "error", "reason": "it broke"}
        client.post_run(run("first", first))
        client.post_run(run("second", second))
        yield server.base_url


def test_many_scenarios_stand_by_theme_with_what_failed_first_and_short_paths(
    new_page: Any, runs: str
) -> None:
    page: Page = new_page(base_url=runs)
    page.goto("/#/runs/latest?all=1")
    failed = page.get_by_role("list", name="Scenarios", exact=True).get_by_role("listitem")
    expect(failed).to_have_count(1)
    expect(failed.locator(".row-place")).to_have_text("identity/a.scenario.yaml:1")
    expect(page.get_by_text("Revenue and tags 15 passed in 1 file")).to_be_visible()
    page.get_by_text("Identity 14 passed in 1 file").click()
    expect(page.get_by_role("list", name="Scenarios of identity").get_by_role("listitem")).to_have_count(14)
    page.get_by_role("searchbox").fill("identity 5")
    expect(page.get_by_role("list", name="Scenarios", exact=True).get_by_role("listitem")).to_have_count(1)


def test_runs_are_listed_and_two_of_them_compared(new_page: Any, runs: str) -> None:
    page: Page = new_page(base_url=runs)
    page.goto("/#/runs/latest?all=1")
    page.get_by_role("link", name="All runs").click()
    rows = page.get_by_role("region", name="Runs").locator("tbody tr")
    expect(rows).to_have_count(2)
    rows.first.get_by_role("link", name="Compare").click()
    for group, name in (
        ("Fails now", "identity 1"),
        ("As expected now", "identity 3"),
        ("New", "revenue-and-tags 30"),
        ("Gone", "revenue-and-tags 0"),
    ):
        expect(page.get_by_role("region", name=group).get_by_role("link")).to_have_text([name])
    expect(page.get_by_text("27 scenarios as expected in both.")).to_be_visible()
    page.get_by_label("After").select_option("first")
    expect(
        page.get_by_text("30 scenarios as expected in both.").or_(
            page.get_by_role("region", name="Fails in both")
        )
    ).to_be_visible()


def test_the_first_page_shows_what_comes_in_and_commands_with_these_addresses(
    page: Page, sandbox: LocalServers, workbench: EmulatorClient
) -> None:
    page.goto(f"/?#/home?ns={workbench.namespace}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Everything is up")
    curl = page.get_by_role("region", name="one event by curl")
    expect(curl).to_contain_text(f"{sandbox.forwarder_url}/ns/{workbench.namespace}/v1/track")
    expect(page.get_by_role("region", name="a program as it is")).to_contain_text(
        f"--emulator {sandbox.emulator_url}"
    )
    send(workbench, {**ORDER, "event": "Seen at once", "messageId": "at-once"})
    feed = page.get_by_role("region", name="What came last")
    expect(feed.get_by_role("link", name="Seen at once")).to_have_attribute("href", re.compile("at-once"))


def test_the_root_leads_to_the_first_page_and_an_emulator_alone_says_what_it_knows(
    new_page: Any, emulator: EmulatorServer
) -> None:
    page: Page = new_page(base_url=emulator.base_url)
    page.goto("/")
    expect(page.get_by_role("heading", level=1)).to_have_text("The emulator is up")
    expect(page.get_by_text("this emulator was started alone")).to_be_visible()


def test_a_reset_asks_first(page: Page, workbench: EmulatorClient) -> None:
    send(workbench, ORDER)
    page.goto(f"/#/home?ns={workbench.namespace}")
    page.get_by_role("button", name=re.compile("Reset namespace")).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Keep it").click()
    assert len(workbench.verdicts()) == 1
    page.get_by_role("button", name=re.compile("Reset namespace")).click()
    dialog.get_by_role("button", name="Forget it all").click()
    expect(dialog).to_be_hidden()
    assert workbench.verdicts() == []
    assert workbench.call("GET", "/_emulator/datafiles")["datafiles"] != []


def test_calls_that_are_no_conversions_are_not_red_and_not_counted_can_be_asked_for(
    page: Page, workbench: EmulatorClient
) -> None:
    send(
        workbench,
        ORDER,
        {"type": "identify", "userId": "Ada"},
        {"type": "page", "userId": "Ada", "name": "Home"},
    )
    page.goto(f"/#/events?ns={workbench.namespace}")
    rows = page.get_by_role("region", name="Events and their verdicts").locator("tbody tr")
    expect(rows).to_have_count(3)
    expect(rows.filter(has_text="(identify call)")).to_contain_text("No conversion")
    expect(rows.filter(has_text="(page call)").locator(".tone-bad")).to_have_count(0)
    page.get_by_label("Outcome").select_option("Not counted")
    expect(rows).to_have_count(1)
    expect(rows.locator(".why")).to_have_text(re.compile("^Counts only for visitors"))
    expect(page).to_have_url(re.compile("counted%3Ano"))
    page.reload()
    expect(page.get_by_label("Outcome")).to_have_value("not counted")
    page.get_by_role("searchbox").fill("outcom:counted")
    expect(page.get_by_text(re.compile("outcom: is no filter word .* there are outcome:"))).to_be_visible()


def test_not_counted_finds_the_few_among_many_pages(new_page: Any) -> None:
    with EmulatorServer(Settings(port=0)) as server:
        client = EmulatorClient(server.base_url)
        client.call("PUT", "/_emulator/datafiles/SHOP", data=SHOP.read_bytes())
        shop = client.call("GET", "/datafiles/SHOP.json")
        checkout = shop["experiments"][0]
        ids = {"campaign_id": checkout["layerId"], "experiment_id": checkout["id"]}
        decided = {**ids, "variation_id": checkout["variations"][0]["id"]}
        seen = {
            "entity_id": checkout["layerId"],
            "key": "campaign_activated",
            "uuid": "d",
            "timestamp": 1768471200000,
        }

        def orders(first: int, visitor: str, count: int) -> dict[str, Any]:
            events = [
                {
                    "entity_id": shop["events"][0]["id"],
                    "key": "Order Completed",
                    "uuid": f"o-{n}",
                    "timestamp": 1768471200000 + n,
                }
                for n in range(first, first + count)
            ]
            snapshots = [{"decisions": [decided], "events": [seen]}] if visitor == "known" else []
            return {"visitor_id": visitor, "attributes": [], "snapshots": [*snapshots, {"events": events}]}

        batch = {"account_id": "12001", "client_name": "x", "client_version": "1", "enrich_decisions": True}
        for visitor in (orders(1, "stranger", 2), orders(10, "known", 450)):
            client.call("POST", "/v1/events", json={**batch, "anonymize_ip": True, "visitors": [visitor]})
        page: Page = new_page(base_url=server.base_url)
        page.goto("/#/events?q=counted%3Ano")
        rows = page.get_by_role("region", name="Events and their verdicts").locator("tbody tr")
        expect(rows).to_have_count(2)
        expect(page.get_by_role("link", name="Older")).to_have_count(0)


def test_on_a_phone_the_reason_and_every_page_are_in_sight(
    new_page: Any, sandbox: LocalServers, workbench: EmulatorClient
) -> None:
    send(workbench, ORDER)
    page: Page = new_page(width=390, height=800, base_url=sandbox.emulator_url)
    page.goto(f"/#/events?ns={workbench.namespace}")
    expect(page.locator(".why").first).to_be_visible()
    boxes = (
        page.get_by_role("navigation", name="Pages")
        .get_by_role("link")
        .evaluate_all("all => all.map(one => one.getBoundingClientRect().toJSON())")
    )
    assert len(boxes) >= 9
    assert [box for box in boxes if box["left"] < 0 or box["right"] > 390] == []
    for name in ("Namespace", "Theme"):
        assert (page.get_by_role("combobox", name=name).bounding_box() or {"width": 0})["width"] >= 90


def test_a_visitor_has_one_line_of_time_and_ids_that_differ_in_case_are_two(
    page: Page, workbench: EmulatorClient
) -> None:
    send(workbench, {**ORDER, "userId": HOSTILE}, {**ORDER, "userId": "ada"}, ORDER)
    page.goto(f"/#/events?ns={workbench.namespace}")
    page.get_by_role("link", name="Ada", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Visitor Ada")
    moments = page.get_by_role("region", name="What this visitor did").locator("tbody tr")
    expect(moments).to_have_count(1)
    served = workbench.call("GET", "/datafiles/SHOPkA7pQ2mXv9Rt.json")["experiments"][0]
    decided = {
        "campaign_id": served["layerId"],
        "experiment_id": served["id"],
        "variation_id": served["variations"][0]["id"],
    }
    at = workbench.verdicts()[-1]["timestamp"] - 60_000
    seen = {"entity_id": served["layerId"], "key": "campaign_activated", "uuid": "d-ada", "timestamp": at}
    batch = {
        "account_id": "12001",
        "client_name": "x",
        "client_version": "1",
        "enrich_decisions": True,
        "anonymize_ip": True,
    }
    visitor = {
        "visitor_id": "Ada",
        "attributes": [],
        "snapshots": [{"decisions": [decided], "events": [seen]}],
    }
    workbench.call("POST", "/v1/events", json={**batch, "visitors": [visitor]})
    page.reload()
    expect(moments).to_have_count(2)
    expect(moments.first).to_contain_text("Decisioncheckout_test › control")
    expect(moments.last).to_contain_text("Counted")
    page.goto(f"/#/events?ns={workbench.namespace}")
    page.get_by_role("link", name=HOSTILE).last.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("<img")
    assert page.evaluate("globalThis.broken") is None


def test_everything_is_searched_from_any_page_by_keyboard(page: Page, workbench: EmulatorClient) -> None:
    send(workbench, {**ORDER, "messageId": "needle-1"})
    page.goto(f"/#/experiments?ns={workbench.namespace}")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.keyboard.press("/")
    search = page.get_by_role("searchbox", name="Search everything")
    expect(search).to_be_focused()
    page.keyboard.type("needle-1")
    events = page.get_by_role("region", name="Events", exact=True)
    expect(events.get_by_role("link", name="Order Completed")).to_be_visible()
    search.fill("pricing_page")
    expect(page.get_by_role("region", name="In datafiles").get_by_role("link").first).to_contain_text(
        "pricing_page"
    )
    search.fill(HOSTILE)
    expect(page.get_by_text("Nothing found")).to_be_visible()
    search.fill("needle-1")
    expect(events.get_by_role("link")).to_have_count(1)
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("#/event/needle-1"))
    page.keyboard.press("g")
    expect(search).to_be_focused()


def test_a_fault_is_set_by_form_beside_those_that_are_there(page: Page, workbench: EmulatorClient) -> None:
    workbench.add_faults([{"on": "datafile", "latency_ms": 1, "times": 5}])
    page.goto(f"/#/faults?ns={workbench.namespace}")
    page.get_by_label("What happens").select_option("hangs up")
    page.get_by_label("How many times, empty for all").fill("3")
    page.get_by_role("button", name="Set this fault").click()
    rows = page.get_by_role("region", name=re.compile("Rules in")).locator("tbody tr")
    expect(rows).to_have_count(2)
    rules = workbench.call("GET", "/_emulator/faults")["faults"]
    assert [(rule["on"], rule["break"], rule["times"]) for rule in rules] == [
        ("datafile", None, 5),
        ("events", "hang_up", 3),
    ]
    workbench.call("DELETE", "/_emulator/faults")


def test_a_datafile_tells_traffic_audiences_flags_and_who_fetched_it(
    page: Page, workbench: EmulatorClient
) -> None:
    workbench.call("GET", "/datafiles/SHOPkA7pQ2mXv9Rt.json", headers={"User-Agent": "python-sdk/5.7.0"})
    page.goto(f"/#/datafiles/{workbench.namespace}/SHOPkA7pQ2mXv9Rt")
    experiments = page.get_by_role("region", name="Experiments of the datafile")
    expect(experiments.get_by_role("row", name=re.compile("^checkout_test"))).to_contain_text(
        "control 50 %, treatment 50 %"
    )
    expect(experiments.get_by_role("row", name=re.compile("^checkout_test"))).to_contain_text("everybody")
    expect(page.get_by_role("region", name="Flags of the datafile")).to_contain_text("checkout")
    expect(page.get_by_role("region", name="Newest requests")).to_contain_text("python-sdk/5.7.0")


@pytest.mark.parametrize(
    "view",
    [
        "home",
        "visitor/Ada",
        "search?q=Order",
        "faults",
        "datafiles/{ns}/SHOPkA7pQ2mXv9Rt",
        "history",
        "compare/first/second",
    ],
)
def test_axe_finds_nothing_in_either_theme_and_nothing_overflows_a_phone(
    new_page: Any, sandbox: LocalServers, workbench: EmulatorClient, runs: str, view: str
) -> None:
    send(workbench, ORDER)
    of_runs = view in ("history", "compare/first/second")
    page: Page = new_page(base_url=runs if of_runs else sandbox.emulator_url)
    at = view.format(ns=workbench.namespace)
    page.goto(f"/#/{at}" if of_runs else f"/#/{at}{'&' if '?' in at else '?'}ns={workbench.namespace}")
    expect(page.locator("main table, main .found, main .card").first).to_be_visible()
    rules: dict[str, Any] = {"resultTypes": ["violations"]}
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        found = Axe().run(page, options=rules)
        assert found.violations_count == 0, found.generate_report()
        # Nothing else depends on the theme.
        rules["runOnly"] = {"type": "rule", "values": ["color-contrast"]}
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
