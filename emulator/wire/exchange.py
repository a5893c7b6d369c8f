"""One request on the imitated surface: handled or made to fail, recorded, answered; the record is written first."""

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from flask import Response, request

from optilocal.emulator.batch.parse import parse
from optilocal.emulator.batch.row import Note
from optilocal.emulator.clock import namespace_time
from optilocal.emulator.context import CLOCK, context, namespace
from optilocal.emulator.journal.records import Exchange
from optilocal.emulator.json_text import dumps, loads
from optilocal.emulator.wire import faults
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
ERASED = b"[erased]"
"""What stands in the place of a body that was erased as a whole."""


@dataclass(frozen=True)
class Answer:
    """What a handler answers, and its notes on the request.

    `body_kept` is what is stored as the request's body when that is not the body as it came (it was compressed). `counts`:
    the body is taken in as an event batch. `violations` None: they are found again whenever the kept body is read.
    """

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    counts: bool = False
    violations: Sequence[Note] | None = ()
    warnings: Sequence[Note] = ()
    body_kept: bytes | None = None


UNREACHED = Answer(200)
"""The answer that a `before` fault rule changes: the handler is not called."""


@dataclass(frozen=True)
class Asked:
    """One request on the imitated surface. `headers` and `query` are as they may be shown, without secrets."""

    namespace: str
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


def asked() -> Asked:
    """The current request."""
    return Asked(
        namespace(),
        request.method,
        request.path,
        masked_query(request.query_string.decode("latin-1")),
        masked_headers(request.headers.items()),
        request.get_data(cache=True),
    )


def settle(
    asked: Asked, answer: Answer, *, surface: str, at: int, rule: Mapping[str, Any] | None, max_body: int
) -> tuple[Answer, Exchange]:
    """What one request is told, its handler's answer or what the fault rule makes of it, and the record of it.

    `at` is the namespace's time, epoch milliseconds; of a body larger than `max_body` bytes a part is kept.
    """
    reply = _reply(answer, rule)
    silent = rule is not None and rule["break"] in _NO_STATUS
    head = {
        "path": asked.path,
        "query": asked.query,
        "headers": asked.headers,
        "response": "" if silent else reply.body[:_SHOWN_RESPONSE].decode("utf-8", "replace"),
        "fault": rule,
        "violations": answer.violations,
        "warnings": answer.warnings,
    }
    kept = answer.body_kept if answer.body_kept is not None else asked.body
    if len(kept) > max_body:
        kept = kept[:_SHOWN_OVERSIZE]
    status = None if silent else reply.status
    return reply, Exchange(
        asked.namespace, surface, asked.method, status, at, answer.counts, dumps(head), kept
    )


def exchange(surface: str, handler: Callable[[int], Answer]) -> Response:
    """Handle the current request: `handler` is given the namespace's time and does not touch the journal of requests."""
    parts, question = context(), asked()
    clock, rules = parts.journal.settings(question.namespace, (CLOCK, faults.KIND))
    at = namespace_time(parts.clock, clock)
    [rule] = faults.take(parts.journal, question.namespace, rules, surface)
    answer = UNREACHED if faults.comes_before(rule) else handler(at)
    most = parts.settings.max_body
    reply, record = settle(question, answer, surface=surface, at=at, rule=rule, max_body=most)
    parts.record([record])
    return answered(reply, rule)


def answered(reply: Answer, rule: Mapping[str, Any] | None) -> Response:
    """An answer as Flask has it; what breaks or delays it is left to the server."""
    response = Response(reply.body, reply.status)
    if "Content-Type" not in reply.headers:
        response.headers.pop("Content-Type", None)
    response.headers.update(dict(reply.headers))
    if rule:
        served = current_request()
        served.breaks, served.delay = rule["break"], rule["latency_ms"] / 1000
    return response


def _reply(answer: Answer, rule: Mapping[str, Any] | None) -> Answer:
    """What the client is told: the answer itself, or what a fault rule makes of it; some statuses have no body at all."""
    reply = answer if rule is None else _reply_by_rule(answer, rule)
    return replace(reply, body=b"") if reply.status in _BODILESS and reply.body else reply


def _reply_by_rule(answer: Answer, rule: Mapping[str, Any]) -> Answer:
    """What a fault rule makes of an answer."""
    reply = answer
    if rule["status"] is not None or rule["body"] is not None:
        text = rule["body"] or ""
        is_json = bool(text) and _is_json(text)
        headers = {"Content-Type": "application/json" if is_json else "text/plain; charset=utf-8"}
        reply = replace(
            answer, status=rule["status"] or 200, body=text.encode("utf-8", "replace"), headers=headers
        )
    changed = {name.lower() for name in rule["headers"]}
    kept = {name: value for name, value in reply.headers.items() if name.lower() not in changed}
    return replace(reply, headers={**kept, **rule["headers"]})


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
    """A stored request as the listings show it: the body as text, or in base64 when it is not UTF-8, and as JSON."""
    head: dict[str, Any] = loads(row["head"])
    raw: bytes = row["body"]
    if head["violations"] is None:
        read = None if raw == ERASED else parse(raw, headers=head["headers"], received_at=row["at"])
        head["violations"] = list(read.violations) if read else []
        head["warnings"] += read.warnings if read else []
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
    return {
        "number": row["number"],
        "namespace": row["namespace"],
        "surface": row["surface"],
        "at": row["at"],
        "method": row["method"],
        **{name: head.pop(name) for name in ("path", "query", "headers")},
        "status": row["status"],
        **head,
        **shown,
    }
