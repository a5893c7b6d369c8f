"""What one stage says of an event: it passes, changed or not, or ends here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ended:
    """The event goes no further: the outcome, Segment's own discard code (None where it documents none), sentences.

    `by` is the title of the filter or transformation that did it, `condition` its statement; `nearest` are close names.
    """

    outcome: str
    code: str | None
    details: tuple[str, ...]
    by: str | None = None
    condition: str | None = None
    nearest: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Looked:
    """What a stage made of an event: the event as it goes on, what was changed, in sentences, and its end, if it is one.

    `warnings` are notes `{"code", "message"}` on what did not happen: a statement that failed beside the way, say.
    """

    event: Event
    changes: tuple[str, ...] = ()
    ended: Ended | None = None
    warnings: tuple[dict[str, str], ...] = ()


def stage_json(name: str, looked: Looked) -> dict[str, Any]:
    """A row of the report's `stages`."""
    ended = looked.ended
    result = "ended" if ended else "changed" if looked.changes else "passed"
    row: dict[str, Any] = {"stage": name, "result": result, "details": list(looked.changes)}
    if ended is not None:
        row.update(code=ended.code, by=ended.by, condition=ended.condition)
        row["details"] += ended.details
        if ended.nearest:
            row["nearest"] = list(ended.nearest)
    return row
