"""A damaged journal mended: what can be read of it goes into a new file in its place, and the damaged one is set aside."""

import contextlib
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from optilocal.emulator.journal.store import JournalError
from optilocal.serving.damaged_file import InUse, counted, fits, set_aside
from optilocal.serving.database_pages import Row, Value

_TEXT = (str, None)
# What people and programs have put in, by table: its columns, of which the first is the row's own number, what they may
# hold, and what a row is called. All else is worked out anew from it.
_KEPT = {
    "exchanges": (
        "number, namespace, surface, method, status, at, counts, head, body",
        (None, str, str, str, (int, None), int, int, str, bytes),
        "request",
    ),
    "documents": ("number, namespace, kind, id, doc", (None, str, str, _TEXT, str), "document"),
    "verdicts": (
        "number, namespace, delivery_id, kind, message_id, uuid, visitor_id, user_id, anonymous_id, event_key, timestamp,"
        " sent, waits, version, event, delivery, judged, outcome, attributed",
        (None, str, str, str, *[_TEXT] * 7, int, int, int, (int, None), str, int, _TEXT, _TEXT),
        "report",
    ),
    "runs": ("number, namespace, id, status, summary, doc", (None, str, str, _TEXT, str, str), "run"),
}


def salvage(path: Path, make: Callable[[Path], sqlite3.Connection]) -> str:
    """Put a new journal in the place of a damaged one; what was done, in one line. `make` makes an empty journal.

    Raises JournalError, and changes nothing, when another process uses the journal. Of this process's connections to the
    damaged file see `set_aside`.
    """
    read: Counter[str] = Counter()

    def fill(new: Path, rows: Iterator[Row]) -> None:
        with contextlib.closing(make(new)) as db:
            db.execute("BEGIN")
            for row in rows:
                _keep(db, row, read)
            db.execute("COMMIT")

    try:
        aside = set_aside(path, fill)
    except InUse:
        raise JournalError(
            f"the journal {path} is damaged, and another process uses it; stop all of them and start one: it keeps what"
            " can be read"
        ) from None
    return f"the journal {path} was damaged: {counted(read)} could be read and go on; the damaged file is kept as {aside}"


def _keep(db: sqlite3.Connection, row: Row, read: Counter[str]) -> None:
    """Put a row in that is somebody's."""
    for table, (columns, shape, name) in _KEPT.items():
        if fits(row.values, shape):
            values: list[Value] = [row.number, *row.values[1:]]
            if table == "verdicts":
                # It finds its conversion, and is judged, once the requests have been worked out.
                values[14], values[16], values[17], values[18] = None, 0, None, None
            marks = ",".join("?" * len(values))
            db.execute(f"INSERT OR REPLACE INTO {table} ({columns}) VALUES ({marks})", values)
            db.execute("INSERT OR IGNORE INTO namespaces (name) VALUES (?)", values[1:2])
            read[name] += 1
