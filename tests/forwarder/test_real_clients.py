"""Segment's own libraries with nothing but their host changed: what they send arrives, and is what they meant."""

from __future__ import annotations

import fcntl
import json
import os
import runpy
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from optimizely_double import OptimizelyDouble
from segment.analytics.client import Client
from segment_side import SegmentSide

CONFORMANCE = Path(__file__).parent.parent / "conformance"
WHEN = datetime(2026, 1, 15, 12, 0, 0, tzinfo=UTC)


class TestPython:
    @pytest.fixture(params=["at once", "in the background", "packed"])
    def client(self, segment: SegmentSide, request: pytest.FixtureRequest) -> Iterator[Client]:
        failed: list[Any] = []
        client = Client(
            "write-key",
            host=segment.url,
            sync_mode=request.param == "at once",
            gzip=request.param == "packed",
            on_error=lambda error, items: failed.append((error, items)),
        )
        yield client
        if not client.sync_mode:
            client.shutdown()
        assert failed == []

    def test_every_call_arrives(self, client: Client, segment: SegmentSide, double: OptimizelyDouble) -> None:
        client.identify("u-1", {"plan": "gold"})
        client.track(
            "u-1",
            "Order Completed",
            {"revenue": 4999, "value": 49.99, "coupon": None},
            context={"traits": {"plan": "gold"}},
            timestamp=WHEN,
            message_id="m-1",
        )
        client.page("u-1", "Shop", "Home")
        client.screen("u-1", "Shop", "Home")
        client.group("u-1", "g-1", {"name": "Team"})
        client.alias("anon-1", "u-1")
        client.flush()
        rows = {row["type"]: row for row in segment.ended(6)}
        assert sorted(rows) == ["alias", "group", "identify", "page", "screen", "track"]
        assert {kind: row["outcome"] for kind, row in rows.items() if kind != "track"} == {
            kind: "not_subscribed" for kind in rows if kind != "track"
        }
        track = rows["track"]
        assert (track["outcome"], track["message_id"], track["warnings"]) == ("sent", "m-1", [])
        assert track["source_event"]["context"]["library"]["name"] == "analytics-python"
        (batch,) = double.to("/v1/events")
        (visitor,) = batch.json["visitors"]
        assert visitor["visitor_id"] == "u-1"
        assert visitor["attributes"] == [
            {"entity_id": "a-1", "key": "plan", "value": "gold", "type": "custom"}
        ]
        (event,) = visitor["snapshots"][0]["events"]
        assert (event["revenue"], event["value"], event["uuid"]) == (4999, 49.99, "m-1")
        assert event["tags"] == {"coupon": None}

    def test_what_the_destination_refuses_is_no_error_of_the_client(
        self, client: Client, segment: SegmentSide, double: OptimizelyDouble
    ) -> None:
        client.track("u-1", "Order Completed", {"revenue": 19.99})
        client.track(None, "Order Completed", anonymous_id="anon-1")
        client.flush()
        (dead,) = segment.deliveries(state="dead")
        assert dead["details"] == ["Revenue must be an integer but it was a number."]
        (sent,) = segment.ended()
        assert sent["visitor_id"] == "anon-1"
        assert len(double.to("/v1/events")) == 1


def test_a_namespace_goes_into_the_host_of_the_python_library(
    segment: SegmentSide, double: OptimizelyDouble
) -> None:
    client = Client("write-key", host=segment.namespace("blue").url, sync_mode=True)
    client.track("u-1", "Order Completed")
    assert segment.namespace("blue").ended()[0]["outcome"] == "sent"
    assert [one.path for one in double.to("/v1/events")] == ["/ns/blue/v1/events"]


SCRIPT = """
const { Analytics } = require('@segment/analytics-node')
const analytics = new Analytics({ writeKey: 'write-key', host: process.argv[1], flushAt: 3, maxRetries: 0 })
const failed = []
analytics.on('error', (error) => failed.push(String(error.reason ?? error.code)))
analytics.identify({ userId: 'u-1', traits: { plan: 'gold' } })
analytics.track({
  userId: 'u-1', event: 'Order Completed', messageId: 'm-1', timestamp: new Date(),
  properties: { revenue: 4999, value: 49.99 }, context: { traits: { plan: 'gold' } },
})
analytics.track({ anonymousId: 'anon-1', event: 'Nobody Knows' })
analytics.page({ userId: 'u-1', name: 'Home' })
analytics.screen({ userId: 'u-1', name: 'Home' })
analytics.group({ userId: 'u-1', groupId: 'g-1' })
analytics.alias({ userId: 'u-1', previousId: 'anon-1' })
analytics.closeAndFlush().then(() => console.log(JSON.stringify(failed)))
"""


