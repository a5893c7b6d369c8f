"""`/_forwarder/*`: the forwarder's own addresses, for looking at it and setting it up. Nothing is changed by GET."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, jsonify, request

from optilocal.forwarder.api.body import MAX_ROWS, read_json, read_number, read_wait
from optilocal.forwarder.context import context
from optilocal.forwarder.destination.destination import Settings, event_keys, test_authentication
from optilocal.forwarder.errors import DestinationError
from optilocal.forwarder.pipeline.mappings import mapping_json, odd_triggers, read_mappings
from optilocal.forwarder.problems import Problem
from optilocal.forwarder.queue.instances import ENABLED, of_action
from optilocal.forwarder.stages.destination_filters import wrong_statements
from optilocal.forwarder.stages.platform import PARTS
from optilocal.forwarder.stages.shape import ShapeError
from optilocal.forwarder.store.spool import FILTERS, STATES, SpooledDelivery
from optilocal.serving.metrics import CONTENT_TYPE, Metric, as_text
from optilocal.serving.request import Wait
from optilocal.serving.site import current_namespace, current_request

if TYPE_CHECKING:
    from optilocal.forwarder.http.request_client import RequestClient

blueprint = Blueprint("control_api", __name__, url_prefix="/_forwarder")

SETTINGS = ("accountId", "dataFileUrl", "accessToken", ENABLED)
MASK = "********"
PAGE_BYTES = 8_000_000
"""A page of deliveries ends with the one that reaches so many bytes."""
LISTING = ("after", "limit", "order", "wait", "count", "ns")


@blueprint.get("/health")
def health() -> Response:
    spool = context().spool
    return jsonify(
        status="ok",
        version=_version(),
        optimizely=context().settings.optimizely,
        waiting=spool.waiting(),
        spool=spool.name,
    )


def _version() -> str:
    try:
        return version("optilocal")
    except PackageNotFoundError:
        return "0"


@blueprint.get("/metrics")
def metrics() -> Response:
    """The figures of the whole spool, of every namespace and of every forwarder on it; retries are this forwarder's."""
    spool = context().spool
    kept = spool.outcome_counts()
    found = [
        Metric(
            "optilocal_accepted_total",
            "counter",
            "Source events accepted",
            {"": sum(kept.values()) + spool.dropped()},
        ),
        Metric(
            "optilocal_waiting", "gauge", "Deliveries that wait to be sent or reported", {"": spool.waiting()}
        ),
        Metric("optilocal_deliveries", "gauge", "Deliveries kept, by outcome", kept, label="outcome"),
        Metric(
            "optilocal_retries_total",
            "counter",
            "Attempts after the first, of this forwarder, by what they came to",
            dict(context().dispatcher.retries),
            label="outcome",
        ),
    ]
    return Response(as_text(found), content_type=CONTENT_TYPE)


# -- settings, mappings, and what Segment does before them


@blueprint.get("/settings")
def settings() -> Response:
    chosen = context().instances.settings(current_namespace())
    return jsonify({key: MASK if key == "accessToken" and value else value for key, value in chosen.items()})


@blueprint.put("/settings")
def put_settings() -> Response:
    body = _settings_object(read_json())
    unknown = sorted(set(body) - set(SETTINGS))
    if unknown:
        raise Problem("invalid_settings", f"unknown setting {unknown[0]!r}; known are {', '.join(SETTINGS)}")
    if not isinstance(body.get(ENABLED), bool | None):
        raise Problem("invalid_settings", '"enabled" is true or false')
    instances, namespace = context().instances, current_namespace()
    try:
        # What is not given stays as it is; null removes it.
        chosen = {**instances.settings(namespace), **body}
        instances.configure(namespace, settings={k: v for k, v in chosen.items() if v is not None})
    except DestinationError as error:
        raise Problem("invalid_settings", error.message) from None
    return settings()


