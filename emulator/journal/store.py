"""What a database does for a journal: it runs statements by name, from .sql files."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from optilocal.emulator.journal.records import Ends, Query

Row = dict[str, Any]


class JournalError(Exception):
    """The journal cannot be used; the text is one line that says which one, why and what to do."""


class JournalBusyError(JournalError):
    """Another process is writing; ask again in some milliseconds."""


class JournalAwayError(JournalError):
    """The database is away, full or slow: nothing was kept; ask again in some seconds."""


def statements(database: str) -> dict[str, str]:
    """The statements of a database by name: those that all databases share, and its own. A comment before a name is not of
    the statement before it.
    """
    files = (Path(__file__).with_name(f"{name}.sql").read_text("utf-8") for name in ("statements", database))
    parts = (part.partition("\n") for text in files for part in text.split("-- name: ")[1:])
    return {name.strip(): re.sub(r"(\n--.*|\s)+$", "", text) for name, _, text in parts}


class Transaction(Protocol):
    """Statements that hold together or not at all."""

    def __call__(self, statement: str, /, **values: Any) -> list[Row]:
        """The rows of a named statement."""
        ...

    def changed(self, statement: str, /, **values: Any) -> int:
        """How many rows a named statement has changed."""
        ...

    def many(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        """A named statement for many rows of values."""
        ...

    def insert(self, table: str, columns: str, rows: Sequence[Sequence[Any]]) -> object:
        """Insert rows in their order."""
        ...

    def tell(self, namespace: str, *listings: str) -> None:
        """Have other processes hear, with the commit, that anything may have changed in these listings."""
        ...


class Store(Protocol):
    """One database. What fails raises JournalError."""

    def select(self, statement: str, /, **values: Any) -> list[Row]:
        """The rows of a named statement."""
        ...

    def value(self, statement: str, /, **values: Any) -> Any:
        """The first column of the first row of a named statement, None when there is no row."""
        ...

    def among(self, statement: str, keys: Collection[Sequence[Any]]) -> Iterator[Row]:
        """The rows of a statement that looks for some keys, at least one, in the place of which its text has `:keys`."""
        ...

    def rows(self, listing: str, query: Query) -> Iterable[Row]:
        """`Journal.rows`, whatever they come to: whoever asks stops reading."""
        ...

    def count(self, listing: str, query: Query, most: int) -> int:
        """`Journal.count`."""
        ...

    def ends(self, listing: str, namespace: str | None) -> Ends:
        """`Journal.ends`."""
        ...

    def writing(
        self,
        documents: str | None = None,
        *,
        rows: bool = True,
        patient: bool = True,
        again: bool = False,
    ) -> AbstractContextManager[Transaction]:
        """One transaction; it may change the `documents` of this namespace, and `rows` of any. One that would be made
        `again` if a crash of the database lost it need not be on the disk when it ends.

        Raises JournalBusyError as `Journal.append` does.
        """
        ...

    def append(self, table: str, columns: str, rows: Sequence[Sequence[Any]], *, patient: bool) -> int:
        """Insert rows in one commit; the last one's number. Raises JournalBusyError as `Journal.append` does."""
        ...
