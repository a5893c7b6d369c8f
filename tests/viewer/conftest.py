"""One browser and one emulator for all of the viewer's tests; each test gets a browser context of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import viewer_traffic
from playwright.sync_api import Browser, BrowserContext, Page, expect

from optilocal.emulator.server import EmulatorServer
from optilocal.emulator.settings import Settings
from optilocal.scenarios.language.datafiles import SHOP
from optilocal.scenarios.running.emulator_client import EmulatorClient
from optilocal.scenarios.running.servers import LocalServers, ServerOptions

PATIENCE_MS = 20_000
"""How long a test waits for what the page shows in the end: a busy machine is no failure."""
expect.set_options(timeout=PATIENCE_MS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here) and "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def emulator() -> Iterator[EmulatorServer]:
    with EmulatorServer(Settings(port=0)) as server:
        yield server


@pytest.fixture(scope="session")
def client(emulator: EmulatorServer) -> EmulatorClient:
    return EmulatorClient(emulator.base_url)


@pytest.fixture(scope="session")
def sandbox() -> Iterator[LocalServers]:
    """Emulator and forwarder as `optilocal up` starts them, with the shop's datafile; each test takes a namespace of its own."""
    options = ServerOptions(emulator_port=0, forwarder_port=0, datafiles=(str(SHOP),))
    with LocalServers(options, with_forwarder=True) as running:
        yield running


@pytest.fixture
def workbench(sandbox: LocalServers, request: pytest.FixtureRequest) -> EmulatorClient:
    """A fresh namespace of the sandbox, with the shop's datafile under its usual key."""
    client = EmulatorClient(sandbox.emulator_url).in_namespace(f"w-{abs(hash(request.node.nodeid)):x}")
    client.call("PUT", "/_emulator/datafiles/SHOPkA7pQ2mXv9Rt", data=SHOP.read_bytes())
    return client


@dataclass(frozen=True)
class Traffic:
    """The runs that every test can look at: `several` differences, `one` failure, and the `journeys`, which all hold."""

    several: dict[str, Any]
    one: dict[str, Any]
    journeys: dict[str, Any]

    def verdict(self, outcome: str | None) -> dict[str, Any]:
        """The verdict of the journey with this outcome."""
        return next(
            verdict
            for scenario in self.journeys["scenarios"]
            for verdict in scenario["verdicts"]
            if verdict["outcome"] == outcome
        )


@pytest.fixture(scope="session")
def traffic(client: EmulatorClient, tmp_path_factory: pytest.TempPathFactory) -> Traffic:
    folder = tmp_path_factory.mktemp("traffic")
    passing = viewer_traffic.PASSING
    journeys = [viewer_traffic.journey(outcome) for outcome in viewer_traffic.JOURNEYS]
    several = [*passing, viewer_traffic.WRONG_REVENUE, viewer_traffic.SEVERAL_WRONG]
    return Traffic(
        journeys=viewer_traffic.run(
            client, folder / "journeys", "journeys", [*journeys, viewer_traffic.DELETION]
        ),
        several=viewer_traffic.run_that_broke_off(
            client,
            folder / "several",
            "several",
            several,
            "the emulator refused PUT /_emulator/datafiles/shop: 400 not a datafile",
        ),
        one=viewer_traffic.run(client, folder / "one", "one", [*passing, viewer_traffic.WRONG_REVENUE]),
    )


NewPage = Callable[..., Page]


@pytest.fixture
def new_page(browser: Browser) -> Iterator[NewPage]:
    """Opens pages; whatever goes wrong inside one of them, a refused script or an error, fails the test."""
    contexts: list[BrowserContext] = []
    troubles: list[str] = []

    def open_page(
        width: int = 1280, height: int = 900, theme: str = "light", noise: str | None = None, **options: Any
    ) -> Page:
        """`noise` is what the browser's console may say: the trouble that the test makes on purpose."""

        def told(kind: str, text: str) -> None:
            if kind == "error" and not (noise and noise in text):
                troubles.append(text)

        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=theme,  # type: ignore[arg-type]
            reduced_motion="reduce",
            timezone_id="Europe/Amsterdam",
            **options,
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", lambda message: told(message.type, message.text))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert troubles == []


@pytest.fixture
def page(new_page: NewPage, emulator: EmulatorServer, traffic: Traffic) -> Page:
    """A page on the emulator with all the traffic; `goto("/#/…")` needs no host."""
    assert traffic.one
    return new_page(base_url=emulator.base_url)
