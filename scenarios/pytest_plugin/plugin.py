"""pytest: collects `*.scenario.yaml`, and gives tests the fixtures `optimizely` and `segment`.

Nothing of optilocal is imported before a scenario file or a fixture needs it: projects that use neither pay nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from optilocal.scenarios.sandbox.optimizely import Optimizely
    from optilocal.scenarios.sandbox.sandbox import Sandbox
    from optilocal.scenarios.sandbox.segment import Segment
    from optilocal.scenarios.sandbox.servers import LazyServers

_SERVERS: pytest.StashKey[LazyServers] = pytest.StashKey()


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Every scenario of a `*.scenario.yaml` file is a test."""
    if not file_path.name.endswith(".scenario.yaml"):
        return None
    from optilocal.scenarios.pytest_plugin.items import ScenarioFile  # noqa: PLC0415

    return ScenarioFile.from_parent(parent, path=file_path)


@pytest.fixture
def _optilocal_sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """What both fixtures are taken from: the sandbox that `optilocal.sandbox()` gives, in a fresh namespace."""
    from optilocal.scenarios.sandbox.sandbox import Sandbox  # noqa: PLC0415

    servers = servers_of(request.config)
    with Sandbox(servers, servers.fresh_namespace(request.node.name)) as fresh:
        yield fresh


@pytest.fixture
def optimizely(_optilocal_sandbox: Sandbox) -> Optimizely:
    """An Optimizely of this test's own: a fresh namespace of the emulator."""
    return _optilocal_sandbox.optimizely


@pytest.fixture
def segment(_optilocal_sandbox: Sandbox) -> Segment:
    """A Segment source, with the destination connected to this test's `optimizely`."""
    return _optilocal_sandbox.segment


def servers_of(config: pytest.Config) -> LazyServers:
    """The servers of this pytest process: started when something first needs them, stopped when pytest ends.

    `$OPTILOCAL_EMULATOR` names a running emulator to be used in place of its own.
    """
    if _SERVERS not in config.stash:
        from optilocal.scenarios.sandbox.servers import LazyServers  # noqa: PLC0415

        config.stash[_SERVERS] = LazyServers(os.environ.get("OPTILOCAL_EMULATOR") or None)
        config.add_cleanup(config.stash[_SERVERS].close)
    return config.stash[_SERVERS]
