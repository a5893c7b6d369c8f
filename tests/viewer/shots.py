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

PICTURES = {
    "journey": ("#/event/order-1001", "light", 940),
    "journey-dark": ("#/event/order-1001", "dark", 940),
    "scenario": ("#/runs/shop", "light", 900),
}


def take(chromium: Browser, base_url: str, folder: Path) -> None:
    """One file a picture, 1280 pixels wide."""
    for name, (address, theme, height) in PICTURES.items():
        page = chromium.new_page(
            viewport={"width": 1280, "height": height},
            color_scheme=theme,  # type: ignore[arg-type]
            reduced_motion="reduce",
            timezone_id="UTC",
        )
        page.goto(f"{base_url}/{address}")
        page.locator(".difference, .verdict-banner").first.wait_for()
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
        viewer_traffic.run(client, Path("shop"), "shop", texts)
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(
                executable_path=found, args=["--no-sandbox", "--disable-gpu"]
            )
            take(chromium, server.base_url, folder)
            chromium.close()
    for name in PICTURES:
        print(folder / f"{name}.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
