"""A spool in one SQLite file, for one forwarder."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from optilocal.forwarder.store.file import SCHEMA, SpoolError, check_spool_file
from optilocal.forwarder.store.spool import INSERT, KEPT, Spool


class SqliteSpool(Spool):
    """One connection for all threads. `path` None is a file that goes with the process.

    Raises `SpoolError` for a file that cannot be used, and when another forwarder is using it.
    """

    def __init__(self, path: Path | None, *, kept: int = KEPT) -> None:
        super().__init__(kept=kept)
        self._folder = tempfile.TemporaryDirectory(prefix="optilocal-") if path is None else None
        self.path = Path(self._folder.name) / "spool" if self._folder else Path(path or "")
        self.temporary = self._folder is not None
        self.name = None if self.temporary else str(self.path)
        self._depth = 0
        check_spool_file(self.path)
        self._db = self._open()

    def _open(self) -> sqlite3.Connection:
        try:
            # Nobody else's business: events of users, and the destination's token.
            self.path.touch(mode=0o600)
            db = sqlite3.connect(self.path, check_same_thread=False, isolation_level=None, timeout=0.2)
            # One forwarder a file: two would each send everything. A killed one leaves no lock behind.
            db.execute("PRAGMA locking_mode = EXCLUSIVE")
            # A file that goes with the process need not outlive the machine's own end.
            db.execute(f"PRAGMA synchronous = {'OFF' if self.temporary else 'NORMAL'}")
            db.execute("BEGIN IMMEDIATE")
            is_new = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
            db.execute("COMMIT")
            if is_new:
                # Before the log is switched on, so that the file itself says from the start whose it is.
                db.executescript(f"BEGIN; {SCHEMA} COMMIT;")
            elif db.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
                raise sqlite3.DatabaseError("its content does not hold together")
            db.execute("PRAGMA journal_mode = WAL")
            # Every event touches the same few pages of the indexes: written home four times less often, 16 MB of log.
            db.execute("PRAGMA wal_autocheckpoint = 4000")
        except OSError as error:
            why = f"the spool {self.path} cannot be written: {error.strerror}; name another file"
            raise SpoolError(why) from None
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                why = f"the spool {self.path} is in use by another forwarder; stop it or name another file"
            else:
                why = f"the spool {self.path} cannot be written: {error}; name another file"
            raise SpoolError(why) from None
        except sqlite3.DatabaseError as error:
            raise SpoolError(
                f"the spool {self.path} is damaged: {error}; move it away and start anew"
            ) from None
        return db

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing of what is done within, on disk when it ends; holds the spool meanwhile; may be nested."""
        with self.lock, self._named_errors():
            if self._depth == 0:
                self._db.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
            except BaseException:
                self._depth -= 1
                if self._depth == 0:
                    self._roll_back()
                raise
            self._depth -= 1
            if self._depth == 0:
                try:
                    self._db.execute("COMMIT")
                except sqlite3.Error:
                    self._roll_back()
                    raise
                self._tell()

    def _roll_back(self) -> None:
        # A disk that is full has the transaction rolled back already.
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise SpoolError(f"the spool {self.path} cannot be used: {error}") from error

    def _rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with self.lock, self._named_errors():
            return self._db.execute(sql, _bound(values)).fetchall()

    def _do(self, sql: str, *values: Any) -> int:
        with self.transaction():
            return self._db.execute(sql, _bound(values)).rowcount

    def _many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        self._db.executemany(sql, rows)

    def _insert(self, rows: Sequence[Sequence[Any]]) -> int:
        self._db.executemany(INSERT, [_bound(row) for row in rows])
        # One writer, and numbers that only grow: those of one transaction follow each other.
        return int(self._db.execute("SELECT last_insert_rowid()").fetchone()[0])

    def dropped(self) -> int:
        sql = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'deliveries'), 0) - count(*) FROM deliveries"
        return int(self._rows(sql)[0][0])

    def _count_pruned(self, count: int) -> None:
        """SQLite remembers the highest number: the rest is counting."""

    def watch(
        self,
        adopted: Callable[[Sequence[tuple[int, int, str]]], None],
        lost: Callable[[], None],
        configured: Callable[[str], None],
    ) -> None:
        """Nobody else writes the file."""

    def own(self, row: int) -> None:
        """Every row is this forwarder's."""

    def close(self) -> None:
        with self.lock:
            self._db.close()
        if self._folder is not None:
            self._folder.cleanup()


def _bound(values: Sequence[Any]) -> list[Any]:
    # A client may send half a surrogate pair, for which SQLite has no text.
    return [
        value.encode("utf-8", "backslashreplace").decode()
        if isinstance(value, str) and not value.isascii()
        else value
        for value in values
    ]
