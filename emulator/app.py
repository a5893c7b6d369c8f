"""Wiring: one emulator's parts, its surfaces, and the one place where errors become answers."""

from collections.abc import Callable

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Rule

from optilocal.emulator.clock import Clock, random_id
from optilocal.emulator.context import EXTENSION, Context, context, namespace
from optilocal.emulator.control import reading as control_api
from optilocal.emulator.control import setting as control_settings
from optilocal.emulator.control import viewer
from optilocal.emulator.control.guard import PAGE_HEADERS, check_host, check_origin
from optilocal.emulator.journal.interface import Journal, JournalError
from optilocal.emulator.namespaces import DEFAULT, NamespaceMount
from optilocal.emulator.problems import Problem, problem_response
from optilocal.emulator.projection.projector import Projector
from optilocal.emulator.projection.verdicts import Verdicts
from optilocal.emulator.settings import Settings
from optilocal.emulator.wire import datafiles as datafile_cdn
from optilocal.emulator.wire import events as event_api
from optilocal.emulator.wire import privacy as privacy_api
from optilocal.emulator.wire import results as results_api
from optilocal.emulator.wire.exchange import Answer
from optilocal.emulator.wire.rest_errors import rest_error

_IMITATED = ("event_api", "datafile_cdn", "privacy_api", "results_api")
_CODES = {400: "bad_request", 404: "not_found", 405: "method_not_allowed", 413: "too_large"}
# Where the imitated REST API is in real life; a hosts file or a proxy leads here under this name.
_REST_HOSTS = ("api.optimizely.com",)
# In a header name or value larger than this nobody sends anything meant well.
_LARGEST_HEADERS = 32_768


class _Route(Rule):
    """A route that is only ever matched: the code that would build its URL back is not compiled, as nobody asks for it."""

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:  # noqa: ARG002
        def build(*_: object, **__: object) -> tuple[str, str]:
            raise NotImplementedError(f"nobody builds the URL of {self.rule}")

        return build


def create_app(
    settings: Settings, clock: Clock, journal: Journal, new_id: Callable[[], str] = random_id
) -> Flask:
    """The emulator as a WSGI app over a journal that the caller opens and closes."""
    app = Flask("emulator", static_folder=None)
    app.url_rule_class = _Route
    verdicts = Verdicts(journal, settings.rules)
    projector = Projector(journal, verdicts)
    app.extensions[EXTENSION] = Context(settings, clock, journal, verdicts, projector, new_id)
    for room in (event_api, datafile_cdn, privacy_api, results_api, control_api, control_settings, viewer):
        app.register_blueprint(room.blueprint)
    app.before_request(_guard)
    app.after_request(_harden)
    app.register_error_handler(Problem, problem_response)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(JournalError, _journal_error)
    app.register_error_handler(Exception, _unexpected)
    app.wsgi_app = NamespaceMount(app.wsgi_app)  # type: ignore[method-assign]
    return app


def _is_imitated() -> bool:
    return request.blueprint in _IMITATED or request.path.startswith(
        ("/v1/", "/v2/", "/datafiles/", "/json/", "/public/")
    )


def _guard() -> Response | None:
    settings, journal, space = context().settings, context().journal, namespace()
    if sum(len(name) + len(value) for name, value in request.headers.items()) > _LARGEST_HEADERS:
        raise Problem("too_large", f"the headers have more than {_LARGEST_HEADERS} bytes")
    if len(request.get_data(cache=True)) > settings.max_control_body:
        raise Problem("too_large", f"a body has at most {settings.max_control_body} bytes")
    if not _is_imitated():
        check_host(request.host, settings.host, settings.allowed_hosts)
        page = request.blueprint == "viewer"
        check_origin(
            request.host, dict(request.headers.items()), navigation_allowed=page and request.method == "GET"
        )
    elif request.path.startswith("/v2/"):
        # It shows counts and who asked for erasure; events and datafiles are any page's to post and read.
        try:
            check_host(request.host, settings.host, (*settings.allowed_hosts, *_REST_HOSTS))
        except Problem as problem:
            return _rest_response(rest_error(problem.status, problem.code, problem.message))
    writes = request.method not in ("GET", "HEAD", "OPTIONS") or _is_imitated()
    if space != DEFAULT and writes and not journal.knows_namespace(space):
        most = settings.max_namespaces
        if journal.namespace_count() >= most:
            raise Problem(
                "too_many_namespaces", f"there are {most} namespaces already; start with a new journal"
            )
    return None


def _harden(response: Response) -> Response:
    if not _is_imitated():
        response.headers.update(dict(PAGE_HEADERS))
        if request.blueprint != "viewer":
            response.headers["Cache-Control"] = "no-store"
    return response


def _http_error(error: HTTPException) -> Response:
    headers = {name: value for name, value in error.get_headers() if name.lower() == "allow"}
    if request.path.startswith("/v2/") and error.code in (404, 405):
        # Optimizely's REST API has an envelope of its own.
        said = "Nothing matches the given URI" if error.code == 404 else "The method is not allowed here"
        return _rest_response(rest_error(error.code, _CODES[error.code], said, headers=headers))
    code = _CODES.get(error.code or 500, "bad_request")
    where = f"{request.method} {request.path:.200}"
    if code == "not_found":
        message = f"{where} is nothing here; GET /_emulator/openapi.json describes the control surface"
    elif code == "method_not_allowed":
        message = f"{where} is not possible; possible: {headers.get('Allow', '')}"
    else:
        message = error.description or error.name
    return problem_response(Problem(code, message, headers))


def _rest_response(answer: Answer) -> Response:
    return Response(answer.body, answer.status, answer.headers)


def _journal_error(error: Exception) -> Response:
    return problem_response(Problem("journal_failed", str(error)))


def _unexpected(error: Exception) -> Response:
    if isinstance(error, ConnectionError):
        raise error
    where = f"{request.method} {request.path:.200}"
    context().report(f"{where}: {type(error).__name__}: {error}")
    return problem_response(
        Problem("internal_error", f"the emulator failed on {where}: {type(error).__name__}")
    )
