"""`/_emulator/*`, what is set: datafiles and their state, faults, the clock, the progress of subject access requests."""

import re
from typing import Any

from flask import Blueprint, Response, request

from optilocal.emulator.clock import ClockError, iso, namespace_time, parse_time
from optilocal.emulator.context import CLOCK, base_url, context, namespace
from optilocal.emulator.control.listing import asked_namespace, whole_listing
from optilocal.emulator.control.reading import json_body, json_response
from optilocal.emulator.datafile.datafile import DatafileError
from optilocal.emulator.datafile.store import DatafileStore, datafile_url, listed, read_content
from optilocal.emulator.privacy import subject_access
from optilocal.emulator.privacy.erasure import erase, export
from optilocal.emulator.problems import Problem
from optilocal.emulator.wire import faults

blueprint = Blueprint("control_settings", __name__, url_prefix="/_emulator")
_SDK_KEY = re.compile(r"[^\s/?#%\\\x00-\x1f\x7f]{1,128}")
_CONTENT_TYPE = re.compile(r"[\x20-\x7e]{1,200}")


def _store() -> DatafileStore:
    return DatafileStore(context().journal, namespace())


def _now() -> int:
    return context().now(namespace())


# -- datafiles


@blueprint.get("/datafiles")
def datafiles() -> Response:
    return whole_listing(
        "datafiles", listed(context().journal, asked_namespace(), request.host_url.rstrip("/"))
    )


@blueprint.put("/datafiles/<sdk_key>")
def put_datafile(sdk_key: str) -> Response:
    if not _SDK_KEY.fullmatch(sdk_key):
        raise Problem("invalid_parameter", "an SDK key has 1 to 128 characters, no spaces and no slashes")
    try:
        text = request.get_data().decode()
    except UnicodeDecodeError as error:
        raise Problem(
            "invalid_datafile", f"the body is not UTF-8 text: {error.reason} at byte {error.start}"
        ) from None
    raw = request.args.get("raw", "0").lower() in ("1", "true", "yes")
    content_type, status = request.args.get("content_type"), request.args.get("status")
    if content_type is not None and not _CONTENT_TYPE.fullmatch(content_type):
        raise Problem("invalid_parameter", "content_type must be printable ASCII, at most 200 characters")
    if status is not None and not re.fullmatch(r"[2-5][0-9][0-9]", status):
        raise Problem("invalid_parameter", "status must be a number from 200 to 599")
    try:
        content = read_content(
            text,
            raw=raw,
            content_type=content_type,
            status=int(status) if status else None,
            token=request.args.get("token") or None,
        )
    except DatafileError as error:
        raise Problem("invalid_datafile", str(error)) from None
    new, warnings = _store().put(sdk_key, content, _now())
    answer = {
        "sdkKey": sdk_key,
        "revision": content.revision,
        "url": datafile_url(base_url(), sdk_key),
        "warnings": warnings,
    }
    return json_response(answer, 201 if new else 200)


@blueprint.get("/datafiles/<sdk_key>")
def get_datafile(sdk_key: str) -> Response:
    """The text as it was set, or with `at` the datafile of that time; the list of datafiles tells state and history."""
    state = _known(sdk_key)
    if "at" in request.args:
        return json_response(_held_at(sdk_key, request.args["at"]))
    is_json = state["revision"] is not None
    return Response(
        state["text"], content_type="application/json" if is_json else "text/plain; charset=utf-8"
    )


def _held_at(sdk_key: str, at: str) -> dict[str, Any]:
    if not re.fullmatch(r"[0-9]{1,15}", at):
        raise Problem("invalid_parameter", "at is a time in epoch milliseconds")
    datafile = _store().held_at(sdk_key, int(at))
    if datafile is None:
        raise Problem(
            "unknown_datafile", f"{sdk_key!r:.140} never held a datafile in namespace {namespace()}"
        )
    return datafile


def _known(sdk_key: str) -> dict[str, Any]:
    state = _store().get(sdk_key)
    if state is None:
        raise Problem(
            "unknown_datafile",
            f"no datafile {sdk_key!r:.140} in namespace {namespace()}; set it with PUT {request.path}",
        )
    return state


@blueprint.delete("/datafiles/<sdk_key>")
def delete_datafile(sdk_key: str) -> Response:
    _known(sdk_key)
    _store().forget(sdk_key, _now())
    return json_response({"sdkKey": sdk_key, "forgotten": True})


@blueprint.put("/datafiles/<sdk_key>/state")
def put_state(sdk_key: str) -> Response:
    body = json_body()
    wanted = body.get("deactivated") if isinstance(body, dict) and set(body) == {"deactivated"} else None
    if not isinstance(wanted, bool):
        raise Problem("bad_request", 'a state is {"deactivated": true} or {"deactivated": false}')
    _known(sdk_key)
    _store().set_deactivated(sdk_key, wanted, _now())
    return json_response({"sdkKey": sdk_key, "deactivated": wanted})


# -- faults


