"""A spool in a PostgreSQL database that any number of forwarders share; one of them sends each event."""

from __future__ import annotations

import hashlib
import secrets
import selectors
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from optilocal.forwarder.store.file import SpoolError
from optilocal.forwarder.store.spool import INSERT, KEPT, Spool
from optilocal.serving.clock import monotonic
from optilocal.serving.postgresql import Database, Made

LEASE_S = 5.0
"""Seconds without a heartbeat after which other forwarders take over a forwarder's deliveries."""
BEAT_S = 1.0
"""Seconds between two heartbeats, a fifth of the lease, since some may be late on a busy machine."""
TAKEN_AT_ONCE = 1_000

_LEFT = "UPDATE deliveries SET owner = NULL WHERE due IS NOT NULL AND owner = %s"

_ADD = 2
_LONGEST_KEY = 200
_SCHEMA = """
CREATE TABLE deliveries (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, namespace TEXT NOT NULL, id TEXT NOT NULL, message_id TEXT,
    type TEXT NOT NULL, outcome TEXT NOT NULL, regulation TEXT, due BIGINT, state TEXT NOT NULL, report TEXT NOT NULL,
    owner TEXT
);
-- A hash has no bound to what is looked up, as an index that sorts has.
CREATE INDEX deliveries_id ON deliveries USING hash (id);
CREATE INDEX deliveries_by_message ON deliveries USING hash (message_id);
CREATE INDEX deliveries_due ON deliveries (due, number) WHERE due IS NOT NULL;
CREATE INDEX deliveries_owned ON deliveries (owner) WHERE due IS NOT NULL;
CREATE INDEX deliveries_listed ON deliveries (namespace, number);
CREATE INDEX deliveries_by_regulation ON deliveries USING hash (regulation);
CREATE TABLE forwarders (name TEXT PRIMARY KEY, until TIMESTAMPTZ NOT NULL);
CREATE TABLE pruned (total BIGINT NOT NULL);
CREATE TABLE message_ids (
    namespace TEXT NOT NULL, message_id TEXT NOT NULL, delivery TEXT NOT NULL, at BIGINT NOT NULL,
    PRIMARY KEY (namespace, message_id)
);
CREATE INDEX message_ids_at ON message_ids (at);
CREATE TABLE suppressed (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, namespace TEXT NOT NULL, kind TEXT NOT NULL,
    subject TEXT NOT NULL, at BIGINT NOT NULL, digest TEXT GENERATED ALWAYS AS (md5(subject)) STORED,
    UNIQUE (namespace, kind, digest)
);
CREATE INDEX suppressed_subject ON suppressed USING hash (subject);
CREATE TABLE regulations (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, namespace TEXT NOT NULL, id TEXT NOT NULL UNIQUE,
    record TEXT NOT NULL
);
CREATE INDEX regulations_listed ON regulations (namespace, number);
CREATE TABLE configurations (namespace TEXT PRIMARY KEY, record TEXT NOT NULL);
"""


