"""The programs in docs/sdks.md are run as they stand, but for the ports, and do what the page says."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import Browsing, Pages, done, page_with
from playwright.sync_api import Page
from segment_source import SegmentSource

from optilocal.scenarios.cli import main
from optilocal.scenarios.running.emulator_client import EmulatorClient
from optilocal.scenarios.running.servers import LocalServers, ServerOptions

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PAGE = (ROOT / "docs/sdks.md").read_text(encoding="utf-8")


@pytest.fixture
def sandbox() -> Iterator[LocalServers]:
    """What the page's first command starts."""
    datafile = re.search(r"optilocal up --datafile (\S+)", PAGE)
    assert datafile
    options = ServerOptions(emulator_port=0, forwarder_port=0, datafiles=(str(ROOT / datafile[1]),))
    with LocalServers(options, with_forwarder=True) as running:
        yield running


@pytest.fixture
def emulator(sandbox: LocalServers) -> EmulatorClient:
    return EmulatorClient(sandbox.emulator_url)


@pytest.fixture
def forwarder(sandbox: LocalServers) -> SegmentSource:
    return SegmentSource(sandbox.forwarder_url)


def program(sandbox: LocalServers, heading: str, number: int = 0) -> str:
    """A complete program under a heading of the page, with the sandbox's own addresses."""
    section = re.split(r"^#+ ", PAGE.split(f"# {heading}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
    found: str = re.findall(r"^```(?:python|js)\n(.*?)^```", section, re.DOTALL | re.MULTILINE)[number]
    return found.replace("http://127.0.0.1:8410", sandbox.emulator_url).replace(
        "http://127.0.0.1:8411", sandbox.forwarder_url
    )


def run(*command: str) -> str:
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


def test_python(
    sandbox: LocalServers, emulator: EmulatorClient, forwarder: SegmentSource, tmp_path: Path
) -> None:
    variation = run(sys.executable, "-c", program(sandbox, "Python"))
    assert run(sys.executable, "-c", program(sandbox, "Python", 1)) == "42"
    run(sys.executable, "-c", program(sandbox, "Segment's Python library"))
    assert counted(emulator, forwarder, "order-of-ada") == variation
    conversions = [row["key"] for row in emulator.listing("events", kind="conversion", visitor_id="ada")]
    assert conversions == ["Product Added", "Order Completed"]


@pytest.mark.node
def test_javascript_in_node(
    node: str,
    sandbox: LocalServers,
    emulator: EmulatorClient,
    forwarder: SegmentSource,
    capsys: pytest.CaptureFixture[str],
) -> None:
    javascript = (node, "--input-type=module", "--eval")
    variation = run(*javascript, program(sandbox, "JavaScript in Node"))
    run(*javascript, program(sandbox, "Segment's Node library"))
    assert counted(emulator, forwarder, "order-of-grace") == variation
    conversions = [row["key"] for row in emulator.listing("events", kind="conversion", visitor_id="grace")]
    assert conversions == ["Product Added", "Order Completed"]
    shown = re.search(r"\$ optilocal explain order-of-grace\n(.*?)```", PAGE, re.DOTALL)
    assert shown
    assert main(["explain", "order-of-grace", "--emulator", emulator.base_url]) == 0
    assert capsys.readouterr().out.startswith(shown[1])


@pytest.mark.node
@pytest.mark.browser
def test_both_in_the_browser(
    sandbox: LocalServers,
    emulator: EmulatorClient,
    forwarder: SegmentSource,
    pages: Pages,
    browsing: Browsing,
) -> None:
    def leave(page: Page) -> None:
        done(page)
        page.goto("about:blank")
        assert emulator.listing("events", kind="decision", wait=15, count=1)

    browsing.visit(pages.put("/docs", page_with(program(sandbox, "Both in the browser"))), leave)
    sent = {row["type"]: row["message_id"] for row in forwarder.ended(2)}
    assert counted(emulator, forwarder, sent["track"]) in ("control", "treatment")


def counted(emulator: EmulatorClient, forwarder: SegmentSource, message_id: str) -> str:
    """The variation that an order was counted in, once its delivery has come to its end."""
    forwarder.ended(1, message_id=message_id)
    (verdict,) = emulator.verdicts(message_id=message_id)
    assert (verdict["outcome"], verdict["warnings"]) == ("counted", [])
    found: str = verdict["attributed_to"][0]["variation"]
    return found


def test_the_versions_are_the_installed_ones() -> None:
    pinned = json.loads((HERE / "package.json").read_text(encoding="utf-8"))["dependencies"]
    rows = [line.split("|") for line in PAGE.splitlines() if line.startswith("| ")]
    told = {cells[1].strip(): cells[2].strip() for cells in rows if len(cells) == 5}
    assert told["Optimizely JavaScript SDK, Node"] == pinned["@optimizely/optimizely-sdk"]
    assert told["Optimizely JavaScript SDK, browser"] == pinned["@optimizely/optimizely-sdk"]
    assert told["Segment `@segment/analytics-node`"] == pinned["@segment/analytics-node"]
    assert told["Segment `@segment/analytics-next` (analytics.js)"] == pinned["@segment/analytics-next"]
