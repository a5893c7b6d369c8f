"""The forwarder's addresses put together: Segment's side, Segment's Public API, and our own."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from optilocal.forwarder.api.control_body import MAX_BYTES
from optilocal.serving.guard import Guard, Surface
from optilocal.serving.site import make_app

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Blueprint, Flask


def create_app(
    segment: Blueprint, own: Collection[Blueprint], guard: Guard, report: Callable[[str], None]
) -> Flask:
    """The WSGI application: Segment's Tracking API, which any page may use, and what only this machine may."""
    surfaces = {segment: Surface.OPEN} | dict.fromkeys(own, Surface.OWN)
    hint = "docs/segment.md lists the addresses"
    return make_app(guard, surfaces, max_body=MAX_BYTES, hint=hint, report=report)
