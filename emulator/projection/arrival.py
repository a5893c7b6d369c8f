"""One slice of new exchanges on its way into the journal: event batches read, duplicates and waiting reports found."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from optilocal.emulator.batch.parse import parse
from optilocal.emulator.batch.row import EventRow
from optilocal.emulator.counting.attribution import deduplication_key
from optilocal.emulator.counting.standing import Rules
from optilocal.emulator.datafile.bandit import prediction_note
from optilocal.emulator.journal.journal import Journal
from optilocal.emulator.journal.limits import SLICE
from optilocal.emulator.journal.records import Event, Judged, NewVerdict, Pending, Step
from optilocal.emulator.json_text import dumps, loads

Key = tuple[str, str]


class _First(NamedTuple):
    """The first event of those with one de-duplication key."""

    number: int
    visitor_id: str | None
    key: str | None
    timestamp: str
    kind: str


# Clients send the same headers again and again, and reading them takes a tenth as long as all the rest of an event.
@lru_cache(maxsize=SLICE)
def _headers(head: str) -> Mapping[str, str]:
    """Those headers of a request that say something of its visitors, or where they were sent."""
    headers: dict[str, str] = loads(head)["headers"]
    return {name: value for name, value in headers.items() if name.lower() in ("user-agent", "host")}


class Arrival:
    """What the pending exchanges hold, and the step that it becomes."""

    def __init__(self, journal: Journal, rules: Rules, step: Step, pending: Sequence[Pending]) -> None:
        self.step, self._rules = step, rules
        self._rows: list[tuple[Pending, EventRow]] = []
        self.visitors: dict[Key, None] = {}
        keys: set[tuple[str, str, str | None]] = set()
        at_any_time = rules.dedup == "uuid"
        for each in pending:
            namespace = each.namespace
            step.namespaces[namespace] = step.namespaces.get(namespace, 0) + 1
            if not each.counts:
                continue
            for row in parse(each.body, headers=_headers(each.head), received_at=each.at).rows:
                self._rows.append((each, row))
                if odd := prediction_note(journal, namespace, row):
                    row["warnings"].append(odd)
                if visitor := row["visitor_id"]:
                    self.visitors[namespace, visitor] = None
                if uuid := row["uuid"]:
                    keys.add((namespace, uuid, None if at_any_time else str(row["timestamp"])))
        self._first: dict[tuple[Any, ...], _First] = {}
        for known in journal.first_events(keys):
            first = _First(*(known[name] for name in _First._fields))
            self._first.setdefault((known["namespace"], *deduplication_key(known, rules)), first)
        self._waiting: dict[Key, list[int]] = {}
        for report in journal.waiting_reports({uuid for _, uuid, _ in keys}):
            self._waiting.setdefault((report["namespace"], report["uuid"]), []).append(report["number"])

    def events(self) -> Iterator[tuple[EventRow, Event]]:
        """Each event in turn, as it was read and as it is kept."""
        for each, row in self._rows:
            self.step.event += 1
            number, namespace = self.step.event, each.namespace
            kind, visitor, uuid, key = row["kind"], row["visitor_id"], row["uuid"], row["key"]
            timestamp, duplicate_of = str(row["timestamp"]), None
            if uuid:
                mine = (namespace, *deduplication_key(row, self._rules))
                first = self._first.get(mine)
                if first is None:
                    self._first[mine] = _First(number, visitor, key, timestamp, kind)
                else:
                    duplicate_of = first.number
            event = Event(
                *(
                    number,
                    namespace,
                    kind,
                    visitor,
                    row["account_id"],
                    uuid,
                    key,
                    row["entity_id"],
                    timestamp,
                ),
                *(row["experiment_id"], each.number, duplicate_of, dumps(row)),
            )
            self.step.events.append(event)
            yield row, event

    def finds_report(self, event: Event) -> bool:
        """Whether a report was there before its conversion, or its first attempt was lost: it takes the conversion now."""
        waiting = self._waiting.get((event.namespace, event.uuid)) if event.uuid else None
        if not waiting:
            return False
        self.step.links.append((waiting.pop(0), event.number))
        return True

    def add_verdict(self, event: Event, judged: Judged | None) -> None:
        """A conversion that no report explains has a verdict of its own; without an outcome it is judged later."""
        self.step.verdicts.append(NewVerdict(event.namespace, event.key, event.number, judged))

    def add_duplicate(self, event: Event, row: EventRow) -> None:
        """The same event once more is a replay, and no news; another one with its key deserves a verdict."""
        if event.kind == "decision" or self.finds_report(event):
            return
        first = self._first[event.namespace, *deduplication_key(row, self._rules)]
        if first[1:] != (event.visitor_id, event.key, event.timestamp, event.kind):
            self.add_verdict(event, None)
