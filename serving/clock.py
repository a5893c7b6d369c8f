"""Time and ids. Only this module, `emulator/clock.py` and `forwarder/clock.py` read the machine's clock."""

import time
import uuid
from typing import Protocol


class Clock(Protocol):
    """A source of the time."""

    def now_ms(self) -> int:
        """Epoch milliseconds, UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        """Epoch milliseconds, UTC."""
        return time.time_ns() // 1_000_000


def monotonic() -> float:
    """Seconds that never go back, for deadlines."""
    return time.monotonic()


def random_id() -> str:
    """A new id of 32 hexadecimal digits."""
    return uuid.uuid4().hex
