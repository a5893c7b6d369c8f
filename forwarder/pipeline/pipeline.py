"""Segment's platform around one destination: it suppresses and de-duplicates source events, runs the stages and every
mapping, and retries.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from optilocal.forwarder.clock import Clock
from optilocal.forwarder.destination.destination import (
    DEFAULT_SUBSCRIPTION,
    Settings,
    Subscription,
    on_delete,
    on_event,
)
from optilocal.forwarder.errors import DestinationError
from optilocal.forwarder.http.recording import RecordingClient
from optilocal.forwarder.javascript.json import plain_json
from optilocal.forwarder.pipeline.delivery import (
    NOT_MAPPED,
    REPLAYED,
    Delivery,
    archived_event,
    mapped_event,
    new_report,
    stages_json,
    summary,
)
from optilocal.forwarder.pipeline.mappings import check_mappings
from optilocal.forwarder.pipeline.memory import Memory, ProcessMemory
from optilocal.forwarder.pipeline.outcome import Judged, judge, judge_settings
from optilocal.forwarder.pipeline.retry import RetryPolicy
from optilocal.forwarder.pipeline.suppression import suppressed_subject
from optilocal.forwarder.stages.course import run, run_again
from optilocal.forwarder.stages.platform import NOTHING, Platform
from optilocal.serving.namespaces import DEFAULT


@dataclass(frozen=True)
class _Try:
    """One attempt of one mapping, or of a deletion: its entry in the report, whether to retry it, its requests."""

    entry: dict[str, Any]
    retried: bool = False
    requests: Sequence[dict[str, Any]] = ()


class Pipeline:
    """One instance of the destination with Segment's platform around it.

    An instance that is not `enabled` sends no event. `memory` has what Segment remembers of its `namespace`.
    `client` makes the client of an attempt from its number (1, 2, …). `platform` configures the stages before the mappings.
    `ids` returns a new unique id at every call; `random` draws the back-off's jitter and the samples.

    Raises `ConfigurationError` for more than 50 mappings and for a mapping or trigger that could never work.
    """

    def __init__(
        self,
        settings: Settings,
        mappings: Sequence[Subscription] = (DEFAULT_SUBSCRIPTION,),
        *,
        client: Callable[[int], RecordingClient],
        clock: Clock,
        random: Random,
        ids: Callable[[], str],
        enabled: bool = True,
        platform: Platform = NOTHING,
        retry: RetryPolicy | None = None,
        memory: Memory | None = None,
        namespace: str = DEFAULT,
    ) -> None:
        self.settings = settings
        self.mappings = check_mappings(mappings)
        self.enabled = enabled
        self.platform = platform
        self.retry = retry or RetryPolicy()
        self._memory: Memory = memory or ProcessMemory()
        self._namespace = namespace
        self._clock = clock
        self._random = random
        self._ids = ids
        self._client = client

    def open(
        self,
        source_event: Mapping[str, Any],
        *,
        delivery_id: str | None = None,
        received_at: int | None = None,
        warnings: Sequence[dict[str, str]] = (),
    ) -> Delivery:
        """Opens the delivery of one event: it is suppressed, a duplicate, or due for its first attempt at once."""
        at = self._clock.now_ms() if received_at is None else received_at
        report = new_report(
            source_event, delivery_id=delivery_id or self._ids(), received_at=at, warnings=warnings
        )
        delivery = Delivery(report, retry_at=at)
        if report["type"] == "delete":
            return delivery
        return self._blocked(delivery) or delivery

    def _blocked(self, delivery: Delivery) -> Delivery | None:
        """The ended delivery of a suppressed or duplicate event; None for any other."""
        report = delivery.report
        if not self.enabled:
            return self._ended(delivery, "not_subscribed", "the destination is switched off")
        event = report["source_event"]
        blocked = suppressed_subject(self._memory, self._namespace, event)
        if blocked is not None:
            kind, subject = blocked
            what = "user" if kind == "user_id" else "anonymous id"
            return self._ended(delivery, "suppressed_user", f"{what} {subject!r} is on the suppression list")
        message_id = report["message_id"]
        if message_id:
            owner = self._memory.claim(self._namespace, message_id, delivery.id, report["received_at"])
            if owner != delivery.id:
                why = f"messageId {message_id!r} came before, within 24 hours, in delivery {owner}"
                return self._ended(delivery, "duplicate", why)
        return None

    def _ended(self, delivery: Delivery, outcome: str, *details: str) -> Delivery:
        return replace(delivery.with_report(outcome=outcome, details=list(details)), retry_at=None)

    def _run_stages(self, delivery: Delivery) -> Delivery:
        """The delivery after Segment's stages, which may end it.

        A replay begins with the archived event; a mapping that has sent its event stays sent.
        """
        report = delivery.report
        if report["attempts"]:
            course = run_again(self.platform, archived_event(report), self._random)
        else:
            course = run(self.platform, report["source_event"], self._random)
        changed = delivery.with_report(**stages_json(report, course))
        if course.ended is None:
            return changed
        sent = [entry for entry in report["mappings"] if entry["outcome"] == "sent"]
        if sent:
            return replace(changed.with_report(**summary(sent), mappings=sent), retry_at=None)
        return self._ended(changed.with_report(**NOT_MAPPED), course.ended.outcome, *course.ended.details)

    def replay(self, delivery: Delivery) -> Delivery:
        """Makes a failed delivery due again at once, with the full number of attempts and the full time.

        The report keeps the earlier attempts; a mapping that has sent its event does not send it twice.
        """
        now = self._clock.now_ms()
        entries = [
            {**entry, "outcome": "pending"} if entry["outcome"] in REPLAYED else entry
            for entry in delivery.report["mappings"]
        ]
        changed = delivery.with_report(mappings=entries, outcome="pending")
        return replace(changed, retry_at=now, since=now, attempts_before=len(delivery.report["attempts"]))

    def attempt(self, delivery: Delivery) -> Delivery:
        """Makes the next attempt of a delivery that is due; `retry_at` of the result says whether and when to retry."""
        number = len(delivery.report["attempts"]) + 1
        if delivery.report["type"] == "delete":
            return self._attempt_deletion(delivery, number)
        if number == delivery.attempts_before + 1:
            # A retry does not run the stages again: it keeps the result of the filters at the first attempt.
            delivery = self._run_stages(delivery)
            if delivery.retry_at is None:
                return delivery
        event = mapped_event(delivery.report)
        try:
            self.settings.validate()
        except DestinationError as error:
            return self._attempted(delivery, number, [_failed(judge_settings(error), error)], single=True)
        earlier = {(index, entry["name"]): entry for index, entry in enumerate(delivery.report["mappings"])}
        tries: list[_Try] = []
        for index, mapping in enumerate(self.mappings):
            before = earlier.get((index, mapping.name))
            is_done = before is not None and before["outcome"] != "pending"
            tries.append(_Try(before) if before and is_done else self._run_mapping(event, mapping, number))
        return self._attempted(delivery, number, tries)

    def _run_mapping(self, event: dict[str, Any], mapping: Subscription, number: int) -> _Try:
        entry: dict[str, Any] = {
            "name": mapping.name,
            "trigger": mapping.trigger,
            "enabled": mapping.enabled,
            # Null for the action's own, which nearly every report has.
            "fields": None if mapping.fields == DEFAULT_SUBSCRIPTION.fields else mapping.fields,
            "matched": False,
            "outcome": "disabled",
            "payload": None,
            "error": None,
            "details": [],
        }
        if not mapping.enabled:
            return _Try(entry)
        client = self._client(number)
        result = on_event(event, mapping, self.settings, client)
        outcome = {"sent": "sent", "skipped": "not_subscribed"}.get(result.outcome, "pending")
        payload = None if result.payload is None else plain_json(result.payload)
        attempted = _Try({**entry, "matched": result.matched, "payload": payload, "outcome": outcome})
        if result.error is not None:
            attempted = _failed(judge(result.error, client.exchanges), result.error, attempted.entry)
        return replace(attempted, requests=_rows(client))

    def _attempt_deletion(self, delivery: Delivery, number: int) -> Delivery:
        event = delivery.report["source_event"]
        subject = {"userId": event.get("userId"), "anonymousId": event.get("anonymousId")}
        client = self._client(number)
        error = on_delete(subject, self.settings, client).error
        attempted = _Try({"outcome": "deleted", "error": None, "details": []})
        if error is not None:
            judged = judge(error, client.exchanges) if client.exchanges else Judged("", tuple(error.details))
            attempted = _failed(replace(judged, outcome="delivery_failed"), error)
        return self._attempted(delivery, number, [replace(attempted, requests=_rows(client))], single=True)

    def _attempted(
        self, delivery: Delivery, number: int, tries: Sequence[_Try], *, single: bool = False
    ) -> Delivery:
        """Adds an attempt to the report: entries to be retried become pending as long as the policy allows it.

        `single` says that the only entry is not a mapping's: a deletion, or settings that stopped all mappings.
        """
        report = delivery.report
        now = self._clock.now_ms()
        entries = [attempted.entry for attempted in tries]
        requests = [row for attempted in tries for row in attempted.requests]
        retried = [attempted.entry for attempted in tries if attempted.retried]
        retry_at = None
        if retried:
            since = report["received_at"] if delivery.since is None else delivery.since
            retry_at = self.retry.retry_at(
                attempt=number - delivery.attempts_before, now_ms=now, received_at=since, random=self._random
            )
        # The outcome of this attempt, before any of it becomes pending.
        before = entries[0] if single else summary(entries)
        attempt = {
            "number": number,
            "at": requests[0]["at"] if requests else now,
            "outcome": before["outcome"],
            "error": before.get("error"),
            "retry_at": retry_at,
        }
        if retry_at is not None:
            for entry in retried:
                entry["outcome"] = "pending"
        changed = delivery.with_report(
            **(entries[0] if single else summary(entries)),
            requests=[*report["requests"], *requests],
            attempts=[*report["attempts"], attempt],
            mappings=[] if single else entries,
        )
        return replace(changed, retry_at=retry_at)


def _rows(client: RecordingClient) -> list[dict[str, Any]]:
    return [exchange.shown for exchange in client.exchanges]


def _failed(judged: Judged, error: DestinationError, entry: Mapping[str, Any] | None = None) -> _Try:
    """The try that an error ended; `entry` is the report's entry so far."""
    failed = {"outcome": judged.outcome, "error": error.members(), "details": list(judged.details)}
    return _Try({**(entry or {}), **failed}, judged.retried)
