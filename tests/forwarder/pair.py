"""Forwarder and emulator together, over HTTP alone, in one namespace."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from segment_side import SegmentSide

from optilocal.forwarder.clock import ManualClock

SHOP = Path(__file__).parents[2] / "scenarios/suite/datafiles/shop.json"
TRACK = {"event": "Order Completed", "userId": "u-1", "properties": {"revenue": 4999}}


@dataclass(frozen=True)
class Pair:
    """The same namespace on both sides."""

    segment: SegmentSide
    optimizely: str
    clock: ManualClock

    def call(self, method: str, path: str, body: Any = None) -> Any:
        answer = requests.request(method, self.optimizely + path, json=body, timeout=20)
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    def verdict(self, message_id: str, *, outcome: str | None = None) -> dict[str, Any]:
        """The verdict on one source event, waited for."""
        path = f"/_emulator/verdicts?message_id={message_id}&count=1&wait=15"
        (found,) = self.call("GET", path + (f"&outcome={outcome}" if outcome else ""))["verdicts"]
        return dict(found)
