"""Segment's Public API for deletion and suppression: regulations, the suppression list, how far each has come."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, jsonify, request

from optilocal.forwarder.api.control_body import read_json
from optilocal.forwarder.clock import Clock
from optilocal.forwarder.pipeline.delivery import DEAD
from optilocal.forwarder.pipeline.source_event import deletion_event, iso_time
from optilocal.forwarder.pipeline.suppression import REACHES_DESTINATIONS, REGULATION_TYPES, regulate
from optilocal.forwarder.queue.dispatcher import Dispatcher
from optilocal.forwarder.stages.integrations import DISPLAY_NAME
from optilocal.forwarder.store.memory import SpooledSuppressionList
from optilocal.forwarder.store.spool import Spool, SpooledDelivery
from optilocal.serving.site import current_namespace

DESTINATION_ID = "641d5acea88fa531b9068608"
MAX_SUBJECTS = 5000
SUBJECT_KINDS = {"USER_ID": "user_id", "ANONYMOUS_ID": "anonymous_id", "OBJECT_ID": None}
"""Subject type → kind of subject. An OBJECT_ID names a row of a cloud source: no event and no destination has it."""


class _Invalid(Exception):
    """A field of the request that cannot be used; 422 as at Segment."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def regulations(spool: Spool, dispatcher: Dispatcher, clock: Clock, ids: Callable[[], str]) -> Blueprint:
    """The routes `/regulations` and `/suppressions`."""
    api = Blueprint("regulations", __name__)

    @api.post("/regulations")
    @api.post("/regulations/sources/<source>")
    @api.post("/regulations/cloudsources/<source>")
    def create(source: str | None = None) -> tuple[Response, int]:
        try:
            kind, subjects, regulation_type, subject_type = _read(read_json(request))
        except _Invalid as invalid:
            error = {
                "type": "unprocessable-entity",
                "field": invalid.field,
                "message": str(invalid),
                "status": 422,
            }
            return jsonify(errors=[error]), 422
        namespace, now, regulation_id = current_namespace(), clock.now_ms(), ids()
        record = {
            "id": regulation_id,
            "regulationType": regulation_type,
            "subjectType": subject_type,
            "subjectIds": subjects,
            "sourceId": source,
            "createdAt": iso_time(now),
        }
        # The list, the regulation and its deletions are on disk together or not at all.
        with spool.transaction():
            spool.add_regulation(namespace, regulation_id, record)
            if kind is not None:
                suppressed = SpooledSuppressionList(spool, namespace)
                for subject in subjects:
                    regulate(suppressed, regulation_type, kind, subject, now)
                if regulation_type in REACHES_DESTINATIONS:
                    events = [_deletion(kind, subject, ids(), now) for subject in subjects]
                    dispatcher.accept(namespace, [(event, ()) for event in events], regulation=regulation_id)
        return jsonify(data={"regulateId": regulation_id}), 200

    @api.get("/regulations")
    def listing() -> Response:
        namespace = current_namespace()
        found = [_status(one, _of(namespace, one["id"])) for one in spool.regulations(namespace)]
        return jsonify(data={"regulations": found, "pagination": {"totalEntries": len(found)}})

    @api.get("/regulations/<regulation_id>")
    def one(regulation_id: str) -> tuple[Response, int]:
        namespace = current_namespace()
        for record in spool.regulations(namespace):
            if record["id"] == regulation_id:
                return jsonify(data={"regulation": _status(record, _of(namespace, regulation_id))}), 200
        error = {"type": "not-found", "message": f"there is no regulation {regulation_id}", "status": 404}
        return jsonify(errors=[error]), 404

    @api.get("/suppressions")
    def suppressions() -> Response:
        namespace = current_namespace()
        found = [
            {"attributes": [subject], "regulationId": None, "createdAt": iso_time(at), "kind": kind}
            for kind in ("user_id", "anonymous_id")
            for subject, at in spool.suppressed(namespace, kind)
        ]
        return jsonify(data={"suppressions": found, "pagination": {"totalEntries": len(found)}})

    def _of(namespace: str, regulation_id: str) -> list[SpooledDelivery]:
        return spool.listing(namespace, limit=MAX_SUBJECTS, filters={"regulation": regulation_id})

    return api


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
        or not all(isinstance(one, str) and one for one in subjects)
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


def _status(record: dict[str, Any], deliveries: list[SpooledDelivery]) -> dict[str, Any]:
    """How far a regulation has come, in Segment's words.

    Source: segment.com/docs/privacy/user-deletion-and-suppression.
    """
    states = [one.state for one in deliveries]
    errors = [one.delivery.report["details"][0] for one in deliveries if one.delivery.outcome in DEAD]
    if "pending" in states:
        status = "RUNNING"
    elif errors:
        status = "FAILED" if len(errors) == len(states) else "PARTIAL_SUCCESS"
    else:
        status = "FINISHED"
    ended = [
        one.delivery.report["attempts"][-1]["at"] for one in deliveries if one.delivery.report["attempts"]
    ]
    finished = None if status == "RUNNING" else iso_time(max(ended)) if ended else record["createdAt"]
    destination = {
        "name": DISPLAY_NAME,
        "id": DESTINATION_ID,
        "status": status,
        "errString": errors[0] if errors else "",
        "finishedAt": finished,
    }
    reached = (
        [{"id": record["sourceId"] or "optilocal", "destinationStatus": [destination]}] if deliveries else []
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
