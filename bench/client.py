"""A plain HTTP client for questions between the loads: one connection, kept open, every failure told."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

# Servers hang up on a client that has been silent for longer: Node.js after 5 s.
_SILENT_S = 2.0


class Client:
    """One connection to one server, opened anew after a silence.

    Raises OSError or HTTPException where it fails, ValueError for an answer above 299.
    """

    def __init__(self, url: str, timeout: float = 330.0, token: str = "") -> None:
        self._own = {"Authorization": f"Bearer {token}"} if token else {}
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(
            parts.hostname or "127.0.0.1", parts.port, timeout=timeout
        )
        self._used = 0.0

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        """The body of the answer."""
        if time.perf_counter() - self._used > _SILENT_S:
            self._connection.close()
        kind = {"Content-Type": "application/json"} if body is not None else {}
        self._connection.request(method, path, body, {**self._own, **kind, **(headers or {})})
        answer = self._connection.getresponse()
        found = answer.read()
        self._used = time.perf_counter()
        if answer.status > 299:
            raise ValueError(f"{method} {path:.100} was answered {answer.status}: {found[:200]!r}")
        return found

    def json(self, method: str, path: str, body: Any = None) -> Any:
        """The answer as JSON, None when it is empty; `body` is sent as JSON."""
        sent = None if body is None else json.dumps(body, separators=(",", ":")).encode()
        found = self.ask(method, path, sent)
        return json.loads(found) if found else None

    def timed(self, method: str, path: str, body: Any = None) -> tuple[float, Any]:
        """Milliseconds until the answer was read and parsed, and the answer."""
        began = time.perf_counter()
        found = self.json(method, path, body)
        return (time.perf_counter() - began) * 1000, found

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def answers(method: str, url: str) -> bool:
    """Whether a server answers this with 2xx; an empty JSON object is what a POST carries."""
    parts = urlsplit(url)
    path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    try:
        with Client(url, timeout=10.0) as client:
            client.ask(method, path, b"{}" if method == "POST" else None)
    except (OSError, http.client.HTTPException, ValueError):
        return False
    return True
