"""One SQLite database with one connection that writes and some that read: statements by name, transactions, upkeep."""

import contextlib
import sqlite3
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from optilocal.emulator.journal.interface import JournalBusyError, JournalError, Row
from optilocal.emulator.journal.limits import LARGE_BYTES, LOOK_S, PATIENCE_S, SLICE
from optilocal.emulator.journal.records import FILTERS, Query
from optilocal.emulator.journal.sqlite_file import APPLICATION_ID, VERSION, Identity, prepare
from optilocal.emulator.json_text import storable
from optilocal.serving.clock import monotonic


def _statements() -> dict[str, str]:
    text = Path(__file__).with_name("sqlite.sql").read_text("utf-8")
    parts = (part.partition("\n") for part in text.split("-- name: ")[1:])
    return {name.strip(): text.strip() for name, _, text in parts}


# The statements of `sqlite.sql` by name; what follows a statement's text is a comment on the next one.
STATEMENTS: Mapping[str, str] = _statements()


def placeholders(count: int, width: int) -> str:
    """`(?,?),(?,?)`: so many rows of so many values."""
    return ",".join(["(" + ",".join("?" * width) + ")"] * count)


class Transaction:
    """Statements that hold together or not at all."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __call__(self, statement: str, /, **values: Any) -> list[Row]:
        """The rows of a named statement."""
        return [dict(row) for row in self._db.execute(STATEMENTS[statement], _stored(values))]

    def changed(self, statement: str, /, **values: Any) -> int:
        """How many rows a named statement has changed."""
        return self._db.execute(STATEMENTS[statement], _stored(values)).rowcount

    def many(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        """A named statement for many rows of values."""
        if rows:
            self._db.executemany(STATEMENTS[statement], rows)

    def insert(self, table: str, columns: str, rows: Sequence[Sequence[Any]]) -> int:
        """Insert rows in their order; the last one's number."""
        return insert(self._db, table, columns, rows)

    def tell(self, namespace: str, *listings: str) -> None:
        """Other processes see for themselves that the file has changed."""


def insert(db: sqlite3.Connection, table: str, columns: str, rows: Sequence[Sequence[Any]]) -> int:
    """Insert rows in their order, with as few statements as possible; the last one's number."""
    width, last = columns.count(",") + 1, 0
    for start in range(0, len(rows), SLICE):
        chunk = rows[start : start + SLICE]
        values = [value for row in chunk for value in row]
        sql = f"INSERT INTO {table} ({columns}) VALUES {placeholders(len(chunk), width)}"
        last = db.execute(sql, values).lastrowid or 0
    return last


def _stored(values: Mapping[str, Any]) -> dict[str, Any]:
    # Ids come from whatever anybody sent, and are looked up as they were stored.
    return {name: storable(value) if isinstance(value, str) else value for name, value in values.items()}


def condition(listing: str, query: Query) -> tuple[str, list[str | int | None]]:
    """What makes a row one that is asked for, put together from pieces of `sqlite.sql`, and the values in it."""
    parts, values = ["1"], list[str | int | None]()
    if query.namespace is not None:
        parts.append(STATEMENTS["part of namespace"])
        values.append(query.namespace)
    for name, value in query.filters.items():
        assert name in FILTERS[listing]
        piece = STATEMENTS[f"filter {listing} {name}"]
        parts.append(piece)
        values += [storable(value)] * piece.count("?")
    if query.text:
        piece = STATEMENTS[f"search {listing}"]
        pattern = "".join("\\" + c if c in "%_\\" else c for c in storable(query.text) or "")
        parts.append(piece)
        values += [f"%{pattern}%"] * piece.count("?")
    if query.after is not None:
        parts.append(STATEMENTS["part before" if query.newest else "part after"])
        values.append(query.after)
    return " AND ".join(parts), values


