"""What goes into a journal and what it is asked, as plain data: exchanges, events, reports, a projector's step, a query."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

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


PAGE_BYTES = 8_000_000
"""A page of a listing has no more bytes than these, but for its first row."""


@dataclass(frozen=True)
class Query:
    """`namespace` None means every one; `after` is the number where the last page ended; filters are texts by name.

    Rows end with the one that makes `most_bytes` full.
    """

    namespace: str | None
    after: int | None = None
    limit: int = 100
    newest: bool = False
    filters: Mapping[str, str] = field(default_factory=dict)
    text: str | None = None
    most_bytes: int = PAGE_BYTES // 2


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


class Standing(NamedTuple):
    """How far the journal is, the `last` exchange that was ever stored, and whether anything `waits` to be judged anew."""

    position: Position
    last: int
    waits: bool


class Ends(NamedTuple):
    """The number of a listing's newest row, 0 when there is none, and how many rows the bound has cost."""

    last: int
    dropped: int


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

    `visitors` says what is known, by `(namespace, visitor id, folded id)`: a JSON object in which `decisions` are numbers
    of events, or None where the visitor must be judged and counted anew. `links` are `(verdict, event)`: a report and the
    conversion that is its own; an unreported verdict on the same event goes, and all that bear its uuid are judged anew.
    `totals` are texts by namespace. `namespaces` are those that the step concerns, each with the number of its exchanges
    that are projected. Of the listings in `dropped` all rows up to the number go, and are counted.
    """

    since: Position
    exchange: int
    event: int
    namespaces: dict[str, int] = field(default_factory=dict)
    visitors: dict[tuple[str, str, str], str | None] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    verdicts: list[NewVerdict] = field(default_factory=list)
    links: list[tuple[int, int]] = field(default_factory=list)
    judged: dict[int, Judged] = field(default_factory=dict)
    unjudged: set[int] = field(default_factory=set)
    totals: dict[str, str] = field(default_factory=dict)
    dropped: Mapping[str, int] = field(default_factory=dict)
