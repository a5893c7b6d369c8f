"""`POST /v1/events`: lenient unless asked to be strict; everything is kept, with the reasons why it will not count."""

import zlib

from flask import Blueprint, Response, request

from optilocal.emulator.batch.parse import parse, strict
from optilocal.emulator.batch.row import Note, note
from optilocal.emulator.context import context
from optilocal.emulator.wire.exchange import Answer, exchange
from optilocal.emulator.wire.rest_errors import rest_error
from optilocal.serving.site import INERT

blueprint = Blueprint("event_api", __name__)
STRICT = "X-Optimizely-Strict"
_ALLOW = "POST, OPTIONS"
_MEGABYTES = 1_000_000


@blueprint.route("/v1/events", methods=["OPTIONS"], provide_automatic_options=False)
def preflight() -> Response:
    """What a browser asks before it posts JSON from another origin; preflights are not recorded."""
    return Response(status=204)


@blueprint.route(
    "/v1/events", methods=["POST", "GET", "HEAD", "PUT", "PATCH", "DELETE"], provide_automatic_options=False
)
def events() -> Response:
    """Take an event batch."""
    return exchange("events", _receive)


def _receive(at: int) -> Answer:
    if request.method != "POST":
        return rest_error(405, "method_not_allowed", "events are posted", headers={"Allow": _ALLOW})
    most = context().settings.max_body
    body = request.get_data(cache=True)
    kept = None
    warnings: tuple[Note, ...] = ()
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    if encoding == "gzip" and len(body) <= most:
        try:
            body = kept = _unzip(body, most)
        except zlib.error as error:
            return _malformed([note("not_gzip", f"the body is said to be gzip and is not: {error}")])
    elif encoding not in ("", "identity", "gzip"):
        warnings += (
            note("unknown_encoding", f"the body's encoding {encoding!r:.40} is not known; read as it is"),
        )
    if len(body) > most:
        found = note(
            "too_large",
            f"the body has more than {most / _MEGABYTES:g} MB ({most} bytes); split the batch",
        )
        answer = rest_error(413, "request_too_large", found["message"], body_kept=kept)
        return Answer(answer.status, answer.body, answer.headers, violations=(found,), body_kept=kept)
    parsed = parse(body, headers=dict(request.headers.items()), received_at=at)
    if not parsed.is_object:
        return _malformed([*parsed.violations], kept, warnings + parsed.warnings)
    if request.headers.get(STRICT, "").strip().lower() in ("true", "1"):
        refused = strict(parsed)
        if refused:
            return _malformed(refused, kept, warnings + parsed.warnings)
    return Answer(
        204,
        rows=parsed.rows,
        violations=parsed.violations,
        warnings=warnings + parsed.warnings,
        body_kept=kept,
    )


def _malformed(violations: list[Note], kept: bytes | None = None, warnings: tuple[Note, ...] = ()) -> Answer:
    """400, which Optimizely gives to a malformed body and, when strict, to one that breaks a constraint."""
    messages = "; ".join(
        f"{found['path']}: {found['message']}" if "path" in found else found["message"]
        for found in violations[:20]
    )
    answer = rest_error(400, "bad_request", messages or "the body is no JSON object")
    return Answer(
        400, answer.body, answer.headers, violations=tuple(violations), warnings=warnings, body_kept=kept
    )


def _unzip(body: bytes, most: int) -> bytes:
    """What a gzip body holds, all its members, at most one byte more than is accepted. Raises zlib.error."""
    found = b""
    while True:
        unpacker = zlib.decompressobj(wbits=31)
        found += unpacker.decompress(body, most + 1 - len(found))
        if len(found) > most:
            return found
        if not unpacker.eof:
            raise zlib.error("it ends too early")
        body = unpacker.unused_data
        if not body:
            return found


@blueprint.after_request
def cross_origin(response: Response) -> Response:
    """Browsers post from any page, as they do to Optimizely."""
    response.headers.update(cross_origin_headers(request.headers.get("Origin")))
    return response


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
