"""Verdicts on what ended at the datafile: not to be had, of a deactivated project, or without the event."""

import json
import re
from typing import Any

from optilocal.emulator.datafile.datafile import Datafile
from optilocal.emulator.datafile.history import DatafileHistory
from optilocal.emulator.datafile.nearest import Near
from optilocal.emulator.verdict.delivery_report import DeliveryReport, failure_text
from optilocal.emulator.verdict.ending import Ending, event_name, retry_due
from optilocal.emulator.wording import plural, quoted

# Longer responses were reported cut off.
_RESPONSE_LIMIT = 4096


def unavailable(report: DeliveryReport, _: DatafileHistory) -> Ending:
    why, remedy = datafile_failure(report)
    return Ending(
        "datafile_unavailable",
        f"{event_name(report)} was not sent, because the destination got no usable datafile: "
        f"{why}.{retry_due(report)}",
        remedy,
        tuple(report.messages),
    )


def datafile_failure(report: DeliveryReport) -> tuple[str, str]:
    """Why the last fetch gave no usable datafile, and what to change: two sentences."""
    requests = report.requests_to("datafile")
    if not requests:
        reasons = [*report.reasons, report.error_message or "the report does not say why"]
        return reasons[0].rstrip("."), "Check the destination's Datafile URL."
    last = requests[-1]
    status, url = last.get("status"), last.get("url") or "the Datafile URL"
    if not isinstance(status, int):
        why = failure_text(last) or report.error_message or "no answer came"
        return (
            f"{url} could not be reached ({why})",
            "Check that the Datafile URL is right and its host can be reached.",
        )
    if status in (401, 403) and "/auth/" in str(url):
        why = f"{url} answered {status}: it wants a datafile access token, which Segment never sends"
        return why, "Use the environment's public Datafile URL, or set the datafile that the URL names."
    if status == 403:
        why = f"{url} answered 403, which is how Optimizely's CDN answers an SDK key it does not know"
        return why, "Check the SDK key in the Datafile URL, and that its environment's datafile has been set."
    if status >= 500 or status in (408, 423, 429):
        return f"{url} answered {status}", "Nothing is wrong with the event; the CDN has to answer again."
    if not 200 <= status < 300:
        return f"{url} answered {status}", "Check the Datafile URL: it must answer 200 with the datafile."
    why, remedy = _unusable_body(last.get("response"))
    # The forwarder saw the whole answer with its headers and may know better.
    return (report.reasons[0].rstrip("."), remedy) if report.reasons else (why, remedy)


def _unusable_body(response: object) -> tuple[str, str]:
    text = response if isinstance(response, str) else ""
    served = "Serve the environment's datafile, whole, with a content type that contains application/json."
    if not text.strip():
        return "the answer's body is empty, which Segment takes for a deactivated project", served
    try:
        body = json.loads(text) if len(text) < _RESPONSE_LIMIT else {"events": []}
    except (ValueError, RecursionError):
        return f"the answer's body is not JSON; it begins with {quoted(text[:60])}", served
    if body is None:
        return "the answer's body is null, on which Segment's code fails with a TypeError", served
    if not isinstance(body, dict) or not isinstance(body.get("events"), list):
        return "the answer is JSON but no datafile: it has no list of events", served
    return (
        "it was served with a content type that does not contain application/json, so Segment's client "
        "kept it a text and "
        "found no event in it",
        served,
    )


def deactivated(report: DeliveryReport, _: DatafileHistory) -> Ending:
    return Ending(
        "project_deactivated",
        f"{event_name(report)} was not sent, because the Datafile URL answers that the Optimizely project "
        "is deactivated.",
        "Activate the project in Optimizely, or point the destination at the datafile of an active one.",
        tuple(report.messages),
    )


