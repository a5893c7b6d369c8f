"""A run on its way in: its fields have the types that readers rely on; and a run as the list of runs shows it."""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from optilocal.emulator.problems import Problem

Count = Annotated[int, msgspec.Meta(ge=0)]
Object = dict[str, Any]


class _Counts(msgspec.Struct, kw_only=True):
    total: Count = 0
    passed: Count = 0
    failed: Count = 0
    error: Count = 0


class _Scenario(msgspec.Struct, kw_only=True):
    id: str = ""
    name: str | None = None
    teaches: str | None = None
    file: str | None = None
    line: int | None = None
    tags: list[str] = []
    namespace: str | None = None
    duration_ms: int | None = None
    status: str | None = None
    reason: str | None = None
    rerun: str | None = None
    source: Object | None = None
    steps: list[Object] = []
    expected: Object | None = None
    captured: Object | None = None
    differences: list[Object] = []
    verdicts: list[Object] = []


class _Run(msgspec.Struct, kw_only=True):
    id: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    version: int = 1
    state: str | None = None
    started_at: int | None = None
    finished_at: int | None = None
    duration_ms: int | None = None
    command: str | None = None
    emulator: str | None = None
    counts: _Counts = msgspec.field(default_factory=_Counts)
    scenarios: list[_Scenario] = []


def read_run(run: object) -> dict[str, Any]:
    """The run as it was given, once every field of it that is there has its type. Raises Problem."""
    try:
        msgspec.convert(run, _Run)
    except msgspec.ValidationError as error:
        raise Problem("invalid_run", f"this is not a run: {error}") from None
    assert isinstance(run, dict)
    return run


def run_summary(run: Mapping[str, Any]) -> dict[str, Any]:
    """The run's own fields, and `name`, the name of its first scenario that failed or could not run, or None."""
    scenarios = run.get("scenarios", [])
    name = next(
        (scenario.get("name") for scenario in scenarios if scenario.get("status") in ("failed", "error")),
        None,
    )
    return {**{key: value for key, value in run.items() if key != "scenarios"}, "name": name}
