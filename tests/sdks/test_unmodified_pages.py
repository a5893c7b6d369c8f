"""Pages that name no address but the real ones, in Chromium: through Playwright's proxy, and by host-resolver-rules."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from browsing import Browsing, Pages, done, page_with
from playwright.sync_api import Page
from unmodified_place import Place

from optilocal.interception.hosts import HOSTS

pytestmark = [pytest.mark.node, pytest.mark.browser]

PAGE = """
import { createBatchEventProcessor, createInstance, createPollingProjectConfigManager } from "@optimizely/optimizely-sdk";
import { AnalyticsBrowser } from "@segment/analytics-next";

const client = createInstance({
  projectConfigManager: createPollingProjectConfigManager({ sdkKey: "SHOPkA7pQ2mXv9Rt" }),
  eventProcessor: createBatchEventProcessor({ flushInterval: 100 }),
});
await client.onReady();
client.createUserContext("alan").decide("checkout");
await new Promise((resolve) => setTimeout(resolve));
await client.close();
const analytics = AnalyticsBrowser.load({ writeKey: "any-key" });
await analytics.identify("alan");
await analytics.track("Order Completed", { revenue: 4999 });
"""

# Segment's own, as its source's overview shows it, shortened to the methods used; version 5.2.0 of the snippet.
SNIPPET = """<!doctype html><meta charset="utf-8"><script>
  !function () {
    var i = "analytics", analytics = window[i] = window[i] || [];
    if (analytics.initialize) return;
    analytics.invoked = true;
    analytics.methods = ["identify", "page", "track", "ready"];
    analytics.factory = function (e) {
      return function () {
        var n = Array.prototype.slice.call(arguments);
        n.unshift(e); analytics.push(n); return analytics;
      };
    };
    for (var n = 0; n < analytics.methods.length; n++) {
      var key = analytics.methods[n]; analytics[key] = analytics.factory(key);
    }
    analytics.load = function (key, n) {
      var t = document.createElement("script");
      t.type = "text/javascript"; t.async = true; t.setAttribute("data-global-segment-analytics-key", i);
      t.src = "https://cdn.segment.com/analytics.js/v1/" + key + "/analytics.min.js";
      var r = document.getElementsByTagName("script")[0];
      r.parentNode.insertBefore(t, r); analytics._loadOptions = n;
    };
    analytics._writeKey = "any-key"; analytics.SNIPPET_VERSION = "5.2.0";
    analytics.load("any-key");
    analytics.page();
    analytics.identify("alan");
    analytics.track("Order Completed", { revenue: 4999 });
    analytics.ready(function () { document.title = "done"; });
  }();
</script>"""


@pytest.fixture(params=["proxy", "host-resolver-rules"])
def chromium(request: pytest.FixtureRequest, place: Place, node: str) -> Iterator[Browsing]:
    """A Chromium that reaches the real hosts by one of the two ways, and trusts the authority by its key alone."""
    given = place.interception.environment
    flags = [f"--ignore-certificate-errors-spki-list={given['OPTILOCAL_CA_SPKI']}"]
    if request.param == "host-resolver-rules":
        rules = ", ".join(f"MAP {host} {given['OPTILOCAL_TLS']}" for host in HOSTS)
        flags.append(f"--host-resolver-rules={rules}")
    found = Browsing(flags, given["OPTILOCAL_PROXY"] if request.param == "proxy" else None)
    yield found
    found.close()


def test_the_browser_sdk_and_analytics_js(place: Place, chromium: Browsing, pages: Pages) -> None:
    def stay(page: Page) -> None:
        done(page)
        place.verdict(event_key="Order Completed", outcome="counted")

    chromium.visit(pages.put("/unmodified", page_with(PAGE)), stay)
    place.segment.ended(1)
    order = place.verdict(event_key="Order Completed", outcome="counted")
    assert order["attributed_to"][0]["experiment"] == "checkout_test"
    assert order["delivery"]["source_event"]["context"]["library"]["name"] == "analytics.js"
    caught = place.interception.tally.caught
    assert {"cdn.optimizely.com", "logx.optimizely.com", "cdn.segment.com", "api.segment.io"} <= set(caught)


def test_a_page_with_segments_snippet(place: Place, chromium: Browsing, pages: Pages) -> None:
    def stay(page: Page) -> None:
        done(page)
        place.verdict(event_key="Order Completed", outcome="user_not_activated")

    chromium.visit(pages.put("/snippet", SNIPPET), stay)
    place.segment.ended(1)
    order = place.verdict(event_key="Order Completed", outcome="user_not_activated")
    assert (order["visitor_id"], order["delivery"]["source_event"]["context"]["library"]["name"]) == (
        "alan",
        "analytics.js",
    )
