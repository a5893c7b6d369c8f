"""`POST /v1/events`: lenient unless asked to be strict; everything is kept, with the reasons why it will not count."""

import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, request

from optilocal.emulator.batch.parse import is_plain_object, parse, strict
from optilocal.emulator.batch.row import Note, note
from optilocal.emulator.clock import namespace_time
from optilocal.emulator.context import CLOCK, Context, context
from optilocal.emulator.journal.records import Exchange
from optilocal.emulator.wire import faults
from optilocal.emulator.wire.exchange import UNREACHED, Answer, Asked, answered, asked, settle
from optilocal.emulator.wire.rest import rest_error
from optilocal.serving.site import INERT

blueprint = Blueprint("event_api", __name__)
PATH = "/v1/events"
STRICT = "X-Optimizely-Strict"
_ALLOW = "POST, OPTIONS"
_MEGABYTES = 1_000_000
_MEMBERS, _PIECE = 1_000, 16_384

Rule = Mapping[str, Any]


@blueprint.route("/v1/events", methods=["OPTIONS"], provide_automatic_options=False)
def preflight() -> Response:
    """What a browser asks before it posts JSON from another origin; preflights are not recorded."""
    return Response(status=204)


@blueprint.route(
    "/v1/events", methods=["POST", "GET", "HEAD", "PUT", "PATCH", "DELETE"], provide_automatic_options=False
)
def events() -> Response:
    """Take an event batch."""
    parts = context()
    [(reply, record, rule)] = take(parts, [asked()])
    parts.record([record])
    return answered(reply, rule)


def take(
    parts: Context, requests: Sequence[Asked], *, patient: bool = True
) -> list[tuple[Answer, Exchange, Rule | None]]:
    """What becomes of some requests that came together, in their order: answer, record, and the fault rule that applies.

    This is the only way into the emulator for what is sent to `/v1/events`. The records are stored before anybody is
    answered. Raises JournalBusyError for who is not `patient` while another process keeps fault rules from being counted.
    """
    spaces: dict[str, tuple[int, Iterator[Rule | None]]] = {}
    for namespace, count in Counter(each.namespace for each in requests).items():
        clock, rules = parts.journal.settings(namespace, (CLOCK, faults.KIND))
        chosen = faults.take(parts.journal, namespace, rules, "events", count, patient=patient)
        spaces[namespace] = namespace_time(parts.clock, clock), iter(chosen)
    settled, most = [], parts.settings.max_body
    for each in requests:
        at, chosen_rules = spaces[each.namespace]
        rule = next(chosen_rules)
        answer = UNREACHED if faults.comes_before(rule) else _receive(each, at, most, parts.new_id)
        reply, record = settle(each, answer, surface="events", at=at, rule=rule, max_body=most)
        settled.append((reply, record, rule))
    return settled


def _receive(asked: Asked, at: int, most: int, new_id: Callable[[], str]) -> Answer:
    """What the Event API makes of a request: `most` bytes of a body are taken, `new_id` names an error."""

    def error(status: int, code: str, message: str, **more: Any) -> Answer:
        return rest_error(status, code, message, new_id=new_id, **more)

    if asked.method != "POST":
        return error(405, "method_not_allowed", "events are posted", headers={"Allow": _ALLOW})
    body, kept = asked.body, None
    warnings: tuple[Note, ...] = ()
    encoding = asked.headers.get("Content-Encoding", "").strip().lower()
    if encoding == "gzip" and len(body) <= most:
        try:
            body = kept = _unzip(body, most)
        except zlib.error as reason:
            violation = note("not_gzip", f"the body is said to be gzip and is not: {reason}")
            return replace(error(400, "bad_request", violation["message"]), violations=(violation,))
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
        return replace(answer, violations=(violation,), body_kept=kept)
    accepted = Answer(204, counts=True, violations=None, warnings=warnings, body_kept=kept)
    is_strict = asked.headers.get(STRICT, "").strip().lower() in ("true", "1")
    if not is_strict and is_plain_object(body):
        return accepted
    parsed = parse(body, headers=asked.headers, received_at=at)
    refused = parsed.violations if not parsed.is_object else strict(parsed) if is_strict else ()
    if not refused:
        return accepted
    refusal = error(400, "bad_request", _refusal_text(refused))
    return replace(refusal, violations=None, warnings=warnings, body_kept=kept)


def _refusal_text(violations: Sequence[Note]) -> str:
    """What the sender of a malformed body, or in strict mode of one that breaks a constraint, is told."""
    messages = "; ".join(
        f"{violation['path']}: {violation['message']}" if "path" in violation else violation["message"]
        for violation in violations[:20]
    )
    return messages or "the body is not a JSON object"


def _unzip(body: bytes, most: int) -> bytes:
    """What a gzip body holds, all its members, at most one byte more than is accepted. Raises zlib.error."""
    found: list[bytes] = []
    size = at = 0
    for _ in range(_MEMBERS):
        unpacker = zlib.decompressobj(wbits=31)
        while not unpacker.eof:
            # In pieces: what follows a member is copied with each.
            piece = body[at : at + _PIECE]
            if not piece:
                raise zlib.error("it ends too early")
            found.append(unpacker.decompress(piece, most + 1 - size))
            at += len(piece) - len(unpacker.unused_data) - len(unpacker.unconsumed_tail)
            size += len(found[-1])
            if size > most:
                return b"".join(found)
        if at == len(body):
            return b"".join(found)
    raise zlib.error(f"it has more than {_MEMBERS} members")


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