class PostgresqlSpool(Spool):
    """The forwarders of one schema, at `url`, `postgresql://USER@HOST/DATABASE?schema=SCHEMA`.

    Each delivery that waits has an owner, the forwarder that sends it, and each forwarder a lease, which it renews. One
    whose lease has run out is struck off, and its deliveries are the next one's who asks. Raises `SpoolError`.
    """

    def __init__(self, url: str, *, kept: int = KEPT) -> None:
        super().__init__(kept=kept)
        self._database = Database(
            url,
            Made("optilocal's forwarder", _SCHEMA),
            what="spool",
            schema="optilocal_spool",
            failed=SpoolError,
            away=SpoolError,
        )
        self.name = self._database.shown
        self._owner = secrets.token_hex(8)
        self._mine = f" AND owner = '{self._owner}'"
        self._insertion = (
            INSERT.replace("report)", "report, owner)")
            .replace("?)", f"?, '{self._owner}')")
            .replace("?", "%s")
        )
        self._own = threading.local()
        self._held_until = 0.0
        self._keeper: _Keeper | None = None

    # -- statements

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """A transaction, durable when it ends; may be nested."""
        if getattr(self._own, "db", None) is not None:
            yield
            return
        with self._database.transaction() as db:
            self._own.db, self._own.then = db, []
            try:
                yield
            finally:
                self._own.db = None
        self._tell()
        for then in self._own.then:
            then()

    def when_kept(self, then: Callable[[], None]) -> None:
        if getattr(self._own, "db", None) is None:
            then()
        else:
            self._own.then.append(then)

    @contextmanager
    def _connection(self) -> Iterator[Any]:
        mine = getattr(self._own, "db", None)
        if mine is None:
            with self._database.connection() as db:
                yield db
        else:
            with self._database.named_errors():
                yield mine

    def _rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with self._connection() as db:
            return list(db.execute(_marked(sql), _bound(values)).fetchall())

    def _do(self, sql: str, *values: Any) -> int:
        with self.transaction(), self._connection() as db:
            return int(db.execute(_marked(sql), _bound(values)).rowcount)

    def _many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        with self._connection() as db, db.cursor() as cursor:
            cursor.executemany(_marked(sql), [_bound(row) for row in rows])

    def _insert(self, rows: Sequence[Sequence[Any]]) -> int:
        with self._connection() as db, db.cursor() as cursor:
            # The lock is held until the commit, so that numbers grow in the order in which rows become visible.
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", (self._database.key, _ADD))
            cursor.executemany(self._insertion, [_bound(row) for row in rows])
            return int(cursor.execute("SELECT lastval()").fetchall()[0][0])

    def claim(self, namespace: str, message_id: str, delivery_id: str, at: int) -> str:
        if len(message_id) > _LONGEST_KEY:
            message_id = "sha256:" + hashlib.sha256(message_id.encode("utf-8", "surrogatepass")).hexdigest()
        return super().claim(namespace, message_id, delivery_id, at)

    def configure(self, namespace: str, record: Mapping[str, Any]) -> None:
        with self.transaction():
            super().configure(namespace, record)
            self._rows("SELECT pg_notify(?, ?)", self._database.schema, f"{self._owner} {namespace}")

    def dropped(self) -> int:
        return int(self._rows("SELECT coalesce(sum(total), 0) FROM pruned")[0][0])

    def _count_pruned(self, count: int) -> None:
        if count:
            self._do("INSERT INTO pruned VALUES (?)", count)

    # -- who sends what

    def watch(
        self,
        adopted: Callable[[Sequence[tuple[int, int, str]]], None],
        lost: Callable[[], None],
        configured: Callable[[str], None],
    ) -> None:
        self._keeper = _Keeper(self, adopted, lost, configured)

    @property
    def holds(self) -> bool:
        return monotonic() < self._held_until

    def own(self, row: int) -> None:
        self._do("UPDATE deliveries SET owner = ? WHERE number = ?", self._owner, row)

    def renew(self, lost: Callable[[], None]) -> None:
        """Write a heartbeat, and remove forwarders without one; `lost` is called when this one was removed."""
        began, until = monotonic(), f"now() + interval '{LEASE_S} seconds'"
        with self._database.transaction() as db:
            sql = f"UPDATE forwarders SET until = {until} WHERE name = %s"
            if not db.execute(sql, (self._owner,)).rowcount:
                lost()
                db.execute(_LEFT, (self._owner,))
                db.execute(f"INSERT INTO forwarders VALUES (%s, {until})", (self._owner,))
            gone = """WITH gone AS (DELETE FROM forwarders WHERE name IN
                          (SELECT name FROM forwarders WHERE until < now() FOR UPDATE SKIP LOCKED) RETURNING name)
                      UPDATE deliveries SET owner = NULL WHERE due IS NOT NULL AND owner IN (SELECT name FROM gone)"""
            db.execute(gone)
        self._held_until = began + LEASE_S

    def take_over(self) -> list[tuple[int, int, str]]:
        """Take over some deliveries without an owner: when each is due, its row and its namespace."""
        sql = f"""UPDATE deliveries SET owner = %s WHERE number IN
                  (SELECT number FROM deliveries WHERE due IS NOT NULL AND owner IS NULL
                   ORDER BY due, number LIMIT {TAKEN_AT_ONCE} FOR UPDATE SKIP LOCKED)
                  RETURNING due, number, namespace"""
        with self._database.connection() as db:
            return sorted(db.execute(sql, (self._owner,)).fetchall())

    def leave(self) -> None:
        """Release this forwarder's deliveries to the others at once."""
        with self._database.transaction() as db:
            db.execute(_LEFT, (self._owner,))
            db.execute("DELETE FROM forwarders WHERE name = %s", (self._owner,))

    @contextmanager
    def listening(self) -> Iterator[Any]:
        """A connection that listens for namespaces that other forwarders configure."""
        with self._database.connect() as db, self._database.named_errors():
            db.execute(f'LISTEN "{self._database.schema}"')
            yield db

    def heard(self, notice: str) -> str | None:
        """The namespace that another forwarder has configured."""
        by, _, namespace = notice.partition(" ")
        return namespace if by != self._owner else None

    def look(self) -> None:
        """Wake waiting requests, since other forwarders may have written rows."""
        self._tell()

    def close(self) -> None:
        if self._keeper is not None:
            self._keeper.close()
        self._database.close()


class _Keeper:
    """A thread that writes heartbeats, takes over deliveries, and listens for what other forwarders write."""

    def __init__(
        self,
        spool: PostgresqlSpool,
        adopted: Callable[[Sequence[tuple[int, int, str]]], None],
        lost: Callable[[], None],
        configured: Callable[[str], None],
    ) -> None:
        self._spool, self._adopted, self._lost, self._configured = spool, adopted, lost, configured
        self._stopping = threading.Event()
        spool.renew(lost)
        self._thread = threading.Thread(target=self._run, name="forwarder-keeper", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop, and release the deliveries to the others; a second call does nothing."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        self._thread.join()
        try:
            self._spool.leave()
        except SpoolError:
            # The lease ends without it.
            return

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                with self._spool.listening() as db, selectors.DefaultSelector() as ready:
                    ready.register(db, selectors.EVENT_READ)
                    while not self._stopping.is_set():
                        self._beat()
                        self._hear(db, ready)
            except SpoolError:
                # Without the database waiting deliveries are neither sent nor lost.
                self._stopping.wait(BEAT_S / 5)

    def _beat(self) -> None:
        self._spool.renew(self._lost)
        self._spool.look()
        while taken := self._spool.take_over():
            self._adopted(taken)

    def _hear(self, db: Any, ready: selectors.BaseSelector) -> None:
        until = monotonic() + BEAT_S
        while not self._stopping.is_set() and (left := until - monotonic()) > 0:
            if ready.select(min(left, BEAT_S / 10)):
                for notice in db.notifies(timeout=0):
                    namespace = self._spool.heard(notice.payload)
                    if namespace is not None:
                        self._configured(namespace)


@lru_cache(maxsize=256)
def _marked(sql: str) -> str:
    return sql.replace("%", "%%").replace("?", "%s")


def _bound(values: Sequence[Any]) -> list[Any]:
    # PostgreSQL's text cannot hold a lone surrogate or NUL, which a client may send.
    return [
        value.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")
        if isinstance(value, str)
        else value
        for value in values
    ]
