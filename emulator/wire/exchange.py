"""One request on the imitated surface: handled or made to fail, recorded, answered; the record is written first."""

import base64
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from flask import Response, request

from optilocal.emulator.batch.row import EventRow, Note
from optilocal.emulator.context import context, namespace
from optilocal.emulator.json_text import loads
from optilocal.emulator.wire import faults
from optilocal.serving.guard import SAFE_METHODS
from optilocal.serving.namespaces import DEFAULT
from optilocal.serving.site import current_request

MASK = "***"
_SECRET_HEADERS = ("authorization", "proxy-authorization", "cookie", "x-api-key")
_SECRET_PARAMETERS = ("token", "access_token", "api_key")
# Ways to break a connection that leave the client without a status.
_NO_STATUS = ("reset", "hang_up", "garbage")
# Over HTTP these have no body, whatever a datafile or a fault rule gives as one (RFC 9110, 6.4.1).
_BODILESS = (204, 304)
_SHOWN_RESPONSE = 4_096
_SHOWN_OVERSIZE = 65_536


@dataclass(frozen=True)
class Answer:
    """What a handler answers, and what it found out about the request on the way.

    `body_kept` is what is stored as the request's body when that is not the body as it came (it was compressed).
    """

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    rows: tuple[EventRow, ...] = ()
    violations: tuple[Note, ...] = ()
    warnings: tuple[Note, ...] = ()
    body_kept: bytes | None = None


def exchange(surface: str, handler: Callable[[int], Answer]) -> Response:
    """Handle the current request: `handler` is given the namespace's time and does not touch the journal of requests."""
    parts = context()
    space = namespace()
    at = parts.now(space)
    rule = faults.take(parts.journal, space, surface)
    body = request.get_data(cache=True)
    unreached = rule is not None and rule["phase"] == "before" and faults.replaces_answer(rule)
    answer = Answer(200) if unreached else handler(at)
    told = _told(answer, rule)
    broken = rule["break"] if rule else None
    record = {
        "surface": surface,
        "at": at,
        "method": request.method,
        "path": request.path,
        "query": masked_query(request.query_string.decode("latin-1")),
        "headers": masked_headers(request.headers.items()),
        "status": None if broken in _NO_STATUS else told.status,
        "response": "" if broken in _NO_STATUS else told.body[:_SHOWN_RESPONSE].decode("utf-8", "replace"),
        "fault": rule,
        "violations": list(answer.violations),
        "warnings": list(answer.warnings),
    }
    kept = answer.body_kept if answer.body_kept is not None else body
    if len(kept) > parts.settings.max_body:
        kept = kept[:_SHOWN_OVERSIZE]
    # A question brings no namespace into being: the first that changes something does.
    if request.method not in SAFE_METHODS or space == DEFAULT or parts.journal.knows_namespace(space):
        parts.journal.record(space, record, kept, answer.rows)
    response = Response(told.body, told.status)
    if "Content-Type" not in told.headers:
        response.headers.pop("Content-Type", None)
    response.headers.update(dict(told.headers))
    if rule:
        asked = current_request()
        asked.breaks, asked.delay = broken, rule["latency_ms"] / 1000
    return response


def _told(answer: Answer, rule: Mapping[str, Any] | None) -> Answer:
    """What the client is told: the answer itself, or what a fault rule makes of it; some statuses have no body at all."""
    told = answer if rule is None else _changed(answer, rule)
    return replace(told, body=b"") if told.status in _BODILESS and told.body else told


def _changed(answer: Answer, rule: Mapping[str, Any]) -> Answer:
    """What a fault rule makes of an answer."""
    told = answer
    if rule["status"] is not None or rule["body"] is not None:
        text = rule["body"] or ""
        headers = {"Content-Type": "application/json" if _is_json(text) else "text/plain; charset=utf-8"}
        told = replace(
            answer, status=rule["status"] or 200, body=text.encode("utf-8", "replace"), headers=headers
        )
    changed = {name.lower() for name in rule["headers"]}
    kept = {name: value for name, value in told.headers.items() if name.lower() not in changed}
    return replace(told, headers={**kept, **rule["headers"]})


def _is_json(text: str) -> bool:
    try:
        loads(text)
    except ValueError:
        return False
    return True


def masked_headers(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Headers with every secret replaced; the scheme of an Authorization stays readable."""
    shown = {}
    for name, value in headers:
        scheme = value.partition(" ")[0].lower()
        masked = f"{scheme.title()} {MASK}" if scheme in ("bearer", "basic") else MASK
        if name.lower() == "referer":
            address, mark, query = value.partition("?")
            value = address + mark + masked_query(query)  # noqa: PLW2901 - it is the value that is shown
        shown[name] = masked if name.lower() in _SECRET_HEADERS else value
    return shown


def masked_query(query: str) -> str:
    """A query string with every secret parameter's value replaced."""
    parts = []
    for part in query.split("&"):
        name, equals, _ = part.partition("=")
        parts.append(f"{name}={MASK}" if equals and name.lower() in _SECRET_PARAMETERS else part)
    return "&".join(parts)


def exchange_json(row: Mapping[str, Any]) -> dict[str, Any]:
    """A stored request as the listings show it: the body as text, or in base64 when it is no UTF-8, and as JSON."""
    doc: dict[str, Any] = loads(row["doc"])
    raw: bytes = row["body"]
    shown: dict[str, Any] = {"body": None, "json": None}
    if raw:
        try:
            shown["body"] = text = raw.decode()
        except UnicodeDecodeError:
            shown["body_base64"] = base64.b64encode(raw).decode()
            text = raw.decode("latin-1")
        try:
            shown["json"] = loads(text)
        except ValueError:
            shown["json"] = None
    return {"number": row["number"], "namespace": row["namespace"], **doc, **shown}