@blueprint.get("/faults")
def get_faults() -> Response:
    rows = [
        {"namespace": space, **rule, "active": faults.is_active(rule)}
        for space, _, rules in context().journal.documents(faults.KIND, asked_namespace())
        for rule in rules
    ]
    return whole_listing("faults", rows)


@blueprint.put("/faults")
def put_faults() -> Response:
    try:
        rules = faults.parse_rules(json_body())
    except faults.FaultError as error:
        raise Problem("invalid_fault", str(error)) from None
    context().journal.change_document(faults.KIND, namespace(), lambda _: rules)
    shown_rules = [{"namespace": namespace(), **rule, "active": faults.is_active(rule)} for rule in rules]
    return json_response({"faults": shown_rules})


@blueprint.delete("/faults")
def delete_faults() -> Response:
    context().journal.change_document(faults.KIND, namespace(), lambda _: None)
    return json_response({"faults": []})


# -- the clock


@blueprint.get("/clock")
def get_clock() -> Response:
    return _clock(context().journal.document(CLOCK, namespace()))


@blueprint.put("/clock")
def put_clock() -> Response:
    body = json_body()
    if not isinstance(body, dict) or set(body) - {"now", "frozen"} or "now" not in body:
        wanted = 'a clock is set with {"now": "2026-01-15T10:00:00Z"}, and "frozen": false to let it run'
        raise Problem("invalid_clock", wanted)
    frozen = body.get("frozen", True)
    if not isinstance(frozen, bool):
        raise Problem("invalid_clock", '"frozen" must be true or false')
    try:
        now = parse_time(body["now"])
    except ClockError as error:
        raise Problem("invalid_clock", str(error)) from None
    setting = {"now": now, "set_at": context().clock.now_ms(), "frozen": frozen}
    context().journal.change_document(CLOCK, namespace(), lambda _: setting)
    return _clock(setting)


@blueprint.delete("/clock")
def delete_clock() -> Response:
    context().journal.change_document(CLOCK, namespace(), lambda _: None)
    return _clock(None)


def _clock(setting: dict[str, Any] | None) -> Response:
    ms = namespace_time(context().clock, setting)
    frozen = bool(setting and setting["frozen"])
    return json_response({"now": iso(ms), "now_ms": ms, "set": setting is not None, "frozen": frozen})


# -- subject access requests


@blueprint.get("/subject-access-requests")
def subject_access_requests() -> Response:
    rows = [
        {"namespace": space, **doc["request"], "erased": doc["erased"]}
        for space, _, doc in context().journal.documents(subject_access.KIND, asked_namespace())
    ]
    return whole_listing("subject_access_requests", rows)


@blueprint.post("/subject-access-requests/<request_id>/process")
def process(request_id: str) -> Response:
    body = json_body(required=False)
    wanted = body.get("status") if isinstance(body, dict) else None
    wrong = body is not None and (not isinstance(body, dict) or set(body) - {"status"})
    if wrong or wanted not in (None, "processing", *subject_access.FINAL):
        what = 'process takes nothing, or {"status": "processing" | "completed" | "failure"}'
        raise Problem("bad_request", what)
    return json_response(_moved(_request(request_id), wanted))


def _request(request_id: str) -> dict[str, Any]:
    stored: dict[str, Any] | None = context().journal.document(subject_access.KIND, namespace(), request_id)
    if stored is None:
        raise Problem(
            "unknown_request", f"no subject access request {request_id!r:.40} in namespace {namespace()}"
        )
    return stored


def _moved(stored: dict[str, Any], wanted: str | None) -> dict[str, Any]:
    """The request one state further on, or as far as `wanted`; a completed delete erases."""
    subject_request = stored["request"]
    status = subject_request["status"]
    if status in subject_access.FINAL or wanted == status:
        raise Problem(
            "already_processed",
            f"subject access request {subject_request['id']} is {status} and moves no such way",
        )
    to = wanted or ("processing" if status == "pending" else "completed")
    now, space, journal = _now(), namespace(), context().journal
    export_location = f"{base_url()}/_emulator/subject-access-requests/{subject_request['id']}/export"
    new = {**stored, "request": subject_access.moved(subject_request, to, now, export_location)}
    if to == "completed" and subject_request["request_type"] == "delete":
        new["erased"] = erase(
            context().projector,
            space,
            subject_access.named_visitor(subject_request),
            subject_request["id"],
            now,
        )
    journal.change_document(subject_access.KIND, space, lambda _: new, str(subject_request["id"]))
    return {"namespace": space, **new["request"], "erased": new["erased"]}


@blueprint.get("/subject-access-requests/<request_id>/export")
def get_export(request_id: str) -> Response:
    subject_request = _request(request_id)["request"]
    if subject_request["request_type"] != "access" or subject_request["status"] != "completed":
        what = f"a {subject_request['status']} {subject_request['request_type']}"
        raise Problem(
            "no_export", f"subject access request {subject_request['id']} is {what}; it has no export"
        )
    return json_response(
        {
            "request": subject_request,
            **export(context().projector, namespace(), subject_access.named_visitor(subject_request)),
        }
    )
