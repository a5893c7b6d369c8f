"""Segment's HTTP Tracking API: what its libraries post to, and the settings that analytics.js fetches."""

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
from optilocal.forwarder.context import context
from optilocal.forwarder.pipeline.source_event import TYPES, complete, event_notes
from optilocal.forwarder.queue.dispatcher import Overloaded
from optilocal.forwarder.stages.consent import Consent
from optilocal.serving.site import current_namespace

blueprint = Blueprint("source_api", __name__)

CALLS = {**{kind: kind for kind in TYPES}, **{kind[0]: kind for kind in TYPES}}
"""Path → type of the call, long and short: `/v1/track`, `/v1/t`."""

CDN_HOST, API_HOST = "cdn.segment.com", "api.segment.io"
"""The real hosts from which analytics.js fetches its settings, and to which it then sends."""
UNKNOWN_KEY = "Cannot GET - Invalid path or write key provided."
"""The text of Segment's CDN, with 404, for a write key that it does not know: segmentio/analytics-next#851."""

BATCHES = ("batch", "b", "import")

Accepted = tuple[dict[str, Any], list[dict[str, str]]]
"""A source event, and the notes on it."""

NO_KEY = {
    "code": "write_key_missing",
    "message": "no writeKey, neither in the body nor as Basic user: Segment needs one",
}


@blueprint.route("/v1/<call>", methods=["POST"], provide_automatic_options=False)
def post(call: str) -> tuple[Response, int]:
    if call == "m":
        # The browser library's own metrics: accepted as Segment accepts them, and not used here.
        return jsonify(success=True), 200
    if call not in CALLS and call not in BATCHES:
        return _refuse(f"there is no call /v1/{call}", 404)
    try:
        body = read_body(request)
        key = write_key(request, body)
        if key == "":
            raise Refused("the write key is empty")
        events = _batch(body) if call in BATCHES else [_single(body, CALLS[call])]
    except Refused as refused:
        return _refuse(str(refused), 400)
    if key is not None and not _is_known(key):
        # Segment answers 200 and drops the event: https://github.com/segmentio/analytics-node/issues/371.
        _refuse(f"no source has the write key {key!r}", 200)
        return jsonify(success=True), 200
    more = [] if key is not None else [NO_KEY]
    try:
        context().dispatcher.accept(
            current_namespace(), [(event, [*notes, *more]) for event, notes in events]
        )
    except Overloaded:
        answer, status = _refuse("too many events wait; come back later", 429)
        answer.headers["retry-after"] = "5"
        return answer, status
    return jsonify(success=True), 200


def _is_known(key: str) -> bool:
    """Whether a source has this write key; without configured write keys every key is known."""
    known = context().settings.write_keys
    return not known or key in known


def _single(body: dict[str, Any], kind: str) -> Accepted:
    return _event({key: value for key, value in body.items() if key != "writeKey"}, kind, None)


def _event(sent: dict[str, Any], kind: str | None, batch: dict[str, Any] | None) -> Accepted:
    if is_too_large(sent):
        raise Refused(f"an event is larger than {MAX_EVENT_BYTES} bytes")
    now = context().clock.now_ms()
    message_id = f"api-{context().new_id()}"
    event = complete(sent, kind=kind, received_at=now, message_id=message_id, batch=batch)
    around = event["context"]
    if isinstance(around, dict) and around.get("direct") is True:
        around.setdefault("ip", request.remote_addr)
    return event, event_notes({**sent, "type": event["type"]}, received_at=now)


def _batch(body: dict[str, Any]) -> list[Accepted]:
    items = body.get("batch")
    # Segment answers 200 to a batch without events and to one with too many, and keeps nothing of either.
    if not isinstance(items, list) or not items:
        _refuse("the batch has no list of events", 200)
        return []
    if len(items) > MAX_BATCH_EVENTS:
        _refuse(f"the batch has {len(items)} events; Segment takes at most {MAX_BATCH_EVENTS}", 200)
        return []
    events = []
    for position, item in enumerate(items):
        if isinstance(item, dict) and item.get("type") in TYPES:
            events.append(_event(item, None, body))
        else:
            _refuse(f"batch[{position}] is not an event with a type out of {', '.join(TYPES)}", 200)
    return events


def _refuse(reason: str, status: int) -> tuple[Response, int]:
    parts = context()
    parts.refusals.add(current_namespace(), request.path, reason, status=status, at=parts.clock.now_ms())
    return jsonify(success=False, message=reason), status


@blueprint.route("/v1/projects/<key>/settings", methods=["GET"], provide_automatic_options=False)
def settings(key: str) -> Response:
    if not _is_known(key):
        return Response(UNKNOWN_KEY, 404, content_type="text/plain; charset=utf-8")
    if request.host.lower() == CDN_HOST:
        # A proxy or a hosts file leads the page here, and leads its events here too.
        answer = browser_settings(key, f"{API_HOST}/v1", "https")
    else:
        answer = browser_settings(key, f"{request.host}{request.script_root}/v1", request.scheme)
    return jsonify(with_consent(answer, context().instances.platform(current_namespace()).consent))


@blueprint.after_request
def share(answer: Response) -> Response:
    # Any page may post to Segment, so any page may post here.
    answer.headers["access-control-allow-origin"] = "*"
    return answer


@blueprint.route("/v1/<path:rest>", methods=["OPTIONS"])
def preflight(rest: str) -> Response:  # noqa: ARG001 - every address answers alike
    answer = Response(status=204)
    answer.headers["access-control-allow-methods"] = "GET, POST, OPTIONS"
    answer.headers["access-control-allow-headers"] = (
        "authorization, content-type, content-encoding, x-retry-count"
    )
    answer.headers["access-control-max-age"] = "86400"
    return answer


def with_consent(settings: dict[str, Any], consent: Consent) -> dict[str, Any]:
    """The settings with the workspace's consent categories, as Segment's consent wrapper reads them (npm
    `@segment/analytics-consent-tools`, src/domain/blocking-helpers.ts); without categories they stay as they are.

    The destination itself is not among `integrations`: the server checks its consent, and for every integration but
    Segment.io analytics.js fetches a bundle from Segment's CDN.
    """
    everything = list(dict.fromkeys((*consent.categories, *consent.others)))
    if not everything:
        return settings
    unmapped = not consent.categories
    return {**settings, "consentSettings": {"allCategories": everything, "hasUnmappedDestinations": unmapped}}


def browser_settings(key: str, api_host: str, protocol: str) -> dict[str, Any]:
    """The settings that analytics.js fetches first: Segment.io as the only integration, and the address to send to."""
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
