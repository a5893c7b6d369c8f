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
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, TypeVar

from optilocal.emulator.journal.waiters import Waiters

LISTINGS = ("exchanges", "events", "verdicts", "runs")
FILTERS: Mapping[str, frozenset[str]] = {
    "exchanges": frozenset(
        ("surface", "method", "status", "visitor_id", "uuid", "event_key", "kind", "experiment", "outcome")
    ),
    "events": frozenset(
        ("visitor_id", "uuid", "event_key", "kind", "exchange", "experiment", "status", "outcome")
    ),
    "verdicts": frozenset(
        ("message_id", "outcome", "event_key", "visitor_id", "uuid", "kind", "experiment", "status")
    ),
    "runs": frozenset(("status",)),
}
"""The fields that each listing can be filtered by; `experiment` takes a JSON list of names."""

Row = dict[str, Any]
T = TypeVar("T")


class JournalError(Exception):
    """The journal cannot be used; the text is one line that says which one, why and what to do."""


class JournalBusyError(JournalError):
    """Another process is writing; ask again in some milliseconds."""


@dataclass(frozen=True)
class Query:
    """`namespace` None means every one; `after` is the number where the last page ended; filters are texts by name."""

    namespace: str | None
    after: int | None = None
    limit: int = 100
    newest: bool = False
    filters: Mapping[str, str] = field(default_factory=dict)
    text: str | None = None


class Exchange(NamedTuple):
    """One request and its answer. `at` is epoch milliseconds, `counts` says that the body was taken in as an event batch,
    `head` is JSON: path, query, headers, response, fault, and the notes that the body alone does not tell.
    """

    namespace: str
    surface: str
    method: str
    status: int | None
    at: int
    counts: bool
    head: str
    body: bytes


class Pending(NamedTuple):
    """An exchange that is not projected yet, with what the projector needs of it."""

    number: int
    namespace: str
    at: int
    counts: bool
    head: str
    body: bytes


class Event(NamedTuple):
    """One decision or conversion as it is kept. `timestamp` is a text: whole numbers of any length are sent.

    `duplicate_of` is the number of the first event with the same de-duplication key; `doc` is the whole row as JSON.
    """

    number: int
    namespace: str
    kind: str
    visitor_id: str | None
    account_id: str | None
    uuid: str | None
    key: str | None
    entity_id: str | None
    timestamp: str
    experiment_id: str | None
    exchange: int
    duplicate_of: int | None
    doc: str


class Report(NamedTuple):
    """A forwarder's report. `uuid` and `timestamp` are those its conversion bears; only a report that `sent` something
    takes a conversion for its own that is there already, and only one that `waits` one that comes later. `delivery` is the
    whole report as JSON.
    """

    delivery_id: str
    kind: str
    message_id: str | None
    uuid: str | None
    visitor_id: str | None
    user_id: str | None
    anonymous_id: str | None
    event_key: str | None
    timestamp: str
    sent: bool
    waits: bool
    delivery: str


class Position(NamedTuple):
    """How far the journal is projected: the last exchange, the last event's number, and how often what is projected was
    changed by something else: a reset, an erasure, a new datafile.
    """

    exchange: int
    event: int
    epoch: int


class Judged(NamedTuple):
    """The outcome of a verdict, and a JSON list of the experiments' names and ids that it is credited to.

    `version` is that of the verdict's row when it was read: of a report that was replaced since nothing is known yet.
    """

    outcome: str | None
    attributed: str
    version: int = 0


class NewVerdict(NamedTuple):
    """The verdict of a conversion that no report explains; without an outcome it is judged later."""

    namespace: str
    event_key: str | None
    event: int
    judged: Judged | None


