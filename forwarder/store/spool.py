"""The durable spool: accepted source events, saved before they are answered, and all state that outlives the process."""

from __future__ import annotations

import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from optilocal.forwarder.pipeline.delivery import DEAD, Delivery, report_text
from optilocal.forwarder.pipeline.memory import WINDOW_MS
from optilocal.serving.log import log

KEPT = 10_000
"""The most ended deliveries, and the most dead letters, that are kept; the oldest are deleted."""

PRUNED_EVERY = 1_000
"""The number of added or ended deliveries after which the oldest are deleted."""

INSERT = """INSERT INTO deliveries (namespace, id, message_id, type, outcome, regulation, due, state, report)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"""

STATES = ("pending", "ended", "dead", "done")
"""States for a listing: "pending" (not ended), "ended", "dead" (ended without success), "done" (ended with success)."""

FILTERS = ("id", "message_id", "type", "outcome", "regulation")


@dataclass(frozen=True)
class SpooledDelivery:
    """A delivery in the spool: `row` is the spool's number of it, `due` (epoch ms) is when its next step is due, None
    after its end.
    """

    row: int
    namespace: str
    delivery: Delivery
    due: int | None
    tries: int
    """The number of failed reports in a row."""

    @property
    def state(self) -> str:
        """ "pending", "dead" (ended without being delivered) or "done"."""
        if self.due is not None:
            return "pending"
        return "dead" if self.delivery.outcome in DEAD else "done"


COLUMNS = "number, namespace, due, state, report"


