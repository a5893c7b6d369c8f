"""Segment's HTTP Tracking API: what its libraries post to, and the settings that analytics.js fetches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, jsonify, request

from optilocal.forwarder.api.body import (
    MAX_BATCH_EVENTS,
    MAX_EVENT_BYTES,
    Refused,
    is_too_large,
    read_body,
    write_key,
)
from optilocal.forwarder.api.refusals import Refusals
from optilocal.forwarder.clock import Clock
from optilocal.forwarder.pipeline.source_event import TYPES, complete, notes
from optilocal.forwarder.queue.dispatcher import Dispatcher, Overloaded
from optilocal.forwarder.queue.instances import Instances
from optilocal.forwarder.stages.consent import Consent
from optilocal.serving.site import current_namespace

CALLS = {**{kind: kind for kind in TYPES}, **{kind[0]: kind for kind in TYPES}}
"""Path → type of the call, long and short: `/v1/track`, `/v1/t`."""

CDN_HOST, API_HOST = "cdn.segment.com", "api.segment.io"
"""Where analytics.js fetches its settings in real life, and where it then sends."""
UNKNOWN_KEY = "Cannot GET - Invalid path or write key provided."
"""What Segment's CDN says, with 404, of a write key that it does not know: segmentio/analytics-next#851."""

BATCHES = ("batch", "b", "import")

Taken = tuple[dict[str, Any], list[dict[str, str]]]


def source_api(
    dispatcher: Dispatcher,
    instances: Instances,
    clock: Clock,
    ids: Callable[[], str],
    *,
    refusals: Refusals,
    write_keys: frozenset[str] = frozenset(),
) -> Blueprint:
    """The routes of Segment's Tracking API. What is not taken is noted in `refusals`.

    With `write_keys` what comes with another key is answered 200 as ever, and goes nowhere.
    """
    api = Blueprint("source_api", __name__)

    @api.route("/v1/<call>", methods=["POST"], provide_automatic_options=False)
    def post(call: str) -> tuple[Response, int]:
        if call == "m":
            # The browser library's own metrics: taken as Segment takes them, of no use here.
            return jsonify(success=True), 200
        if call not in CALLS and call not in BATCHES:
            return _refuse(f"there is no call /v1/{call}", 404)
        try:
            body = read_body(request)
            key = write_key(request, body)
            if key == "":
                raise Refused("the write key is empty")
            taken = _batch(body) if call in BATCHES else [_single(body, CALLS[call])]
        except Refused as refused:
            return _refuse(str(refused), 400)
        if write_keys and key is not None and key not in write_keys:
            # Segment answers as ever and drops it: https://github.com/segmentio/analytics-node/issues/371.
            _refuse(f"no source has the write key {key!r}", 200)
            return jsonify(success=True), 200
        extra = [] if key is not None else [NO_KEY]
        try:
            dispatcher.accept(current_namespace(), [(event, [*found, *extra]) for event, found in taken])
        except Overloaded:
            answer, status = _refuse("too many events wait; come back later", 429)
            answer.headers["retry-after"] = "5"
            return answer, status
        return jsonify(success=True), 200

    def _single(body: dict[str, Any], kind: str) -> Taken:
        return _event({key: value for key, value in body.items() if key != "writeKey"}, kind, None)

    def _event(sent: dict[str, Any], kind: str | None, batch: dict[str, Any] | None) -> Taken:
        if is_too_large(sent):
            raise Refused(f"an event is larger than {MAX_EVENT_BYTES} bytes")
        now = clock.now_ms()
        event = complete(sent, kind=kind, received_at=now, message_id=f"api-{ids()}", batch=batch)
        context = event["context"]
        if isinstance(context, dict) and context.get("direct") is True:
            context.setdefault("ip", request.remote_addr)
        return event, notes({**sent, "type": event["type"]}, received_at=now)

    def _batch(body: dict[str, Any]) -> list[Taken]:
        items = body.get("batch")
        # Segment answers 200 to a batch without events and to one with too many, and keeps nothing of either.
        if not isinstance(items, list) or not items:
            _refuse("the batch has no list of events", 200)
            return []
        if len(items) > MAX_BATCH_EVENTS:
            _refuse(f"the batch has {len(items)} events; Segment takes at most {MAX_BATCH_EVENTS}", 200)
            return []
        taken = []
        for position, item in enumerate(items):
            if isinstance(item, dict) and item.get("type") in TYPES:
                taken.append(_event(item, None, body))
            else:
                _refuse(f"batch[{position}] is no event with a type out of {', '.join(TYPES)}", 200)
        return taken

    def _refuse(reason: str, status: int) -> tuple[Response, int]:
        refusals.add(current_namespace(), request.path, reason, status=status, at=clock.now_ms())
        return jsonify(success=False, message=reason), status

    @api.route("/v1/projects/<key>/settings", methods=["GET"], provide_automatic_options=False)
    def settings(key: str) -> Response:
        if write_keys and key not in write_keys:
            return Response(UNKNOWN_KEY, 404, content_type="text/plain; charset=utf-8")
        if request.host.lower() == CDN_HOST:
            # The page was led here by a proxy or its hosts file, and so are its events.
            found = browser_settings(key, f"{API_HOST}/v1", "https")
        else:
            found = browser_settings(key, f"{request.host}{request.script_root}/v1", request.scheme)
        return jsonify(with_consent(found, instances.platform(current_namespace()).consent))

    @api.after_request
    def share(answer: Response) -> Response:
        # Any page may post to Segment, so any page may post here.
        answer.headers["access-control-allow-origin"] = "*"
        return answer

    @api.route("/v1/<path:rest>", methods=["OPTIONS"])
    def preflight(rest: str) -> Response:  # noqa: ARG001 - every address answers alike
        answer = Response(status=204)
        answer.headers["access-control-allow-methods"] = "GET, POST, OPTIONS"
        answer.headers["access-control-allow-headers"] = (
            "authorization, content-type, content-encoding, x-retry-count"
        )
        answer.headers["access-control-max-age"] = "86400"
        return answer

    return api


