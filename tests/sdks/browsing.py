"""A browser that visits pages of this folder's own small web server, in a thread that is nobody else's."""

from __future__ import annotations

import json
import runpy
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from playwright.sync_api import Browser, Page, Playwright, ProxySettings, sync_playwright

PACKAGES = Path(__file__).parent / "node_modules"
SOMEBODY = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
)
HEADLESS = SOMEBODY.replace("Chrome/", "HeadlessChrome/")
# A beacon of a page that is left goes out under the browser's own name, whatever the page was given.
FLAGS = [
    f"--user-agent={SOMEBODY}",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
]
LIBRARIES = {
    "@optimizely/optimizely-sdk": ("optimizely-sdk/dist/optimizely.browser.umd.min.js", "optimizelySdk"),
    "@segment/analytics-next": ("analytics-next/dist/umd/index.js", "AnalyticsNext"),
}
MODULES = {
    "@segment/analytics-consent-tools": "/packages/@segment/analytics-consent-tools/dist/esm/index.js",
    "@segment/analytics-generic-utils": "/packages/@segment/analytics-generic-utils/dist/esm/index.js",
}
NAMES = {
    "optimizelySdk": "createBatchEventProcessor, createInstance, createPollingProjectConfigManager",
    "AnalyticsNext": "AnalyticsBrowser",
}
find_browser = runpy.run_path(str(Path(__file__).parents[1] / "browser.py"))["find"]


def page_with(script: str) -> str:
    """A page that runs a module script, in which the libraries are imported by their names as from a bundler."""
    tags, imports = [], dict(MODULES)
    for package, (file, variable) in LIBRARIES.items():
        tags.append(f'<script src="/packages/{package.split("/")[0]}/{file}"></script>')
        names = NAMES[variable]
        imports[package] = (
            f"data:text/javascript,const {{{names}}} = globalThis.{variable}; export {{{names}}};"
        )
    mapped = json.dumps({"imports": imports})
    return (
        f'<!doctype html><meta charset="utf-8">{"".join(tags)}<script type="importmap">{mapped}</script>'
        f'<script type="module">{script}\ndocument.title = "done";</script>'
    )


def done(page: Page) -> None:
    """Waits until the page's script has come to its end."""
    page.wait_for_function("document.title === 'done'")


class Pages:
    """Serves the HTML pages that are put into it, and what npm installed under `/packages/`."""

    def __init__(self) -> None:
        self.html: dict[str, str] = {}
        pages = self.html

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = self.path.partition("?")[0]
                if path in pages:
                    self._answer(200, "text/html; charset=utf-8", pages[path].encode())
                elif path.startswith("/packages/") and ".." not in path:
                    self._package(PACKAGES / path.removeprefix("/packages/"))
                else:
                    self._answer(204, "text/plain", b"")

            def _package(self, file: Path) -> None:
                candidates = (file, file.with_name(f"{file.name}.js"), file / "index.js")
                real = next(one for one in candidates if one.is_file())
                if real == file:
                    self._answer(200, "text/javascript; charset=utf-8", file.read_bytes())
                    return
                # Modules that are written for a bundler leave out the end of a file's name.
                self.send_response(302)
                self.send_header("Location", f"/packages/{real.relative_to(PACKAGES).as_posix()}")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def _answer(self, status: int, kind: str, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def put(self, path: str, html: str) -> str:
        """Serves a page; its URL."""
        self.html[path] = html
        return f"http://127.0.0.1:{self._server.server_port}{path}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Browsing:
    """One Chromium. Playwright wants a thread of its own for each browser, and other tests may drive one too."""

    def __init__(self, flags: Sequence[str] = (), proxy: str | None = None) -> None:
        path = find_browser()
        assert path, "no Chromium: set $CHROMIUM to one, or run `python tests/browser.py --install`"
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._playwright, self._browser = self._thread.submit(
            self._open, path, [*FLAGS, *flags], proxy
        ).result()

    def visit(self, url: str, act: Callable[[Page], Any] = done, user_agent: str | None = None) -> Any:
        """What `act` makes of the page, in a fresh context; whatever goes wrong inside the page fails the test."""
        return self._thread.submit(self._visit, url, act, user_agent).result()

    def close(self) -> None:
        self._thread.submit(self._close).result()
        self._thread.shutdown()

    @staticmethod
    def _open(path: str, flags: list[str], proxy: str | None) -> tuple[Playwright, Browser]:
        playwright = sync_playwright().start()
        through: ProxySettings | None = {"server": proxy} if proxy else None
        return playwright, playwright.chromium.launch(executable_path=path, args=flags, proxy=through)

    def _visit(self, url: str, act: Callable[[Page], Any], user_agent: str | None) -> Any:
        troubles: list[str] = []
        context = self._browser.new_context(user_agent=user_agent)
        try:
            page = context.new_page()
            page.set_default_timeout(15_000)
            page.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
            page.on("pageerror", lambda error: troubles.append(str(error)))
            page.goto(url)
            try:
                found = act(page)
            finally:
                assert troubles == []
            return found
        finally:
            context.close()

    def _close(self) -> None:
        self._browser.close()
        self._playwright.stop()
