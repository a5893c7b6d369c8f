"""The forwarder's addresses put together: Segment's side, Segment's Public API, and our own."""

from __future__ import annotations

from collections.abc import Callable, Collection

from flask import Blueprint, Flask, Response, request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Rule

from optilocal.forwarder.api.guard import check_caller
from optilocal.forwarder.namespaces import NamespaceMount
from optilocal.forwarder.problems import Problem, problem_response
from optilocal.forwarder.store.file import SpoolError

GUARDED = ("/_forwarder", "/regulations", "/suppressions", "/destination")


class _Route(Rule):
    """A route that is only ever matched: the code that would build its URL back is not compiled, as nobody asks for it."""

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:  # noqa: ARG002
        def build(*_: object, **__: object) -> tuple[str, str]:
            raise NotImplementedError(f"nobody builds the URL of {self.rule}")

        return build


def create_app(
    blueprints: Collection[Blueprint], *, bound_to: str = "127.0.0.1", allowed_hosts: Collection[str] = ()
) -> Flask:
    """The WSGI application, for a server that listens on `bound_to`.

    `allowed_hosts` are names, besides loopback, under which our own addresses answer.
    """
    app = Flask("optilocal.forwarder", static_folder=None)
    app.url_rule_class = _Route
    app.json.sort_keys = False  # type: ignore[attr-defined]
    for blueprint in blueprints:
        app.register_blueprint(blueprint)

    @app.before_request
    def guard() -> None:
        if request.path.startswith(GUARDED):
            check_caller(
                host=request.host,
                origin=request.headers.get("origin"),
                bound_to=bound_to,
                allowed=allowed_hosts,
            )

    @app.errorhandler(Problem)
    def problem(error: Problem) -> Response:
        return problem_response(error)

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Response:
        code = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}.get(
            error.code or 500, "bad_request"
        )
        return problem_response(Problem(code, f"{request.method} {request.path}: {error.name}"))

    @app.errorhandler(SpoolError)
    def spool(error: Exception) -> Response:
        # Segment's libraries send again what is answered with a 5xx.
        return problem_response(Problem("spool_failed", str(error)))

    @app.errorhandler(Exception)
    def unforeseen(error: Exception) -> Response:
        app.logger.error("%s %s failed: %r", request.method, request.path, error)
        return problem_response(
            Problem("internal_error", "the forwarder could not do this; its log says why")
        )

    app.wsgi_app = NamespaceMount(app)  # type: ignore[method-assign]
    return app
