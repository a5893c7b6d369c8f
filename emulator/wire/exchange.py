"""One request on the imitated surface: handled or made to fail, recorded, answered; the record is written first."""

import base64
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType
from typing import Any, NamedTuple

from flask import Blueprint, Response, request

from optilocal.emulator.batch.parse import parse
from optilocal.emulator.batch.row import Note
from optilocal.emulator.clock import namespace_time
from optilocal.emulator.context import CLOCK, Context, context, namespace
from optilocal.emulator.journal.records import Exchange
from optilocal.emulator.json_text import dumps, loads
from optilocal.emulator.privacy.stored_body import CUT_TO, SHOWN_RESPONSE
from optilocal.emulator.privacy.visitor_traces import ERASED
from optilocal.emulator.wire import faults
from optilocal.serving.site import current_request

MASK = "***"
_SECRET_HEADERS = ("authorization", "proxy-authorization", "cookie", "x-api-key")
_SECRET_PARAMETERS = ("token", "access_token", "api_key")
# Ways to break a connection that leave the client without a status.
_NO_STATUS = ("reset", "hang_up", "garbage")
# Over HTTP these have no body, whatever a datafile or a fault rule gives as one (RFC 9110, 6.4.1).
_BODILESS = (204, 304)


class Answer(NamedTuple):
    """What a handler answers, and its notes on the request.

    `body_kept` is what is stored as the request's body when that is not the body as it came (it was compressed). `counts`:
    the body is taken in as an event batch. `violations` None: they are found again whenever the kept body is read.
    """

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = MappingProxyType({})
    counts: bool = False
    violations: Sequence[Note] | None = ()
    warnings: Sequence[Note] = ()
    body_kept: bytes | None = None


# The answer that a `before` fault rule changes: the handler is not called.
_UNREACHED = Answer(200)
Rule = Mapping[str, Any]
Reply = tuple[Answer, Exchange, Rule | None]


class WireRequest(NamedTuple):
    """One request on the imitated surface. `headers` and `query` are as they may be shown, without secrets."""

    namespace: str
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


def exchange(surface: str, handle: Callable[[WireRequest, int], Answer]) -> Response:
    """Record and answer the current request, as `take` does."""
    parts = context()
    current = WireRequest(
        namespace(),
        request.method,
        request.path,
        masked_query(request.query_string.decode("latin-1")),
        masked_headers(request.headers.items()),
        request.get_data(cache=True),
    )
    [(answer, record, rule)] = take(parts, [current], surface, handle)
    parts.record([record])
    response = Response(answer.body, answer.status)
    if "Content-Type" not in answer.headers:
        response.headers.pop("Content-Type", None)
    response.headers.update(dict(answer.headers))
    if rule:
        # What breaks or delays an answer is left to the server.
        served = current_request()
        served.breaks, served.delay = rule["break"], rule["latency_ms"] / 1000
    return response


def take(
    parts: Context,
    requests: Sequence[WireRequest],
    surface: str,
    handle: Callable[[WireRequest, int], Answer],
    *,
    patient: bool = True,
) -> list[Reply]:
    """What becomes of some requests that came together, in their order: answer, record, and the fault rule that applies.

    `handle` gets a request and its namespace's time, epoch milliseconds, and does not touch the journal of requests. The
    records are to be stored before anybody is answered. Raises JournalBusyError for who is not `patient` while another
    process keeps fault rules from being counted.
    """
    namespaces: dict[str, tuple[int, Iterator[Rule | None]]] = {}
    for space, count in Counter(each.namespace for each in requests).items():
        clock, rules = parts.journal.settings(space, (CLOCK, faults.KIND))
        applied = faults.take(parts.journal, space, rules, surface, count, patient=patient)
        namespaces[space] = namespace_time(parts.clock, clock), iter(applied)
    replies = []
    for each in requests:
        at, applied_rules = namespaces[each.namespace]
        rule = next(applied_rules)
        answer = _UNREACHED if faults.comes_before(rule) else handle(each, at)
        replies.append(_settled(each, answer, surface, at, rule, max_body=parts.settings.max_body))
    return replies


