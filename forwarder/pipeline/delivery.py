"""A delivery: what was done with one source event, grown attempt by attempt into the report that the emulator
takes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from optilocal.forwarder.errors import DestinationError, HTTPError
from optilocal.forwarder.javascript.json import plain_json
from optilocal.forwarder.stages.course import SOURCE, Course

Report = dict[str, Any]

SOURCE_STAGES = frozenset(stage.name for stage in SOURCE)

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
"""How far a mapping got, the least first: where several mappings were looked at, the last of these speaks for all."""

REPLAYED = frozenset(FURTHEST_LAST) - {"disabled", "not_subscribed", "sent"}
"""Outcomes of a mapping that a replay takes up again."""

DEAD = REPLAYED - {"pending"}
"""Outcomes with which an accepted event ends among the dead letters."""


NOT_MAPPED: Final[Report] = {
    "mapping": None,
    "trigger": None,
    "payload": None,
    "visitor_id": None,
    "event_key": None,
    "error": None,
    "mappings": [],
}
"""What a report says of mappings before any was looked at."""


@dataclass(frozen=True)
class Delivery:
    """One source event and everything done with it so far.

    `report` has the shape that is posted to `/_emulator/deliveries`; `number` is the emulator's answer, None
    where it was not asked or not reached; `retry_at` (epoch ms) is set while another attempt is due.
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
    """A report as JSON, in ASCII: so it is kept in the spool, and so the emulator gets it."""
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
    """The report of an event of which nothing is known yet but how it came in."""
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


def stages_json(report: Report, way: Course) -> dict[str, Any]:
    """What the stages add to a report: what each of them did, and the event where they changed it."""
    added: dict[str, Any] = {}
    if way.rows or "stages" in report:
        kept = [row for row in report.get("stages", ()) if row["stage"] in SOURCE_STAGES]
        added["stages"] = [*kept, *way.rows] if report["attempts"] else list(way.rows)
    if way.archived is not report["source_event"]:
        added["archived_event"] = way.archived
    if way.event is not report["source_event"]:
        added["mapped_event"] = way.event
    if way.warnings:
        added["warnings"] = [*report["warnings"], *way.warnings]
    return added


def archived_event(report: Report) -> dict[str, Any]:
    """The event as the source's stages left it: what a replay begins with."""
    event: dict[str, Any] = report["archived_event" if "archived_event" in report else "source_event"]
    return event


def mapped_event(report: Report) -> dict[str, Any]:
    """The event that triggers and mappings look at: as all stages left it."""
    event: dict[str, Any] = report["mapped_event" if "mapped_event" in report else "source_event"]
    return event


def error_json(error: DestinationError) -> dict[str, Any]:
    """`{"name", "message", "status", "code"}` with Segment's values; status and code are null where it has none."""
    return {"name": error.name, "message": error.message, "status": error.status, "code": error.code}


def http_status(error: DestinationError) -> int | None:
    """The status that decides on a retry: the HTTP answer's, else the error's own."""
    return int(error.response.status) if isinstance(error, HTTPError) else error.status


def furthest(entries: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """The mapping that got furthest; of several that got equally far the first."""
    looked_at = [entry for entry in entries if entry["enabled"]]
    if not looked_at:
        return None
    return max(looked_at, key=lambda entry: FURTHEST_LAST.index(entry["outcome"]))


def summary(entries: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The report's top-level fields as the mapping that got furthest has them."""
    best = furthest(entries)
    if best is None or best["outcome"] == "not_subscribed":
        tried = [f"{entry['name']!r} ({entry['trigger']})" for entry in entries if entry["enabled"]]
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
