"""Wiring: one emulator's parts, its surfaces, and the errors that are its own."""

from collections.abc import Callable
from hmac import compare_digest

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from optilocal.emulator.context import EXTENSION, Context, context, namespace
from optilocal.emulator.control import (
    forced,
    forwarder,
    operation,
    predictions,
    preview,
    reading,
    setting,
    viewer,
)
from optilocal.emulator.journal.journal import Journal
from optilocal.emulator.journal.store import JournalError
from optilocal.emulator.problems import Problem, journal_problem
from optilocal.emulator.projection.projector import Projector
from optilocal.emulator.projection.verdicts import Verdicts
from optilocal.emulator.settings import Settings
from optilocal.emulator.wire import datafiles as datafile_cdn
from optilocal.emulator.wire import events as event_api
from optilocal.emulator.wire import predictions as prediction_service
from optilocal.emulator.wire import privacy as privacy_api
from optilocal.emulator.wire import results as results_api
from optilocal.emulator.wire.rest import rest_error
from optilocal.serving import problems
from optilocal.serving.clock import Clock, random_id
from optilocal.serving.guard import SAFE_METHODS, Guard, Surface, is_from_page
from optilocal.serving.namespaces import DEFAULT
from optilocal.serving.problems import problem_response
from optilocal.serving.site import as_problem, current_request, make_app

SURFACES = {
    event_api.blueprint: Surface.OPEN,
    datafile_cdn.blueprint: Surface.OPEN,
    prediction_service.blueprint: Surface.OPEN,
    privacy_api.blueprint: Surface.NAMED,
    results_api.blueprint: Surface.NAMED,
    viewer.blueprint: Surface.VIEWER,
    **{
        room.blueprint: Surface.OWN
        for room in (reading, setting, predictions, operation, forwarder, preview, forced)
    },
}
# Where the imitated REST API is in real life; a hosts file or a proxy leads here under this name.
_REST_HOSTS = ("api.optimizely.com",)
_PAGE_TOKEN = "page_token"
_HINT = "GET /_emulator/openapi.json describes the control surface"


def create_app(
    settings: Settings, clock: Clock, journal: Journal, new_id: Callable[[], str] = random_id
) -> Flask:
    """The emulator as a WSGI app over a journal that the caller opens and closes."""
    verdicts = Verdicts(journal, settings.rules)
    page_token = _shared_page_token(journal, new_id)
    projector = Projector(journal, verdicts)
    parts = Context(settings, clock, journal, verdicts, projector, new_id, page_token, settings.forwarder)
    guard = Guard("emulator", settings.host, settings.allowed_hosts, settings.token)
    app = make_app(
        guard,
        SURFACES,
        max_body=settings.max_control_body,
        hint=_HINT,
        report=parts.report_failure,
        names=dict.fromkeys((privacy_api.blueprint, results_api.blueprint), _REST_HOSTS),
    )
    app.extensions[EXTENSION] = parts
    app.before_request(_bound_namespaces)
    app.before_request(_page_token)

    @app.before_request
    def check_imitated() -> None:
        if len(current_request().body) > settings.max_control_body:
            raise Problem("too_large", f"a body has at most {settings.max_control_body} bytes")
        # Under a foreign host name even unknown REST addresses are refused.
        if request.routing_exception is not None and _is_rest():
            guard.check(Surface.NAMED, request.method, request.headers, _REST_HOSTS)

    app.register_error_handler(problems.Problem, _problem)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(JournalError, _journal_error)
    return app


def _bound_namespaces() -> None:
    """Refuse a request that would create one namespace too many; pages may create half of them."""
    settings, journal, space = context().settings, context().journal, namespace()
    if request.method in SAFE_METHODS or space == DEFAULT or journal.knows_namespace(space):
        return
    most = settings.max_namespaces // 2 if is_from_page(request.headers) else settings.max_namespaces
    if journal.namespace_count() >= most:
        what = f"there are {most} namespaces already; forget one with POST /ns/NAME/_emulator/reset"
        raise Problem("too_many_namespaces", f'{what} and {{"datafiles": true}}, or start with a new journal')


def _shared_page_token(journal: Journal, new_id: Callable[[], str]) -> str:
    """The token of all emulators on one journal: a page may reach another of them with every request."""
    token = journal.document(_PAGE_TOKEN, "")
    return str(token or journal.change_document(_PAGE_TOKEN, "", lambda made: made or new_id()))


def _page_token() -> None:
    """Refuse what a page would change without the token that the viewer's own pages read."""
    own = request.blueprint is not None and request.path.startswith("/_emulator/")
    if not own or request.method in SAFE_METHODS or not is_from_page(request.headers):
        return
    token = request.headers.get("X-Optilocal-Token", "")
    if not compare_digest(token.encode("utf-8", "replace"), context().page_token.encode()):
        rule = "a page that changes something names the token of GET /_emulator/viewer in X-Optilocal-Token"
        raise Problem("page_token", f"{rule}; load the page again")


def _problem(error: problems.Problem) -> Response:
    if _is_rest():
        answer = rest_error(error.status, error.code, error.message, headers=error.headers)
        return Response(answer.body, answer.status, answer.headers)
    return problem_response(error)


def _http_error(error: HTTPException) -> Response:
    problem = as_problem(error, _HINT)
    if _is_rest():
        sentences = {404: "Nothing matches the given URI", 405: "The method is not allowed here"}
        problem.message = sentences.get(error.code or 500, problem.message)
    return _problem(problem)


def _is_rest() -> bool:
    """Whether the address is one of Optimizely's REST API, which words its errors in an envelope of its own."""
    return request.path.startswith("/v2/")


def _journal_error(error: JournalError) -> Response:
    return problem_response(journal_problem(error))
