"""Opens the spool's connection; creates a missing file and repairs a damaged one."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from optilocal.forwarder.store.file import SCHEMA, SpoolError, check_spool_file
from optilocal.forwarder.store.sqlite_salvage import salvage
from optilocal.serving.database_pages import log_end
from optilocal.serving.log import log

# Connections to files that were damaged and set aside, which must never be closed: see `set_aside`.
_LEFT_OPEN: list[sqlite3.Connection] = []


def connected(path: Path, *, temporary: bool) -> sqlite3.Connection:
    """An exclusive connection; a repair is reported on stderr. Raises SpoolError."""
    if not check_spool_file(path):
        _tell(salvage(path))
    try:
        # The file has events of users and the destination's token, so this user alone may read it.
        path.touch(mode=0o600)
        ends = log_end(path.with_name(f"{path.name}-wal"))
        db = _connect(path)
        try:
            sound = _set_up(db, temporary) and (ends is None or ends.frames <= _log_frames(db))
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
            sound = False
        return db if sound else mend(db, path, temporary=temporary)
    except OSError as error:
        why = f"the spool {path} cannot be written: {error.strerror}; name another file"
        raise SpoolError(why) from None
    except sqlite3.Error as error:
        if "locked" in str(error):
            why = f"the spool {path} is in use by another forwarder; stop it or name another file"
        else:
            why = f"the spool {path} cannot be written: {error}; name another file"
        raise SpoolError(why) from None


def mend(db: sqlite3.Connection, path: Path, *, temporary: bool) -> sqlite3.Connection:
    """A connection to the readable rows of a damaged spool."""
    _tell(salvage(path))
    _LEFT_OPEN.append(db)
    new = _connect(path)
    _set_up(new, temporary)
    return new


def is_damage(error: sqlite3.Error) -> bool:
    """Whether SQLite's error is a damaged page."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _tell(message: str) -> None:
    log("forwarder", message, "error")


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=0.2)
    # A damaged text must not prevent that other rows are read.
    db.text_factory = lambda raw: raw.decode("utf-8", "replace")
    # One forwarder for a file: two would each send everything. A killed process leaves no lock.
    db.execute("PRAGMA locking_mode = EXCLUSIVE")
    return db


def _set_up(db: sqlite3.Connection, temporary: bool) -> bool:
    """Create the spool in a new file; False for a damaged file."""
    # A temporary file need not survive a crash of the machine.
    db.execute(f"PRAGMA synchronous = {'OFF' if temporary else 'NORMAL'}")
    db.execute("BEGIN IMMEDIATE")
    is_new = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
    db.execute("COMMIT")
    if is_new:
        # Before the write-ahead log is on, so that the file itself has the application's id from the start.
        db.executescript(f"BEGIN; {SCHEMA} COMMIT;")
    elif db.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
        return False
    db.execute("PRAGMA journal_mode = WAL")
    # Every event changes the same few index pages, so they are written back four times less often; the log has 16 MB.
    db.execute("PRAGMA wal_autocheckpoint = 4000")
    return True


def _log_frames(db: sqlite3.Connection) -> int:
    """The number of valid frames of the log, for SQLite."""
    return int(db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[1])
