"""The reports that are still to be told: one thread tells them in their order, several at once where several wait."""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from optilocal.forwarder.clock import Clock
from optilocal.forwarder.pipeline.delivery import Delivery
from optilocal.forwarder.pipeline.instances import Instances
from optilocal.forwarder.store.spool import Spool, SpooledDelivery

MOST_AT_ONCE = 200
MOST_CHARACTERS = 4_000_000
MOMENT_S = 0.05

LONGEST_NAP_S = 0.5

FULL = 1_000
"""With so many waiting no further attempt is made until some have been told."""

REPORT_TRIES = 20


@dataclass(frozen=True)
class Untold:
    """A delivery that was written down and of which the emulator is to hear; `text` is its report as JSON."""

    found: SpooledDelivery
    delivery: Delivery
    text: str


class ReportQueue:
    """Tells the emulator and writes down that it knows; `done` hears of the deliveries with which it is through.

    While there are `more` deliveries to be made at once, it waits a moment for their reports too.
    """

    def __init__(
        self,
        spool: Spool,
        instances: Instances,
        clock: Clock,
        *,
        done: Callable[[Sequence[SpooledDelivery]], None],
        more: Callable[[], bool],
    ) -> None:
        self._spool = spool
        self._instances = instances
        self._clock = clock
        self._done = done
        self._more = more
        self._waiting: deque[Untold] = deque()
        self._added = threading.Condition()
        self._closing = False
        self._unreachable = False
        self._thread = threading.Thread(target=self._work, name="forwarder-reports", daemon=True)

    def start(self) -> None:
        """Begins to tell."""
        self._thread.start()

    @property
    def full(self) -> bool:
        """Whether more wait than should."""
        return len(self._waiting) >= FULL

    def add(self, untold: Sequence[Untold]) -> None:
        """Queues reports; one is on its way at once when nothing else is."""
        with self._added:
            first = not self._waiting
            self._waiting.extend(untold)
            if first or len(self._waiting) >= MOST_AT_ONCE or not self._more():
                self._added.notify()

    def close(self) -> None:
        """Tells what waits and ends; as soon as the emulator cannot be told, the rest stays for the next forwarder."""
        with self._added:
            self._closing = True
            self._added.notify()
        if self._thread.is_alive():
            self._thread.join()

    def _work(self) -> None:
        while True:
            with self._added:
                self._added.wait_for(lambda: self._waiting or self._closing)
                if not self._waiting:
                    return
                self._added.wait_for(self._enough, MOMENT_S)
                group = self._next_group()
            try:
                through = self._tell(group)
            except Exception as error:
                # Whatever is wrong with one report, or with the disk, must not end the telling.
                through = self._put_off(group, error)
            self._done(through)

    def _enough(self) -> bool:
        return len(self._waiting) >= MOST_AT_ONCE or self._closing or not self._more()

    def _next_group(self) -> list[Untold]:
        """The reports of one request: those of one namespace that follow each other, as far as they are not too long."""
        group = [self._waiting.popleft()]
        size = len(group[0].text)
        while self._waiting and len(group) < MOST_AT_ONCE:
            following = self._waiting[0]
            size += len(following.text)
            if following.found.namespace != group[0].found.namespace or size > MOST_CHARACTERS:
                break
            group.append(self._waiting.popleft())
        return group

    def _tell(self, group: Sequence[Untold]) -> list[SpooledDelivery]:
        deliveries = [one.delivery for one in group]
        if not (self._closing and self._unreachable):
            forwarder = self._instances.get(group[0].found.namespace)
            deliveries = forwarder.report_all(deliveries, [one.text for one in group])
            self._unreachable = not any(told.reported for told in deliveries)
        now = self._clock.now_ms()
        through = [_next_turn(one.found, told, now) for one, told in zip(group, deliveries, strict=True)]
        self._spool.save_states(through)
        return through

    def _put_off(self, group: Sequence[Untold], error: Exception) -> list[SpooledDelivery]:
        first = group[0].delivery.id
        print(
            f"forwarder: {len(group)} reports from {first} on could not be made: {error!r}", file=sys.stderr
        )
        due = self._clock.now_ms() + 60_000
        through = [
            replace(one.found, delivery=one.delivery, due=due, tries=one.found.tries + 1) for one in group
        ]
        try:
            self._spool.save_states(through)
        except Exception as failure:
            print(f"forwarder: the spool {self._spool.path} cannot be written: {failure}", file=sys.stderr)
            # They are due still, so they come again at once.
            with self._added:
                self._added.wait_for(lambda: self._closing, LONGEST_NAP_S)
        return through


def _next_turn(found: SpooledDelivery, told: Delivery, now: int) -> SpooledDelivery:
    """The delivery with what is to be done next: the next attempt, nothing, or telling once more, later each time."""
    if told.reported or told.retry_at is not None or found.tries >= REPORT_TRIES:
        return replace(found, delivery=told, due=told.retry_at, tries=0)
    wait_ms = min(60_000, 500 * 2**found.tries)
    return replace(found, delivery=told, due=now + wait_ms, tries=found.tries + 1)
