"""`GET /v2/experiments/<id>/results`: an experiment's counts in the shape of Optimizely's REST API."""

from flask import Blueprint, Response, request

from emulator.context import context, namespace
from emulator.exchange import Answer, exchange
from emulator.json_text import dumps
from emulator.rest_access import refused
from emulator.rest_errors import JSON, rest_error

blueprint = Blueprint("results_api", __name__)


@blueprint.get("/v2/experiments/<experiment_id>/results", provide_automatic_options=False)
def results(experiment_id: str) -> Response:
    return exchange("results", lambda _: _results(experiment_id))


def _results(experiment_id: str) -> Answer:
    # Reading counts on one's own machine needs no token; one that is sent is judged like everywhere else.
    denied = refused() if "Authorization" in request.headers else None
    if denied:
        return denied
    try:
        found = context().judge.rest_results(namespace(), experiment_id)
    except KeyError:
        return rest_error(404, "not_found", "Nothing matches the given URI")
    return Answer(204) if found is None else Answer(200, dumps(found).encode(), JSON)
