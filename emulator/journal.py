"""The durable store: append, query, wait, reset. The only room of the emulator that knows SQL (in `journal.sql`)."""

import contextlib
import sqlite3
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from emulator.bells import Bells
from emulator.documents import Documents, Run
from emulator.event_row import EventRow
from emulator.journal_file import APPLICATION_ID, VERSION, JournalError, is_new
from emulator.journal_file import STATEMENTS as _SQL
from emulator.json_text import dumps, loads, storable
from emulator.nearest import fold
from emulator.query import Query

LISTINGS = ("exchanges", "events", "verdicts", "runs")
RUNS_KEPT = 1_000
# A larger file takes too long to read through; damage in it shows when the damaged part is read.
_CHECKED_AT_START = 64_000_000


def _column(value: object) -> str | None:
    """What a source event said, as a text to look it up by: an id may have come as a number."""
    return storable(value if isinstance(value, str) else None if value is None else dumps(value))


@contextlib.contextmanager
def _named_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise JournalError(f"the journal {path} failed: {error}") from None


def _rows(db: sqlite3.Connection, statement: str, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    # Ids come from whatever anybody sent, and are looked up as they were stored.
    stored = {name: storable(value) if isinstance(value, str) else value for name, value in values.items()}
    return [dict(row) for row in db.execute(_SQL[statement], stored)]


class Journal(Documents):
    """Everything the emulator keeps, in one SQLite database that several processes may share.

    `path` None means a temporary file that goes away with `close`. `max_rows` bounds exchanges, events and verdicts,
    each; the oldest go first, and are counted. Raises JournalError, one line, for a file that is no journal, is
    damaged or cannot be written.
    """

    def __init__(self, path: Path | None = None, *, max_rows: int = 1_000_000) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="optilocal-") if path is None else None
        self.path = Path(self._folder.name) / "journal.sqlite" if self._folder else Path(path or "")
        self._max_rows = dict.fromkeys(LISTINGS, max_rows) | {"runs": RUNS_KEPT}
        self._since_trim = dict.fromkeys(LISTINGS, 0)
        self._lock = threading.RLock()
        self.bells = Bells()
        self._closed = False
        self._spare: list[sqlite3.Connection] = []
        self._known: set[str] = set()
        new = is_new(self.path)
        try:
            self._db = self._connect()
            self._prepare(new)
        except sqlite3.Error as error:
            raise JournalError(
                f"the journal {self.path} cannot be used ({error}), nothing in it was changed;"
                " name another file, or move this one away"
            ) from None

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, timeout=10, isolation_level=None, check_same_thread=False)
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
        db.execute("PRAGMA wal_autocheckpoint = 8000")
        # What is erased or dropped is overwritten with zeros, not only unlinked.
        db.execute("PRAGMA secure_delete = ON")
        db.execute("BEGIN IMMEDIATE")
        db.execute("COMMIT")

    def whole(self) -> bool:
        """Whether the database is undamaged; it is read through once."""
        with self._lock:
            return bool(self._db.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")

    def release(self) -> None:
        """Let every waiter go; from now on nobody waits."""
        self.bells.silence()

    def close(self) -> None:
        """Let every waiter go, write out what is left, and remove the file when it was a temporary one."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self.release()
            while self._spare:
                self._spare.pop().close()
            self._db.close()
            if self._folder:
                self._folder.cleanup()

    # -- access and waiting

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
        """One transaction."""
        with self._lock, _named_errors(self.path):
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
    def transaction(self) -> Iterator[Run]:
        """`run(statement, **values)` for named statements that must hold together or not at all."""
        with self._writing() as db:

            def run(statement: str, /, **values: Any) -> list[dict[str, Any]]:
                return _rows(db, statement, values)

            yield run

    def fold_log(self) -> None:
        """Write the file anew and empty the log, so that nothing erased stays behind in either; capture waits meanwhile.

        Zeros over what is deleted are not enough: where SQLite moves rows, copies stay in the gaps of the old pages.
        """
        with self._lock, _named_errors(self.path):
            self._db.execute("VACUUM")
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _value(self, name: str, /, **values: Any) -> Any:
        rows = self.select(name, **values)
        return next(iter(rows[0].values())) if rows else None

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
        return self.select("namespaces")

    def _create(self, db: sqlite3.Connection, namespace: str) -> None:
        if namespace not in self._known:
            db.execute(_SQL["add namespace"], {"name": namespace})
            # Not remembered before it is committed; the next look-up does that.

    def reset(self, namespace: str, kinds: Sequence[str]) -> None:
        """Forget what was captured and reported, and the documents of these kinds. Numbers go on."""
        with self._writing() as db:
            self._create(db, namespace)
            for listing in LISTINGS:
                db.execute(f"DELETE FROM {listing} WHERE namespace = ?", (namespace,))
            for name in ("forget visitors", "forget dropped", "next epoch"):
                db.execute(_SQL[name], {"namespace": namespace})
            for kind in kinds:
                db.execute(_SQL["delete documents"], {"kind": kind, "namespace": namespace, "id": None})
        self.bells.ring(namespace, *LISTINGS)

    # -- what arrives

    def append(
        self, namespace: str, exchange: Mapping[str, Any], body: bytes, rows: Sequence[EventRow] = ()
    ) -> int:
        """Store one request and what was read in it, durably; the exchange's number.

        `exchange` is the architecture's record without number, namespace and body.
        """
        values = {name: exchange[name] for name in ("surface", "method", "status")}
        with self._writing() as db:
            self._create(db, namespace)
            cursor = db.execute(
                _SQL["add exchange"], {**values, "namespace": namespace, "doc": dumps(exchange), "body": body}
            )
            number = int(cursor.lastrowid or 0)
            for row in rows:
                self._append_row(db, namespace, number, row)
            # A visitor's earlier verdicts hang on its decisions, and on no other conversion.
            for visitor in {storable(row["visitor_id"]) for row in rows if row["kind"] == "decision"}:
                db.execute(_SQL["stale visitor"], {"visitor_id": visitor, "namespace": namespace})
            self._trim(db, exchanges=1, events=len(rows), verdicts=len(rows))
        self.bells.ring(namespace, "exchanges", *(("events", "verdicts") if rows else ()))
        return number

    def _append_row(self, db: sqlite3.Connection, namespace: str, exchange: int, row: EventRow) -> None:
        names = ("uuid", "visitor_id", "account_id", "key", "experiment_id")
        values: dict[str, Any] = {name: storable(row[name]) for name in names}  # type: ignore[literal-required]
        values |= {"namespace": namespace, "kind": row["kind"], "timestamp": str(row["timestamp"])}
        first = db.execute(_SQL["first of uuid"], values).fetchone() if values["uuid"] else None
        values |= {"exchange": exchange, "duplicate_of": first and first["number"], "doc": dumps(row)}
        values["event"] = db.execute(_SQL["add event"], values).lastrowid
        visitor = values["visitor_id"]
        if visitor is not None:
            db.execute(_SQL["add visitor"], {**values, "fold": storable(fold(visitor))})
        if row["kind"] != "conversion":
            return
        # A report that came before its conversion, or whose first attempt was lost, takes it now.
        waiting = db.execute(_SQL["report without conversion"], values).fetchone()
        if waiting:
            db.execute(_SQL["give conversion"], {**values, "number": waiting["number"]})
            return
        # The same event once more is a replay and no news; another one that bears its uuid deserves a verdict.
        if first and tuple(first)[1:] == (visitor, values["key"], values["timestamp"], row["kind"]):
            return
        db.execute(_SQL["add unreported"], values)

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
        values: dict[str, Any] = {name: _column(report.get(name)) for name in names}
        values |= {"namespace": namespace, "delivery_id": storable(report["id"]), "uuid": storable(uuid)}
        values |= {
            "event_key": _column(report.get("event_key") or report.get("event")),
            "timestamp": str(timestamp),
            "delivery": dumps(report),
        }
        values["kind"] = "deletion" if report.get("type") == "delete" else "event"
        with self._writing() as db:
            self._create(db, namespace)
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
            db.execute(_SQL["stale uuid"], values)
            self._trim(db, verdicts=1)
        self.bells.ring(namespace, "verdicts", "events", "exchanges")
        return number

    def put_run(self, namespace: str, run: Mapping[str, Any], summary: Mapping[str, Any]) -> None:
        """Store a run, in the place of the one with the same `id`; it counts as new either way."""
        values = {"namespace": namespace, "id": storable(run["id"]), "status": storable(run.get("state"))}
        with self._writing() as db:
            self._create(db, namespace)
            db.execute(_SQL["delete run"], values)
            db.execute(_SQL["put run"], {**values, "summary": dumps(summary), "doc": dumps(run)})
            self._trim(db, runs=1)
        self.bells.ring(namespace, "runs")

    def run(self, namespace: str, run_id: str) -> dict[str, Any] | None:
        """One whole run, or None."""
        text = self._value("run", namespace=namespace, id=storable(run_id))
        return loads(text) if text else None

    def _trim(self, db: sqlite3.Connection, **added: int) -> None:
        for listing, count in added.items():
            most = self._max_rows[listing]
            self._since_trim[listing] += count
            if self._since_trim[listing] < max(1, min(1_000, most // 100)):
                continue
            self._since_trim[listing] = 0
            excess = db.execute(f"SELECT COUNT(*) FROM {listing}").fetchone()[0] - most
            if excess <= 0:
                continue
            oldest = f"SELECT number FROM {listing} ORDER BY number LIMIT 1 OFFSET ?"
            cutoff = {"cutoff": db.execute(oldest, (excess - 1,)).fetchone()[0]}
            db.execute(_SQL[f"count dropped {listing}"], cutoff)
            if listing == "events":
                for name in (
                    "stale visitors of dropped",
                    "count verdicts without event",
                    "drop verdicts without event",
                ):
                    db.execute(_SQL[name], cutoff)
            db.execute(f"DELETE FROM {listing} WHERE number <= :cutoff", cutoff)

    # -- what is asked

    @staticmethod
    def _where(listing: str, query: Query) -> tuple[str, list[Any]]:
        parts: list[str] = ["1"]
        values: list[Any] = []
        if query.namespace is not None:
            parts.append("namespace = ?")
            values.append(query.namespace)
        for name, value in query.filters.items():
            parts.append(_SQL[f"filter {listing} {name}"])
            values.append(storable(value))
        if query.text:
            search = _SQL[f"search {listing}"]
            pattern = "".join("\\" + c if c in "%_\\" else c for c in storable(query.text) or "")
            parts.append(search)
            values += [f"%{pattern}%"] * search.count("?")
        if query.after is not None:
            parts.append("number < ?" if query.newest else "number > ?")
            values.append(query.after)
        return " AND ".join(parts), values

    def rows(self, listing: str, query: Query) -> list[dict[str, Any]]:
        """The rows that match, in order of their numbers (downwards when `newest`), as they are stored."""
        where, values = self._where(listing, query)
        order = "DESC" if query.newest else "ASC"
        sql = f"SELECT {_SQL[f'columns {listing}']} FROM {listing} WHERE {where} ORDER BY number {order} LIMIT ?"
        with self._reader() as db:
            return [dict(row) for row in db.execute(sql, [*values, query.limit])]

    def count(self, listing: str, query: Query, most: int) -> int:
        """How many rows match, counted no further than `most`."""
        where, values = self._where(listing, query)
        with self._reader() as db:
            sql = f"SELECT COUNT(*) FROM (SELECT 1 FROM {listing} WHERE {where} LIMIT ?)"
            return int(db.execute(sql, [*values, most]).fetchone()[0])

    def newest_number(self, listing: str, namespace: str | None) -> int:
        """The number of the newest row there is, 0 when there is none."""
        where, values = self._where(listing, Query(namespace))
        with self._reader() as db:
            row = db.execute(f"SELECT MAX(number) FROM {listing} WHERE {where}", values).fetchone()
            return int(row[0] or 0)

    def dropped(self, listing: str, namespace: str | None) -> int:
        """How many rows the bound has cost."""
        return int(self._value("dropped", listing=listing, namespace=namespace))