def _settings_object(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise Problem("invalid_settings", "settings are an object {accountId, dataFileUrl, accessToken}")
    return body


@blueprint.get("/mappings")
def mappings() -> Response:
    chosen = context().instances.mappings(current_namespace())
    return jsonify(mappings=[mapping_json(mapping) for mapping in chosen])


@blueprint.put("/mappings")
def put_mappings() -> Response:
    try:
        chosen = read_mappings(read_json())
        context().instances.configure(current_namespace(), mappings=chosen)
    except ValueError as error:
        raise Problem("invalid_mappings", str(error)) from None
    warnings = odd_triggers(chosen)
    answer = {"mappings": [mapping_json(mapping) for mapping in chosen]}
    return jsonify({**answer, "warnings": warnings} if warnings else answer)


def platform_part(part: str) -> Response:
    """One part of what Segment does before the mappings, `filters` say: `{PART: …}`."""
    return jsonify({part: context().instances.platform(current_namespace()).part_json(part)})


def put_platform_part(part: str) -> Response:
    """Configures one part anew, whole."""
    instances, namespace = context().instances, current_namespace()
    body: Any = read_json()
    configured = body[part] if isinstance(body, dict) and set(body) == {part} else body
    try:
        platform = instances.platform(namespace).with_json(part, configured)
        instances.configure(namespace, platform=platform.checked() if part == "schema" else platform)
    except ShapeError as error:
        raise Problem("invalid_platform", str(error)) from None
    answer = {part: platform.part_json(part)}
    warnings = wrong_statements(platform.filters) if part == "filters" else []
    return jsonify({**answer, "warnings": warnings} if warnings else answer)


for _part in PARTS:
    for _method, _view in (("GET", platform_part), ("PUT", put_platform_part)):
        _address = "/" + _part.replace("_", "-")
        blueprint.add_url_rule(
            _address, f"{_method}_{_part}", _view, defaults={"part": _part}, methods=[_method]
        )


# -- requests of the destination


@blueprint.get("/event-keys")
def keys() -> Response:
    return jsonify(event_keys(_settings(), _client()).value)


@blueprint.get("/test-authentication")
@blueprint.post("/test-authentication")
def authentication() -> Response:
    # Segment tests settings before it saves them, so the settings to test may be in the body.
    has_body = request.method == "POST" and request.content_length
    chosen = Settings(of_action(_settings_object(read_json()))) if has_body else _settings()
    error = test_authentication(chosen, _client()).error
    return jsonify(ok=True) if error is None else jsonify(ok=False, error=error.members())


def _settings() -> Settings:
    return Settings(of_action(context().instances.settings(current_namespace())))


def _client() -> RequestClient:
    from optilocal.forwarder.http.request_client import RequestClient  # noqa: PLC0415 - `requests` is slow to import

    parts = context()
    return RequestClient(parts.session(), parts.instances.optimizely(current_namespace()), parts.clock)


# -- what came in


@blueprint.get("/suppressed")
def suppressed() -> Response:
    users, anonymous = (
        [subject for subject, _ in context().spool.suppressed(current_namespace(), kind)]
        for kind in ("user_id", "anonymous_id")
    )
    return jsonify(suppressed=users, anonymous_ids=anonymous)


@blueprint.get("/refused")
def refused() -> Response:
    return jsonify(refused=context().refusals.of(current_namespace()))


@blueprint.get("/deliveries")
def deliveries() -> Response:
    filters = {name: value for name, value in request.args.items() if name not in LISTING}
    unknown = sorted(set(filters) - {*FILTERS, "state"})
    if unknown:
        known = ", ".join((*LISTING, *FILTERS, "state"))
        raise Problem("invalid_parameter", f"there is no parameter {unknown[0]!r}; known are {known}")
    if filters.get("state", STATES[0]) not in STATES:
        raise Problem("invalid_parameter", f"state={filters['state']!r}: use one of {', '.join(STATES)}")
    order = request.args.get("order", "oldest")
    if order not in ("oldest", "newest"):
        raise Problem("invalid_parameter", f"order={order!r}: use oldest or newest")
    spool = context().spool
    namespace = None if request.args.get("ns") == "*" else current_namespace()
    after = read_number("after", 0, 2**62)
    limit = max(1, read_number("limit", 100, MAX_ROWS))
    count = max(1, read_number("count", 1, MAX_ROWS))
    wait = read_wait()

    def check() -> float | None:
        return None if spool.count(namespace, after=after, most=count, filters=filters) >= count else wait

    current = current_request()
    if wait and not current.waited and check() is not None:
        current.wait = Wait(wait, check, spool.subscribe)
        return jsonify(deliveries=[])
    rows = spool.listing(
        namespace, after=after, limit=limit, filters=filters, newest=order == "newest", most_bytes=PAGE_BYTES
    )
    following = rows[-1].row if rows else after
    answer = {"deliveries": [_shown(row) for row in rows], "next": following, "dropped": spool.dropped()}
    if 0 < len(rows) < limit:
        matching = spool.count(namespace, after=after, most=len(rows) + 1, filters=filters)
        answer |= {"more": True} if matching > len(rows) else {}
    return jsonify(answer)


def _shown(spooled: SpooledDelivery) -> dict[str, Any]:
    return {
        **spooled.delivery.report,
        "row": spooled.row,
        "namespace": spooled.namespace,
        "state": spooled.state,
        "due": spooled.due,
        "number": spooled.delivery.number,
        "retry_at": spooled.delivery.retry_at,
    }


@blueprint.post("/deliveries/<delivery_id>/replay")
def replay(delivery_id: str) -> tuple[Response, int]:
    namespace = current_namespace()
    spooled = context().spool.get(namespace, delivery_id)
    if spooled is None or spooled.state != "dead":
        raise Problem(
            "unknown_delivery", f"{delivery_id!r} is not a dead letter; see /_forwarder/deliveries?state=dead"
        )
    context().dispatcher.replay(namespace, spooled)
    return jsonify(replayed=1), 202


@blueprint.post("/deliveries/replay")
def replay_all() -> tuple[Response, int]:
    namespace = current_namespace()
    dead = context().spool.listing(namespace, limit=MAX_ROWS, filters={"state": "dead"})
    for spooled in dead:
        context().dispatcher.replay(namespace, spooled)
    return jsonify(replayed=len(dead)), 202
