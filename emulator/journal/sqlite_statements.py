"""The statements of `sqlite.sql` by name, and what runs some of them together: a transaction, its documents, its traces."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from optilocal.emulator.journal.interface import Row
from optilocal.emulator.journal.limits import SLICE
from optilocal.emulator.journal.records import FILTERS, Query
from optilocal.emulator.json_text import dumps, loads, storable


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
        return [dict(row) for row in self._db.execute(STATEMENTS[statement], stored(values))]

    def changed(self, statement: str, /, **values: Any) -> int:
        """How many rows a named statement has changed."""
        return self._db.execute(STATEMENTS[statement], stored(values)).rowcount

    def many(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        """A named statement for many rows of values."""
        if rows:
            self._db.executemany(STATEMENTS[statement], rows)

    def insert(self, table: str, columns: str, rows: Sequence[Sequence[Any]]) -> int:
        """Insert rows in their order; the last one's number."""
        return insert(self._db, table, columns, rows)


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


class StoredDocuments:
    """The documents of one namespace within one transaction."""

    def __init__(self, run: Transaction, namespace: str) -> None:
        self._run, self._namespace = run, namespace

    def get(self, kind: str, id: str = "") -> Any:
        rows = self._run("document", kind=kind, namespace=self._namespace, id=id)
        return loads(rows[0]["doc"]) if rows else None

    def all(self, kind: str) -> list[Any]:
        return [loads(row["doc"]) for row in self._run("documents", kind=kind, namespace=self._namespace)]

    def put(self, kind: str, doc: Any, id: str = "") -> None:
        self._run("put document", kind=kind, namespace=self._namespace, id=id, doc=dumps(doc))

    def add(self, kind: str, make: Callable[[int], Any]) -> Any:
        number = int(self._run("add document", kind=kind, namespace=self._namespace)[0]["number"])
        doc = make(number)
        self._run("fill document", number=number, doc=dumps(doc))
        return doc

    def delete(self, kind: str, id: str = "") -> None:
        self._run("delete document", kind=kind, namespace=self._namespace, id=id)

    def delete_where(self, kind: str, of: str) -> None:
        self._run("delete documents of", kind=kind, namespace=self._namespace, of=of)


class StoredTraces:
    """What may hold traces of a visitor, read, and in a transaction rewritten."""

    def __init__(self, run: Callable[..., list[Row]], namespace: str, visitor: str) -> None:
        self._run = run
        self._key = {"namespace": namespace, "visitor_id": visitor}

    def suspects(self, place: str, after: int, limit: int) -> list[Row]:
        return self._run(f"{place}s after", **self._key, after=after, limit=limit)

    def suspect(self, place: str, number: int) -> Row | None:
        rows = self._run(f"{place} to erase", number=number)
        return rows[0] if rows else None

    def rewrite(self, place: str, number: int, values: Mapping[str, Any]) -> None:
        self._run(f"erase {place}", **values, number=number)

    def drop_report(self, number: int) -> None:
        self._run("drop report", number=number)


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
