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
    """One worker more than processors: much of the time a test waits for a process or a page (two cores: 209 instead of 318 s)."""
    return (os.cpu_count() or 1) + 1


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