NO_KEY = {
    "code": "write_key_missing",
    "message": "no writeKey, neither in the body nor as Basic user: Segment needs one",
}


def with_consent(settings: dict[str, Any], consent: Consent) -> dict[str, Any]:
    """The settings with the workspace's consent categories, as Segment's consent wrapper reads them (npm
    `@segment/analytics-consent-tools`, src/domain/blocking-helpers.ts); without categories they stay as they are.

    The destination itself is not among `integrations`: its consent is judged on the server, and analytics.js fetches a
    bundle from Segment's own CDN as soon as there is any other integration than Segment.io.
    """
    everything = list(dict.fromkeys((*consent.categories, *consent.others)))
    if not everything:
        return settings
    unmapped = not consent.categories
    return {**settings, "consentSettings": {"allCategories": everything, "hasUnmappedDestinations": unmapped}}


def browser_settings(key: str, api_host: str, protocol: str) -> dict[str, Any]:
    """What analytics.js fetches before it sends: itself as the only integration, and where to send."""
    everything = {"__default": {"enabled": True, "integrations": {}}}
    return {
        "integrations": {
            "Segment.io": {
                "apiKey": key,
                "apiHost": api_host,
                "protocol": protocol,
                "addBundledMetadata": True,
                "unbundledIntegrations": [],
                "versionSettings": {"version": "4.4.7", "componentTypes": ["browser"]},
            }
        },
        "plan": {
            "track": everything,
            "identify": {"__default": {"enabled": True}},
            "group": {"__default": {"enabled": True}},
        },
        "edgeFunction": {},
        "analyticsNextEnabled": True,
        "middlewareSettings": {},
        "enabledMiddleware": {},
        "metrics": {"sampleRate": 0, "host": api_host},
        "legacyVideoPluginsEnabled": False,
        "remotePlugins": [],
    }
