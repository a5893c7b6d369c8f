"""Erasing a visitor from everything that was stored, raw bytes included, and the export of what is known of one."""

import json
import re
from typing import Any

from emulator.event_row import note
from emulator.journal import Journal
from emulator.json_text import dumps, loads, storable
from emulator.judge import Judge, event_json

ERASED = "[erased]"


def erase(
    journal: Journal, namespace: str, visitor_id: str | None, request_id: int, now: int
) -> dict[str, Any]:
    """Erase a visitor for good; the tombstone `{"visitors", "events", "exchanges", "deliveries"}`.

    None, and an id nobody bears, erase nothing, and the tombstone says so.
    """
    tombstone: dict[str, Any] = {"visitors": [], "events": 0, "exchanges": 0, "deliveries": 0}
    if visitor_id is None:
        return tombstone
    visitor_id = storable(visitor_id) or ""
    key = {"namespace": namespace, "visitor_id": visitor_id}
    escaped = json.dumps(visitor_id)[1:-1]
    needles = {
        "plain": visitor_id.encode(),
        "escaped": escaped.encode(),
        "latin": visitor_id.encode("latin-1", "replace"),
        "text": json.dumps(visitor_id, ensure_ascii=False)[1:-1],
        "escaped_text": escaped,
    }
    mark = note("erased", f"subject access request {request_id} erased a visitor from this exchange")
    with journal.transaction() as run:
        events = run("events to erase", **key)
        reports = run("count reports", **key)[0]["total"]
        # JSON can spell the id in more ways than can be searched for, but its events say where they came from.
        for row in run("exchanges to search", **key, **needles):
            found = _without(visitor_id, row["doc"], bytes(row["body"]))
            if found is not None:
                doc, body = found
                doc["erased"] = [
                    *doc.get("erased", []),
                    {"request": request_id, "at": now, "message": mark["message"]},
                ]
                run("erase exchange", number=row["number"], doc=dumps(doc), body=body)
                # The request that asked for it names the visitor too, and is no trace of what the visitor did.
                tombstone["exchanges"] += doc["surface"] != "privacy"
        for row in run("runs to search", text=needles["text"], escaped_text=needles["escaped_text"]):
            run_doc = _run_without(visitor_id, namespace, loads(row["doc"]))
            if run_doc is not None:
                run("erase run", number=row["number"], doc=dumps(run_doc))
        for name in ("erase events", "erase visitor", "erase reports", "next epoch"):
            run(name, **key)
    journal.fold_log()
    if events or reports:
        tombstone |= {"visitors": [visitor_id], "events": len(events), "deliveries": reports}
    return tombstone


def _token(visitor_id: str) -> re.Pattern[str]:
    """The id as a word of its own: `u-1` is not found in `u-10`."""
    return re.compile(rf"(?<![\w-]){re.escape(visitor_id)}(?![\w-])")


def masked(value: Any, token: re.Pattern[str]) -> Any:
    """A JSON value with the id replaced wherever it stands in a text."""
    if isinstance(value, str):
        return token.sub(ERASED, value)
    if isinstance(value, list):
        return [masked(item, token) for item in value]
    if isinstance(value, dict):
        return {token.sub(ERASED, name): masked(item, token) for name, item in value.items()}
    return value


def _without(visitor_id: str, doc_text: str, body: bytes) -> tuple[dict[str, Any], bytes] | None:
    """An exchange's record and body without the visitor, or None when nothing of it is there."""
    token = _token(visitor_id)
    old = loads(doc_text)
    doc = masked(old, token)
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = body.decode("latin-1")
    try:
        batch = loads(text) if text else None
    except ValueError:
        # What cannot be read cannot be taken apart: with the id in it, all of it goes.
        new_body = ERASED.encode() if token.search(text) else body
    else:
        kept = _others(batch, visitor_id)
        cleaned = masked(kept, token)
        new_body = body if cleaned == batch else dumps(cleaned).encode("utf-8", "replace")
    if new_body == body and doc == old:
        return None
    return doc, new_body


def _others(batch: Any, visitor_id: str) -> Any:
    """An event batch without the visitor's own entries."""
    if not isinstance(batch, dict) or not isinstance(batch.get("visitors"), list):
        return batch
    visitors = [v for v in batch["visitors"] if not isinstance(v, dict) or v.get("visitor_id") != visitor_id]
    return {**batch, "visitors": visitors}


def _run_without(visitor_id: str, namespace: str, run: dict[str, Any]) -> dict[str, Any] | None:
    """A run whose scenarios of this namespace show nothing captured of the visitor; None when it needs no change."""
    token = _token(visitor_id)
    scenarios = []
    captured = ("verdicts", "captured", "differences", "steps")
    for scenario in run.get("scenarios") or []:
        ours = isinstance(scenario, dict) and scenario.get("namespace") == namespace
        clean = (
            {n: masked(v, token) if n in captured else v for n, v in scenario.items()} if ours else scenario
        )
        scenarios.append(clean)
    new = {**run, "scenarios": scenarios}
    return None if new == run else new


def export(judge: Judge, namespace: str, visitor_id: str | None) -> dict[str, Any]:
    """All that is known of a visitor: `{"visitor_id", "events", "verdicts"}`; of nobody, nothing."""
    if visitor_id is None:
        return {"visitor_id": None, "events": [], "verdicts": []}
    key = {"namespace": namespace, "visitor_id": visitor_id}
    return {
        "visitor_id": visitor_id,
        "events": [event_json(row) for row in judge.journal.select("all rows of visitor", **key)],
        "verdicts": [judge.verdict(row) for row in judge.journal.select("verdicts of visitor", **key)],
    }
