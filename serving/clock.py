"""Time and ids: with the clocks of the two servers, the only modules that ask the machine for either."""

import time
import uuid
from typing import Protocol


class Clock(Protocol):
    """Where the time comes from."""

    def now_ms(self) -> int:
        """Epoch milliseconds, UTC."""
        ...


class SystemClock:
    """The machine's own time."""

    def now_ms(self) -> int:
        """Epoch milliseconds, UTC."""
        return time.time_ns() // 1_000_000

    def sleep(self, seconds: float) -> None:
        """Block the calling thread for so long."""
        time.sleep(max(0.0, seconds))


def monotonic() -> float:
    """Seconds that only go forward, for deadlines; never shown."""
    return time.monotonic()


def random_id() -> str:
    """A new id of 32 hexadecimal digits."""
    return uuid.uuid4().hex
