"""A journal's statements in PostgreSQL: by name; who may write when, and what the others hear."""

import contextlib
import re
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from optilocal.emulator.journal.records import FILTERS, Ends, Query
from optilocal.emulator.journal.store import JournalAwayError, JournalError, Row, statements
from optilocal.emulator.json_text import dumps, loads, storable
from optilocal.serving.postgresql import Database, Made

PROGRAM, SCHEMA = "optilocal's emulator", "optilocal_journal"

# Second halves of the advisory locks: who captures, who writes anything else, who projects. Numbers are given out, and
# commits made, in one order because each kind of row has one writer at a time.
CAPTURE, WRITE, LEAD = 2, 3, 4

# NUL, which PostgreSQL's texts cannot hold, and the character that stands for it.
_NUL, _MARK = "\0", "\x1a"
_TYPES = {
    **dict.fromkeys(
        ("namespace", "surface", "method", "head", "kind", "doc", "outcome", "attributed"), "text"
    ),
    **dict.fromkeys(("number", "at", "exchange", "duplicate_of", "event"), "int8"),
    "status": "int4",
    "counts": "bool",
    "body": "bytea",
    "judged": "int2",
}
"""The columns that are written many rows at once; all others are ids, VARCHAR."""


def _marked(text: str) -> str:
    """A statement with psycopg's marks for values. Lists, `:k1` and so on, are sent in binary: psycopg takes ten times as
    long for them as text, and seventy times with quotes in them.
    """
    lists = re.sub(r":(k\d)\b", r"%(\1)b", text.replace("%", "%%"))
    return re.sub(r":([a-z]\w*)", r"%(\1)s", lists).replace("?", "%s")


# With psycopg's marks for values.
STATEMENTS: Mapping[str, str] = {name: _marked(text) for name, text in statements("postgresql").items()}

# What turns a schema of version 1 into one of version 2, and so on, in the order of the file.
MIGRATIONS = tuple(text for name, text in STATEMENTS.items() if name.startswith("migration "))


def spelt(value: Any) -> Any:
    """A value as it is kept: of a text NUL is spelt otherwise, and half a surrogate pair replaced."""
    if not isinstance(value, str):
        return value
    kept = storable(value) or ""
    if _NUL in kept or _MARK in kept:
        kept = kept.replace(_MARK, f"{_MARK}1").replace(_NUL, f"{_MARK}0")
    return kept


def read(data: Any) -> str:
    """The text that was kept."""
    text = bytes(data).decode()
    return text.replace(f"{_MARK}0", _NUL).replace(f"{_MARK}1", _MARK) if _MARK in text else text


def adapt(db: Any) -> None:
    """Have a connection read ids as they were before they were spelt for PostgreSQL, and rows as dicts."""
    from psycopg.adapt import Loader  # noqa: PLC0415 - only who keeps a journal in PostgreSQL has it
    from psycopg.rows import dict_row  # noqa: PLC0415

    class Id(Loader):
        def load(self, data: Any) -> str:
            return read(data)

    db.adapters.register_loader("varchar", Id)
    db.row_factory = dict_row


