"""A Flask app with what both servers do alike: the guard before every view, headers after it, every error as JSON."""

from collections.abc import Callable, Collection, Mapping

from flask import Blueprint, Flask, Response, request
from werkzeug.exceptions import HTTPException

from optilocal.serving.guard import Guard, Surface
from optilocal.serving.namespaces import NAMESPACE
from optilocal.serving.problems import Problem, problem_response
from optilocal.serving.request import REQUEST, Request

_CODES = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}
_PAGE: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
# Whatever somebody had served here, a datafile of type text/html say, runs nothing when a browser shows it.
INERT = "default-src 'none'; sandbox"
_IMITATED: Mapping[str, str] = {"Content-Security-Policy": INERT}


def make_app(
    guard: Guard,
    surfaces: Mapping[Blueprint, Surface],
    *,
    max_body: int,
    hint: str,
    report: Callable[[str], None],
    names: Mapping[Blueprint, Collection[str]] | None = None,
) -> Flask:
    """The app of a server whose routes belong to these surfaces.

    A body of more than `max_body` bytes is refused on all but the open ones. `hint` says where the addresses are described,
    `names` are further host names of some routes, and `report` is told, in one line, what the app got wrong.
    """
    app = Flask(__name__, static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    kinds = {blueprint.name: surface for blueprint, surface in surfaces.items()}
    called = {blueprint.name: further for blueprint, further in (names or {}).items()}
    for blueprint in surfaces:
        app.register_blueprint(blueprint)

    @app.before_request
    def check() -> None:
        # Where there is no route nothing is done, and nothing is told but that.
        if request.routing_exception is not None:
            return
        surface = kinds[request.blueprint or ""]
        guard.check(surface, request.method, request.headers, called.get(request.blueprint or "", ()))
        if surface is not Surface.OPEN and len(current_request().body) > max_body:
            raise Problem("too_large", f"a body has at most {max_body} bytes")

    @app.after_request
    def harden(response: Response) -> Response:
        surface = kinds.get(request.blueprint or "", Surface.OWN)
        imitates = surface in (Surface.OPEN, Surface.NAMED)
        response.headers.update(dict(_IMITATED if imitates else _PAGE))
        if surface is Surface.OPEN:
            response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        elif surface is Surface.OWN:
            response.headers["Cache-Control"] = "no-store"
        return response

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Response:
        return problem_response(as_problem(error, hint))

    @app.errorhandler(Exception)
    def unforeseen(error: Exception) -> Response:
        where = f"{request.method} {request.path:.200}"
        report(f"{where}: {type(error).__name__}: {error}")
        said = f"the {guard.server} failed on {where}: {type(error).__name__}"
        return problem_response(Problem("internal_error", said))

    app.register_error_handler(Problem, problem_response)
    return app


def as_problem(error: HTTPException, hint: str) -> Problem:
    """An error of Flask's own as one of ours."""
    headers = {name: value for name, value in error.get_headers() if name.lower() == "allow"}
    code = _CODES.get(error.code or 500, "bad_request")
    where = f"{request.method} {request.path:.200}"
    if code == "not_found":
        message = f"{where} is nothing here; {hint}"
    elif code == "method_not_allowed":
        message = f"{where} is not possible; possible: {headers.get('Allow', '')}"
    else:
        message = error.description or error.name
    return Problem(code, message, headers)


def current_request() -> Request:
    """What the server knows of the current request, and what a view may ask of it."""
    found: Request = request.environ[REQUEST]
    return found


def current_namespace() -> str:
    """The namespace of the current request."""
    return str(request.environ[NAMESPACE])
