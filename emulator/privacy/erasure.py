"""Erasing a visitor from everything that was stored, raw bytes included, and the export of what is known of one."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from optilocal.emulator.journal.documents import Run
from optilocal.emulator.journal.journal import Journal
from optilocal.emulator.json_text import dumps, loads, names_twice
from optilocal.emulator.privacy.erased_run import run_without
from optilocal.emulator.privacy.stored_body import read_body
from optilocal.emulator.privacy.visitor_traces import ERASED, Traces
from optilocal.emulator.projection.judge import Judge, event_json
from optilocal.emulator.verdict.delivery_report import DeliveryReport

# Rows looked through at a time; a body may have some megabytes.
_BATCH = 40
_SHOWN_RESPONSE = 4_096
_PLACE = re.compile(r"visitors\[(\d+)\]")

Row = Mapping[str, Any]
# The new values of a row's columns, None when it needs no change, or empty when all of it is the visitor's.
Change = Callable[[Row], dict[str, Any] | None]


@dataclass(frozen=True)
class _Place:
    """One kind of row that may hold traces of a visitor, and the names of its statements."""

    name: str
    change: Change


def erase(
    journal: Journal, namespace: str, visitor_id: str | None, request_id: int, now: int
) -> dict[str, Any]:
    """Erase a visitor for good; the tombstone `{"visitors", "events", "exchanges", "deliveries"}`.

    None erases nothing. Of an id that nobody bears no row goes, but bodies that cannot be searched do, whoever is named.
    Most is looked for before the journal is locked, so that capture goes on meanwhile. Raises JournalError, before
    anything is erased, while somebody reads the journal for so long that its log cannot be emptied.
    """
    tombstone: dict[str, Any] = {"visitors": [], "events": 0, "exchanges": 0, "deliveries": 0}
    if visitor_id is None:
        return tombstone
    traces = Traces(visitor_id)
    exchanges = _Exchanges(traces, request_id, now)
    places = (
        _Place("exchange", exchanges.change),
        _Place("event", lambda row: _event_without(traces, row)),
        _Place("report", lambda row: _report_without(traces, row)),
        _Place("run", lambda row: _run_without(traces, namespace, row)),
    )
    key = {"namespace": namespace, "visitor_id": traces.id}
    journal.empty_log()
    journal.catch_up()
    found = [_search(journal.select, place, key, 0) for place in places]
    with journal.transaction() as run:
        tombstone["events"] = len(run("events to erase", **key))
        tombstone["deliveries"] = run("count reports", **key)[0]["total"]
        for name in ("erase reports", "erase events", "erase newly decided", "erase visitor"):
            run(name, **key)
        for place, (numbers, last) in zip(places, found, strict=True):
            newer, _ = _search(run, place, key, last)
            _write(run, place, [*numbers, *newer], tombstone)
        run("next epoch", **key)
    journal.fold_log()
    if tombstone["events"] or tombstone["deliveries"]:
        tombstone["visitors"] = [traces.id]
    return tombstone


def _search(run: Run, place: _Place, key: Mapping[str, Any], after: int) -> tuple[list[int], int]:
    """The numbers of the rows that hold traces, and of the last row looked at."""
    numbers: list[int] = []
    while rows := run(f"{place.name}s after", **key, after=after, limit=_BATCH):
        numbers += [row["number"] for row in rows if place.change(row) is not None]
        after = rows[-1]["number"]
    return numbers, after


def _write(run: Run, place: _Place, numbers: Iterable[int], tombstone: dict[str, Any]) -> None:
    """Change the rows as they are now: another request may have changed them meanwhile."""
    for number in numbers:
        for row in run(f"{place.name} to erase", number=number):
            values = place.change(row)
            if values:
                run(f"erase {place.name}", **{**row, **values})
                # The request that asked for it names the visitor too, and is no trace of what the visitor did.
                tombstone["exchanges"] += place.name == "exchange" and row["surface"] != "privacy"
            elif values is not None:
                run("drop report", number=number)
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
    """Requests that hold something of the visitor, or something that nobody can search."""

    def __init__(self, traces: Traces, request_id: int, now: int) -> None:
        self._traces = traces
        self._request_id, self._now = request_id, now

    def change(self, row: Row) -> dict[str, Any] | None:
        old, raw = loads(row["doc"]), bytes(row["body"])
        headers = {name.lower(): value for name, value in old.get("headers", {}).items()}
        body = read_body(raw, str(headers.get("content-encoding", "")))
        gone: tuple[int, ...] = ()
        new_raw, searched = raw, True
        if body.text is None:
            new_raw, searched = ERASED.encode(), False
        elif self._traces.may_be_in(body.text):
            new_raw, gone = self._body(raw, body.text, body.value if body.is_json else None)
        doc = self._record(old, gone) if gone or self._traces.may_be_in(row["doc"]) else old
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
        return {"doc": dumps({**doc, "erased": [*doc.get("erased", []), mark]}), "body": new_raw}

    def _body(self, raw: bytes, text: str, value: Any) -> tuple[bytes, tuple[int, ...]]:
        """The body without the visitor, and which entries of its batch are gone."""
        traces = self._traces
        try:
            cleaned = traces.clean(value)
        except RecursionError:
            value = cleaned = None
        if value is None:
            # What cannot be taken apart goes as a whole when it may mean the visitor.
            return (ERASED.encode() if traces.told_in(text) else raw), ()
        entries = value.get("visitors") if isinstance(value, dict) else None
        entries = entries if isinstance(entries, list) else []
        gone = tuple(index for index, entry in enumerate(entries) if traces.is_entry(entry))
        # Of a name that stands twice in an object the first is not in the value; written anew, nor is it in the text.
        if cleaned == value and not (names_twice(text) and traces.told_in(text)):
            return raw, ()
        return dumps(cleaned).encode("utf-8", "replace"), gone

    def _record(self, old: dict[str, Any], gone: tuple[int, ...]) -> dict[str, Any]:
        traces = self._traces
        doc = {name: traces.clean(value, name) for name, value in old.items() if name != "erased"}
        if "erased" in old:
            doc["erased"] = old["erased"]
        doc["query"] = traces.in_query(old["query"])
        doc["response"] = self._response(old["response"], gone)
        for name in ("violations", "warnings"):
            doc[name] = [note for each in old[name] if (note := self._note(each, gone)) is not None]
        return doc

    def _response(self, text: str, gone: tuple[int, ...]) -> str:
        traces = self._traces
        try:
            answer = loads(text) if text else None
        except ValueError:
            answer = None
        if isinstance(answer, dict | list):
            # A strict refusal tells every violation of the batch, those of the visitor's entries among them.
            if gone and isinstance(answer, dict) and "visitors[" in str(answer.get("message")):
                answer["message"] = ERASED
            new = traces.clean(answer)
            if isinstance(new, dict) and isinstance(new.get("message"), str):
                new["message"] = traces.in_note(new["message"])
            return text if new == loads(text) else dumps(new)
        cut = traces.cut_end(text) if len(text) >= _SHOWN_RESPONSE - 8 else text
        return ERASED if gone and "visitors[" in text else traces.in_text(cut)

    def _note(self, note: dict[str, Any], gone: tuple[int, ...]) -> dict[str, Any] | None:
        """A note on the request without what it tells of entries that are gone; the others have moved up."""
        told = [int(index) for index in _PLACE.findall(f"{note.get('path', '')} {note['message']}")]
        # The reader of numbers does not know in whose entry a number stands.
        if any(index in gone for index in told) or (gone and note["code"] == "number_too_large"):
            return None

        def moved(text: str) -> str:
            return _PLACE.sub(
                lambda m: f"visitors[{int(m[1]) - sum(index < int(m[1]) for index in gone)}]", text
            )

        new = {**note, "message": self._traces.in_note(moved(note["message"]))}
        return {**new, "path": moved(note["path"])} if "path" in note else new


def export(judge: Judge, namespace: str, visitor_id: str | None) -> dict[str, Any]:
    """All that is known of a visitor: `{"visitor_id", "events", "verdicts"}`; of nobody, nothing."""
    if visitor_id is None:
        return {"visitor_id": None, "events": [], "verdicts": []}
    key = {"namespace": namespace, "visitor_id": visitor_id}
    judge.journal.catch_up()
    return {
        "visitor_id": visitor_id,
        "events": [event_json(row) for row in judge.journal.select("all rows of visitor", **key)],
        "verdicts": [judge.verdict(row) for row in judge.journal.select("verdicts of visitor", **key)],
    }
