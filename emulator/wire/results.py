"""Counts in the shapes of Optimizely's REST API: an experiment's as JSON, a holdout's as CSV."""

from collections.abc import Callable

from flask import Blueprint, Response, request

from optilocal.emulator.clock import iso
from optilocal.emulator.context import context, namespace
from optilocal.emulator.counting.date_range import DateRange
from optilocal.emulator.counting.holdout_export import holdout_csv
from optilocal.emulator.counting.question import QuestionError, holdout_question, rest_question
from optilocal.emulator.counting.rest_results import rest_results
from optilocal.emulator.datafile.history import DatafileHistory
from optilocal.emulator.json_text import dumps
from optilocal.emulator.projection.stored_results import recounted
from optilocal.emulator.wire.exchange import Answer, exchange
from optilocal.emulator.wire.rest import JSON, refused, rest_error

CSV = {"Content-Type": "text/csv; charset=utf-8"}
blueprint = Blueprint("results_api", __name__)


@blueprint.get("/v2/experiments/<experiment_id>/results", provide_automatic_options=False)
def results(experiment_id: str) -> Response:
    return exchange("results", lambda _, at: _checked(lambda: _results(experiment_id, at)))


def _checked(answer: Callable[[], Answer]) -> Answer:
    """The answer to whoever may have it, and to a question that can be answered."""
    # Reading counts on one's own machine needs no token; one that is sent is judged like everywhere else.
    denied = refused() if "Authorization" in request.headers else None
    try:
        return denied or answer()
    except QuestionError as error:
        return rest_error(400, "bad_request", str(error), messages={error.name: error.message})


def _results(experiment_id: str, at: int) -> Answer:
    projector, space = context().projector, namespace()
    history, baseline = projector.verdicts.history(space), request.args.get("baseline_variation_id")
    try:
        question = rest_question(request.args, projector.rules.smooth_outliers)
        totals = projector.totals(space) if question.is_plain else recounted(projector, space, question)
        body = rest_results(experiment_id, totals, history, baseline)
    except KeyError as missing:
        if missing.args == (baseline,) and history.experiment(experiment_id):
            name, wrong = "baseline_variation_id", "is not a variation of the experiment"
            return rest_error(400, "bad_request", f"{name} {wrong}", messages={name: wrong})
        return rest_error(404, "not_found", "Nothing matches the given URI")
    if body is None:
        return Answer(204)
    times = _times(history, experiment_id, question.dates, at)
    return Answer(200, dumps({**body, **times, "is_stale": False}).encode(), JSON)


@blueprint.get(
    "/v2/export/projects/<project_id>/holdouts/<holdout_id>/results/csv", provide_automatic_options=False
)
def holdout_results(project_id: str, holdout_id: str) -> Response:
    return exchange("results", lambda _, at: _checked(lambda: _holdout_results(project_id, holdout_id, at)))


def _holdout_results(project_id: str, holdout_id: str, at: int) -> Answer:
    projector, space = context().projector, namespace()
    history = projector.verdicts.history(space)
    question = holdout_question(request.args, projector.rules.smooth_outliers)
    if holdout_id not in history.holdouts or project_id not in history.holdouts[holdout_id].projects:
        return rest_error(404, "not_found", "Nothing matches the given URI")
    start, end = _ran(history, holdout_id, at)
    body = holdout_csv(holdout_id, recounted(projector, space, question), history, start, end)
    return Answer(204) if body is None else Answer(200, body.encode(), CSV)


def _ran(history: DatafileHistory, rule_id: str, now: int) -> tuple[int | None, int]:
    """From when to when a rule ran: from its first start to its last stop, or to now while it runs."""
    ran = history.ran(rule_id)
    return (None, now) if ran is None else (ran[0], now if ran[1] is None else ran[1])


def _times(history: DatafileHistory, experiment_id: str, dates: DateRange, now: int) -> dict[str, str | None]:
    """The range as asked for; else from the experiment's first start to its last stop, or to now while it runs."""
    first, last = _ran(history, experiment_id, now)
    start = dates.start if dates.start is not None else first
    end = dates.end if dates.end is not None else last
    return {"start_time": None if start is None else iso(start), "end_time": iso(end)}
