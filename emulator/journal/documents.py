"""Settings and small things kept as JSON documents by kind, namespace and id: datafiles, faults, clock, requests."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from optilocal.emulator.json_text import dumps, loads

Run = Callable[..., list[dict[str, Any]]]


class Documents(ABC):
    """The part of the journal that keeps documents.

    `changes` differs after documents or namespaces were changed through this object.
    """

    changes = 0

    @abstractmethod
    def select(self, statement: str, /, **values: Any) -> list[dict[str, Any]]:
        """The rows of a named statement."""

    @abstractmethod
    def transaction(self) -> AbstractContextManager[Run]:
        """`run(statement, **values)` for named statements that must hold together or not at all."""

    def document(self, kind: str, namespace: str, id: str = "") -> Any:
        """One document, or None."""
        rows = self.select("document", kind=kind, namespace=namespace, id=id)
        return loads(rows[0]["doc"]) if rows else None

    def documents(self, kind: str, namespace: str | None) -> list[tuple[str, str, Any]]:
        """`(namespace, id, document)` of every document of a kind, oldest first; namespace None means every one."""
        name = "documents everywhere" if namespace is None else "documents"
        rows = self.select(name, kind=kind, namespace=namespace)
        return [(row["namespace"], row["id"], loads(row["doc"])) for row in rows]

    def documents_state(self, kind: str, namespace: str) -> tuple[int, int | None]:
        """Two numbers that differ whenever documents of this kind were added or deleted."""
        row = self.select("documents state", kind=kind, namespace=namespace)[0]
        return row["total"], row["newest"]

    def change_document(self, kind: str, namespace: str, change: Callable[[Any], Any], id: str = "") -> Any:
        """Put what `change` makes of a document (None when there is none) in its place, in one transaction.

        The new document; None deletes it.
        """
        key = {"kind": kind, "namespace": namespace, "id": id}
        with self.transaction() as run:
            run("add namespace", name=namespace)
            rows = run("document", **key)
            new = change(loads(rows[0]["doc"]) if rows else None)
            if new is None:
                run("delete documents", **key)
            else:
                run("put document", **key, doc=dumps(new))
        self.changes += 1
        return new

    def add_document(self, kind: str, namespace: str, make: Callable[[int], Any]) -> Any:
        """Store what `make` gives for the number that becomes the document's id; the document."""
        with self.transaction() as run:
            run("add namespace", name=namespace)
            number = int(run("add document", kind=kind, namespace=namespace)[0]["number"])
            doc = make(number)
            run("fill document", number=number, doc=dumps(doc))
            return doc

    def delete_documents(self, kind: str, namespace: str, *, of: str) -> None:
        """Delete every document of a kind whose `of` is the one given."""
        with self.transaction() as run:
            run("delete documents of", kind=kind, namespace=namespace, of=of)
