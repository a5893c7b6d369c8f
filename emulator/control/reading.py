"""`/_emulator/*`, what is asked and reported: health, journals, verdicts, results, deliveries, runs, namespaces; recording,
reset.
"""

from pathlib import Path
from typing import Any

from flask import Blueprint, Response, request

from optilocal import __version__
from optilocal.emulator.context import context, namespace
from optilocal.emulator.control.deliveries import (
    as_kept,
    read_reports,
)
from optilocal.emulator.control.forgetting import DATAFILES, SETTINGS
from optilocal.emulator.control.listing import listing
from optilocal.emulator.control.run import read_run, run_summary
from optilocal.emulator.counting.question import own_question
from optilocal.emulator.datafile import forced
from optilocal.emulator.journal.store import Row
from optilocal.emulator.json_text import dumps, loads, storable
from optilocal.emulator.problems import Problem
from optilocal.emulator.projection.stored_results import results_with_health
from optilocal.emulator.projection.verdicts import event_json
from optilocal.emulator.wire.exchange import exchange_json

blueprint = Blueprint("control_api", __name__, url_prefix="/_emulator")


def json_response(value: object, status: int = 200) -> Response:
    """An answer of the control surface."""
    return Response(dumps(value), status, content_type="application/json")


def json_body(*, required: bool = True) -> Any:
    """The request's body as JSON, None when there is none and none is `required`; whatever its content type."""
    raw = request.get_data()
    if not raw and not required:
        return None
    try:
        return loads(raw)
    except ValueError as error:
        raise Problem("invalid_json", f"the body is not valid JSON: {error}") from None


@blueprint.get("/health")
def health() -> Response:
    return json_response({"status": "ok", "version": __version__})


@blueprint.get("/openapi.json")
def openapi() -> Response:
    text = Path(__file__).with_name("openapi.json").read_text("utf-8")
    return Response(text, content_type="application/json")


@blueprint.get("/exchanges")
def exchanges() -> Response:
    return listing("exchanges", lambda _: exchange_json)


@blueprint.get("/events")
def events() -> Response:
    return listing("events", lambda _: event_json)


@blueprint.get("/verdicts")
def verdicts() -> Response:
    return listing("verdicts", context().verdicts.verdicts_of)


@blueprint.get("/results")
def results() -> Response:
    projector = context().projector
    question = own_question(request.args, projector.rules.smooth_outliers)
    return json_response(results_with_health(projector, namespace(), question))


@blueprint.get("/namespaces")
def namespaces() -> Response:
    context().projector.catch_up()
    return json_response({"namespaces": context().journal.namespaces()})


@blueprint.post("/deliveries")
def deliveries() -> Response:
    parts, space = context(), namespace()
    body = json_body()
    reports = read_reports(body, parts.now(space), parts.new_id)
    # What came before a report stands before it.
    parts.projector.catch_up()
    numbers = [parts.journal.put_report(space, as_kept(report)) for report in reports]
    parts.projector.wake()
    return json_response({"numbers": numbers} if isinstance(body, list) else {"number": numbers[0]}, 201)


@blueprint.post("/runs")
def post_run() -> Response:
    run = read_run(json_body())
    summary, state = dumps(run_summary(run)), storable(run.get("state"))
    context().journal.put_run(namespace(), storable(run["id"]) or "", state, summary, dumps(run))
    return json_response({"id": run["id"]}, 201)


@blueprint.get("/runs")
def runs() -> Response:
    def summary(row: Row) -> dict[str, Any]:
        return {**loads(row["summary"]), "number": row["number"], "namespace": row["namespace"]}

    return listing("runs", lambda _: summary)


@blueprint.get("/runs/<path:run_id>")
def one_run(run_id: str) -> Response:
    run = context().journal.run(namespace(), storable(run_id) or "")
    if run is None:
        raise Problem("unknown_run", f"no run {run_id!r:.220} in namespace {namespace()}")
    return json_response(run)


@blueprint.post("/reset")
def reset() -> Response:
    body = json_body(required=False)
    body = {} if body is None else body
    datafiles = body.get("datafiles", False) if isinstance(body, dict) else None
    if not isinstance(datafiles, bool) or set(body) - {"datafiles"}:
        raise Problem("bad_request", 'reset takes nothing, or {"datafiles": true}')
    kinds = [*SETTINGS, *(DATAFILES if datafiles else ())]
    # Whoever polls is served the datafile as it was set, though it has the forced one already.
    forced.Forced(context().journal, namespace()).put([], context().now(namespace()))
    context().journal.reset(namespace(), kinds)
    return json_response({"namespace": namespace(), "datafiles": datafiles})


@blueprint.get("/recording")
def recording() -> Response:
    """`{"scenario": YAML, "differences": [a line, …]}` of the whole namespace, or of the events that `message_id` names."""
    recorder = context().recorder
    if recorder is None:
        raise Problem(
            "no_recorder",
            "only an emulator that `optilocal up` started writes scenarios; with this one use `optilocal record`",
        )
    try:
        scenario, differences = recorder(namespace(), request.args.getlist("message_id"))
    except ValueError as error:
        raise Problem("not_recorded", str(error)) from None
    return json_response({"scenario": scenario, "differences": differences})
