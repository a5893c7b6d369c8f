"""Erasing a visitor from everything that was stored, raw bytes included, and the export of what is known of one."""

from collections.abc import Callable, Mapping
from typing import Any

from optilocal.emulator.journal.documents import Erasing
from optilocal.emulator.journal.store import Row
from optilocal.emulator.json_text import as_list, as_object, dumps, loads, names_twice
from optilocal.emulator.privacy.erased_run import run_without
from optilocal.emulator.privacy.stored_body import SHOWN_RESPONSE, read_body
from optilocal.emulator.privacy.visitor_traces import ERASED, Traces
from optilocal.emulator.projection.projector import Projector
from optilocal.emulator.projection.verdicts import event_json
from optilocal.emulator.verdict.delivery_report import DeliveryReport

# Rows looked through at a time; a body may have some megabytes.
_BATCH = 40

_NO_HEAD: Mapping[str, Any] = {
    "path": "",
    "query": "",
    "headers": {},
    "response": "",
    "fault": None,
    "violations": [],
    "warnings": [],
}
_DAMAGED: Mapping[str, Mapping[str, Any]] = {
    "exchange": {"head": dumps(_NO_HEAD), "body": ERASED.encode()},
    "event": {"doc": "{}"},
    "report": {},
    "run": {"doc": "{}"},
}
"""What is left of a row that cannot be read, place by place; of a report nothing."""

# The new values of a row's columns, None when it needs no change, or empty when all of it is the visitor's.
Change = Callable[[Row], dict[str, Any] | None]


def erase(
    projector: Projector, namespace: str, visitor_id: str | None, request_id: int, now: int
) -> dict[str, Any]:
    """Erase a visitor for good; the tombstone `{"visitors", "events", "exchanges", "deliveries"}`.

    None erases nothing. For an unknown id no row goes, but bodies that cannot be searched do. Most rows are searched before
    the journal is locked, so that capture goes on meanwhile. Raises JournalError, before anything is erased, while another
    reader of the journal would keep erased data in its log.
    """
    tombstone: dict[str, Any] = {"visitors": [], "events": 0, "exchanges": 0, "deliveries": 0}
    if visitor_id is None:
        return tombstone
    journal, traces = projector.journal, Traces(visitor_id)
    exchanges = _Exchanges(traces, request_id, now)
    places: dict[str, Change] = {
        "exchange": exchanges.change,
        "event": lambda row: _event_without(traces, row),
        "report": lambda row: _report_without(traces, row),
        "run": lambda row: _run_without(traces, namespace, row),
    }
    places = {place: _or_whole(change, _DAMAGED[place]) for place, change in places.items()}
    journal.empty_log()
    projector.catch_up()
    before = journal.tracing(namespace, traces.id)
    searched = {place: _search(before, place, change, 0) for place, change in places.items()}
    with journal.erasing(namespace, traces.id) as (rest, events, deliveries):
        tombstone["events"], tombstone["deliveries"] = events, deliveries
        for place, change in places.items():
            numbers, last = searched[place]
            newer, _ = _search(rest, place, change, last)
            for number in [*numbers, *newer]:
                _change(rest, place, change, number, tombstone)
    journal.scrub()
    if tombstone["events"] or tombstone["deliveries"]:
        tombstone["visitors"] = [traces.id]
    return tombstone


def _or_whole(change: Change, whole: Mapping[str, Any]) -> Change:
    """The change, and all of a row that is damaged and that nobody can search any more."""

    def changed(row: Row) -> dict[str, Any] | None:
        try:
            return change(row)
        except ValueError:
            return dict(whole)

    return changed


def _search(where: Erasing, place: str, change: Change, after: int) -> tuple[list[int], int]:
    """The numbers of the rows that hold traces, and of the last row looked at."""
    numbers: list[int] = []
    while rows := where.suspects(place, after, _BATCH):
        numbers += [row["number"] for row in rows if change(row) is not None]
        after = rows[-1]["number"]
    return numbers, after


def _change(rest: Erasing, place: str, change: Change, number: int, tombstone: dict[str, Any]) -> None:
    """Change a row as it is now: another request may have changed it meanwhile."""
    row = rest.suspect(place, number)
    values = change(row) if row else None
    if row and values:
        rest.rewrite(place, number, values)
        # The request for the erasure names the visitor too, but does not count as a trace.
        tombstone["exchanges"] += place == "exchange" and row["surface"] != "privacy"
    elif values is not None:
        rest.drop_report(number)
        tombstone["deliveries"] += 1


def _event_without(traces: Traces, row: Row) -> dict[str, Any] | None:
    """Another visitor's event that tells of this one."""
    if not traces.may_be_in(row["doc"]):
        return None
    old = loads(row["doc"])
    new = traces.clean(old)
    return None if new == old else {"doc": dumps(new)}