class Spool(ABC):
    """The forwarder's durable store, for all threads: its statements, in the SQL that SQLite and PostgreSQL share.

    `name` is shown to users; a `temporary` spool is deleted with the process. Failures raise `SpoolError`.
    """

    name: str | None = None
    temporary = False
    _mine = ""
    """The SQL condition of this forwarder's rows."""

    def __init__(self, *, kept: int = KEPT) -> None:
        self._kept = kept
        self.lock = threading.RLock()
        """The lock of the spool and its instances."""
        self._subscribers: set[Callable[[], None]] = set()
        self._changes = 0
        self._unreadable: set[int] = set()

    @abstractmethod
    def transaction(self) -> AbstractContextManager[None]:
        """A transaction, durable when it ends; may be nested."""

    @abstractmethod
    def when_kept(self, then: Callable[[], None]) -> None:
        """Call `then` when the transaction under way has ended well; at once when there is none."""

    @abstractmethod
    def _rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """The rows of a statement."""

    @abstractmethod
    def _do(self, sql: str, *values: Any) -> int:
        """How many rows a statement has changed."""

    @abstractmethod
    def _many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """A statement for many rows of values."""

    @abstractmethod
    def _insert(self, rows: Sequence[Sequence[Any]]) -> int:
        """Insert deliveries, within a transaction; the last one's number. Their numbers follow each other."""

    @abstractmethod
    def dropped(self) -> int:
        """How many ended deliveries are no longer kept."""

    @abstractmethod
    def _count_pruned(self, count: int) -> None:
        """Add to the number of deleted deliveries."""

    @abstractmethod
    def close(self) -> None:
        """Leave the spool; a temporary one is gone then. Safe to call twice."""

    def subscribe(self, news: Callable[[], None]) -> Callable[[], None]:
        """Have `news` called, in any thread, whenever something was written; what is returned ends that."""
        with self.lock:
            self._subscribers.add(news)
        return lambda: self._subscribers.discard(news)

    def _tell(self) -> None:
        for news in tuple(self._subscribers):
            news()

    # Who sends what, where several forwarders share a spool

    @abstractmethod
    def watch(
        self,
        adopted: Callable[[Sequence[tuple[int, int, str]]], None],
        lost: Callable[[], None],
        configured: Callable[[str], None],
    ) -> None:
        """From now on call `adopted` with rows that this forwarder takes over, in the form of `schedule`; `lost` when
        another forwarder may have taken over its rows; `configured` with a namespace that another forwarder has
        configured.
        """

    @property
    def holds(self) -> bool:
        """Whether this forwarder's rows are still its own."""
        return True

    @abstractmethod
    def own(self, row: int) -> None:
        """Make this forwarder the owner of a row."""

    # Deliveries

    def add(
        self, namespace: str, deliveries: Sequence[Delivery], *, due: int, regulation: str | None = None
    ) -> list[int]:
        """Adds deliveries that are due at `due` (epoch ms); their row numbers."""
        if not deliveries:
            return []
        rows = []
        for delivery in deliveries:
            report = delivery.report
            what = (
                namespace,
                delivery.id,
                report["message_id"],
                report["type"],
                report["outcome"],
                regulation,
            )
            rows.append([*what, due, _state(delivery, 0), report_text(report)])
        with self.transaction():
            last = self._insert(rows)
            self._changes += len(rows)
            self._prune_in_time()
        return list(range(last - len(rows) + 1, last + 1))

    def save(self, delivery: Delivery, *, due: int | None, tries: int = 0) -> None:
        """Saves a delivery, and when it is due again (epoch ms), None at its end."""
        what = (delivery.outcome, due, _state(delivery, tries), report_text(delivery.report), delivery.id)
        self._do("UPDATE deliveries SET outcome = ?, due = ?, state = ?, report = ? WHERE id = ?", *what)

    def save_states(self, changed: Sequence[SpooledDelivery]) -> None:
        """Saves the states of deliveries whose reports have not changed."""
        rows = [
            (
                spooled.due,
                _state(spooled.delivery, spooled.tries),
                spooled.row,
            )
            for spooled in changed
        ]
        with self.transaction():
            self._many("UPDATE deliveries SET due = ?, state = ? WHERE number = ?", rows)
            self._changes += len(rows)
            self._prune_in_time()

    def schedule(self) -> list[tuple[int, int, str]]:
        """When each delivery that this forwarder is to send is due (epoch ms), its row and its namespace; the longest due
        first.
        """
        sql = f"SELECT due, number, namespace FROM deliveries WHERE due IS NOT NULL{self._mine} ORDER BY due, number"
        return [(int(due), int(row), str(name)) for due, row, name in self._rows(sql)]

    def at(self, row: int) -> SpooledDelivery | None:
        """The delivery in a row; None if there is none or another forwarder owns it."""
        return next(iter(self._select(f"WHERE number = ?{self._mine}", row)), None)

    def waiting(self) -> int:
        """How many deliveries are due now or later."""
        return int(self._rows("SELECT count(*) FROM deliveries WHERE due IS NOT NULL")[0][0])

    def outcome_counts(self) -> dict[str, int]:
        """How many deliveries are kept, by outcome."""
        sql = "SELECT outcome, count(*) FROM deliveries GROUP BY outcome ORDER BY outcome"
        return {str(outcome): int(count) for outcome, count in self._rows(sql)}

    def get(self, namespace: str, delivery_id: str) -> SpooledDelivery | None:
        """One delivery by its id."""
        return next(iter(self._select("WHERE namespace = ? AND id = ?", namespace, delivery_id)), None)

    def listing(
        self,
        namespace: str | None,
        *,
        after: int = 0,
        limit: int = 100,
        filters: Mapping[str, str] | None = None,
        newest: bool = False,
        most_bytes: int | None = None,
    ) -> list[SpooledDelivery]:
        """Deliveries with a row after `after`, oldest first, or `newest` first; of every namespace when None.

        There are fewer than `limit` where the reports of those before came to `most_bytes`. Damaged ones are left out.

        `filters` are among `FILTERS`, and "state", one of `STATES`; anything else is a KeyError.
        """
        where, values = _where(namespace, after, filters or {})
        order = "DESC" if newest else "ASC"
        rest = f"{where} ORDER BY number {order} LIMIT ?"
        if most_bytes is not None:
            sizes = self._rows(f"SELECT length(report) FROM deliveries {rest}", *values, limit)
            full = (n for n, size in enumerate(accumulate(row[0] for row in sizes), 1) if size >= most_bytes)
            limit = next(full, limit)
        return self._select(rest, *values, limit)

    def count(self, namespace: str | None, *, after: int, most: int, filters: Mapping[str, str]) -> int:
        """How many deliveries a listing has, counted no further than `most`."""
        where, values = _where(namespace, after, filters)
        sql = f"SELECT count(*) FROM (SELECT 1 FROM deliveries {where} LIMIT ?) AS matching"
        return int(self._rows(sql, *values, most)[0][0])

    def _select(self, rest: str, *values: Any) -> list[SpooledDelivery]:
        rows = self._rows(f"SELECT {COLUMNS} FROM deliveries {rest}", *values)
        deliveries = []
        for row, namespace, due, state_text, report in rows:
            delivery = _read(state_text, report)
            if delivery is None:
                self._tell_unreadable(row)
            else:
                deliveries.append(SpooledDelivery(row, namespace, delivery[0], due, delivery[1]))
        return deliveries

    def _tell_unreadable(self, row: int) -> None:
        """A damaged delivery is left out of everything, and stays where it is."""
        if row not in self._unreadable:
            self._unreadable.add(row)
            message = f"delivery {row} in the spool {self.name} is damaged and left out: it cannot be read"
            log("forwarder", message, "error")

    def _prune_in_time(self) -> None:
        if self._changes >= PRUNED_EVERY:
            self._changes = 0
            self._prune()

    def _prune(self) -> None:
        dead = ", ".join(f"'{outcome}'" for outcome in sorted(DEAD))
        for kind in ("IN", "NOT IN"):
            ended = f"due IS NULL AND outcome {kind} ({dead})"
            sql = f"""DELETE FROM deliveries WHERE {ended} AND number <= coalesce(
                      (SELECT number FROM deliveries WHERE {ended} ORDER BY number DESC LIMIT 1 OFFSET ?), 0)"""
            self._count_pruned(self._do(sql, self._kept))
        newest = self._rows("SELECT coalesce(max(at), 0) FROM message_ids")[0][0]
        self._do("DELETE FROM message_ids WHERE at <= ?", newest - WINDOW_MS)

    # What the platform remembers, a namespace at a time

    def claim(self, namespace: str, message_id: str, delivery_id: str, at: int) -> str:
        """The delivery that owns a message id, see `Memory.claim`."""
        # One statement suffices for an unclaimed id, which nearly every id is.
        sql = """INSERT INTO message_ids (namespace, message_id, delivery, at) VALUES (?, ?, ?, ?)
                 ON CONFLICT (namespace, message_id) DO UPDATE SET delivery = excluded.delivery, at = excluded.at
                 WHERE excluded.at - message_ids.at >= ?"""
        with self.transaction():
            if self._do(sql, namespace, message_id, delivery_id, at, WINDOW_MS):
                return delivery_id
            sql = "SELECT delivery FROM message_ids WHERE namespace = ? AND message_id = ?"
            return str(self._rows(sql, namespace, message_id)[0][0])

    def suppress(self, namespace: str, kind: str, subject: str, at: int) -> None:
        """Puts a subject on the namespace's suppression list."""
        sql = (
            "INSERT INTO suppressed (namespace, kind, subject, at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
        )
        self._do(sql, namespace, kind, subject, at)

    def unsuppress(self, namespace: str, kind: str, subject: str) -> None:
        """Removes a subject from the list."""
        sql = "DELETE FROM suppressed WHERE namespace = ? AND kind = ? AND subject = ?"
        self._do(sql, namespace, kind, subject)

    def is_suppressed(self, namespace: str, kind: str, subject: str) -> bool:
        """Whether a subject is on the list."""
        sql = "SELECT 1 FROM suppressed WHERE namespace = ? AND kind = ? AND subject = ?"
        return bool(self._rows(sql, namespace, kind, subject))

    def suppressed(self, namespace: str, kind: str) -> list[tuple[str, int]]:
        """Every suppressed subject of a kind with the time (epoch ms) of its suppression, oldest first."""
        sql = "SELECT subject, at FROM suppressed WHERE namespace = ? AND kind = ? ORDER BY number"
        return [(str(subject), int(at)) for subject, at in self._rows(sql, namespace, kind)]

    def add_regulation(self, namespace: str, regulation_id: str, record: Mapping[str, Any]) -> None:
        """Saves a regulation as requested."""
        sql = "INSERT INTO regulations (namespace, id, record) VALUES (?, ?, ?)"
        self._do(sql, namespace, regulation_id, _dumps(record))

    def regulations(self, namespace: str) -> list[dict[str, Any]]:
        """The namespace's regulations, oldest first."""
        sql = "SELECT record FROM regulations WHERE namespace = ? ORDER BY number"
        return [json.loads(record) for (record,) in self._rows(sql, namespace)]

    def configure(self, namespace: str, record: Mapping[str, Any]) -> None:
        """Keeps how the namespace's destination is configured, so that what waits is sent as meant after a
        restart.
        """
        sql = """INSERT INTO configurations (namespace, record) VALUES (?, ?)
                 ON CONFLICT (namespace) DO UPDATE SET record = excluded.record"""
        self._do(sql, namespace, _dumps(record))

    def configuration(self, namespace: str) -> dict[str, Any] | None:
        """How the namespace's destination was configured last, or None."""
        sql = "SELECT record FROM configurations WHERE namespace = ?"
        return next((json.loads(record) for (record,) in self._rows(sql, namespace)), None)


