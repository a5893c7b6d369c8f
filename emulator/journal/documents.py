"""The documents of one namespace within one transaction, and what may hold traces of a visitor."""

from collections.abc import Callable, Mapping
from typing import Any

from optilocal.emulator.journal.store import Row, Transaction
from optilocal.emulator.json_text import dumps, loads


def read(doc: str) -> Any:
    """A document; None, as when there is none, for one that is damaged."""
    try:
        return loads(doc)
    except ValueError:
        return None


class Documents:
    """The documents of one namespace within one transaction."""

    def __init__(self, run: Transaction, namespace: str) -> None:
        self._run, self._namespace = run, namespace

    def get(self, kind: str, id: str = "") -> Any:
        """One document, or None."""
        rows = self._run("document", kind=kind, namespace=self._namespace, id=id)
        return read(rows[0]["doc"]) if rows else None

    def all(self, kind: str) -> list[Any]:
        """Every document of a kind, oldest first."""
        rows = self._run("documents", kind=kind, namespace=self._namespace)
        return [doc for row in rows if (doc := read(row["doc"])) is not None]

    def put(self, kind: str, doc: Any, id: str = "") -> None:
        """Store a document in the place of the one with the same id."""
        self._run("put document", kind=kind, namespace=self._namespace, id=id, doc=dumps(doc))

    def add(self, kind: str, make: Callable[[int], Any]) -> Any:
        """Store what `make` gives for the number that becomes the document's id; the document."""
        number = int(self._run("add document", kind=kind, namespace=self._namespace)[0]["number"])
        doc = make(number)
        self._run("fill document", number=number, doc=dumps(doc))
        return doc

    def delete(self, kind: str, id: str = "") -> None:
        """Forget a document."""
        self._run("delete document", kind=kind, namespace=self._namespace, id=id)

    def delete_where(self, kind: str, of: str) -> None:
        """Forget every document of a kind whose `of` is the one given."""
        for row in self._run("documents", kind=kind, namespace=self._namespace):
            if loads(row["doc"])["of"] == of:
                self.delete(kind, row["id"])


class Erasing:
    """What may hold traces of a visitor, in places `exchange`, `event`, `report` and `run`, read, and in a transaction
    rewritten.
    """

    def __init__(self, run: Callable[..., list[Row]], namespace: str, visitor: str) -> None:
        self._run = run
        self._key = {"namespace": namespace, "visitor_id": visitor}

    def suspects(self, place: str, after: int, limit: int) -> list[Row]:
        """Rows of a place by number, without the events and reports that are the visitor's own."""
        return self._run(f"{place}s after", **self._key, after=after, limit=limit)

    def suspect(self, place: str, number: int) -> Row | None:
        """One of them as it is now."""
        rows = self._run(f"{place} to erase", number=number)
        return rows[0] if rows else None

    def rewrite(self, place: str, number: int, values: Mapping[str, Any]) -> None:
        """Put new values in a row's columns."""
        self._run(f"erase {place}", **values, number=number)

    def drop_report(self, number: int) -> None:
        """Forget a report that is the visitor's own."""
        self._run("drop report", number=number)
