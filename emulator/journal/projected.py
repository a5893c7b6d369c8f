"""What the projector reads from a journal and writes into it, and what verdicts are told from."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from optilocal.emulator.journal.bounds import Bounds, drop
from optilocal.emulator.journal.records import Event, NewVerdict, Pending, Position, Standing, Step
from optilocal.emulator.journal.store import Row, Store
from optilocal.emulator.journal.waiters import Waiters

OUTCOMES = ("verdicts", "events", "exchanges")
"""The listings in which a step may change rows."""
_EVENT = ", ".join(Event._fields)
_VERDICT = "namespace, kind, event_key, event, judged, outcome, attributed"


class ProjectedRows:
    """The part of a journal that its projector works on. `max_rows` bounds exchanges, events and verdicts, each, and
    `max_bytes` the bodies of exchanges, together; the oldest go first, and are counted.
    """

    def __init__(self, store: Store, *, max_rows: int, max_bytes: int | None) -> None:
        self.waiters = Waiters()
        self._store = store
        self._bounds = Bounds(store, max_rows, max_bytes)

    # -- what the projector reads and writes

    def position(self) -> Position:
        """How far the journal is projected."""
        return Position(**self._store.select("position")[0])

    def standing(self) -> Standing:
        """In one look, how far the journal is, and how far it should be."""
        row = self._store.select("standing")[0]
        position = Position(row["exchange"], row["event"], row["epoch"])
        return Standing(position, row["last"], bool(row["waits"]))

    def last_exchange(self) -> int:
        """The number of the last exchange that was ever stored."""
        return int(self._store.value("last exchange"))

    def pending(self, after: int, limit: int) -> list[Pending]:
        """Exchanges in the order they were committed."""
        rows = [Pending(**row) for row in self._store.select("pending", after=after, limit=limit)]
        # Whichever emulator has captured them, they are counted where they are projected.
        self._bounds.added("exchanges", len(rows), sum(len(row.body) for row in rows))
        return rows

    def first_events(self, keys: Collection[tuple[str, str, str | None]]) -> list[Row]:
        """The first events (no duplicates) with one of these namespaces, uuids and timestamps (None: any), oldest first."""
        return self._among("first events", keys)

    def waiting_reports(self, uuids: Collection[str]) -> list[Row]:
        """`{"number", "namespace", "uuid"}` of reports of these uuids that wait for their conversion, oldest first."""
        return self._among("waiting reports", [(uuid,) for uuid in uuids])

    def unjudged(self, limit: int) -> list[Row]:
        """Verdicts to be judged: the columns of the listing, and `version`, `sent`, `timestamp`, `event_key`."""
        return self._store.select("unjudged", limit=limit)

    def stale_visitors(self, limit: int) -> list[tuple[str, str, str]]:
        """`(namespace, visitor id, folded id)` of visitors to be judged and counted anew."""
        rows = self._store.select("stale visitors", limit=limit)
        return [(row["namespace"], row["visitor_id"], row["fold"]) for row in rows]

    def known_visitors(self, visitors: Collection[tuple[str, str, str]]) -> Iterator[Row]:
        """What steps have said of those of these visitors `(namespace, id, folded id)` that there are: `{"namespace",
        "visitor_id", "known", "number", "doc"}`, a row for each event in the list `decisions` of `known`, else one without.
        """
        return self._store.among("known visitors", visitors) if visitors else iter(())

    def events_of(self, visitors: Collection[tuple[str, str]]) -> Iterator[Row]:
        """The events of some visitors `(namespace, id)`, one visitor after the other, decisions first, by number.

        Each has `verdict`, the number of its verdict, with `version` and `delivery`, the report that it belongs to; all
        three may be None.
        """
        return self._store.among("events of", visitors) if visitors else iter(())

    def totals(self, namespace: str) -> str | None:
        """What the projector last said the counts of a namespace are."""
        text = self._store.value("totals", namespace=namespace)
        return None if text is None else str(text)

    def excess(self) -> dict[str, int]:
        """Of each listing with more rows than are kept, or more bytes, the last number that is too much."""
        found = self._bounds.excess("exchanges", "events", "verdicts")
        for listing, cutoff in self._bounds.excess_bytes(self.position().exchange).items():
            found[listing] = max(cutoff, found.get(listing, 0))
        return found

    def oldest_events(self, up_to: int, limit: int) -> list[Row]:
        """The oldest events up to a number."""
        return self._store.select("oldest events", up_to=up_to, limit=limit)

    def project(self, step: Step) -> bool:
        """Write a step and wake whoever waits for what it brings; False, and nothing written, when the journal is no
        longer at `step.since`.
        """
        since = {
            "since_exchange": step.since.exchange,
            "since_event": step.since.event,
            "epoch": step.since.epoch,
        }
        with self._store.writing(again=True) as run:
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
                drop(run, listing, cutoff)
            run.many("put totals", list(step.totals.items()))
            for namespace in step.namespaces:
                run.tell(namespace, *OUTCOMES)
        self._bounds.added("events", len(step.events))
        self._bounds.added("verdicts", len(step.verdicts))
        self.waiters.tell(step)
        return True

    # -- what a verdict is told from

    def events(self, numbers: Collection[int]) -> list[Row]:
        """Events by their numbers, and the first ones that they are duplicates of; one may be there twice."""
        return self._among("events", [(number,) for number in numbers])

    def decisions_of(self, visitors: Collection[tuple[str, str | None]]) -> list[Row]:
        """The decisions of some visitors `(namespace, id)`, oldest first, without duplicates."""
        return self._among("decisions of", visitors)

    def owners(self, events: Collection[int]) -> list[Row]:
        """`{"event", "number"}` of the verdicts of reports that have one of these conversions for their own."""
        return self._among("owners", [(event,) for event in events])

    def free_conversion(self, namespace: str, uuid: str, like: Mapping[str, str | None]) -> int | None:
        """Of the conversions with this uuid that no report has for its own the one most like `visitor_id`, `event_key`
        and `timestamp`.
        """
        number = self._store.value("free conversion", namespace=namespace, uuid=uuid, **like)
        return None if number is None else int(number)

    def close_visitors(self, folds: Collection[tuple[str, str | None]]) -> list[Row]:
        """`{"namespace", "fold", "visitor_id"}` of some visitors of each `(namespace, folded id)`."""
        return self._among("close visitors", folds)

    def visitors(self, namespace: str, event: int, after: str, limit: int) -> list[str]:
        """Visitors with events up to a number, by id, after the one given."""
        key = {"namespace": namespace, "event": event, "after": after, "limit": limit}
        return [row["visitor_id"] for row in self._store.select("visitors", **key)]

    def _among(self, statement: str, keys: Collection[Sequence[Any]]) -> list[Row]:
        return list(self._store.among(statement, keys)) if keys else []


def _verdict(new: NewVerdict) -> tuple[Any, ...]:
    judged = new.judged
    if judged is None:
        return new.namespace, "event", new.event_key, new.event, 0, None, None
    return new.namespace, "event", new.event_key, new.event, 1, judged.outcome, judged.attributed
