"""One event through the forwarder's own code, with a datafile at hand instead of a network: what Segment would do."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from optilocal.emulator.datafile.datafile import Datafile
from optilocal.forwarder.destination.destination import ActionResult, Settings, Subscription, on_event
from optilocal.forwarder.destination.track_event import EVENTS_URL
from optilocal.forwarder.destination.wire import Response
from optilocal.forwarder.javascript.values import UNDEFINED
from optilocal.forwarder.pipeline.source_event import iso_time
from optilocal.forwarder.stages.integrations import look_at_integrations

_FURTHEST = ("sent", "unmatched_event_key", "invalid_payload", "not_subscribed")
_IDS = ("userId", "anonymousId")


@dataclass(frozen=True, slots=True)
class Judged:
    """What becomes of one event: a verdict's outcome as far as Segment decides it, or `sent`.

    `details` are Segment's messages; `payload` the mapped fields after coercion; `sent` the event batch.
    """

    outcome: str
    details: tuple[str, ...] = ()
    payload: Mapping[str, Any] = field(default_factory=dict)
    sent: Mapping[str, Any] | None = None

    @property
    def event_key(self) -> str | None:
        """The key the mapping gives the event."""
        key = self.payload.get("eventKey")
        return key if isinstance(key, str) else None


class _Shelf:
    """Answers every GET with the datafile and every POST with 204; keeps what was posted."""

    def __init__(self, datafile: str) -> None:
        self._answer = Response(200, "OK", {"content-type": "application/json"}, datafile)
        self.fetched = False
        self.posted: Any = None

    def request(
        self,
        method: str,
        url: str,
        *,
        json: Any = UNDEFINED,
        headers: Mapping[str, str] | None = None,  # noqa: ARG002
    ) -> Response:
        """One call, never made."""
        if method == "GET":
            self.fetched = True
            return self._answer
        if url == EVENTS_URL:
            self.posted = json
        return Response(204, "No Content")


class Destination:
    """The user's destination as configured, over one datafile. `now_ms` stands in where an event has no time."""

    def __init__(
        self, datafile: Datafile, mappings: Sequence[Subscription], account_id: str | None, now_ms: int
    ) -> None:
        self._text = json.dumps(datafile.raw)
        self._mappings = [mapping for mapping in mappings if mapping.enabled]
        self._settings = Settings.from_json(
            {
                "accountId": account_id or datafile.account_id,
                "dataFileUrl": f"https://cdn.optimizely.com/datafiles/{datafile.sdk_key or 'default'}.json",
            }
        )
        self._now = iso_time(now_ms)
        self._number = 0

    def judge(self, event: Mapping[str, Any]) -> Judged:
        """The furthest that any enabled mapping brings the event, which is first completed as at Segment's door."""
        completed = self._completed(event)
        ended = look_at_integrations(completed).ended
        if ended is not None:
            return Judged(ended.outcome, ended.details)
        found = [self._through(mapping, completed) for mapping in self._mappings]
        missed = Judged("not_subscribed", ("no enabled mapping's trigger matches",))
        return min((*found, missed), key=lambda judged: _FURTHEST.index(judged.outcome))

    def judge_name(self, name: str, event: Mapping[str, Any]) -> Judged:
        """An event of which the name is known, and whatever of it `event` holds; all else is as it should be."""
        whole = {
            "type": "track",
            "event": name,
            "userId": "someone",
            "context": {},
            "properties": {},
            **event,
        }
        return self.judge(whole)

    def _completed(self, event: Mapping[str, Any]) -> dict[str, Any]:
        # Segment gives every event an id and a time at its door (Segment reference 6.2).
        self._number += 1
        completed = {key: value for key, value in event.items() if not (key in _IDS and value is None)}
        completed.setdefault("messageId", f"event-{self._number}")
        known = (completed.get(key) for key in ("originalTimestamp", "sentAt", "receivedAt"))
        completed.setdefault("timestamp", next(filter(None, known), self._now))
        return completed

    def _through(self, mapping: Subscription, event: dict[str, Any]) -> Judged:
        shelf = _Shelf(self._text)
        result: ActionResult = on_event(event, mapping, self._settings, shelf)
        payload = result.payload or {}
        if result.outcome == "sent":
            return Judged("sent", (), payload, shelf.posted)
        if result.error is None:
            return Judged("not_subscribed", ("no enabled mapping's trigger matches",))
        outcome = "unmatched_event_key" if shelf.fetched else "invalid_payload"
        return Judged(outcome, tuple(result.error.details), payload)
