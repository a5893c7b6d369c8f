"""One source event through Segment's platform: blocked, de-duplicated, sent by every mapping, tried again,
reported.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any

from optilocal.forwarder.clock import Clock
from optilocal.forwarder.destination.destination import (
    DEFAULT_SUBSCRIPTION,
    ActionResult,
    Settings,
    Subscription,
    on_delete,
    on_event,
)
from optilocal.forwarder.errors import DestinationError
from optilocal.forwarder.javascript.json import plain_json
from optilocal.forwarder.pipeline.deduplication import Deduplication, MemoryDeduplication
from optilocal.forwarder.pipeline.delivery import (
    NOT_MAPPED,
    REPLAYED,
    Delivery,
    archived_event,
    error_json,
    mapped_event,
    new_report,
    report_text,
    stages_json,
    summary,
)
from optilocal.forwarder.pipeline.mappings import check_mappings
from optilocal.forwarder.pipeline.outcome import Judged, judge, judge_settings
from optilocal.forwarder.pipeline.reporting import DeliveryReporter
from optilocal.forwarder.pipeline.retry import RetryPolicy
from optilocal.forwarder.pipeline.source_event import deletion_event
from optilocal.forwarder.pipeline.suppression import (
    MemorySuppressionList,
    SuppressionList,
    regulate,
    suppressed_subject,
)
from optilocal.forwarder.stages import course
from optilocal.forwarder.stages.platform import NOTHING, Platform

if TYPE_CHECKING:
    from optilocal.forwarder.http.request_client import RequestClient
    from optilocal.forwarder.http.session import Session


class Pipeline:
    """One instance of the destination with Segment's platform around it.

    Where it is not `enabled` it gets no event. `platform` is what Segment does to events before the mappings.
    `optimizely` is the emulator's base URL with its `/ns/<name>`. `ids` gives a new unique id at every call; `random` the
    jitter of the back-off and what is sampled.
    With `report` every delivery is reported to the emulator. Raises `ConfigurationError` for more than 50 mappings and
    for a mapping or trigger that could never work.
    """

    def __init__(
        self,
        settings: Settings,
        mappings: Sequence[Subscription] = (DEFAULT_SUBSCRIPTION,),
        *,
        optimizely: str,
        clock: Clock,
        random: Random,
        ids: Callable[[], str],
        enabled: bool = True,
        platform: Platform = NOTHING,
        retry: RetryPolicy | None = None,
        report: bool = True,
        suppression: SuppressionList | None = None,
        deduplication: Deduplication | None = None,
        session: Session | None = None,
    ) -> None:
        self.settings = settings
        self.mappings = check_mappings(mappings)
        self.enabled = enabled
        self.platform = platform
        self.optimizely = optimizely.rstrip("/")
        self.retry = retry or RetryPolicy()
        self.request_counts = {"datafile": 0, "events": 0, "privacy": 0}
        self.suppression: SuppressionList = (
            suppression if suppression is not None else MemorySuppressionList()
        )
        self._deduplication = deduplication if deduplication is not None else MemoryDeduplication()
        self._clock = clock
        self._random = random
        self._ids = ids
        self._own_session = session is None
        self._session = session if session is not None else _open_session()
        self._reporter = DeliveryReporter(self._session, self.optimizely) if report else None

    @property
    def suppressed(self) -> list[str]:
        """The suppressed user ids, oldest first."""
        return self.suppression.subjects("user_id")

    def deliver(self, source_event: Mapping[str, Any]) -> Delivery:
        """Does everything with one source event, waiting on the clock between attempts, and returns the last
        state.
        """
        return self.finish(self.open(source_event))

    def delete(
        self, user_id: str, regulation_type: str = "SUPPRESS_WITH_DELETE", anonymous_id: str | None = None
    ) -> Delivery | None:
        """Carries out one regulation; the delivery of the deletion, or None for a type of which destinations
        do not hear.

        Raises ValueError with one line for an unknown type.
        """
        now = self._clock.now_ms()
        if not regulate(self.suppression, regulation_type, "user_id", user_id, now):
            return None
        event = deletion_event(user_id, message_id=f"delete-{self._ids()}", at=now, anonymous_id=anonymous_id)
        return self.finish(self.open(event))

    def open(
        self,
        source_event: Mapping[str, Any],
        *,
        delivery_id: str | None = None,
        received_at: int | None = None,
        warnings: Sequence[dict[str, str]] = (),
    ) -> Delivery:
        """Takes one event in: it is blocked, found to be a duplicate, or due for its first attempt at once."""
        at = self._clock.now_ms() if received_at is None else received_at
        report = new_report(
            source_event, delivery_id=delivery_id or self._ids(), received_at=at, warnings=warnings
        )
        delivery = Delivery(report, retry_at=at)
        if report["type"] == "delete":
            return delivery
        return self._stopped_at_the_door(delivery) or delivery

    def _stopped_at_the_door(self, delivery: Delivery) -> Delivery | None:
        report = delivery.report
        if not self.enabled:
            return self._ended(delivery, "not_subscribed", "the destination is switched off")
        event = report["source_event"]
        blocked = suppressed_subject(self.suppression, event)
        if blocked is not None:
            kind, subject = blocked
            what = "user" if kind == "user_id" else "anonymous id"
            return self._ended(delivery, "suppressed_user", f"{what} {subject!r} is on the suppression list")
        message_id = report["message_id"]
        if message_id:
            owner = self._deduplication.claim(message_id, delivery.id, report["received_at"])
            if owner != delivery.id:
                why = f"messageId {message_id!r} came before, within 24 hours, in delivery {owner}"
                return self._ended(delivery, "duplicate", why)
        return None

    def _ended(self, delivery: Delivery, outcome: str, *details: str) -> Delivery:
        return replace(delivery.with_report(outcome=outcome, details=list(details)), retry_at=None)

    def _through_stages(self, delivery: Delivery) -> Delivery:
        """The delivery with what Segment's stages make of its event, which end it or leave it due.

        A replay begins with what the source's stages left; a mapping that had sent its event stays sent.
        """
        report = delivery.report
        if report["attempts"]:
            way = course.run_again(self.platform, archived_event(report), self._random)
        else:
            way = course.run(self.platform, report["source_event"], self._random)
        changed = delivery.with_report(**stages_json(report, way))
        if way.ended is None:
            return changed
        sent = [entry for entry in report["mappings"] if entry["outcome"] == "sent"]
        if sent:
            return replace(changed.with_report(**summary(sent), mappings=sent), retry_at=None)
        return self._ended(changed.with_report(**NOT_MAPPED), way.ended.outcome, *way.ended.details)

    def replay(self, delivery: Delivery) -> Delivery:
        """Makes a delivery that failed due again, at once and with a fresh allowance of attempts and time.

        What earlier attempts did stays on record; a mapping that had sent its event does not send it twice.
        """
        now = self._clock.now_ms()
        entries = [
            {**entry, "outcome": "pending"} if entry["outcome"] in REPLAYED else entry
            for entry in delivery.report["mappings"]
        ]
        changed = delivery.with_report(mappings=entries, outcome="pending")
        made = len(delivery.report["attempts"])
        return replace(changed, retry_at=now, since=now, attempts_before=made)

    def finish(self, delivery: Delivery) -> Delivery:
        """Makes every attempt that is due, waiting on the clock in between, and reports."""
        while delivery.retry_at is not None:
            wait_ms = delivery.retry_at - self._clock.now_ms()
            if wait_ms > 0:
                delivery = self.report(delivery)
                self._clock.sleep(wait_ms / 1000)
            delivery = self.attempt(delivery)
        return self.report(delivery)

    def attempt(self, delivery: Delivery) -> Delivery:
        """Makes the next attempt of a delivery that is due: its result says whether yet another is due, and when."""
        number = len(delivery.report["attempts"]) + 1
        if delivery.report["type"] == "delete":
            return self._attempt_deletion(delivery, number)
        if number == delivery.attempts_before + 1:
            # What is tried again has been through the stages, with the filters that there were then.
            delivery = self._through_stages(delivery)
            if delivery.retry_at is None:
                return delivery
        event = mapped_event(delivery.report)
        try:
            self.settings.validate()
        except DestinationError as error:
            entry = _entry_of_error(error, judge_settings(error))
            return self._attempted(delivery, number, [entry], [], single=True)
        earlier = {(index, entry["name"]): entry for index, entry in enumerate(delivery.report["mappings"])}
        entries: list[dict[str, Any]] = []
        made: list[dict[str, Any]] = []
        for index, mapping in enumerate(self.mappings):
            before = earlier.get((index, mapping.name))
            if before is not None and before["outcome"] != "pending":
                entries.append(before)
                continue
            entry, rows = self._run_mapping(event, mapping, number)
            entries.append(entry)
            made.extend(rows)
        return self._attempted(delivery, number, entries, made)

    def _run_mapping(
        self, event: dict[str, Any], mapping: Subscription, number: int
    ) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        entry: dict[str, Any] = {
            "name": mapping.name,
            "trigger": mapping.trigger,
            "enabled": mapping.enabled,
            # Null for the action's own: nearly every report has those.
            "fields": None if mapping.fields == DEFAULT_SUBSCRIPTION.fields else mapping.fields,
            "matched": False,
            "outcome": "disabled",
            "payload": None,
            "error": None,
            "details": [],
        }
        if not mapping.enabled:
            return entry, []
        client = self._client(number)
        result = on_event(event, mapping, self.settings, client)
        entry["matched"] = result.matched
        entry["payload"] = _shown_payload(result)
        entry["outcome"] = {"sent": "sent", "skipped": "not_subscribed"}.get(result.outcome, "pending")
        if result.error is not None:
            judged = judge(result.error, client.exchanges)
            entry.update(
                outcome=judged.outcome,
                retried=judged.retried,
                error=error_json(result.error),
                details=list(judged.details),
            )
        return entry, self._count(client)

    def _client(self, number: int) -> RequestClient:
        from optilocal.forwarder.http.request_client import RequestClient  # noqa: PLC0415 - `requests` is slow to import

        return RequestClient(self._session, self.optimizely, self._clock, attempt=number)

    def _count(self, client: RequestClient) -> list[dict[str, Any]]:
        rows = [exchange.shown for exchange in client.exchanges]
        for row in rows:
            self.request_counts[row["to"]] += 1
        return rows

    def _attempt_deletion(self, delivery: Delivery, number: int) -> Delivery:
        event = delivery.report["source_event"]
        subject = {"userId": event.get("userId"), "anonymousId": event.get("anonymousId")}
        client = self._client(number)
        result = on_delete(subject, self.settings, client)
        entry: dict[str, Any] = {"name": None, "trigger": None, "enabled": True, "payload": None}
        entry.update(outcome="deleted", error=None, details=[])
        if result.error is not None:
            judged = (
                judge(result.error, client.exchanges) if client.exchanges else Judged("delivery_failed", ())
            )
            details = judged.details or tuple(result.error.details)
            entry.update(outcome="delivery_failed", retried=judged.retried, error=error_json(result.error))
            entry["details"] = list(details)
        return self._attempted(delivery, number, [entry], self._count(client), single=True)

    def _attempted(
        self,
        delivery: Delivery,
        number: int,
        entries: list[dict[str, Any]],
        requests_made: list[dict[str, Any]],
        *,
        single: bool = False,
    ) -> Delivery:
        """Closes an attempt: what may be tried again becomes pending as long as the policy allows it.

        `single` says that the one entry is no mapping's: a deletion, or settings that stopped everything.
        """
        report = delivery.report
        now = self._clock.now_ms()
        # What this attempt came to, before any of it is called pending.
        before = _single(entries[0]) if single else summary(entries)
        retried = [entry for entry in entries if entry.pop("retried", False)]
        retry_at = None
        if retried:
            since = report["received_at"] if delivery.since is None else delivery.since
            retry_at = self.retry.retry_at(
                attempt=number - delivery.attempts_before, now_ms=now, received_at=since, random=self._random
            )
        if retry_at is not None:
            for entry in retried:
                entry["outcome"] = "pending"
        after = _single(entries[0]) if single else summary(entries)
        attempt = {
            "number": number,
            "at": requests_made[0]["at"] if requests_made else now,
            "outcome": before["outcome"],
            "error": before.get("error"),
            "retry_at": retry_at,
        }
        changed = delivery.with_report(
            **after,
            requests=[*report["requests"], *requests_made],
            attempts=[*report["attempts"], attempt],
            mappings=[] if single else entries,
        )
        return replace(changed, retry_at=retry_at)

    def report(self, delivery: Delivery) -> Delivery:
        """Tells the emulator about a delivery, unless it knows; one that cannot be told stays unreported."""
        if self._reporter is None or delivery.reported:
            return delivery
        return self.report_all([delivery], [report_text(delivery.report)])[0]

    def report_all(self, deliveries: Sequence[Delivery], texts: Sequence[str]) -> list[Delivery]:
        """Tells the emulator about several deliveries, each with its report as JSON, in one request."""
        if self._reporter is None:
            return list(deliveries)
        return [
            replace(delivery, number=told.number or delivery.number, reported=told.taken)
            for delivery, told in zip(deliveries, self._reporter.send(texts), strict=True)
        ]

    def close(self) -> None:
        """Gives the connections back."""
        if self._own_session:
            self._session.close()


def _open_session() -> Session:
    from optilocal.forwarder.http.session import HttpSession  # noqa: PLC0415 - `requests` is slow to import

    return HttpSession()


def _single(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: entry[key] for key in ("outcome", "error", "details")}


def _entry_of_error(error: DestinationError, judged: Judged) -> dict[str, Any]:
    return {
        "outcome": judged.outcome,
        "error": error_json(error),
        "details": list(judged.details),
        "retried": False,
    }


def _shown_payload(result: ActionResult) -> dict[str, Any] | None:
    if result.payload is None:
        return None
    shown: dict[str, Any] = plain_json(result.payload)
    return shown
