"""Segment's Public API for deletion and suppression: regulations and their status, the suppression list."""

from typing import Any

from flask import Blueprint, Response, jsonify

from optilocal.forwarder.api.body import read_json
from optilocal.forwarder.context import context
from optilocal.forwarder.pipeline.delivery import DEAD
from optilocal.forwarder.pipeline.source_event import deletion_event, iso_time
from optilocal.forwarder.pipeline.suppression import REACHES_DESTINATIONS, REGULATION_TYPES, regulate
from optilocal.forwarder.stages.integrations import DISPLAY_NAME
from optilocal.forwarder.store.spool import SpooledDelivery
from optilocal.serving.site import current_namespace

blueprint = Blueprint("regulations", __name__)

DESTINATION_ID = "641d5acea88fa531b9068608"
MAX_SUBJECTS = 5000
SUBJECT_KINDS = {"USER_ID": "user_id", "ANONYMOUS_ID": "anonymous_id", "OBJECT_ID": None}
"""Subject type → kind of subject. An OBJECT_ID names a row of a cloud source, which no event and no destination has."""


class _Invalid(Exception):
    """A field of the request that is not valid; 422 as at Segment."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@blueprint.post("/regulations")
@blueprint.post("/regulations/sources/<source>")
@blueprint.post("/regulations/cloudsources/<source>")
def create(source: str | None = None) -> tuple[Response, int]:
    try:
        kind, subjects, regulation_type, subject_type = _read(read_json())
    except _Invalid as invalid:
        error = {"type": "unprocessable-entity", "field": invalid.field, "message": str(invalid)}
        return jsonify(errors=[{**error, "status": 422}]), 422
    parts, namespace = context(), current_namespace()
    now, regulation_id = parts.clock.now_ms(), parts.new_id()
    record = {
        "id": regulation_id,
        "regulationType": regulation_type,
        "subjectType": subject_type,
        "subjectIds": subjects,
        "sourceId": source,
        "createdAt": iso_time(now),
    }
    # The list, the regulation and its deletions are on disk together or not at all.
    with parts.spool.transaction():
        parts.spool.add_regulation(namespace, regulation_id, record)
        if kind is not None:
            for subject in subjects:
                regulate(parts.spool, namespace, regulation_type, kind, subject, at=now)
            if regulation_type in REACHES_DESTINATIONS:
                events = [(_deletion(kind, subject, parts.new_id(), now), ()) for subject in subjects]
                parts.dispatcher.accept(namespace, events, regulation=regulation_id)
    return jsonify(data={"regulateId": regulation_id}), 200


@blueprint.get("/regulations")
def listing() -> Response:
    rows = [_status(record, _deletions(record["id"])) for record in _regulations()]
    return jsonify(data={"regulations": rows, "pagination": {"totalEntries": len(rows)}})


@blueprint.get("/regulations/<regulation_id>")
def get(regulation_id: str) -> tuple[Response, int]:
    for record in _regulations():
        if record["id"] == regulation_id:
            return jsonify(data={"regulation": _status(record, _deletions(regulation_id))}), 200
    error = {"type": "not-found", "message": f"there is no regulation {regulation_id}", "status": 404}
    return jsonify(errors=[error]), 404


@blueprint.get("/suppressions")
def suppressions() -> Response:
    rows = [
        {"attributes": [subject], "regulationId": None, "createdAt": iso_time(at), "kind": kind}
        for kind in ("user_id", "anonymous_id")
        for subject, at in context().spool.suppressed(current_namespace(), kind)
    ]
    return jsonify(data={"suppressions": rows, "pagination": {"totalEntries": len(rows)}})


def _regulations() -> list[dict[str, Any]]:
    return context().spool.regulations(current_namespace())


def _deletions(regulation_id: str) -> list[SpooledDelivery]:
    filters = {"regulation": regulation_id}
    return context().spool.listing(current_namespace(), limit=MAX_SUBJECTS, filters=filters)


def _read(body: Any) -> tuple[str | None, list[str], str, str]:
    if not isinstance(body, dict):
        raise _Invalid("", "the body is a JSON object {regulationType, subjectType, subjectIds}")
    regulation_type = body.get("regulationType")
    if not isinstance(regulation_type, str) or regulation_type not in REGULATION_TYPES:
        raise _Invalid("regulationType", f"regulationType is one of {', '.join(sorted(REGULATION_TYPES))}")
    subject_type = body.get("subjectType", "USER_ID")
    if not isinstance(subject_type, str) or subject_type not in SUBJECT_KINDS:
        raise _Invalid("subjectType", f"subjectType is one of {', '.join(SUBJECT_KINDS)}")
    subjects = body.get("subjectIds")
    if (
        not isinstance(subjects, list)
        or not subjects
        or not all(isinstance(subject, str) and subject for subject in subjects)
    ):
        raise _Invalid(
            "subjectIds", "subjectIds is a list of at least one id, each a string that is not empty"
        )
    if len(subjects) > MAX_SUBJECTS:
        raise _Invalid(
            "subjectIds", f"subjectIds has {len(subjects)} ids; a call takes at most {MAX_SUBJECTS}"
        )
    return SUBJECT_KINDS[subject_type], list(dict.fromkeys(subjects)), regulation_type, subject_type


def _deletion(kind: str, subject: str, unique: str, now: int) -> dict[str, Any]:
    user, anonymous = (subject, None) if kind == "user_id" else (None, subject)
    return deletion_event(user, message_id=f"delete-{unique}", at=now, anonymous_id=anonymous)


def _status(record: dict[str, Any], deletions: list[SpooledDelivery]) -> dict[str, Any]:
    """A regulation with its status, in the Public API's shape.

    Source: https://segment.com/docs/privacy/user-deletion-and-suppression/.
    """
    states = [spooled.state for spooled in deletions]
    reports = [spooled.delivery.report for spooled in deletions]
    errors = [report["details"][0] for report in reports if report["outcome"] in DEAD]
    if "pending" in states:
        status = "RUNNING"
    elif errors:
        status = "FAILED" if len(errors) == len(states) else "PARTIAL_SUCCESS"
    else:
        status = "FINISHED"
    ended = [report["attempts"][-1]["at"] for report in reports if report["attempts"]]
    finished = None if status == "RUNNING" else iso_time(max(ended)) if ended else record["createdAt"]
    destination = {
        "name": DISPLAY_NAME,
        "id": DESTINATION_ID,
        "status": status,
        "errString": errors[0] if errors else "",
        "finishedAt": finished,
    }
    reached = (
        [{"id": record["sourceId"] or "optilocal", "destinationStatus": [destination]}] if deletions else []
    )
    return {
        "id": record["id"],
        "workspaceId": "optilocal",
        "overallStatus": status,
        "createdAt": record["createdAt"],
        "finishedAt": finished,
        "streamStatus": reached,
        "regulationType": record["regulationType"],
        "subjectType": record["subjectType"],
        "subjectIds": record["subjectIds"],
    }
