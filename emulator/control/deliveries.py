"""What a forwarder reports, on its way in: missing fields become nulls, the uuid of its conversion is found."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from optilocal.emulator.journal.records import Report
from optilocal.emulator.json_text import as_object, dumps, objects, storable, storable_text
from optilocal.emulator.problems import Problem
from optilocal.emulator.verdict.verdict import delivered_uuid

LONGEST_ID = 200
MOST_REPORTS = 1_000
_LISTS_OF_OBJECTS = ("requests", "attempts", "mappings", "warnings")
_OBJECTS = ("source_event", "payload", "error")
# What was wrong in a source event is evidence: these are kept whatever they are.
_ANYTHING = (
    *("message_id", "event", "user_id", "anonymous_id", "visitor_id"),
    *("event_key", "mapping", "trigger", "details"),
)
_TEXTS = ("id", "type", "outcome")
_MAY_HAVE_SENT = ("sent", "pending", "delivery_failed")


def read_reports(body: object, now: int, new_id: Callable[[], str]) -> list[dict[str, Any]]:
    """One report, or a list of 1 to `MOST_REPORTS` of which every single one can be taken. Raises Problem."""
    if not isinstance(body, list):
        return [read_report(body, now, new_id)]
    if not 0 < len(body) <= MOST_REPORTS:
        why = f"a list of deliveries has 1 to {MOST_REPORTS} objects, this one {len(body)}"
        raise Problem("invalid_delivery", why)
    reports = []
    for index, report in enumerate(body):
        try:
            reports.append(read_report(report, now, new_id))
        except Problem as error:
            raise Problem(
                "invalid_delivery", f"delivery [{index}]: {error}; none of the {len(body)} was kept"
            ) from None
    return reports


def read_report(body: object, now: int, new_id: Callable[[], str]) -> dict[str, Any]:
    """A report with every field of "Delivery" in docs/shapes.md. Raises Problem.

    Without an id it gets a new one, and without a time of receipt the namespace's `now`.
    """
    if not isinstance(body, Mapping):
        raise Problem("invalid_delivery", "a delivery is a JSON object")
    report: dict[str, Any] = dict.fromkeys((*_TEXTS, *_ANYTHING, *_OBJECTS))
    report |= {name: [] for name in (*_LISTS_OF_OBJECTS, "details")}
    report |= {name: value for name, value in body.items() if value is not None}
    for name in _TEXTS:
        if not isinstance(report[name], str | None):
            raise Problem("invalid_delivery", f'"{name}" must be a text, or null')
    for name in _OBJECTS:
        if not isinstance(report[name], dict | None):
            raise Problem("invalid_delivery", f'"{name}" must be an object, or null')
    for name in _LISTS_OF_OBJECTS:
        if not isinstance(report[name], list) or not all(isinstance(item, dict) for item in report[name]):
            raise Problem("invalid_delivery", f'"{name}" must be a list of objects')
    details = report["details"]
    if not isinstance(details, list) or not all(isinstance(item, str) for item in details):
        raise Problem("invalid_delivery", '"details" must be a list of texts')
    received_at = report.setdefault("received_at", now)
    if not isinstance(received_at, int) or isinstance(received_at, bool):
        raise Problem("invalid_delivery", '"received_at" must be a time in epoch milliseconds')
    if report["id"] is None:
        report["id"] = new_id()
    if not 0 < len(report["id"]) <= LONGEST_ID:
        raise Problem("invalid_delivery", f'"id" must have 1 to {LONGEST_ID} characters')
    return report


def as_kept(report: Mapping[str, Any]) -> Report:
    """A report as the journal keeps it: by which texts it is looked up, and which conversion is its own."""
    visitor, user, anonymous, message = (
        storable_text(report.get(name)) for name in ("visitor_id", "user_id", "anonymous_id", "message_id")
    )
    kind = "deletion" if report.get("type") == "delete" else "event"
    return Report(
        delivery_id=storable(report["id"]) or "",
        kind=kind,
        message_id=message,
        uuid=storable(_uuid(report)),
        visitor_id=visitor,
        user_id=user,
        anonymous_id=anonymous,
        event_key=storable_text(report.get("event_key") or report.get("event")),
        timestamp=str(_timestamp(report)),
        sent=any(request.get("to") == "events" for request in report["requests"]),
        waits=kind == "event" and report.get("outcome") in _MAY_HAVE_SENT,
        delivery=dumps(report),
    )


def _uuid(report: Mapping[str, Any]) -> str | None:
    """The uuid that its conversion bears: as it stands in the requests, else in the payload, else its messageId."""
    uuids = (event.get("uuid") for event in _sent_events(report))
    sent = next((uuid for uuid in uuids if isinstance(uuid, str) and uuid), None)
    message_id = report["message_id"]
    return sent or delivered_uuid(report) or (message_id if isinstance(message_id, str) else None)


def _timestamp(report: Mapping[str, Any]) -> int | None:
    """The timestamp of its conversion as it stands in the requests, epoch milliseconds; None when there is none."""
    stamps = (event.get("timestamp") for event in _sent_events(report))
    return next((at for at in stamps if isinstance(at, int) and not isinstance(at, bool)), None)


def _sent_events(report: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The events of the event batches it sent, as far as they are some."""
    for request in report["requests"]:
        if request.get("to") == "events":
            for visitor in objects(as_object(request.get("json")).get("visitors")):
                for snapshot in objects(visitor.get("snapshots")):
                    yield from objects(snapshot.get("events"))
