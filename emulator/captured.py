"""A captured request → the request as the journal keeps it: what the plain view does at once, done a little later."""

from functools import lru_cache
from types import MappingProxyType
from typing import Any

from emulator.event_batch import parse
from emulator.indexing import Request
from emulator.json_text import dumps, loads
from emulator.request_log import Captured

PATH = "/v1/events"


@lru_cache(maxsize=256)
def _headers(text: str) -> MappingProxyType[str, str]:
    headers: dict[str, str] = loads(text)
    return MappingProxyType(headers)


def as_request(captured: Captured) -> Request:
    """Read the event batch, and make the exchange's record of it, as `exchange` does."""
    parsed = parse(captured.body, headers=_headers(captured.headers), received_at=captured.at)
    doc = (
        f'{{"surface":"events","at":{captured.at},"method":"POST","path":"{PATH}","query":"",'
        f'"headers":{captured.headers},"status":204,"response":"","fault":null,'
        f'"violations":{_notes(parsed.violations)},"warnings":{_notes(parsed.warnings)}}}'
    )
    return Request(captured.namespace, "events", "POST", 204, doc, captured.body, parsed.rows)


def _notes(notes: tuple[Any, ...]) -> str:
    return dumps(notes) if notes else "[]"