class SqliteStore:
    """The database at `path`, made when there is none; with `temporary` it need not outlive a power cut.

    Raises JournalError, one line, for a file that is not a journal, is damaged or cannot be written.
    """

    def __init__(self, path: Path, *, temporary: bool) -> None:
        self.path = path
        self.lock = threading.RLock()
        self._closed = False
        self._spare: list[sqlite3.Connection] = []
        new = prepare(path)
        try:
            # It never waits for other processes by itself: the server's loop must not stand still.
            self._db = self._connect(0)
            self._set_up(new, temporary)
        except sqlite3.Error as error:
            raise JournalError(
                f"the journal {path} cannot be used ({error}), nothing in it was changed;"
                " name another file, or move this one away"
            ) from None
        self._identity = Identity(path)
        self._version = self._data_version()

    def _connect(self, timeout: float) -> sqlite3.Connection:
        db = sqlite3.connect(
            self.path,
            timeout=timeout,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=SLICE,
        )
        db.row_factory = sqlite3.Row
        return db

    def _set_up(self, new: bool, temporary: bool) -> None:
        db = self._db
        db.execute(f"PRAGMA busy_timeout = {PATIENCE_S * 1000:.0f}")
        if new:
            # The file says whose it is, and this in the file itself and not in its log, before anything else.
            db.executescript(
                f"BEGIN EXCLUSIVE; PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION};"
                f"{STATEMENTS['schema']} COMMIT;"
            )
        elif self.path.stat().st_size < LARGE_BYTES and not self.is_sound():
            raise sqlite3.DatabaseError("it is damaged")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute(f"PRAGMA synchronous = {'OFF' if temporary else 'NORMAL'}")
        # What is written ahead is folded into the file by `look`: that waits for the disk.
        db.execute("PRAGMA wal_autocheckpoint = 0")
        # In KiB: what is looked up by uuid and by visitor is all over the file.
        db.execute("PRAGMA cache_size = -32000")
        # What is erased or dropped is overwritten with zeros, not only unlinked.
        db.execute("PRAGMA secure_delete = ON")
        db.execute("BEGIN IMMEDIATE")
        db.execute("COMMIT")
        db.execute("PRAGMA busy_timeout = 0")

    def is_sound(self) -> bool:
        """Whether the database is undamaged; it is read through once."""
        with self.lock:
            return bool(self._db.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")

    def close(self) -> None:
        """Leave the database; as often as one likes."""
        with self.lock:
            self._closed = True
            while self._spare:
                self._spare.pop().close()
            self._db.close()

    # -- reading

    @contextlib.contextmanager
    def reader(self) -> Iterator[sqlite3.Connection]:
        """A connection for reading."""
        try:
            db = self._spare.pop()
        except IndexError:
            self._check_open()
            self._identity.check()
            db = self._connect(PATIENCE_S)
        try:
            yield db
        except sqlite3.Error as error:
            raise self._named(error) from None
        finally:
            if self._closed:
                db.close()
            else:
                self._spare.append(db)

    def select(self, statement: str, /, **values: Any) -> list[Row]:
        """The rows of a named statement."""
        with self.reader() as db:
            return Transaction(db)(statement, **values)

    def value(self, statement: str, /, **values: Any) -> Any:
        """The first column of the first row of a named statement, None when there is no row."""
        with self.reader() as db:
            row = db.execute(STATEMENTS[statement], _stored(values)).fetchone()
            return row[0] if row else None

    def among(self, statement: str, keys: Collection[Sequence[Any]]) -> Iterator[Row]:
        """The rows of a statement that looks for some keys, in the place of which its text has `:keys`."""
        sql = STATEMENTS[statement].replace(":keys", placeholders(len(keys), len(next(iter(keys)))))
        with self.reader() as db:
            for row in db.execute(sql, [value for key in keys for value in key]):
                yield dict(row)

    def rows(self, listing: str, query: Query) -> list[Row]:
        """The rows that match, in order of their numbers (downwards when `newest`)."""
        where, values = condition(listing, query)
        order = "DESC" if query.newest else "ASC"
        sql = f"SELECT {STATEMENTS[f'columns {listing}']} FROM {listing} WHERE {where} ORDER BY number {order} LIMIT ?"
        with self.reader() as db:
            return [dict(row) for row in db.execute(sql, [*values, query.limit])]

    def count(self, listing: str, query: Query, most: int) -> int:
        """How many rows match, counted no further than `most`."""
        where, values = condition(listing, query)
        with self.reader() as db:
            sql = f"SELECT COUNT(*) FROM (SELECT 1 FROM {listing} WHERE {where} LIMIT ?)"
            return int(db.execute(sql, [*values, most]).fetchone()[0])

    def newest(self, listing: str, namespace: str | None) -> int:
        """The number of the newest row there is, 0 when there is none."""
        where, values = condition(listing, Query(namespace))
        with self.reader() as db:
            row = db.execute(f"SELECT MAX(number) FROM {listing} WHERE {where}", values).fetchone()
            return int(row[0] or 0)

    # -- writing

    @contextlib.contextmanager
    def writing(self, documents: str | None = None, *, rows: bool = True) -> Iterator[Transaction]:  # noqa: ARG002
        """One transaction on the one connection that writes: whatever it changes, a file has one writer at a time."""
        with self.lock, self.named_errors():
            self._check_open()
            self._patiently("BEGIN IMMEDIATE")
            try:
                yield Transaction(self._db)
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def append(self, table: str, columns: str, rows: Sequence[Sequence[Any]], *, patient: bool) -> int:
        """Insert rows in one commit, and in one statement where they are few; the last one's number.

        Raises JournalBusyError for who is not `patient` while another process writes, JournalError for a file that nobody
        can open any more.
        """
        with self.lock, self.named_errors():
            self._check_open()
            self._identity.check()
            if len(rows) <= SLICE:
                try:
                    return insert(self._db, table, columns, rows)
                except sqlite3.OperationalError as error:
                    if not _is_busy(error):
                        raise
            self._patiently("BEGIN IMMEDIATE", patient=patient)
            try:
                last = insert(self._db, table, columns, rows)
                self._db.execute("COMMIT")
                return last
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def _patiently(self, sql: str, *, patient: bool = True) -> None:
        """Run a statement that may have to wait for other processes."""
        until = monotonic() + PATIENCE_S
        while True:
            try:
                self._db.execute(sql)
                return
            except sqlite3.OperationalError as error:
                if not _is_busy(error):
                    raise
                if not patient:
                    raise JournalBusyError(
                        f"the journal {self.path} is being written by another process"
                    ) from None
                if monotonic() > until:
                    raise
            threading.Event().wait(LOOK_S / 100)

    def _check_open(self) -> None:
        if self._closed:
            raise JournalError("the emulator is stopping")

    @contextlib.contextmanager
    def named_errors(self) -> Iterator[None]:
        """Whatever SQLite raises, as a JournalError."""
        try:
            yield
        except sqlite3.Error as error:
            raise self._named(error) from None

    def _named(self, error: sqlite3.Error) -> JournalError:
        return JournalError(f"the journal {self.path} failed: {error}")

    # -- upkeep

    def _data_version(self) -> int:
        with self.named_errors():
            return int(self._db.execute("PRAGMA data_version").fetchone()[0])

    def look(self) -> bool:
        """Fold what is written ahead into the file; whether another process has written since the last look.

        Raises JournalError for a file that was deleted or replaced.
        """
        self._identity.check()
        with self.reader() as db:
            db.execute("PRAGMA wal_checkpoint(PASSIVE)")
        log = Path(f"{self.path}-wal")
        if log.exists() and log.stat().st_size > LARGE_BYTES:
            # What was written meanwhile, while nobody writes: the log begins anew then.
            with self.lock, self.named_errors():
                self._db.execute("PRAGMA wal_checkpoint(RESTART)")
        with self.lock:
            self._check_open()
            seen, self._version = self._version, self._data_version()
        return seen != self._version

    def empty_log(self) -> None:
        """Fold all that is written ahead into the file. Raises JournalError while somebody keeps reading there."""
        until = monotonic() + PATIENCE_S
        while monotonic() < until:
            with self.lock, self.named_errors():
                if not self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                    return
            threading.Event().wait(LOOK_S / 100)
        raise JournalError(
            f"the journal {self.path} is being read by another process or a long question, and what is erased"
            f" would stay in its log {self.path.name}-wal; wait until that has ended, and ask again"
        )

    def rewrite(self) -> None:
        """Write the file anew, and leave nothing erased behind in what is written ahead of it either.

        Zeros over what is deleted are not enough: where SQLite moves rows, copies stay in the gaps of the old pages.
        """
        with self.lock, self.named_errors():
            self._patiently("VACUUM")
        self.empty_log()


def _is_busy(error: sqlite3.OperationalError) -> bool:
    return error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
