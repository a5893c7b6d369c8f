"""The forwarder's clocks: the system's, and one that tests and scenarios set."""

from __future__ import annotations

import threading
from typing import Protocol

from optilocal.serving import clock
from optilocal.serving.clock import SystemClock

__all__ = ["Clock", "ManualClock", "SystemClock"]


class Clock(clock.Clock, Protocol):
    """A source of the time (epoch milliseconds, UTC) that can also wait."""

    def sleep(self, seconds: float) -> None:
        """Waits for `seconds`."""


class ManualClock:
    """A clock that stands still until it is set, or until a sleep moves it forward, which takes no real time.

    `slept` has every sleep in seconds, in order, so that a test can check a back-off without waiting for it.
    """

    def __init__(self, now_ms: int) -> None:
        self._now_ms = now_ms
        self._lock = threading.Lock()
        self.slept: list[float] = []

    def now_ms(self) -> int:
        """The clock's time in epoch milliseconds."""
        with self._lock:
            return self._now_ms

    def set(self, now_ms: int) -> None:
        """Sets the time, forward or back."""
        with self._lock:
            self._now_ms = now_ms

    def advance(self, seconds: float) -> None:
        """Moves the time forward by `seconds`."""
        with self._lock:
            self._now_ms += round(seconds * 1000)

    def sleep(self, seconds: float) -> None:
        """Records the sleep and moves the time forward by it, at once."""
        self.slept.append(seconds)
        self.advance(max(0.0, seconds))
