"""Segment's Public API for destination filters: `/destination/<id>/filters`, and a filter's preview.

https://docs.segmentapis.com/tag/Destination-Filters: an answer has `data`, or `errors`. A namespace has one
destination, so any destination id names it.
"""

import json
from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, request

from optilocal.forwarder.api.body import read_json
from optilocal.forwarder.context import context
from optilocal.forwarder.fql.parser import StatementError
from optilocal.forwarder.pipeline.source_event import iso_time
from optilocal.forwarder.problems import Problem
from optilocal.forwarder.stages.destination_filters import (
    MAX_FILTERS,
    DestinationFilter,
    apply,
    in_order,
    read_filter,
    read_preview,
)
from optilocal.forwarder.stages.shape import Shape, ShapeError, Violation
from optilocal.serving.site import current_namespace

CONTENT_TYPE = "application/vnd.segment.v1+json"
CREATED = ("sourceId", "title", "if", "actions", "enabled")
CHANGED = ("if", "actions", "title", "description", "enabled")
MAX_PAGE = 1000

blueprint = Blueprint("filters_api", __name__, url_prefix="/destination")


@blueprint.get("/<destination>/filters")
def listing(destination: str) -> Response:
    rows = _filters(destination)
    count = _count()
    start = _cursor()
    pagination: dict[str, Any] = {"current": str(start), "totalEntries": len(rows)}
    if start + count < len(rows):
        pagination["next"] = str(start + count)
    if start > 0:
        pagination["previous"] = str(max(0, start - count))
    page = [row.as_json() for row in rows[start : start + count]]
    return _data({"filters": page, "pagination": pagination})


@blueprint.post("/<destination>/filters")
def create(destination: str) -> Response:
    body = _body((*CREATED, "description"))
    created = read_filter(body, required=CREATED)
    rows = _filters(destination)
    if len(rows) >= MAX_FILTERS:
        raise ShapeError(
            [Violation("", f"a destination has at most {MAX_FILTERS} filters; delete one of them first")]
        )
    now = _now()
    created = created.identified(
        id=context().new_id(), destinationId=destination, createdAt=now, updatedAt=now
    )
    _save([*rows, created])
    return _data({"filter": created.as_json()})


@blueprint.get("/<destination>/filters/<filter_id>")
def get(destination: str, filter_id: str) -> Response:
    rows = _filters(destination)
    return _data({"filter": rows[_position(rows, filter_id)].as_json()})


@blueprint.patch("/<destination>/filters/<filter_id>")
def update(destination: str, filter_id: str) -> Response:
    rows = _filters(destination)
    position = _position(rows, filter_id)
    changed = read_filter({**rows[position].as_json(), **_body(CHANGED)}).identified(updatedAt=_now())
    rows[position] = changed
    _save(rows)
    return _data({"filter": changed.as_json()})


@blueprint.delete("/<destination>/filters/<filter_id>")
def remove(destination: str, filter_id: str) -> Response:
    rows = _filters(destination)
    del rows[_position(rows, filter_id)]
    _save(rows)
    return _data({"status": "SUCCESS"})


@blueprint.post("/filters/preview")
def preview() -> Response:
    shape = _object()
    shape.only(("filter", "payload"))
    for name in ("filter", "payload"):
        if shape.value.get(name) is None:
            shape.refuse(name, f'"{name}" is required')
    shape.done()
    payload = shape.inside("payload", shape.value["payload"])
    payload.done()
    previewed = read_preview(shape.value["filter"])
    if isinstance(previewed.condition, StatementError):
        raise ShapeError([Violation("filter.if", f'"if" is not valid FQL: {previewed.condition}')])
    result = apply(in_order([previewed]), dict(payload.value), context().random)
    return _data({"inputPayload": payload.value, "result": None if result.ended else result.event})


@blueprint.errorhandler(ShapeError)
def refused(error: ShapeError) -> Response:
    errors = [
        {
            "type": "input-validation",
            "message": violation.message,
            **({"field": violation.field} if violation.field else {}),
        }
        for violation in error.violations
    ]
    return _answer({"errors": errors}, 422)


@blueprint.errorhandler(Problem)
def problem(error: Problem) -> Response:
    kind = "not-found" if error.code == "not_found" else "input-validation"
    return _answer({"errors": [{"type": kind, "message": error.message}]}, error.status)


def _filters(destination: str) -> list[DestinationFilter]:
    """The filters in their order. Those of a settings file get an id, and are as old as this forwarder."""
    started = iso_time(context().started_at)
    return [
        configured.identified(
            **{
                "id": f"filter-{position}",
                "sourceId": "source",
                "createdAt": started,
                "updatedAt": started,
                **configured.identity,
                "destinationId": destination,
            }
        )
        for position, configured in enumerate(context().instances.platform(current_namespace()).filters, 1)
    ]


def _save(filters: Sequence[DestinationFilter]) -> None:
    instances, namespace = context().instances, current_namespace()
    configured = [each.as_json() for each in filters]
    instances.configure(namespace, platform=instances.platform(namespace).with_json("filters", configured))


def _position(filters: Sequence[DestinationFilter], filter_id: str) -> int:
    for position, each in enumerate(filters):
        if each.identity["id"] == filter_id:
            return position
    raise Problem("not_found", f"there is no filter {filter_id!r}")


def _now() -> str:
    return iso_time(context().clock.now_ms())


def _body(known: Sequence[str]) -> dict[str, Any]:
    """The body, an object with no other fields than the `known` ones."""
    shape = _object()
    shape.only(known)
    shape.done()
    return dict(shape.value)


def _object() -> Shape:
    shape = Shape(read_json())
    shape.done()
    return shape


def _parameter(name: str, default: str) -> str:
    # Segment's clients send `pagination[count]` or, for a parameter encoded as an object, `pagination.count`.
    return request.args.get(f"pagination[{name}]", request.args.get(f"pagination.{name}", default))


def _count() -> int:
    text = _parameter("count", str(MAX_FILTERS))
    if text.isascii() and text.isdigit() and 0 < int(text) <= MAX_PAGE:
        return int(text)
    raise ShapeError([Violation("pagination.count", f'"count" must be a number from 1 to {MAX_PAGE}')])


def _cursor() -> int:
    text = _parameter("cursor", "0")
    if text.isascii() and text.isdigit():
        return int(text)
    raise ShapeError([Violation("pagination.cursor", '"cursor" does not come from this API')])


def _data(data: dict[str, Any]) -> Response:
    return _answer({"data": data}, 200)


def _answer(body: dict[str, Any], status: int) -> Response:
    return Response(json.dumps(body), status, content_type=CONTENT_TYPE)
