"""One sandbox for the SDKs' tests, as `optilocal up` starts it, and a fresh namespace of it for each test."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browsing import Browsing, Pages
from node_packages import node_with
from sdk_applications import Application, JavaScriptApplication, PythonApplication
from segment_source import SegmentSource

from optilocal.scenarios.running.emulator_client import EmulatorClient
from optilocal.scenarios.running.sandbox import Sandbox, SandboxOptions

HERE = Path(__file__).parent
SHOP = Path(__file__).parents[2] / "scenarios/suite/datafiles/shop.json"
_numbers = itertools.count(1)


@pytest.fixture
def shop() -> dict[str, Any]:
    """The shop's datafile, for a test to change as it likes."""
    return dict(json.loads(SHOP.read_text("utf-8")))


@pytest.fixture(scope="session")
def served() -> Iterator[Sandbox]:
    """Emulator and forwarder with the shop's datafile, ports aside what `optilocal up --datafile` gives."""
    options = SandboxOptions(emulator_port=0, forwarder_port=0, datafiles=(str(SHOP),))
    with Sandbox(options, with_forwarder=True) as sandbox:
        yield sandbox


@pytest.fixture
def optimizely(served: Sandbox, shop: dict[str, Any]) -> EmulatorClient:
    """A fresh namespace of the emulator that serves the shop's datafile."""
    client = EmulatorClient(served.emulator_url, f"sdks-{next(_numbers)}")
    client.put_datafile(shop["sdkKey"], shop)
    return client


@pytest.fixture
def segment(served: Sandbox, optimizely: EmulatorClient) -> SegmentSource:
    """The namespace of the forwarder that is connected to `optimizely`."""
    return SegmentSource(f"{served.forwarder_url}/ns/{optimizely.namespace}")


@pytest.fixture(scope="session")
def node() -> str:
    """Node, with the SDKs installed for the scripts in this folder."""
    return node_with(HERE, "a test of the JavaScript libraries")


@pytest.fixture(scope="session")
def javascript(node: str) -> Iterator[Application]:
    application = JavaScriptApplication(node)
    yield application
    application.close()


@pytest.fixture(scope="session")
def pages(node: str) -> Iterator[Pages]:
    """A web server for pages that use the installed libraries."""
    serving = Pages()
    yield serving
    serving.close()


@pytest.fixture(scope="session")
def browsing(node: str) -> Iterator[Browsing]:
    found = Browsing()
    yield found
    found.close()


@pytest.fixture(params=["python", pytest.param("javascript", marks=pytest.mark.node)])
def application(request: pytest.FixtureRequest) -> Application:
    """An application of each language."""
    if request.param == "python":
        return PythonApplication()
    found: Application = request.getfixturevalue("javascript")
    return found
