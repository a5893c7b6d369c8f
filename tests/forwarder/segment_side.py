"""A running forwarder as a client sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import requests

from optilocal.forwarder.server import ForwarderServer


@dataclass(frozen=True)
class SegmentSide:
    """`url` is the forwarder's base URL, with `/ns/<name>` for another namespace."""

    url: str
    server: ForwarderServer

    def namespace(self, name: str) -> SegmentSide:
        """The same forwarder in another namespace."""
        return SegmentSide(f"{self.server.base_url}/ns/{name}", self.server)

    def post(self, path: str, body: Any = None, **options: Any) -> requests.Response:
        """Posts JSON with a write key, unless `data` or `auth` say otherwise."""
        options.setdefault("auth", ("write-key", ""))
        sent = {} if "data" in options else {"json": body}
        return requests.post(self.url + path, timeout=20, **sent, **options)

    def put(self, path: str, body: Any) -> requests.Response:
        return requests.put(self.url + path, json=body, timeout=20)

    def get(self, path: str, **options: Any) -> requests.Response:
        return requests.get(self.url + path, timeout=20, **options)

    def deliveries(self, count: int = 1, *, wait: float = 15, **filters: str) -> list[dict[str, Any]]:
        """Waits until at least `count` deliveries match, then returns them all."""
        found = self.get(
            "/_forwarder/deliveries",
            params={"wait": str(wait), "count": str(count), "limit": str(max(count, 100)), **filters},
        )
        assert found.ok, found.text
        rows: list[dict[str, Any]] = found.json()["deliveries"]
        assert len(rows) >= count, f"{len(rows)} deliveries instead of {count}"
        return rows

    def ended(self, count: int = 1, **filters: str) -> list[dict[str, Any]]:
        """Waits until `count` deliveries have come to a good end and are reported."""
        return self.deliveries(count, state="done", **filters)
