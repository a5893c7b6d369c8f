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

PUBLIC_API_HOSTS = ("api.segmentapis.com",)
"""Where Segment's Public API is in real life; a hosts file or a proxy leads here under this name."""


def create_app(
    segment: Collection[Blueprint],
    public_api: Collection[Blueprint],
    own: Collection[Blueprint],
    guard: Guard,
    report: Callable[[str], None],
) -> Flask:
    """The WSGI application: Segment's Tracking API and CDN, which any page may use, and what only this machine may,
    Segment's Public API under its own name too.
    """
    surfaces = dict.fromkeys(segment, Surface.OPEN) | dict.fromkeys((*public_api, *own), Surface.OWN)
    hint = "docs/segment.md lists the addresses"
    names = dict.fromkeys(public_api, PUBLIC_API_HOSTS)
    app = make_app(guard, surfaces, max_body=MAX_BYTES, hint=hint, report=report, names=names)

    @app.errorhandler(SpoolError)
    def spool(error: SpoolError) -> Response:
        # Segment's libraries send again what is answered with a 5xx.
        return problem_response(Problem("spool_failed", str(error)))

    return app
