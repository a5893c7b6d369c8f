"""Requests with what was read in them → rows of the journal: many in one transaction, each number given in order."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from optilocal.emulator.batch.row import EventRow
from optilocal.emulator.datafile.nearest import fold
from optilocal.emulator.json_text import dumps, storable
from optilocal.emulator.projection.served_predictions import prediction_note

_VISITORS_REMEMBERED = 20_000
_Key = tuple[str, str | None, str]


class Transaction(Protocol):
    """Named statements of `journal.sql` that hold together or not at all."""

    def __call__(self, statement: str, /, **values: Any) -> list[dict[str, Any]]:
        """The rows of one."""
        ...

    def many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """One for many rows of values."""
        ...


class Request(NamedTuple):
    """One request as the journal keeps it: `doc` is the architecture's exchange as JSON, without number and body."""

    namespace: str
    surface: str
    method: str
    status: int | None
    doc: str
    body: bytes
    rows: Sequence[EventRow] = ()


class _First(NamedTuple):
    """The first event of its account with one uuid."""

    number: int
    visitor_id: str | None
    key: str | None
    timestamp: str | None
    kind: str


class Index:
    """Writes requests into the tables. It remembers which visitors it has written, so that it asks once."""

    def __init__(self) -> None:
        self._visitors: set[tuple[str, str]] = set()

    def forget(self) -> None:
        """Remember no visitor: some may have been erased."""
        self._visitors.clear()

    def write(self, run: Transaction, requests: Sequence[Request]) -> list[int]:
        """Write the requests in their order; their numbers."""
        last = {row["name"]: row["seq"] for row in run("last numbers")}
        exchange, event = last.get("exchanges", 0), last.get("events", 0)
        batch = _Batch(run, [(request.namespace, row) for request in requests for row in request.rows])
        exchanges, numbers = [], []
        for request in requests:
            exchange += 1
            numbers.append(exchange)
            exchanges.append((exchange, *request[:6]))
            for row in request.rows:
                event += 1
                odd = prediction_note(run, request.namespace, row)
                row["warnings"] += [odd] if odd else []
                batch.add(request.namespace, row, exchange, event)
        run.many("add exchanges", exchanges)
        batch.write(run)
        self._add_visitors(run, batch.visitors)
        return numbers

    def _add_visitors(self, run: Transaction, visitors: set[tuple[str, str]]) -> None:
        new = visitors - self._visitors
        if new:
            run.many("add visitors", [(storable(fold(visitor)), space, visitor) for space, visitor in new])
            if len(self._visitors) > _VISITORS_REMEMBERED:
                self._visitors.clear()
            self._visitors |= new


class _Batch:
    """Events on their way into the tables, with what the tables already have of their uuids."""

    def __init__(self, run: Transaction, rows: Sequence[tuple[str, EventRow]]) -> None:
        self.visitors: set[tuple[str, str]] = set()
        self._events: list[tuple[Any, ...]] = []
        self._verdicts: list[tuple[Any, ...]] = []
        self._given: list[tuple[int, int]] = []
        self._decided: dict[tuple[str, str], int] = {}
        self._first: dict[_Key, _First] = {}
        self._waiting: dict[tuple[str, str], list[int]] = {}
        uuids = dumps([uuid for uuid in {storable(row["uuid"]) for _, row in rows} if uuid])
        if uuids == "[]":
            return
        for known in run("known uuids", uuids=uuids):
            key = (known["namespace"], known["account_id"], known["uuid"])
            names = ("number", "visitor_id", "key", "timestamp", "kind")
            self._first.setdefault(key, _First(*(known[name] for name in names)))
        for report in run("waiting reports", uuids=uuids):
            self._waiting.setdefault((report["namespace"], report["uuid"]), []).append(report["number"])

    def add(self, namespace: str, row: EventRow, exchange: int, number: int) -> None:
        kind, visitor, uuid = row["kind"], storable(row["visitor_id"]), storable(row["uuid"])
        account, key, timestamp = storable(row["account_id"]), storable(row["key"]), str(row["timestamp"])
        first = None
        if uuid:
            first = self._first.get((namespace, account, uuid))
            if first is None:
                self._first[namespace, account, uuid] = _First(number, visitor, key, timestamp, kind)
        experiment, duplicate_of = storable(row["experiment_id"]), first and first.number
        self._events.append(
            (
                *(number, namespace, kind, visitor, account, uuid, key, timestamp),
                *(experiment, exchange, duplicate_of, dumps(row)),
            )
        )
        if visitor is not None:
            self.visitors.add((namespace, visitor))
        if kind == "decision":
            # A visitor's earlier verdicts hang on its decisions, and on no other conversion.
            if visitor and first is None:
                self._decided.setdefault((namespace, visitor), number)
            return
        # A report that came before its conversion, or whose first attempt was lost, takes it now.
        waiting = self._waiting.get((namespace, uuid)) if uuid else None
        if waiting:
            self._given.append((number, waiting.pop(0)))
            return
        # The same event once more is a replay and no news; another one that bears its uuid deserves a verdict.
        if first is None or first[1:] != (visitor, key, timestamp, kind):
            self._verdicts.append((namespace, key, number))

    def write(self, run: Transaction) -> None:
        """Write the events, the verdicts they wait for, and what they change for earlier ones."""
        run.many("add events", self._events)
        run.many("give conversion", self._given)
        run.many("add unreported", self._verdicts)
        run.many("add newly decided", [(*of, number) for of, number in self._decided.items()])
