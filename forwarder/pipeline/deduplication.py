"""De-duplication by message id: a source event whose id another event had within the window is a duplicate."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Protocol

WINDOW_MS = 24 * 3600 * 1000
"""Segment promises at least 24 hours (https://segment.com/docs/connections/destinations/); here it is exactly 24 hours.
"""


class Deduplication(Protocol):
    """Which delivery had a message id first."""

    def claim(self, message_id: str, delivery_id: str, at: int) -> str:
        """The delivery that owns `message_id` at `at` (epoch ms): `delivery_id` itself unless another delivery claimed
        the id within the window. A repeated claim changes nothing, so an event keeps its claim after a restart.
        """


class MemoryDeduplication:
    """The message ids of this process, the latest `capacity` of them."""

    def __init__(self, *, window_ms: int = WINDOW_MS, capacity: int = 200_000) -> None:
        self._window_ms = window_ms
        self._capacity = capacity
        self._claims: OrderedDict[str, tuple[str, int]] = OrderedDict()
        self._lock = threading.Lock()

    def claim(self, message_id: str, delivery_id: str, at: int) -> str:
        """The owner of `message_id`, see `Deduplication.claim`."""
        with self._lock:
            owner = self._claims.get(message_id)
            if owner is not None and at - owner[1] < self._window_ms:
                return owner[0]
            self._claims[message_id] = (delivery_id, at)
            self._claims.move_to_end(message_id)
            while len(self._claims) > self._capacity:
                self._claims.popitem(last=False)
            return delivery_id
