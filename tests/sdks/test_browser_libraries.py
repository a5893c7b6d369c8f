"""Optimizely's JavaScript SDK and Segment's analytics.js in a real browser, on a page of another origin."""

from __future__ import annotations

from typing import Any

import pytest
from browsing import HEADLESS, Browsing, Pages, done, page_with
from playwright.sync_api import Page
from segment_source import SegmentSource

from optilocal.scenarios.running.emulator_client import EmulatorClient

pytestmark = [pytest.mark.node, pytest.mark.browser]

CLIENT = """
import { createBatchEventProcessor, createInstance, createPollingProjectConfigManager } from "@optimizely/optimizely-sdk";
import { AnalyticsBrowser } from "@segment/analytics-next";

const EMULATOR = "%(emulator)s";
const FORWARDER = "%(forwarder)s";
const EVENTS = `${EMULATOR}/v1/events`;
const eventDispatcher = {
  async dispatchEvent({ params }) {
    const headers = { "Content-Type": "application/json" };
    const answer = await fetch(EVENTS, { method: "POST", headers, body: JSON.stringify(params) });
    return { statusCode: answer.status };
  },
};
const client = createInstance({
  projectConfigManager: createPollingProjectConfigManager({
    sdkKey: "%(key)s", urlTemplate: `${EMULATOR}/datafiles/%%s.json`, autoUpdate: %(poll)s, updateInterval: 200,
  }),
  eventProcessor: createBatchEventProcessor({
    eventDispatcher,
    closingEventDispatcher: { dispatchEvent: async ({ params }) => leave(JSON.stringify(params)) },
    flushInterval: %(flush)s,
  }),
});
const leave = (body) => navigator.sendBeacon(EVENTS, %(beacon)s) ? {} : Promise.reject(new Error("no beacon"));
await client.onReady();
const analytics = AnalyticsBrowser.load({ writeKey: "any-key", cdnURL: FORWARDER });
const decide = (user) => client.createUserContext(user).decide("checkout");
"""


@pytest.fixture
def site(optimizely: EmulatorClient, segment: SegmentSource, shop: dict[str, Any], pages: Pages) -> Site:
    addresses = {"emulator": optimizely.base_url, "forwarder": segment.url, "key": shop["sdkKey"]}
    return Site(pages, addresses)


class Site:
    """A web site whose page holds both libraries, pointed at one namespace of the sandbox."""

    def __init__(self, pages: Pages, addresses: dict[str, str]) -> None:
        self.pages, self.addresses = pages, addresses

    def page(self, script: str, poll: str = "false", flush: str = "100", beacon: str = "body") -> str:
        """The URL of a page that runs a script with `client`, `analytics` and `decide` at hand."""
        client = CLIENT % {**self.addresses, "poll": poll, "flush": flush, "beacon": beacon}
        return self.pages.put("/shop", page_with(client + script))


def orders(optimizely: EmulatorClient, count: int) -> list[dict[str, Any]]:
    """The verdicts on orders, as soon as there are so many."""
    return optimizely.verdicts(event_key="Order Completed", wait=15, count=count)


def test_who_is_decided_in_the_page_and_identified_is_counted_through_segment(
    site: Site, optimizely: EmulatorClient, segment: SegmentSource, browsing: Browsing
) -> None:
    url = site.page("""
        decide("u-1");
        await new Promise((resolve) => setTimeout(resolve));
        await client.close();
        await analytics.identify("u-1", { plan: "gold" });
        await analytics.track("Order Completed", { revenue: 4999, value: 49.99 });
    """)
    browsing.visit(url)
    segment.ended(2)
    (verdict,) = orders(optimizely, 1)
    assert (verdict["outcome"], verdict["user_id"], verdict["warnings"]) == ("counted", "u-1", [])
    assert [row["experiment"] for row in verdict["attributed_to"]] == ["checkout_test"]
    assert verdict["message_id"].startswith("ajs-next-")
    source_event = verdict["delivery"]["source_event"]
    assert source_event["context"]["library"]["name"] == "analytics.js"
    assert source_event["context"]["page"]["url"] == url
    # Traits of an identify call stay in the page: a track call carries only those of its own context.
    assert source_event["context"].get("traits") is None
    decided, conversion = optimizely.exchanges(surface="events")
    assert (decided["violations"], conversion["violations"]) == ([], [])


