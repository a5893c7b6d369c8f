"""pytest: collects `*.scenario.yaml`, and gives tests the fixtures `optimizely` and `segment`.

Nothing of optilocal is imported before a scenario file or a fixture needs it: projects that use neither pay nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from optilocal.scenarios.pytest_plugin.fixtures import Optimizely
    from optilocal.scenarios.pytest_plugin.segment import Segment


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Every scenario of a `*.scenario.yaml` file is a test."""
    if not file_path.name.endswith(".scenario.yaml"):
        return None
    from optilocal.scenarios.pytest_plugin.items import ScenarioFile  # noqa: PLC0415

    return ScenarioFile.from_parent(parent, path=file_path)


@pytest.fixture
def optimizely(request: pytest.FixtureRequest) -> Iterator[Optimizely]:
    """An Optimizely of this test's own: a fresh namespace of the emulator."""
    from optilocal.scenarios.pytest_plugin.fixtures import Optimizely  # noqa: PLC0415
    from optilocal.scenarios.pytest_plugin.sandbox import sandbox_of  # noqa: PLC0415

    with Optimizely(sandbox_of(request.config).fresh(request.node.name)) as fresh:
        yield fresh


@pytest.fixture
def segment(request: pytest.FixtureRequest, optimizely: Optimizely) -> Iterator[Segment]:
    """A Segment source, with the destination connected to this test's `optimizely`."""
    from optilocal.scenarios.pytest_plugin.sandbox import sandbox_of  # noqa: PLC0415
    from optilocal.scenarios.pytest_plugin.segment import Segment  # noqa: PLC0415

    with Segment(sandbox_of(request.config).forwarder_url, optimizely) as connected:
        yield connected
