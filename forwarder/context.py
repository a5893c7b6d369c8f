"""The parts of a running forwarder that its views use."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

from flask import current_app

from optilocal.forwarder.clock import Clock
from optilocal.forwarder.queue.dispatcher import Dispatcher
from optilocal.forwarder.queue.instances import Instances
from optilocal.forwarder.settings import ServerSettings
from optilocal.forwarder.store.spool import Spool

if TYPE_CHECKING:
    from optilocal.forwarder.http.session import HttpSession

EXTENSION = "forwarder"
KEPT_REFUSALS = 200


class Refusals:
    """The latest `KEPT_REFUSALS` requests and events that the Tracking API refused, and why: Segment's own answers hide
    much of it.
    """

    def __init__(self) -> None:
        self._rows: deque[dict[str, Any]] = deque(maxlen=KEPT_REFUSALS)
        self._count = 0
        self._lock = threading.Lock()

    def add(self, namespace: str, path: str, reason: str, *, status: int, at: int) -> None:
        """Adds one request, or one event of a batch; `at` in epoch ms."""
        row = {"namespace": namespace, "path": path, "status": status, "reason": reason, "at": at}
        with self._lock:
            self._count += 1
            self._rows.append({"number": self._count, **row})

    def of(self, namespace: str) -> list[dict[str, Any]]:
        """The namespace's refusals, oldest first."""
        with self._lock:
            return [row for row in self._rows if row["namespace"] == namespace]


@dataclass(frozen=True)
class Context:
    """One forwarder's parts. `new_id` returns a new unique id; `session` returns the HTTP session, opened on first use;
    `started_at` is in epoch ms.
    """

    settings: ServerSettings
    clock: Clock
    random: Random
    new_id: Callable[[], str]
    spool: Spool
    instances: Instances
    dispatcher: Dispatcher
    session: Callable[[], HttpSession]
    started_at: int
    refusals: Refusals = field(default_factory=Refusals)


def context() -> Context:
    """The parts of the forwarder that handles the current request."""
    parts: Context = current_app.extensions[EXTENSION]
    return parts