_DEAD_LIST = ", ".join(f"'{outcome}'" for outcome in sorted(DEAD))
_STATES = {
    "pending": "due IS NOT NULL",
    "ended": "due IS NULL",
    "dead": f"due IS NULL AND outcome IN ({_DEAD_LIST})",
    "done": f"due IS NULL AND outcome NOT IN ({_DEAD_LIST})",
}


def _where(namespace: str | None, after: int, filters: Mapping[str, str]) -> tuple[str, list[int | str]]:
    where, values = ["number > ?"], list[int | str]([after])
    if namespace is not None:
        where.append("namespace = ?")
        values.append(namespace)
    for name, value in filters.items():
        if name == "state":
            where.append(_STATES[value])
        elif name in FILTERS:
            where.append(f"{name} = ?")
            values.append(value)
        else:
            raise KeyError(name)
    return f"WHERE {' AND '.join(where)}", values


def _read(state_text: str, report_text: str) -> tuple[Delivery, int] | None:
    """A delivery as it was stored, and its tries; None when it is damaged."""
    try:
        state, report = json.loads(state_text), json.loads(report_text)
        tries = state.pop("tries")
        return Delivery(report, **state), tries
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _state(delivery: Delivery, tries: int) -> str:
    return _dumps(
        {
            "number": delivery.number,
            "retry_at": delivery.retry_at,
            "reported": delivery.reported,
            "since": delivery.since,
            "attempts_before": delivery.attempts_before,
            "tries": tries,
        }
    )


_dumps = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode
