"""Repairs a damaged spool: its readable rows go into a new file in its place, and the damaged file is renamed."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from optilocal.forwarder.store.file import SCHEMA, SpoolError
from optilocal.serving.damaged_file import InUse, counted, fits, set_aside
from optilocal.serving.database_pages import Row, Value

_TEXT, _NUMBER = (str, None), (int, None)
# Table → its columns (the first is the row's number), the types of their values, and the noun for a row.
_KEPT = {
    "deliveries": (
        "number, namespace, id, message_id, type, outcome, regulation, due, state, report",
        (None, str, str, _TEXT, str, str, _TEXT, _NUMBER, str, str),
        "delivery",
    ),
    "suppressed": ("number, namespace, kind, subject, at", (None, str, str, str, int), "suppressed subject"),
    "regulations": ("number, namespace, id, record", (None, str, str, str), "regulation"),
    "configurations": ("namespace, record", (str, str), "configuration"),
}


def salvage(path: Path) -> str:
    """Replace a damaged spool by a new one; the report of it, one line.

    The new spool has the message ids of the readable deliveries. Raises SpoolError, and changes nothing, when another
    forwarder is using the spool. For this process's connections to the damaged file see `set_aside`.
    """
    read: Counter[str] = Counter()

    def fill(new: Path, rows: Iterator[Row]) -> None:
        new.touch(mode=0o600)
        with contextlib.closing(sqlite3.connect(new, isolation_level=None)) as db:
            db.executescript(f"BEGIN; {SCHEMA} COMMIT;")
            db.execute("BEGIN")
            for row in rows:
                _keep(db, row, read)
            db.execute("COMMIT")

    try:
        aside = set_aside(path, fill)
    except InUse:
        raise SpoolError(
            f"the spool {path} is in use by another forwarder; stop it or name another file"
        ) from None
    counts = counted(read).replace("deliverys", "deliveries")
    return (
        f"the spool {path} was damaged: {counts} could be read and go on; the damaged file is kept as {aside}"
    )


def _keep(db: sqlite3.Connection, row: Row, read: Counter[str]) -> None:
    for table, (columns, shape, name) in _KEPT.items():
        if fits(row.values, shape):
            values: list[Value] = (
                [*row.values] if table == "configurations" else [row.number, *row.values[1:]]
            )
            marks = ",".join("?" * len(values))
            db.execute(f"INSERT OR REPLACE INTO {table} ({columns}) VALUES ({marks})", values)
            read[name] += 1
            if table == "deliveries" and isinstance(values[3], str):
                _remember(db, values)


def _remember(db: sqlite3.Connection, values: list[Value]) -> None:
    """A delivery owns its message id from the time at which its event was received."""
    try:
        at = int(json.loads(str(values[9]))["received_at"])
    except (ValueError, KeyError, TypeError):
        return
    sql = """INSERT INTO message_ids VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE
             SET delivery = excluded.delivery, at = excluded.at WHERE excluded.at < at"""
    db.execute(sql, [values[1], values[3], values[2], at])
