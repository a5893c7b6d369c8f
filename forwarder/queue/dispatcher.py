"""Accepts events into the spool and sends what is due, with a bounded number of workers."""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from optilocal.forwarder.clock import Clock
from optilocal.forwarder.pipeline.delivery import Delivery, report_text
from optilocal.forwarder.pipeline.instances import Instances
from optilocal.forwarder.queue.reports import REPORT_TRIES, ReportQueue, Untold
from optilocal.forwarder.store.spool import Spool, SpooledDelivery

MAX_WAITING = 200_000
"""How many deliveries may wait; beyond that clients are asked to come back later."""

MAX_READY = 500
"""How many of them are held in memory, ready for a worker; the others are read from the spool in their turn."""

LOADED = 100
LONGEST_NAP_S = 0.5


class Overloaded(Exception):
    """More events wait than the forwarder takes: come back later."""


class Dispatcher:
    """The workers between the spool and the destination instances.

    What is accepted is handed to them without being read again, as long as they keep up. A delivery is
    `busy` from then on until the emulator has heard of it; only what is not busy is read from the spool.
    """

    def __init__(self, spool: Spool, instances: Instances, clock: Clock, *, workers: int = 4) -> None:
        self._spool = spool
        self._instances = instances
        self._clock = clock
        self._reports = ReportQueue(
            spool, instances, clock, done=self._reported, more=lambda: bool(self._ready)
        )
        # Never held while the spool is waited for; who holds the spool may wait for it.
        self._changed = threading.Condition()
        self._ready: deque[SpooledDelivery] = deque()
        self._busy: set[int] = set()
        self._behind = True
        self._later: int | None = None
        self._watched = False
        self._draining = False
        self._stopping = False
        self._finished: list[tuple[SpooledDelivery, Delivery, str, int | None]] = []
        self._saving = False
        self._waiting_estimate = spool.waiting()
        self._threads = [
            threading.Thread(target=self._work, name=f"forwarder-worker-{number}", daemon=True)
            for number in range(1, workers + 1)
        ]

    def start(self) -> None:
        """Begins to send; what an earlier process left in the spool goes first."""
        self._reports.start()
        for thread in self._threads:
            thread.start()

    def accept(
        self,
        namespace: str,
        events: Sequence[tuple[Mapping[str, Any], Sequence[dict[str, str]]]],
        *,
        regulation: str | None = None,
    ) -> list[str]:
        """Takes source events in, each with its warnings, and returns their delivery ids.

        When it returns all of them are on disk; when it raises none is. Raises `Overloaded`.
        """
        forwarder = self._instances.get(namespace)
        with self._spool.lock:
            if self._waiting_estimate + len(events) > MAX_WAITING:
                self._waiting_estimate = self._spool.waiting()
                if self._waiting_estimate + len(events) > MAX_WAITING:
                    raise Overloaded
            now = self._clock.now_ms()
            with self._spool.transaction():
                opened = [forwarder.open(event, received_at=now, warnings=notes) for event, notes in events]
                found = self._spool.add(namespace, opened, due=now, regulation=regulation)
            # Before the spool is let go: whoever reads it next must know what has been handed out.
            self._hand_out(found, now)
        return [delivery.id for delivery in opened]

    def _hand_out(self, found: Sequence[SpooledDelivery], now: int) -> None:
        with self._changed:
            self._waiting_estimate += len(found)
            # A retry whose time has come must not wait until no new event comes any more.
            if self._later is not None and self._later <= now:
                self._behind = True
            # What is part of a greater transaction is not on disk yet.
            if self._behind or self._spool.in_transaction or len(self._ready) + len(found) > MAX_READY:
                self._behind = True
                self._changed.notify_all()
            else:
                self._ready.extend(found)
                self._busy.update(one.row for one in found)
                self._changed.notify(len(found))

    def replay(self, namespace: str, found: SpooledDelivery) -> None:
        """Makes a dead letter due again, at once."""
        again = self._instances.get(namespace).replay(found.delivery)
        self._spool.save(again, due=self._clock.now_ms())
        with self._changed:
            self._behind = True
            self._changed.notify_all()

    def _work(self) -> None:
        while True:
            found = self._take()
            if found is None:
                return
            try:
                self._advance(found)
            except Exception as error:
                # Whatever is wrong with one event, or with the disk, must not end the worker.
                self._put_off(found, error)

    def _take(self) -> SpooledDelivery | None:
        while True:
            with self._changed:
                self._changed.wait_for(self._something_to_do)
                if self._stopping:
                    return None
                if self._ready:
                    return self._ready.popleft()
                # One worker at a time looks into the spool, or waits for the next delivery to be due.
                self._watched = True
            nap = LONGEST_NAP_S
            try:
                nap = self._load()
            except Exception as error:
                print(f"forwarder: the spool {self._spool.path} cannot be read: {error}", file=sys.stderr)
            with self._changed:
                if nap and not self._ready and not self._behind and not self._stopping:
                    self._changed.wait(nap)
                self._watched = False
                self._changed.notify()

    def _something_to_do(self) -> bool:
        if self._stopping:
            return True
        return not self._reports.full and (bool(self._ready) or not self._watched)

    def _load(self) -> float:
        """Reads what is due and not busy; for how many seconds there is nothing to do when that is nothing."""
        with self._spool.lock:
            now = self._clock.now_ms()
            with self._changed:
                busy = set(self._busy)
                self._behind = False
            found = self._spool.due(now, busy=busy, limit=LOADED)
            due = self._spool.next_due(busy=busy | {one.row for one in found})
            with self._changed:
                self._ready.extend(found)
                self._busy.update(one.row for one in found)
                self._behind = self._behind or len(found) == LOADED
                self._later = due
                self._changed.notify(len(found))
        if found:
            return 0.0
        return LONGEST_NAP_S if due is None else min(LONGEST_NAP_S, max(0.001, (due - now) / 1000))

    def _advance(self, found: SpooledDelivery) -> None:
        delivery = found.delivery
        if delivery.retry_at is None:
            self._reports.add([Untold(found, delivery, report_text(delivery.report))])
            return
        delivery = self._instances.get(found.namespace).attempt(delivery)
        due = self._clock.now_ms() if delivery.retry_at is None else delivery.retry_at
        with self._changed:
            self._finished.append((found, delivery, report_text(delivery.report), due))
            # Whoever is writing takes it along.
            if self._saving:
                return
            self._saving = True
        self._save_finished()

    def _save_finished(self) -> None:
        while True:
            with self._changed:
                group, self._finished = self._finished, []
                if not group:
                    self._saving = False
                    return
            try:
                # Written down before anybody is told: a process that dies here must not send it once more.
                self._spool.save_all([(delivery, text, due) for _, delivery, text, due in group])
            except Exception as error:
                for found, *_ in group:
                    self._put_off(found, error)
            else:
                self._reports.add([Untold(found, delivery, text) for found, delivery, text, _ in group])

    def _put_off(self, found: SpooledDelivery, error: Exception) -> None:
        print(f"forwarder: delivery {found.delivery.id} could not be dealt with: {error!r}", file=sys.stderr)
        tries = found.tries + 1
        due = self._clock.now_ms() + 60_000 if tries < REPORT_TRIES else None
        try:
            self._spool.save(found.delivery, due=due, tries=tries)
        except Exception as failure:
            print(f"forwarder: the spool {self._spool.path} cannot be written: {failure}", file=sys.stderr)
            with self._changed:
                self._changed.wait(LONGEST_NAP_S)
        with self._changed:
            self._release(found.row, due)

    def _reported(self, through: Sequence[SpooledDelivery]) -> None:
        with self._changed:
            for one in through:
                self._release(one.row, one.due)
            # Workers that stood still because too many reports waited; and whoever waits for the last one.
            if self._ready or self._behind or self._draining:
                self._changed.notify_all()

    def _release(self, row: int, due: int | None) -> None:
        self._busy.discard(row)
        if due is None:
            self._waiting_estimate -= 1
        elif self._later is None or due < self._later:
            # Whoever waits for the next one to be due waits for too long now.
            self._later = due
            self._behind = True
            self._changed.notify_all()

    def stop(self, *, drain_s: float = 0.0) -> None:
        """Lets every attempt under way come to its end and takes up no other.

        With `drain_s` what is due at once is still sent, for at most so many seconds. A second time does
        nothing.
        """
        if drain_s and not self._stopping and self._threads[0].is_alive():
            self._draining = True
            self._drain(time.monotonic() + drain_s)
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()
        self._reports.close()

    def _drain(self, until: float) -> None:
        while (left := until - time.monotonic()) > 0:
            with self._changed:
                self._changed.wait_for(lambda: not self._busy, min(left, LONGEST_NAP_S))
                idle = not self._busy
            due = self._spool.next_due() if idle else 0
            if due is None or due > self._clock.now_ms():
                return
            with self._changed:
                # It is due and nobody has it yet: they are about to look.
                self._changed.wait(0.01)
