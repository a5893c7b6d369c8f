"""A server for each test, on uvloop and on asyncio's own loop."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from served import Waiting, serving

from optilocal.serving.server import Server


@pytest.fixture
def reports() -> list[str]:
    """What the server said it got wrong."""
    return []


@pytest.fixture
def waiting() -> Waiting:
    return Waiting()


@pytest.fixture(params=["uvloop", "asyncio"])
def loop(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Either loop: there is no uvloop for Windows."""
    if request.param == "asyncio":
        monkeypatch.setitem(sys.modules, "uvloop", None)
    return str(request.param)


@pytest.fixture
def server(reports: list[str], waiting: Waiting, loop: str) -> Iterator[Server]:
    with serving(waiting, reports.append) as made:
        yield made
