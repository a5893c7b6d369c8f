"""One line a verdict: time, event, visitor, outcome, the short reason."""

from datetime import UTC, datetime
from typing import Any

import click

from optilocal.serving.printable import printable

SHORT = {
    "suppressed_user": "the user is suppressed at Segment",
    "duplicate": "an event with this messageId came before",
    "blocked_by_schema": "the source's schema blocks it",
    "consent_refused": "its consent does not cover the destination",
    "filtered": "a filter drops it",
    "not_subscribed": "no mapping's trigger matches",
    "invalid_payload": "Segment refuses its fields",
    "datafile_unavailable": "the CDN gave no usable datafile",
    "project_deactivated": "the project is deactivated",
    "unmatched_event_key": "no event of the datafile has this key",
    "delivery_failed": "the Event API did not take it",
    "wrong_account": "its account is that of no datafile here",
    "no_experiment": "no experiment has it as a metric",
    "experiment_not_running": "no experiment with this metric is running",
    "unidentified_user": "it has no userId, and the anonymousId has no decision",
    "user_not_activated": "the visitor has no decision in an experiment with this metric",
    "activated_too_late": "the decision came after the event",
    "excluded": "Optimizely leaves it out of results",
}
"""Why an event with this outcome is not counted, where the verdict has no detail of its own."""
_BY_DETAIL = (
    "filtered",
    "blocked_by_schema",
    "invalid_payload",
    "datafile_unavailable",
    "delivery_failed",
    "excluded",
)
_LONGEST_REASON = 100


def verdict_line(verdict: dict[str, Any], *, colour: bool = False) -> str:
    """The verdict on one line; nothing in it can steer a terminal."""
    outcome = verdict["outcome"] or verdict["kind"]
    event = verdict["event"] or verdict["event_key"] or (verdict.get("delivery") or {}).get("type") or ""
    visitor = verdict["visitor_id"] or verdict["user_id"] or verdict["anonymous_id"] or ""
    cell = f"{outcome:<22}"
    if colour:
        cell = click.style(cell, fg="green" if outcome == "counted" else "red")
    cells = (_time(verdict["timestamp"]), f"{printable(event):<20}", f"{printable(visitor):<12}", cell)
    line = "  ".join((*cells, printable(short_reason(verdict))))
    return line.rstrip()


def short_reason(verdict: dict[str, Any]) -> str:
    """Why, in a few words: where it counted, or what stood in the way."""
    outcome = verdict["outcome"]
    if outcome == "counted":
        return ", ".join(f"{row['experiment']} → {row['variation']}" for row in verdict["attributed_to"])
    if outcome is None:
        return str(verdict["explanation"])
    reason = SHORT.get(outcome, str(verdict["explanation"]))
    if outcome in _BY_DETAIL and verdict["details"]:
        reason = str(verdict["details"][0])
    if outcome == "unmatched_event_key" and verdict.get("nearest"):
        reason += f"; near: {', '.join(_key(near) for near in verdict['nearest'])}"
    return reason if len(reason) <= _LONGEST_REASON else reason[: _LONGEST_REASON - 1] + "…"


def _key(near: Any) -> str:
    return str(near["key"] if isinstance(near, dict) else near)


def _time(milliseconds: int | None) -> str:
    if milliseconds is None:
        return "--:--:--"
    try:
        return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%H:%M:%S}"
    except (OverflowError, ValueError, OSError):
        return "--:--:--"
