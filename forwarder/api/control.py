"""`/_forwarder/*`: the forwarder's own addresses, for looking at it and setting it up. Nothing is changed by GET."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, jsonify, request

from optilocal.forwarder.api.control_body import MAX_ROWS, read_json, read_number, read_wait
from optilocal.forwarder.api.refusals import Refusals
from optilocal.forwarder.clock import Clock
from optilocal.forwarder.destination.destination import Settings, event_keys, test_authentication
from optilocal.forwarder.errors import DestinationError
from optilocal.forwarder.pipeline.delivery import error_json
from optilocal.forwarder.pipeline.mappings import (
    ConfigurationError,
    mapping_json,
    odd_triggers,
    read_mappings,
)
from optilocal.forwarder.problems import Problem
from optilocal.forwarder.queue.dispatcher import Dispatcher
from optilocal.forwarder.queue.instances import Instances
from optilocal.forwarder.store.spool import FILTERS, STATES, Spool, SpooledDelivery
from optilocal.serving.request import Wait
from optilocal.serving.site import current_namespace, current_request

if TYPE_CHECKING:
    from optilocal.forwarder.http.request_client import RequestClient
    from optilocal.forwarder.http.session import HttpSession

SETTINGS = ("accountId", "dataFileUrl", "accessToken")
MASK = "********"
PAGE_BYTES = 8_000_000
"""A page of deliveries ends with the one that reaches so many bytes."""
LISTING = ("after", "limit", "wait", "count", "ns")


def control_api(
    spool: Spool,
    instances: Instances,
    dispatcher: Dispatcher,
    clock: Clock,
    session: Callable[[], HttpSession],
    *,
    refusals: Refusals,
    optimizely: str,
    version: str,
) -> Blueprint:
    """The routes under `/_forwarder`."""
    api = Blueprint("control_api", __name__, url_prefix="/_forwarder")

    @api.get("/health")
    def health() -> Response:
        state = {"waiting": spool.waiting(), "spool": None if spool.temporary else str(spool.path)}
        return jsonify(status="ok", version=version, optimizely=optimizely, **state)

    @api.get("/settings")
    def settings() -> Response:
        return jsonify(_masked(instances.settings(current_namespace())))

    @api.put("/settings")
    def put_settings() -> Response:
        body = read_json(request)
        if not isinstance(body, dict):
            raise Problem("invalid_settings", "settings are an object {accountId, dataFileUrl, accessToken}")
        unknown = sorted(set(body) - set(SETTINGS))
        if unknown:
            raise Problem(
                "invalid_settings", f"unknown setting {unknown[0]!r}; known are {', '.join(SETTINGS)}"
            )
        namespace = current_namespace()
        try:
            # What is not given stays as it is; null takes it away.
            chosen = {**instances.settings(namespace), **body}
            instances.configure(namespace, settings={k: v for k, v in chosen.items() if v is not None})
        except DestinationError as error:
            raise Problem("invalid_settings", error.message) from None
        return jsonify(_masked(instances.settings(namespace)))

    @api.get("/mappings")
    def mappings() -> Response:
        return jsonify(mappings=[mapping_json(one) for one in instances.mappings(current_namespace())])

    @api.put("/mappings")
    def put_mappings() -> Response:
        try:
            given = read_mappings(read_json(request))
            instances.configure(current_namespace(), mappings=given)
        except (ConfigurationError, ValueError) as error:
            raise Problem("invalid_mappings", str(error)) from None
        warnings = odd_triggers(given)
        return jsonify(
            {
                "mappings": [mapping_json(mapping) for mapping in given],
                **({"warnings": warnings} if warnings else {}),
            }
        )

    @api.get("/event-keys")
    def keys() -> Response:
        return jsonify(event_keys(_settings(), _client()).value)

    @api.get("/test-authentication")
    @api.post("/test-authentication")
    def authentication() -> Response:
        # Segment asks before it saves, so the settings to try may come along.
        given = read_json(request) if request.method == "POST" and request.content_length else None
        if given is not None and not isinstance(given, dict):
            raise Problem("invalid_settings", "settings are an object {accountId, dataFileUrl, accessToken}")
        chosen = _settings() if given is None else Settings.from_json(given)
        error = test_authentication(chosen, _client()).error
        return jsonify(ok=True) if error is None else jsonify(ok=False, error=error_json(error))

    @api.get("/suppressed")
    def suppressed() -> Response:
        namespace = current_namespace()
        users, anonymous = (
            [subject for subject, _ in spool.suppressed(namespace, kind)]
            for kind in ("user_id", "anonymous_id")
        )
        return jsonify(suppressed=users, anonymous_ids=anonymous)

    @api.get("/refused")
    def refused() -> Response:
        return jsonify(refused=refusals.of(current_namespace()))

    @api.get("/deliveries")
    def deliveries() -> Response:
        filters = {name: value for name, value in request.args.items() if name not in LISTING}
        unknown = sorted(set(filters) - {*FILTERS, "state"})
        if unknown:
            known = ", ".join((*LISTING, *FILTERS, "state"))
            raise Problem("invalid_parameter", f"there is no parameter {unknown[0]!r}; known are {known}")
        if filters.get("state", STATES[0]) not in STATES:
            raise Problem("invalid_parameter", f"state={filters['state']!r}: use one of {', '.join(STATES)}")
        namespace = None if request.args.get("ns") == "*" else current_namespace()
        after = read_number(request, "after", 0, 2**62)
        limit = max(1, read_number(request, "limit", 100, MAX_ROWS))
        count = max(1, read_number(request, "count", 1, MAX_ROWS))
        wait = read_wait(request)

        def check() -> float | None:
            return None if spool.count(namespace, after=after, most=count, filters=filters) >= count else wait

        asked = current_request()
        if wait and not asked.waited and check() is not None:
            asked.wait = Wait(wait, check, spool.subscribe)
            return jsonify(deliveries=[])
        shown = spool.listing(namespace, after=after, limit=limit, most_bytes=PAGE_BYTES, filters=filters)
        following = shown[-1].row if shown else after
        answer = {"deliveries": [_shown(one) for one in shown], "next": following, "dropped": spool.dropped()}
        if 0 < len(shown) < limit and spool.count(namespace, after=following, most=1, filters=filters):
            answer["more"] = True
        return jsonify(answer)

    @api.post("/deliveries/<delivery_id>/replay")
    def replay(delivery_id: str) -> tuple[Response, int]:
        namespace = current_namespace()
        found = spool.get(namespace, delivery_id)
        if found is None or found.state != "dead":
            raise Problem(
                "unknown_delivery",
                f"{delivery_id!r} is no dead letter; see /_forwarder/deliveries?state=dead",
            )
        dispatcher.replay(namespace, found)
        return jsonify(replayed=1), 202

    @api.post("/deliveries/replay")
    def replay_all() -> tuple[Response, int]:
        namespace = current_namespace()
        dead = spool.listing(namespace, limit=MAX_ROWS, filters={"state": "dead"})
        for found in dead:
            dispatcher.replay(namespace, found)
        return jsonify(replayed=len(dead)), 202

    def _settings() -> Settings:
        return Settings.from_json(instances.settings(current_namespace()))

    def _client() -> RequestClient:
        from optilocal.forwarder.http.request_client import RequestClient  # noqa: PLC0415 - `requests` is slow to import

        return RequestClient(session(), instances.optimizely(current_namespace()), clock)

    return api


def _masked(settings: dict[str, Any]) -> dict[str, Any]:
    return {key: MASK if key == "accessToken" and value else value for key, value in settings.items()}


def _shown(found: SpooledDelivery) -> dict[str, Any]:
    row = {"row": found.row, "namespace": found.namespace, "state": found.state, "due": found.due}
    return {
        **found.delivery.report,
        **row,
        "number": found.delivery.number,
        "retry_at": found.delivery.retry_at,
    }
