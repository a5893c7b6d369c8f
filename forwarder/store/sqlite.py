"""A spool in one SQLite file, for one forwarder."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from optilocal.forwarder.store.file import SpoolError
from optilocal.forwarder.store.spool import INSERT, KEPT, Spool
from optilocal.forwarder.store.sqlite_connection import connected, is_damage, mend


class SqliteSpool(Spool):
    """One connection for all threads. With `path` None the file is temporary.

    A damaged file is mended, at the start and while it is used: see `salvage`. Raises `SpoolError` for a file that cannot
    be used, and when another forwarder is using it.
    """

    def __init__(self, path: Path | None, *, kept: int = KEPT) -> None:
        super().__init__(kept=kept)
        self._folder = tempfile.TemporaryDirectory(prefix="optilocal-") if path is None else None
        self.path = Path(self._folder.name) / "spool" if self._folder else Path(path or "")
        self.temporary = self._folder is not None
        self.name = None if self.temporary else str(self.path)
        self._depth = 0
        self._kept_then: list[Callable[[], None]] = []
        self._damaged = False
        self._db = connected(self.path, temporary=self.temporary)
        self._seen = self._file()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """A transaction, on disk when it ends; it holds the spool's lock; may be nested."""
        with self.lock, self._named_errors():
            if self._depth == 0:
                self._check_file()
                self._mend_if_damaged()
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
                kept, self._kept_then = self._kept_then, []
                for then in kept:
                    then()

    def when_kept(self, then: Callable[[], None]) -> None:
        with self.lock:
            if self._depth:
                self._kept_then.append(then)
                return
        then()

    def _roll_back(self) -> None:
        self._kept_then.clear()
        # On a full disk SQLite has rolled the transaction back already.
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            self._damaged = self._damaged or is_damage(error)
            raise SpoolError(f"the spool {self.path} cannot be used: {error}") from error

    def _file(self) -> tuple[int, int] | None:
        """Which file stands at the path."""
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _check_file(self) -> None:
        if self._file() != self._seen:
            raise SpoolError(
                f"the spool {self.path} was deleted or replaced while the forwarder uses it: nothing more can be kept;"
                " restart the forwarder"
            )

    def _mend_if_damaged(self) -> None:
        if self._damaged and self._depth == 0:
            self._damaged = False
            self._db = mend(self._db, self.path, temporary=self.temporary)
            self._seen = self._file()

    def _rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with self.lock, self._named_errors():
            self._mend_if_damaged()
            return self._db.execute(sql, _bound(values)).fetchall()

    def _do(self, sql: str, *values: Any) -> int:
        with self.transaction():
            return self._db.execute(sql, _bound(values)).rowcount

    def _many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        self._db.executemany(sql, rows)

    def _insert(self, rows: Sequence[Sequence[Any]]) -> int:
        self._db.executemany(INSERT, [_bound(row) for row in rows])
        # There is one writer and numbers only grow, so those of one transaction are consecutive.
        return int(self._db.execute("SELECT last_insert_rowid()").fetchone()[0])

    def dropped(self) -> int:
        sql = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'deliveries'), 0) - count(*) FROM deliveries"
        return int(self._rows(sql)[0][0])

    def _count_pruned(self, count: int) -> None:
        """Nothing to do: `dropped` counts from SQLite's highest number."""

    def watch(
        self,
        adopted: Callable[[Sequence[tuple[int, int, str]]], None],
        lost: Callable[[], None],
        configured: Callable[[str], None],
    ) -> None:
        """Nothing to do: no other forwarder writes the file."""

    def own(self, row: int) -> None:
        """Nothing to do: every row is this forwarder's."""

    def close(self) -> None:
        with self.lock:
            self._db.close()
        if self._folder is not None:
            self._folder.cleanup()


def _bound(values: Sequence[Any]) -> list[Any]:
    # SQLite's text cannot hold a lone surrogate, which a client may send.
    return [
        value.encode("utf-8", "backslashreplace").decode()
        if isinstance(value, str) and not value.isascii()
        else value
        for value in values
    ]
