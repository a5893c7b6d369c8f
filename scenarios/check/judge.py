"""One event through the forwarder's own code, with a datafile at hand instead of a network: what Segment would do."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from optilocal.emulator.datafile.datafile import Datafile
from optilocal.forwarder.destination.destination import DEFAULT_SUBSCRIPTION, Settings, Subscription
from optilocal.forwarder.destination.trigger_lint import lint_trigger
from optilocal.forwarder.pipeline.offline import OfflineClient, completed, datafile_answer, through_mappings
from optilocal.forwarder.pipeline.source_event import iso_time
from optilocal.forwarder.stages import course
from optilocal.forwarder.stages.platform import NOTHING, Platform
from optilocal.scenarios.check.certainty import for_names, for_whole_events

_IDS = ("userId", "anonymousId")


@dataclass(frozen=True, slots=True)
class Judged:
    """What becomes of one event: a verdict's outcome as far as Segment decides it, or `sent`.

    `details` are Segment's messages; `payload` the mapped fields after coercion; `sent` the event batch. Of what ends
    before the mappings `code` is Segment's discard code and `nearest` has planned events that were probably meant.
    """

    outcome: str
    details: tuple[str, ...] = ()
    payload: Mapping[str, Any] = field(default_factory=dict)
    sent: Mapping[str, Any] | None = None
    code: str | None = None
    nearest: tuple[str, ...] = ()

    @property
    def event_key(self) -> str | None:
        """The key the mapping gives the event."""
        key = self.payload.get("eventKey")
        return key if isinstance(key, str) else None


class Destination:
    """The user's destination as configured, over one datafile. `now_ms` stands in where an event has no time."""

    def __init__(
        self,
        datafile: Datafile,
        mappings: Sequence[Subscription],
        account_id: str | None,
        now_ms: int,
        *,
        platform: Platform = NOTHING,
    ) -> None:
        self._datafile = datafile_answer(json.dumps(datafile.raw))
        self._mappings = [mapping for mapping in mappings if mapping.enabled]
        self._settings = Settings(
            {
                "accountId": account_id or datafile.account_id,
                "dataFileUrl": f"https://cdn.optimizely.com/datafiles/{datafile.sdk_key or 'default'}.json",
            }
        )
        self._whole, self._named = for_whole_events(platform), for_names(platform)
        self._now = iso_time(now_ms)
        self._number = 0

    def judge(self, event: Mapping[str, Any]) -> Judged:
        """The furthest that any enabled mapping brings the event, with the id and times that Segment adds on arrival."""
        return self._judge(event, self._whole)

    def _judge(self, event: Mapping[str, Any], platform: Platform) -> Judged:
        # Nothing that chance decides is left in the platform.
        way = course.run(platform, self._completed(event), Random(0))
        if way.ended is not None:
            return Judged(
                way.ended.outcome, way.ended.details, code=way.ended.code, nearest=way.ended.nearest
            )
        client = OfflineClient(lambda: self._datafile)
        result, exchanges = through_mappings(way.event, self._mappings, self._settings, client)
        payload = result.payload or {}
        if result.outcome == "sent":
            return Judged("sent", (), payload, exchanges[-1].json)
        if result.error is None:
            return Judged("not_subscribed", ("no enabled mapping's trigger matches",))
        outcome = "unmatched_event_key" if exchanges else "invalid_payload"
        return Judged(outcome, tuple(result.error.details), payload)

    def judge_name(self, name: str, event: Mapping[str, Any]) -> Judged:
        """Judge an event by its name and the fields in `event`; every other field is taken to be right."""
        whole = {
            "type": "track",
            "event": name,
            "userId": "someone",
            "context": {},
            "properties": {},
            **event,
        }
        return self._judge(whole, self._named)

    def _completed(self, event: Mapping[str, Any]) -> dict[str, Any]:
        self._number += 1
        known = {key: value for key, value in event.items() if not (key in _IDS and value is None)}
        return completed(known, f"event-{self._number}", self._now)

    def odd_triggers(self, event_names: Collection[str]) -> list[tuple[str, str]]:
        """Each thing in an enabled mapping's trigger that is surely not meant: the mapping's name, what to write."""
        odd: list[tuple[str, str]] = []
        for mapping in self._mappings:
            as_tracked = mapping.fields.get("eventKey") == DEFAULT_SUBSCRIPTION.fields["eventKey"]
            notes = lint_trigger(mapping.trigger, event_names if as_tracked else ())
            odd.extend((mapping.name, note.message) for note in notes)
        return odd
