"""Time as the forwarder knows it."""

from __future__ import annotations

import threading
from typing import Protocol

from optilocal.serving import clock
from optilocal.serving.clock import SystemClock

__all__ = ["Clock", "ManualClock", "SystemClock"]


class Clock(clock.Clock, Protocol):
    """Whatever tells the time (epoch milliseconds, UTC) and lets some of it go by."""

    def sleep(self, seconds: float) -> None:
        """Let `seconds` go by."""


class ManualClock:
    """A clock that only its owner moves: a sleeper moves it on by as much as it asked for, in no real time.

    `slept` holds every sleep in seconds, in order, so that a back-off can be looked at instead of waited for.
    """

    def __init__(self, now_ms: int) -> None:
        self._now_ms = now_ms
        self._lock = threading.Lock()
        self.slept: list[float] = []

    def now_ms(self) -> int:
        """The time that was set last, in epoch milliseconds."""
        with self._lock:
            return self._now_ms

    def set(self, now_ms: int) -> None:
        """Make it `now_ms`; going back is allowed."""
        with self._lock:
            self._now_ms = now_ms

    def advance(self, seconds: float) -> None:
        """Move on by `seconds`."""
        with self._lock:
            self._now_ms += round(seconds * 1000)

    def sleep(self, seconds: float) -> None:
        """Note the sleep and move on by it at once."""
        self.slept.append(seconds)
        self.advance(max(0.0, seconds))