def _report_without(traces: Traces, row: Row) -> dict[str, Any] | None:
    """A report that tells of the visitor; all of it goes when the source event is the visitor's own."""
    if not traces.may_be_in(row["delivery"]):
        return None
    old = loads(row["delivery"])
    report = DeliveryReport(old)
    source, payload = report.source_event, report.payload
    own = [old.get(name) for name in ("visitor_id", "user_id", "anonymous_id")]
    own += [source.get("userId"), source.get("anonymousId"), payload.get("userId")]
    if any(traces.same(value) for value in own):
        return {}
    new = traces.clean(old)
    return None if new == old else {"delivery": dumps(new)}


def _run_without(traces: Traces, namespace: str, row: Row) -> dict[str, Any] | None:
    """A run whose scenarios of this namespace captured something of the visitor."""
    if not traces.may_be_in(row["doc"]):
        return None
    new = run_without(traces, namespace, loads(row["doc"]))
    return None if new is None else {"doc": dumps(new)}


class _Exchanges:
    """Changes exchanges that hold traces of the visitor, or a body that cannot be searched."""

    def __init__(self, traces: Traces, request_id: int, now: int) -> None:
        self._traces = traces
        self._request_id, self._now = request_id, now

    def change(self, row: Row) -> dict[str, Any] | None:
        old, raw = loads(row["head"]), bytes(row["body"])
        headers = {name.lower(): value for name, value in old.get("headers", {}).items()}
        body = read_body(raw, str(headers.get("content-encoding", "")))
        new_raw, gone, searched = raw, False, True
        if body.text is None:
            new_raw, searched = ERASED.encode(), False
        elif self._traces.may_be_in(body.text):
            new_raw, gone = self._body(raw, body.text, body.value if body.is_json else None)
        doc = self._record(old, gone) if gone or self._traces.may_be_in(row["head"]) else old
        if doc == old and new_raw == raw:
            return None
        what = (
            "erased a visitor from this exchange" if searched else "dropped this body: it cannot be searched"
        )
        mark = {
            "request": self._request_id,
            "at": self._now,
            "message": f"subject access request {self._request_id} {what}",
        }
        return {"head": dumps({**doc, "erased": [*doc.get("erased", []), mark]}), "body": new_raw}

    def _body(self, raw: bytes, text: str, value: Any) -> tuple[bytes, bool]:
        """The body without the visitor, and whether entries of its batch are gone."""
        traces = self._traces
        try:
            cleaned = traces.clean(value)
        except RecursionError:
            value = cleaned = None
        if value is None:
            # What cannot be taken apart goes as a whole when it may mean the visitor.
            return (ERASED.encode() if traces.may_be_told_in(text) else raw), False
        # Of a name that stands twice in an object the first is not in the value; written anew, nor is it in the text.
        if cleaned == value and not (names_twice(text) and traces.may_be_told_in(text)):
            return raw, False
        gone = any(map(traces.is_entry, as_list(as_object(value).get("visitors"))))
        return dumps(cleaned).encode("utf-8", "replace"), gone

    def _record(self, old: dict[str, Any], gone: bool) -> dict[str, Any]:
        """The record of the request without the visitor; `gone` says that entries of the body's batch are."""
        traces = self._traces
        doc = {name: traces.clean(value, name) for name, value in old.items() if name != "erased"}
        if "erased" in old:
            doc["erased"] = old["erased"]
        doc["query"] = traces.in_query(old["query"])
        # A strict refusal names every violation of the batch, those of the visitor's entries among them.
        tells = (gone and "visitors[" in old["response"]) or self._tells(old["response"])
        doc["response"] = ERASED if tells else old["response"]
        for name in ("violations", "warnings"):
            if old[name] is not None:
                doc[name] = [{**note, "message": traces.in_note(note["message"])} for note in old[name]]
        return doc

    def _tells(self, answer: str) -> bool:
        """Whether an answer names the visitor."""
        traces = self._traces
        try:
            value = loads(answer)
        except ValueError:
            # Text, or JSON of which the first part is kept.
            cut = len(answer) >= SHOWN_RESPONSE - 8 and traces.ends_within(answer)
            return cut or traces.in_note(answer) != answer
        return bool(traces.clean(value) != value) or traces.in_note(answer) != answer


def export(projector: Projector, namespace: str, visitor_id: str | None) -> dict[str, Any]:
    """All that is known of a visitor: `{"visitor_id", "events", "verdicts"}`; of nobody, nothing."""
    if visitor_id is None:
        return {"visitor_id": None, "events": [], "verdicts": []}
    projector.catch_up()
    events, verdicts = projector.journal.all_of_visitor(namespace, visitor_id)
    verdict = projector.verdicts.verdicts_of(verdicts)
    return {
        "visitor_id": visitor_id,
        "events": [event_json(row) for row in events],
        "verdicts": [verdict(row) for row in verdicts],
    }
