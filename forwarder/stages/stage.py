"""The result of one stage for one event: the event passes, changed or not, or ends here."""

from dataclasses import dataclass
from typing import Any

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ended:
    """Why the event goes no further: the outcome, Segment's own discard code (None where it documents none), sentences.

    `by` is the title of the filter or transformation that dropped it, `condition` its statement; `nearest` are close
    names.
    """

    outcome: str
    code: str | None
    details: tuple[str, ...]
    by: str | None = None
    condition: str | None = None
    nearest: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StageResult:
    """The event as it goes on, a sentence for each change, and the end, where the stage ends the event.

    `warnings` are notes `{"code", "message"}` on what the stage let pass.
    """

    event: Event
    changes: tuple[str, ...] = ()
    ended: Ended | None = None
    warnings: tuple[dict[str, str], ...] = ()


def stage_json(name: str, result: StageResult) -> dict[str, Any]:
    """A row of the report's `stages`."""
    ended = result.ended
    kind = "ended" if ended else "changed" if result.changes else "passed"
    row: dict[str, Any] = {"stage": name, "result": kind, "details": list(result.changes)}
    if ended is not None:
        row.update(code=ended.code, by=ended.by, condition=ended.condition)
        row["details"] += ended.details
        if ended.nearest:
            row["nearest"] = list(ended.nearest)
    return row
