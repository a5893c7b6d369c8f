"""A journal in one SQLite file, which several emulators on one machine may share."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from optilocal.emulator.journal.journal import Journal
from optilocal.emulator.journal.sqlite_store import SqliteStore


class SqliteJournal(Journal):
    """Everything an emulator keeps, in the file `path`; None means a temporary file that goes away with `close`.

    Raises JournalError, one line, for a file that is not a journal or cannot be written.
    """

    def __init__(
        self, path: Path | None = None, *, max_rows: int = 1_000_000, max_bytes: int | None = None
    ) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="optilocal-") if path is None else None
        self.path = Path(self._folder.name) / "journal.sqlite" if self._folder else Path(path or "")
        self._file = SqliteStore(self.path, temporary=self._folder is not None)
        super().__init__(self._file, max_rows=max_rows, max_bytes=max_bytes)

    def close(self) -> None:
        self.waiters.wake_all()
        self._file.close()
        if self._folder:
            self._folder.cleanup()

    def stand(self, captured: Callable[[], None]) -> None:
        """Every emulator on the file projects, whoever is faster."""

    def is_sound(self) -> bool:
        return self._file.is_sound()

    def look(self) -> str | None:
        if self._file.look():
            self.waiters.wake_all()
        said, self._file.said = self._file.said, None
        return said

    def empty_log(self) -> None:
        self._file.empty_log()

    def scrub(self) -> None:
        self._file.rewrite()
