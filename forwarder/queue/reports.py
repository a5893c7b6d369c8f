"""The queue of reports to the emulator: one thread posts them in order, several in one request."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from time import monotonic

from optilocal.forwarder.clock import Clock
from optilocal.forwarder.pipeline.delivery import Delivery
from optilocal.forwarder.queue.instances import Instances
from optilocal.forwarder.store.file import SpoolError
from optilocal.forwarder.store.spool import Spool, SpooledDelivery
from optilocal.serving.log import log

MOST_AT_ONCE = 200
MOST_CHARACTERS = 4_000_000

FULL = 1_000
"""With so many reports in the queue no attempt is made until some are posted."""

REPORT_TRIES = 20


@dataclass(frozen=True)
class Report:
    """A saved delivery to be reported; `text` is its report as JSON."""

    spooled: SpooledDelivery
    delivery: Delivery
    text: str


class ReportQueue:
    """Posts reports and saves that they are posted; `done` is called with their deliveries."""

    def __init__(
        self,
        spool: Spool,
        instances: Instances,
        clock: Clock,
        *,
        done: Callable[[Sequence[SpooledDelivery]], None],
    ) -> None:
        self._spool = spool
        self._instances = instances
        self._clock = clock
        self._done = done
        self._waiting: deque[Report] = deque()
        self._posting = 0
        self._added = threading.Condition()
        self._closing = False
        self._unreachable = False
        self._printed_at: float | None = None
        self._thread = threading.Thread(target=self._work, name="forwarder-reports", daemon=True)

    def start(self) -> None:
        """Starts to post."""
        self._thread.start()

    @property
    def full(self) -> bool:
        """Whether `FULL` reports wait."""
        return len(self._waiting) >= FULL

    @property
    def empty(self) -> bool:
        """Whether everything has been posted."""
        return not self._waiting and not self._posting

    def add(self, reports: Sequence[Report]) -> None:
        """Queues reports."""
        with self._added:
            self._waiting.extend(reports)
            self._added.notify()

    def close(self, patience_s: float) -> None:
        """Posts waiting reports for at most `patience_s` seconds; the next forwarder on the spool posts the rest."""
        with self._added:
            self._closing = True
            self._added.notify()
        if self._thread.is_alive():
            self._thread.join(patience_s)

    def _work(self) -> None:
        while True:
            with self._added:
                self._added.wait_for(lambda: self._waiting or self._closing)
                if not self._waiting:
                    return
                group = self._next_group()
                self._posting = len(group)
            try:
                ended = self._post(group)
            except Exception as error:
                # An error of one report, or of the disk, must not end the thread.
                ended = self._retry_later(group, error)
            self._posting = 0
            self._done(ended)

    def _next_group(self) -> list[Report]:
        """The reports of the next request: successive ones of one namespace, up to the limits of number and length."""
        group = [self._waiting.popleft()]
        size = len(group[0].text)
        while self._waiting and len(group) < MOST_AT_ONCE:
            following = self._waiting[0]
            size += len(following.text)
            if following.spooled.namespace != group[0].spooled.namespace or size > MOST_CHARACTERS:
                break
            group.append(self._waiting.popleft())
        return group

    def _post(self, group: Sequence[Report]) -> list[SpooledDelivery]:
        deliveries = [report.delivery for report in group]
        if not (self._closing and self._unreachable):
            reporter = self._instances.reporter(group[0].spooled.namespace)
            deliveries = reporter.report(deliveries, [report.text for report in group])
            self._unreachable = not any(delivery.reported for delivery in deliveries)
        now = self._clock.now_ms()
        ended = [
            _next_step(report.spooled, delivery, now)
            for report, delivery in zip(group, deliveries, strict=True)
        ]
        self._spool.save_states(ended)
        return ended

    def _retry_later(self, group: Sequence[Report], error: Exception) -> list[SpooledDelivery]:
        wait_s, now = wait_after(error), monotonic()
        if not self._closing and (self._printed_at is None or now - self._printed_at >= 60):
            self._printed_at = now
            first = group[0].delivery.id
            log(
                "forwarder",
                f"{len(group)} reports from {first} on could not be posted, the next try is in {wait_s} s: {error}",
            )
        due = self._clock.now_ms() + wait_s * 1_000
        return [replace(report.spooled, delivery=report.delivery, due=due) for report in group]


def wait_after(error: Exception) -> int:
    """Seconds until what failed is tried again: a spool that cannot be used may be back at once."""
    return 1 if isinstance(error, SpoolError) else 60


def _next_step(spooled: SpooledDelivery, posted: Delivery, now: int) -> SpooledDelivery:
    """The delivery with its next step: its next attempt, none, or another post after a longer wait."""
    if posted.reported or posted.retry_at is not None or spooled.tries >= REPORT_TRIES:
        return replace(spooled, delivery=posted, due=posted.retry_at, tries=0)
    wait_ms = min(60_000, 500 * 2**spooled.tries)
    return replace(spooled, delivery=posted, due=now + wait_ms, tries=spooled.tries + 1)
