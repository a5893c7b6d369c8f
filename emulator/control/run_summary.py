"""A run without its scenarios: what the list of runs shows."""

from collections.abc import Mapping
from typing import Any


def run_summary(run: Mapping[str, Any]) -> dict[str, Any]:
    """The run's own fields, and `name`, the name of its first scenario that failed or could not run, or None."""
    scenarios = [scenario for scenario in run.get("scenarios") or [] if isinstance(scenario, Mapping)]
    name = next(
        (scenario.get("name") for scenario in scenarios if scenario.get("status") in ("failed", "error")),
        None,
    )
    return {**{key: value for key, value in run.items() if key != "scenarios"}, "name": name}