@dataclass
class Step:
    """One step of the projector. It was worked out at `since`, and what it says holds together or not at all.

    `visitors` are `(namespace, visitor id, folded id)`; `stale` and `settled` `(namespace, visitor id)` of visitors that
    must be judged and counted anew, or now are. `links` are `(verdict, event)`: a report and the conversion that is its
    own; an unreported verdict on the same event goes, and all that bear its uuid are judged anew. `totals` are texts by
    namespace. `told` has every namespace that the step concerns, and how many of its exchanges the step is through with.
    Of the listings in `dropped` all rows up to the number go, and are counted.
    """

    since: Position
    exchange: int
    event: int
    told: dict[str, int] = field(default_factory=dict)
    visitors: set[tuple[str, str, str]] = field(default_factory=set)
    events: list[Event] = field(default_factory=list)
    verdicts: list[NewVerdict] = field(default_factory=list)
    links: list[tuple[int, int]] = field(default_factory=list)
    judged: dict[int, Judged] = field(default_factory=dict)
    unjudged: set[int] = field(default_factory=set)
    stale: set[tuple[str, str]] = field(default_factory=set)
    settled: set[tuple[str, str]] = field(default_factory=set)
    totals: dict[str, str] = field(default_factory=dict)
    dropped: Mapping[str, int] = field(default_factory=dict)


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

    # -- lifetime

    @abstractmethod
    def close(self) -> None:
        """Let every waiter go and leave the store; as often as one likes."""

    @abstractmethod
    def is_sound(self) -> bool:
        """Whether the store is undamaged; all of it is read."""

    @abstractmethod
    def look(self) -> None:
        """Notice what other processes have written, and wake whoever waits for it; called about twice a second.

        Raises JournalError when the store has gone.
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
        """Forget what was captured and reported, and the documents of these kinds. Numbers go on."""

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
    def settings(self, namespace: str, kinds: Sequence[str]) -> tuple[bool, list[Any]]:
        """In one look whether the namespace has come into being, and the document of each kind that has no id, or None."""

    @abstractmethod
    def transact(self, namespace: str, change: Callable[[Documents], T], *, restates: bool = False) -> T:
        """Change documents of a namespace together or not at all; what `change` returns. It may be called again when
        another process was faster. With `restates` every verdict and count of the namespace is worked out anew. The empty
        name is that of no namespace: the journal's own documents.
        """

    def change_document(self, kind: str, namespace: str, change: Callable[[Any], Any], id: str = "") -> Any:
        """Put what `change` makes of a document (None when there is none) in its place; None deletes it."""

        def changed(documents: Documents) -> Any:
            new = change(documents.get(kind, id))
            if new is None:
                documents.delete(kind, id)
            else:
                documents.put(kind, new, id)
            return new

        return self.transact(namespace, changed)

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
        """The rows that match, in order of their numbers (downwards when `newest`), as they are stored."""

    @abstractmethod
    def count(self, listing: str, query: Query, most: int) -> int:
        """How many rows match, counted no further than `most`."""

    @abstractmethod
    def newest_number(self, listing: str, namespace: str | None) -> int:
        """The number of the newest row there is, 0 when there is none."""

    @abstractmethod
    def dropped(self, listing: str, namespace: str | None) -> int:
        """How many rows the bound has cost."""

    # -- what the projector reads and writes

    @abstractmethod
    def position(self) -> Position:
        """How far the journal is projected."""

    @abstractmethod
    def last_exchange(self) -> int:
        """The number of the last exchange that was ever stored."""

    @abstractmethod
    def pending(self, after: int, limit: int) -> list[Pending]:
        """Exchanges in the order they were committed."""

    @abstractmethod
    def first_events(self, keys: Collection[tuple[str, str, str | None]]) -> list[Row]:
        """The events with one of these namespaces, uuids and timestamps (None: any) that are no duplicates, oldest first."""

    @abstractmethod
    def waiting_reports(self, uuids: Collection[str]) -> list[Row]:
        """`{"number", "namespace", "uuid"}` of reports of these uuids that wait for their conversion, oldest first."""

    @abstractmethod
    def unjudged(self, limit: int) -> list[Row]:
        """Verdicts to be judged: the columns of the listing, and `version`, `sent`, `timestamp`, `event_key`."""

    @abstractmethod
    def stale_visitors(self, limit: int) -> list[tuple[str, str]]:
        """`(namespace, visitor id)` of visitors to be judged and counted anew."""

    @abstractmethod
    def stale_among(self, visitors: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
        """Those of these visitors that are to be judged and counted anew."""

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
        """Of each listing with more rows than are kept, the last number that is too much."""

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
    def event(self, number: int) -> Row | None:
        """One event."""

    @abstractmethod
    def decisions_of(self, namespace: str, visitor: str) -> list[Row]:
        """A visitor's decisions, oldest first, without duplicates."""

    @abstractmethod
    def owners(self, event: int) -> list[int]:
        """The numbers of the verdicts of reports that have this conversion for their own."""

    @abstractmethod
    def free_conversion(self, namespace: str, uuid: str, like: Mapping[str, str | None]) -> int | None:
        """Of the conversions with this uuid that no report has for its own the one most like `visitor_id`, `event_key`
        and `timestamp`.
        """

    @abstractmethod
    def close_visitors(self, namespace: str, fold: str) -> list[str]:
        """Some visitor ids that are the same when folded."""

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
