"""The viewer in an open tab of a headless Chromium, and how much JavaScript memory it holds."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

from bench.machine import ROOT


class Tab:
    """One open page."""

    def __init__(self, page: Any) -> None:
        self._page = page
        self._tools = page.context.new_cdp_session(page)
        self._tools.send("Performance.enable")

    def listen(self, seconds: float) -> None:
        """Let the browser say what it has to say for so long."""
        self._page.wait_for_timeout(seconds * 1000)

    def heap_mb(self) -> float:
        """JavaScript memory in use after a collection, in megabytes."""
        self._tools.send("HeapProfiler.collectGarbage")
        found = self._tools.send("Performance.getMetrics")["metrics"]
        return next(float(one["value"]) for one in found if one["name"] == "JSHeapUsedSize") / 1_000_000


@contextlib.contextmanager
def opened(url: str, say: Callable[[str], object]) -> Iterator[Tab | None]:
    """The page, or None where there is no browser; `say` is told why."""
    sys.path.insert(0, str(ROOT / "tests"))
    try:
        from browser import find  # noqa: PLC0415  (a file of the tests, found only now)
        from playwright.sync_api import sync_playwright  # noqa: PLC0415
    except ImportError as error:
        say(f"the viewer: {error}")
        yield None
        return
    path = find()
    if path is None:
        say("the viewer: there is no Chromium on this machine")
        yield None
        return
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=path, args=flags, handle_sigint=False)
        try:
            page = browser.new_page()
            page.goto(url)
            yield Tab(page)
        finally:
            browser.close()
