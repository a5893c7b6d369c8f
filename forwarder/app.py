"""The forwarder as a WSGI app: Segment's side, Segment's Public API, and our own addresses."""

from flask import Flask, Response

from optilocal.forwarder.api import analytics_js, control, filters, preview, regulations, tracking
from optilocal.forwarder.api.body import MAX_CONTROL_BYTES
from optilocal.forwarder.context import EXTENSION, Context
from optilocal.forwarder.problems import Problem
from optilocal.forwarder.store.file import SpoolError
from optilocal.serving.guard import Guard, Surface
from optilocal.serving.log import log
from optilocal.serving.problems import problem_response
from optilocal.serving.site import make_app

SURFACES = {
    tracking.blueprint: Surface.OPEN,
    analytics_js.blueprint: Surface.OPEN,
    regulations.blueprint: Surface.OWN,
    filters.blueprint: Surface.OWN,
    control.blueprint: Surface.OWN,
    preview.blueprint: Surface.OWN,
}
PUBLIC_API_HOSTS = ("api.segmentapis.com",)
"""The real host of Segment's Public API; a hosts file or a proxy leads here under this name."""


def create_app(parts: Context) -> Flask:
    """The forwarder's WSGI app over parts that the caller starts and stops."""
    app = make_app(
        Guard("forwarder", parts.settings.host, parts.settings.allowed_hosts, parts.settings.token),
        SURFACES,
        max_body=MAX_CONTROL_BYTES,
        hint="docs/segment.md lists the addresses",
        report=report,
        names=dict.fromkeys((regulations.blueprint, filters.blueprint), PUBLIC_API_HOSTS),
    )
    app.extensions[EXTENSION] = parts

    @app.errorhandler(SpoolError)
    def spool_failed(error: SpoolError) -> Response:
        # Segment's libraries send again what is answered with a 5xx.
        return problem_response(Problem("spool_failed", str(error)))

    return app


def report(text: str) -> None:
    """Logs one line about the forwarder's own failure."""
    log("forwarder", text, "error")
