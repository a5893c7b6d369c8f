"""Accepts events into the spool and sends what is due, with a bounded number of workers."""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from forwarder.clock import Clock
from forwarder.instances import Instances
from forwarder.spool import Spool, SpooledDelivery

MAX_WAITING = 200_000
"""How many deliveries may wait; beyond that clients are asked to come back later."""

REPORT_TRIES = 20
LONGEST_NAP_S = 0.5


class Overloaded(Exception):
    """More events wait than the forwarder takes: come back later."""


class Dispatcher:
    """The workers between the spool and the destination instances."""

    def __init__(self, spool: Spool, instances: Instances, clock: Clock, *, workers: int = 4) -> None:
        self._spool = spool
        self._instances = instances
        self._clock = clock
        self._busy: set[int] = set()
        self._stopping = False
        self._waiting_estimate = spool.waiting()
        self._threads = [
            threading.Thread(target=self._work, name=f"forwarder-worker-{number}", daemon=True)
            for number in range(1, workers + 1)
        ]

    def start(self) -> None:
        """Begins to send; what an earlier process left in the spool goes first."""
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
        with self._spool.changed:
            if self._waiting_estimate + len(events) > MAX_WAITING:
                self._waiting_estimate = self._spool.waiting()
                if self._waiting_estimate + len(events) > MAX_WAITING:
                    raise Overloaded
        forwarder = self._instances.get(namespace)
        now = self._clock.now_ms()
        accepted = []
        with self._spool.transaction():
            for event, warnings in events:
                delivery = forwarder.open(event, received_at=now, warnings=warnings)
                self._spool.add(namespace, delivery, due=now, regulation=regulation)
                accepted.append(delivery.id)
        self._waiting_estimate += len(events)
        return accepted

    def replay(self, namespace: str, found: SpooledDelivery) -> None:
        """Makes a dead letter due again, at once."""
        again = self._instances.get(namespace).replay(found.delivery)
        self._spool.save(again, due=self._clock.now_ms())

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
            finally:
                with self._spool.changed:
                    self._busy.discard(found.row)
                    self._spool.changed.notify_all()

    def _take(self) -> SpooledDelivery | None:
        with self._spool.changed:
            while not self._stopping:
                busy = tuple(self._busy)
                now = self._clock.now_ms()
                found = self._spool.due(now, busy=busy)
                if found is not None:
                    self._busy.add(found.row)
                    return found
                due = self._spool.next_due(busy=busy)
                nap = LONGEST_NAP_S if due is None else min(LONGEST_NAP_S, max(0.001, (due - now) / 1000))
                self._spool.changed.wait(nap)
        return None

    def _advance(self, found: SpooledDelivery) -> None:
        forwarder = self._instances.get(found.namespace)
        delivery = found.delivery
        if delivery.retry_at is not None:
            delivery = forwarder.attempt(delivery)
            # Written down before anybody is told: a process that dies here must not send it once more.
            self._spool.save(
                delivery, due=self._clock.now_ms() if delivery.retry_at is None else delivery.retry_at
            )
        told = forwarder.report(delivery)
        if told.reported or told.retry_at is not None or found.tries >= REPORT_TRIES:
            self._spool.save(told, due=told.retry_at)
            return
        wait_ms = min(60_000, 500 * 2**found.tries)
        self._spool.save(told, due=self._clock.now_ms() + wait_ms, tries=found.tries + 1)

    def _put_off(self, found: SpooledDelivery, error: Exception) -> None:
        print(f"forwarder: delivery {found.delivery.id} could not be dealt with: {error!r}", file=sys.stderr)
        tries = found.tries + 1
        due = self._clock.now_ms() + 60_000 if tries < REPORT_TRIES else None
        try:
            self._spool.save(found.delivery, due=due, tries=tries)
        except Exception as failure:
            print(f"forwarder: the spool {self._spool.path} cannot be written: {failure}", file=sys.stderr)
            with self._spool.changed:
                self._spool.changed.wait(LONGEST_NAP_S)

    def stop(self, *, drain_s: float = 0.0) -> None:
        """Lets every attempt under way come to its end and takes up no other.

        With `drain_s` what is due at once is still sent, for at most so many seconds. A second time does
        nothing.
        """
        with self._spool.changed:
            if drain_s and not self._stopping and self._threads[0].is_alive():
                self._spool.changed.wait_for(self._idle, drain_s)
            self._stopping = True
            self._spool.changed.notify_all()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()

    def _idle(self) -> bool:
        due = self._spool.next_due(busy=tuple(self._busy))
        return not self._busy and (due is None or due > self._clock.now_ms())
