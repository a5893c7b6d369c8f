"""Which scenarios a command runs."""

from __future__ import annotations

from collections.abc import Sequence

from optilocal.scenarios.language.loader import load
from optilocal.scenarios.language.paths import SUITE
from optilocal.scenarios.language.scenario import Scenario
from optilocal.scenarios.running.selection import select, split_paths


def choose(
    paths: Sequence[str],
    expression: str | None = None,
    tags: Sequence[str] = (),
    *,
    updating: bool = False,
) -> list[Scenario]:
    """The scenarios at these paths (none: the shipped suite) that match. Raises CannotRun or ScenarioError."""
    plain, lines = split_paths(paths)
    loaded = load(plain or [SUITE], updating=updating)
    return select(loaded, lines=lines, expression=expression, tags=tags)
