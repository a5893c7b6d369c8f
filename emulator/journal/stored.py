"""A journal of named statements: what becomes of rows, whichever database runs the statements."""

import contextlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from optilocal.emulator.journal.interface import Documents, Journal, Row, T
from optilocal.emulator.journal.records import (
    LISTINGS,
    Ends,
    Event,
    Exchange,
    Pending,
    Position,
    Query,
    Report,
    Standing,
    Step,
)
from optilocal.emulator.journal.store import Store, Transaction
from optilocal.emulator.journal.stored_documents import StoredDocuments, StoredTraces, read
from optilocal.emulator.journal.waiters import News, Waiters
from optilocal.emulator.json_text import dumps

RUNS_KEPT = 1_000
_EXCHANGE = "namespace, surface, method, status, at, counts, head, body"
_EVENT = ", ".join(Event._fields)
_VERDICT = "namespace, kind, event_key, event, judged, outcome, attributed"
_OUTCOMES = ("verdicts", "events", "exchanges")


class StoredJournal(Journal):
    """`max_rows` bounds exchanges, events and verdicts, each, and `max_bytes` the bodies of exchanges, together; the oldest
    go first, and are counted.
    """

    def __init__(self, store: Store, *, max_rows: int, max_bytes: int | None) -> None:
        self.waiters = Waiters()
        self._store = store
        self._most = dict.fromkeys(LISTINGS, max_rows) | {"runs": RUNS_KEPT}
        self._added = dict(self._most)
        self._most_bytes = max_bytes
        self._added_bytes = max_bytes or 0

    # -- namespaces

    def knows_namespace(self, name: str) -> bool:
        return self._store.value("namespace exists", name=name) is not None

    def add_namespace(self, name: str) -> None:
        with self._store.writing() as run:
            run("add namespace", name=name)

    def namespace_count(self) -> int:
        return int(self._store.value("namespace count"))

    def namespaces(self) -> list[Row]:
        return self._store.select("namespaces")

    def reset(self, namespace: str, kinds: Sequence[str]) -> None:
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
        text = self._store.value("document", kind=kind, namespace=namespace, id=id)
        return None if text is None else read(text)

    def documents(self, kind: str, namespace: str | None) -> list[tuple[str, str, Any]]:
        name = "documents everywhere" if namespace is None else "documents"
        rows = self._store.select(name, kind=kind, namespace=namespace)
        found = ((row["namespace"], row["id"], read(row["doc"])) for row in rows)
        return [each for each in found if each[2] is not None]

    def documents_state(self, kind: str, namespace: str) -> tuple[int, int | None]:
        row = self._store.select("documents state", kind=kind, namespace=namespace)[0]
        return row["total"], row["newest"]

    def settings(self, namespace: str, kinds: Sequence[str]) -> list[Any]:
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
        with self._store.writing(namespace, rows=restates, patient=patient) as run:
            if namespace:
                run("add namespace", name=namespace)
            found = change(StoredDocuments(run, namespace))
            if restates:
                _restate(run, namespace)
                run.tell(namespace, *_OUTCOMES)
        if restates:
            self.waiters.wake(namespace, *_OUTCOMES)
        return found

    # -- what arrives

    def append(self, exchanges: Sequence[Exchange], *, patient: bool = True) -> int:
        return self._store.append("exchanges", _EXCHANGE, exchanges, patient=patient)

    def put_report(self, namespace: str, report: Report) -> int:
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
            run.tell(namespace, *_OUTCOMES)
        self._added["verdicts"] += 1
        self.waiters.wake(namespace, *_OUTCOMES)
        return number

    def put_run(self, namespace: str, id: str, status: str | None, summary: str, doc: str) -> None:
        values = {"namespace": namespace, "id": id, "status": status, "summary": summary, "doc": doc}
        with self._store.writing() as run:
            run("add namespace", name=namespace)
            run("delete run", **values)
            run("put run", **values)
            self._added["runs"] += 1
            for listing, cutoff in self._excess("runs").items():
                _drop(run, listing, cutoff)
            run.tell(namespace, "runs")
        self.waiters.wake(namespace, "runs")

    def run(self, namespace: str, id: str) -> Any:
        text = self._store.value("run", namespace=namespace, id=id)
        return read(text) if text else None

    # -- listings

    def rows(self, listing: str, query: Query) -> list[Row]:
        rows: list[Row] = []
        size = 0
        for row in self._store.rows(listing, query):
            rows.append(row)
            size += sum(len(value) for value in row.values() if isinstance(value, str | bytes))
            if size >= query.most_bytes:
                break
        return rows

    def count(self, listing: str, query: Query, most: int) -> int:
        return self._store.count(listing, query, most)

    def verdict_counts(self, namespace: str) -> list[Row]:
        return self._store.select("verdict counts", namespace=namespace)

    def outcome_counts(self) -> dict[str, int]:
        return {row["outcome"]: row["total"] for row in self._store.select("outcome counts")}

    def ends(self, listing: str, namespace: str | None) -> Ends:
        return self._store.ends(listing, namespace)

    # -- what the projector reads and writes

    def position(self) -> Position:
        return Position(**self._store.select("position")[0])

    def standing(self) -> Standing:
        row = self._store.select("standing")[0]
        position = Position(row["exchange"], row["event"], row["epoch"])
        return Standing(position, row["last"], bool(row["waits"]))

    def last_exchange(self) -> int:
        return int(self._store.value("last exchange"))

    def pending(self, after: int, limit: int) -> list[Pending]:
        rows = [Pending(**row) for row in self._store.select("pending", after=after, limit=limit)]
        # Whichever emulator has captured them, they are counted where they are projected.
        self._added["exchanges"] += len(rows)
        self._added_bytes += sum(len(row.body) for row in rows)
        return rows

    def first_events(self, keys: Collection[tuple[str, str, str | None]]) -> list[Row]:
        return self._among("first events", keys)

    def waiting_reports(self, uuids: Collection[str]) -> list[Row]:
        return self._among("waiting reports", [(uuid,) for uuid in uuids])

    def unjudged(self, limit: int) -> list[Row]:
        return self._store.select("unjudged", limit=limit)

    def stale_visitors(self, limit: int) -> list[tuple[str, str, str]]:
        rows = self._store.select("stale visitors", limit=limit)
        return [(row["namespace"], row["visitor_id"], row["fold"]) for row in rows]

    def known_visitors(self, visitors: Collection[tuple[str, str, str]]) -> Iterator[Row]:
        return self._store.among("known visitors", visitors) if visitors else iter(())

    def events_of(self, visitors: Collection[tuple[str, str]]) -> Iterator[Row]:
        return self._store.among("events of", visitors) if visitors else iter(())

    def totals(self, namespace: str) -> str | None:
        text = self._store.value("totals", namespace=namespace)
        return None if text is None else str(text)

    def excess(self) -> dict[str, int]:
        found = self._excess("exchanges", "events", "verdicts")
        for listing, cutoff in self._excess_bytes().items():
            found[listing] = max(cutoff, found.get(listing, 0))
        return found

    def _excess_bytes(self) -> dict[str, int]:
        """The oldest exchanges whose bodies are too much, and the events that came with them."""
        # Every row is read for it, so a tenth may be too much for a while: with a million bodies of 1 kB that takes 1.6 s.
        if self._most_bytes is None or self._added_bytes < max(1, self._most_bytes // 10):
            return {}
        self._added_bytes = 0
        excess = int(self._store.value("body bytes")) - self._most_bytes
        if excess <= 0:
            return {}
        cutoff = min(int(self._store.value("cutoff bytes", excess=excess)), self.position().exchange)
        return {
            "exchanges": cutoff,
            "events": int(self._store.value("last event of exchanges", cutoff=cutoff)),
        }

    def _excess(self, *listings: str) -> dict[str, int]:
        found = {}
        for listing in listings:
            # Counting takes long: one row in a hundred may be too much for a while.
            if self._added[listing] >= max(1, self._most[listing] // 100):
                self._added[listing] = 0
                excess = int(self._store.value(f"count {listing}")) - self._most[listing]
                if excess > 0:
                    found[listing] = int(self._store.value(f"cutoff {listing}", before=excess - 1))
        return found

    def oldest_events(self, up_to: int, limit: int) -> list[Row]:
        return self._store.select("oldest events", up_to=up_to, limit=limit)

    def project(self, step: Step) -> bool:
        since = {
            "since_exchange": step.since.exchange,
            "since_event": step.since.event,
            "epoch": step.since.epoch,
        }
        with self._store.writing() as run:
            if not run.changed("advance", exchange=step.exchange, event=step.event, **since):
                return False
            run.many("put visitors", [(*visitor, known) for visitor, known in step.visitors.items()])
            run.insert("events", _EVENT, step.events)
            run.insert("verdicts", _VERDICT, [_verdict(new) for new in step.verdicts])
            for number, event in step.links:
                run("give conversion", number=number, event=event)
                run("drop unreported", event=event)
                run("unjudge alike", event=event)
            run.many("unjudge", [(number,) for number in step.unjudged])
            judged = [(*found[:2], number, found.version) for number, found in step.judged.items()]
            run.many("store outcome", judged)
            for listing, cutoff in step.dropped.items():
                _drop(run, listing, cutoff)
            run.many("put totals", list(step.totals.items()))
            for namespace in step.namespaces:
                run.tell(namespace, *_OUTCOMES)
        for listing, new in (("events", step.events), ("verdicts", step.verdicts)):
            self._added[listing] += len(new)
        self._tell(step)
        return True

    def _tell(self, step: Step) -> None:
        """Wake whoever waits for what a step has brought."""
        for namespace, exchanges in step.namespaces.items():
            waiting = self.waiters.of(namespace, ("exchanges", "events", "verdicts"))
            if not waiting:
                continue
            news: News = Counter()
            own = [event for event in step.events if event.namespace == namespace]
            for event in own:
                news.update(
                    [("visitor_id", event.visitor_id), ("uuid", event.uuid), ("event_key", event.key)]
                )
            news.update(("outcome", new.judged.outcome) for new in step.verdicts if new.judged)
            news.update(("outcome", judged.outcome) for judged in step.judged.values())
            for waiter in waiting:
                waiter.tell(max(exchanges, len(own)), news, changed=len(step.judged))

    # -- what a verdict is told from

    def events(self, numbers: Collection[int]) -> list[Row]:
        return self._among("events", [(number,) for number in numbers])

    def decisions_of(self, visitors: Collection[tuple[str, str | None]]) -> list[Row]:
        return self._among("decisions of", visitors)

    def owners(self, events: Collection[int]) -> list[Row]:
        return self._among("owners", [(event,) for event in events])

    def free_conversion(self, namespace: str, uuid: str, like: Mapping[str, str | None]) -> int | None:
        number = self._store.value("free conversion", namespace=namespace, uuid=uuid, **like)
        return None if number is None else int(number)

    def close_visitors(self, folds: Collection[tuple[str, str | None]]) -> list[Row]:
        return self._among("close visitors", folds)

    def _among(self, statement: str, keys: Collection[Sequence[Any]]) -> list[Row]:
        return list(self._store.among(statement, keys)) if keys else []

    def visitors(self, namespace: str, event: int, after: str, limit: int) -> list[str]:
        key = {"namespace": namespace, "event": event, "after": after, "limit": limit}
        return [row["visitor_id"] for row in self._store.select("visitors", **key)]

    # -- privacy

    def knows_visitor(self, namespace: str, visitor: str) -> bool:
        return self._store.value("visitor known", namespace=namespace, visitor_id=visitor) is not None

    def all_of_visitor(self, namespace: str, visitor: str) -> tuple[list[Row], list[Row]]:
        key = {"namespace": namespace, "visitor_id": visitor}
        return (
            self._store.select("all events of visitor", **key),
            self._store.select("all verdicts of visitor", **key),
        )

    def tracing(self, namespace: str, visitor: str) -> StoredTraces:
        return StoredTraces(self._store.select, namespace, visitor)

    @contextlib.contextmanager
    def erasing(self, namespace: str, visitor: str) -> Iterator[tuple[StoredTraces, int, int]]:
        key = {"namespace": namespace, "visitor_id": visitor}
        with self._store.writing() as run:
            counts = [
                next(iter(run(f"count {what} to erase", **key)[0].values())) for what in ("events", "reports")
            ]
            for name in ("erase verdicts", "erase events", "erase visitor"):
                run(name, **key)
            yield StoredTraces(run, namespace, visitor), counts[0], counts[1]
            _restate(run, namespace)
            run.tell(namespace, *_OUTCOMES)


def _verdict(new: Any) -> tuple[Any, ...]:
    judged = new.judged
    if judged is None:
        return new.namespace, "event", new.event_key, new.event, 0, None, None
    return new.namespace, "event", new.event_key, new.event, 1, judged.outcome, judged.attributed


def _restate(run: Transaction, namespace: str) -> None:
    """Have all that is counted and judged in a namespace counted and judged anew."""
    for name in ("restate visitors", "restate verdicts", "forget totals"):
        run(name, namespace=namespace)
    run("next epoch")


def _drop(run: Transaction, listing: str, cutoff: int) -> None:
    """Drop the oldest rows of a listing, and count them."""
    run(f"count dropped {listing}", cutoff=cutoff)
    if listing == "events":
        for name in ("unjudge duplicates", "count verdicts without event", "drop verdicts without event"):
            run(name, cutoff=cutoff)
    run(f"drop {listing}", cutoff=cutoff)