def unmatched(report: DeliveryReport, history: DatafileHistory) -> Ending:
    key = report.text("event_key") or report.text("event") or ""
    datafile = _fetched_datafile(report, history)
    if _listed_without_id(key, report, datafile):
        return Ending(
            "unmatched_event_key",
            f"The datafile lists {quoted(key)}, but without an id, and Segment's destination treats such an "
            "event as not defined.",
            f"Give {quoted(key)} its id in the datafile, as Optimizely's CDN serves it.",
            tuple(report.messages),
        )
    nearest = tuple(datafile.nearest_events(key)) if datafile else ()
    renamed = history.renamed(key, datafile) if datafile else None
    details = report.messages
    details += [f"The datafile has {quoted(near.name)}, which differs {near.difference}." for near in nearest]
    if datafile is not None:
        details.append(f"The datafile has {plural(len(datafile.events), 'event')} in all.")
    explanation = (
        f"The datafile has no event with exactly the key {quoted(key)}; keys are compared letter by letter."
    )
    if datafile is not None and datafile.event(key):
        details.append("The datafile known here does have that event: another or an older one was fetched.")
        remedy = "Check which datafile the Datafile URL serves; the one known here has the event."
    elif history.newest is not None and history.newest.event(key):
        details.append(f"A newer revision, or another environment's datafile, does have {quoted(key)}.")
        remedy = (
            f"Track {quoted(key)} again, as a newer revision has it; or point the Datafile URL at the "
            "environment that has it."
        )
    elif renamed is not None:
        explanation += f" The event of that key is now called {quoted(renamed.key)}."
        remedy = f"{_name_it(report, key, renamed.key)}, or give it its old key again in Optimizely."
        others = (near for near in nearest if near.name != renamed.key)
        nearest = (Near(renamed.key, "because it was renamed", 0), *others)
    elif nearest:
        closest = nearest[0]
        explanation += f" The closest is {quoted(closest.name)}, which differs {closest.difference}."
        remedy = f"{_name_it(report, key, closest.name)}."
    else:
        remedy = f"Create an event with the key {quoted(key)} in Optimizely, or map this one to an event that exists."
    return Ending("unmatched_event_key", explanation, remedy, tuple(details), nearest)


def _name_it(report: DeliveryReport, key: str, right: str) -> str:
    """Where to put the right key: in the source event, or in the mapping that made another of its name."""
    event, mapping = report.text("event"), report.text("mapping")
    if event is None or event == key or mapping is None:
        return f"Track the event as {quoted(right)}, or map it to that event key"
    return f"Correct the mapping {quoted(mapping)}, so that it makes {quoted(right)} of the event {quoted(event)}"


def _listed_without_id(key: str, report: DeliveryReport, datafile: Datafile | None) -> bool:
    """Whether the first event of this key has an empty id, in what was served or else in what is known."""
    served = _served_events(report)
    if served is not None:
        return next((not event.get("id") for event in served if event.get("key") == key), False)
    event = datafile.event(key) if datafile else None
    return event is not None and not event.id


def _served_events(report: DeliveryReport) -> list[dict[str, Any]] | None:
    """The events of the datafile as the report has it; None when it was cut off or is not a datafile."""
    requests = report.requests_to("datafile")
    response = requests[-1].get("response") if requests else None
    if not isinstance(response, str) or len(response) >= _RESPONSE_LIMIT:
        return None
    try:
        body = json.loads(response)
    except (ValueError, RecursionError):
        return None
    events = body.get("events") if isinstance(body, dict) else None
    return [event for event in events if isinstance(event, dict)] if isinstance(events, list) else None


def _fetched_datafile(report: DeliveryReport, history: DatafileHistory) -> Datafile | None:
    """The datafile the forwarder looked in, by the SDK key in its URL, else what is known for that time."""
    at = report.received_at
    for request in reversed(report.requests_to("datafile")):
        at = report.time(request, "at") or at
        match = re.search(r"/([^/]+)\.json(?:\?|$)", str(request.get("url")))
        datafile = history.of_key(match[1], at) if match and at is not None else None
        if datafile is not None:
            return datafile
    return history.newest if at is None else history.at(at)
