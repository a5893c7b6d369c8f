"""One sandbox for the SDKs' tests, as `optilocal up` starts it, and a fresh namespace of it for each test."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browsing import Browsing, Pages
from node_packages import NotHere, install, node_with
from sdk_applications import Application, JavaScriptApplication, PythonApplication
from segment_source import SegmentSource
from unmodified_place import Place

from optilocal.forwarder.clock import SystemClock
from optilocal.interception.hosts import Policy
from optilocal.interception.interception import Interception
from optilocal.scenarios.running.emulator_client import EmulatorClient
from optilocal.scenarios.running.servers import LocalServers, ServerOptions
from optilocal.scenarios.sandbox.sandbox import Sandbox as SandboxInUse
from optilocal.scenarios.sandbox.servers import LazyServers

HERE = Path(__file__).parent
SHOP = Path(__file__).parents[2] / "scenarios/suite/datafiles/shop.json"
_numbers = itertools.count(1)


@pytest.fixture
def shop() -> dict[str, Any]:
    """The shop's datafile, for a test to change as it likes."""
    return dict(json.loads(SHOP.read_text("utf-8")))


@pytest.fixture(scope="session")
def served() -> Iterator[LocalServers]:
    """Emulator and forwarder with the shop's datafile, ports aside what `optilocal up --datafile` gives."""
    options = ServerOptions(emulator_port=0, forwarder_port=0, datafiles=(str(SHOP),))
    with LocalServers(options, with_forwarder=True) as sandbox:
        yield sandbox


@pytest.fixture
def optimizely(served: LocalServers, shop: dict[str, Any]) -> EmulatorClient:
    """A fresh namespace of the emulator that serves the shop's datafile."""
    client = EmulatorClient(served.emulator_url, f"sdks-{next(_numbers)}")
    client.put_datafile(shop["sdkKey"], shop)
    return client


@pytest.fixture
def segment(served: LocalServers, optimizely: EmulatorClient) -> SegmentSource:
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


@pytest.fixture(scope="session")
def servers_of_programs() -> Iterator[LazyServers]:
    with contextlib.suppress(NotHere):
        install(HERE)
    code = HERE / "node_modules/@segment/analytics-next/dist/umd"
    with LazyServers(analytics_js=code if code.is_dir() else None) as running:
        yield running


@pytest.fixture
def place(
    servers_of_programs: LazyServers,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Place]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name in ("NODE_OPTIONS", "JAVA_TOOL_OPTIONS", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    servers = servers_of_programs
    namespace = servers.fresh_namespace(request.node.name)
    with SandboxInUse(servers, namespace) as sandbox:
        sandbox.optimizely.put_datafile(SHOP)
        assert sandbox.segment.write_key
        with Interception(
            servers.emulator_url,
            servers.forwarder_url,
            os.environ,
            now_ms=SystemClock().now_ms(),
            namespace=namespace,
            policy=Policy(only=True),
        ) as interception:
            yield Place(sandbox.optimizely.control, servers.forwarder_url, interception)