def test_a_visitor_without_a_user_id_counts_only_when_the_sdk_decides_for_the_anonymous_id(
    site: Site, optimizely: EmulatorClient, segment: SegmentSource, browsing: Browsing
) -> None:
    browsing.visit(site.page('await analytics.track("Order Completed");'))
    segment.ended(1)
    (stranger,) = orders(optimizely, 1)
    assert (stranger["outcome"], stranger["user_id"]) == ("unidentified_user", None)
    url = site.page("""
        decide((await analytics.user()).anonymousId());
        await new Promise((resolve) => setTimeout(resolve));
        await client.close();
        await analytics.track("Order Completed");
    """)
    browsing.visit(url)
    segment.ended(2)
    _, known = orders(optimizely, 2)
    assert (known["outcome"], known["user_id"]) == ("counted", None)
    assert known["warnings"] != []


def test_the_batches_of_analytics_js_arrive_too(
    site: Site, optimizely: EmulatorClient, segment: SegmentSource, browsing: Browsing
) -> None:
    url = site.page("""
        const deliveryStrategy = { strategy: "batching", config: { size: 3 } };
        const batching = AnalyticsBrowser.load(
          { writeKey: "any-key", cdnURL: FORWARDER },
          { integrations: { "Segment.io": { deliveryStrategy } } },
        );
        await Promise.all([1, 2, 3].map((revenue) => batching.track("Order Completed", { revenue })));
    """)
    browsing.visit(url)
    segment.ended(3)
    assert sorted(row["revenue"] for row in optimizely.listing("events")) == [1, 2, 3]


@pytest.mark.parametrize(
    "beacon", ["body", 'new Blob([body], { type: "application/json" })'], ids=["text", "json"]
)
def test_a_beacon_of_a_page_that_is_left_arrives(
    site: Site, optimizely: EmulatorClient, browsing: Browsing, beacon: str
) -> None:
    def decide_and_leave(page: Page) -> None:
        done(page)
        page.goto("about:blank")
        # The page must live until what it left behind is out.
        assert optimizely.listing("events", kind="decision", wait=15, count=1)

    browsing.visit(site.page('decide("u-1");', flush="3600000", beacon=beacon), decide_and_leave)
    (exchange,) = optimizely.exchanges(surface="events")
    kind = "text/plain" if beacon == "body" else "application/json"
    assert exchange["headers"]["Content-Type"].startswith(kind)
    assert (exchange["status"], exchange["violations"]) == (204, [])


def test_a_page_polls_the_datafile_across_origins(
    site: Site, optimizely: EmulatorClient, browsing: Browsing
) -> None:
    def follow(page: Page) -> str:
        done(page)
        assert optimizely.exchanges(surface="datafile", status="304", wait=15, count=1)
        return page.title()

    assert browsing.visit(site.page("", poll="true"), follow) == "done"


def test_a_headless_browser_that_says_so_is_a_bot(
    site: Site, optimizely: EmulatorClient, browsing: Browsing
) -> None:
    def stay(page: Page) -> list[dict[str, Any]]:
        done(page)
        return orders(optimizely, 1)

    url = site.page('decide("u-1"); client.track("Order Completed", "u-1");')
    (verdict,) = browsing.visit(url, stay, user_agent=HEADLESS)
    assert verdict["outcome"] == "excluded"
    assert "bot" in verdict["explanation"]


def test_segments_own_page_snippet_needs_only_another_cdn(
    optimizely: EmulatorClient, segment: SegmentSource, browsing: Browsing, pages: Pages
) -> None:
    html = """<!doctype html><meta charset="utf-8"><script>
        const analytics = (window.analytics = []);
        for (const method of ["identify", "page", "ready", "track"])
          analytics[method] = (...given) => (analytics.push([method, ...given]), analytics);
        Object.assign(analytics, { invoked: true, _writeKey: "any-key", _cdn: "%s", _loadOptions: {} });
        analytics.page("Home").identify("u-1").track("Order Completed", { revenue: 4999 });
        analytics.ready(() => (document.title = "done"));
    </script><script src="/packages/@segment/analytics-next/dist/umd/standalone.js"></script>"""

    def stay(page: Page) -> None:
        done(page)
        segment.ended(3)

    browsing.visit(pages.put("/snippet", html % segment.url), stay)
    assert {row["delivery"]["type"]: row["outcome"] for row in optimizely.verdicts()} == {
        "page": "not_subscribed",
        "identify": "not_subscribed",
        "track": "user_not_activated",
    }
