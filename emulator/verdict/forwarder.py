"""Verdicts on what never reached Optimizely: what ended at Segment, in its destination, or on the way to the
Event API.
"""

import re
from collections.abc import Mapping
from typing import Any

from optilocal.emulator.datafile.history import DatafileHistory
from optilocal.emulator.verdict import before_the_mapping
from optilocal.emulator.verdict import datafile as verdict_datafile
from optilocal.emulator.verdict.delivery_report import DeliveryReport, failure_text
from optilocal.emulator.verdict.ending import Ending, event_name, retry_due
from optilocal.emulator.wording import listed, plural, quoted, when


def ending(report: DeliveryReport, history: DatafileHistory) -> Ending:
    """The ending of a delivery that left no conversion at Optimizely."""
    tell = _TELLERS.get(_outcome(report), _delivery_failed)
    return tell(report, history)


def _outcome(report: DeliveryReport) -> str:
    """What became of it: of a delivery that still waits for a retry, what its last attempt came to."""
    if report.outcome == "pending" and report.attempts:
        return str(report.attempts[-1].get("outcome") or "delivery_failed")
    return report.outcome


def _suppressed(report: DeliveryReport, _: DatafileHistory) -> Ending:
    user = quoted(report.user_id)
    return Ending(
        "suppressed_user",
        f"{event_name(report)} was dropped by Segment, because user {user} is on its suppression list; no "
        "destination saw it.",
        f"If {user} may be tracked again, send Segment a regulation of the type UNSUPPRESS for this user.",
        tuple(report.messages),
    )


def _duplicate(report: DeliveryReport, _: DatafileHistory) -> Ending:
    return Ending(
        "duplicate",
        f"{event_name(report)} was dropped by Segment, because another event with the messageId "
        f"{quoted(report.raw.get('message_id'))} had come within its de-duplication window.",
        "Give every event a messageId of its own; if this was the same event sent again, all is well.",
        tuple(report.messages),
    )


def _not_subscribed(report: DeliveryReport, _: DatafileHistory) -> Ending:
    disabled = [mapping for mapping in report.mappings if not mapping.get("enabled", True)]
    details = [_trigger(mapping) for mapping in report.mappings]
    kind = report.text("type")
    remedy = "Change the event, or the trigger of the mapping that should send it, so that the two match."
    if kind not in (None, "track"):
        remedy = (
            f"Only track calls are sent by default; add a mapping whose trigger matches {kind} to send it."
        )
    if report.details and not report.mappings:
        why = report.details[0].rstrip(".")
        if "integrations" in why:
            remedy = (
                "Let the event's integrations object name this destination with true, by its own name "
                '"Optimizely Feature Experimentation (Actions)", or leave the object out.'
            )
        elif "switched off" in why:
            remedy = "Switch the destination on, in its settings."
        elif "no mapping" in why:
            remedy = "Add a mapping whose trigger matches the event, and enable it."
    elif disabled and len(disabled) == len(report.mappings):
        why = "all of the destination's mappings are disabled"
        names = listed((mapping.get("name") for mapping in disabled), "or")
        remedy = f"Enable a mapping whose trigger matches the event: {names}."
    else:
        why = "the trigger of no enabled mapping matches it"
    if kind == "identify":
        details.append(
            "The traits of an identify call are not kept for later events: send them in context.traits."
        )
    return Ending(
        "not_subscribed",
        f"{event_name(report)} was not sent to Optimizely: {why}.",
        remedy,
        tuple(details if report.mappings else [*before_the_mapping.code_details(report), *details]),
    )


def _trigger(mapping: Mapping[str, Any]) -> str:
    sentence = f"Mapping {quoted(mapping.get('name'))} has the trigger {mapping.get('trigger')}"
    if not mapping.get("enabled", True):
        return f"{sentence}, but it is disabled."
    why = failure_text(mapping)
    return f"{sentence}, which does not match{f' ({why})' if why else ''}."


# How the forwarder marks a message on the destination's settings; what follows is Segment's own text.
_OF_SETTINGS = "destination settings: "

