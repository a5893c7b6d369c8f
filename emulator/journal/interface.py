"""What every journal does, whatever it is kept in: the durable store of one or several emulators.

Exchanges are the log: what an emulator has answered stands there. A projector turns them, in the order they were
committed, into events, verdicts and counts, and writes these with `project`. Everything else that is kept is a document.

Several threads may use one journal, and several processes one store. Numbers of each listing grow in the order of commits.
Texts may hold any character, NUL included. Rows that are handed out are dicts of plain values. What fails raises
JournalError.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

from optilocal.emulator.journal.records import (
    Ends,
    Exchange,
    Pending,
    Position,
    Query,
    Report,
    Standing,
    Step,
)
from optilocal.emulator.journal.waiters import Waiters

Row = dict[str, Any]
T = TypeVar("T")


class JournalError(Exception):
    """The journal cannot be used; the text is one line that says which one, why and what to do."""


class JournalBusyError(JournalError):
    """Another process is writing; ask again in some milliseconds."""


class JournalAwayError(JournalError):
    """The database is away, full or slow: nothing was kept; ask again in some seconds."""


class Documents(Protocol):
    """The documents of one namespace within one transaction."""

    def get(self, kind: str, id: str = "") -> Any:
        """One document, or None."""
        ...

    def all(self, kind: str) -> list[Any]:
        """Every document of a kind, oldest first."""
        ...

    def put(self, kind: str, doc: Any, id: str = "") -> None:
        """Store a document in the place of the one with the same id."""
        ...

    def add(self, kind: str, make: Callable[[int], Any]) -> Any:
        """Store what `make` gives for the number that becomes the document's id; the document."""
        ...

    def delete(self, kind: str, id: str = "") -> None:
        """Forget a document."""
        ...

    def delete_where(self, kind: str, of: str) -> None:
        """Forget every document of a kind whose `of` is the one given."""
        ...


class Erasing(Protocol):
    """What may hold traces of a visitor, in places `exchange`, `event`, `report` and `run`, read or rewritten."""

    def suspects(self, place: str, after: int, limit: int) -> list[Row]:
        """Rows of a place by number, without the events and reports that are the visitor's own."""
        ...

    def suspect(self, place: str, number: int) -> Row | None:
        """One of them as it is now."""
        ...

    def rewrite(self, place: str, number: int, values: Mapping[str, Any]) -> None:
        """Put new values in a row's columns."""
        ...

    def drop_report(self, number: int) -> None:
        """Forget a report that is the visitor's own."""
        ...


