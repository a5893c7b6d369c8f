"""SQLite's statements by name, and what runs some of them together."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from optilocal.emulator.journal.limits import SLICE
from optilocal.emulator.journal.records import FILTERS, Query
from optilocal.emulator.journal.store import Row, statements
from optilocal.emulator.json_text import storable

STATEMENTS: Mapping[str, str] = statements("sqlite")


def placeholders(count: int, width: int) -> str:
    """`(?,?),(?,?)`: so many rows of so many values."""
    return ",".join(["(" + ",".join("?" * width) + ")"] * count)


class Transaction:
    """Statements that hold together or not at all."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __call__(self, statement: str, /, **values: Any) -> list[Row]:
        """The rows of a named statement."""
        return [dict(row) for row in self._db.execute(STATEMENTS[statement], stored(values))]

    def changed(self, statement: str, /, **values: Any) -> int:
        """How many rows a named statement has changed."""
        return self._db.execute(STATEMENTS[statement], stored(values)).rowcount

    def many(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        """A named statement for many rows of values."""
        if rows:
            self._db.executemany(STATEMENTS[statement], rows)

    def insert(self, table: str, columns: str, rows: Sequence[Sequence[Any]]) -> None:
        """Insert rows in their order."""
        # One statement for all of them would be another one for each count of rows, and take 170 KB for 200 of them.
        values = placeholders(1, columns.count(",") + 1)
        self._db.executemany(f"INSERT INTO {table} ({columns}) VALUES {values}", rows)

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


def stored(values: Mapping[str, Any]) -> dict[str, Any]:
    # Ids come from whatever anybody sent, and are looked up as they were stored.
    return {name: storable(value) if isinstance(value, str) else value for name, value in values.items()}


def condition(listing: str, query: Query) -> tuple[str, list[str | int | None]]:
    """What makes a row one that is asked for, put together from pieces of the statements, and the values in it."""
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
