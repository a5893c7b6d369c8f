"""What the Tracking API did not take, and why: Segment's own answers hide much of it."""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

KEPT = 200


class Refusals:
    """The latest refusals of this process, at most `KEPT` of them."""

    def __init__(self) -> None:
        self._rows: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self._count = 0
        self._lock = threading.Lock()

    def add(self, namespace: str, path: str, reason: str, *, status: int, at: int) -> None:
        """Notes one request, or one event of a batch, that went no further; `at` in epoch ms."""
        with self._lock:
            self._count += 1
            row = {
                "number": self._count,
                "namespace": namespace,
                "path": path,
                "status": status,
                "reason": reason,
            }
            self._rows.append({**row, "at": at})

    def of(self, namespace: str) -> list[dict[str, Any]]:
        """The namespace's refusals, oldest first."""
        with self._lock:
            return [row for row in self._rows if row["namespace"] == namespace]
