"""A captured request → the request as the journal keeps it: what the plain view does at once, done a little later."""

from collections.abc import Sequence
from functools import lru_cache
from types import MappingProxyType

from optilocal.emulator.batch.parse import parse
from optilocal.emulator.batch.row import EventRow
from optilocal.emulator.journal.request_log import Captured, Kind
from optilocal.emulator.json_text import dumps, loads
from optilocal.emulator.projection.indexing import Request

PATH = "/v1/events"


@lru_cache(maxsize=256)
def _headers(text: str) -> MappingProxyType[str, str]:
    headers: dict[str, str] = loads(text)
    return MappingProxyType(headers)


def as_request(captured: Captured) -> Request:
    """Read the event batch, and make the exchange's record of it unless there is one, as `exchange` does."""
    if captured.kind != Kind.PLAIN:
        return _as_it_was(captured)
    headers = _headers(captured.head)
    parsed = parse(captured.body, headers=headers, received_at=captured.at)
    notes = (dumps(parsed.violations), dumps(parsed.warnings))
    doc = (
        f'{{"surface":"events","at":{captured.at},"method":"POST","path":"{PATH}","query":"",'
        f'"headers":{captured.head},"status":204,"response":"","fault":null,'
        f'"violations":{notes[0]},"warnings":{notes[1]}}}'
    )
    return Request(captured.namespace, "events", "POST", 204, doc, captured.body, parsed.rows)


def _as_it_was(captured: Captured) -> Request:
    exchange = loads(captured.head)
    rows: Sequence[EventRow] = ()
    if captured.kind == Kind.COUNTING:
        rows = parse(captured.body, headers=exchange["headers"], received_at=captured.at).rows
    told = (exchange["surface"], exchange["method"], exchange["status"])
    return Request(captured.namespace, *told, captured.head, captured.body, rows)
