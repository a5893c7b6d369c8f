"""Safe and steady: hostile text stays text, nothing comes from elsewhere, a report opens from disk, a lost emulator is found again."""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import viewer_traffic
from playwright.sync_api import Page, expect
from viewer_traffic import HOSTILE

from optilocal.emulator.server import EmulatorServer
from optilocal.emulator.settings import Settings
from optilocal.scenarios.reporters.html import render
from optilocal.scenarios.running.emulator_client import EmulatorClient

STATIC = Path(__file__).parents[2] / "static"


@pytest.fixture(scope="module")
def hostile(client: EmulatorClient, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("hostile")
    return viewer_traffic.run(client, folder, "hostile", [viewer_traffic.HOSTILE_TEXT])


def test_what_was_received_never_becomes_markup(page: Page, hostile: dict[str, Any]) -> None:
    [scenario] = hostile["scenarios"]
    ns = scenario["namespace"]
    pages = [
        "#/runs/hostile",
        "#/event/j-hostile",
        f"#/events?ns={ns}",
        f"#/received?ns={ns}",
        f"#/exchanges?ns={ns}",
    ]
    for where in pages:
        page.goto(f"/{where}")
        expect(page.locator("main h1")).to_be_visible()
        page.wait_for_function(
            "[...document.querySelectorAll('main details')].every((one) => (one.open = true))"
        )
        expect(page.locator("main img, main script")).to_have_count(0)
    page.goto("/#/event/j-hostile")
    expect(page.get_by_role("heading", level=1)).to_contain_text("<img src=x")
    assert page.evaluate("globalThis.broken") is None


def test_an_address_with_markup_in_it_stays_text(new_page: Any, emulator: Any, traffic: Any) -> None:
    page = new_page(base_url=emulator.base_url, noise="the server responded with a status of 40")
    for where in ("event", "runs", "runs/one", "exchanges/x", "experiments", "datafiles/x"):
        page.goto("about:blank")
        page.goto(f"/#/{where}/{HOSTILE.replace('/', '%2F')}")
        expect(page.locator("main h1")).to_be_visible()
        expect(page.locator("main img, main script")).to_have_count(0)
    assert page.evaluate("globalThis.broken") is None


def test_the_page_forbids_what_it_does_not_need_and_asks_nobody_else(
    page: Page, emulator: Any, traffic: Any
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    answer = page.goto("/#/runs/one")
    assert answer is not None
    expect(page.get_by_role("article", name="Difference")).to_be_visible()
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert {url.split("/")[2] for url in asked} == {emulator.base_url.split("/")[2]}


@pytest.mark.parametrize("file", sorted(path.name for path in (STATIC / "js").glob("*.js")))
def test_no_script_makes_markup_out_of_text_or_grows_long(file: str) -> None:
    text = (STATIC / "js" / file).read_text(encoding="utf-8")
    for forbidden in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "new Function",
    ):
        assert forbidden not in text
    assert len(text.splitlines()) < 250
    index = (STATIC / "index.html").read_text(encoding="utf-8")
    lazy = (STATIC / "js" / "lazy.js").read_text(encoding="utf-8")
    assert (f'src="static/js/{file}"' in index) != (f'"{file.removesuffix(".js")}"' in lazy)


def test_no_page_runs_more_than_two_hundred_kilobytes_of_script(page: Page) -> None:
    page.goto("/")
    expect(page.locator("main h1")).to_be_visible()
    for view in page.evaluate("Object.keys(optilocal.views)"):
        page.goto(f"/#/{view}")
        page.reload()
        expect(page.locator("main h1")).to_be_visible()
        scripts = page.evaluate("[...document.scripts].map(one => one.getAttribute('src'))")
        size = sum((STATIC.parent / script).stat().st_size for script in scripts)
        assert 0 < size < 200_000, (view, size)


@pytest.fixture
def report(traffic: Any, tmp_path: Path) -> Callable[[dict[str, Any]], str]:
    def written(run: dict[str, Any]) -> str:
        file = tmp_path / "report.html"
        file.write_text(render(run), encoding="utf-8")
        return file.as_uri()

    return written


def test_a_report_opens_from_disk_and_asks_for_nothing(
    new_page: Any, traffic: Any, report: Callable[[dict[str, Any]], str]
) -> None:
    page = new_page(offline=True)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    address = report(traffic.one)
    page.goto(address)
    expect(page.get_by_role("article", name="Difference")).to_contain_text("4200")
    expect(page.get_by_role("navigation", name="Pages").get_by_role("link")).to_have_text(
        ["Results", "Events"]
    )
    page.get_by_role("link", name="Its journey").first.click()
    expect(page.get_by_role("region", name="Verdict", exact=True)).to_contain_text("Counted")
    page.locator("[data-stage=payload] summary").click()
    expect(page.locator("[data-stage=payload]")).to_contain_text("eventKey")
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Events").click()
    rows = page.get_by_role("region", name="Events and their verdicts").locator("tbody tr")
    expect(rows).to_have_count(4)
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []


def test_a_report_of_hostile_text_stays_text(
    new_page: Any, hostile: dict[str, Any], report: Callable[[dict[str, Any]], str]
) -> None:
    page = new_page()
    page.goto(report(hostile))
    expect(page.locator("main h1")).to_be_visible()
    assert page.evaluate("globalThis.broken") is None


def test_a_lost_emulator_is_said_and_found_again(new_page: Any, tmp_path: Path) -> None:
    with EmulatorServer(Settings(port=0, journal=tmp_path / "journal.db")) as server:
        port = server.port
        page = new_page(base_url=server.base_url, noise="ERR_CONNECTION_REFUSED")
        page.goto("/#/received")
        expect(page.get_by_text("Nothing received yet")).to_be_visible()
        expect(page.locator("#state")).to_have_text("Live")
    expect(page.locator("#state")).to_have_text("Reconnecting")
    page.evaluate("location.hash = '#/datafiles'")
    expect(page.get_by_role("heading", level=1)).to_have_text("The emulator does not answer")
    expect(page.locator(".empty code")).to_have_text("optilocal up")
    with EmulatorServer(Settings(port=port, journal=tmp_path / "journal.db")):
        expect(page.get_by_text("No datafile yet")).to_be_visible()


def test_the_long_poll_ends_when_the_tab_is_hidden_and_goes_on_when_it_is_shown(
    page: Page, client: EmulatorClient
) -> None:
    place = client.in_namespace("hidden-tab")
    page.goto("/#/received?ns=hidden-tab")
    expect(page.get_by_text("Nothing received yet")).to_be_visible()
    polls: list[str] = []
    page.on("request", lambda request: polls.append(request.url) if "wait=" in request.url else None)
    show = """hidden => {
      Object.defineProperty(document, "hidden", {configurable: true, get: () => hidden});
      document.dispatchEvent(new Event("visibilitychange"));
    }"""
    page.evaluate(show, True)
    expect(page.locator("#state")).to_have_text("Paused")
    event = {"key": "k", "uuid": "u", "timestamp": 1}
    batch = {"account_id": "1", "visitors": [{"visitor_id": "v", "snapshots": [{"events": [event]}]}]}
    place.call("POST", "/v1/events", json=batch)
    assert polls == []
    page.evaluate(show, False)
    rows = page.get_by_role("region", name="Decisions and conversions received").locator("tbody tr")
    expect(rows).to_have_count(1)
    expect(page.locator("#state")).to_have_text("Live")


MANY = 100_000
BATCH = 2_000


@pytest.fixture(scope="module")
def crowded() -> Iterator[EmulatorServer]:
    """An emulator that has received 100,000 conversions of 1,000 visitors."""
    with EmulatorServer(Settings(port=0, max_body=20_000_000)) as server:
        client = EmulatorClient(server.base_url)
        for start in range(0, MANY, BATCH):
            visitors = [
                {
                    "visitor_id": f"v-{number % 1000}",
                    "snapshots": [
                        {
                            "events": [
                                {
                                    "entity_id": "1",
                                    "key": f"event {number % 10}",
                                    "uuid": f"n-{number}",
                                    "timestamp": 1768471200000 + number,
                                }
                            ]
                        }
                    ],
                }
                for number in range(start, start + BATCH)
            ]
            batch = {
                "account_id": "12001",
                "enrich_decisions": True,
                "client_name": "test",
                "visitors": visitors,
            }
            client.call("POST", "/v1/events", json={**batch, "client_version": "1"})
        # The page need not wait for all of them to be indexed.
        client.call("GET", "/_emulator/events?limit=1")
        yield server


def test_a_hundred_thousand_rows_are_listed_a_page_at_a_time(new_page: Any, crowded: EmulatorServer) -> None:
    page = new_page(base_url=crowded.base_url)
    page.goto("/#/received")
    rows = page.get_by_role("region", name="Decisions and conversions received").locator("tbody tr")
    expect(rows).to_have_count(100)
    expect(rows.first).to_contain_text("event 9")
    page.get_by_role("link", name="Older").click()
    expect(page).to_have_url(re.compile("after="))
    expect(rows).to_have_count(100)
    page.get_by_role("link", name="Newest").click()
    page.get_by_role("searchbox").fill("visitor:v-77")
    expect(page.locator("tbody code", has_text=re.compile(r"^v-77$"))).to_have_count(100)
    page.goto("/#/event/n-77077")
    expect(page.locator("[data-stage=received]")).to_have_attribute("data-state", re.compile("passed|ended"))


def test_the_page_does_not_grow_while_events_keep_coming(new_page: Any, crowded: EmulatorServer) -> None:
    page = new_page(base_url=crowded.base_url)
    page.goto("/#/received")
    rows = page.get_by_role("region", name="Decisions and conversions received").locator("tbody tr")
    expect(rows).to_have_count(100)
    before = page.evaluate("document.querySelectorAll('*').length")
    client = EmulatorClient(crowded.base_url)

    def send() -> None:
        for number in range(100):
            event = {"key": "late", "uuid": f"late-{number}", "timestamp": 1768471200000}
            batch = {
                "account_id": "12001",
                "visitors": [{"visitor_id": "late", "snapshots": [{"events": [event]}]}],
            }
            client.call("POST", "/v1/events", json=batch)

    sender = threading.Thread(target=send)
    sender.start()
    expect(rows.first).to_contain_text("late")
    sender.join()
    expect(page.locator("tbody code", has_text=re.compile("^late$"))).to_have_count(100)
    expect(rows).to_have_count(100)
    assert page.evaluate("document.querySelectorAll('*').length") <= before * 1.2


@pytest.mark.parametrize(
    ("run", "shown"),
    [
        ({"id": "odd"}, "All 0 scenarios as expected"),
        ({"id": "odd", "scenarios": [{"status": "failed", "differences": [{}]}]}, "scenarios"),
        ({"id": "odd", "scenarios": [{"id": "x", "status": "odd", "source": {"text": 7}}]}, "scenarios"),
    ],
)  # fmt: skip
def test_a_run_that_others_posted_without_most_of_it_breaks_no_page(
    new_page: Any, client: EmulatorClient, run: dict[str, Any], shown: str
) -> None:
    client.post_run(run)
    page = new_page(base_url=client.base_url, noise="cannot be shown|Error")
    page.goto("/#/runs/odd")
    expect(page.locator("main h1")).to_contain_text(re.compile(f"{shown}|This could not be shown"))
    page.goto("/#/events")
    expect(page.locator("main h1")).to_contain_text("Events")


@pytest.mark.parametrize(
    ("listing", "table", "column"), [("events", "verdicts", "delivery"), ("exchanges", "exchanges", "head")]
)
def test_a_row_that_is_damaged_is_one_bad_row(
    new_page: Any, tmp_path: Path, listing: str, table: str, column: str
) -> None:
    path = tmp_path / "journal.sqlite"
    with EmulatorServer(Settings(port=0, journal=path)) as emulator:
        client = EmulatorClient(emulator.base_url)
        for number in range(3):
            report = {"id": str(number), "type": "track", "message_id": f"m-{number}", "event": "Signed Up"}
            client.call(
                "POST", "/_emulator/deliveries", json={**report, "outcome": "not_subscribed", "requests": []}
            )
            client.call("POST", "/v1/events", json={"account_id": "1", "visitors": []})
        with closing(sqlite3.connect(path)) as db:
            db.execute(f"UPDATE {table} SET {column} = '{{' WHERE number = 2")
            db.commit()
        page = new_page(base_url=emulator.base_url, noise="ERR_CONNECTION_REFUSED")
        page.goto(f"/#/{listing}")
        expect(page.locator("main table tbody tr")).to_have_count(3)
        expect(page.locator("main table")).to_contain_text("Row 2 cannot be shown")
