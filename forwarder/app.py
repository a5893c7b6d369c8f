"""The forwarder's addresses put together: Segment's side, Segment's Public API, and our own."""

from __future__ import annotations

from collections.abc import Callable, Collection

from flask import Blueprint, Flask, Response

from optilocal.forwarder.api.control_body import MAX_BYTES
from optilocal.forwarder.problems import Problem
from optilocal.forwarder.store.file import SpoolError
from optilocal.serving.guard import Guard, Surface
from optilocal.serving.problems import problem_response
from optilocal.serving.site import make_app


def create_app(
    segment: Blueprint, own: Collection[Blueprint], guard: Guard, report: Callable[[str], None]
) -> Flask:
    """The WSGI application: Segment's Tracking API, which any page may use, and what only this machine may."""
    surfaces = {segment: Surface.OPEN} | dict.fromkeys(own, Surface.OWN)
    hint = "docs/segment.md lists the addresses"
    app = make_app(guard, surfaces, max_body=MAX_BYTES, hint=hint, report=report)

    @app.errorhandler(SpoolError)
    def spool(error: SpoolError) -> Response:
        # Segment's libraries send again what is answered with a 5xx.
        return problem_response(Problem("spool_failed", str(error)))

    return app