# What a validation message asks for, in the words of whoever sends the event.
_INVALID_REMEDIES = (
    (r"Revenue must be an integer", "Send properties.revenue as a whole number of cents: 1999 for 19.99."),
    (
        r"required field 'userId'",
        "Send a userId that is not empty, or leave it out so that anonymousId is used.",
    ),
    (r"required field 'eventKey'", "Send a track call with a non-empty event name."),
    (r"required field 'uuid'", "Send a messageId with the event."),
    (r"[Tt]imestamp", "Send an ISO 8601 timestamp such as 2026-01-15T10:00:00Z."),
    (r"Event Tags must be", "Send properties as an object."),
    (r"Event Attributes must be", "Send context.traits as an object."),
    (r"Value must be", "Send properties.value as a number."),
    (r"settings|accountId|dataFileUrl|Datafile URL", "Correct the settings of the destination."),
)


def _invalid_payload(report: DeliveryReport, _: DatafileHistory) -> Ending:
    messages = report.details or [report.error_message or "the payload does not satisfy the action's fields"]
    remedies = [
        remedy for pattern, remedy in _INVALID_REMEDIES if any(re.search(pattern, m) for m in messages)
    ]
    name = report.text("mapping")
    own = any(mapping.get("name") == name and mapping.get("fields") for mapping in report.mappings)
    if remedies and name and own:
        remedies.append(f"Or correct the mapping {quoted(name)}, which has fields of its own.")
    return Ending(
        "invalid_payload",
        f"{event_name(report)} was refused by the destination before anything was sent: "
        f"{'; '.join(message.rstrip('.') for message in messages)}.",
        " ".join(remedies)
        or "Change the event or the mapping so that every field is present and of its type.",
        tuple(message.removeprefix(_OF_SETTINGS) for message in messages),
    )


def _delivery_failed(report: DeliveryReport, _: DatafileHistory) -> Ending:
    details = [*report.messages, *[_attempt(attempt) for attempt in report.attempts]]
    if report.outcome == "sent":
        return Ending(
            "delivery_failed",
            f"{event_name(report)} was reported as sent, but Optimizely has recorded no such event.",
            "Check that the forwarder sends to this emulator, and to the same namespace; nothing was "
            "received here.",
            tuple(details),
        )
    requests = report.requests_to("events")
    last: Mapping[str, Any] = requests[-1] if requests else {}
    status = last.get("status")
    if isinstance(status, int):
        why = f"the Event API answered {status}"
        final = status == 501 or (status < 500 and status not in (408, 423, 429))
    else:
        why = failure_text(last) or report.error_message or "the report does not say why"
        why, final = why.rstrip("."), False
        if requests:
            why = f"the Event API was not reached ({why})"
    tried = max(len(report.attempts), len(requests), 1)
    remedy = (
        "Look at the request: an answer like this is final and is not tried again."
        if final
        else "Nothing is wrong with the event; deliver it again once the Event API answers."
    )
    return Ending(
        "delivery_failed",
        f"{event_name(report)} did not get through in {plural(tried, 'attempt')}: {why}.{retry_due(report)}",
        "Wait for the retry." if report.outcome == "pending" else remedy,
        tuple(details),
    )


def _attempt(attempt: Mapping[str, Any]) -> str:
    at = DeliveryReport.time(attempt, "at")
    parts = [f"Attempt {attempt.get('number')}"]
    if at is not None:
        parts.append(f"at {when(at)}")
    why = failure_text(attempt)
    return f"{' '.join(parts)}: {attempt.get('outcome')}{f' ({why})' if why else ''}."


_TELLERS = {
    "suppressed_user": _suppressed,
    "duplicate": _duplicate,
    "blocked_by_schema": before_the_mapping.blocked_by_schema,
    "consent_refused": before_the_mapping.consent_refused,
    "filtered": before_the_mapping.filtered,
    "not_subscribed": _not_subscribed,
    "invalid_payload": _invalid_payload,
    "datafile_unavailable": verdict_datafile.unavailable,
    "project_deactivated": verdict_datafile.deactivated,
    "unmatched_event_key": verdict_datafile.unmatched,
    "delivery_failed": _delivery_failed,
}


def taken_uuid(name: str, uuid: str | None, first_at: int | None) -> Ending:
    """The ending of a conversion whose uuid had already reached Optimizely with another event."""
    return Ending(
        "duplicate",
        f"{name} reached Optimizely, but an event with the uuid {quoted(uuid)} had been recorded before"
        f"{f', at {when(first_at)}' if first_at is not None else ''}; of several with one uuid only the "
        "first counts.",
        "Give every event a messageId (uuid) of its own; if this was the same event sent again, all is well.",
    )
