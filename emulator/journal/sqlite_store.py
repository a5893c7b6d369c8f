"""One SQLite database with one connection that writes and some that read: transactions, upkeep, damage mended."""

import contextlib
import sqlite3
import threading
from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from optilocal.emulator.journal.limits import LARGE_BYTES, LOOK_S, PATIENCE_S, SLICE
from optilocal.emulator.journal.records import Ends, Query
from optilocal.emulator.journal.sqlite_file import APPLICATION_ID, VERSION, Identity, State, prepare
from optilocal.emulator.journal.sqlite_salvage import salvage
from optilocal.emulator.journal.sqlite_statements import (
    STATEMENTS,
    Transaction,
    condition,
    insert,
    placeholders,
    stored,
)
from optilocal.emulator.journal.store import JournalBusyError, JournalError, Row
from optilocal.serving.clock import monotonic
from optilocal.serving.database_pages import log_end

# Connections to files that were damaged and set aside, which must never be closed: see `set_aside`.
_LEFT_OPEN: list[sqlite3.Connection] = []


class SqliteStore:
    """The database at `path`, made when there is none; with `temporary` it need not outlive a power cut.

    A damaged one is mended, at the start and while it is used: see `salvage`. Raises JournalError, one line, for a file
    that is not a journal or cannot be written.
    """

    def __init__(self, path: Path, *, temporary: bool) -> None:
        self.path = path
        self.lock = threading.RLock()
        self.said: str | None = None
        """What was mended last, until somebody has told it."""
        self._temporary = temporary
        self._closed = self._damaged = self._mending = False
        self._spare: list[sqlite3.Connection] = []
        state = prepare(path)
        try:
            self._open(state)
        except sqlite3.Error as error:
            raise JournalError(
                f"the journal {path} cannot be used ({error}), nothing in it was changed;"
                " name another file, or move this one away"
            ) from None

    def _open(self, state: State) -> None:
        if state is State.DAMAGED:
            self.said = salvage(self.path, self._made)
        ends = log_end(Path(f"{self.path}-wal"))
        # It never waits for other processes by itself: the server's loop must not stand still.
        self._db = self._connect(self.path, 0)
        try:
            self._set_up(new=state is State.NEW)
            sound = state is not State.JOURNAL or self.path.stat().st_size >= LARGE_BYTES or self.is_sound()
            if ends is not None and sound:
                log = self._db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[1]
                now = log_end(Path(f"{self.path}-wal"))
                sound = now is None or now.salts != ends.salts or not 0 <= log < ends.frames
        except sqlite3.Error as error:
            if state is State.NEW or not _is_damage(error):
                raise
            sound = False
        if not sound:
            self._mend()
        self._identity = Identity(self.path)
        self._version = self._data_version()

    def _mend(self) -> None:
        """Set the damaged file aside, and go on with what can be read of it."""
        self.said = salvage(self.path, self._made)
        left, self._spare = self._spare, []
        _LEFT_OPEN.extend([self._db, *left])
        self._db = self._connect(self.path, 0)
        self._set_up(new=False)

    def _made(self, path: Path) -> sqlite3.Connection:
        """An empty journal, for its owner alone."""
        path.touch(mode=0o600)
        db = self._connect(path, PATIENCE_S)
        # The file says whose it is, and this in the file itself and not in its log, before anything else.
        db.executescript(
            f"BEGIN EXCLUSIVE; PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION};"
            f"{STATEMENTS['schema']} COMMIT;"
        )
        return db

    @staticmethod
    def _connect(path: Path, timeout: float) -> sqlite3.Connection:
        db = sqlite3.connect(
            path, timeout=timeout, isolation_level=None, check_same_thread=False, cached_statements=SLICE
        )
        db.row_factory = sqlite3.Row
        # A flipped bit in a text must not keep all the other rows from being read.
        db.text_factory = _text
        return db

    def _set_up(self, *, new: bool) -> None:
        db = self._db
        db.execute(f"PRAGMA busy_timeout = {PATIENCE_S * 1000:.0f}")
        if new:
            self._made(self.path).close()
        db.execute("PRAGMA journal_mode = WAL")
        db.execute(f"PRAGMA synchronous = {'OFF' if self._temporary else 'NORMAL'}")
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
            return _holds_together(self._db, "quick_check")

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
        spare = self._spare
        try:
            db = spare.pop()
        except IndexError:
            self._check_open()
            self._identity.check()
            db = self._connect(self.path, PATIENCE_S)
        try:
            yield db
        except sqlite3.Error as error:
            raise self._named(error) from None
        finally:
            if spare is not self._spare:
                _LEFT_OPEN.append(db)
            elif self._closed:
                db.close()
            else:
                spare.append(db)

    def select(self, statement: str, /, **values: Any) -> list[Row]:
        """The rows of a named statement."""
        with self.reader() as db:
            return Transaction(db)(statement, **values)

    def value(self, statement: str, /, **values: Any) -> Any:
        """The first column of the first row of a named statement, None when there is no row."""
        with self.reader() as db:
            row = db.execute(STATEMENTS[statement], stored(values)).fetchone()
            return row[0] if row else None

    def among(self, statement: str, keys: Collection[Sequence[Any]]) -> Iterator[Row]:
        """The rows of a statement that looks for some keys, in the place of which its text has `:keys`."""
        left = iter(keys)
        with self.reader() as db:
            while some := list(islice(left, SLICE)):
                width = len(some[0])
                # Up to a power of two with keys of NULL, which are found nowhere: each count of keys is a statement of its
                # own, and each connection keeps up to 80 KB of it.
                count = 1 << (len(some) - 1).bit_length()
                values = [value for key in some for value in key] + [None] * (count - len(some)) * width
                sql = STATEMENTS[statement].replace(":keys", placeholders(count, width))
                for row in db.execute(sql, values):
                    yield dict(row)

    def rows(self, listing: str, query: Query) -> Iterator[Row]:
        """The rows that match, in order of their numbers (downwards when `newest`), read one by one."""
        where, values = condition(listing, query)
        order = "DESC" if query.newest else "ASC"
        sql = f"SELECT {STATEMENTS[f'columns {listing}']} FROM {listing} WHERE {where} ORDER BY number {order} LIMIT ?"
        with self.reader() as db:
            for row in db.execute(sql, [*values, query.limit]):
                yield dict(row)

    def count(self, listing: str, query: Query, most: int) -> int:
        """How many rows match, counted no further than `most`."""
        where, values = condition(listing, query)
        with self.reader() as db:
            sql = f"SELECT COUNT(*) FROM (SELECT 1 FROM {listing} WHERE {where} LIMIT ?)"
            return int(db.execute(sql, [*values, most]).fetchone()[0])

    def ends(self, listing: str, namespace: str | None) -> Ends:
        """The number of the newest row there is, 0 when there is none, and how many the bound has cost."""
        where, values = condition(listing, Query(namespace))
        newest = f"SELECT COALESCE(MAX(number), 0) FROM {listing} WHERE {where}"
        dropped = f"SELECT COALESCE(SUM(total), 0) FROM dropped WHERE {where} AND listing = ?"
        with self.reader() as db:
            return Ends(
                *db.execute(f"SELECT ({newest}), ({dropped})", [*values, *values, listing]).fetchone()
            )

    # -- writing

    @contextlib.contextmanager
    def writing(
        self,
        documents: str | None = None,  # noqa: ARG002 - whatever it changes, a file has one writer at a time
        *,
        rows: bool = True,  # noqa: ARG002
        patient: bool = True,
        again: bool = False,  # noqa: ARG002 - no commit waits for the disk
    ) -> Iterator[Transaction]:
        """One transaction on the one connection that writes."""
        if self._mending and not patient:
            raise JournalBusyError(f"the journal {self.path} is being mended")
        with self.lock, self.named_errors():
            self._check_open()
            self._patiently("BEGIN IMMEDIATE", patient=patient)
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
        if self._mending and not patient:
            raise JournalBusyError(f"the journal {self.path} is being mended")
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
        self._damaged = self._damaged or _is_damage(error)
        return JournalError(f"the journal {self.path} failed: {error}")

    # -- upkeep

    def _data_version(self) -> int:
        with self.named_errors():
            return int(self._db.execute("PRAGMA data_version").fetchone()[0])

    def look(self) -> bool:
        """Fold what is written ahead into the file; whether another process has written since the last look.

        What was found damaged since is mended. Raises JournalError for a file that was deleted or replaced.
        """
        self._identity.check()
        if self._damaged and self._mend_if_damaged():
            return True
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

    def _mend_if_damaged(self) -> bool:
        self._mending = True
        try:
            with self.lock, self.named_errors():
                self._check_open()
                self._damaged = False
                # What the other connections remember of the file may be better than the file.
                with contextlib.closing(self._connect(self.path, PATIENCE_S)) as fresh:
                    if _holds_together(fresh, "integrity_check"):
                        return False
                self._mend()
                self._identity = Identity(self.path)
                self._version = self._data_version()
                return True
        finally:
            self._mending = False

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


def _holds_together(db: sqlite3.Connection, check: str) -> bool:
    try:
        return bool(db.execute(f"PRAGMA {check}(1)").fetchone()[0] == "ok")
    except sqlite3.DatabaseError as error:
        if not _is_damage(error):
            raise
        return False


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _is_damage(error: sqlite3.Error) -> bool:
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _is_busy(error: sqlite3.OperationalError) -> bool:
    return error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
