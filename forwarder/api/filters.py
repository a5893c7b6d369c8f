"""Segment's Public API for destination filters: `/destination/<id>/filters`, and a filter's preview.

https://docs.segmentapis.com/tag/Destination-Filters: what is right is answered in `data`, what is wrong in `errors`. There
is one destination in a namespace, so any id names it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from flask import Blueprint, Response, request

from optilocal.forwarder.api.control_body import read_json
from optilocal.forwarder.clock import Clock
from optilocal.forwarder.fql.parser import StatementError
from optilocal.forwarder.pipeline.source_event import iso_time
from optilocal.forwarder.problems import Problem
from optilocal.forwarder.queue.instances import Instances
from optilocal.forwarder.stages.destination_filters import (
    MAX_FILTERS,
    DestinationFilter,
    in_order,
    look,
    read_filter,
    read_preview,
)
from optilocal.forwarder.stages.shape import Shape, ShapeError, Violation
from optilocal.serving.site import current_namespace

CONTENT_TYPE = "application/vnd.segment.v1+json"
CREATED = ("sourceId", "title", "if", "actions", "enabled")
CHANGED = ("if", "actions", "title", "description", "enabled")
MAX_PAGE = 1000


def filters_api(instances: Instances, clock: Clock, ids: Callable[[], str], random: Random) -> Blueprint:
    """The routes of the Public API, and its errors."""
    api = Blueprint("filters_api", __name__, url_prefix="/destination")

    def now() -> str:
        return iso_time(clock.now_ms())

    # What a settings file configures is as old as this forwarder.
    started = now()

    def filters(destination: str) -> list[DestinationFilter]:
        """The filters, those of a settings file with an id and a destination too."""
        found = instances.platform(current_namespace()).filters
        return [
            one.identified(
                **{
                    "id": f"filter-{position}",
                    "sourceId": "source",
                    "createdAt": started,
                    "updatedAt": started,
                    **one.identity,
                    "destinationId": destination,
                }
            )
            for position, one in enumerate(found, 1)
        ]

    def save(changed: Sequence[DestinationFilter]) -> None:
        namespace = current_namespace()
        given = [one.as_json() for one in changed]
        instances.configure(namespace, platform=instances.platform(namespace).with_json("filters", given))

    def position_of(found: Sequence[DestinationFilter], filter_id: str) -> int:
        for position, one in enumerate(found):
            if one.identity["id"] == filter_id:
                return position
        raise _NotFound(f"there is no filter {filter_id!r}")

    @api.get("/<destination>/filters")
    def listing(destination: str) -> Response:
        found = filters(destination)
        count = _number("pagination.count", default=MAX_FILTERS)
        start = _cursor()
        page = [one.as_json() for one in found[start : start + count]]
        pagination: dict[str, Any] = {"current": str(start), "totalEntries": len(found)}
        if start + count < len(found):
            pagination["next"] = str(start + count)
        if start > 0:
            pagination["previous"] = str(max(0, start - count))
        return _data({"filters": page, "pagination": pagination})

    @api.post("/<destination>/filters")
    def create(destination: str) -> Response:
        body = _body()
        shape = Shape(body)
        shape.only((*CREATED, "description"))
        shape.done()
        made = read_filter(body, required=CREATED)
        found = filters(destination)
        if len(found) >= MAX_FILTERS:
            raise ShapeError(
                [Violation("", f"a destination has at most {MAX_FILTERS} filters; delete one of them first")]
            )
        at = now()
        made = made.identified(id=ids(), destinationId=destination, createdAt=at, updatedAt=at)
        save([*found, made])
        return _data({"filter": made.as_json()})

    @api.get("/<destination>/filters/<filter_id>")
    def get(destination: str, filter_id: str) -> Response:
        found = filters(destination)
        return _data({"filter": found[position_of(found, filter_id)].as_json()})

    @api.patch("/<destination>/filters/<filter_id>")
    def update(destination: str, filter_id: str) -> Response:
        found = filters(destination)
        position = position_of(found, filter_id)
        body = _body()
        shape = Shape(body)
        shape.only(CHANGED)
        shape.done()
        found[position] = read_filter({**found[position].as_json(), **body}).identified(updatedAt=now())
        save(found)
        return _data({"filter": found[position].as_json()})

    @api.delete("/<destination>/filters/<filter_id>")
    def remove(destination: str, filter_id: str) -> Response:
        found = filters(destination)
        del found[position_of(found, filter_id)]
        save(found)
        return _data({"status": "SUCCESS"})

    @api.post("/filters/preview")
    def preview() -> Response:
        shape = Shape(_body())
        shape.only(("filter", "payload"))
        for name in ("filter", "payload"):
            if shape.value.get(name) is None:
                shape.refuse(name, f'"{name}" is required')
        shape.done()
        payload = shape.inside("payload", shape.value["payload"])
        payload.done()
        chosen = read_preview(shape.value["filter"])
        if isinstance(chosen.condition, StatementError):
            raise ShapeError([Violation("filter.if", f'"if" is not valid FQL: {chosen.condition}')])
        looked = look(in_order([chosen]), dict(payload.value), random)
        result = None if looked.ended else looked.event
        return _data({"inputPayload": payload.value, "result": result})

    @api.errorhandler(ShapeError)
    def refused(error: ShapeError) -> Response:
        shown = [
            {
                "type": "input-validation",
                "message": one.message,
                **({"field": one.field} if one.field else {}),
            }
            for one in error.violations
        ]
        return _answer({"errors": shown}, 422)

    @api.errorhandler(_NotFound)
    def not_found(error: _NotFound) -> Response:
        return _answer({"errors": [{"type": "not-found", "message": str(error)}]}, 404)

    @api.errorhandler(Problem)
    def problem(error: Problem) -> Response:
        return _answer({"errors": [{"type": "input-validation", "message": error.message}]}, error.status)

    return api


class _NotFound(LookupError):
    """The Public API's 404."""


def _body() -> dict[str, Any]:
    body = read_json(request)
    shape = Shape(body)
    shape.done()
    return dict(shape.value)


def _number(name: str, default: int) -> int:
    # Segment's clients send it as `pagination[count]` or, encoded as an object, as `pagination.count`.
    head, _, tail = name.partition(".")
    text = request.args.get(f"{head}[{tail}]", request.args.get(name, str(default)))
    if text.isascii() and text.isdigit() and 0 < int(text) <= MAX_PAGE:
        return int(text)
    raise ShapeError([Violation(name, f'"count" must be a number from 1 to {MAX_PAGE}')])


def _cursor() -> int:
    text = request.args.get("pagination[cursor]", request.args.get("pagination.cursor", "0"))
    if text.isascii() and text.isdigit():
        return int(text)
    raise ShapeError([Violation("pagination.cursor", '"cursor" is none that this API gave')])


def _data(data: dict[str, Any]) -> Response:
    return _answer({"data": data}, 200)


def _answer(body: dict[str, Any], status: int) -> Response:
    return Response(json.dumps(body), status, content_type=CONTENT_TYPE)
