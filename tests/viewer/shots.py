"""Makes README's pictures out of real traffic: `python tests/viewer/shots.py [FOLDER]`, default `docs/pictures`."""

from __future__ import annotations

import contextlib
import runpy
import sys
import tempfile
from pathlib import Path

import viewer_traffic
from playwright.sync_api import Browser, sync_playwright

from optilocal.emulator.server import EmulatorServer
from optilocal.emulator.settings import Settings
from optilocal.scenarios.running.emulator_client import EmulatorClient

_FIND = runpy.run_path(str(Path(__file__).parents[1] / "browser.py"))["find"]
DOCS = Path(__file__).parents[2] / "docs" / "pictures"

WRONG_CASE = f"""scenario: A purchase tracked in lower case
{viewer_traffic.CLOCK}
steps:
  - activate: {{user: ada, experiment: checkout_test, variation: treatment}}
  - track: {{userId: ada, event: order completed, messageId: order-1001, properties: {{revenue: 4999}}}}
expect: {{tracks: [{{outcome: unmatched_event_key}}]}}
"""

FUNNEL = f"""scenario: Orders of a morning
{viewer_traffic.CLOCK}
steps:
{"".join(f"  - activate: {{user: u-{n}, experiment: checkout_test, variation: {'treatment' if n % 2 else 'control'}}}" + chr(10) for n in range(24))}
{"".join(f"  - track: {{userId: {'x' if n % 7 == 3 else 'u'}-{n}, event: {'order completed' if n % 8 == 5 else 'Order Completed'}, properties: {{revenue: {'19.99' if n == 12 else 1000 + n * 250}}}}}" + chr(10) for n in range(0, 24, 1) if n % 3 or n == 12)}
  - track: {{event: Order Completed, properties: {{revenue: 4999}}}}
expect: {{tracks: []}}
"""

PICTURES = {
    "funnel": ("#/experiments/checkout_test?ns={funnel}", "light", 980),
    "journey": ("#/event/order-1001", "light", 940),
    "journey-dark": ("#/event/order-1001", "dark", 940),
    "scenario": ("#/runs/shop", "light", 900),
}


def take(chromium: Browser, base_url: str, folder: Path, **named: str) -> None:
    """One file a picture, 1280 pixels wide; `named` are what addresses leave open."""
    for name, (address, theme, height) in PICTURES.items():
        page = chromium.new_page(
            viewport={"width": 1280, "height": height},
            color_scheme=theme,  # type: ignore[arg-type]
            reduced_motion="reduce",
            timezone_id="UTC",
        )
        page.goto(f"{base_url}/{address.format(**named)}")
        page.locator(".difference, .verdict-banner, .course").first.wait_for()
        page.screenshot(path=folder / f"{name}.png")
        page.close()


def main() -> int:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else DOCS
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    found = _FIND()
    if found is None:
        print("no Chromium: set $CHROMIUM, or run `python tests/browser.py --install`", file=sys.stderr)
        return 2
    with (
        EmulatorServer(Settings(port=0)) as server,
        tempfile.TemporaryDirectory() as scratch,
        contextlib.chdir(scratch),
    ):
        client = EmulatorClient(server.base_url)
        texts = [viewer_traffic.WRONG_REVENUE, *viewer_traffic.STORY, WRONG_CASE]
        funnel = viewer_traffic.run(client, Path("funnel"), "funnel", [FUNNEL])["scenarios"][0]["namespace"]
        viewer_traffic.run(client, Path("shop"), "shop", texts)
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(
                executable_path=found, args=["--no-sandbox", "--disable-gpu"]
            )
            take(chromium, server.base_url, folder, funnel=funnel)
            chromium.close()
    for name in PICTURES:
        print(folder / f"{name}.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
