"""What a transaction of named statements is for documents, and for whoever looks for traces of a visitor."""

from collections.abc import Callable, Mapping
from typing import Any

from optilocal.emulator.journal.interface import Row
from optilocal.emulator.journal.store import Transaction
from optilocal.emulator.json_text import dumps, loads


def read(doc: str) -> Any:
    """A document; None, as when there is none, for one that is damaged."""
    try:
        return loads(doc)
    except ValueError:
        return None


class StoredDocuments:
    """The documents of one namespace within one transaction."""

    def __init__(self, run: Transaction, namespace: str) -> None:
        self._run, self._namespace = run, namespace

    def get(self, kind: str, id: str = "") -> Any:
        rows = self._run("document", kind=kind, namespace=self._namespace, id=id)
        return read(rows[0]["doc"]) if rows else None

    def all(self, kind: str) -> list[Any]:
        rows = self._run("documents", kind=kind, namespace=self._namespace)
        return [doc for row in rows if (doc := read(row["doc"])) is not None]

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
        for row in self._run("documents", kind=kind, namespace=self._namespace):
            if loads(row["doc"])["of"] == of:
                self.delete(kind, row["id"])


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