class PostgresqlTransaction:
    """Statements that hold together or not at all; those without an answer go out with the next that has one."""

    def __init__(self, db: Any, wait: Callable[[], None]) -> None:
        self._db, self._wait = db, wait
        self.news: dict[str, set[str]] = {}

    def __call__(self, statement: str, /, **values: Any) -> list[Row]:
        """The rows of a named statement."""
        sql = STATEMENTS[statement]
        found = self._db.execute(sql, _spelt(values))
        return found.fetchall() if sql.startswith("SELECT") or sql.endswith("RETURNING number") else []

    def changed(self, statement: str, /, **values: Any) -> int:
        """How many rows a named statement has changed."""
        found = self._db.execute(STATEMENTS[statement], _spelt(values))
        self._wait()
        return int(found.rowcount)

    def many(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        """A named statement for many rows of values."""
        if rows:
            self._db.execute(STATEMENTS[statement], _columns(rows))

    def insert(self, table: str, columns: str, rows: Sequence[Sequence[Any]]) -> None:
        """Insert rows in their order."""
        if not rows:
            return
        lists = ", ".join(f"CAST(%b AS {_TYPES.get(name, 'varchar')}[])" for name in columns.split(", "))
        self._db.execute(
            f"INSERT INTO {table} ({columns}) SELECT * FROM unnest({lists})", list(_columns(rows).values())
        )

    def tell(self, namespace: str, *listings: str) -> None:
        """Have everybody else hear, with the commit, that these listings have changed."""
        self.news.setdefault(namespace, set()).update(listings)


def _spelt(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: spelt(value) for name, value in values.items()}


def _columns(rows: Collection[Sequence[Any]]) -> dict[str, list[Any]]:
    """Rows as a list for each column, `k1`, `k2`, …"""
    return {
        f"k{place}": [spelt(value) for value in column]
        for place, column in enumerate(zip(*rows, strict=True), 1)
    }


def condition(listing: str, query: Query) -> tuple[str, list[Any]]:
    """What makes a row one that is asked for, put together from pieces of the statements, and the values in it."""
    parts, values = ["TRUE"], list[Any]()
    if query.namespace is not None:
        parts.append(STATEMENTS["part of namespace"])
        values.append(query.namespace)
    for name, value in query.filters.items():
        assert name in FILTERS[listing]
        piece = STATEMENTS[f"filter {listing} {name}"]
        parts.append(piece)
        given: Any = spelt(value)
        if name == "experiment":
            # Of verdicts it is a text of JSON that is looked through.
            names = loads(value)
            names = names if isinstance(names, list) else [value]
            given = [dumps(each) if listing == "verdicts" else spelt(each) for each in names]
        elif name == "exchange" or (name == "status" and listing != "runs"):
            given = int(value) if value.isascii() and value.isdigit() and len(value) < 19 else -1
        values += [given] * piece.count("%s")
    if query.text:
        parts.append(STATEMENTS[f"search {listing}"])
        found = _pattern(spelt(query.text))
        if listing == "exchanges":
            values += [found, _pattern(_escaped(query.text))]
        else:
            values += [found] * parts[-1].count("%s")
    if query.after is not None:
        parts.append(STATEMENTS["part before" if query.newest else "part after"])
        values.append(query.after)
    return " AND ".join(parts), values


def _pattern(text: str) -> str:
    return "%" + "".join("\\" + c if c in "%_\\" else c for c in text) + "%"


def _escaped(text: str) -> str:
    """A text's bytes as `encode(bytes, 'escape')` shows them."""
    shown = {0: "\\000", 0x5C: "\\\\"}
    return "".join(
        shown.get(byte) or (chr(byte) if byte < 0x80 else f"\\{byte:03o}")
        for byte in (storable(text) or "").encode()
    )


class PostgresqlStore:
    """The schema of a journal in the database at `url`. `name` is this process's in what others hear.

    Raises JournalError, one line, for a database that cannot be used, JournalAwayError for one that may be later.
    """

    def __init__(self, url: str, name: str) -> None:
        self.database = Database(
            url,
            Made(PROGRAM, STATEMENTS["schema"], MIGRATIONS),
            what="journal",
            schema=SCHEMA,
            failed=JournalError,
            away=JournalAwayError,
            adapt=adapt,
        )
        self.name = name
        self.channel = self.database.schema
        self.leads = False
        """Whether this process is the one that projects: nobody else has to hear of what it captures."""

    def select(self, statement: str, /, **values: Any) -> list[Row]:
        """The rows of a named statement."""
        with self.database.connection() as db:
            return db.execute(STATEMENTS[statement], _spelt(values)).fetchall()

    def value(self, statement: str, /, **values: Any) -> Any:
        """The first column of the first row of a named statement, None when there is no row."""
        rows = self.select(statement, **values)
        return next(iter(rows[0].values())) if rows else None

    def among(self, statement: str, keys: Collection[Sequence[Any]]) -> Iterator[Row]:
        """The rows of a statement that looks for some keys."""
        with self.database.connection() as db:
            return iter(db.execute(STATEMENTS[statement], _columns(keys)).fetchall())

    def rows(self, listing: str, query: Query) -> Iterator[Row]:
        """The rows that match, in order of their numbers (downwards when `newest`), read one by one."""
        where, values = condition(listing, query)
        order = "DESC" if query.newest else "ASC"
        sql = f"SELECT {STATEMENTS[f'columns {listing}']} FROM {listing} WHERE {where} ORDER BY number {order} LIMIT %s"
        with self.database.connection() as db, db.cursor() as cursor:
            yield from cursor.stream(sql, [*values, query.limit])

    def count(self, listing: str, query: Query, most: int) -> int:
        """How many rows match, counted no further than `most`."""
        where, values = condition(listing, query)
        sql = f"SELECT COUNT(*) FROM (SELECT 1 FROM {listing} WHERE {where} LIMIT %s) AS matching"
        with self.database.connection() as db:
            return int(db.execute(sql, [*values, most]).fetchall()[0]["count"])

    def ends(self, listing: str, namespace: str | None) -> Ends:
        """The number of the newest row there is, 0 when there is none, and how many the bound has cost."""
        where, values = condition(listing, Query(namespace))
        newest = f"SELECT COALESCE(MAX(number), 0) FROM {listing} WHERE {where}"
        dropped = (
            f"SELECT CAST(COALESCE(SUM(total), 0) AS BIGINT) FROM dropped WHERE {where} AND listing = %s"
        )
        sql = f"SELECT ({newest}) AS last, ({dropped}) AS dropped"
        with self.database.connection() as db:
            return Ends(**db.execute(sql, [*values, *values, listing]).fetchall()[0])

    @contextlib.contextmanager
    def writing(
        self,
        documents: str | None = None,
        *,
        rows: bool = True,
        patient: bool = True,  # noqa: ARG002 - nobody asks a database on the server's loop
        again: bool = False,
    ) -> Iterator[PostgresqlTransaction]:
        """One transaction, while nobody else writes `rows`, and while nobody else changes this namespace's `documents`."""
        own = [] if documents is None else [16 + zlib.crc32(documents.encode()) % 2**30]
        locks = [*([WRITE] if rows else []), *own]
        with self.database.pipelined(*locks, durable=not again) as (db, wait):
            run = PostgresqlTransaction(db, wait)
            yield run
            for space, listings in run.news.items():
                told = " ".join((self.name, space, *sorted(listings)))
                db.execute("SELECT pg_notify(%s, %s)", (self.channel, told))

    def append(
        self,
        table: str,
        columns: str,
        rows: Sequence[Sequence[Any]],
        *,
        patient: bool,  # noqa: ARG002 - the lock is held for one commit at a time
    ) -> int:
        """Insert rows in one commit, and tell whoever projects; the last one's number."""
        with self.database.pipelined(CAPTURE) as (db, wait):
            PostgresqlTransaction(db, wait).insert(table, columns, rows)
            if not self.leads:
                db.execute("SELECT pg_notify(%s, %s)", (self.channel, self.name))
            last = db.execute("SELECT lastval() AS last")
        return int(last.fetchall()[0]["last"])
