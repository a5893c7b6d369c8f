"""The forwarder as Segment's own libraries find it, and what has become of what they sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import requests


@dataclass(frozen=True)
class SegmentSource:
    """`url` is the host that a library is given, of one namespace."""

    url: str

    def ended(self, count: int, **filters: str) -> list[dict[str, Any]]:
        """Waits until so many deliveries have come to an end and are reported, then returns them all."""
        params: dict[str, str | int] = {"state": "done", "wait": 15, "count": count, **filters}
        answer = requests.get(f"{self.url}/_forwarder/deliveries", params=params, timeout=30)
        rows: list[dict[str, Any]] = answer.json()["deliveries"]
        assert len(rows) >= count, f"{len(rows)} deliveries instead of {count}"
        return rows