def _left_out(why: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(f"{why}; Segment's Node library is left out")


@pytest.fixture(scope="module")
def node() -> Callable[..., str]:
    """Runs a script in a folder where Segment's Node library is installed; returns what it printed."""
    program = shutil.which("node")
    if program is None:
        _left_out("there is no Node.js")
    # Another worker may be at it: a folder that is there need not be whole.
    with (Path(tempfile.gettempdir()) / "optilocal-conformance.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        installed = subprocess.run([CONFORMANCE / "install"], capture_output=True, text=True, check=False)
    if installed.returncode:
        _left_out(f"npm could not install Segment's packages: {installed.stderr.strip()[-300:]}")

    def run(script: str, *arguments: str) -> str:
        command = [str(program), "-e", script, "--", *arguments]
        found = subprocess.run(
            command, cwd=CONFORMANCE, capture_output=True, text=True, timeout=60, check=False
        )
        assert found.returncode == 0, found.stderr
        return found.stdout

    return run


@pytest.mark.node
class TestNode:
    def test_every_call_arrives(
        self, node: Callable[..., str], segment: SegmentSide, double: OptimizelyDouble
    ) -> None:
        assert json.loads(node(SCRIPT, segment.url)) == []
        rows = segment.ended(6)
        (unknown,) = segment.deliveries(state="dead")
        assert sorted(row["type"] for row in rows) == [
            "alias",
            "group",
            "identify",
            "page",
            "screen",
            "track",
        ]
        assert (unknown["outcome"], unknown["message_id"][:10]) == ("unmatched_event_key", "node-next-")
        (track,) = [row for row in rows if row["type"] == "track"]
        assert (track["outcome"], track["message_id"], track["warnings"]) == ("sent", "m-1", [])
        assert track["source_event"]["context"]["library"]["name"] == "@segment/analytics-node"
        (batch,) = double.to("/v1/events")
        assert batch.json["visitors"][0]["snapshots"][0]["events"][0]["revenue"] == 4999

    def test_a_namespace_goes_into_the_librarys_path(
        self, node: Callable[..., str], segment: SegmentSide, double: OptimizelyDouble
    ) -> None:
        script = SCRIPT.replace("flushAt: 3", "flushAt: 3, path: '/ns/blue/v1/batch'")
        assert json.loads(node(script, segment.url)) == []
        assert len(segment.namespace("blue").ended(6)) == 6
        assert [one.path for one in double.to("/v1/events")] == ["/ns/blue/v1/events"]


BROWSER = (
    """
import json, sys
from playwright.sync_api import sync_playwright

program, page_url, library, segment = sys.argv[1:]
with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
    page = browser.new_page()
    sent = []
    page.on("request", lambda request: sent.append(request.url))
    page.goto(page_url)
    page.add_script_tag(path=library)
    told = page.evaluate(
        """
    + '"""'
    + """async (segment) => {
            const [analytics] = await AnalyticsNext.AnalyticsBrowser.load({ writeKey: 'write-key', cdnURL: segment })
            const anonymous = await analytics.track('Order Completed', { revenue: 4999 })
            await analytics.identify('u-1', { plan: 'gold' })
            const known = await analytics.track('Order Completed', { revenue: 5000 })
            await analytics.page('Home')
            return [anonymous, known].map(({ event }) => ({ messageId: event.messageId, anonymousId: event.anonymousId }))
        }"""
    + '"""'
    + """,
        segment,
    )
    browser.close()
print(json.dumps({"told": told, "sent": sent}))
"""
)


@pytest.mark.node
@pytest.mark.browser
@pytest.mark.usefixtures("node")
def test_analytics_js_in_a_browser_needs_only_its_cdn_changed(
    segment: SegmentSide, double: OptimizelyDouble
) -> None:
    chromium = runpy.run_path(str(CONFORMANCE.parent / "browser.py"))["find"]()
    assert chromium, "no Chromium: set $CHROMIUM to one, or run `python tests/browser.py --install`"
    library = CONFORMANCE / "node_modules/@segment/analytics-next/dist/umd/index.js"
    blue = segment.namespace("blue")
    # A process of its own, for Playwright allows one of itself a process, and the viewer's tests have that.
    found = subprocess.run(
        [sys.executable, "-c", BROWSER, chromium, f"{double.url}/shop", str(library), blue.url],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    result = json.loads(found.stdout)
    rows = blue.ended(4)
    assert sorted(row["type"] for row in rows) == ["identify", "page", "track", "track"]
    assert all(row["warnings"] == [] for row in rows)
    tracks = {row["message_id"]: row for row in rows if row["type"] == "track"}
    for told, visitor in zip(result["told"], (result["told"][0]["anonymousId"], "u-1"), strict=True):
        track = tracks[told["messageId"]]
        assert (track["outcome"], track["visitor_id"]) == ("sent", visitor)
        assert track["source_event"]["context"]["library"]["name"] == "analytics.js"
    ours = (f"{double.url}/", f"{blue.url}/v1/")
    assert [url for url in result["sent"] if not url.startswith(ours)] == []
