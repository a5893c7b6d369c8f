"""What all tests share: property tests have no deadline, for a busy machine is no defect; one PostgreSQL and one Chromium a
process.
"""

import os
from collections.abc import Iterator

import pytest
from browser import find
from hypothesis import settings
from playwright.sync_api import Browser, sync_playwright
from postgresql_server import PostgresqlServer, serving

_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

settings.register_profile("optilocal", deadline=None)
settings.load_profile("optilocal")


def pytest_xdist_auto_num_workers() -> int:
    """Two more than processors, for tests wait much of their time: on two cores two take 318 s, three 252 s, four 233 s."""
    return (os.cpu_count() or 1) + 2


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresqlServer]:
    """The one PostgreSQL of these tests; each takes a schema of its own in it."""
    with serving() as server:
        yield server


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The one Chromium of these tests: Playwright takes no second one in the same thread."""
    path = find()
    assert path, "no Chromium: set $CHROMIUM to one, or run `python tests/browser.py --install`"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=_FLAGS)
        yield chromium
        chromium.close()
