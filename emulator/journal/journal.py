"""The durable store: append, query, wait, reset. The only room of the emulator that knows SQL (in `journal.sql`)."""

import contextlib
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from optilocal.emulator.batch.row import EventRow
from optilocal.emulator.journal.bound import Bound
from optilocal.emulator.journal.file import APPLICATION_ID, VERSION, JournalError, is_new
from optilocal.emulator.journal.file import STATEMENTS as _SQL
from optilocal.emulator.journal.query import Query, condition
from optilocal.emulator.json_text import dumps, loads, storable, storable_text
from optilocal.emulator.projection.indexing import Index, Request, Transaction
from optilocal.emulator.projection.intake import Intake

LISTINGS = ("exchanges", "events", "verdicts", "runs")
RUNS_KEPT = 1_000
# Seconds that a statement waits for another process.
_PATIENCE = 10
# A larger file takes too long to read through; damage in it shows when the damaged part is read.
_CHECKED_AT_START = 64_000_000


@contextlib.contextmanager
def _named_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise JournalError(f"the journal {path} failed: {error}") from None


class _Transaction:
    """Named statements of one transaction."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __call__(self, statement: str, /, **values: Any) -> list[dict[str, Any]]:
        return _rows(self._db, statement, values)

    def many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        self._db.executemany(_SQL[statement], rows)


def _rows(db: sqlite3.Connection, statement: str, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    # Ids come from whatever anybody sent, and are looked up as they were stored.
    stored = {name: storable(value) if isinstance(value, str) else value for name, value in values.items()}
    return [dict(row) for row in db.execute(_SQL[statement], stored)]


class Journal(Intake):
    """Everything the emulator keeps, in one SQLite database that several processes may share.

    `path` None means a temporary file that goes away with `close`. `max_rows` bounds exchanges, events and verdicts,
    each; the oldest go first, and are counted. Raises JournalError, one line, for a file that is no journal, is
    damaged or cannot be written.
    """

    def __init__(self, path: Path | None = None, *, max_rows: int = 1_000_000) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="optilocal-") if path is None else None
        super().__init__(Path(self._folder.name) / "journal.sqlite" if self._folder else Path(path or ""))
        self._bound = Bound(dict.fromkeys(LISTINGS, max_rows) | {"runs": RUNS_KEPT})
        self._index = Index()
        self._version = 0
        self._closed = False
        self._spare: list[sqlite3.Connection] = []
        self._watching: sqlite3.Connection | None = None
        self._known: set[str] = set()
        new = is_new(self.path)
        try:
            self._db = self._connect()
            self._prepare(new)
            self.take_up()
        except sqlite3.Error as error:
            raise JournalError(
                f"the journal {self.path} cannot be used ({error}), nothing in it was changed;"
                " name another file, or move this one away"
            ) from None

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
        db.row_factory = sqlite3.Row
        return db

    def _prepare(self, new: bool) -> None:
        db = self._db
        if new:
            # The file says whose it is, and this in the file itself and not in its log, before anything else.
            db.executescript(
                f"BEGIN EXCLUSIVE; PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION};"
                f"{_SQL['schema']} COMMIT;"
            )
        elif self.path.stat().st_size < _CHECKED_AT_START and not self.whole():
            raise sqlite3.DatabaseError("it is damaged")
        db.execute("PRAGMA journal_mode = WAL")
        # A temporary file need not outlive a power cut. The log is folded in at leisure: that is what waits for the disk.
        db.execute(f"PRAGMA synchronous = {'OFF' if self._folder else 'NORMAL'}")
        db.execute("PRAGMA wal_autocheckpoint = 32000")
        # In KiB: what is looked up by uuid and by visitor is all over the file.
        db.execute("PRAGMA cache_size = -32000")
        # What is erased or dropped is overwritten with zeros, not only unlinked.
        db.execute("PRAGMA secure_delete = ON")
        db.execute("BEGIN IMMEDIATE")
        db.execute("COMMIT")

    def whole(self) -> bool:
        """Whether the database is undamaged; it is read through once."""
        with self.lock:
            return bool(self._db.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")

    def release(self) -> None:
        """Let every waiter go; from now on nobody waits."""
        self.bells.silence()

    def close(self) -> None:
        """Let every waiter go, write out what is left, and remove the file when it was a temporary one."""
        with self.lock:
            if self._closed:
                return
            self.close_log()
            self._closed = True
            self.release()
            if self._watching:
                self._watching.close()
            while self._spare:
                self._spare.pop().close()
            self._db.close()
            if self._folder:
                self._folder.cleanup()

    @contextlib.contextmanager
    def _reader(self) -> Iterator[sqlite3.Connection]:
        try:
            db = self._spare.pop()
        except IndexError:
            if self._closed:
                raise JournalError("the emulator is stopping") from None
            db = self._connect()
        try:
            with _named_errors(self.path):
                yield db
        finally:
            if self._closed:
                db.close()
            else:
                self._spare.append(db)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction on the one connection that writes."""
        with self.lock, _named_errors(self.path):
            if self._closed:
                raise JournalError("the emulator is stopping")
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def select(self, statement: str, /, **values: Any) -> list[dict[str, Any]]:
        """The rows of a named statement of `journal.sql`."""
        with self._reader() as db:
            return _rows(db, statement, values)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Named statements that must hold together or not at all."""
        with self._writing() as db:
            yield _Transaction(db)

    def fold_log(self) -> None:
        """Write the file anew, and leave nothing erased behind in what is written ahead of it either.

        Zeros over what is deleted are not enough: where SQLite moves rows, copies stay in the gaps of the old pages.
        """
        with self.lock, _named_errors(self.path):
            self.catch_up()
            self.forget_log()
            self._index.forget()
            self._bound.forget()
            self._db.execute("VACUUM")
            self.empty_log()

    def empty_log(self) -> None:
        """Write into the file what is written ahead of it. Raises JournalError while somebody keeps reading there."""
        with self.lock, _named_errors(self.path):
            busy = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        if busy:
            raise JournalError(
                f"the journal {self.path} is being read by another process or a long question, and what is erased"
                f" would stay in its log {self.path.name}-wal; wait until that has ended, and ask again"
            )

    def _value(self, name: str, /, **values: Any) -> Any:
        rows = self.select(name, **values)
        return next(iter(rows[0].values())) if rows else None

    def notice_others(self) -> None:
        """Tell whoever waits when another process has written to the same journal."""
        with self.lock, _named_errors(self.path):
            self._notice_others()

    def _notice_others(self) -> None:
        version = self._db.execute("PRAGMA data_version").fetchone()[0]
        if version != self._version:
            # It may have erased visitors, or dropped rows.
            self._version = version
            self._index.forget()
            self._bound.forget()
            self._known.clear()
            self.bells.ring_all()

    def data_version(self) -> int:
        """A number that differs when anybody has written; for one thread, which it does not keep waiting."""
        if self._watching is None:
            self._watching = self._connect()
        with _named_errors(self.path):
            return int(self._watching.execute("PRAGMA data_version").fetchone()[0])

    # -- namespaces

    def knows_namespace(self, name: str) -> bool:
        """Whether the namespace has come into being."""
        if name not in self._known and self.select("namespace exists", name=name):
            self._known.add(name)
        return name in self._known

    def namespace_count(self) -> int:
        return int(self._value("namespace count"))

    def namespaces(self) -> list[dict[str, Any]]:
        """`{"name", "events", "verdicts", "dropped", "last_at"}` of every namespace, by name."""
        self.catch_up()
        return self.select("namespaces")

    def _create(self, run: Transaction, *namespaces: str) -> None:
        for namespace in set(namespaces) - self._known:
            # Not remembered before it is committed; the next look-up does that.
            run("add namespace", name=namespace)

    def reset(self, namespace: str, kinds: Sequence[str]) -> None:
        """Forget what was captured and reported, the documents of these kinds, and the namespace if nothing is left."""
        with self.lock:
            self.catch_up()
            with self._writing() as db:
                run = _Transaction(db)
                self._create(run, namespace)
                for listing in LISTINGS:
                    db.execute(f"DELETE FROM {listing} WHERE namespace = ?", (namespace,))
                for name in ("forget visitors", "forget newly decided", "forget dropped", "next epoch"):
                    run(name, namespace=namespace)
                for kind in kinds:
                    run("delete documents", kind=kind, namespace=namespace, id=None)
                run("forget empty namespace", namespace=namespace)
            self._known.discard(namespace)
            self._index.forget()
            self._bound.forget()
            self.changes += 1
        self.bells.ring(namespace, *LISTINGS)

    # -- what arrives

    def append(
        self, namespace: str, exchange: Mapping[str, Any], body: bytes, rows: Sequence[EventRow] = ()
    ) -> int:
        """Store one request and what was read in it, durably; the exchange's number.

        `exchange` is the architecture's record without number, namespace and body.
        """
        values = (exchange["surface"], exchange["method"], exchange["status"])
        with self.lock:
            # What came before stands before, unless so much is waiting that it would hold this one up.
            self.index_little()
            return self.write([Request(namespace, *values, dumps(exchange), body, rows)])[0]

    def write(
        self, requests: Sequence[Request], also: Callable[[Transaction], None] | None = None
    ) -> list[int]:
        """Write requests, and what belongs to them, in one transaction; their numbers."""
        with self._writing() as db:
            run = _Transaction(db)
            self._notice_others()
            self._create(run, *(request.namespace for request in requests))
            numbers = self._index.write(run, requests)
            events = sum(len(request.rows) for request in requests)
            self._bound.added(run, exchanges=len(requests), events=events, verdicts=events)
            if also is not None:
                also(run)
        for namespace in {request.namespace for request in requests}:
            own = [request for request in requests if request.namespace == namespace]
            new = [row for request in own for row in request.rows]
            self.bells.ring_added(namespace, ("exchanges",), len(own), new)
            if new:
                self.bells.ring_added(namespace, ("events", "verdicts"), len(new), new)
        return numbers

    def put_delivery(
        self,
        namespace: str,
        report: Mapping[str, Any],
        *,
        uuid: str | None,
        sent: bool,
        timestamp: int | None = None,
    ) -> int:
        """Store a forwarder's report, in the place of the one with the same `id`; its number, which is its verdict's.

        `uuid` and `timestamp` (ms) are those its conversion bears; only a report that `sent` something takes a
        conversion for its own, and of several with one uuid the one that is most like it.
        """
        names = ("visitor_id", "user_id", "anonymous_id", "message_id")
        values: dict[str, Any] = {name: storable_text(report.get(name)) for name in names}
        values |= {"namespace": namespace, "delivery_id": storable(report["id"]), "uuid": storable(uuid)}
        values |= {
            "event_key": storable_text(report.get("event_key") or report.get("event")),
            "timestamp": str(timestamp),
            "delivery": dumps(report),
        }
        values["kind"] = "deletion" if report.get("type") == "delete" else "event"
        self.index_little()
        with self._writing() as db:
            self._create(_Transaction(db), namespace)
            old = db.execute(_SQL["report"], values).fetchone()
            values["event"] = old and old["event"]
            if values["event"] is None and sent and uuid:
                # A conversion that a report explains needs no verdict of its own any more.
                free = db.execute(_SQL["free conversion"], values).fetchone()
                values["event"] = free and free["number"]
                db.execute(_SQL["drop unreported"], values)
            if old:
                number = int(old["number"])
                db.execute(_SQL["replace report"], {**values, "number": number})
            else:
                number = int(db.execute(_SQL["add report"], values).lastrowid or 0)
            if uuid:
                for name in ("stale uuid", "stale conversions of uuid"):
                    db.execute(_SQL[name], values)
            self._bound.added(_Transaction(db), verdicts=1)
        self.bells.ring(namespace, "verdicts", "events", "exchanges")
        return number

    def put_run(self, namespace: str, run: Mapping[str, Any], summary: Mapping[str, Any]) -> None:
        """Store a run, in the place of the one with the same `id`; it counts as new either way."""
        values = {"namespace": namespace, "id": storable(run["id"]), "status": storable(run.get("state"))}
        with self._writing() as db:
            self._create(_Transaction(db), namespace)
            db.execute(_SQL["delete run"], values)
            db.execute(_SQL["put run"], {**values, "summary": dumps(summary), "doc": dumps(run)})
            self._bound.added(_Transaction(db), runs=1)
        self.bells.ring(namespace, "runs")

    def run(self, namespace: str, run_id: str) -> dict[str, Any] | None:
        """One whole run, or None."""
        text = self._value("run", namespace=namespace, id=storable(run_id))
        return loads(text) if text else None

    # -- what is asked

    def rows(self, listing: str, query: Query) -> list[dict[str, Any]]:
        """The rows that match, in order of their numbers (downwards when `newest`), as they are stored."""
        self.catch_up()
        where, values = condition(listing, query)
        order = "DESC" if query.newest else "ASC"
        sql = f"SELECT {_SQL[f'columns {listing}']} FROM {listing} WHERE {where} ORDER BY number {order} LIMIT ?"
        with self._reader() as db:
            return [dict(row) for row in db.execute(sql, [*values, query.limit])]

    def count(self, listing: str, query: Query, most: int) -> int:
        """How many indexed rows match, counted no further than `most`; what is indexed meanwhile rings a bell."""
        where, values = condition(listing, query)
        with self._reader() as db:
            sql = f"SELECT COUNT(*) FROM (SELECT 1 FROM {listing} WHERE {where} LIMIT ?)"
            return int(db.execute(sql, [*values, most]).fetchone()[0])

    def newest_number(self, listing: str, namespace: str | None) -> int:
        """The number of the newest row there is, 0 when there is none."""
        where, values = condition(listing, Query(namespace))
        with self._reader() as db:
            row = db.execute(f"SELECT MAX(number) FROM {listing} WHERE {where}", values).fetchone()
            return int(row[0] or 0)

    def oldest_number(self, listing: str, namespace: str) -> int:
        """The number of the oldest row there is, 0 when there is none."""
        return int(self._value(f"oldest {listing}", namespace=namespace) or 0)

    def dropped(self, listing: str, namespace: str | None) -> int:
        """How many rows the bound has cost."""
        return int(self._value("dropped", listing=listing, namespace=namespace))
