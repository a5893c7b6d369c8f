"""`POST /v1/events`: lenient unless asked to be strict; everything is kept, with the reasons why it will not count."""

import zlib
from collections.abc import Sequence
from functools import partial

from flask import Blueprint, Response

from optilocal.emulator.batch.parse import is_plain_object, parse, strict
from optilocal.emulator.batch.row import Note, note
from optilocal.emulator.context import Context, context
from optilocal.emulator.privacy.stored_body import inflate
from optilocal.emulator.wire.exchange import Answer, WireRequest, exchange, open_to_pages
from optilocal.emulator.wire.rest import rest_error
from optilocal.serving.site import INERT

blueprint = Blueprint("event_api", __name__)
PATH = "/v1/events"
STRICT = "X-Optimizely-Strict"
_ALLOW = "POST, OPTIONS"
_MEGABYTES = 1_000_000


@blueprint.route(PATH, methods=["POST", "GET", "HEAD", "PUT", "PATCH", "DELETE"])
def events() -> Response:
    return exchange("events", partial(receive, context()))


def receive(parts: Context, request: WireRequest, at: int) -> Answer:
    """What the Event API makes of a request: the only way into the emulator for an event batch."""
    most, error = parts.settings.max_body, partial(rest_error, new_id=parts.new_id)
    if request.method != "POST":
        return error(405, "method_not_allowed", "events are posted", headers={"Allow": _ALLOW})
    body, unpacked = request.body, None
    warnings: tuple[Note, ...] = ()
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    if encoding == "gzip" and len(body) <= most:
        try:
            body = unpacked = inflate(body, most)
        except zlib.error as reason:
            violation = note("not_gzip", f"the body is said to be gzip and is not: {reason}")
            return error(400, "bad_request", violation["message"])._replace(violations=(violation,))
    elif encoding not in ("", "identity", "gzip"):
        warnings += (
            note("unknown_encoding", f"the body's encoding {encoding!r:.40} is not known; read as it is"),
        )
    if len(body) > most:
        violation = note(
            "too_large",
            f"the body has more than {most / _MEGABYTES:g} MB ({most} bytes); split the batch",
        )
        answer = error(413, "request_too_large", violation["message"])
        return answer._replace(violations=(violation,), body_kept=unpacked)
    accepted = Answer(204, counts=True, violations=None, warnings=warnings, body_kept=unpacked)
    is_strict = request.headers.get(STRICT, "").strip().lower() in ("true", "1")
    if not is_strict and is_plain_object(body):
        return accepted
    parsed = parse(body, headers=request.headers, received_at=at)
    refused = parsed.violations if not parsed.is_object else strict(parsed) if is_strict else ()
    if not refused:
        return accepted
    refusal = error(400, "bad_request", _refusal_text(refused))
    return refusal._replace(violations=None, warnings=warnings, body_kept=unpacked)


def _refusal_text(violations: Sequence[Note]) -> str:
    """What the sender of a malformed body, or in strict mode of one that breaks a constraint, is told."""
    messages = "; ".join(
        f"{violation['path']}: {violation['message']}" if "path" in violation else violation["message"]
        for violation in violations[:20]
    )
    return messages or "the body is not a JSON object"


def cross_origin_headers(origin: str | None) -> dict[str, str]:
    """What an answer tells a browser whose page is of this origin."""
    return {
        "Access-Control-Allow-Origin": origin or "*",
        # A beacon always carries credentials, and the SDK's own beacon is JSON, for which a browser asks first.
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Allow-Methods": _ALLOW,
        "Access-Control-Allow-Headers": f"content-type, {STRICT.lower()}",
        "Access-Control-Max-Age": "600",
        "Vary": "Origin",
        "Content-Security-Policy": INERT,
        "Cross-Origin-Resource-Policy": "cross-origin",
    }


open_to_pages(blueprint, cross_origin_headers)
