"""The forwarder's clocks: the system's, and one that tests and scenarios set."""

import threading

from optilocal.serving.clock import Clock, SystemClock

__all__ = ["Clock", "ManualClock", "SystemClock"]


class ManualClock:
    """A clock that stands still until it is set."""

    def __init__(self, now_ms: int) -> None:
        self._now_ms = now_ms
        self._lock = threading.Lock()

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