def _settled(
    request: WireRequest, answer: Answer, surface: str, at: int, rule: Rule | None, *, max_body: int
) -> Reply:
    """The answer, or what the fault rule makes of it, and the record; of a larger body than `max_body` a part is kept."""
    final = _final(answer, rule)
    silent = rule is not None and rule["break"] in _NO_STATUS
    head = {
        "path": request.path,
        "query": request.query,
        "headers": request.headers,
        "response": "" if silent else final.body[:SHOWN_RESPONSE].decode("utf-8", "replace"),
        "fault": rule,
        "violations": answer.violations,
        "warnings": answer.warnings,
    }
    body = request.body if answer.body_kept is None else answer.body_kept
    if len(body) > max_body:
        body = body[:CUT_TO]
    status = None if silent else final.status
    record = Exchange(
        request.namespace, surface, request.method, status, at, answer.counts, dumps(head), body
    )
    return final, record, rule


def _final(answer: Answer, rule: Rule | None) -> Answer:
    """What the client gets: the answer itself, or what a fault rule makes of it; some statuses have no body at all."""
    status, body, headers = answer.status, answer.body, answer.headers
    if rule is not None:
        if rule["status"] is not None or rule["body"] is not None:
            text = rule["body"] or ""
            status, body = rule["status"] or 200, text.encode("utf-8", "replace")
            is_json = bool(text) and _is_json(text)
            headers = {"Content-Type": "application/json" if is_json else "text/plain; charset=utf-8"}
        changed = {name.lower() for name in rule["headers"]}
        headers = {name: value for name, value in headers.items() if name.lower() not in changed}
        headers |= rule["headers"]
    return Answer(status, b"" if status in _BODILESS else body, headers)


def _is_json(text: str) -> bool:
    try:
        loads(text)
    except ValueError:
        return False
    return True


def masked_headers(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Headers with every secret replaced; the scheme of an Authorization stays readable."""
    masked = {}
    for name, value in headers:
        scheme = value.partition(" ")[0].lower()
        mask = f"{scheme.title()} {MASK}" if scheme in ("bearer", "basic") else MASK
        if name.lower() == "referer":
            address, mark, query = value.partition("?")
            value = address + mark + masked_query(query)  # noqa: PLW2901 - it is the value that is shown
        masked[name] = mask if name.lower() in _SECRET_HEADERS else value
    return masked


def masked_query(query: str) -> str:
    """A query string with every secret parameter's value replaced."""
    parts = []
    for part in query.split("&"):
        name, equals, _ = part.partition("=")
        parts.append(f"{name}={MASK}" if equals and name.lower() in _SECRET_PARAMETERS else part)
    return "&".join(parts)


def open_to_pages(blueprint: Blueprint, headers: Callable[[str | None], Mapping[str, str]]) -> None:
    """Let every page in a browser use a blueprint's addresses: an answer to a page of an origin has `headers` of it.

    Preflights are answered, and not recorded.
    """

    @blueprint.before_request
    def preflight() -> Response | None:
        return Response(status=204) if request.method == "OPTIONS" else None

    @blueprint.after_request
    def cross_origin(response: Response) -> Response:
        response.headers.update(dict(headers(request.headers.get("Origin"))))
        return response


def exchange_json(row: Mapping[str, Any]) -> dict[str, Any]:
    """A stored request as the listings show it: the body as text, or in base64 when it is not UTF-8, and as JSON."""
    head: dict[str, Any] = loads(row["head"])
    raw: bytes = row["body"]
    if head["violations"] is None:
        read = None if raw == ERASED.encode() else parse(raw, headers=head["headers"], received_at=row["at"])
        head["violations"] = list(read.violations) if read else []
        head["warnings"] += read.warnings if read else []
    content: dict[str, Any] = {"body": None, "json": None}
    if raw:
        try:
            content["body"] = text = raw.decode()
        except UnicodeDecodeError:
            content["body_base64"] = base64.b64encode(raw).decode()
            text = raw.decode("latin-1")
        with suppress(ValueError):
            content["json"] = loads(text)
    return {
        "number": row["number"],
        "namespace": row["namespace"],
        "surface": row["surface"],
        "at": row["at"],
        "method": row["method"],
        **{name: head.pop(name) for name in ("path", "query", "headers")},
        "status": row["status"],
        **head,
        **content,
    }
