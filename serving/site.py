"""The Flask app of both servers: the guard before every view, headers after it, every error as JSON."""

from collections.abc import Callable, Collection, Mapping

from flask import Blueprint, Flask, Response, request
from werkzeug.exceptions import HTTPException

from optilocal.serving.guard import Guard, Surface
from optilocal.serving.namespaces import NAMESPACE
from optilocal.serving.problems import Problem, problem_response
from optilocal.serving.request import REQUEST, Request

# What tells whoever watches the servers that they are there, and nothing else.
_PROBES = ("/_emulator/health", "/_emulator/ready", "/_forwarder/health")
_CODES = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}
_PAGE: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
# Content from users, such as a datafile of type text/html, runs no scripts when a browser shows it.
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
    """The app of a server with these blueprints.

    A body of more than `max_body` bytes is refused, except on open surfaces. `hint` says where the addresses are
    described, `names` are further host names of blueprints, and `report` is called with one line for each failure of
    the app.
    """
    app = Flask(__name__, static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    kinds = {blueprint.name: surface for blueprint, surface in surfaces.items()}
    called = {blueprint.name: further for blueprint, further in (names or {}).items()}
    for blueprint in surfaces:
        app.register_blueprint(blueprint)

    @app.before_request
    def check() -> None:
        # Without a route the answer is 404 and shows nothing.
        if request.routing_exception is not None:
            return
        surface = kinds[request.blueprint or ""]
        guard.check(surface, request.method, request.headers, called.get(request.blueprint or "", ()))
        if request.path not in _PROBES:
            guard.check_token(surface, request.headers)
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
        message = f"the {guard.server} failed on {where}: {type(error).__name__}"
        return problem_response(Problem("internal_error", message))

    app.register_error_handler(Problem, problem_response)
    return app


def as_problem(error: HTTPException, hint: str) -> Problem:
    """An error of Flask as one of ours."""
    headers = {name: value for name, value in error.get_headers() if name.lower() == "allow"}
    code = _CODES.get(error.code or 500, "bad_request")
    where = f"{request.method} {request.path:.200}"
    if code == "not_found":
        message = f"{where} is not an address here; {hint}"
    elif code == "method_not_allowed":
        message = f"{where} is not allowed; allowed: {headers.get('Allow', '')}"
    else:
        message = error.description or error.name
    return Problem(code, message, headers)


def current_request() -> Request:
    """The server's record of the current request, on which a view may set a wait, a break or a delay."""
    current: Request = request.environ[REQUEST]
    return current


def current_namespace() -> str:
    """The namespace of the current request."""
    return str(request.environ[NAMESPACE])
