"""What every journal does, whatever it is kept in: the durable store of one or several emulators.

Exchanges are the log: what an emulator has answered stands there. A projector turns them, in the order they were
committed, into events, verdicts and counts, and writes these with `project`. Everything else that is kept is a document.

Several threads may use one journal, and several processes one store. Numbers of each listing grow in the order of commits.
Texts may hold any character, NUL included. Rows that are handed out are dicts of plain values. What fails raises
JournalError.
"""

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from optilocal.emulator.journal.bounds import drop
from optilocal.emulator.journal.documents import Documents, Erasing, read
from optilocal.emulator.journal.projected import OUTCOMES, ProjectedRows
from optilocal.emulator.journal.records import LISTINGS, Ends, Exchange, Query, Report
from optilocal.emulator.journal.store import Row, Transaction
from optilocal.emulator.json_text import dumps

T = TypeVar("T")
_EXCHANGE = ", ".join(Exchange._fields)


class Journal(ProjectedRows, ABC):
    """One emulator's access to a store, which runs statements by name."""

    is_remote = False
    """Whether a commit waits for a network: then it is not made on the server's loop."""

    # -- lifetime

    @abstractmethod
    def close(self) -> None:
        """Let every waiter go and leave the store; as often as one likes."""

    @abstractmethod
    def is_sound(self) -> bool:
        """Whether the store is undamaged; all of it is read."""

    @abstractmethod
    def look(self) -> str | None:
        """Notice what other processes have written, and wake whoever waits for it; called about twice a second.

        What was damaged and is mended is told in one line. Raises JournalError when the store has gone.
        """

    # -- namespaces

    def knows_namespace(self, name: str) -> bool:
        """Whether the namespace has come into being."""
        return self._store.value("namespace exists", name=name) is not None

    def add_namespace(self, name: str) -> None:
        """Let a namespace come into being."""
        with self._store.writing() as run:
            run("add namespace", name=name)

    def namespace_count(self) -> int:
        return int(self._store.value("namespace count"))

    def namespaces(self) -> list[Row]:
        """`{"name", "events", "verdicts", "dropped", "last_at"}` of every namespace, by name."""
        return self._store.select("namespaces")

    def reset(self, namespace: str, kinds: Sequence[str]) -> None:
        """Forget what was captured and reported, the documents of these kinds, and the namespace if nothing is left.

        Numbers go on.
        """
        with self._store.writing(namespace) as run:
            run("add namespace", name=namespace)
            for listing in LISTINGS:
                run(f"forget {listing}", namespace=namespace)
            for name in ("visitors", "totals", "dropped"):
                run(f"forget {name}", namespace=namespace)
            for kind in kinds:
                run("delete documents", kind=kind, namespace=namespace)
            run("forget empty namespace", namespace=namespace)
            run("next epoch")
            run.tell(namespace, *LISTINGS)
        self.waiters.wake(namespace, *LISTINGS)

    # -- documents

    def document(self, kind: str, namespace: str, id: str = "") -> Any:
        """One document, or None."""
        text = self._store.value("document", kind=kind, namespace=namespace, id=id)
        return None if text is None else read(text)

    def documents(self, kind: str, namespace: str | None) -> list[tuple[str, str, Any]]:
        """`(namespace, id, document)` of every document of a kind, oldest first; namespace None means every one."""
        name = "documents everywhere" if namespace is None else "documents"
        rows = self._store.select(name, kind=kind, namespace=namespace)
        found = ((row["namespace"], row["id"], read(row["doc"])) for row in rows)
        return [each for each in found if each[2] is not None]

    def documents_state(self, kind: str, namespace: str) -> tuple[int, int | None]:
        """Two numbers that differ whenever documents of this kind were added or deleted."""
        row = self._store.select("documents state", kind=kind, namespace=namespace)[0]
        return row["total"], row["newest"]

    def settings(self, namespace: str, kinds: Sequence[str]) -> list[Any]:
        """In one look, the document of each kind that has no id, or None."""
        rows = self._store.select("settings", namespace=namespace, kinds=dumps(kinds))
        known = {row["kind"]: read(row["doc"]) for row in rows}
        return [known.get(kind) for kind in kinds]

    def transact(
        self,
        namespace: str,
        change: Callable[[Documents], T],
        *,
        restates: bool = False,
        patient: bool = True,
    ) -> T:
        """Change documents of a namespace together or not at all; what `change` returns. It may be called again when
        another process was faster. With `restates` every verdict and count of the namespace is worked out anew. The empty
        name is that of no namespace: the journal's own documents. Raises JournalBusyError as `append` does.
        """
        with self._store.writing(namespace, rows=restates, patient=patient) as run:
            if namespace:
                run("add namespace", name=namespace)
            found = change(Documents(run, namespace))
            if restates:
                _restate(run, namespace)
                run.tell(namespace, *OUTCOMES)
        if restates:
            self.waiters.wake(namespace, *OUTCOMES)
        return found

    def change_document(
        self, kind: str, namespace: str, change: Callable[[Any], Any], id: str = "", *, patient: bool = True
    ) -> Any:
        """Put what `change` makes of a document (None when there is none) in its place; None deletes it."""

        def changed(documents: Documents) -> Any:
            new = change(documents.get(kind, id))
            if new is None:
                documents.delete(kind, id)
            else:
                documents.put(kind, new, id)
            return new

        return self.transact(namespace, changed, patient=patient)

    def add_document(self, kind: str, namespace: str, make: Callable[[int], Any]) -> Any:
        """Store what `make` gives for the number that becomes the document's id; the document."""
        return self.transact(namespace, lambda documents: documents.add(kind, make))

    # -- what arrives

    def append(self, exchanges: Sequence[Exchange], *, patient: bool = True) -> int:
        """Store exchanges in one commit, durably, in their order; the number of the last. Their namespaces are known.

        Raises JournalBusyError when that would have to wait for another process and the caller is not `patient`.
        """
        return self._store.append("exchanges", _EXCHANGE, exchanges, patient=patient)

    def put_report(self, namespace: str, report: Report) -> int:
        """Store a report, in the place of the one with the same id; its number, which is its verdict's."""
        values = {**report._asdict(), "namespace": namespace}
        with self._store.writing() as run:
            run("add namespace", name=namespace)
            old = run("report", **values)
            if old:
                number = int(old[0]["number"])
                run("replace report", **values, number=number)
            else:
                run("add report", **values)
                number = int(run("last number")[0]["number"])
            if report.uuid:
                run("unjudge uuid", **values)
                run("unjudge conversions of uuid", **values)
            run.tell(namespace, *OUTCOMES)
        self._bounds.added("verdicts", 1)
        self.waiters.wake(namespace, *OUTCOMES)
        return number

    def put_run(self, namespace: str, id: str, status: str | None, summary: str, doc: str) -> None:
        """Store a run, in the place of the one with the same id; it counts as new either way."""
        values = {"namespace": namespace, "id": id, "status": status, "summary": summary, "doc": doc}
        with self._store.writing() as run:
            run("add namespace", name=namespace)
            run("delete run", **values)
            run("put run", **values)
            self._bounds.added("runs", 1)
            for listing, cutoff in self._bounds.excess("runs").items():
                drop(run, listing, cutoff)
            run.tell(namespace, "runs")
        self.waiters.wake(namespace, "runs")

    def run(self, namespace: str, id: str) -> Any:
        """One whole run, or None."""
        text = self._store.value("run", namespace=namespace, id=id)
        return read(text) if text else None

    # -- listings

    def rows(self, listing: str, query: Query) -> list[Row]:
        """The rows that match, in order of their numbers (downwards when `newest`), as they are stored.

        There are fewer than `limit` where the texts and bytes of those before came to `most_bytes`.
        """
        rows: list[Row] = []
        size = 0
        for row in self._store.rows(listing, query):
            rows.append(row)
            size += sum(len(value) for value in row.values() if isinstance(value, str | bytes))
            if size >= query.most_bytes:
                break
        return rows

    def count(self, listing: str, query: Query, most: int) -> int:
        """How many rows match, counted no further than `most`."""
        return self._store.count(listing, query, most)

    def verdict_counts(self, namespace: str) -> list[Row]:
        """How many judged verdicts on events there are of each kind: `{"event_key", "outcome", "attributed", "received",
        "total"}`, where `received` says whether Optimizely has the conversion.
        """
        return self._store.select("verdict counts", namespace=namespace)

    def outcome_counts(self) -> dict[str, int]:
        """How many judged verdicts there are of each outcome, in all namespaces."""
        return {row["outcome"]: row["total"] for row in self._store.select("outcome counts")}

    def ends(self, listing: str, namespace: str | None) -> Ends:
        """What a listing has beyond any page of it."""
        return self._store.ends(listing, namespace)

    # -- who projects

    @abstractmethod
    def stand(self, captured: Callable[[], None]) -> None:
        """Be the one that projects from now on, when nobody else is; `captured` is called when another process has brought
        something to project.
        """

    def leads(self) -> bool:
        """Whether this process is the one that projects."""
        return True

    def projected_elsewhere(self, until: int) -> bool:  # noqa: ARG002 - what projects in the same process has no need
        """Wait while another process projects; whether it is through with all exchanges up to the one given, and nothing
        waits to be judged. False at once when this process has to do it. Raises JournalError.
        """
        return False

    # -- privacy

    def knows_visitor(self, namespace: str, visitor: str) -> bool:
        return self._store.value("visitor known", namespace=namespace, visitor_id=visitor) is not None

    def all_of_visitor(self, namespace: str, visitor: str) -> tuple[list[Row], list[Row]]:
        """A visitor's events and verdicts, duplicates included."""
        key = {"namespace": namespace, "visitor_id": visitor}
        return (
            self._store.select("all events of visitor", **key),
            self._store.select("all verdicts of visitor", **key),
        )

    def tracing(self, namespace: str, visitor: str) -> Erasing:
        """For looking through what may hold traces of a visitor, without holding anybody up."""
        return Erasing(self._store.select, namespace, visitor)

    @contextlib.contextmanager
    def erasing(self, namespace: str, visitor: str) -> Iterator[tuple[Erasing, int, int]]:
        """One transaction in which the visitor's own events and reports are gone: how many of each there were, and what
        rewrites the rest. The namespace is judged and counted anew after it.
        """
        key = {"namespace": namespace, "visitor_id": visitor}
        with self._store.writing() as run:
            counts = [
                next(iter(run(f"count {what} to erase", **key)[0].values())) for what in ("events", "reports")
            ]
            for name in ("erase verdicts", "erase events", "erase visitor"):
                run(name, **key)
            yield Erasing(run, namespace, visitor), counts[0], counts[1]
            _restate(run, namespace)
            run.tell(namespace, *OUTCOMES)

    @abstractmethod
    def empty_log(self) -> None:
        """Make sure that nothing keeps `scrub` from its work. Raises JournalError while somebody does."""

    @abstractmethod
    def scrub(self) -> None:
        """Leave nothing behind of what is erased. Raises JournalError while somebody keeps reading what has to go."""


def _restate(run: Transaction, namespace: str) -> None:
    """Have all that is counted and judged in a namespace counted and judged anew."""
    for name in ("restate visitors", "restate verdicts", "forget totals"):
        run(name, namespace=namespace)
    run("next epoch")


def open_journal(
    where: Path | str | None, *, max_rows: int = 1_000_000, max_bytes: int | None = None
) -> Journal:
    """The journal in a file, in a temporary one for None, or in PostgreSQL at `postgresql://…`. Raises JournalError."""
    if isinstance(where, str):
        from optilocal.emulator.journal.postgresql import PostgresqlJournal  # noqa: PLC0415 - slow to import

        return PostgresqlJournal(where, max_rows=max_rows, max_bytes=max_bytes)
    from optilocal.emulator.journal.sqlite import SqliteJournal  # noqa: PLC0415 - who shares a database has no need of it

    return SqliteJournal(where, max_rows=max_rows, max_bytes=max_bytes)
