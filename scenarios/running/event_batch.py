"""Posts a scenario's event batch to the Event API, with what every sender says filled in where the author says nothing."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import requests

from optilocal.scenarios.language.event_batch import ABSENT
from optilocal.scenarios.language.matchers import Matcher


def filled(
    written: Mapping[str, Any], *, account_id: str, now_ms: int, ids: Callable[[], str]
) -> dict[str, Any]:
    """The batch with its head, and a uuid and a time (epoch ms) for each event that names none; `!absent` leaves out."""
    batch: dict[str, Any] = {
        "account_id": account_id,
        "client_name": "own-sender",
        "client_version": "1",
        "anonymize_ip": True,
        "enrich_decisions": True,
        **written,
    }
    batch["visitors"] = _each(batch.get("visitors"), lambda visitor: _of_visitor(visitor, now_ms, ids))
    if "visitors" not in written:
        del batch["visitors"]
    return dict(_without_absent(batch))


def _of_visitor(visitor: dict[str, Any], now_ms: int, ids: Callable[[], str]) -> dict[str, Any]:
    if "snapshots" not in visitor:
        return visitor
    return {
        **visitor,
        "snapshots": _each(visitor["snapshots"], lambda snapshot: _of_snapshot(snapshot, now_ms, ids)),
    }


def _of_snapshot(snapshot: dict[str, Any], now_ms: int, ids: Callable[[], str]) -> dict[str, Any]:
    if "events" not in snapshot:
        return snapshot
    events = _each(snapshot["events"], lambda event: {"uuid": ids(), "timestamp": now_ms, **event})
    return {**snapshot, "events": events}


def _each(items: Any, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    """The list with each of its mappings changed; anything else is left as the author has it."""
    if not isinstance(items, list):
        return items
    return [change(item) if isinstance(item, dict) else item for item in items]


def _without_absent(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_absent(item) for key, item in value.items() if not _is_absent(item)}
    if isinstance(value, list):
        return [_without_absent(item) for item in value if not _is_absent(item)]
    return value


def _is_absent(value: Any) -> bool:
    return isinstance(value, Matcher) and value.tag == ABSENT


def post(session: requests.Session, events_url: str, body: Mapping[str, Any] | str) -> tuple[str, bool]:
    """Post a batch, or a text as it stands: what came back in words, and whether the Event API took it."""
    text = body if isinstance(body, str) else json.dumps(body)
    try:
        answer = session.post(
            events_url, data=text.encode(), headers={"Content-Type": "application/json"}, timeout=10
        )
    except requests.RequestException as error:
        return f"the event batch was not answered: {type(error).__name__}", False
    outcome = f"the event batch was answered with {answer.status_code} {answer.reason}"
    if answer.ok:
        return outcome, True
    return f"{outcome}: {answer.text[:200].strip()}", False
