"""Accepts events into the spool, and sends deliveries that are due with workers, in turns for each namespace."""

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from heapq import heappop, heappush
from typing import Any

from optilocal.forwarder.clock import Clock
from optilocal.forwarder.pipeline.delivery import Delivery, report_text
from optilocal.forwarder.queue.instances import Instances
from optilocal.forwarder.queue.reports import Report, ReportQueue, wait_after
from optilocal.forwarder.store.file import SpoolError
from optilocal.forwarder.store.spool import Spool, SpooledDelivery
from optilocal.serving.log import log

MAX_WAITING = 200_000
"""The most waiting deliveries; above it clients get 429."""

NAMESPACES_AT_ONCE = 4
"""The number of namespaces that can use all their workers, on hosts that hang say, before another has to wait."""

_LONGEST_WAIT_S = 0.5
_PRINTED_EVERY_S = 60.0
_PATIENCE_S = 1.0


class Overloaded(Exception):
    """More than `MAX_WAITING` deliveries would wait."""


class Dispatcher:
    """Sends what is due with at most `workers` deliveries of one namespace at once.

    The spool is the truth; here are only the row numbers of what waits, by namespace and by time. `abort` ends the
    requests under way, for `stop`.
    """

    def __init__(
        self,
        spool: Spool,
        instances: Instances,
        clock: Clock,
        *,
        workers: int = 4,
        abort: Callable[[], None] = lambda: None,
    ) -> None:
        self._spool = spool
        self._instances = instances
        self._clock = clock
        self._workers = workers
        self._abort = abort
        self._reports = ReportQueue(spool, instances, clock, done=self._reported)
        # Guards what follows; never held while the spool is used.
        self._changed = threading.Condition()
        self._later: list[tuple[int, int, str]] = []
        self._ready: dict[str, deque[int]] = {}
        self._turns: deque[str] = deque()
        self._running: Counter[str] = Counter()
        # The rows of this forwarder, waiting or at work; and those at work.
        self._held: set[int] = set()
        self._at_work: set[int] = set()
        self._idle = 0
        self._unwritten = 0
        self._printed_at: float | None = None
        self._stopping = False
        self.retries: Counter[str] = Counter()
        """Attempts after the first, by what they came to."""
        self._threads: list[threading.Thread] = []
        for due, row, namespace in spool.schedule():
            self._held.add(row)
            heappush(self._later, (due, row, namespace))

    def start(self) -> None:
        """Starts to send, first what an earlier process left in the spool."""
        self._reports.start()
        self._spool.watch(self._adopt, self._release, self._instances.forget)
        with self._changed:
            self._start_worker()

    def _adopt(self, rows: Sequence[tuple[int, int, str]]) -> None:
        """Queues the rows of a forwarder that has stopped."""
        with self._changed:
            for due, row, namespace in rows:
                if row not in self._held:
                    self._held.add(row)
                    heappush(self._later, (due, row, namespace))
            self._changed.notify_all()
            self._start_worker()

    def _release(self) -> None:
        """Drops the waiting rows, which another forwarder may send now; rows at work are finished."""
        with self._changed:
            self._held = set(self._at_work)
            self._later.clear()
            self._ready.clear()
            self._turns.clear()

    def accept(
        self,
        namespace: str,
        events: Sequence[tuple[Mapping[str, Any], Sequence[dict[str, str]]]],
        *,
        regulation: str | None = None,
    ) -> list[str]:
        """Accepts source events, each with its warnings, and returns their delivery ids.

        When it returns, all of them are on disk; when it raises, none is. Raises `Overloaded`.
        """
        pipeline = self._instances.get(namespace)
        with self._changed:
            if len(self._held) + len(events) > MAX_WAITING:
                raise Overloaded
        now = self._clock.now_ms()
        with self._spool.transaction():
            opened = [pipeline.open(event, received_at=now, warnings=notes) for event, notes in events]
            rows = self._spool.add(namespace, opened, due=now, regulation=regulation)
        # A worker that came before the commit would not find them.
        self._spool.when_kept(lambda: self._take_in(namespace, rows, now))
        return [delivery.id for delivery in opened]

    def _take_in(self, namespace: str, rows: Sequence[int], now: int) -> None:
        with self._changed:
            self._held.update(rows)
            self._gather(now)
            for row in rows:
                self._make_ready(namespace, row)
            self._changed.notify(len(rows))
            self._start_worker()

    def replay(self, namespace: str, spooled: SpooledDelivery) -> None:
        """Makes a dead letter due again, at once."""
        now = self._clock.now_ms()
        replayed = self._instances.get(namespace).replay(spooled.delivery)
        with self._spool.transaction():
            self._spool.own(spooled.row)
            self._spool.save(replayed, due=now)
        with self._changed:
            self._held.add(spooled.row)
            self._make_ready(namespace, spooled.row)
            self._changed.notify()
            self._start_worker()

    def _gather(self, now: int) -> None:
        """Makes rows that have become due ready, before new ones."""
        while self._later and self._later[0][0] <= now:
            _, row, namespace = heappop(self._later)
            self._make_ready(namespace, row)

    def _make_ready(self, namespace: str, row: int) -> None:
        if namespace not in self._ready:
            self._ready[namespace] = deque()
            self._turns.append(namespace)
        self._ready[namespace].append(row)

    def _start_worker(self) -> None:
        """Starts another thread if none is idle, up to the limit."""
        if self._idle or self._stopping or len(self._threads) >= self._workers * NAMESPACES_AT_ONCE:
            return
        name = f"forwarder-worker-{len(self._threads) + 1}"
        self._threads.append(threading.Thread(target=self._work, name=name, daemon=True))
        self._threads[-1].start()

    def _work(self) -> None:
        while (turn := self._take()) is not None:
            namespace, row = turn
            try:
                self._advance(row)
            except Exception as error:
                if not self._stopping:
                    self._retry_later(namespace, row, error)
            finally:
                with self._changed:
                    self._running[namespace] -= 1
                    # Its namespace may have another turn, and `stop` may wait for the last row.
                    self._changed.notify_all()

    def _take(self) -> tuple[str, int] | None:
        """Waits for the next row and its namespace; None when the dispatcher stops."""
        with self._changed:
            self._idle += 1
            try:
                while not self._stopping:
                    is_paused = self._unwritten or self._reports.full or not self._spool.holds
                    turn = None if is_paused else self._next_turn()
                    if turn is not None:
                        self._running[turn[0]] += 1
                        self._at_work.add(turn[1])
                        return turn
                    self._changed.wait(self._wait_s())
                return None
            finally:
                self._idle -= 1
                if self._turns and not self._idle:
                    self._start_worker()

    def _next_turn(self) -> tuple[str, int] | None:
        self._gather(self._clock.now_ms())
        for _ in range(len(self._turns)):
            namespace = self._turns[0]
            self._turns.rotate(-1)
            if self._running[namespace] < self._workers:
                row = self._ready[namespace].popleft()
                if not self._ready[namespace]:
                    del self._ready[namespace]
                    self._turns.remove(namespace)
                return namespace, row
        return None

    def _wait_s(self) -> float:
        """Seconds until the next delivery is due, at most `_LONGEST_WAIT_S`, since the clock may be set forward."""
        if not self._later or self._unwritten or self._reports.full:
            return _LONGEST_WAIT_S
        return min(_LONGEST_WAIT_S, max(0.001, (self._later[0][0] - self._clock.now_ms()) / 1000))

    def _advance(self, row: int) -> None:
        spooled = self._spool.at(row)
        if spooled is None or spooled.due is None:
            # Another forwarder has it, or had it.
            self._reported([], gone=[row])
            return
        delivery = spooled.delivery
        if delivery.retry_at is not None:
            delivery = self._instances.get(spooled.namespace).attempt(delivery)
            if len(delivery.report["attempts"]) > 1:
                with self._changed:
                    self.retries[delivery.outcome] += 1
            due = self._clock.now_ms() if delivery.retry_at is None else delivery.retry_at
            # It is saved before it is reported: after a crash here it must not be sent again.
            if not self._save(delivery, due):
                return
        self._reports.add([Report(spooled, delivery, report_text(delivery.report))])

    def _save(self, delivery: Delivery, due: int) -> bool:
        """Saves a delivery after an attempt. While the spool cannot be written, nothing else is sent.

        False when the forwarder stops before it could be written.
        """
        failed = False
        try:
            while True:
                try:
                    self._spool.save(delivery, due=due)
                    return True
                except SpoolError as error:
                    with self._changed:
                        self._unwritten += 0 if failed else 1
                        failed = True
                        self._print_unwritable(error)
                        if self._stopping or self._changed.wait_for(lambda: self._stopping, _PATIENCE_S):
                            return False
        finally:
            if failed:
                with self._changed:
                    self._unwritten -= 1
                    self._changed.notify_all()

    def _print_unwritable(self, error: SpoolError) -> None:
        now = time.monotonic()
        if self._printed_at is None or now - self._printed_at >= _PRINTED_EVERY_S:
            self._printed_at = now
            log("forwarder", f"{error}; nothing is sent until it can be written", "error")

    def _retry_later(self, namespace: str, row: int, error: Exception) -> None:
        """Tries a row again: an error of one event must not end its worker."""
        log("forwarder", f"delivery {row} failed, the next try is in {wait_after(error)} s: {error!r}")
        with self._changed:
            self._at_work.discard(row)
            heappush(self._later, (self._clock.now_ms() + wait_after(error) * 1_000, row, namespace))

    def _reported(self, ended: Sequence[SpooledDelivery], *, gone: Sequence[int] = ()) -> None:
        """Called with reported deliveries: those that are due again are queued, the others are done."""
        with self._changed:
            self._held.difference_update(gone)
            self._at_work.difference_update(gone)
            for delivery in ended:
                self._at_work.discard(delivery.row)
                if delivery.due is None:
                    self._held.discard(delivery.row)
                else:
                    heappush(self._later, (delivery.due, delivery.row, delivery.namespace))
            self._changed.notify_all()

    def stop(self, *, drain_s: float = 0.0) -> None:
        """Stops within three seconds, even where a host hangs. What was not sent stays in the spool.

        With `drain_s` what is due at once is still sent, for at most so many seconds. A second time does nothing.
        """
        if drain_s and not self._stopping:
            with self._changed:
                self._changed.wait_for(self._drained, drain_s)
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._join(0.5)
        self._reports.close(0.5)
        self._abort()
        self._join(0.5)
        self._reports.close(0.25)

    def _drained(self) -> bool:
        now = self._clock.now_ms()
        due = bool(self._turns) or (bool(self._later) and self._later[0][0] <= now)
        return not due and not any(self._running.values()) and self._reports.empty

    def _join(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
