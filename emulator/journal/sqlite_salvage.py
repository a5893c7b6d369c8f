"""A damaged journal mended: what can be read of it goes into a new file in its place, and the damaged one is set aside."""

import contextlib
import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from optilocal.emulator.journal.interface import JournalError
from optilocal.serving.database_pages import Row, Value, read_rows, told

# What people and programs have put in, by table: its columns, of which the first is the row's own number, what they may
# hold, and what a row is called. All else is worked out anew from it.
_KEPT = {
    "exchanges": (
        "number, namespace, surface, method, status, at, counts, head, body",
        (None, str, str, str, (int, None), int, int, str, bytes),
        "request",
    ),
    "documents": ("number, namespace, kind, id, doc", (None, str, str, (str, None), str), "document"),
    "verdicts": (
        "number, namespace, delivery_id, kind, message_id, uuid, visitor_id, user_id, anonymous_id, event_key, timestamp,"
        " sent, waits, version, event, delivery, judged, outcome, attributed",
        (
            *(
                None,
                str,
                str,
                str,
                (str, None),
                (str, None),
                (str, None),
                (str, None),
                (str, None),
                (str, None),
            ),
            *((str, None), int, int, int, (int, None), str, int, (str, None), (str, None)),
        ),
        "report",
    ),
    "runs": ("number, namespace, id, status, summary, doc", (None, str, str, (str, None), str, str), "run"),
}


def salvage(path: Path, make: Callable[[Path], sqlite3.Connection]) -> str:
    """Put a new journal in the place of a damaged one; what was done, in one line. `make` makes an empty journal.

    Raises JournalError, and changes nothing, when another process uses the journal.
    """
    file = os.open(path, os.O_RDWR)
    # Never closed: that would take the locks of this process's own connections away.
    _claim(file, path)
    log = _beside(path, "-wal")
    new = _beside(path, ".new")
    for left in (new, _beside(new, "-wal"), _beside(new, "-shm")):
        left.unlink(missing_ok=True)
    db = make(new)
    try:
        read = _fill(db, read_rows(file, log))
    finally:
        db.close()
    aside = _free_name(path)
    path.rename(aside)
    for ending in ("-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            _beside(path, ending).rename(_beside(aside, ending))
    new.rename(path)
    return f"the journal {path} was damaged: {told(read)} could be read and go on; the damaged file is kept as {aside}"


def _claim(file: int, path: Path) -> None:
    try:
        import fcntl  # noqa: PLC0415 - there is none for Windows
    except ImportError:
        return
    try:
        # Every connection holds a lock of these bytes as long as it is open (https://www.sqlite.org/lockingv3.html).
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 510, 0x40000002)
    except OSError:
        raise JournalError(
            f"the journal {path} is damaged, and another process uses it; stop all of them and start one: it keeps what"
            " can be read"
        ) from None


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def _free_name(path: Path) -> Path:
    number = 1
    while (found := _beside(path, ".damaged" + (f"-{number}" if number > 1 else ""))).exists():
        number += 1
    return found


def _fill(db: sqlite3.Connection, rows: Iterator[Row]) -> Counter[str]:
    """Put the rows that are somebody's in; how many of each kind."""
    read: Counter[str] = Counter()
    db.execute("BEGIN")
    for row in rows:
        for table, (columns, shape, name) in _KEPT.items():
            if _fits(row.values, shape):
                values = _as_new(table, row)
                marks = ",".join("?" * len(values))
                sql = f"INSERT OR REPLACE INTO {table} ({columns}) VALUES ({marks})"
                db.execute(sql, values)
                db.execute("INSERT OR IGNORE INTO namespaces (name) VALUES (?)", values[1:2])
                read[name] += 1
    db.execute("COMMIT")
    return read


def _fits(values: Sequence[Value], shape: Sequence[object]) -> bool:
    return len(values) == len(shape) and all(map(_is, values, shape))


def _is(value: Value, wanted: object) -> bool:
    if wanted is None:
        return value is None
    if isinstance(wanted, tuple):
        return any(_is(value, one) for one in wanted)
    assert isinstance(wanted, type)
    return isinstance(value, wanted)


def _as_new(table: str, row: Row) -> list[Value]:
    values = [row.number, *row.values[1:]]
    if table == "verdicts":
        # It finds its conversion, and is judged, once the requests have been worked out.
        values[14], values[16], values[17], values[18] = None, 0, None, None
    return values
