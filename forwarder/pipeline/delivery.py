"""A delivery: one source event, and the report of what was done with it, which grows with every attempt."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from optilocal.forwarder.javascript.json import plain_json
from optilocal.forwarder.stages.course import SOURCE, Course

Report = dict[str, Any]

FURTHEST_LAST = (
    "disabled",
    "not_subscribed",
    "invalid_payload",
    "datafile_unavailable",
    "project_deactivated",
    "unmatched_event_key",
    "delivery_failed",
    "pending",
    "sent",
)
"""Outcomes of a mapping by how far it got, the least first. The report's outcome is that of the mapping that got
furthest.
"""

REPLAYED = frozenset(FURTHEST_LAST) - {"disabled", "not_subscribed", "sent"}
"""Outcomes of a mapping that a replay runs again."""

DEAD = REPLAYED - {"pending"}
"""Outcomes of a dead letter."""


NOT_MAPPED: Final[Report] = {
    "mapping": None,
    "trigger": None,
    "payload": None,
    "visitor_id": None,
    "event_key": None,
    "error": None,
    "mappings": [],
}
"""The report's fields about mappings before any mapping ran."""


@dataclass(frozen=True)
class Delivery:
    """One source event and everything done with it so far.

    `report` has the shape that is posted to `/_emulator/deliveries` (docs/shapes.md); `number` is the
    emulator's number of it, None before the emulator has answered; `retry_at` (epoch ms) is set while another attempt
    is due; a replay sets `since` (epoch ms), from which its time counts, and `attempts_before`, the number of earlier
    attempts.
    """

    report: Report
    number: int | None = None
    retry_at: int | None = None
    reported: bool = False
    since: int | None = None
    attempts_before: int = 0

    @property
    def id(self) -> str:
        """The id under which the emulator replaces an earlier report of the same delivery."""
        return str(self.report["id"])

    @property
    def outcome(self) -> str:
        """The report's outcome."""
        return str(self.report["outcome"])

    def with_report(self, **changes: Any) -> Delivery:
        """The same delivery with other values in its report."""
        return replace(self, report={**self.report, **changes}, reported=False)


_JSON: Final = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":"))


def report_text(report: Report) -> str:
    """A report as JSON in ASCII, for the spool and for the emulator."""
    try:
        return _JSON.encode(report)
    except ValueError:
        # A mapping may be configured with a number beyond the range of a double, which is null on the wire.
        return _JSON.encode(plain_json(report))


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    return None if value is None or isinstance(value, dict | list) else str(value)


def new_report(
    source_event: Mapping[str, Any],
    *,
    delivery_id: str,
    received_at: int,
    warnings: Sequence[dict[str, str]] = (),
) -> Report:
    """The report of an event before anything was done with it."""
    return {
        "id": delivery_id,
        "type": _text(source_event.get("type")) or "track",
        "message_id": _text(source_event.get("messageId")),
        "event": _text(source_event.get("event")),
        "user_id": _text(source_event.get("userId")),
        "anonymous_id": _text(source_event.get("anonymousId")),
        "source_event": plain_json(dict(source_event)),
        "received_at": received_at,
        "outcome": "pending",
        **NOT_MAPPED,
        "details": [],
        "requests": [],
        "attempts": [],
        "warnings": list(warnings),
    }


def stages_json(report: Report, course: Course) -> dict[str, Any]:
    """The stages' fields of a report: a row for each stage, and the event where they changed it."""
    added: dict[str, Any] = {}
    if course.rows or "stages" in report:
        earlier = [row for row in report.get("stages", ()) if row["stage"] in SOURCE]
        added["stages"] = [*earlier, *course.rows] if report["attempts"] else list(course.rows)
    if course.archived is not report["source_event"]:
        added["archived_event"] = course.archived
    if course.event is not report["source_event"]:
        added["mapped_event"] = course.event
    if course.warnings:
        added["warnings"] = [*report["warnings"], *course.warnings]
    return added


def archived_event(report: Report) -> dict[str, Any]:
    """The event after the source's stages, with which a replay begins."""
    event: dict[str, Any] = report["archived_event" if "archived_event" in report else "source_event"]
    return event


def mapped_event(report: Report) -> dict[str, Any]:
    """The event after all stages, which triggers and mappings get."""
    event: dict[str, Any] = report["mapped_event" if "mapped_event" in report else "source_event"]
    return event


def summary(entries: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The report's top-level fields, from the enabled mapping that got furthest, the first of several."""
    enabled = [entry for entry in entries if entry["enabled"]]
    best = max(enabled, key=lambda entry: FURTHEST_LAST.index(entry["outcome"]), default=None)
    if best is None or best["outcome"] == "not_subscribed":
        tried = [f"{entry['name']!r} ({entry['trigger']})" for entry in enabled]
        off = [entry["name"] for entry in entries if not entry["enabled"]]
        why = f"no trigger matches: {', '.join(tried)}" if tried else "no mapping is enabled"
        details = [why] + ([f"disabled: {', '.join(map(repr, off))}"] if off else [])
        return {"outcome": "not_subscribed", "details": details}
    payload = best["payload"] or {}
    return {
        "outcome": best["outcome"],
        "mapping": best["name"],
        "trigger": best["trigger"],
        "payload": best["payload"],
        "visitor_id": payload.get("userId"),
        "event_key": payload.get("eventKey"),
        "error": best["error"],
        "details": list(best["details"]),
    }
