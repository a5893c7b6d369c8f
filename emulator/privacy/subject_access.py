"""One subject access request: what makes one valid, its states in order, whom it names."""

from collections.abc import Mapping
from typing import Any

from optilocal.emulator.clock import iso

KIND = "subject_access_request"
DATA_TYPES = ("user", "visitor")
IDENTIFIER_TYPES = ("email", "optimizely_end_user_id", "dcp_id", "fullstack_id", "other")
REQUEST_TYPES = ("access", "delete")
LONGEST_IDENTIFIER = 355
FINAL = ("completed", "failure")
_DAY = 86_400_000
# No figure for the time it takes is published; a month is what the law gives (assumed).
_DEADLINE_DAYS = 30
_EXPIRES_DAYS = 7


def violations(body: object) -> dict[str, str]:
    """Field → what is wrong with it; empty for a valid request."""
    if not isinstance(body, Mapping):
        return {"body": "must be a JSON object"}
    wrong = {}
    for name, allowed in (
        ("data_type", DATA_TYPES),
        ("identifier_type", IDENTIFIER_TYPES),
        ("request_type", REQUEST_TYPES),
    ):
        if body.get(name) is None:
            wrong[name] = "is required"
        elif body[name] not in allowed:
            wrong[name] = f"must be one of {', '.join(allowed)}"
    identifier = body.get("identifier")
    if identifier is None:
        wrong["identifier"] = "is required"
    elif not isinstance(identifier, str) or not identifier:
        wrong["identifier"] = "must be a text that is not empty"
    elif len(identifier) > LONGEST_IDENTIFIER:
        wrong["identifier"] = f"must have at most {LONGEST_IDENTIFIER} characters"
    if (
        body.get("data_type") == "user"
        and "identifier_type" not in wrong
        and body["identifier_type"] != "email"
    ):
        wrong["identifier_type"] = "must be email when data_type is user"
    return wrong


def new_request(number: int, body: Mapping[str, Any], account_id: str | None, now: int) -> dict[str, Any]:
    """A pending request, as its own API shows it."""
    numeric = account_id is not None and account_id.isascii() and account_id.isdigit()
    return {
        "id": number,
        "account_id": int(account_id) if account_id is not None and numeric else None,
        "data_type": body["data_type"],
        "identifier": body["identifier"],
        "identifier_type": body["identifier_type"],
        "request_type": body["request_type"],
        "status": "pending",
        "requested_at_time": iso(now),
        "processing_started_time": None,
        "completed_at_time": None,
        "sla_deadline_time": iso(now + _DEADLINE_DAYS * _DAY),
        "expired_at_time": None,
        "export_location": None,
    }


def named_visitor(request: Mapping[str, Any]) -> str | None:
    """The visitor id that a request names, or None.

    Only `fullstack_id` of a visitor means the id that events bear; an account or an e-mail address names nobody here.
    """
    if request["data_type"] == "visitor" and request["identifier_type"] == "fullstack_id":
        return str(request["identifier"])
    return None


def moved(request: Mapping[str, Any], to: str, now: int, export_location: str | None) -> dict[str, Any]:
    """The request in its next state: `processing`, `completed` or `failure`."""
    changed = {**request, "status": to}
    if changed["processing_started_time"] is None:
        changed["processing_started_time"] = iso(now)
    if to == "completed":
        changed["completed_at_time"] = iso(now)
        changed["expired_at_time"] = iso(now + _EXPIRES_DAYS * _DAY)
        if request["request_type"] == "access":
            changed["export_location"] = export_location
    return changed