class Journal(ABC):
    """One emulator's access to a store."""

    waiters: Waiters
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

    @abstractmethod
    def knows_namespace(self, name: str) -> bool:
        """Whether the namespace has come into being."""

    @abstractmethod
    def add_namespace(self, name: str) -> None:
        """Let a namespace come into being."""

    @abstractmethod
    def namespace_count(self) -> int: ...

    @abstractmethod
    def namespaces(self) -> list[Row]:
        """`{"name", "events", "verdicts", "dropped", "last_at"}` of every namespace, by name."""

    @abstractmethod
    def reset(self, namespace: str, kinds: Sequence[str]) -> None:
        """Forget what was captured and reported, the documents of these kinds, and the namespace if nothing is left.

        Numbers go on.
        """

    # -- documents

    @abstractmethod
    def document(self, kind: str, namespace: str, id: str = "") -> Any:
        """One document, or None."""

    @abstractmethod
    def documents(self, kind: str, namespace: str | None) -> list[tuple[str, str, Any]]:
        """`(namespace, id, document)` of every document of a kind, oldest first; namespace None means every one."""

    @abstractmethod
    def documents_state(self, kind: str, namespace: str) -> tuple[int, int | None]:
        """Two numbers that differ whenever documents of this kind were added or deleted."""

    @abstractmethod
    def settings(self, namespace: str, kinds: Sequence[str]) -> list[Any]:
        """In one look, the document of each kind that has no id, or None."""

    @abstractmethod
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

    @abstractmethod
    def append(self, exchanges: Sequence[Exchange], *, patient: bool = True) -> int:
        """Store exchanges in one commit, durably, in their order; the number of the last. Their namespaces are known.

        Raises JournalBusyError when that would have to wait for another process and the caller is not `patient`.
        """

    @abstractmethod
    def put_report(self, namespace: str, report: Report) -> int:
        """Store a report, in the place of the one with the same id; its number, which is its verdict's."""

    @abstractmethod
    def put_run(self, namespace: str, id: str, status: str | None, summary: str, doc: str) -> None:
        """Store a run, in the place of the one with the same id; it counts as new either way."""

    @abstractmethod
    def run(self, namespace: str, id: str) -> Any:
        """One whole run, or None."""

    # -- listings

    @abstractmethod
    def rows(self, listing: str, query: Query) -> list[Row]:
        """The rows that match, in order of their numbers (downwards when `newest`), as they are stored.

        There are fewer than `limit` where the texts and bytes of those before came to `most_bytes`.
        """

    @abstractmethod
    def count(self, listing: str, query: Query, most: int) -> int:
        """How many rows match, counted no further than `most`."""

    @abstractmethod
    def verdict_counts(self, namespace: str) -> list[Row]:
        """How many judged verdicts on events there are of each kind: `{"event_key", "outcome", "attributed", "received",
        "total"}`, where `received` says whether Optimizely has the conversion.
        """

    @abstractmethod
    def outcome_counts(self) -> dict[str, int]:
        """How many judged verdicts there are of each outcome, in all namespaces."""

    @abstractmethod
    def ends(self, listing: str, namespace: str | None) -> Ends:
        """What a listing has beyond any page of it."""

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

    # -- what the projector reads and writes

    @abstractmethod
    def position(self) -> Position:
        """How far the journal is projected."""

    @abstractmethod
    def standing(self) -> Standing:
        """In one look, how far the journal is, and how far it should be."""

    @abstractmethod
    def last_exchange(self) -> int:
        """The number of the last exchange that was ever stored."""

    @abstractmethod
    def pending(self, after: int, limit: int) -> list[Pending]:
        """Exchanges in the order they were committed."""

    @abstractmethod
    def first_events(self, keys: Collection[tuple[str, str, str | None]]) -> list[Row]:
        """The first events (no duplicates) with one of these namespaces, uuids and timestamps (None: any), oldest first."""

    @abstractmethod
    def waiting_reports(self, uuids: Collection[str]) -> list[Row]:
        """`{"number", "namespace", "uuid"}` of reports of these uuids that wait for their conversion, oldest first."""

    @abstractmethod
    def unjudged(self, limit: int) -> list[Row]:
        """Verdicts to be judged: the columns of the listing, and `version`, `sent`, `timestamp`, `event_key`."""

    @abstractmethod
    def stale_visitors(self, limit: int) -> list[tuple[str, str, str]]:
        """`(namespace, visitor id, folded id)` of visitors to be judged and counted anew."""

    @abstractmethod
    def known_visitors(self, visitors: Collection[tuple[str, str, str]]) -> Iterator[Row]:
        """What steps have said of those of these visitors `(namespace, id, folded id)` that there are: `{"namespace",
        "visitor_id", "known", "number", "doc"}`, a row for each event in the list `decisions` of `known`, else one without.
        """

    @abstractmethod
    def events_of(self, visitors: Collection[tuple[str, str]]) -> Iterator[Row]:
        """The events of some visitors `(namespace, id)`, one visitor after the other, decisions first, by number.

        Each has `verdict`, the number of its verdict, with `version` and `delivery`, the report that it belongs to; all
        three may be None.
        """

    @abstractmethod
    def totals(self, namespace: str) -> str | None:
        """What the projector last said the counts of a namespace are."""

    @abstractmethod
    def excess(self) -> dict[str, int]:
        """Of each listing with more rows than are kept, or more bytes, the last number that is too much."""

    @abstractmethod
    def oldest_events(self, up_to: int, limit: int) -> list[Row]:
        """The oldest events up to a number."""

    @abstractmethod
    def project(self, step: Step) -> bool:
        """Write a step and wake whoever waits for what it brings; False, and nothing written, when the journal is no
        longer at `step.since`.
        """

    # -- what a verdict is told from

    @abstractmethod
    def events(self, numbers: Collection[int]) -> list[Row]:
        """Events by their numbers, and the first ones that they are duplicates of; one may be there twice."""

    @abstractmethod
    def decisions_of(self, visitors: Collection[tuple[str, str | None]]) -> list[Row]:
        """The decisions of some visitors `(namespace, id)`, oldest first, without duplicates."""

    @abstractmethod
    def owners(self, events: Collection[int]) -> list[Row]:
        """`{"event", "number"}` of the verdicts of reports that have one of these conversions for their own."""

    @abstractmethod
    def free_conversion(self, namespace: str, uuid: str, like: Mapping[str, str | None]) -> int | None:
        """Of the conversions with this uuid that no report has for its own the one most like `visitor_id`, `event_key`
        and `timestamp`.
        """

    @abstractmethod
    def close_visitors(self, folds: Collection[tuple[str, str | None]]) -> list[Row]:
        """`{"namespace", "fold", "visitor_id"}` of some visitors of each `(namespace, folded id)`."""

    @abstractmethod
    def visitors(self, namespace: str, event: int, after: str, limit: int) -> list[str]:
        """Visitors with events up to a number, by id, after the one given."""

    # -- privacy

    @abstractmethod
    def knows_visitor(self, namespace: str, visitor: str) -> bool: ...

    @abstractmethod
    def all_of_visitor(self, namespace: str, visitor: str) -> tuple[list[Row], list[Row]]:
        """A visitor's events and verdicts, duplicates included."""

    @abstractmethod
    def tracing(self, namespace: str, visitor: str) -> Erasing:
        """For looking through what may hold traces of a visitor, without holding anybody up."""

    @abstractmethod
    def erasing(self, namespace: str, visitor: str) -> AbstractContextManager[tuple[Erasing, int, int]]:
        """One transaction in which the visitor's own events and reports are gone: how many of each there were, and what
        rewrites the rest. The namespace is judged and counted anew after it.
        """

    @abstractmethod
    def empty_log(self) -> None:
        """Make sure that nothing keeps `scrub` from its work. Raises JournalError while somebody does."""

    @abstractmethod
    def scrub(self) -> None:
        """Leave nothing behind of what is erased. Raises JournalError while somebody keeps reading what has to go."""
